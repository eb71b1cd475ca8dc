//! The datagrams that a proxy relays once UDP ASSOCIATE has succeeded (RFC 1928 §7).
//!
//! They do not go over the connection, and no layer sees them. The application sends them from a
//! socket of its own to [`Client::bound`](crate::Client::bound), and gets others back from there.
//! Each has a header in front of its payload, the same in both directions.
//!
//! ```text
//!   RSV (2)   FRAG (1)   ATYP (1)   DST.ADDR (4, 16, or 1 and a name)   DST.PORT (2)   DATA
//! ```
//!
//! ```
//! use bytes::BytesMut;
//! use wirestack_socks::{Address, datagram};
//!
//! let resolver = Address::new("192.0.2.53", 53)?;
//! let mut sent = BytesMut::new();
//! datagram::emit(&resolver, b"query", &mut sent);
//! assert_eq!(sent, b"\0\0\0\x01\xc0\x00\x02\x35\0\x35query"[..]);
//! assert_eq!(datagram::parse(&sent)?, (resolver, &b"query"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::wire::fields::{Fields, Unparsed};
use crate::wire::{self, v5};
use crate::{Address, SocksError};
use bytes::{BufMut, BytesMut};
use core::fmt;

/// Appends one datagram for the proxy to relay: its header and its payload.
///
/// `address` is the destination of the payload; from a proxy to its client, it is the source.
///
/// ```
/// use wirestack_socks::{Address, datagram};
///
/// let mut to_proxy = bytes::BytesMut::new();
/// datagram::emit(&Address::new("192.0.2.7", 53)?, b"a question", &mut to_proxy);
/// assert_eq!(&to_proxy[..], b"\0\0\0\x01\xc0\0\x02\x07\0\x35a question");
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
pub fn emit(address: &Address, payload: &[u8], to: &mut BytesMut) {
    to.put_slice(&[0, 0, NO_FRAGMENT]);
    v5::put_address(to, address);
    to.put_slice(payload);
}

/// Returns the address in the header of a datagram, and the payload.
///
/// RSV is ignored. The address may be a name, which the proxy resolves; a client that gets one can
/// use it only to tell answers apart.
///
/// ```
/// use wirestack_socks::{Address, datagram};
///
/// let from_proxy = b"\0\0\0\x01\xc0\0\x02\x07\0\x35an answer";
/// let (sender, payload) = datagram::parse(from_proxy).unwrap();
/// assert_eq!((sender, payload), (Address::new("192.0.2.7", 53)?, &b"an answer"[..]));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
///
/// # Errors
///
/// [`DatagramError`]. Drop such a datagram, and keep the association: anybody can send one.
pub fn parse(datagram: &[u8]) -> Result<(Address, &[u8]), DatagramError> {
    let failed = |unparsed| match unparsed {
        Unparsed::Short(wanted) => DatagramError::Truncated {
            seen: datagram.len(),
            wanted,
        },
        Unparsed::Wrong(cause) => DatagramError::BadAddress(cause),
    };
    let mut fields = Fields::new(wire::DATAGRAM, datagram);
    let [_, _, fragment] = fields.array().map_err(failed)?;
    if fragment != NO_FRAGMENT {
        return Err(DatagramError::Fragmented(fragment));
    }
    let address = v5::address(&mut fields).map_err(failed)?;
    Ok((address, &datagram[fields.len()..]))
}

/// The reason why a datagram must be dropped.
///
/// ```
/// use wirestack_socks::datagram::{self, DatagramError};
///
/// assert!(matches!(datagram::parse(b"\0\0"), Err(DatagramError::Truncated { .. })));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// It is a fragment of a larger one, with this FRAG. "An implementation that does not support
    /// fragmentation MUST drop any datagram whose FRAG field is other than X'00'."
    Fragmented(u8),
    /// It ends in its header.
    Truncated {
        /// The number of bytes that it has.
        seen: usize,
        /// The number of bytes that its header has at least.
        wanted: usize,
    },
    /// Its address is not valid: [`SocksError::UnknownAddressType`] or [`SocksError::BadAddress`].
    BadAddress(SocksError),
}

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragmented(fragment) => write!(
                f,
                "the datagram is fragment {fragment:#04x}, wanted a whole one, 0x00"
            ),
            Self::Truncated { seen, wanted } => {
                write!(f, "the datagram has {seen} bytes, wanted at least {wanted}")
            }
            Self::BadAddress(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DatagramError {}

/// The longest header, in bytes. A datagram can grow by so much on its way through the proxy.
pub const MAX_HEADER: usize = 2 + 1 + 1 + (1 + 255) + 2;

/// The FRAG of a datagram that "is standalone".
const NO_FRAGMENT: u8 = 0;
