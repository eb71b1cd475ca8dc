//! The first bytes of a peer that speaks another protocol than the wanted one.

use crate::escaped::Escaped;
use alloc::vec::Vec;
use core::fmt;

/// The first bytes of a peer that speaks another protocol than the wanted one, for errors.
///
/// A layer whose peer does not begin as its protocol does asks here for the name of what it saw, so
/// that its error tells a user which port or which URL is the wrong one.
///
/// ```
/// use wirestack_layer::{FirstBytes, SeenProtocol};
///
/// let seen = FirstBytes::read(b"SSH-2.0-OpenSSH_9.6", false).unwrap();
/// assert_eq!(seen.protocol(), Some(SeenProtocol::Ssh));
/// assert_eq!(seen.to_string(), "the greeting of SSH");
///
/// assert_eq!(FirstBytes::read(b"SS", false), Err(3));
/// let seen = FirstBytes::read(b"SSL", false).unwrap();
/// assert_eq!(seen.to_string(), "the bytes \"SSL\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBytes {
    protocol: Option<SeenProtocol>,
    /// The bytes up to the one that decided.
    bytes: Vec<u8>,
}

/// A protocol that shows in the first bytes of a connection.
///
/// ```
/// use wirestack_layer::{FirstBytes, SeenProtocol};
///
/// let seen = FirstBytes::read(b"SSH-2.0-OpenSSH_9.2\r\n", false).unwrap();
/// assert_eq!(seen.protocol(), Some(SeenProtocol::Ssh));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeenProtocol {
    /// A record of TLS.
    Tls,
    /// SOCKS5, of a client or of a proxy.
    Socks5,
    /// The request of a SOCKS4 client.
    Socks4,
    /// The reply of a SOCKS4 proxy.
    Socks4Reply,
    /// A request of HTTP/1.
    HttpRequest,
    /// A response of HTTP/1.
    HttpResponse,
    /// The preface of an HTTP/2 client (RFC 9113 §3.4).
    Http2Preface,
    /// The SETTINGS frame with which an HTTP/2 server begins.
    Http2Settings,
    /// The identification of SSH (RFC 4253 §4.2).
    Ssh,
    /// The greeting of a mail or FTP server, which has the code 220.
    Greeting220,
    /// The greeting of an IMAP server.
    Imap,
    /// The greeting of a POP3 server.
    Pop3,
    /// The header of the PROXY protocol.
    ProxyHeader,
    /// The beginning of HTML or XML.
    Markup,
}

impl FirstBytes {
    /// Judges the first bytes of a peer; `ended` if no more will come.
    ///
    /// The verdict does not depend on how the bytes were cut.
    ///
    /// # Errors
    ///
    /// The number of bytes that are needed, if these could become one protocol or another.
    pub fn read(bytes: &[u8], ended: bool) -> Result<Self, usize> {
        let mut decides = 0;
        for (pattern, protocol) in SIGNATURES {
            let fits = pattern.iter().zip(bytes);
            let fitting = fits.take_while(|(wanted, seen)| wanted == seen || **wanted == OWN);
            let fitting = fitting.count();
            if fitting == pattern.len() {
                return Ok(Self {
                    protocol: Some(*protocol),
                    bytes: bytes.iter().take(fitting).copied().collect(),
                });
            }
            if fitting == bytes.len() && !ended {
                return Err(fitting + 1);
            }
            decides = decides.max(fitting + 1);
        }
        Ok(Self {
            protocol: None,
            bytes: bytes.iter().take(decides).copied().collect(),
        })
    }

    /// Returns the protocol, if it is a known one.
    pub fn protocol(&self) -> Option<SeenProtocol> {
        self.protocol
    }
}

/// Shows the name of the protocol, or the bytes.
impl fmt::Display for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(protocol) = self.protocol {
            return protocol.fmt(f);
        }
        let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        let word = match self.bytes.len() {
            0 => return f.write_str("nothing"),
            1 => "byte",
            _ => "bytes",
        };
        match core::str::from_utf8(&self.bytes) {
            Ok(text) if self.bytes.iter().all(is_text) => {
                write!(f, "the {word} \"{}\"", Escaped::new(text))
            }
            _ => {
                write!(f, "the {word}")?;
                self.bytes
                    .iter()
                    .try_for_each(|byte| write!(f, " {byte:#04x}"))
            }
        }
    }
}

impl fmt::Display for SeenProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "TLS",
            Self::Socks5 => "SOCKS5",
            Self::Socks4 => "a SOCKS4 request",
            Self::Socks4Reply => "a SOCKS4 reply",
            Self::HttpRequest => "an HTTP/1 request",
            Self::HttpResponse => "an HTTP/1 response",
            Self::Http2Preface => "the preface of an HTTP/2 client",
            Self::Http2Settings => "an HTTP/2 SETTINGS frame",
            Self::Ssh => "the greeting of SSH",
            Self::Greeting220 => "the greeting of a mail or FTP server (220)",
            Self::Imap => "the greeting of an IMAP server",
            Self::Pop3 => "the greeting of a POP3 server",
            Self::ProxyHeader => "a PROXY header",
            Self::Markup => "the beginning of a web page (HTML or XML)",
        })
    }
}

/// The first bytes of each protocol. Two bytes of a SETTINGS frame are its own: see [`OWN`].
const SIGNATURES: &[(&[u8], SeenProtocol)] = &[
    (b"\x16\x03", SeenProtocol::Tls),
    (b"\x15\x03", SeenProtocol::Tls),
    (b"\x05", SeenProtocol::Socks5),
    (b"\x04\x01", SeenProtocol::Socks4),
    (b"\x04\x02", SeenProtocol::Socks4),
    (b"\0\x5a", SeenProtocol::Socks4Reply),
    (b"\0\x5b", SeenProtocol::Socks4Reply),
    (b"\0\x5c", SeenProtocol::Socks4Reply),
    (b"\0\x5d", SeenProtocol::Socks4Reply),
    (b"HTTP/", SeenProtocol::HttpResponse),
    (b"GET ", SeenProtocol::HttpRequest),
    (b"HEAD ", SeenProtocol::HttpRequest),
    (b"POST ", SeenProtocol::HttpRequest),
    (b"PUT ", SeenProtocol::HttpRequest),
    (b"DELETE ", SeenProtocol::HttpRequest),
    (b"CONNECT ", SeenProtocol::HttpRequest),
    (b"OPTIONS ", SeenProtocol::HttpRequest),
    (b"TRACE ", SeenProtocol::HttpRequest),
    (b"PATCH ", SeenProtocol::HttpRequest),
    (b"PRI * HTTP/2", SeenProtocol::Http2Preface),
    (
        &[0, 0, OWN, 4, OWN, 0, 0, 0, 0],
        SeenProtocol::Http2Settings,
    ),
    (b"SSH-", SeenProtocol::Ssh),
    (b"220 ", SeenProtocol::Greeting220),
    (b"220-", SeenProtocol::Greeting220),
    (b"* OK", SeenProtocol::Imap),
    (b"+OK", SeenProtocol::Pop3),
    (b"PROXY ", SeenProtocol::ProxyHeader),
    (b"\r\n\r\n\0\r\nQUIT\n", SeenProtocol::ProxyHeader),
    (b"<!", SeenProtocol::Markup),
    (b"<?", SeenProtocol::Markup),
    (b"<html", SeenProtocol::Markup),
    (b"<HTML", SeenProtocol::Markup),
];

/// Stands for any byte in a signature. No signature has this byte.
const OWN: u8 = 0xee;
