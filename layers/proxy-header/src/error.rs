use alloc::string::String;
use alloc::vec::Vec;

/// Why a header that arrived is none: the cause in an [`Error`](wirestack_layer::Error) of the layer
/// `proxy-header`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The connection begins with something else: whoever is there is no proxy of this protocol.
    #[error("the connection begins with {seen:02x?}, wanted a header of the PROXY protocol")]
    NoHeader {
        /// The first bytes, up to the first one that is wrong.
        seen: Vec<u8>,
    },
    /// The peer finished in the middle of the header.
    #[error("the wire ended after {seen} bytes of the header")]
    Truncated {
        /// How many bytes of it had arrived.
        seen: usize,
    },
    /// Version 1: the line does not end in time.
    #[error("a line of more than 107 bytes")]
    LongLine,
    /// Version 1: the line is not as it should be.
    ///
    /// It is quoted up to the byte that tells.
    #[error("a line that cannot be read: {0:?}")]
    BadLine(String),
    /// The signature is that of version 2, the number is not.
    #[error("version {0}, wanted 2")]
    UnknownVersion(u8),
    /// Version 2: neither LOCAL (0) nor PROXY (1).
    #[error("command {0:#x}, wanted 0x0 or 0x1")]
    UnknownCommand(u8),
    /// Version 2: a family or a transport that there is not.
    #[error("family and transport {0:#04x}, wanted 0x00 to 0x32")]
    UnknownFamily(u8),
    /// Version 2: the header is longer than is accepted here.
    #[error("a header of {seen} bytes, wanted at most {limit}")]
    TooLong {
        /// What the header claims.
        seen: usize,
        /// What was set.
        limit: usize,
    },
    /// Version 2: the addresses do not fit into the header.
    #[error("{seen} bytes behind the length, wanted {wanted} for the addresses")]
    ShortAddresses {
        /// How many there are.
        seen: usize,
        /// How many the family needs.
        wanted: usize,
    },
    /// Version 2: a value does not fit into the header.
    #[error("a value that is cut short at byte {at} of the header")]
    ShortTlv {
        /// Where it begins.
        at: usize,
    },
    /// Version 2: a checksum of another length.
    #[error("a checksum of {0} bytes, wanted 4")]
    ChecksumLength(usize),
    /// Version 2: the checksum is not that of the header.
    #[error("checksum {seen:#010x}, wanted {wanted:#010x}")]
    WrongChecksum {
        /// What the header says.
        seen: u32,
        /// What its bytes have.
        wanted: u32,
    },
}

/// Why something cannot be said in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Version 1 has no words for it.
    #[error("{0} cannot be said in version 1")]
    Version1(&'static str),
    /// The path of a Unix socket has so many bytes.
    #[error("a path of {0} bytes, wanted at most 108")]
    UnixPath(usize),
    /// What names the connection has so many bytes.
    #[error("a unique id of {0} bytes, wanted at most 128")]
    UniqueId(usize),
    /// The header would have so many bytes.
    #[error("a header of {0} bytes, wanted at most 65,528")]
    Length(usize),
    /// A checksum is made from the whole header.
    #[error("a checksum is made by the client, not given")]
    Checksum,
}
