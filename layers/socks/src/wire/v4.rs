//! The two messages of SOCKS4 and SOCKS4a.
//!
//! ```text
//! client sends                                        server sends
//!
//! REQUEST  VN CD DSTPORT DSTIP USERID NUL [NAME NUL]
//!                                                     REPLY  VN CD DSTPORT DSTIP
//! ```
//!
//! There is no RFC: what is quoted is from the memos of Ying-Da Lee, "SOCKS: A protocol for TCP proxy
//! across firewalls" and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol".
//!
//! SOCKS4a is a DSTIP of 0.0.0.x, x not zero, with the name behind the user id.

use super::{Fields, Parsed, name};
use crate::request::Commands;
use crate::{Address, Command, Host, Reply, Request, SocksError, Version};
use bytes::{BufMut, BytesMut};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

const VERSION: u8 = 4;
/// "VN is the version of the reply code and should be 0."
const REPLY_VERSION: u8 = 0;

/// The codes of replies, CD.
pub(crate) mod code {
    pub(crate) const GRANTED: u8 = 90;
    pub(crate) const REJECTED: u8 = 91;
    pub(crate) const WRONG_USER_ID: u8 = 93;
}

/// The longest user id and the longest name, in bytes. SOCKS4 knows no limit, but memory does.
const LONGEST: usize = 255;

/// Returns whether an IPv4 address is the sign that a name follows: "it should set the first three
/// bytes of DSTIP to NULL and the last byte to a non-zero value."
pub(crate) fn announces_name(ip: Ipv4Addr) -> bool {
    (1..=255).contains(&ip.to_bits())
}

// --- parsing ---

/// Returns whether a message whose first byte this is comes from a client that speaks SOCKS4.
pub(crate) fn begins_with(byte: u8) -> bool {
    byte == VERSION
}

/// Returns what the client wants, if the command is among those served.
pub(crate) fn parse_request(fields: &mut Fields<'_>, served: Commands) -> Parsed<Request> {
    fields.version(VERSION)?;
    let code = fields.byte()?;
    let command = served
        .find(code)
        .filter(|it| *it != Command::UdpAssociate)
        .ok_or(SocksError::UnsupportedCommand(code))?;
    let port = fields.port()?;
    let ip = Ipv4Addr::from(fields.array::<4>()?);
    let user = terminated(fields, "user id")?;
    let target = match announces_name(ip) {
        false => SocketAddr::new(ip.into(), port).into(),
        true => name(terminated(fields, "host name")?, port)?,
    };
    Ok(Request {
        version: Version::Socks4,
        command,
        target,
        user: Some(user.into()),
    })
}

/// Returns what the proxy has bound, or who has connected. A refusal is read no further than its
/// code.
pub(crate) fn parse_reply(fields: &mut Fields<'_>) -> Parsed<Address> {
    fields.version(REPLY_VERSION)?;
    match fields.byte()? {
        code::GRANTED => {}
        refusal => return Err(SocksError::Refused(Reply::Socks4(refusal)).into()),
    }
    let port = fields.port()?;
    let ip = Ipv4Addr::from(fields.array::<4>()?);
    Ok(SocketAddr::new(ip.into(), port).into())
}

/// A field that ends with NUL, which is not looked for further than it may be.
fn terminated<'a>(fields: &mut Fields<'a>, field: &'static str) -> Parsed<&'a [u8]> {
    let start = fields.read;
    while fields.byte()? != 0 {
        if fields.read - start > LONGEST {
            return Err(SocksError::TooLong(field).into());
        }
    }
    Ok(&fields.bytes[start..fields.read - 1])
}

// --- emitting ---

/// Emits a request. The target is no IPv6 address, and the user id has no NUL.
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

/// Emits that the request is granted, with as much of the address as SOCKS4 can say.
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

/// Returns the IPv4 address in one of a socket for both families; zeros, "the proxy's own", for
/// others.
fn carried(ip: IpAddr) -> Ipv4Addr {
    match ip {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED),
    }
}
