//! The rules by which a proxy forwards a request and its response (RFC 9110 §7.6, RFC 9112 §3.2.2).

use crate::route::endpoint::Endpoint;
use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, MAX_FORWARDS,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderValue, Method, StatusCode, Uri, Version, request, response, uri};
use wirestack_http::grammar::has_valid_host;
use wirestack_layer::HostPort;

/// The reason that a proxy does not forward a request or a response.
///
/// ```
/// use wirestack_dial::serve::{ForwardError, forward_request};
///
/// let (mut head, ()) = http::Request::get("https://example.org/").body(())?.into_parts();
/// let error = forward_request(&mut head).unwrap_err();
/// assert_eq!((error, error.status().as_u16()), (ForwardError::Scheme, 501));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The target of the request is no absolute URI.
    #[error("this is a proxy: it wants CONNECT, or a request with an absolute http:// URI")]
    NotAbsolute,
    /// The target is no `http` URI.
    #[error("a request for another scheme than http needs a tunnel: use CONNECT")]
    Scheme,
    /// The target has no valid host and port, or has a user.
    #[error("the target has no valid host and port")]
    Target,
    /// The request has several `Host` fields, or one that is no host.
    #[error("the Host field is not one host")]
    Host,
    /// A transfer coding of the request that is not understood here.
    #[error("the transfer coding is not only chunked")]
    TransferCoding,
    /// A transfer coding of the server that is not understood here.
    #[error("the server has sent a transfer coding that is not only chunked")]
    ResponseCoding,
    /// A method that is not forwarded.
    #[error("TRACE is not forwarded: it would show the fields of the client")]
    Trace,
    /// `Max-Forwards` is 0: the request is for this proxy itself.
    #[error("the request ends here, by its Max-Forwards")]
    LastHop,
    /// The request is an OPTIONS for a whole server, and another proxy is on the way. `hyper` cannot
    /// write the absolute URI without a path that it takes (RFC 9112 §3.2.4).
    #[error("an OPTIONS for a whole server is not passed to another proxy: name a path")]
    WholeServer,
    /// The server has switched protocols, which nobody has asked for.
    #[error("the server has switched protocols without being asked")]
    Switched,
    /// The next proxy wants a login.
    #[error("the next proxy wants other credentials")]
    UpstreamLogin,
}

impl ForwardError {
    /// Returns the status of the answer to the client.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotAbsolute | Self::Target | Self::Host => StatusCode::BAD_REQUEST,
            Self::Scheme | Self::TransferCoding | Self::WholeServer => StatusCode::NOT_IMPLEMENTED,
            Self::Trace => StatusCode::METHOD_NOT_ALLOWED,
            Self::LastHop => StatusCode::OK,
            Self::ResponseCoding | Self::Switched | Self::UpstreamLogin => StatusCode::BAD_GATEWAY,
        }
    }
}

/// Changes the head of a request with an absolute `http` URI to the one that goes to its server,
/// and returns the host and the port of the server.
///
/// The target becomes a path, and `Host` becomes the host of the URI whatever it was (RFC 9112
/// §3.2.2). Fields that are for this connection alone are removed, with the credentials for this
/// proxy; `Via` is added. `Content-Length` and `Transfer-Encoding` are removed too: who sends the
/// content frames it anew, so that both sides agree about its end.
///
/// ```
/// use wirestack_dial::serve::forward_request;
///
/// let request = http::Request::get("http://example.org:8080/a?b")
///     .header("host", "other.test")
///     .header("connection", "x-secret")
///     .header("x-secret", "1")
///     .header("proxy-authorization", "Basic eDp5");
/// let (mut head, ()) = request.body(())?.into_parts();
/// let server = forward_request(&mut head)?;
/// assert_eq!((server.host.as_str(), server.port), ("example.org", 8080));
/// assert_eq!(head.uri, "/a?b");
/// assert_eq!(head.headers["host"], "example.org:8080");
/// assert_eq!(head.headers["via"], "1.1 wirestack");
/// assert_eq!(head.headers.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ForwardError`], whose [status](ForwardError::status) is the answer.
pub fn forward_request(head: &mut request::Parts) -> Result<Endpoint, ForwardError> {
    check_coding(&head.headers)?;
    let server = server_of(&head.uri)?;
    if !has_valid_host(&head.headers) {
        return Err(ForwardError::Host);
    }
    if head.method == Method::TRACE {
        return Err(ForwardError::Trace);
    }
    if head.method == Method::OPTIONS {
        count_forward(&mut head.headers)?;
    }
    remove_connection_fields(&mut head.headers);
    head.headers.remove(PROXY_AUTHORIZATION);
    head.headers.remove(CONTENT_LENGTH);
    let authority = head.uri.authority().map_or("", without_empty_port);
    let host = HeaderValue::try_from(authority).or(Err(ForwardError::Target))?;
    head.headers.insert(HOST, host);
    join_cookies(&mut head.headers);
    add_via(&mut head.headers, head.version);
    head.uri = origin_form(&head.method, &head.uri)?;
    head.version = Version::HTTP_11;
    Ok(server)
}

