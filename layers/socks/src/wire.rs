//! The six messages of RFC 1928 and RFC 1929, parsed and emitted, without state.
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
//! RSV is sent as zero and ignored when received: the RFC asks the sender alone, and nothing is
//! gained by turning away a peer that is otherwise understood.

use crate::{Address, Cause, Host, Reply};
use bytes::{BufMut, BytesMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use wirestack_layer::Pipe;

// What the messages are called, in errors and while they are awaited.
pub(crate) const GREETING: &str = "the greeting";
pub(crate) const CHOICE: &str = "the choice of a method";
pub(crate) const PASSWORD: &str = "the password";
pub(crate) const STATUS: &str = "the answer to the password";
pub(crate) const REQUEST: &str = "the CONNECT request";
pub(crate) const REPLY: &str = "the reply to CONNECT";

/// The methods of authentication (RFC 1928 §3).
pub(crate) mod method {
    pub(crate) const NO_AUTHENTICATION: u8 = 0x00;
    pub(crate) const PASSWORD: u8 = 0x02;
    pub(crate) const NONE_ACCEPTABLE: u8 = 0xff;
}

const VERSION: u8 = 5;
/// The version of the exchange of the password (RFC 1929 §2).
const PASSWORD_VERSION: u8 = 1;
const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

// --- parsing ---

/// The fields of a message, read one after the other.
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    read: usize,
}

/// Why a message could not be parsed.
pub(crate) enum Unparsed {
    /// It has at least so many bytes.
    Short(usize),
    Wrong(Cause),
}

impl From<Cause> for Unparsed {
    fn from(cause: Cause) -> Self {
        Self::Wrong(cause)
    }
}

type Parsed<T> = Result<T, Unparsed>;

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, read: 0 }
    }
    /// Returns how many bytes the fields had that were read.
    pub(crate) fn len(&self) -> usize {
        self.read
    }
    fn bytes(&mut self, n: usize) -> Parsed<&'a [u8]> {
        let end = self.read + n;
        let field = self.bytes.get(self.read..end).ok_or(Unparsed::Short(end))?;
        self.read = end;
        Ok(field)
    }
    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }
    fn byte(&mut self) -> Parsed<u8> {
        let [byte] = self.array()?;
        Ok(byte)
    }
    /// A field behind its length, which is one byte.
    fn counted(&mut self) -> Parsed<&'a [u8]> {
        let n = self.byte()?;
        self.bytes(n.into())
    }
    fn version(&mut self, wanted: u8, message: &'static str) -> Parsed<()> {
        match self.byte()? {
            seen if seen == wanted => Ok(()),
            seen => Err(Cause::BadVersion {
                message,
                seen,
                wanted,
            }
            .into()),
        }
    }
    fn address(&mut self) -> Parsed<Address> {
        let ip: IpAddr = match self.byte()? {
            IPV4 => self.array::<4>()?.into(),
            IPV6 => self.array::<16>()?.into(),
            NAME => {
                // What is not UTF-8 becomes U+FFFD, which no name can have.
                let name = String::from_utf8_lossy(self.counted()?);
                return Ok(Address::new(&name, self.port()?).map_err(Cause::from)?);
            }
            other => return Err(Cause::UnknownAddressType(other).into()),
        };
        Ok(SocketAddr::new(ip, self.port()?).into())
    }
    fn port(&mut self) -> Parsed<u16> {
        self.array().map(u16::from_be_bytes)
    }
}

/// Returns the methods offered.
pub(crate) fn parse_greeting<'a>(fields: &mut Fields<'a>) -> Parsed<&'a [u8]> {
    fields.version(VERSION, GREETING)?;
    fields.counted()
}

/// Returns the method chosen.
pub(crate) fn parse_choice(fields: &mut Fields<'_>) -> Parsed<u8> {
    fields.version(VERSION, CHOICE)?;
    fields.byte()
}

/// Returns the user name and the password, neither of them empty.
pub(crate) fn parse_password<'a>(fields: &mut Fields<'a>) -> Parsed<(&'a [u8], &'a [u8])> {
    fields.version(PASSWORD_VERSION, PASSWORD)?;
    let (user, password) = (fields.counted()?, fields.counted()?);
    if user.is_empty() || password.is_empty() {
        return Err(Cause::EmptyPassword.into());
    }
    Ok((user, password))
}

/// Returns nothing if the password was accepted: "A STATUS field of X'00' indicates success".
pub(crate) fn parse_status(fields: &mut Fields<'_>) -> Parsed<()> {
    fields.version(PASSWORD_VERSION, STATUS)?;
    match fields.byte()? {
        0 => Ok(()),
        status => Err(Cause::PasswordRefused(status).into()),
    }
}

/// Returns where the client wants to go.
pub(crate) fn parse_request(fields: &mut Fields<'_>) -> Parsed<Address> {
    fields.version(VERSION, REQUEST)?;
    match fields.byte()? {
        CONNECT => {}
        other => return Err(Cause::UnsupportedCommand(other).into()),
    }
    let _reserved = fields.byte()?;
    fields.address()
}

/// Returns what the proxy has bound.
///
/// A refusal is read no further than its code: the rest has nothing to add, and a proxy that cuts
/// it short has refused all the same.
pub(crate) fn parse_reply(fields: &mut Fields<'_>) -> Parsed<Address> {
    fields.version(VERSION, REPLY)?;
    match fields.byte()?.into() {
        Reply::Succeeded => {}
        refusal => return Err(Cause::Refused(refusal).into()),
    }
    let _reserved = fields.byte()?;
    fields.address()
}

// --- emitting ---

pub(crate) fn emit_greeting(to: &mut Pipe, methods: &[u8]) {
    to.fill(|to| {
        to.put_u8(VERSION);
        put_counted(to, methods);
    });
}

pub(crate) fn emit_choice(to: &mut Pipe, method: u8) {
    to.write(&[VERSION, method]);
}

pub(crate) fn emit_password(to: &mut Pipe, user: &[u8], password: &[u8]) {
    to.fill(|to| {
        to.put_u8(PASSWORD_VERSION);
        put_counted(to, user);
        put_counted(to, password);
    });
}

pub(crate) fn emit_status(to: &mut Pipe, accepted: bool) {
    to.write(&[PASSWORD_VERSION, u8::from(!accepted)]);
}

pub(crate) fn emit_request(to: &mut Pipe, target: &Address) {
    emit_addressed(to, CONNECT, target);
}

pub(crate) fn emit_reply(to: &mut Pipe, reply: Reply, bound: &Address) {
    emit_addressed(to, reply.code(), bound);
}

/// Emits a refusal, whose address means nothing.
pub(crate) fn emit_refusal(to: &mut Pipe, reply: Reply) {
    let nothing = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    emit_reply(to, reply, &nothing.into());
}

/// Emits a request or a reply: they differ in the meaning of their second byte alone.
fn emit_addressed(to: &mut Pipe, code: u8, address: &Address) {
    to.fill(|to| {
        to.put_slice(&[VERSION, code, 0]);
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
    });
}

/// Puts a field behind its length, which was checked when the field was made.
fn put_counted(to: &mut BytesMut, field: &[u8]) {
    to.put_u8(u8::try_from(field.len()).expect("a field of at most 255 bytes"));
    to.put_slice(field);
}
