//! Version 2: a binary header.
//!
//! ```text
//! SIGNATURE (12)  VERSION | COMMAND (1)  FAMILY | TRANSPORT (1)  LENGTH (2)  ADDRESSES  TLV...
//! ```

use crate::header::{CHECKSUM, MAX_UNIX_PATH};
use crate::tlv::{Tlv, kind};
use crate::{Addresses, Header, ProxyHeaderError, TransportProtocol};
use alloc::vec::Vec;
use bytes::{BufMut, Bytes, BytesMut};
use core::net::{IpAddr, SocketAddr};
use crc::{CRC_32_ISCSI, Crc, NoTable};

pub(crate) fn emit(header: &Header, checksum: bool) -> Bytes {
    let len = header.v2_len() + if checksum { CHECKSUM } else { 0 };
    let mut to = BytesMut::with_capacity(FIXED + len);
    to.put_slice(SIGNATURE);
    let local = header.addresses == Addresses::Local;
    to.put_u8(VERSION | if local { LOCAL } else { PROXY });
    to.put_u8(header.addresses.code());
    to.put_u16(u16::try_from(len).expect("a header of at most 65,535 bytes"));
    header.addresses.emit(&mut to);
    for tlv in &header.tlvs {
        tlv.emit(&mut to);
    }
    if checksum {
        let value = Bytes::from_static(&[0; 4]);
        let kind = kind::CRC32C;
        Tlv { kind, value }.emit(&mut to);
        let at = to.len() - 4;
        let crc = CRC.checksum(&to);
        to[at..].copy_from_slice(&crc.to_be_bytes());
    }
    to.freeze()
}

impl Addresses {
    fn code(&self) -> u8 {
        match self {
            Self::Local | Self::Unknown => 0,
            Self::Ip {
                transport, source, ..
            } => transport.code() | if source.is_ipv4() { IPV4 } else { IPV6 },
            Self::Unix { transport, .. } => transport.code() | UNIX_SOCKET,
        }
    }

    fn emit(&self, to: &mut BytesMut) {
        match self {
            Self::Local | Self::Unknown => {}
            Self::Ip {
                source,
                destination,
                ..
            } => {
                for address in [source, destination] {
                    match address.ip() {
                        IpAddr::V4(ip) => to.put_slice(&ip.octets()),
                        IpAddr::V6(ip) => to.put_slice(&ip.octets()),
                    }
                }
                to.put_u16(source.port());
                to.put_u16(destination.port());
            }
            Self::Unix {
                source,
                destination,
                ..
            } => {
                for path in [source, destination] {
                    to.put_slice(path);
                    to.put_bytes(0, MAX_UNIX_PATH - path.len());
                }
            }
        }
    }
}

impl TransportProtocol {
    fn code(self) -> u8 {
        match self {
            Self::Stream => STREAM,
            Self::Datagram => DATAGRAM,
        }
    }
}

/// Returns the number of bytes that follow the [`FIXED`] ones.
pub(crate) fn following(fixed: &[u8; FIXED]) -> usize {
    usize::from(u16::from_be_bytes([fixed[14], fixed[15]]))
}

/// Checks the bytes behind the signature, as far as they have arrived. So a wrong byte is found
/// before the whole header is there.
pub(crate) fn check(bytes: &[u8]) -> Result<(), ProxyHeaderError> {
    let Some(first) = bytes.get(SIGNATURE.len()) else {
        return Ok(());
    };
    match (first & 0xf0, first & 0x0f) {
        // "discard the protocol block including the family which is ignored"
        (VERSION, LOCAL) => return Ok(()),
        (VERSION, PROXY) => {}
        (VERSION, command) => return Err(ProxyHeaderError::UnknownCommand(command)),
        (version, _) => return Err(ProxyHeaderError::UnknownVersion(version >> 4)),
    }
    match bytes.get(SIGNATURE.len() + 1) {
        Some(code) if !known(*code) => Err(ProxyHeaderError::UnknownFamily(*code)),
        _ => Ok(()),
    }
}

/// "other values are unspecified [...] and must be rejected as invalid by receivers"
fn known(code: u8) -> bool {
    matches!(
        (code & 0xf0, code & 0x0f),
        (0 | IPV4 | IPV6 | UNIX_SOCKET, 0 | STREAM | DATAGRAM)
    )
}