/// Changes the head of a response to the one that goes to the client, who sent a request with this
/// method.
///
/// ```
/// use http::Method;
/// use wirestack_dial::serve::forward_response;
///
/// let response = http::Response::builder().header("connection", "x-hop").header("x-hop", "1");
/// let (mut head, ()) = response.body(())?.into_parts();
/// forward_response(&Method::GET, &mut head)?;
/// assert_eq!(head.headers["via"], "1.1 wirestack");
/// assert_eq!(head.headers.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ForwardError`], whose [status](ForwardError::status) is the answer instead.
pub fn forward_response(method: &Method, head: &mut response::Parts) -> Result<(), ForwardError> {
    // It is no fault of the request.
    check_coding(&head.headers).or(Err(ForwardError::ResponseCoding))?;
    match head.status {
        StatusCode::SWITCHING_PROTOCOLS => return Err(ForwardError::Switched),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Err(ForwardError::UpstreamLogin),
        _ => {}
    }
    remove_connection_fields(&mut head.headers);
    head.headers.remove(PROXY_AUTHENTICATE);
    // Where there is no content, the field tells its length all the same (RFC 9110 §8.6).
    if *method != Method::HEAD && head.status != StatusCode::NOT_MODIFIED {
        head.headers.remove(CONTENT_LENGTH);
    }
    add_via(&mut head.headers, head.version);
    head.version = Version::HTTP_11;
    Ok(())
}

/// Returns the server of an absolute `http` URI.
fn server_of(uri: &Uri) -> Result<Endpoint, ForwardError> {
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(ForwardError::NotAbsolute);
    };
    if *scheme != uri::Scheme::HTTP {
        return Err(ForwardError::Scheme);
    }
    // A user in an `http` URI from an untrusted source is an error (RFC 9110 §4.2.4).
    if authority.as_str().contains('@') {
        return Err(ForwardError::Target);
    }
    let text = without_empty_port(authority);
    let server = HostPort::parse(text, Some(80)).ok_or(ForwardError::Target)?;
    if server.host().is_empty() || server.port() == 0 || server.kind().is_err() {
        return Err(ForwardError::Target);
    }
    Ok(Endpoint {
        host: server.host().to_owned(),
        port: server.port(),
    })
}

/// Returns an authority without the colon of an empty port, which stands for the default one
/// (RFC 9110 §4.2.1).
fn without_empty_port(authority: &uri::Authority) -> &str {
    let text = authority.as_str();
    text.strip_suffix(':').unwrap_or(text)
}

/// Returns the target that a server gets for an absolute URI: its path and its query (RFC 9112
/// §3.2.1), or the `*` of an OPTIONS over HTTP/2 (RFC 9113 §8.3.1).
fn origin_form(method: &Method, uri: &Uri) -> Result<Uri, ForwardError> {
    let path = uri.path_and_query().map_or("", uri::PathAndQuery::as_str);
    let target = match path.as_bytes().first() {
        Some(b'/') => path.to_owned(),
        Some(b'*') if path == "*" && *method == Method::OPTIONS => path.to_owned(),
        // "If the target URI's path component is empty, the client MUST send "/" as the path".
        None | Some(b'?') => format!("/{path}"),
        // Behind a host, it would be another host.
        Some(_) => return Err(ForwardError::Target),
    };
    target.parse().or(Err(ForwardError::Target))
}

/// Accepts no transfer coding but a single `chunked`: with another one, the two sides of the proxy
/// could disagree about the end of the content.
fn check_coding(headers: &HeaderMap) -> Result<(), ForwardError> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if is_chunked(coding) => Ok(()),
        _ => Err(ForwardError::TransferCoding),
    }
}

/// Counts one of the `Max-Forwards` of an OPTIONS (RFC 9110 §7.6.2).
fn count_forward(headers: &mut HeaderMap) -> Result<(), ForwardError> {
    let Some(value) = headers.get(MAX_FORWARDS) else {
        return Ok(());
    };
    let most: Option<u32> = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    match most {
        Some(0) => Err(ForwardError::LastHop),
        Some(most) => {
            headers.insert(MAX_FORWARDS, HeaderValue::from(most - 1));
            Ok(())
        }
        None => Ok(()), // not a number: it is no order
    }
}

/// Removes the fields that are for one connection: those that `Connection` names, and those that
/// are so whether it names them or not (RFC 9110 §7.6.1).
fn remove_connection_fields(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "http2-settings"] {
        headers.remove(name);
    }
}

/// Joins the fields `Cookie`, of which HTTP/2 may have several (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().collect();
    if crumbs.len() < 2 {
        return;
    }
    let crumbs: Vec<_> = crumbs.into_iter().map(HeaderValue::as_bytes).collect();
    // It has the characters of fields alone, as its parts have.
    if let Ok(mut cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        cookie.set_sensitive(true);
        headers.insert(COOKIE, cookie);
    }
}

fn add_via(headers: &mut HeaderMap, received: Version) {
    let value = match received {
        Version::HTTP_10 => "1.0 wirestack",
        Version::HTTP_2 => "2 wirestack",
        _ => "1.1 wirestack",
    };
    headers.append(VIA, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests;
