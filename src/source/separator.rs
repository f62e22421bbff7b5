//! Is this `From ` line the start of a message? A decision on a few lines, without any reading (RFC 4155).

use std::borrow::Cow;

use super::date;
use crate::header;
use crate::message::MailDate;

/// Fields that stand in the header of nearly every mail. Behind a separator without
/// a date only one of them, or one beginning with `X-`, is believed.
const KNOWN: [&str; 24] = [
    "authentication-results",
    "bcc",
    "cc",
    "content-length",
    "content-transfer-encoding",
    "content-type",
    "date",
    "delivered-to",
    "dkim-signature",
    "envelope-to",
    "from",
    "in-reply-to",
    "list-id",
    "message-id",
    "mime-version",
    "received",
    "references",
    "reply-to",
    "return-path",
    "sender",
    "status",
    "subject",
    "to",
    "user-agent",
];

/// The lines around a line that begins with `From `, all without their ends.
pub(crate) struct Surroundings<'a> {
    /// Whether the line before is empty, or there is none.
    pub(crate) after_blank: bool,
    /// The next line, unless the file ends.
    pub(crate) next: Option<&'a [u8]>,
    /// The one after it.
    pub(crate) second: Option<&'a [u8]>,
}

/// What a line that begins with `From ` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The start of a message.
    Separator {
        /// When the message arrived. Not in `From - `: there it is the time of fetching.
        date: Option<MailDate>,
        /// Whether the date or the empty line before is missing.
        loose: bool,
    },
    /// Text of a message.
    Text {
        /// Whether it comes close to a separator.
        tempting: bool,
    },
}

/// Decides about a line that begins with `From `.
pub(crate) fn judge(line: &[u8], around: &Surroundings<'_>) -> Verdict {
    let words = words(line);
    let next_is = |test: fn(&[u8]) -> bool| around.next.is_some_and(test);
    if date::is_dated(&words) {
        // UUCP mail has the separators of the machines before below, quoted or not.
        let starts = next_is(is_field)
            || next_is(|next| next.starts_with(b">From ") || is_dated(next))
            || around.after_blank && around.next.is_none_or(<[u8]>::is_empty);
        if !starts {
            return Verdict::Text { tempting: true };
        }
        let fetched = words.starts_with("- ");
        return Verdict::Separator {
            date: date::parse(&words).filter(|_| !fetched),
            loose: !around.after_blank,
        };
    }
    // Netscape and old Thunderbirds wrote a bare "From - ", sometimes without an empty line before.
    let bare = matches!(line.trim_ascii_end(), b"From" | b"From -");
    let header_follows = match around.second {
        Some(second) if around.after_blank => second.is_empty() || goes_on(second),
        Some(second) => bare && goes_on(second),
        None => around.after_blank,
    };
    if header_follows && next_is(is_known_field) {
        return Verdict::Separator {
            date: None,
            loose: true,
        };
    }
    Verdict::Text {
        tempting: around.after_blank && next_is(is_field),
    }
}

/// Whether a text begins like a mail: with a header field that mail has, or with two fields.
pub(crate) fn looks_like_header(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    match lines.next() {
        Some(first) if is_known_field(first) => true,
        Some(first) if is_field(first) => lines.find(|line| !line.is_empty()).is_some_and(is_field),
        _ => false,
    }
}

/// What follows `From `.
fn words(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(line.get(5..).unwrap_or_default())
}

fn is_dated(line: &[u8]) -> bool {
    line.starts_with(b"From ") && date::is_dated(&words(line))
}

/// `Name: value`
fn is_field(line: &[u8]) -> bool {
    header::split_name(line).is_some()
}

