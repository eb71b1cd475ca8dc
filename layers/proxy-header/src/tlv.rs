//! The values of a header of version 2 behind its addresses, each with its kind and its length.

use alloc::vec::Vec;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The kinds of values.
pub mod kind {
    /// The protocol that was chosen by ALPN.
    pub const ALPN: u8 = 0x01;
    /// The name that the client asked for.
    pub const AUTHORITY: u8 = 0x02;
    /// A checksum of the header.
    pub const CRC32C: u8 = 0x03;
    /// Padding.
    pub const NOOP: u8 = 0x04;
    /// The id of the connection, of at most 128 bytes.
    pub const UNIQUE_ID: u8 = 0x05;
    /// The facts about the client's TLS; see [`TlsInfo`](crate::TlsInfo).
    pub const SSL: u8 = 0x20;
    /// In [`SSL`]: the version, such as `TLSv1.3`.
    pub const SSL_VERSION: u8 = 0x21;
    /// In [`SSL`]: the common name of the client's certificate.
    pub const SSL_CN: u8 = 0x22;
    /// In [`SSL`]: the name of the cipher suite.
    pub const SSL_CIPHER: u8 = 0x23;
    /// In [`SSL`]: the algorithm that signed the server's certificate.
    pub const SSL_SIG_ALG: u8 = 0x24;
    /// In [`SSL`]: the algorithm of the server's key.
    pub const SSL_KEY_ALG: u8 = 0x25;
    /// The network namespace of the addresses.
    pub const NETNS: u8 = 0x30;
}

/// A value and its kind.
///
/// ```
/// use wirestack_proxy_header::{Header, kind};
///
/// let header = Header::local().with_tlv(kind::NETNS, "blue")?;
/// assert_eq!((header.tlvs()[0].kind, &header.tlvs()[0].value[..]), (kind::NETNS, &b"blue"[..]));
/// # Ok::<(), wirestack_proxy_header::HeaderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlv {
    /// The kind: one of [these](kind), or another one.
    pub kind: u8,
    /// The value, of at most 65,535 bytes.
    pub value: Bytes,
}

impl Tlv {
    /// Returns the number of bytes on the wire.
    pub(crate) fn len(&self) -> usize {
        PREFIX + self.value.len()
    }

    /// Returns the value if it is of this kind.
    pub(crate) fn of(&self, kind: u8) -> Option<&Bytes> {
        (self.kind == kind).then_some(&self.value)
    }

    pub(crate) fn emit(&self, to: &mut BytesMut) {
        to.put_u8(self.kind);
        to.put_u16(u16::try_from(self.value.len()).expect("a value of at most 65,535 bytes"));
        to.put_slice(&self.value);
    }

    /// Takes the next value off `from`. Returns `None` if it is longer than that.
    pub(crate) fn parse(from: &mut Bytes) -> Option<Self> {
        let kind = from.try_get_u8().ok()?;
        let len = usize::from(from.try_get_u16().ok()?);
        (from.len() >= len).then(|| Self {
            kind,
            value: from.split_to(len),
        })
    }
}

/// The facts that a proxy sends about the TLS between a client and itself.
///
/// ```
/// use wirestack_proxy_header::{Header, kind};
///
/// // The client came over TLS with a certificate, which the balancer has verified.
/// let value = [&[0b11, 0, 0, 0, 0, kind::SSL_VERSION, 0, 7][..], b"TLSv1.3"].concat();
/// let tls = Header::local().with_tlv(kind::SSL, value)?.tls().unwrap();
/// assert!(tls.over_tls && tls.certificate_here && tls.verified);
/// assert_eq!(tls.text(kind::SSL_VERSION), Some("TLSv1.3"));
/// # Ok::<(), wirestack_proxy_header::HeaderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `true` if the client connected over TLS.
    pub over_tls: bool,
    /// `true` if the client sent a certificate on this connection.
    pub certificate_here: bool,
    /// `true` if the client sent a certificate in this TLS session, which may be older than the
    /// connection.
    pub certificate: bool,
    /// `true` if the certificate was verified. It has no meaning without a certificate.
    pub verified: bool,
    /// Further values: the version, such as `TLSv1.3`, the common name of the certificate, and
    /// others.
    pub tlvs: Vec<Tlv>,
}

impl TlsInfo {
    pub(crate) fn parse(value: &Bytes) -> Option<Self> {
        let mut rest = value.clone();
        let client = rest.try_get_u8().ok()?;
        let verify = rest.try_get_u32().ok()?;
        let mut tlvs = Vec::new();
        while !rest.is_empty() {
            tlvs.push(Tlv::parse(&mut rest)?);
        }
        Some(Self {
            over_tls: client & 0x01 != 0,
            certificate_here: client & 0x02 != 0,
            certificate: client & 0x04 != 0,
            verified: verify == 0,
            tlvs,
        })
    }

    /// Returns the first text of a kind, such as [`kind::SSL_VERSION`].
    pub fn text(&self, kind: u8) -> Option<&str> {
        let value = self.tlvs.iter().find_map(|tlv| tlv.of(kind))?;
        core::str::from_utf8(value).ok()
    }
}

/// The number of bytes in front of a value: its kind and its length.
const PREFIX: usize = 3;
