//! Reading the fields of a message.

use crate::{Address, AddressError, SocksError};
use alloc::string::String;
use wirestack_layer::FirstBytes;

/// The fields of a message, read one after the other.
pub(crate) struct Fields<'a> {
    message: &'static str,
    bytes: &'a [u8],
    read: usize,
}

/// The reason why a message could not be parsed.
pub(crate) enum Unparsed {
    /// It is not complete: it has at least this many bytes.
    Short(usize),
    /// It is wrong.
    Wrong(SocksError),
}

impl From<SocksError> for Unparsed {
    fn from(cause: SocksError) -> Self {
        Self::Wrong(cause)
    }
}

pub(crate) type Parsed<T> = Result<T, Unparsed>;

impl<'a> Fields<'a> {
    /// Begins to read the message of this name.
    pub(crate) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            message,
            bytes,
            read: 0,
        }
    }

    /// Returns the number of bytes that were read.
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

    /// Returns the first byte of the message, and does not read it.
    pub(crate) fn first(&self) -> Parsed<u8> {
        self.bytes.first().copied().ok_or(Unparsed::Short(1))
    }

    /// Reads a field that ends with NUL, and returns it without the NUL.
    pub(crate) fn terminated(&mut self, field: &'static str, longest: usize) -> Parsed<&'a [u8]> {
        let start = self.read;
        while self.byte()? != 0 {
            if self.read - start > longest {
                return Err(SocksError::TooLong(field).into());
            }
        }
        Ok(&self.bytes[start..self.read - 1])
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

    /// Reads the version of the first message of a peer. Another byte is the first one of another
    /// protocol, whose name may need more bytes.
    pub(crate) fn first_version(&mut self, wanted: u8) -> Parsed<()> {
        if self.first()? == wanted {
            return self.version(wanted);
        }
        Err(match FirstBytes::read(self.bytes, false) {
            Ok(seen) => Unparsed::Wrong(SocksError::NotSocks {
                message: self.message,
                seen,
            }),
            Err(needed) => Unparsed::Short(needed),
        })
    }
}

/// Creates an address from the bytes of a name. Bytes that are not UTF-8 become U+FFFD, which no
/// name may have.
pub(crate) fn name(bytes: &[u8], port: u16) -> Result<Address, AddressError> {
    Address::new(&String::from_utf8_lossy(bytes), port)
}