fn is_known_field(line: &[u8]) -> bool {
    let Some((name, _)) = header::split_name(line) else {
        return false;
    };
    let begins_with_x = name.get(..2).is_some_and(|x| x.eq_ignore_ascii_case(b"x-"));
    begins_with_x
        || KNOWN
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// A field, or the continuation of one.
fn goes_on(line: &[u8]) -> bool {
    is_field(line) || matches!(line.first(), Some(b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(line: &str, after_blank: bool, next: &str, second: &str) -> Verdict {
        let around = Surroundings {
            after_blank,
            next: Some(next.as_bytes()),
            second: Some(second.as_bytes()),
        };
        judge(line.as_bytes(), &around)
    }

    fn date_of(line: &str) -> Option<String> {
        match judged(line, true, "Subject: x", "") {
            Verdict::Separator { date, loose: false } => date.map(MailDate::imap),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn separators_of_many_programs() {
        for (line, date) in [
            (
                "From a@b Sun May 17 12:34:56 2009",
                Some("17-May-2009 12:34:56 +0000"),
            ),
            (
                "From a@b  Sun May 17 12:34 CEST 2009",
                Some("17-May-2009 12:34:00 +0200"),
            ),
            (
                "From 1848707889910060830@xxx Thu Nov 13 20:20:33 +0000 2025",
                Some("13-Nov-2025 20:20:33 +0000"),
            ),
            (
                "From ???@??? Sun May 17 12:34:56 2009",
                Some("17-May-2009 12:34:56 +0000"),
            ),
            (
                "From a Sun May 17 12:34:56 2009 remote from b",
                Some("17-May-2009 12:34:56 +0000"),
            ),
            ("From - Sun May 17 12:34:56 2009", None),
            ("From - Fri Jan  1 00:00:00 1904", None),
        ] {
            assert_eq!(date_of(line).as_deref(), date, "{line}");
        }
    }

    #[test]
    fn a_date_makes_up_for_a_missing_empty_line_and_is_noted() {
        let line = "From a@b Sun May 17 12:34:56 2009";
        assert!(matches!(
            judged(line, false, "A: b", "text"),
            Verdict::Separator { loose: true, .. }
        ));
        assert_eq!(
            judged(line, false, "", "A: b"),
            Verdict::Text { tempting: true }
        );
        assert!(matches!(
            judged(line, true, "", "text"),
            Verdict::Separator { loose: false, .. }
        ));
        assert_eq!(
            judged(line, true, "just text", ""),
            Verdict::Text { tempting: true }
        );
        assert!(matches!(
            judged(line, false, ">From c Sun May 17 12:34:56 2009", ""),
            Verdict::Separator { .. }
        ));
    }

    #[test]
    fn without_a_date_a_known_header_must_follow() {
        let loose = Verdict::Separator {
            date: None,
            loose: true,
        };
        for line in ["From ", "From -", "From - ", "From anna"] {
            assert_eq!(judged(line, true, "To: x", "Subject: y"), loose, "{line}");
            assert_eq!(judged(line, true, "To: x", ""), loose, "{line}");
            assert_eq!(
                judged(line, true, "To: x", "text"),
                Verdict::Text { tempting: true },
                "{line}"
            );
            assert_eq!(
                judged(line, true, "Year: 1963", ""),
                Verdict::Text { tempting: true },
                "{line}"
            );
        }
        assert_eq!(judged("From - ", false, "To: x", "Subject: y"), loose);
        assert_eq!(
            judged("From - ", false, "To: x", ""),
            Verdict::Text { tempting: false }
        );
        assert_eq!(
            judged("From anna", false, "To: x", "Subject: y"),
            Verdict::Text { tempting: false }
        );
    }

    #[test]
    fn ordinary_text_is_text() {
        assert_eq!(
            judged("From here on, this is text", true, "and more", ""),
            Verdict::Text { tempting: false }
        );
        assert!(looks_like_header(b"Subject: x\n") && looks_like_header(b"A: b\r\nC: d\r\n"));
        assert!(!looks_like_header(b"note: buy milk\nand bread") && !looks_like_header(b""));
    }
}
