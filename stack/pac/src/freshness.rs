//! The time for which a file is used before its server is asked again.

use crate::limits::PacLimits;
use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};
use std::time::Duration;

/// Returns the time for which a response is fresh (RFC 9111 §4.2), within the limits.
pub(crate) fn fresh_for(headers: &HeaderMap, limits: &PacLimits) -> Duration {
    let most = limits.most_age.max(limits.least_age);
    said(headers)
        .unwrap_or(UNSAID)
        .clamp(limits.least_age, most)
}

/// Returns the time that the server says, if it says one.
fn said(headers: &HeaderMap) -> Option<Duration> {
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_ascii_lowercase);
    let controls: Vec<String> = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(text)
        .collect();
    let directives = || {
        controls
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
    };
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    let age = directives().find_map(|directive| directive.strip_prefix("max-age="));
    if let Some(age) = age {
        let seconds = |text: &str| text.trim().trim_matches('"').parse::<u64>().ok();
        let spent = headers
            .get(AGE)
            .and_then(text)
            .and_then(|age| seconds(&age));
        let left = seconds(age)?.saturating_sub(spent.unwrap_or(0));
        return Some(Duration::from_secs(left));
    }
    let expires = text(headers.get(EXPIRES)?)?;
    // "A cache recipient MUST interpret invalid date formats, especially the value "0", as
    // representing a time in the past" (RFC 9111 §5.3).
    let Some(expires) = seconds_of_date(&expires) else {
        return Some(Duration::ZERO);
    };
    let date = seconds_of_date(&text(headers.get(DATE)?)?)?;
    Some(Duration::from_secs(expires.saturating_sub(date)))
}

/// Reads an IMF-fixdate in lower case, `sun, 06 nov 1994 08:49:37 gmt` (RFC 9110 §5.6.7), as seconds
/// since 1970.
fn seconds_of_date(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once(',')?;
    let mut parts = rest.split_ascii_whitespace();
    let day: u64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = parts
        .next()?
        .parse()
        .ok()
        .filter(|y| (1970..=9999).contains(y))?;
    let mut clock = parts
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    if parts.next() != Some("gmt") || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day - 1;
    let days = days.checked_sub(DAYS_UNTIL_1970)?;
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// The time for a response that says nothing.
const UNSAID: Duration = Duration::from_secs(60 * 60);

/// The days from 1 March of the year 0 to 1 January 1970.
const DAYS_UNTIL_1970: u64 = 719_468;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn rfc9111_4_2_1_max_age_goes_before_expires_and_both_are_bounded() {
        let dates = "date: Sun, 06 Nov 1994 08:49:37 GMT\n";
        for (fields, seconds) in [
            ("", 3600),
            ("cache-control: max-age=600", 600),
            ("cache-control: public, Max-Age=600\nage: 100", 500),
            ("cache-control: max-age=600\nage: 1000", 60),
            ("cache-control: max-age=1", 60),
            ("cache-control: max-age=99999999", 43200),
            ("cache-control: no-cache", 60),
            ("cache-control: max-age=600, no-store", 60),
            ("cache-control: max-age=x", 3600),
            ("expires: 0", 60),
            (
                &format!("{dates}expires: Sun, 06 Nov 1994 09:49:37 GMT"),
                3600,
            ),
            (
                &format!("{dates}expires: Mon, 07 Nov 1994 08:49:37 GMT"),
                43200,
            ),
            (
                &format!("{dates}expires: Sat, 05 Nov 1994 08:49:37 GMT"),
                60,
            ),
            (
                &format!(
                    "{dates}expires: Sun, 06 Nov 1994 09:49:37 GMT\ncache-control: max-age=700"
                ),
                700,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for line in fields.lines() {
                let (name, value) = line.split_once(": ").unwrap();
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_str(value).unwrap());
            }
            let fresh = fresh_for(&headers, &PacLimits::default());
            assert_eq!(fresh.as_secs(), seconds, "{fields}");
        }
    }

    #[test]
    fn rfc9110_5_6_7_dates_are_read() {
        for (text, seconds) in [
            ("thu, 01 jan 1970 00:00:00 gmt", Some(0)),
            ("sun, 06 nov 1994 08:49:37 gmt", Some(784_111_777)),
            ("thu, 29 feb 2024 12:00:00 gmt", Some(1_709_208_000)),
            ("fri, 27 nov 2026 23:30:15 gmt", Some(1_795_822_215)),
            ("sunday, 06-nov-94 08:49:37 gmt", None),
            ("sun, 06 nov 1994 08:49:37 cet", None),
            ("sun, 06 nov 1994 25:49:37 gmt", None),
            ("", None),
        ] {
            assert_eq!(seconds_of_date(text), seconds, "{text}");
        }
    }
}
