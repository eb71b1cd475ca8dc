//! The messages of all versions, parsed and emitted, without state.

pub(crate) mod fields;
pub(crate) mod v4;
pub(crate) mod v5;

pub(crate) use crate::names::*;
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
