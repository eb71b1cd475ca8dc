//! The datagrams that a proxy relays once UDP ASSOCIATE has succeeded (RFC 1928 §7).
//!
//! They do not go over the connection, and no layer sees them: the application sends them from a
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

use crate::wire::{self, Fields, Unparsed, v5};
use crate::{Address, SocksError};
use bytes::{BufMut, BytesMut};
use core::fmt;

/// The longest header, in bytes: by so much can a datagram grow on its way through the proxy.
pub const MAX_HEADER: usize = 2 + 1 + 1 + (1 + 255) + 2;

/// Appends one datagram for the proxy to relay: its header and its payload.
///
/// `address` is where the payload is to go, or, from a proxy to its client, where it comes from.
pub fn emit(address: &Address, payload: &[u8], to: &mut BytesMut) {
    to.put_slice(&[0, 0, NO_FRAGMENT]);
    v5::put_address(to, address);
    to.put_slice(payload);
}

/// Returns where a datagram goes or comes from, and its payload.
///
/// RSV is not looked at. The address may be a name, which is for the proxy to resolve; a client
/// that gets one has no use for it but to tell answers apart.
///
/// # Errors
///
/// [`DatagramError`]. Such a datagram is to be dropped: anybody can send one, so the association
/// goes on without it.
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

/// FRAG of what "is standalone".
const NO_FRAGMENT: u8 = 0;

/// Why a datagram is to be dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// It is a part of a larger one, with this FRAG. "An implementation that does not support
    /// fragmentation MUST drop any datagram whose FRAG field is other than X'00'."
    Fragmented(u8),
    /// It ends in its header.
    Truncated {
        /// How many bytes it has.
        seen: usize,
        /// How many its header has, as far as can be said.
        wanted: usize,
    },
    /// Its address is none: [`SocksError::UnknownAddressType`] or [`SocksError::BadAddress`].
    BadAddress(SocksError),
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragmented(it) => write!(
                f,
                "the datagram is fragment {it:#04x}, wanted whole ones, 0x00"
            ),
            Self::Truncated { seen, wanted } => {
                write!(f, "the datagram has {seen} bytes, wanted at least {wanted}")
            }
            Self::BadAddress(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for DatagramError {}
