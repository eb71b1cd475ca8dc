//! The advice that an error of a layer gives where only the route tells what to do.

use http::{HeaderMap, StatusCode};
use wirestack_http::Refusal;
use wirestack_http1::Http1Error;
use wirestack_http2::Http2Error;
use wirestack_layer::Error;

/// Returns the refusal of a server or proxy, if the error is one.
pub(crate) fn refusal(error: &Error) -> Option<&Refusal> {
    match (error.cause(), error.cause()) {
        (Some(Http1Error::Refused(refusal)), _) => Some(refusal),
        (_, Some(Http2Error::Refused(refusal))) => Some(refusal),
        _ => None,
    }
}

/// Returns the status and the fields of the response that refused, if the error is a refusal.
pub(crate) fn refused_with(error: &Error) -> Option<(StatusCode, &HeaderMap)> {
    refusal(error).map(|refusal| (refusal.status, &refusal.headers))
}

/// Returns the advice for a refusal: by the target, or by a proxy.
pub(crate) fn advice(error: &Error, by_target: bool) -> Option<&'static str> {
    let status = refusal(error)?.status;
    Some(match (status.as_u16(), by_target) {
        (301 | 302 | 303 | 307 | 308, true) => {
            "use that URL, or follow redirects (`redirects` of the builder)"
        }
        (301..=308, false) => "the proxy wants a login on that page first, or this is no proxy",
        (401, true) => "give a user and a password, as in wss://user:password@host",
        (401, false) => {
            "the proxy wants another user or password, as in http://user:password@proxy"
        }
        (404, true) => "the path may be wrong",
        (404 | 405 | 501, false) => "this server is no proxy for CONNECT",
        (403, false) => "the rules of the proxy forbid it",
        (426, true) => "the server speaks another version of the protocol",
        (429, _) => "wait before you try again",
        (502..=504, false) => "the proxy could not reach it",
        (503, true) => "the server is overloaded or down",
        (502 | 504, true) => "a gateway could not reach the server behind it",
        _ => return None,
    })
}
