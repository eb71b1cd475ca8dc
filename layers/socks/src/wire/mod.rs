//! The messages of all versions, parsed and emitted, without state.

pub(crate) mod fields;
pub(crate) mod v4;
pub(crate) mod v5;

use crate::{Address, Reply, Version};
use bytes::BytesMut;

/// Emits the reply that the request is granted, with the bound address or that of the peer.
pub(crate) fn emit_granted(to: &mut BytesMut, version: Version, address: &Address) {
    match version {
        Version::Socks4 => v4::emit_granted(to, address),
        Version::Socks5 => v5::emit_succeeded(to, address),
    }
}

/// Emits the reply that the request is refused.
pub(crate) fn emit_refusal(to: &mut BytesMut, version: Version, reply: Reply) {
    match version {
        Version::Socks4 => v4::emit_refusal(to, reply),
        Version::Socks5 => v5::emit_refusal(to, reply),
    }
}

// The names of the messages, in errors and while they are awaited.
pub(crate) const GREETING: &str = "the greeting";
pub(crate) const CHOICE: &str = "the choice of a method";
pub(crate) const PASSWORD: &str = "the password";
pub(crate) const STATUS: &str = "the answer to the password";
pub(crate) const REQUEST: &str = "the request";
pub(crate) const SOCKS4_REQUEST: &str = "the SOCKS4 request";
pub(crate) const SOCKS4_REPLY: &str = "the SOCKS4 reply";
pub(crate) const SECOND_REPLY: &str = "the second reply to BIND";
/// The subject of the second decision on BIND.
pub(crate) const PEER: &str = "the peer of BIND";
pub(crate) const DATAGRAM: &str = "the datagram";
