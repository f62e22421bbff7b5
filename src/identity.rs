//! Who a message is: three hashes, computed in one pass over bytes of any length.
//!
//! The same code looks at what we are about to send and at what the server gives
//! back, so two copies of a message get the same identity whatever either side
//! did to line ends, and whatever header fields were added on the way.

mod body;

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::header::{self, FIELD_CAP, FIELDS_CAP};
use crate::message::{Digest, Identity};
use body::Body;

/// The header fields that make up the content identity. What servers and mail
/// programs add or keep apart (`Received`, `X-*`, `Status`, signatures) is not among them,
/// so that a copy left on the POP server equals the copy in the mbox.
const CONTENT_FIELDS: [&str; 14] = [
    "message-id",
    "date",
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "subject",
    "in-reply-to",
    "references",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// The fields that one cheap FETCH of a whole folder returns, in the order they are hashed.
pub const SUMMARY_FIELDS: [&str; 5] = ["message-id", "date", "from", "to", "subject"];

/// Everything one pass over a message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The three hashes, cut.
    pub identity: Identity,
    /// SHA-256 of the bytes, whole.
    pub bytes: [u8; 32],
    /// The content identity, whole.
    pub content: [u8; 32],
    /// The summary, whole.
    pub summary: [u8; 32],
    /// Bytes seen.
    pub size: u64,
    /// Whether there is a Message-ID.
    pub has_id: bool,
}

/// Computes a [`Fingerprint`] from bytes that come in pieces of any size.
pub struct Fingerprinter {
    bytes: Sha256,
    size: u64,
    fields: Fields,
    /// The field being read, up to a cap; its continuations are added to it.
    line: Vec<u8>,
    in_header: bool,
    last_was_cr: bool,
    body: Body,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        Self::new()
    }
}

impl Fingerprinter {
    /// A fresh one.
    pub fn new() -> Fingerprinter {
        Fingerprinter {
            bytes: Sha256::new(),
            size: 0,
            fields: Fields::default(),
            line: Vec::new(),
            in_header: true,
            last_was_cr: false,
            body: Body::default(),
        }
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, data: &[u8]) {
        self.bytes.update(data);
        self.size += data.len() as u64;
        let mut rest = data;
        while self.in_header && !rest.is_empty() {
            rest = self.header_piece(rest);
        }
        self.body.update(rest);
    }

    /// The result.
    pub fn finish(mut self) -> Fingerprint {
        if self.in_header && !self.line.is_empty() {
            self.fields.line(&self.line);
        }
        let (content, summary, has_id) = self.fields.finish(self.body.finish());
        let bytes: [u8; 32] = self.bytes.finalize().into();
        let identity = Identity {
            bytes: cut(&bytes),
            content: cut(&content),
            summary: cut(&summary),
        };
        Fingerprint {
            identity,
            bytes,
            content,
            summary,
            size: self.size,
            has_id,
        }
    }

    /// Takes at most one line of the header from `data`, and returns what is left.
    fn header_piece<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        // A line that ended in CR may have its LF in the next piece.
        if std::mem::take(&mut self.last_was_cr)
            && let Some(rest) = data.strip_prefix(b"\n")
        {
            return rest;
        }
        let (piece, rest, ended) = match memchr::memchr2(b'\n', b'\r', data) {
            None => (data, &data[data.len()..], false),
            Some(at) => (&data[..at], &data[at + 1..], true),
        };
        self.last_was_cr = ended && data.get(piece.len()) == Some(&b'\r');
        // Long enough to tell the name and to fill the field's own cap.
        let room = (FIELD_CAP + 1024).saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        if ended {
            if self.line.is_empty() {
                self.in_header = false;
                self.body.after_cr = self.last_was_cr;
            } else {
                self.fields.line(&self.line);
            }
            self.line.clear();
        }
        rest
    }
}

impl Write for Fingerprinter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fingerprint of bytes that are all in memory.
pub fn of(message: &[u8]) -> Fingerprint {
    let mut fingerprinter = Fingerprinter::new();
    fingerprinter.update(message);
    fingerprinter.finish()
}

/// The summary of a header as a server returns it for [`SUMMARY_FIELDS`], and whether it has a Message-ID.
pub fn summary(header: &[u8]) -> (Digest, bool) {
    let found = of(header);
    (found.identity.summary, found.has_id)
}

fn cut(whole: &[u8; 32]) -> Digest {
    let mut short = [0; 16];
    short.copy_from_slice(&whole[..16]);
    Digest(short)
}

/// The header fields that count, gathered line by line.
#[derive(Default)]
struct Fields {
    /// Index into `CONTENT_FIELDS` and evened-out value, one entry a field.
    kept: Vec<(usize, Vec<u8>)>,
    /// Whether continuation lines belong to the last kept field.
    open: bool,
    seen: usize,
}

