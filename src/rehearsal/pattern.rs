//! The patterns of LIST: `*` means anything, `%` anything within one folder's name (RFC 9051, 6.3.9).

/// Whether a folder's name is meant by a reference and a pattern.
pub(super) fn matches(reference: &str, pattern: &str, name: &str) -> bool {
    let mut whole = format!("{reference}{pattern}");
    // INBOX is the same in any case, and so is the beginning of what lies below it.
    let first = whole.split('/').next().unwrap_or_default().len();
    if whole
        .get(..first)
        .is_some_and(|first| first.eq_ignore_ascii_case("INBOX"))
    {
        whole.replace_range(..first, "INBOX");
    }
    glob(whole.as_bytes(), name.as_bytes())
        || name == "INBOX" && glob(whole.to_ascii_uppercase().as_bytes(), b"INBOX")
}

/// Without going back, so that no pattern takes long: the set of places in the name that the pattern may have reached.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern {
        let mut next = vec![false; name.len() + 1];
        let mut flowing = false;
        for (at, place) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let passed = before.and_then(|before| name.get(before));
            match wanted {
                b'*' | b'%' => {
                    let stops = *wanted == b'%' && passed == Some(&b'/');
                    flowing = here || flowing && !stops;
                    *place = flowing;
                }
                _ => {
                    let came = before
                        .and_then(|before| reached.get(before))
                        .copied()
                        .unwrap_or(false);
                    *place = came && passed == Some(wanted);
                }
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_the_standard_says() {
        for (reference, pattern, name) in [
            ("", "*", "a/b/c"),
            ("", "%", "abc"),
            ("a/", "%", "a/b"),
            ("", "a/%/c", "a/b/c"),
            ("", "%/%", "a/b"),
            ("", "*c", "a/b/c"),
            ("", "inbox", "INBOX"),
            ("", "in%", "INBOX"),
            ("", "Inbox/%", "INBOX/x"),
            ("inbox", "/x", "INBOX/x"),
            ("", "*%*%", "x"),
        ] {
            assert!(
                matches(reference, pattern, name),
                "{reference} {pattern} {name}"
            );
        }
        for (reference, pattern, name) in [
            ("", "%", "a/b"),
            ("", "", "a"),
            ("", "a%", "a/b"),
            ("a", "%", "a/b"),
            ("", "sent", "Sent"),
            ("", "%c", "a/c"),
            ("", "abc", "ab"),
        ] {
            assert!(
                !matches(reference, pattern, name),
                "{reference} {pattern} {name}"
            );
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let start = std::time::Instant::now();
        assert!(!glob("*a%".repeat(1000).as_bytes(), &[b'a'; 500]));
        assert!(start.elapsed().as_secs() < 5);
    }
}
