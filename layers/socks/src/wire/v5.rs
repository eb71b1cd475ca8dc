//! The six messages of RFC 1928 and RFC 1929.
//!
//! ```text
//! client sends                                    server sends
//!
//! GREETING  VER NMETHODS METHODS
//!                                                 CHOICE  VER METHOD
//! PASSWORD  VER ULEN UNAME PLEN PASSWD
//!                                                 STATUS  VER STATUS
//! REQUEST   VER CMD RSV ATYP DST.ADDR DST.PORT
//!                                                 REPLY   VER REP RSV ATYP BND.ADDR BND.PORT
//! ```
//!
//! RSV is sent as zero and ignored when received: the RFC asks only the sender for zero, and there
//! is no reason to refuse a message that is clear otherwise.

use super::fields::{Fields, Parsed, name};
use crate::request::Commands;
use crate::{Address, AddressError, Command, Host, Reply, SocksError};
use bytes::{BufMut, BytesMut};
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

// --- parsing ---

/// Returns the methods that the client offers.
pub(crate) fn parse_greeting<'a>(fields: &mut Fields<'a>) -> Parsed<&'a [u8]> {
    fields.first_version(VERSION)?;
    counted(fields)
}

/// Returns the method that the proxy chooses.
pub(crate) fn parse_choice(fields: &mut Fields<'_>) -> Parsed<u8> {
    fields.first_version(VERSION)?;
    fields.byte()
}

/// Returns the user name and the password, neither of them empty.
pub(crate) fn parse_password<'a>(fields: &mut Fields<'a>) -> Parsed<(&'a [u8], &'a [u8])> {
    fields.version(PASSWORD_VERSION)?;
    let (user, password) = (counted(fields)?, counted(fields)?);
    if user.is_empty() || password.is_empty() {
        return Err(SocksError::EmptyPassword.into());
    }
    Ok((user, password))
}

/// Succeeds if the password was accepted: "A STATUS field of X'00' indicates success".
///
/// RFC 1929 §2 does not say which version the answer has, and many proxies send a 5.
pub(crate) fn parse_status(fields: &mut Fields<'_>) -> Parsed<()> {
    let _version = fields.byte()?;
    match fields.byte()? {
        0 => Ok(()),
        status => Err(SocksError::PasswordRefused(status).into()),
    }
}

/// Returns the command, if it is one of those served, and the address of the request.
pub(crate) fn parse_request(
    fields: &mut Fields<'_>,
    served: Commands,
) -> Parsed<(Command, Address)> {
    fields.version(VERSION)?;
    let code = fields.byte()?;
    let command = served
        .find(code)
        .ok_or(SocksError::UnsupportedCommand(code))?;
    let _reserved = fields.byte()?;
    Ok((command, address(fields)?))
}

/// Returns the bound address, or that of the peer. A name may be none: few clients need it.
///
/// A refusal is read no further than its code: the rest has no meaning, and some proxies may not
/// send it.
pub(crate) fn parse_reply(fields: &mut Fields<'_>) -> Parsed<Result<Address, AddressError>> {
    fields.version(VERSION)?;
    match fields.byte()?.into() {
        Reply::Succeeded => {}
        refusal => {
            return Err(SocksError::Refused {
                reply: refusal,
                asked: None,
            }
            .into());
        }
    }
    let _reserved = fields.byte()?;
    any_address(fields)
}

/// Reads ATYP, an address and a port.
pub(crate) fn address(fields: &mut Fields<'_>) -> Parsed<Address> {
    Ok(any_address(fields)?.map_err(SocksError::from)?)
}

/// Reads ATYP, an address and a port. The length of a name is known, also if it is no name.
fn any_address(fields: &mut Fields<'_>) -> Parsed<Result<Address, AddressError>> {
    let ip: IpAddr = match fields.byte()? {
        IPV4 => fields.array::<4>()?.into(),
        IPV6 => fields.array::<16>()?.into(),
        NAME => return Ok(name(counted(fields)?, fields.port()?)),
        other => return Err(SocksError::UnknownAddressType(other).into()),
    };
    Ok(Ok(SocketAddr::new(ip, fields.port()?).into()))
}

/// Reads a field behind its length, which is one byte.
fn counted<'a>(fields: &mut Fields<'a>) -> Parsed<&'a [u8]> {
    let n = fields.byte()?;
    fields.bytes(n.into())
}

// --- emitting ---

pub(crate) fn emit_greeting(to: &mut BytesMut, methods: &[u8]) {
    to.put_u8(VERSION);
    put_counted(to, methods);
}

pub(crate) fn emit_choice(to: &mut BytesMut, method: u8) {
    to.put_slice(&[VERSION, method]);
}

pub(crate) fn emit_password(to: &mut BytesMut, user: &[u8], password: &[u8]) {
    to.reserve(1 + 1 + user.len() + 1 + password.len());
    to.put_u8(PASSWORD_VERSION);
    put_counted(to, user);
    put_counted(to, password);
}

pub(crate) fn emit_status(to: &mut BytesMut, accepted: bool) {
    to.put_slice(&[PASSWORD_VERSION, u8::from(!accepted)]);
}

pub(crate) fn emit_request(to: &mut BytesMut, command: Command, target: &Address) {
    emit_addressed(to, command.code(), target);
}

pub(crate) fn emit_succeeded(to: &mut BytesMut, bound: &Address) {
    emit_addressed(to, Reply::Succeeded.code(), bound);
}

/// Emits a refusal, whose address means nothing.
pub(crate) fn emit_refusal(to: &mut BytesMut, reply: Reply) {
    let reply = match reply {
        Reply::Socks4(_) => Reply::GeneralFailure,
        reply => reply,
    };
    let nothing = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    emit_addressed(to, reply.code(), &nothing.into());
}

/// Emits a request or a reply: they differ only in the meaning of their second byte.
fn emit_addressed(to: &mut BytesMut, code: u8, address: &Address) {
    let host = match address.host() {
        Host::Ip(_) => 16,
        Host::Name(name) => 1 + name.len(),
    };
    to.reserve(3 + 1 + host + 2); // one allocation for all fields
    to.put_slice(&[VERSION, code, 0]);
    put_address(to, address);
}

/// Appends ATYP, an address and a port.
pub(crate) fn put_address(to: &mut BytesMut, address: &Address) {
    match address.host() {
        Host::Ip(IpAddr::V4(ip)) => {
            to.put_u8(IPV4);
            to.put_slice(&ip.octets());
        }
        Host::Ip(IpAddr::V6(ip)) => {
            to.put_u8(IPV6);
            to.put_slice(&ip.octets());
        }
        Host::Name(name) => {
            to.put_u8(NAME);
            put_counted(to, name.as_bytes());
        }
    }
    to.put_u16(address.port());
}

/// Appends a field behind its length, which was checked when the field was created.
fn put_counted(to: &mut BytesMut, field: &[u8]) {
    to.put_u8(u8::try_from(field.len()).expect("a field of at most 255 bytes"));
    to.put_slice(field);
}

const VERSION: u8 = 5;

/// The version of the password exchange (RFC 1929 §2).
const PASSWORD_VERSION: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;
