//! The messages of all versions, parsed and emitted, without state.

pub(crate) mod v4;
pub(crate) mod v5;

use crate::{Address, Reply, SocksError, Version};
use alloc::string::String;
use bytes::BytesMut;

// What the messages are called, in errors and while they are awaited.
pub(crate) const GREETING: &str = "the greeting";
pub(crate) const CHOICE: &str = "the choice of a method";
pub(crate) const PASSWORD: &str = "the password";
pub(crate) const STATUS: &str = "the answer to the password";
pub(crate) const REQUEST: &str = "the request";
pub(crate) const SOCKS4_REQUEST: &str = "the SOCKS4 request";
pub(crate) const SECOND_REPLY: &str = "the second reply to BIND";
/// What the application of a server is asked about once it listens.
pub(crate) const PEER: &str = "the peer of BIND";
pub(crate) const DATAGRAM: &str = "the datagram";

/// The fields of a message, read one after the other.
pub(crate) struct Fields<'a> {
    message: &'static str,
    bytes: &'a [u8],
    read: usize,
}

/// Why a message could not be parsed.
pub(crate) enum Unparsed {
    /// It has at least so many bytes.
    Short(usize),
    Wrong(SocksError),
}

impl From<SocksError> for Unparsed {
    fn from(cause: SocksError) -> Self {
        Self::Wrong(cause)
    }
}

pub(crate) type Parsed<T> = Result<T, Unparsed>;

impl<'a> Fields<'a> {
    /// Begins to read `message` at the first of these bytes.
    pub(crate) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            message,
            bytes,
            read: 0,
        }
    }

    /// Returns how many bytes the fields had that were read.
    pub(crate) fn len(&self) -> usize {
        self.read
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Parsed<&'a [u8]> {
        let end = self.read + n;
        let field = self.bytes.get(self.read..end).ok_or(Unparsed::Short(end))?;
        self.read = end;
        Ok(field)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(crate) fn byte(&mut self) -> Parsed<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// Returns the next byte, which is not read by that.
    pub(crate) fn peek(&self) -> Parsed<u8> {
        let byte = self.bytes.get(self.read).copied();
        byte.ok_or(Unparsed::Short(self.read + 1))
    }

    pub(crate) fn port(&mut self) -> Parsed<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn version(&mut self, wanted: u8) -> Parsed<()> {
        let message = self.message;
        match self.byte()? {
            seen if seen == wanted => Ok(()),
            seen => Err(Unparsed::Wrong(SocksError::BadVersion {
                message,
                seen,
                wanted,
            })),
        }
    }
}

/// Reads the bytes of a name; what is not UTF-8 becomes U+FFFD, which no name can have.
pub(crate) fn name(bytes: &[u8], port: u16) -> Parsed<Address> {
    let name = String::from_utf8_lossy(bytes);
    Ok(Address::new(&name, port).map_err(SocksError::from)?)
}

/// Emits the reply that a request is granted, with what was bound or who has connected.
pub(crate) fn emit_granted(to: &mut BytesMut, version: Version, address: &Address) {
    match version {
        Version::Socks4 => v4::emit_granted(to, address),
        Version::Socks5 => v5::emit_succeeded(to, address),
    }
}

/// Emits the reply that a request is refused.
pub(crate) fn emit_refusal(to: &mut BytesMut, version: Version, reply: Reply) {
    match version {
        Version::Socks4 => v4::emit_refusal(to, reply),
        Version::Socks5 => v5::emit_refusal(to, reply),
    }
}
