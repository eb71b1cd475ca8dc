//! The versions of HTTP, as ALPN names them.

/// The versions of HTTP that may carry a WebSocket.
///
/// ```
/// use wirestack_dial::HttpVersions;
///
/// assert_eq!(HttpVersions::default(), HttpVersions::Any);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 if the server speaks it and offers extended CONNECT (RFC 8441), or else HTTP/1.1.
    /// Without TLS it is HTTP/1.1, because there is no ALPN to agree on HTTP/2.
    #[default]
    Any,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only. Without TLS it starts with prior knowledge (RFC 9113 §3.3).
    Http2,
}

impl HttpVersions {
    pub(crate) fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Self::Any => &[b"h2", b"http/1.1"],
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
        }
    }
}
