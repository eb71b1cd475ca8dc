//! The two messages of SOCKS4 and SOCKS4a.
//!
//! ```text
//! client sends                                        server sends
//!
//! REQUEST  VN CD DSTPORT DSTIP USERID NUL [NAME NUL]
//!                                                     REPLY  VN CD DSTPORT DSTIP
//! ```
//!
//! There is no RFC. The quotes are from the memos of Ying-Da Lee, "SOCKS: A protocol for TCP proxy
//! across firewalls" and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol".
//!
//! In SOCKS4a, DSTIP is 0.0.0.x, where x is not zero, and the name stands behind the user id.

use super::fields::{Fields, Parsed, name};
use crate::request::Commands;
use crate::{Address, AddressError, Command, Host, Reply, Request, SocksError, Version};
use bytes::{BufMut, BytesMut};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Returns `true` if an IPv4 address announces a name: "it should set the first three bytes of
/// DSTIP to NULL and the last byte to a non-zero value."
pub(crate) fn announces_name(ip: Ipv4Addr) -> bool {
    (1..=255).contains(&ip.to_bits())
}

// --- parsing ---

/// Returns `true` if this is the first byte of a client that speaks SOCKS4.
pub(crate) fn begins_with(byte: u8) -> bool {
    byte == VERSION
}

/// Returns the request, if its command is one of those served.
pub(crate) fn parse_request(fields: &mut Fields<'_>, served: Commands) -> Parsed<Request> {
    fields.version(VERSION)?;
    let code = fields.byte()?;
    let command = served
        .find(code)
        .filter(|command| *command != Command::UdpAssociate)
        .ok_or(SocksError::UnsupportedCommand(code))?;
    let port = fields.port()?;
    let ip = Ipv4Addr::from(fields.array::<4>()?);
    let user = fields.terminated("user id", LONGEST)?;
    let target = if announces_name(ip) {
        let bytes = fields.terminated("host name", LONGEST)?;
        name(bytes, port).map_err(SocksError::from)?
    } else {
        SocketAddr::new(ip.into(), port).into()
    };
    Ok(Request {
        version: Version::Socks4,
        command,
        target,
        user: Some(user.into()),
    })
}

/// Returns the bound address, or that of the peer. A refusal is read no further than its code.
pub(crate) fn parse_reply(fields: &mut Fields<'_>) -> Parsed<Result<Address, AddressError>> {
    fields.first_version(REPLY_VERSION)?;
    match fields.byte()? {
        code::GRANTED => {}
        refusal => {
            let (reply, asked) = (Reply::Socks4(refusal), None);
            return Err(SocksError::Refused { reply, asked }.into());
        }
    }
    let port = fields.port()?;
    let ip = Ipv4Addr::from(fields.array::<4>()?);
    Ok(Ok(SocketAddr::new(ip.into(), port).into()))
}

// --- emitting ---

/// Emits a request. The target must not be an IPv6 address, and the user id must not have a NUL.
pub(crate) fn emit_request(to: &mut BytesMut, command: Command, target: &Address, user: &[u8]) {
    let (ip, name) = match target.host() {
        Host::Ip(ip) => (carried(*ip), None),
        Host::Name(name) => (Ipv4Addr::new(0, 0, 0, 1), Some(name)),
    };
    to.put_slice(&[VERSION, command.code()]);
    to.put_u16(target.port());
    to.put_slice(&ip.octets());
    to.put_slice(user);
    to.put_u8(0);
    if let Some(name) = name {
        to.put_slice(name.as_bytes());
        to.put_u8(0);
    }
}

/// Emits the reply that the request is granted. An address that is not IPv4 becomes 0.0.0.0.
pub(crate) fn emit_granted(to: &mut BytesMut, bound: &Address) {
    let ip = match bound.host() {
        Host::Ip(ip) => carried(*ip),
        Host::Name(_) => Ipv4Addr::UNSPECIFIED,
    };
    emit_reply(to, code::GRANTED, bound.port(), ip);
}

/// Emits a refusal, whose address means nothing.
pub(crate) fn emit_refusal(to: &mut BytesMut, reply: Reply) {
    let code = match reply {
        Reply::Socks4(code) if code != code::GRANTED => code,
        _ => code::REJECTED,
    };
    emit_reply(to, code, 0, Ipv4Addr::UNSPECIFIED);
}

fn emit_reply(to: &mut BytesMut, code: u8, port: u16, ip: Ipv4Addr) {
    to.put_slice(&[REPLY_VERSION, code]);
    to.put_u16(port);
    to.put_slice(&ip.octets());
}

/// Returns the IPv4 address that is sent for an address: itself, or the one that is mapped to IPv6.
/// For others it is 0.0.0.0, which stands for the proxy's own address.
fn carried(ip: IpAddr) -> Ipv4Addr {
    match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED),
    }
}

const VERSION: u8 = 4;

/// "VN is the version of the reply code and should be 0."
const REPLY_VERSION: u8 = 0;

/// The codes of replies (CD).
pub(crate) mod code {
    pub(crate) const GRANTED: u8 = 90;
    pub(crate) const REJECTED: u8 = 91;
    pub(crate) const WRONG_USER_ID: u8 = 93;
}

/// The longest user id and the longest name, in bytes. SOCKS4 has no limit; this one bounds the
/// memory.
const LONGEST: usize = 255;
