//! The time after which a server wants to be asked again.

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
    pub fn retry_after(&self) -> Option<Duration> {
        match self.reason() {
            Reason::Layer { error, .. } => retry_after(&refusal(error)?.headers),
            _ => None,
        }
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

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), as seconds since 1970.
/// The two obsolete forms are not read.
fn seconds(date: &str) -> Option<u64> {
    let (_, date) = date.split_once(", ")?;
    let mut fields = date.split([' ', ':']);
    let number = |text: Option<&str>| text?.parse::<u64>().ok();
    let day = number(fields.next())?;
    let name = fields.next()?;
    let month = MONTHS.iter().position(|month| *month == name)?;
    let year = number(fields.next()).filter(|year| (1970..=9999).contains(year))?;
    let (hour, minute) = (number(fields.next())?, number(fields.next())?);
    let second = number(fields.next())?;
    let is_gmt = fields.next() == Some("GMT") && fields.next().is_none();
    if !is_gmt || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let in_year = DAYS_BEFORE.get(month)? + u64::from(is_leap && month > 1) + day - 1;
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + in_year;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
/// The days of a year before each month, without the leap day.
const DAYS_BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

#[cfg(test)]
mod tests {
    use super::*;
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
}