impl Fields {
    fn line(&mut self, line: &[u8]) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if self.open
                && let Some((_, value)) = self.kept.last_mut()
            {
                append_even(value, line);
            }
            return;
        }
        self.open = false;
        self.seen += 1;
        let Some((name, value)) = header::split_name(line).filter(|_| self.seen <= FIELDS_CAP)
        else {
            return;
        };
        let known = CONTENT_FIELDS
            .iter()
            .position(|field| name.eq_ignore_ascii_case(field.as_bytes()));
        if let Some(index) = known {
            let mut even = Vec::new();
            append_even(&mut even, value);
            self.kept.push((index, even));
            self.open = true;
        }
    }

    fn finish(self, body: [u8; 32]) -> ([u8; 32], [u8; 32], bool) {
        let mut content = Sha256::new();
        let mut done = [false; CONTENT_FIELDS.len()];
        for (first, _) in &self.kept {
            if !std::mem::replace(&mut done[*first], true) {
                for (_, value) in self.kept.iter().filter(|(index, _)| index == first) {
                    hash_field(&mut content, CONTENT_FIELDS[*first], value);
                }
            }
        }
        content.update(body);

        let mut summary = Sha256::new();
        let mut has_id = false;
        for name in SUMMARY_FIELDS {
            for (index, value) in &self.kept {
                if CONTENT_FIELDS[*index] == name {
                    // Servers disagree on what to do with NUL and 8-bit bytes in a
                    // header (Dovecot returns NUL as 0x80), so a summary goes without.
                    let plain: Vec<u8> =
                        value.iter().copied().filter(u8::is_ascii_graphic).collect();
                    has_id |= name == "message-id" && !plain.is_empty();
                    hash_field(&mut summary, name, &plain);
                }
            }
        }
        (content.finalize().into(), summary.finalize().into(), has_id)
    }
}

/// Appends a value with every run of blanks made one, none at either end.
fn append_even(even: &mut Vec<u8>, value: &[u8]) {
    for word in value
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty())
    {
        if even.len() + word.len() >= FIELD_CAP {
            return;
        }
        if !even.is_empty() {
            even.push(b' ');
        }
        even.extend_from_slice(word);
    }
}

fn hash_field(hash: &mut Sha256, name: &str, value: &[u8]) {
    hash.update((name.len() as u64).to_be_bytes());
    hash.update(name);
    hash.update((value.len() as u64).to_be_bytes());
    hash.update(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAIL: &[u8] = b"Received: by x\r\nMessage-ID: <1@x>\r\nSubject: one\r\n two\r\nFrom: a\r\n\r\nbody\r\n\r\nend\r\n";

    #[test]
    fn line_ends_and_added_fields_leave_the_content_as_it_is() {
        let lf: Vec<u8> = MAIL.iter().copied().filter(|byte| *byte != b'\r').collect();
        let cr: Vec<u8> = MAIL.iter().copied().filter(|byte| *byte != b'\n').collect();
        let more = [
            b"X-Spam: no\r\nReturn-Path: <b>\r\n".as_slice(),
            MAIL,
            b"\r\n\r\n",
        ]
        .concat();
        for other in [&lf, &cr, &more] {
            assert_eq!(of(other).identity.content, of(MAIL).identity.content);
            assert_eq!(of(other).identity.summary, of(MAIL).identity.summary);
            assert_ne!(of(other).identity.bytes, of(MAIL).identity.bytes);
        }
    }

    #[test]
    fn another_body_or_subject_is_another_message() {
        for (from, to) in [
            ("end", "eNd"),
            ("two", "three"),
            ("body\r\n\r\n", "body\r\n"),
        ] {
            let other = String::from_utf8_lossy(MAIL).replace(from, to);
            assert_ne!(
                of(other.as_bytes()).identity.content,
                of(MAIL).identity.content,
                "{from}"
            );
        }
    }

    #[test]
    fn the_summary_is_what_a_fetch_of_the_fields_gives() {
        let fetched = b"Subject: one\r\n two\r\nFrom: a\r\nMessage-ID: <1@x>\r\n\r\n";
        assert_eq!(summary(fetched), (of(MAIL).identity.summary, true));
        assert!(!summary(b"Subject: x\r\nMessage-ID: \r\n\r\n").1);
    }

    #[test]
    fn a_message_without_a_header_or_without_a_body() {
        assert_ne!(
            of(b"just text\r\n").identity.content,
            of(b"\r\njust text\r\n").identity.content
        );
        assert_eq!(of(b"A: b\r\n").size, 6);
        assert_eq!(of(b"").size, 0);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(
            message in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), any::<u8>()], 0..300),
            cuts in proptest::collection::vec(1usize..20, 0..100),
        ) {
            let mut fingerprinter = Fingerprinter::new();
            let mut rest = message.as_slice();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                fingerprinter.update(now);
                rest = later;
            }
            fingerprinter.update(rest);
            prop_assert_eq!(fingerprinter.finish(), of(&message));
        }

        #[test]
        fn line_ends_never_matter(lines in proptest::collection::vec("[ -~]{0,10}", 0..12)) {
            let join = |end: &str| lines.iter().map(|line| format!("{line}{end}")).collect::<String>();
            let whole = of(join("\r\n").as_bytes()).identity.content;
            prop_assert_eq!(of(join("\n").as_bytes()).identity.content, whole);
            prop_assert_eq!(of(join("\r").as_bytes()).identity.content, whole);
        }
    }
}
