//! The responses of an application, as HTTP/2 may carry them.

use crate::request::is_connection_specific;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{Response, StatusCode};

/// Returns a response without what HTTP/2 forbids. The same response is right over HTTP/1.1, whose
/// server writes these parts itself, so an application does not tell the versions apart.
///
/// * The fields of a connection are left out: "An endpoint MUST NOT generate an HTTP/2 message
///   containing connection-specific header fields" (RFC 9113 §8.2.2).
/// * 204 and 304 have no content (RFC 9110 §6.4.1).
/// * `Content-Length` is that of the content (RFC 9113 §8.1.1).
/// * A status of 1xx answers nothing, and 101 is forbidden (RFC 9113 §8.6): it becomes a 500.
pub(crate) fn sendable(response: Response<Bytes>) -> Response<Bytes> {
    let (mut head, mut body) = response.into_parts();
    if head.status.is_informational() {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        body.clear();
    }
    let headers = &mut head.headers;
    let forbidden: Vec<_> = headers
        .keys()
        .filter(|name| is_connection_specific(name) && **name != HOST)
        .cloned()
        .collect();
    for name in forbidden {
        headers.remove(name);
    }
    if matches!(
        head.status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
    ) {
        body.clear();
    }
    if !body.is_empty() && headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_content_is_corrected_where_there_is_one() {
        for (content, before, wanted) in [
            ("page", Some("9"), Some("4")),
            ("page", None, None),
            ("", Some("9"), Some("9")), // the answer to a HEAD
            ("", None, None),
        ] {
            let mut response = Response::builder();
            if let Some(length) = before {
                response = response.header(CONTENT_LENGTH, length);
            }
            let response = sendable(response.body(content.into()).unwrap());
            let length = response.headers().get(CONTENT_LENGTH);
            let length = length.map(|length| length.to_str().unwrap());
            assert_eq!(length, wanted, "{content:?}, {before:?}");
        }
    }
}
