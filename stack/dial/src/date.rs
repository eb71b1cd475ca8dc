//! Dates in fields of HTTP.

/// Reads a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), as seconds since 1970.
/// The two obsolete forms are not read.
pub(crate) fn seconds(date: &str) -> Option<u64> {
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
