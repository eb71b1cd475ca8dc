use crate::head;
use http::header::{CONNECTION, UPGRADE};
use http::{Request, Version};
use wirestack_http::grammar::{has_token, is_token};

/// Returns `true` if a request can be upgraded to `token`: it lists the token in `Upgrade`, has
/// `Connection: Upgrade`, is HTTP/1.1 and announces no content.
///
/// "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110
/// §7.8). Content would come before the other protocol, and a tunnel of bytes has no place for it.
///
/// ```
/// use wirestack_http1::upgrade::offers;
///
/// let request = http::Request::get("/")
///     .header("connection", "keep-alive, Upgrade")
///     .header("upgrade", "websocket")
///     .body(())?;
/// assert!(offers(&request, "websocket") && !offers(&request, "h2c"));
/// # Ok::<(), http::Error>(())
/// ```
pub fn offers(request: &Request<()>, token: &str) -> bool {
    can_be_upgraded(request) && names(request, token)
}

/// Returns `true` if a request can be upgraded to something.
pub(super) fn can_be_upgraded(request: &Request<()>) -> bool {
    let headers = request.headers();
    request.version() == Version::HTTP_11
        && has_token(headers, &CONNECTION, "upgrade")
        && !head::has_content(headers)
}

/// Returns `true` if a request lists the token in `Upgrade`.
pub(super) fn names(request: &Request<()>, token: &str) -> bool {
    has_token(request.headers(), &UPGRADE, token)
}

/// Returns `true` if a request announces content.
///
/// ```
/// use wirestack_http1::upgrade::has_content;
///
/// let request = http::Request::post("/").header("content-length", "5").body(())?;
/// assert!(has_content(&request));
/// # Ok::<(), http::Error>(())
/// ```
pub fn has_content(request: &Request<()>) -> bool {
    head::has_content(request.headers())
}

/// Returns `true` if the text is `token` or `token/token`, as the name of a protocol is.
pub(super) fn is_protocol(text: &str) -> bool {
    text.splitn(2, '/').all(is_token)
}
