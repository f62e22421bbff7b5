//! Reads what servers answer (RFC 9051, 7): unknown codes and 8-bit text included, which `imap-proto` reads as a goodbye.

use super::RefusalClass;

/// How an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

impl Status {
    /// As it goes over the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::No => "NO",
            Status::Bad => "BAD",
            Status::Bye => "BYE",
            Status::PreAuth => "PREAUTH",
        }
    }
}

/// A status, its response code if any, and the words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: Status,
    /// What stands between the brackets.
    code: String,
    /// Everything after the status, the code included.
    pub words: String,
}

impl Answer {
    fn parse(rest: &[u8]) -> Option<Answer> {
        let end = rest
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(rest.len());
        let (word, text) = rest.split_at_checked(end)?;
        let status = match word.to_ascii_uppercase().as_slice() {
            b"OK" => Status::Ok,
            b"NO" => Status::No,
            b"BAD" => Status::Bad,
            b"BYE" => Status::Bye,
            b"PREAUTH" => Status::PreAuth,
            _ => return None,
        };
        let words = String::from_utf8_lossy(text).trim().to_string();
        Some(Answer {
            status,
            code: code(&words).unwrap_or_default().to_string(),
            words,
        })
    }

    /// Whether it carries this response code.
    pub fn is_code(&self, name: &str) -> bool {
        self.code
            .split(' ')
            .next()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    }

    /// What follows the name of the response code.
    pub fn arguments(&self) -> &str {
        self.code
            .split_once(' ')
            .map_or("", |(_, arguments)| arguments.trim())
    }

    /// The argument of a code that carries one number.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.is_code(name)
            .then(|| self.arguments().parse().ok())
            .flatten()
    }

    /// Why the server says no: by its response code (RFC 5530), else by its words.
    pub fn class(&self) -> RefusalClass {
        let by_code = match self
            .code
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "OVERQUOTA" => Some(RefusalClass::OverQuota),
            "TOOBIG" | "LIMIT" => Some(RefusalClass::TooBig),
            "TRYCREATE" | "NONEXISTENT" => Some(RefusalClass::NoFolder),
            "NOPERM" | "CANNOT" => Some(RefusalClass::NotAllowed),
            "UNAVAILABLE" | "INUSE" | "SERVERBUG" | "CONTACTADMIN" => Some(RefusalClass::Later),
            _ => None,
        };
        by_code.unwrap_or_else(|| class_by_words(&self.words.to_lowercase()))
    }

    /// Whether a NO to the sign-in says nothing about the password (RFC 5530, 3).
    pub fn is_passing_trouble(&self) -> bool {
        ["UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"]
            .iter()
            .any(|code| self.is_code(code))
    }
}

/// Why the server says no, by its words alone, with the response code at their beginning if there is one.
pub(crate) fn class_of(words: &str) -> RefusalClass {
    let answer = Answer {
        status: Status::No,
        code: code(words).unwrap_or_default().to_string(),
        words: words.to_string(),
    };
    answer.class()
}

/// Servers older than RFC 5530 have only words; these are of Courier, Cyrus, Exchange, Zimbra and UW.
fn class_by_words(words: &str) -> RefusalClass {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if says(&[
        "too large",
        "too big",
        "message size exceeds",
        "maximum message size",
        "maximum size",
        "size limit",
    ]) {
        return RefusalClass::TooBig;
    }
    if says(&[
        "quota",
        "mailbox is full",
        "mailbox full",
        "no space",
        "out of space",
        "disk full",
    ]) {
        return RefusalClass::OverQuota;
    }
    if says(&[
        "doesn't exist",
        "does not exist",
        "no such mailbox",
        "no such folder",
        "unknown mailbox",
        "not found",
    ]) {
        return RefusalClass::NoFolder;
    }
    if says(&["permission", "not allowed", "access denied", "read-only"]) {
        return RefusalClass::NotAllowed;
    }
    if says(&[
        "try again",
        "temporar",
        "timeout",
        "timed out",
        "busy",
        "in use",
    ]) {
        return RefusalClass::Later;
    }
    RefusalClass::Other
}

/// What stands between the brackets at the start; a `]` in quotes does not end it.
fn code(words: &str) -> Option<&str> {
    let inner = words.strip_prefix('[')?;
    let mut quoted = false;
    let end = inner.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ']' && !quoted
    })?;
    inner.get(..end.0)
}

