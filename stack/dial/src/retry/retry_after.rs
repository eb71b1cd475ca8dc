//! The time after which a server wants to be asked again.

use crate::date::seconds;
use crate::report::error::{DialError, Reason};
use http::HeaderName;
use http::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use std::time::Duration;
use wirestack_http::Refusal;
use wirestack_http1::Http1Error;
use wirestack_http2::Http2Error;
use wirestack_layer::Error;

impl DialError {
    /// Returns the time after which the server wants to be asked again (`Retry-After`, RFC 9110
    /// §10.2.3), if it refused and said so.
    ///
    /// A date counts from the `Date` of the same response, so that no clock is needed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wirestack_dial::DialError;
    ///
    /// /// Returns the time to wait: what the server says, and a minute if it says nothing.
    /// fn wait(error: &DialError) -> Duration {
    ///     error.retry_after().unwrap_or(Duration::from_secs(60))
    /// }
    /// ```
    pub fn retry_after(&self) -> Option<Duration> {
        of_reason(self.reason())
    }
}

fn of_reason(reason: &Reason) -> Option<Duration> {
    match reason {
        Reason::Layer { error, .. } => retry_after(&refusal(error)?.headers),
        // An answer of the target ends the dialing, so it is the last one.
        Reason::AllRoutesFailed { tried } => of_reason(&tried.last()?.reason),
        _ => None,
    }
}

/// Returns the refusal of an HTTP peer, if the error is one.
pub(super) fn refusal(error: &Error) -> Option<&Refusal> {
    if let Some(Http1Error::Refused(refusal)) = error.cause() {
        return Some(refusal);
    }
    match error.cause() {
        Some(Http2Error::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let field = |name: HeaderName| headers.get(name).and_then(|value| text(value));
    let after = field(RETRY_AFTER)?;
    if after.bytes().all(|byte| byte.is_ascii_digit()) {
        return after.parse().ok().map(Duration::from_secs);
    }
    let from = seconds(field(DATE)?)?;
    Some(Duration::from_secs(seconds(after)?.saturating_sub(from)))
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::error::RouteFailed;
    use crate::report::trace::Trace;
    use http::StatusCode;
    use wirestack_layer::Instant;

    #[test]
    fn the_time_to_wait_is_read_from_the_refusal() {
        let after = |after: &'static str, date: Option<&'static str>| {
            let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new());
            let value = HeaderValue::from_static(after);
            refusal.headers.insert(RETRY_AFTER, value);
            if let Some(date) = date {
                refusal.headers.insert(DATE, HeaderValue::from_static(date));
            }
            let cause = Http1Error::Refused(Box::new(refusal));
            let reason = Reason::Layer {
                part: "target".into(),
                error: Error::peer("upgrade", cause),
            };
            let error = DialError::new(reason, Trace::new(Instant::ORIGIN));
            error.retry_after().map(|time| time.as_secs())
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(seconds(date), Some(784_111_777));
        let date = Some(date);
        assert_eq!(
            seconds("Thu, 29 Feb 2024 23:59:60 GMT"),
            Some(1_709_251_200)
        );
        assert_eq!(after("120", None), Some(120));
        assert_eq!(after(" 0 ", None), Some(0));
        assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT", date), Some(60));
        assert_eq!(after("Sun, 06 Nov 1994 08:40:37 GMT", date), Some(0)); // gone by
        for odd in [
            "",
            "-1",
            "1.5",
            "soon",
            "99999999999999999999",
            "Sun, 06 Nov",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(after(odd, date), None, "{odd}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
        assert_eq!(after("Sun, 06 Nov 1994 08:50:37 GMT", Some("now")), None);
    }

    #[test]
    fn the_time_to_wait_is_that_of_the_server_also_behind_a_route_that_failed() {
        let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new());
        let value = HeaderValue::from_static("120");
        refusal.headers.insert(RETRY_AFTER, value);
        let cause = Http1Error::Refused(Box::new(refusal));
        let failed = |route: &str, reason| RouteFailed {
            route: route.to_owned(),
            reason,
        };
        let part = || "hop 1".to_owned();
        let tried = vec![];
        let unreached = Reason::Unreached {
            part: part(),
            tried,
        };
        let error = Error::peer("upgrade", cause);
        let refused = Reason::Layer {
            part: part(),
            error,
        };
        let tried = vec![failed("one", unreached), failed("direct", refused)];
        let reason = Reason::AllRoutesFailed { tried };
        let error = DialError::new(reason, Trace::new(Instant::ORIGIN));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
    }
}
