//! The functions about the time: days of the week, dates, and times of the day.

/// A moment, in some time zone, as JavaScript counts: January is month 0, Sunday is day 0.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) year: i32,
    pub(crate) month: i32,
    pub(crate) date: i32,
    pub(crate) day: i32,
    pub(crate) hours: i32,
    pub(crate) minutes: i32,
    pub(crate) seconds: i32,
}

impl Moment {
    /// Reads year, month, date, day, hours, minutes and seconds.
    pub(crate) fn read(fields: &[i32]) -> Option<Self> {
        let [year, month, date, day, hours, minutes, seconds] = *fields else {
            return None;
        };
        Some(Self {
            year,
            month,
            date,
            day,
            hours,
            minutes,
            seconds,
        })
    }
}

/// The arguments without `GMT` at the end, and the moment in the time zone that is meant.
fn zone(args: &[String], local: Moment, utc: Moment) -> (&[String], Moment) {
    match args.split_last() {
        Some((last, rest)) if last == "GMT" => (rest, utc),
        _ => (args, local),
    }
}

/// `weekdayRange(day)` and `weekdayRange(first, last)`. A range may go over the end of the week.
pub(crate) fn weekday_range(args: &[String], local: Moment, utc: Moment) -> bool {
    let (args, now) = zone(args, local, utc);
    let day = |text: &String| position(&DAYS, text);
    match args {
        [only] => day(only) == Some(now.day),
        [first, last] => match (day(first), day(last)) {
            (Some(first), Some(last)) => is_within(first, now.day, last, true),
            _ => false,
        },
        _ => false,
    }
}

/// `dateRange` with one day, month or year, or with two of each that it has. A range without a year
/// may go over the end of the year or month.
pub(crate) fn date_range(args: &[String], local: Moment, utc: Moment) -> bool {
    let (args, now) = zone(args, local, utc);
    let Some(fields) = args
        .iter()
        .map(|arg| Field::read(arg))
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    match fields.as_slice() {
        [only] => only.value() == only.of(now),
        [] => false,
        fields if fields.len() % 2 == 0 && fields.len() <= 6 => {
            let (first, last) = fields.split_at(fields.len() / 2);
            let (Some(first), Some(last)) = (date(first), date(last)) else {
                return false;
            };
            let seen = |which: &[Option<i32>; 3]| {
                let of = [now.year, now.month, now.date];
                let known = which.iter().zip(of);
                known
                    .map(|(known, of)| known.map(|_| of))
                    .collect::<Vec<_>>()
            };
            let is_same_kind = first.map(|f| f.is_some()) == last.map(|f| f.is_some());
            let may_wrap = first[0].is_none();
            is_same_kind && is_within(first.to_vec(), seen(&first), last.to_vec(), may_wrap)
        }
        _ => false,
    }
}

/// `timeRange` with an hour; or with two hours, two times in minutes, or two in seconds, of which the
/// last one is within, as in browsers. A range may go over midnight.
pub(crate) fn time_range(args: &[String], local: Moment, utc: Moment) -> bool {
    let (args, now) = zone(args, local, utc);
    let Some(numbers) = args
        .iter()
        .map(|arg| number(arg))
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    match *numbers.as_slice() {
        [hour] => hour == now.hours,
        [first, last] => is_within(first, now.hours, last, true),
        [h1, m1, h2, m2] => is_within((h1, m1), (now.hours, now.minutes), (h2, m2), true),
        [h1, m1, s1, h2, m2, s2] => {
            let seen = (now.hours, now.minutes, now.seconds);
            is_within((h1, m1, s1), seen, (h2, m2, s2), true)
        }
        _ => false,
    }
}

/// Returns `true` if the value is in the range, which may begin behind its end if it wraps.
fn is_within<T: PartialOrd>(first: T, seen: T, last: T, may_wrap: bool) -> bool {
    if first <= last || !may_wrap {
        first <= seen && seen <= last
    } else {
        seen >= first || seen <= last
    }
}

/// A part of a date.
#[derive(Clone, Copy)]
enum Field {
    Day(i32),
    Month(i32),
    Year(i32),
}

impl Field {
    fn read(text: &str) -> Option<Self> {
        if let Some(month) = position(&MONTHS, text) {
            return Some(Self::Month(month));
        }
        match number(text)? {
            day @ 1..32 => Some(Self::Day(day)),
            year @ 32.. => Some(Self::Year(year)),
            _ => None,
        }
    }

