//! Version 1: a line of text.
//!
//! ```text
//! PROXY TCP4 192.0.2.1 192.0.2.7 4711 443 CRLF
//! PROXY TCP6 2001:db8::1 2001:db8::7 4711 443 CRLF
//! PROXY UNKNOWN CRLF
//! ```

use crate::prefix::common_prefix;
use crate::{Addresses, Header, HeaderError, ProxyHeaderError, TransportProtocol};
use alloc::format;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

pub(crate) fn emit(header: &Header) -> Result<String, HeaderError> {
    if !header.tlvs.is_empty() {
        return Err(HeaderError::Version1("values beyond the addresses"));
    }
    match &header.addresses {
        Addresses::Local | Addresses::Unknown => Ok("PROXY UNKNOWN\r\n".into()),
        Addresses::Ip {
            transport: TransportProtocol::Stream,
            source,
            destination,
        } => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            let (from_port, to_port) = (source.port(), destination.port());
            Ok(format!(
                "PROXY {family} {from} {to} {from_port} {to_port}\r\n"
            ))
        }
        Addresses::Ip { .. } => Err(HeaderError::Version1("datagrams")),
        Addresses::Unix { .. } => Err(HeaderError::Version1("Unix sockets")),
    }
}

/// Checks the beginning of a line: its protocol, and that nothing but CRLF ends it. So a wrong byte
/// is found before the whole line is there. Behind UNKNOWN "the receiver must ignore anything".
pub(crate) fn check(line: &[u8]) -> Result<(), ProxyHeaderError> {
    let rest = &line[SIGNATURE.len()..];
    let wrong = |at: usize| Err(bad(&line[..=SIGNATURE.len() + at]));
    let prefixes = PROTOCOLS.map(|protocol| common_prefix(rest, protocol));
    let begun = |(prefix, protocol): (usize, &[u8])| prefix == rest.len().min(protocol.len());
    if !prefixes.into_iter().zip(PROTOCOLS).any(begun) {
        return wrong(prefixes.into_iter().max().unwrap_or(0));
    }
    if rest.starts_with(b"U") {
        return Ok(());
    }
    // "must not tolerate a single CR or LF character to end the line"
    match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        Some(at) if rest[at] == b'\n' => wrong(at),
        Some(at) if rest.get(at + 1).is_some_and(|byte| *byte != b'\n') => wrong(at + 1),
        _ => Ok(()),
    }
}

/// Reads a line that was checked, without its end. Each field has only one valid form.
pub(crate) fn parse(line: &[u8]) -> Result<Header, ProxyHeaderError> {
    // "the receiver must ignore anything presented before the CRLF is found", even bytes that are
    // not text.
    if line[SIGNATURE.len()..].starts_with(b"UNKNOWN") {
        return Ok(Header::unknown());
    }
    let wrong = || bad(line);
    let text = core::str::from_utf8(line).map_err(|_| wrong())?;
    let mut fields = text.split(' ').skip(1);
    let header = match fields.next() {
        Some("TCP4") => tcp::<Ipv4Addr>(&mut fields),
        Some("TCP6") => tcp::<Ipv6Addr>(&mut fields),
        _ => None,
    };
    header.filter(|_| fields.next().is_none()).ok_or_else(wrong)
}

fn tcp<'a, I>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Header>
where
    I: FromStr + Into<IpAddr>,
{
    let mut ip = || Some(fields.next()?.parse::<I>().ok()?.into());
    let (source, destination) = (ip()?, ip()?);
    let mut port = || decimal(fields.next()?);
    Some(Header::tcp(
        SocketAddr::new(source, port()?),
        SocketAddr::new(destination, port()?),
    ))
}

fn bad(line: &[u8]) -> ProxyHeaderError {
    ProxyHeaderError::BadLine(String::from_utf8_lossy(line).into_owned())
}

/// Reads a number without signs and leading zeros.
fn decimal(field: &str) -> Option<u16> {
    let plain = field.bytes().all(|byte| byte.is_ascii_digit());
    let leads = field.len() > 1 && field.starts_with('0');
    (plain && !leads).then(|| field.parse().ok())?
}

/// The protocols, of which one must follow the signature.
const PROTOCOLS: [&[u8]; 4] = [b"TCP4 ", b"TCP6 ", b"UNKNOWN ", b"UNKNOWN\r\n"];

/// The first bytes of a line.
pub(crate) const SIGNATURE: &[u8] = b"PROXY ";

/// "a 108-byte buffer is always enough to store all the line and a trailing zero"
pub(crate) const LONGEST: usize = 107;
