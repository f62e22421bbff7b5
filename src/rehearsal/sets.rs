//! Sequence sets: `1:5,7,*` (RFC 9051, 9: sequence-set).

/// Ranges of numbers, in order and apart from each other. `*` is the largest number there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set(Vec<(u32, u32)>);

const STAR: u32 = u32::MAX;

impl Set {
    /// Reads a set. `None` where it is none.
    pub(super) fn read(text: &str) -> Option<Set> {
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (one, other) = part.split_once(':').unwrap_or((part, part));
            let (one, other) = (number(one)?, number(other)?);
            ranges.push((one.min(other), one.max(other)));
        }
        ranges.sort_unstable();
        Some(Set(ranges))
    }

    /// The places in `numbers`, which are in order, that the set means.
    pub(super) fn places(&self, numbers: &[u32]) -> Vec<usize> {
        let Some(last) = numbers.last().copied() else {
            return Vec::new();
        };
        let mut places = Vec::new();
        let mut done = 0;
        for (from, to) in &self.0 {
            // `n:*` means the last one too, however large n is.
            let from = if *to == STAR { *from.min(&last) } else { *from };
            let start = numbers.partition_point(|number| *number < from).max(done);
            let end = numbers.partition_point(|number| number <= to);
            if start < end {
                places.extend(start..end);
                done = end;
            }
        }
        places
    }
}

fn number(text: &str) -> Option<u32> {
    if text == "*" {
        return Some(STAR);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())?
        .filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(text: &str, numbers: &[u32]) -> Vec<usize> {
        Set::read(text).unwrap().places(numbers)
    }

    #[test]
    fn sets_mean_what_the_standard_says() {
        let uids = [3, 5, 9, 10];
        assert_eq!(places("1:5,10", &uids), [0, 1, 3]);
        assert_eq!(places("*", &uids), [3]);
        assert_eq!(places("50:*", &uids), [3]);
        assert_eq!(places("11:12,50:*", &uids), [3]);
        assert_eq!(places("*:4", &uids), [1, 2, 3]);
        assert_eq!(places("9:1,5:10,*", &uids), [0, 1, 2, 3]);
        assert_eq!(places("1:*", &[]), [0usize; 0]);
        assert_eq!(places("4,6", &uids), [0usize; 0]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in [
            "",
            "0",
            "a",
            "1,",
            "1:2:3",
            "-1",
            "+1",
            "99999999999",
            "1 2",
        ] {
            assert_eq!(Set::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_message_is_meant_twice(text in "[1-9*][0-9]?([:,][1-9*][0-9]?){0,8}", count in 0u32..60) {
            let numbers: Vec<u32> = (1..=count).collect();
            if let Some(set) = Set::read(&text) {
                let places = set.places(&numbers);
                prop_assert!(places.is_sorted_by(|a, b| a < b), "{:?}", places);
                prop_assert!(places.iter().all(|place| *place < numbers.len()));
            }
        }
    }
}