/// One line of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// The answer to a command of ours, with its tag.
    Tagged(&'a [u8], Answer),
    /// A status that belongs to no command.
    Status(Answer),
    /// Data, without the `* `; it may go on with literals.
    Data(&'a [u8]),
    /// `+`: go on.
    Continue,
    /// Nothing that a server may send.
    Strange,
}

/// Reads a line, without its line end.
pub(crate) fn line(raw: &[u8]) -> Line<'_> {
    if raw.first() == Some(&b'+') {
        return Line::Continue;
    }
    if let Some(rest) = raw.strip_prefix(b"* ") {
        return Answer::parse(rest).map_or(Line::Data(rest), Line::Status);
    }
    let Some(end) = raw.iter().position(|byte| *byte == b' ') else {
        return Line::Strange;
    };
    let (tag, rest) = raw.split_at(end);
    let plain = !tag.is_empty() && tag.len() <= 64 && tag.iter().all(u8::is_ascii_alphanumeric);
    match rest.get(1..).and_then(Answer::parse) {
        Some(answer) if plain => Line::Tagged(tag, answer),
        _ => Line::Strange,
    }
}

/// The length of the literal that a line ends with (`{12}`, `{12+}`, `~{12}`; RFC 9051, 4.3).
pub(crate) fn literal_at_end(raw: &[u8]) -> Option<u64> {
    let inner = raw.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|byte| *byte == b'{')?;
    let digits = inner.get(start + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let plain = !digits.is_empty() && digits.len() <= 19 && digits.iter().all(u8::is_ascii_digit);
    plain
        .then(|| std::str::from_utf8(digits).ok()?.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(raw: &str) -> Answer {
        match line(raw.as_bytes()) {
            Line::Tagged(_, answer) | Line::Status(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unknown_codes_and_8_bit_words_are_read() {
        let Line::Tagged(tag, told) = line(b"B7 NO [X-FOO a b] Bo\xeete pleine") else {
            panic!()
        };
        assert_eq!((tag, told.status), (&b"B7"[..], Status::No));
        assert!(told.is_code("x-foo"));
        assert_eq!(told.arguments(), "a b");
        assert_eq!(told.words, "[X-FOO a b] Bo\u{fffd}te pleine");
        assert_eq!(answer("a1 OK").words, "");
        assert_eq!(answer("* ok [UIDNEXT 17] next").number("UIDNEXT"), Some(17));
        assert_eq!(
            answer("* OK [UIDNEXT 99999999999] next").number("UIDNEXT"),
            None
        );
        assert_eq!(answer("a1 NO [BADURL \"a]b\"] x").arguments(), "\"a]b\"");
    }

    #[test]
    fn what_is_no_answer_is_strange() {
        for raw in [
            "",
            "Subject: hello",
            "B1",
            "B1 YES",
            "Subject: BAD Error in IMAP command",
        ] {
            assert_eq!(line(raw.as_bytes()), Line::Strange, "{raw}");
        }
        assert_eq!(line(b"+"), Line::Continue);
        assert_eq!(line(b"* 23 EXISTS"), Line::Data(b"23 EXISTS"));
    }

    #[test]
    fn a_no_is_classified_by_its_code_and_then_by_its_words() {
        use RefusalClass::*;
        let cases = [
            (
                "[OVERQUOTA] Quota exceeded (mailbox for user is full)",
                OverQuota,
            ),
            ("Over quota", OverQuota),
            (
                "[LIMIT] Mail size is larger than the maximum size allowed by server configuration",
                TooBig,
            ),
            ("[TOOBIG] x", TooBig),
            ("Message too large", TooBig),
            ("[TRYCREATE] Mailbox doesn't exist: x", NoFolder),
            ("Mailbox does not exist", NoFolder),
            ("[CANNOT] Invalid keyword", NotAllowed),
            ("Permission denied", NotAllowed),
            ("[UNAVAILABLE] quota service down", Later),
            ("[SERVERBUG] Internal error", Later),
            ("Temporary failure, try again", Later),
            ("[X-NEW] because", Other),
        ];
        for (words, class) in cases {
            assert_eq!(answer(&format!("B1 NO {words}")).class(), class, "{words}");
        }
    }

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        assert_eq!(literal_at_end(b"5 FETCH (BODY[] {310}"), Some(310));
        assert_eq!(literal_at_end(b"x ~{0+}"), Some(0));
        for raw in [
            &b"x {}"[..],
            b"x {1 }",
            b"x {-1}",
            b"x {99999999999999999999}",
            b"x {1} ",
        ] {
            assert_eq!(literal_at_end(raw), None);
        }
    }

    proptest! {
        #[test]
        fn any_line_can_be_read(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (line(&raw), literal_at_end(&raw));
        }

        #[test]
        fn any_answer_can_be_classified(words in "\\[?[A-Z \"\\]a-z]{0,40}") {
            let told = answer(&format!("B1 NO {words}"));
            let _ = (told.class(), told.arguments().len());
        }
    }
}
