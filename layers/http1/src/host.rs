//! The `Host` field of a request.

use crate::error::Http1Error;
use http::header::HeaderMap;
use wirestack_http::grammar::has_valid_host;

/// Checks that `Host` is a host and a port, or nothing.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Http1Error> {
    if has_valid_host(headers) {
        Ok(())
    } else {
        Err(Http1Error::Malformed("the Host field is not a host"))
    }
}
