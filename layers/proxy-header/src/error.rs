use alloc::string::String;
use core::fmt;
use wirestack_layer::{Escaped, FirstBytes, SeenProtocol};

/// The name of both layers, in errors and traces.
pub(crate) const NAME: &str = "proxy-header";

/// The reason why the received bytes are not a valid PROXY header: the cause in an
/// [`Error`](wirestack_layer::Error) of the layer `proxy-header`.
///
/// ```
/// use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe};
/// use wirestack_proxy_header::{ProxyHeaderError, Server};
///
/// let mut server = Server::default();
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"GET / HTTP/1.1\r\n"); // a client that has come past the balancer
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// assert!(matches!(error.cause(), Some(ProxyHeaderError::NoHeader { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyHeaderError {
    /// The connection begins with other bytes: the peer does not speak this protocol.
    #[error(
        "the connection begins with {seen}, wanted a PROXY header: {}",
        advice(seen)
    )]
    NoHeader {
        /// The first bytes, up to the first one that is wrong.
        seen: FirstBytes,
    },
    /// The peer finished in the middle of the header.
    #[error("the connection ended after {seen} bytes of the header")]
    Truncated {
        /// The number of bytes of it that had arrived.
        seen: usize,
    },
    /// Version 1: the line has no end in its first 107 bytes.
    #[error("the PROXY line has no CRLF in its first 107 bytes")]
    LongLine,
    /// Version 1: the line is malformed. It is quoted up to the byte that shows it.
    #[error("malformed PROXY line \"{}\", wanted TCP4, TCP6 or UNKNOWN, its fields, and CRLF", Escaped::new(.0))]
    BadLine(String),
    /// The signature is that of version 2, but the version number is another one.
    #[error("the PROXY header has the version {0}, wanted 2")]
    UnknownVersion(u8),
    /// Version 2: the command is neither LOCAL (0) nor PROXY (1).
    #[error("the PROXY header has the command {0:#x}, wanted 0x0 (LOCAL) or 0x1 (PROXY)")]
    UnknownCommand(u8),
    /// Version 2: the address family or the transport is not assigned.
    #[error(
        "the PROXY header has the address family and transport {0:#04x}, wanted the digits 0 to 3 and 0 to 2"
    )]
    UnknownFamily(u8),
    /// Version 2: the header is longer than this server accepts.
    #[error("the header has {seen} bytes, wanted at most {limit}; `Server::with_limit` sets that")]
    TooLong {
        /// The number of bytes that the header claims to have.
        seen: usize,
        /// The limit that was set.
        limit: usize,
    },
    /// Version 2: the addresses do not fit into the header.
    #[error("the header has {seen} bytes for its addresses, wanted {wanted}")]
    ShortAddresses {
        /// The number of bytes behind the length field.
        seen: usize,
        /// The number of bytes that addresses of this family have.
        wanted: usize,
    },
    /// Version 2: a value does not fit into the header.
    #[error("the value at byte {at} of the header is longer than the rest of the header")]
    ShortTlv {
        /// The index of the first byte of the value.
        at: usize,
    },
    /// Version 2: the checksum does not have 4 bytes.
    #[error("the checksum has {0} bytes, wanted 4")]
    ChecksumLength(usize),
    /// Version 2: the checksum is not that of the header.
    #[error("the header has the checksum {seen:#010x}, wanted {wanted:#010x}")]
    WrongChecksum {
        /// The checksum in the header.
        seen: u32,
        /// The checksum of the bytes that arrived.
        wanted: u32,
    },
}

/// The reason why a header cannot be made or sent.
///
/// ```
/// use wirestack_proxy_header::{Client, Header, HeaderError};
///
/// let datagrams = Header::udp("192.0.2.1:53".parse()?, "192.0.2.7:53".parse()?);
/// assert!(matches!(Client::v1(datagrams), Err(HeaderError::Version1(_))));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Version 1 cannot carry this.
    #[error("version 1 cannot carry {0}: use version 2")]
    Version1(&'static str),
    /// The path of a Unix socket has this many bytes.
    #[error("a Unix socket path of {0} bytes, wanted at most 108")]
    UnixPath(usize),
    /// The unique id has this many bytes.
    #[error("a unique id of {0} bytes, wanted at most 128")]
    UniqueId(usize),
    /// The header would have this many bytes.
    #[error("a header of {0} bytes, wanted at most 65,528")]
    Length(usize),
    /// A checksum was given as a value. The client computes it from the whole header.
    #[error("a checksum as a value: use `Client::with_checksum`")]
    Checksum,
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns the advice for a peer that begins without a header.
fn advice(seen: &FirstBytes) -> &'static str {
    match seen.protocol() {
        Some(SeenProtocol::ProxyHeader) => "it has a version that is not accepted here",
        _ => "the peer is no load balancer, or one that is not told to send it",
    }
}
