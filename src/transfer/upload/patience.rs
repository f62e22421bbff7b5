//! How long a server asks us to wait, read from its words: "Suggested Backoff Time: 28765 milliseconds".

use std::time::Duration;

/// Longer is not waited in one run.
const LONGEST: Duration = Duration::from_secs(600);

/// A number followed by a unit of time, in the server's words.
pub(super) fn asked_for(words: &str) -> Option<Duration> {
    let lower = words.to_ascii_lowercase();
    let mut parts = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        let unit = if rest.is_empty() {
            parts.peek().copied().unwrap_or_default()
        } else {
            rest
        };
        let milliseconds = match unit {
            "ms" | "msec" | "millisecond" | "milliseconds" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000,
            "min" | "mins" | "minute" | "minutes" => 60_000,
            _ => continue,
        };
        return Some(Duration::from_millis(number.saturating_mul(milliseconds)).min(LONGEST));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_from_the_words() {
        let asked = |words| asked_for(words).map(|time| time.as_millis());
        assert_eq!(
            asked("Request is throttled. Suggested Backoff Time: 28765 milliseconds"),
            Some(28765)
        );
        assert_eq!(asked("[UNAVAILABLE] try again in 30s"), Some(30_000));
        assert_eq!(asked("[LIMIT] wait 2 minutes, please"), Some(120_000));
        assert_eq!(asked("wait 99999999999999999999 seconds"), None);
        assert_eq!(asked("wait 999999999999 minutes"), Some(600_000));
        assert_eq!(asked("[INUSE] 3 others are here"), None);
        assert_eq!(asked(""), None);
    }
}
