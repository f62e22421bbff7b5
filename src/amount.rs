//! Numbers as people read them: counts with separators, sizes in decimal units, times in words.

use std::time::Duration;

/// A count with thousands separators: `8,398`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A count with its noun: `1 message`, `8,398 messages`.
pub fn messages(number: u64) -> String {
    counted(number, "message", "messages")
}

/// A count with a noun that agrees with it.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A size in decimal units, as shops and providers write it: `512 B`, `48 KB`, `210.4 MB`, `2 GB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut unit: u64 = 1000;
    for (index, name) in UNITS.iter().enumerate() {
        // KB without decimals, the rest with one where it is not 0; what rounds up to a thousand takes the next unit.
        let parts: u64 = if index == 0 { 1 } else { 10 };
        let step = unit / parts;
        let rounded = bytes / step + u64::from(bytes % step >= step.div_ceil(2));
        if rounded < 1000 * parts || index + 1 == UNITS.len() {
            return match (rounded / parts, rounded % parts) {
                (whole, 0) => format!("{whole} {name}"),
                (whole, tenths) => format!("{whole}.{tenths} {name}"),
            };
        }
        unit *= 1000;
    }
    format!("{bytes} B")
}

/// A time that is over: `42 seconds`, `40 minutes`, `1 hour 5 minutes`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        return counted(seconds, "second", "seconds");
    }
    let minutes = seconds.saturating_add(30) / 60;
    if minutes < 60 {
        return counted(minutes, "minute", "minutes");
    }
    let hours = counted(minutes / 60, "hour", "hours");
    match minutes % 60 {
        0 => hours,
        rest => format!("{hours} {}", counted(rest, "minute", "minutes")),
    }
}

/// A time to come, no more exact than it can be: `a few minutes`, `about 40 minutes`, `about 2 and a half hours`.
pub fn about(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    match minutes {
        0..3 => "a few minutes".into(),
        3..20 => format!("about {minutes} minutes"),
        20..58 => format!("about {} minutes", minutes.div_ceil(5) * 5),
        58..75 => "about an hour".into(),
        75..1440 => {
            let halves = minutes.div_ceil(30);
            match (halves / 2, halves % 2) {
                (1, 1) => "about an hour and a half".into(),
                (hours, 0) => format!("about {hours} hours"),
                (hours, _) => format!("about {hours} and a half hours"),
            }
        }
        _ => format!("about {}", counted(minutes.div_ceil(1440), "day", "days")),
    }
}

/// How much of a whole is done, in percent; 100 only when all of it is.
pub fn percent(done: u64, whole: u64) -> u64 {
    if done >= whole {
        return 100;
    }
    let part = u128::from(done) * 100 / u128::from(whole.max(1));
    u64::try_from(part).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_have_separators_and_nouns_that_agree() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(messages(1), "1 message");
        assert_eq!(messages(0), "0 messages");
        assert_eq!(messages(8_398), "8,398 messages");
    }

    #[test]
    fn sizes_have_decimal_units_and_never_a_thousand_of_one() {
        let shown: Vec<String> = [
            0,
            999,
            1_000,
            48_211,
            999_499,
            999_500,
            210_400_000,
            999_949_999,
            999_950_000,
            1_900_000_000,
            u64::MAX,
        ]
        .into_iter()
        .map(size)
        .collect();
        let expected = [
            "0 B", "999 B", "1 KB", "48 KB", "999 KB", "1 MB", "210.4 MB", "999.9 MB", "1 GB",
            "1.9 GB", "18.4 EB",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn times_that_are_over_are_exact_and_times_to_come_are_not() {
        let over = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(over(1), "1 second");
        assert_eq!(over(59), "59 seconds");
        assert_eq!(over(2_411), "40 minutes");
        assert_eq!(over(3_600), "1 hour");
        assert_eq!(over(3_900), "1 hour 5 minutes");
        let to_come = |seconds| about(Duration::from_secs(seconds));
        assert_eq!(to_come(0), "a few minutes");
        assert_eq!(to_come(120), "a few minutes");
        assert_eq!(to_come(121), "about 3 minutes");
        assert_eq!(to_come(2_300), "about 40 minutes");
        assert_eq!(to_come(3_599), "about an hour");
        assert_eq!(to_come(5_000), "about an hour and a half");
        assert_eq!(to_come(7_200), "about 2 hours");
        assert_eq!(to_come(8_000), "about 2 and a half hours");
        assert_eq!(to_come(90_000), "about 2 days");
    }

    proptest! {
        #[test]
        fn a_count_without_its_separators_is_the_number(number in any::<u64>()) {
            prop_assert_eq!(count(number).replace(',', "").parse::<u64>().ok(), Some(number));
        }

        #[test]
        fn a_size_is_never_off_by_more_than_its_last_digit(bytes in any::<u64>()) {
            let shown = size(bytes);
            let (number, unit) = shown.split_once(' ').unwrap();
            let power = ["B", "KB", "MB", "GB", "TB", "PB", "EB"].iter().position(|name| *name == unit).unwrap();
            let factor = 1000f64.powi(power as i32);
            let value: f64 = number.parse().unwrap();
            let step = if power > 1 { factor / 10.0 } else { factor };
            prop_assert!((value * factor - bytes as f64).abs() <= step * 0.501 + 1.0, "{} is shown as {}", bytes, shown);
            prop_assert!(value < 1000.0);
        }

        #[test]
        fn percent_is_100_only_at_the_end(done in any::<u64>(), whole in any::<u64>()) {
            prop_assert_eq!(percent(done, whole) == 100, done >= whole);
            prop_assert!(percent(done, whole) <= 100);
        }

        #[test]
        fn a_longer_time_never_reads_as_a_panic(seconds in any::<u64>()) {
            prop_assert!(!about(Duration::from_secs(seconds)).is_empty());
            prop_assert!(!duration(Duration::from_secs(seconds)).is_empty());
        }
    }
}