    fn value(self) -> i32 {
        match self {
            Self::Day(value) | Self::Month(value) | Self::Year(value) => value,
        }
    }

    fn of(self, now: Moment) -> i32 {
        match self {
            Self::Day(_) => now.date,
            Self::Month(_) => now.month,
            Self::Year(_) => now.year,
        }
    }
}

/// Returns year, month and day, as far as they are given. `None` if one is given twice.
fn date(fields: &[Field]) -> Option<[Option<i32>; 3]> {
    let mut date = [None; 3];
    for field in fields {
        let at = match field {
            Field::Year(_) => 0,
            Field::Month(_) => 1,
            Field::Day(_) => 2,
        };
        if date[at].replace(field.value()).is_some() {
            return None;
        }
    }
    Some(date)
}

fn position(names: &[&str], text: &str) -> Option<i32> {
    let at = names.iter().position(|name| *name == text)?;
    i32::try_from(at).ok()
}

/// Reads the number at the start of a text, as `parseInt` does.
fn number(text: &str) -> Option<i32> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit());
    text[..end.unwrap_or(text.len())].parse().ok()
}

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Friday, 27 November 2026, 23:30:15; in UTC it is Saturday, 00:30:15.
    fn now() -> (Moment, Moment) {
        let local = Moment::read(&[2026, 10, 27, 5, 23, 30, 15]).unwrap();
        let utc = Moment::read(&[2026, 10, 28, 6, 0, 30, 15]).unwrap();
        (local, utc)
    }

    #[test]
    fn days_of_the_week_are_one_or_a_range_which_may_wrap() {
        let (local, utc) = now();
        for (text, wanted) in [
            ("FRI", true),
            ("SAT", false),
            ("SAT GMT", true),
            ("MON FRI", true),
            ("MON THU", false),
            ("SAT SUN GMT", true),
            ("FRI MON", true),
            ("SUN THU", false),
            ("fri", false),
            ("MON DAY", false),
            ("", false),
            ("GMT", false),
        ] {
            assert_eq!(weekday_range(&args(text), local, utc), wanted, "{text}");
        }
    }

    #[test]
    fn dates_are_one_or_a_range_which_may_wrap_without_a_year() {
        let (local, utc) = now();
        for (text, wanted) in [
            ("27", true),
            ("28", false),
            ("28 GMT", true),
            ("NOV", true),
            ("DEC", false),
            ("2026", true),
            ("2025", false),
            ("1 15", false),
            ("20 31", true),
            ("25 3", true),
            ("JAN MAR", false),
            ("OCT DEC", true),
            ("NOV JAN", true),
            ("1 JUN 15 AUG", false),
            ("1 NOV 27 NOV", true),
            ("24 DEC 26 NOV", false),
            ("20 NOV 6 JAN", true),
            ("1995 1998", false),
            ("2026 2026", true),
            ("2027 2026", false),
            ("JUN 2026 MAR 2027", true),
            ("OCT 1995 MAR 1996", false),
            ("1 JUN 1995 15 AUG 1995", false),
            ("1 JUN 2026 27 NOV 2026", true),
            ("1 JUN 2026 26 NOV 2026", false),
            ("", false),
            ("1 NOV", false),
            ("1 2 3", false),
            ("0", false),
            ("x", false),
        ] {
            assert_eq!(date_range(&args(text), local, utc), wanted, "{text}");
        }
    }

    #[test]
    fn times_are_an_hour_or_a_range_which_may_wrap() {
        let (local, utc) = now();
        for (text, wanted) in [
            ("23", true),
            ("22", false),
            ("0 GMT", true),
            ("9 17", false),
            ("20 23", true),
            ("20 6", true),
            ("1 6 GMT", false),
            ("8 30 17 0", false),
            ("23 0 23 30", true),
            ("23 0 23 29", false),
            ("23 31 23 29", false),
            ("0 0 0 0 0 30", false),
            ("0 30 0 0 30 15 GMT", true),
            ("0 30 0 0 30 14 GMT", false),
            ("", false),
            ("1 2 3", false),
            ("x", false),
        ] {
            assert_eq!(time_range(&args(text), local, utc), wanted, "{text}");
        }
    }
}
