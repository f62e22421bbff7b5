//! Dates as mail headers and separator lines write them: RFC 5322, 3.3 and 4.3, and what programs made of it.

use jiff::{civil, tz};

use crate::message::MailDate;

/// No more of a text than this is looked at.
const CAP: usize = 512;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Names of zones with their minutes east of UTC. Any other name says nothing (RFC 5322, 4.3).
const ZONES: [(&str, i16); 18] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("edt", -240),
    ("est", -300),
    ("cdt", -300),
    ("cst", -360),
    ("mdt", -360),
    ("mst", -420),
    ("pdt", -420),
    ("pst", -480),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("cest", 120),
    ("mest", 120),
    ("jst", 540),
];

/// Reads the first date and time in a text: day and month side by side, then the time; the year behind
/// them or after the time; the zone anywhere after the time. Without a zone it counts as UTC.
/// `None` also for what lies before 1970.
pub(crate) fn parse(text: &str) -> Option<MailDate> {
    let (local, offset) = read(text)?;
    let east = tz::Offset::from_seconds(i32::from(offset) * 60).ok()?;
    let seconds = east.to_timestamp(local).ok()?.as_second();
    (seconds >= 0).then_some(MailDate { seconds, offset })
}

/// Whether the text holds a date and time, if only that of a clock that was never set.
pub(crate) fn is_dated(text: &str) -> bool {
    read(text).is_some()
}

/// The local time, and the minutes that it is east of UTC.
fn read(text: &str) -> Option<(civil::DateTime, i16)> {
    let plain = without_comments(text.get(..text.floor_char_boundary(CAP))?);
    let words: Vec<&str> = plain
        .split(|c: char| c.is_ascii_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .collect();
    let (at, clock) = words
        .iter()
        .enumerate()
        .find_map(|(at, word)| Some((at, Clock::parse(word)?)))?;
    // Old programs write 5-Oct-2009.
    let before: Vec<&str> = words
        .iter()
        .take(at)
        .flat_map(|word| word.split('-'))
        .collect();
    let after = || std::iter::once(clock.rest).chain(words.iter().skip(at + 1).copied());

    let (day, month, next) = day_and_month(&before)?;
    let year = before
        .get(next)
        .and_then(|word| year(word))
        .or_else(|| after().find_map(year))?;
    let hour = match after().find_map(half_of_day) {
        Some(afternoon) if (1..=12).contains(&clock.hour) => {
            clock.hour % 12 + if afternoon { 12 } else { 0 }
        }
        _ => clock.hour,
    };
    let offset = after().find_map(zone).unwrap_or(0);
    let local = civil::DateTime::new(year, month, day, hour, clock.minute, clock.second, 0).ok()?;
    Some((local, offset))
}

/// The text with what stands in parentheses left out (RFC 5322, 3.2.2).
fn without_comments(text: &str) -> String {
    let mut depth = 0u32;
    text.chars()
        .map(|c| {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => {
                    depth -= 1;
                    return ' ';
                }
                _ => {}
            }
            if depth > 0 { ' ' } else { c }
        })
        .collect()
}

/// A time of day, and what is glued to it: `10:00:00+0200`.
struct Clock<'a> {
    hour: i8,
    minute: i8,
    second: i8,
    rest: &'a str,
}

impl Clock<'_> {
    fn parse(word: &str) -> Option<Clock<'_>> {
        let (hour, rest) = short_number(word)?;
        let (minute, rest) = short_number(rest.strip_prefix(':')?)?;
        let (second, rest) = match rest.strip_prefix(':') {
            Some(rest) => short_number(rest)?,
            None => (0, rest),
        };
        let glued = rest.is_empty()
            || rest.starts_with('.')
            || zone(rest).is_some()
            || half_of_day(rest).is_some();
        let fits = hour < 24 && minute < 60 && second <= 60 && glued;
        // A leap second is as good as the one before it.
        let second = second.min(59);
        fits.then_some(Clock {
            hour,
            minute,
            second,
            rest,
        })
    }
}

/// One or two digits, and what follows them.
fn short_number(text: &str) -> Option<(i8, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits).filter(|_| digits <= 2)?;
    Some((number.parse().ok()?, rest))
}

/// The last month, the day before or behind it, and the place after the two.
fn day_and_month(words: &[&str]) -> Option<(i8, i8, usize)> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        let month = month(word)?;
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        if let Some(day) = before.and_then(|word| day(word)) {
            return Some((day, month, at + 1));
        }
        Some((day(words.get(at + 1)?)?, month, at + 2))
    })
}

