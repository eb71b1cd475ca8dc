//! Times of Kerberos (RFC 4120 §5.2.3) and of HTTP (RFC 9110 §5.6.7), compared and shown.

use std::fmt;
use wirestack_layer::Escaped;

/// A time as Kerberos writes it: `20261127035802Z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KerberosTime(pub(crate) String);

impl KerberosTime {
    /// Returns the seconds since a day long ago; `None` if this is no time.
    pub(crate) fn seconds(&self) -> Option<i64> {
        let text = &self.0;
        let is_time = text.len() == 15
            && text.ends_with('Z')
            && text.bytes().take(14).all(|digit| digit.is_ascii_digit());
        let number = |at: usize, digits: usize| text.get(at..at + digits)?.parse::<i64>().ok();
        if !is_time {
            return None;
        }
        let day = days(number(0, 4)?, number(4, 2)?, number(6, 2)?)?;
        Some(((day * 24 + number(8, 2)?) * 60 + number(10, 2)?) * 60 + number(12, 2)?)
    }
}

/// Shows the time for a person: `2026-11-27 03:58:02 UTC`.
impl fmt::Display for KerberosTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds().is_none() {
            return Escaped::excerpt(&self.0).fmt(f);
        }
        let (date, time) = self.0.split_at(8);
        let (year, month, day) = (&date[..4], &date[4..6], &date[6..]);
        let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..6]);
        write!(f, "{year}-{month}-{day} {hour}:{minute}:{second} UTC")
    }
}

/// Reads the `Date` of a response, `Fri, 27 Nov 2026 03:58:02 GMT`, as Kerberos writes it.
pub(crate) fn read_http_date(text: &str) -> Option<KerberosTime> {
    let (_, text) = text.split_once(", ")?;
    let mut words = text.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let time = words.next()?.replace(':', "");
    let time = KerberosTime(format!("{year}{month:02}{day}{time}Z"));
    time.seconds().is_some().then_some(time)
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Returns the days from the first of March of year 0. Years begin in March, so that the day that
/// may be missing is the last one.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leaps + (month * 153 + 2) / 5 + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        KerberosTime(text.to_owned()).seconds()
    }

    #[test]
    fn times_are_compared_over_the_ends_of_months_and_years() {
        let between = |a: &str, b: &str| Some(seconds(b)? - seconds(a)?);
        for (a, b, wanted) in [
            ("19700101000000Z", "20240102030405Z", 1_704_164_645),
            ("20240228235959Z", "20240229000000Z", 1),
            ("20240229235959Z", "20240301000000Z", 1),
            ("20230228235959Z", "20230301000000Z", 1),
            ("20251231235959Z", "20260101000000Z", 1),
            ("21000228000000Z", "21000301000000Z", 86_400),
        ] {
            assert_eq!(between(a, b), Some(wanted), "{a} {b}");
        }
        for text in [
            "",
            "2024",
            "20241302030405Z",
            "2024010203040\u{e9}",
            "20240002030405Z",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_of_http_is_the_same_time() {
        let time = read_http_date("Fri, 27 Nov 2026 03:58:02 GMT").unwrap();
        assert_eq!(time.0, "20261127035802Z");
        assert_eq!(time.to_string(), "2026-11-27 03:58:02 UTC");
        for text in [
            "",
            "now",
            "Fri, 27 Nov",
            "Fri, \u{e9} Nov 2026 03:58:02 GMT",
            "Fri, 1 Nov 2026 1",
        ] {
            assert_eq!(read_http_date(text), None, "{text}");
        }
    }
}
