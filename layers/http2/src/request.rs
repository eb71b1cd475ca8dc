use crate::error::{Http2Error, local};
use h2::ext::Protocol;
use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Uri};
use std::fmt;
use wirestack_http::SafeDebug;
use wirestack_http::grammar::is_token;
use wirestack_layer::{Error, HostPort};

/// A CONNECT of a client: for a tunnel, or for another protocol on the stream.
///
/// ```
/// use wirestack_http2::ConnectRequest;
///
/// // For an HTTP/2 proxy: connect to a host (RFC 9113 §8.5).
/// let tunnel = ConnectRequest::tunnel("example.org", 22)?;
/// // For a server: speak another protocol on the stream (RFC 8441 §4).
/// let mut head = http::Request::new(());
/// *head.uri_mut() = "https://example.org/chat".parse()?;
/// let websocket = ConnectRequest::extended("websocket", head)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ConnectRequest(http::Request<()>);

impl ConnectRequest {
    /// Creates the request for a tunnel to a host: a name, or an address with or without brackets.
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`].
    pub fn tunnel(host: &str, port: u16) -> Result<Self, Error> {
        let target = HostPort::new(host, port);
        if target.kind().is_err() {
            return Err(bad("the host is malformed"));
        }
        if port == 0 {
            return Err(bad("the port is 0"));
        }
        let authority = Authority::try_from(target.to_string());
        let authority = authority.or(Err(bad("the host is malformed")))?;
        let mut request = http::Request::new(());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = Uri::from(authority);
        Ok(Self(request))
    }

    /// Creates the request for another protocol on the stream. `request` has the absolute URI, of
    /// `http` or `https`, and the fields. The method is set here. A user in the URI and the zone of
    /// an IPv6 address stay on this machine.
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`].
    pub fn extended(protocol: &str, mut request: http::Request<()>) -> Result<Self, Error> {
        if !is_token(protocol) {
            return Err(bad("the protocol is not a token"));
        }
        *request.uri_mut() = sendable(request.uri()).map_err(bad)?;
        if request.headers().keys().any(is_connection_specific) {
            return Err(bad("a field of HTTP/1.1 connections"));
        }
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Protocol::from(protocol));
        Ok(Self(request))
    }

    /// Adds fields.
    ///
    /// ```
    /// use http::{HeaderMap, HeaderValue};
    /// use wirestack_http2::ConnectRequest;
    ///
    /// let mut fields = HeaderMap::new();
    /// fields.insert("x-team", HeaderValue::from_static("blue"));
    /// let request = ConnectRequest::tunnel("example.org", 22)?.headers(fields.clone())?;
    /// fields.insert("connection", HeaderValue::from_static("close")); // not in HTTP/2
    /// assert!(request.headers(fields).is_err());
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Http2Error::BadRequest`] for a field that HTTP/2 forbids.
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

/// Returns the URI of a request for another protocol, as it may be sent.
fn sendable(uri: &Uri) -> Result<Uri, &'static str> {
    // "the :scheme and :path pseudo-header fields of the target URI MUST also be included" (RFC
    // 8441 §4)
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority())
    else {
        return Err("the URI is not an absolute one of http or https");
    };
    if authority.host().is_empty() {
        return Err("the URI has no host");
    }
    // "\":authority\" MUST NOT include the deprecated userinfo subcomponent" (RFC 9113 §8.3.1)
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    // A zone "has only local significance at the sending host" (RFC 6874 §4).
    let host = match (host.find('%'), host.find(']')) {
        (Some(zone), Some(end)) if zone < end => [&host[..zone], &host[end..]].concat(),
        _ => host.to_owned(),
    };
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // No URI has other characters (RFC 3986 §2). The types of `http` take them.
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the path or the query has a character outside of visible ASCII");
    }
    // A query may stand alone behind a host.
    let slash = if target.starts_with('?') { "/" } else { "" };
    let uri = Uri::builder().scheme(scheme).authority(host);
    let uri = uri.path_and_query(format!("{slash}{target}"));
    uri.build().or(Err("the URI is malformed"))
}

/// Shows neither user, query nor values of fields: they may be secrets.
impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SafeDebug(&self.0).fmt(f)
    }
}

/// The kind of a request.
///
/// ```
/// use wirestack_http2::{RequestKind, request_kind};
///
/// let request = http::Request::connect("example.org:22").body(())?;
/// assert!(matches!(request_kind(&request), RequestKind::Tunnel(to) if to == "example.org:22"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind<'a> {
    /// The request is for a tunnel to this host and port (RFC 9113 §8.5). Both are valid: a request
    /// with another target is for a response, which is 400.
    Tunnel(&'a Authority),
    /// The request is for this protocol on the stream with this server (RFC 8441 §4), which "MUST
    /// NOT" connect elsewhere. Compare it without case: servers and clients differ.
    Protocol(&'a str),
    /// The request is for an ordinary response.
    Response,
}

/// Returns the kind of a request that arrived.
///
/// ```
/// use wirestack_http2::{RequestKind, request_kind};
///
/// let request = http::Request::get("https://example.org/").body(())?;
/// assert_eq!(request_kind(&request), RequestKind::Response);
/// # Ok::<(), http::Error>(())
/// ```
pub fn request_kind(request: &http::Request<()>) -> RequestKind<'_> {
    if request.method() != Method::CONNECT {
        return RequestKind::Response;
    }
    if let Some(protocol) = request.extensions().get::<Protocol>() {
        return RequestKind::Protocol(protocol.as_str());
    }
    let is_target = |authority: &&Authority| {
        let target = HostPort::parse(authority.as_str(), None);
        target.is_some_and(|target| target.kind().is_ok())
    };
    match request.uri().authority().filter(is_target) {
        Some(authority) => RequestKind::Tunnel(authority),
        None => RequestKind::Response, // a malformed one, whose response is 400
    }
}

/// Returns the name of a request, for the error of its refusal: `CONNECT example.org:443`,
/// `websocket`.
pub(crate) fn request_name(request: &http::Request<()>) -> String {
    match request_kind(request) {
        RequestKind::Tunnel(authority) => format!("CONNECT {authority}"),
        RequestKind::Protocol(protocol) => format!("the extended CONNECT for {protocol}"),
        RequestKind::Response => request.method().to_string(),
    }
}

/// "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields"
/// (RFC 9113 §8.2.2); `Host` would contradict `:authority`.
pub(crate) fn is_connection_specific(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, UPGRADE, TE, HOST].contains(name)
        || ["keep-alive", "proxy-connection", "http2-settings"].contains(&name.as_str())
}

fn bad(what: &'static str) -> Error {
    local(Http2Error::BadRequest(what))
}
