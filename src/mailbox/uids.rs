//! Sets of UIDs as they go over the wire (RFC 9051, 9: sequence-set).

/// Most UIDs in one command, so that a set of scattered ones stays a short line.
const IN_ONE: usize = 500;

/// The UIDs in order, in sets of at most `most`, each with its text: `1:4,7`.
pub(crate) fn sets(uids: &[u32], most: usize) -> Vec<String> {
    let mut sorted: Vec<u32> = uids.iter().copied().filter(|uid| *uid > 0).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.chunks(most.clamp(1, IN_ONE)).map(text).collect()
}

fn text(sorted: &[u32]) -> String {
    let runs = sorted.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let run = |run: &[u32]| match run {
        [first, .., last] => format!("{first}:{last}"),
        [only] => only.to_string(),
        [] => String::new(),
    };
    runs.map(run).collect::<Vec<_>>().join(",")
}

/// The UIDs of a set that a server told (RFC 4315, APPENDUID), in order. `None` unless there are exactly `count`,
/// all different: a range that runs backwards does not say in which order it is meant.
pub(crate) fn expand(set: &str, count: usize) -> Option<Vec<u32>> {
    let mut uids = Vec::new();
    for part in set.split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        let (first, last): (u32, u32) = (number(first)?, number(last)?);
        let length = last.checked_sub(first)? as usize;
        if first == 0 || uids.len() + length >= count {
            return None;
        }
        uids.extend(first..=last);
    }
    let mut sorted = uids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (uids.len() == count && sorted.len() == count).then_some(uids)
}

fn number(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_become_ranges() {
        assert_eq!(sets(&[7, 3, 2, 1, 9, 8, 3, 0], 100), ["1:3,7:9"]);
        assert_eq!(sets(&[1, 3, u32::MAX], 2), ["1,3", "4294967295"]);
        assert_eq!(sets(&[], 10), [""; 0]);
    }

    #[test]
    fn a_set_that_can_not_be_believed_counts_for_nothing() {
        assert_eq!(expand("901:903,905", 4), Some(vec![901, 902, 903, 905]));
        for odd in [
            "901:903",
            "903:900",
            "1:4294967295",
            "0:3",
            "7,7,8,9",
            "a",
            "",
            "1:2:3",
            "+1,2,3,4",
            "901,902,903,",
        ] {
            assert_eq!(expand(odd, 4), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn what_is_asked_for_is_exactly_what_was_wanted(mut uids in proptest::collection::vec(1u32..5000, 0..300), most in 1usize..50) {
            let asked: Vec<u32> = sets(&uids, most).iter().flat_map(|set| {
                set.split(',').flat_map(|part| {
                    let (a, b) = part.split_once(':').unwrap_or((part, part));
                    a.parse::<u32>().unwrap()..=b.parse::<u32>().unwrap()
                })
            }).collect();
            uids.sort_unstable();
            uids.dedup();
            prop_assert_eq!(asked, uids);
        }

        #[test]
        fn any_set_can_be_read(set in "[0-9:,*a]{0,30}", count in 0usize..100) {
            let _ = expand(&set, count);
        }
    }
}