fn day(word: &str) -> Option<i8> {
    let (number, rest) = short_number(word.trim_end_matches('.'))?;
    (rest.is_empty() && (1..=31).contains(&number)).then_some(number)
}

fn month(word: &str) -> Option<i8> {
    let letters = word
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'.');
    let start = word.get(..3).filter(|_| letters)?;
    let index = MONTHS
        .iter()
        .position(|month| start.eq_ignore_ascii_case(month))?;
    i8::try_from(index + 1).ok()
}

/// Four digits, or two or three from before the year 2000 and a few years after (RFC 5322, 4.3).
fn year(word: &str) -> Option<i16> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let number: i16 = word.parse().ok().filter(|_| plain)?;
    match (word.len(), number) {
        (4, 1900..) => Some(number),
        (2, ..50) => Some(2000 + number),
        (2 | 3, 50..) => Some(1900 + number),
        _ => None,
    }
}

/// Minutes east of UTC: `+0200`, `-05:30`, `GMT+1`, `EST`.
fn zone(word: &str) -> Option<i16> {
    let named = ZONES
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    if let Some((_, minutes)) = named {
        return Some(*minutes);
    }
    let lower = word.to_ascii_lowercase();
    let sign_first = ["gmt", "utc"]
        .iter()
        .find_map(|name| lower.strip_prefix(name))
        .unwrap_or(&lower);
    let (sign, digits) = match sign_first.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let number: i16 = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())??;
    let (hours, minutes) = match digits.len() {
        4 => (number / 100, number % 100),
        1 | 2 => (number, 0),
        _ => return None,
    };
    (hours <= 23 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// `AM` is `false`, `PM` is `true`.
fn half_of_day(word: &str) -> Option<bool> {
    if word.eq_ignore_ascii_case("am") {
        return Some(false);
    }
    word.eq_ignore_ascii_case("pm").then_some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_as_programs_write_them() {
        for (text, expected) in [
            (
                "Sun, 17 May 2009 12:34:56 +0200",
                "17-May-2009 12:34:56 +0200",
            ),
            (
                "Sun, 17 May 2009 12:34:56 +0200 (CEST)",
                "17-May-2009 12:34:56 +0200",
            ),
            (
                "(a (b) 1 Jan 1990 00:00)Sun, 17 May 2009 12:34 +0200",
                "17-May-2009 12:34:00 +0200",
            ),
            ("17 May 09 12:34 EST", "17-May-2009 12:34:00 -0500"),
            ("17 May 97 2:04:06 PDT", "17-May-1997 02:04:06 -0700"),
            ("Fri, 17 May 103 12:34:56 GMT", "17-May-2003 12:34:56 +0000"),
            ("Sun May 17 12:34:56 2009", "17-May-2009 12:34:56 +0000"),
            (
                "Sun May 17 12:34:56 CEST 2009",
                "17-May-2009 12:34:56 +0200",
            ),
            (
                "a-b@x Sun May 17 12:34:56 -0330 2009",
                "17-May-2009 12:34:56 -0330",
            ),
            (
                "Sunday, 17-May-2009 12:34:56-0700",
                "17-May-2009 12:34:56 -0700",
            ),
            (
                "Sun, 17 May 2009 12:34:56 XYZ",
                "17-May-2009 12:34:56 +0000",
            ),
            (
                "Sun, 17 May 2009 12:34:60 GMT+01:00",
                "17-May-2009 12:34:59 +0100",
            ),
            ("May 17, 2009 12:04:56 AM", "17-May-2009 00:04:56 +0000"),
            (
                "Sun, 17 June 2009 01:04:56PM -0400",
                "17-Jun-2009 13:04:56 -0400",
            ),
        ] {
            assert_eq!(
                parse(text).map(MailDate::imap).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "12:34:56",
            "31 Feb 2009 12:00:00",
            "17 May 2009",
            "17 May 2009 25:00",
            "1 Jan 1969 00:00:00",
            "here on, this is text",
            "1 Jan 2009 123:00:00",
            "31 Dec 9999 23:00:00 -2300",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(text in "[A-Za-z0-9:,()+é .-]{0,80}|\\PC{0,600}") {
            prop_assert!(parse(&text).is_none_or(|date| date.seconds >= 0));
        }

        #[test]
        fn what_imap_writes_is_read(seconds in 0i64..4_000_000_000, offset in -720i16..840) {
            let date = MailDate { seconds, offset };
            prop_assume!(date.year() >= 1970);
            prop_assert_eq!(parse(&date.imap()), Some(date));
        }
    }
}
