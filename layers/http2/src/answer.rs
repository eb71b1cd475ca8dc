//! The responses of an application, as HTTP/2 may carry them.

use crate::head::ContentFollows;
use crate::pending_stream::Asked;
use crate::request::is_connection_specific;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap};
use http::{Response, StatusCode};

/// Returns a response without what HTTP/2 forbids. The same response is right over HTTP/1.1, whose
/// server writes these parts itself, so an application does not tell the versions apart.
///
/// * The fields of a connection are left out: "An endpoint MUST NOT generate an HTTP/2 message
///   containing connection-specific header fields" (RFC 9113 §8.2.2).
/// * 204 and 304 have no content (RFC 9110 §6.4.1), nor has the answer to a HEAD.
/// * `Content-Length` is that of the content (RFC 9113 §8.1.1), unless the content follows. In the
///   answer to a HEAD and with 304 it tells the length that another answer would have. With 204, and
///   with a 2xx that opens a tunnel, there is none (RFC 9110 §8.6, §9.3.6).
/// * A status of 1xx answers nothing, and 101 is forbidden (RFC 9113 §8.6): it becomes a 500.
pub(crate) fn sendable(response: Response<Bytes>, asked: Asked) -> Response<Bytes> {
    let (mut head, mut body) = response.into_parts();
    if head.status.is_informational() {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        head.headers.remove(CONTENT_LENGTH);
        body.clear();
    }
    let headers = &mut head.headers;
    remove_connection_specific(headers);
    let opens_tunnel = asked == Asked::Tunnel && head.status.is_success();
    let content_follows = head.extensions.get::<ContentFollows>().is_some();
    let has_none = has_no_content(asked, head.status);
    let tells_other = has_none && head.status != StatusCode::NO_CONTENT;
    if opens_tunnel || head.status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
    } else if headers.contains_key(CONTENT_LENGTH)
        && !(body.is_empty() && (tells_other || content_follows))
    {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    if has_none {
        body.clear();
    }
    Response::from_parts(head, body)
}

/// Returns an interim response as it is sent.
pub(crate) fn interim(mut response: Response<()>) -> Response<()> {
    let headers = response.headers_mut();
    remove_connection_specific(headers);
    // "MUST NOT send a Content-Length header field in any response with a status code of 1xx" (RFC 9110 §8.6)
    headers.remove(CONTENT_LENGTH);
    response
}

/// Returns `true` for a status of an interim response. "HTTP/2 removes support for the 101 (Switching
/// Protocols) informational status code" (RFC 9113 §8.6).
pub(crate) fn is_interim(status: StatusCode) -> bool {
    status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
}

fn remove_connection_specific(headers: &mut HeaderMap) {
    let forbidden: Vec<_> = headers
        .keys()
        .filter(|name| is_connection_specific(name) && **name != HOST)
        .cloned()
        .collect();
    for name in forbidden {
        headers.remove(name);
    }
}

/// Returns `true` if a response ends with its head (RFC 9110 §6.4.1).
pub(crate) fn has_no_content(asked: Asked, status: StatusCode) -> bool {
    asked == Asked::Head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_content_is_corrected_where_there_is_one() {
        for (asked, status, content, before, wanted) in [
            (Asked::Other, 200, "page", Some("9"), Some("4")),
            (Asked::Other, 200, "page", None, None),
            (Asked::Other, 200, "", Some("9"), Some("0")),
            (Asked::Other, 204, "page", Some("4"), None),
            (Asked::Other, 304, "", Some("9"), Some("9")),
            (Asked::Other, 101, "page", Some("4"), None),
            (Asked::Head, 200, "page", Some("9"), Some("4")),
            (Asked::Head, 200, "", Some("9"), Some("9")),
            (Asked::Head, 200, "", None, None),
            (Asked::Tunnel, 200, "page", Some("4"), None),
            (Asked::Tunnel, 403, "page", Some("9"), Some("4")),
        ] {
            let mut response = Response::builder().status(status);
            if let Some(length) = before {
                response = response.header(CONTENT_LENGTH, length);
            }
            let response = sendable(response.body(content.into()).unwrap(), asked);
            let length = response.headers().get(CONTENT_LENGTH);
            let length = length.map(|length| length.to_str().unwrap());
            assert_eq!(length, wanted, "{status} {content:?}, {before:?}");
        }
        let mut response = Response::builder().header(CONTENT_LENGTH, "9");
        response = response.extension(ContentFollows);
        let response = sendable(response.body(Bytes::new()).unwrap(), Asked::Other);
        assert_eq!(response.headers()[CONTENT_LENGTH], "9", "it follows");
    }
}
