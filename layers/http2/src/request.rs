use crate::error::{Http2Error, local};
use h2::ext::Protocol;
use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::Authority;
use http::{Method, Uri};
use wirestack_layer::Error;

/// What a client asks for with CONNECT.
///
/// ```
/// use wirestack_http2::Request;
///
/// // An HTTP/2 proxy shall connect to a host (RFC 9113 §8.5).
/// let tunnel = Request::tunnel("example.org", 22)?;
/// // A server shall speak another protocol on the stream (RFC 8441 §4).
/// let mut head = http::Request::new(());
/// *head.uri_mut() = "https://example.org/chat".parse()?;
/// let websocket = Request::extended("websocket", head)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request(http::Request<()>);

impl Request {
    /// Asks a proxy for a tunnel to a host: a name, or an address, bracketed or not.
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`].
    pub fn tunnel(host: &str, port: u16) -> Result<Self, Error> {
        let literal = host.contains(':') && !host.starts_with('[');
        let authority = match literal {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let authority = Authority::try_from(authority).or(Err(bad("the host is malformed")))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad("the host is malformed"));
        }
        let mut request = http::Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = Uri::from(authority);
        Ok(Self(request))
    }

    /// Asks a server to speak another protocol on the stream: `request` has its absolute `http` or
    /// `https` URI and its fields; the method is set here.
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`].
    pub fn extended(protocol: &str, mut request: http::Request<()>) -> Result<Self, Error> {
        let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if protocol.is_empty() || !protocol.bytes().all(is_tchar) {
            return Err(bad("the protocol is not a token"));
        }
        // "the :scheme and :path pseudo-header fields of the target URI MUST also be included"
        let uri = request.uri();
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
            return Err(bad("the URI is not an absolute one of http or https"));
        }
        if request.headers().keys().any(is_connection_specific) {
            return Err(bad("a field of HTTP/1.1 connections"));
        }
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Protocol::from(protocol));
        Ok(Self(request))
    }

    /// Adds fields.
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`] for one that HTTP/2 forbids.
    pub fn headers(mut self, headers: http::HeaderMap) -> Result<Self, Error> {
        if headers.keys().any(is_connection_specific) {
            return Err(bad("a field of HTTP/1.1 connections"));
        }
        self.0.headers_mut().extend(headers);
        Ok(self)
    }

    pub(crate) fn into_http(self) -> http::Request<()> {
        self.0
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asks<'a> {
    /// A tunnel to this host and port (RFC 9113 §8.5).
    Tunnel(&'a Authority),
    /// This protocol, to be spoken on the stream with this server (RFC 8441 §4), which "MUST NOT"
    /// connect elsewhere. Compare without regard to case: servers and clients differ.
    Protocol(&'a str),
    /// An ordinary response.
    Response,
}

/// Tells what a request that arrived asks for.
pub fn asks(request: &http::Request<()>) -> Asks<'_> {
    if request.method() != Method::CONNECT {
        return Asks::Response;
    }
    if let Some(protocol) = request.extensions().get::<Protocol>() {
        return Asks::Protocol(protocol.as_str());
    }
    match request.uri().authority() {
        Some(authority) if authority.port_u16().is_some() => Asks::Tunnel(authority),
        _ => Asks::Response, // to be answered with 400
    }
}

/// "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields"
/// (RFC 9113 §8.2.2); `Host` would contradict `:authority`.
fn is_connection_specific(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, UPGRADE, TE, HOST].contains(name)
        || ["keep-alive", "proxy-connection", "http2-settings"].contains(&name.as_str())
}

fn bad(what: &'static str) -> Error {
    local(Http2Error::BadRequest(what))
}