/// Reads a whole header. Its fixed bytes were checked.
pub(crate) fn parse(whole: Bytes) -> Result<Header, ProxyHeaderError> {
    let (command, code) = (whole[12] & 0x0f, whole[13]);
    if command == LOCAL {
        return Ok(Header::local());
    }
    let transport = match code & 0x0f {
        STREAM => TransportProtocol::Stream,
        DATAGRAM => TransportProtocol::Datagram,
        _ => return unspecified(&whole),
    };
    let mut rest = whole.slice(FIXED..);
    let seen = rest.len();
    let short = move |wanted| ProxyHeaderError::ShortAddresses { seen, wanted };
    let mut take = |n: usize, wanted| {
        if rest.len() < n {
            return Err(short(wanted));
        }
        Ok(rest.split_to(n))
    };
    let mut header = match code & 0xf0 {
        IPV4 => {
            let both = array::<12>(&take(12, 12)?);
            let [a, b, c, d, e, f, g, h, ..] = both;
            Header::ip_as_sent(
                transport,
                [a, b, c, d].into(),
                [e, f, g, h].into(),
                &both[8..],
            )
        }
        IPV6 => {
            let both = take(36, 36)?;
            let (source, destination) = (array::<16>(&both[..16]), array::<16>(&both[16..32]));
            Header::ip_as_sent(transport, source.into(), destination.into(), &both[32..])
        }
        UNIX_SOCKET => {
            let (source, destination) = (
                take(MAX_UNIX_PATH, 2 * MAX_UNIX_PATH)?,
                take(MAX_UNIX_PATH, 2 * MAX_UNIX_PATH)?,
            );
            Header {
                addresses: Addresses::Unix {
                    transport,
                    source: path(source),
                    destination: path(destination),
                },
                tlvs: Vec::new(),
            }
        }
        _ => return unspecified(&whole),
    };
    header.tlvs = values(&whole, rest)?;
    Ok(header)
}

/// Reads a header without a transport or an address family. "The receiver should ignore address
/// information": those of a known family are passed over. Of no family senders have none, so the
/// values come first. Bytes that are no values are ignored.
fn unspecified(whole: &Bytes) -> Result<Header, ProxyHeaderError> {
    let addresses = match whole[13] & 0xf0 {
        IPV4 => 12,
        IPV6 => 36,
        UNIX_SOCKET => 2 * MAX_UNIX_PATH,
        _ => 0,
    };
    let behind = whole.len().min(FIXED + addresses);
    let tlvs = match values(whole, whole.slice(behind..)) {
        Err(ProxyHeaderError::ShortTlv { .. }) => Vec::new(),
        read => read?,
    };
    let addresses = Addresses::Unknown;
    Ok(Header { addresses, tlvs })
}

/// Reads the values behind the addresses.
fn values(whole: &[u8], mut rest: Bytes) -> Result<Vec<Tlv>, ProxyHeaderError> {
    let mut tlvs = Vec::new();
    while !rest.is_empty() {
        let at = whole.len() - rest.len();
        let tlv = Tlv::parse(&mut rest).ok_or(ProxyHeaderError::ShortTlv { at })?;
        match tlv.kind {
            kind::NOOP => {}
            kind::CRC32C => verify(whole, at, &tlv.value)?,
            _ => tlvs.push(tlv),
        }
    }
    Ok(tlvs)
}

impl Header {
    /// Creates a header of two addresses, which are of one family already.
    fn ip_as_sent(
        transport: TransportProtocol,
        source: IpAddr,
        destination: IpAddr,
        both_ports: &[u8],
    ) -> Self {
        let [a, b, c, d] = array(both_ports);
        let (source_port, destination_port) =
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Self {
            addresses: Addresses::Ip {
                transport,
                source: SocketAddr::new(source, source_port),
                destination: SocketAddr::new(destination, destination_port),
            },
            tlvs: Vec::new(),
        }
    }
}

/// Returns the path in a field. It ends at the first zero. A path that begins with a zero is
/// abstract: it ends before the zeros at the end of the field.
fn path(field: Bytes) -> Bytes {
    let end = match field.first() {
        Some(0) => field
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1),
        _ => field
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(field.len()),
    };
    field.slice(..end)
}

/// "replace the 32 bits of the checksum field in the received PROXY header with all '0's and
/// calculate a CRC32c checksum value of the whole PROXY header"
fn verify(whole: &[u8], at: usize, value: &[u8]) -> Result<(), ProxyHeaderError> {
    let Ok(seen) = value.try_into().map(u32::from_be_bytes) else {
        return Err(ProxyHeaderError::ChecksumLength(value.len()));
    };
    let mut digest = CRC.digest();
    digest.update(&whole[..at + 3]);
    digest.update(&[0; 4]);
    digest.update(&whole[at + 7..]);
    match digest.finalize() {
        wanted if wanted == seen => Ok(()),
        wanted => Err(ProxyHeaderError::WrongChecksum { seen, wanted }),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("as many bytes as were taken")
}

/// The first bytes of a header. No other protocol begins so.
pub(crate) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The number of bytes up to the length field, and with it.
pub(crate) const FIXED: usize = 16;

const VERSION: u8 = 0x20;
const LOCAL: u8 = 0;
const PROXY: u8 = 1;

const IPV4: u8 = 0x10;
const IPV6: u8 = 0x20;
const UNIX_SOCKET: u8 = 0x30;
const STREAM: u8 = 1;
const DATAGRAM: u8 = 2;

/// Without a table, which would be longer than any header.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISCSI);
