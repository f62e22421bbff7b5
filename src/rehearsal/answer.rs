//! How answers are written: the outcome of a command, and strings that any client can read.

/// The last line of the answer to a command, without its tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Done.
    Ok(String),
    /// Understood, and not done.
    No(String),
    /// Not understood.
    Bad(String),
}

impl Reply {
    pub(super) fn ok(words: impl Into<String>) -> Reply {
        Reply::Ok(words.into())
    }

    pub(super) fn no(words: impl Into<String>) -> Reply {
        Reply::No(words.into())
    }

    pub(super) fn bad(words: impl Into<String>) -> Reply {
        Reply::Bad(words.into())
    }

    /// The line, with its tag and its end.
    pub(super) fn line(&self, tag: &str) -> String {
        let (status, words) = match self {
            Reply::Ok(words) => ("OK", words),
            Reply::No(words) => ("NO", words),
            Reply::Bad(words) => ("BAD", words),
        };
        format!("{tag} {status} {words}\r\n")
    }
}

/// A string: quoted where that can be, else a literal (RFC 9051, 4.3).
pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    let plain = bytes.len() <= 1000 && bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    if !plain {
        return [format!("{{{}}}\r\n", bytes.len()).as_bytes(), bytes].concat();
    }
    let mut out = vec![b'"'];
    for byte in bytes {
        if b"\"\\".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    out
}

/// A string, or NIL where there is none.
pub(super) fn nstring(bytes: Option<&[u8]>) -> Vec<u8> {
    bytes.map_or_else(|| b"NIL".to_vec(), string)
}

/// Numbers as a sequence set, runs shortened: `1:3,7`.
pub(super) fn set(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let shown: Vec<String> = runs
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}:{last}")
            }
        })
        .collect();
    shown.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_or_literals() {
        assert_eq!(string(b"a \"b\" \\"), b"\"a \\\"b\\\" \\\\\"");
        assert_eq!(string("é".as_bytes()), b"{2}\r\n\xc3\xa9");
        assert_eq!(string(b"a\r\nb"), b"{4}\r\na\r\nb");
        assert_eq!(nstring(None), b"NIL");
    }

    #[test]
    fn runs_of_numbers_are_shortened() {
        assert_eq!(set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set(&[]), "");
    }
}
