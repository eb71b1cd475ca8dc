//! Version 1: a line of text.
//!
//! ```text
//! PROXY TCP4 192.0.2.1 192.0.2.7 4711 443 CRLF
//! PROXY TCP6 2001:db8::1 2001:db8::7 4711 443 CRLF
//! PROXY UNKNOWN CRLF
//! ```

use crate::{Addresses, Cause, Header, HeaderError, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What a line begins with.
pub(crate) const SIGNATURE: &[u8] = b"PROXY ";

/// "a 108-byte buffer is always enough to store all the line and a trailing zero"
pub(crate) const LONGEST: usize = 107;

pub(crate) fn emit(header: &Header) -> Result<String, HeaderError> {
    if !header.tlvs.is_empty() {
        return Err(HeaderError::Version1("values beyond the addresses"));
    }
    match &header.addresses {
        Addresses::Local | Addresses::Unknown => Ok("PROXY UNKNOWN\r\n".to_owned()),
        Addresses::Ip {
            transport: Transport::Stream,
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

/// Reads a line without its end. Each field stands in the one form that there is for it.
pub(crate) fn parse(line: &[u8]) -> Result<Header, Cause> {
    let wrong = || Cause::BadLine(String::from_utf8_lossy(line).into_owned());
    let text = std::str::from_utf8(line).map_err(|_| wrong())?;
    let mut fields = text.split(' ').skip(1);
    let header = match fields.next() {
        // "the receiver must ignore anything presented before the CRLF is found"
        Some("UNKNOWN") => return Ok(Header::unknown()),
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

/// A number without signs and leading zeros.
fn decimal(field: &str) -> Option<u16> {
    let plain = field.bytes().all(|byte| byte.is_ascii_digit());
    let leads = field.len() > 1 && field.starts_with('0');
    (plain && !leads).then(|| field.parse().ok())?
}
