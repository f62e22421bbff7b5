//! From the bytes of a message in its file to the bytes that are uploaded: the declared conversions, streaming.

mod lines;
mod text;

use std::io::{self, Read};

use crate::identity::{Fingerprint, Fingerprinter};
use crate::message::Conversions;
use lines::Lines;
pub(crate) use lines::MOZILLA_FIELDS;
use text::Text;
pub(crate) use text::{UTF8_MARK, Utf16, utf16_mark};

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// No more of a message's header than this is handed on by [`measure`].
const HEADER_CAP: usize = 256 * 1024;

/// Reads a message as it is uploaded. Memory stays the same whatever the length
/// of the message or of a line in it.
pub(crate) struct Upload<R: Read> {
    reader: R,
    piece: Vec<u8>,
    text: Text,
    lines: Lines,
    ready: Vec<u8>,
    given: usize,
    at_end: bool,
}

impl<R: Read> Upload<R> {
    /// Reads from `reader`, which yields the bytes of one message as they lie in
    /// its file, and makes these changes to them.
    pub(crate) fn new(reader: R, conversions: Conversions) -> Upload<R> {
        Upload {
            reader,
            piece: vec![0; PIECE],
            text: Text::new(conversions),
            lines: Lines::new(conversions),
            ready: Vec::new(),
            given: 0,
            at_end: false,
        }
    }

    /// Converts the next piece into `ready`.
    fn fill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        let count = read_some(&mut self.reader, &mut self.piece)?;
        if count == 0 {
            self.at_end = true;
            self.lines.push(self.text.finish(), &mut self.ready);
            self.lines.finish(&mut self.ready);
        } else {
            let fresh = self.piece.get(..count).unwrap_or_default();
            self.lines.push(self.text.push(fresh), &mut self.ready);
        }
        Ok(())
    }
}

impl<R: Read> Read for Upload<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.at_end {
            self.fill()?;
        }
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}

/// What one pass over a message tells.
pub(crate) struct Measured {
    /// Who it is and how long, as uploaded.
    pub(crate) fingerprint: Fingerprint,
    /// The conversions that changed something. An [`Upload`] with these gives the
    /// same bytes as one with all that were wanted.
    pub(crate) applied: Conversions,
    /// The header as it lies in the file (as UTF-8 where that is UTF-16), with what
    /// the mail program wrote on top of it; at most 256 KiB.
    pub(crate) header: Vec<u8>,
    /// Whether there is a NUL in it.
    pub(crate) has_nul: bool,
}

/// Reads one message to its end and tells what will be uploaded.
pub(crate) fn measure(reader: impl Read, wanted: Conversions) -> io::Result<Measured> {
    Measurer::default().measure(reader, wanted)
}

/// Measures one message after another with the same memory.
#[derive(Default)]
pub(crate) struct Measurer {
    piece: Vec<u8>,
    ready: Vec<u8>,
}

impl Measurer {
    /// Reads one message to its end and tells what will be uploaded.
    pub(crate) fn measure(
        &mut self,
        mut reader: impl Read,
        wanted: Conversions,
    ) -> io::Result<Measured> {
        self.piece.resize(PIECE, 0);
        let mut text = Text::new(wanted);
        let mut lines = Lines::new(wanted);
        let mut header = HeaderCopy::default();
        let mut fingerprinter = Fingerprinter::new();
        let mut has_nul = false;
        loop {
            self.ready.clear();
            let count = read_some(&mut reader, &mut self.piece)?;
            let plain = match count {
                0 => text.finish(),
                _ => text.push(self.piece.get(..count).unwrap_or_default()),
            };
            header.push(plain);
            lines.push(plain, &mut self.ready);
            if count == 0 {
                lines.finish(&mut self.ready);
            }
            has_nul = has_nul || memchr::memchr(0, &self.ready).is_some();
            fingerprinter.update(&self.ready);
            if count == 0 {
                break;
            }
        }
        Ok(Measured {
            fingerprint: fingerprinter.finish(),
            applied: text.applied().union(lines.applied()),
            header: header.kept,
            has_nul,
        })
    }
}

/// Reads once more where a signal came between.
fn read_some(reader: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Keeps what comes up to the first empty line.
#[derive(Default)]
struct HeaderCopy {
    kept: Vec<u8>,
    complete: bool,
}

impl HeaderCopy {
    fn push(&mut self, data: &[u8]) {
        if self.complete {
            return;
        }
        // The empty line may have begun in the piece before.
        let from = self.kept.len().saturating_sub(3);
        let room = HEADER_CAP.saturating_sub(self.kept.len());
        self.kept
            .extend_from_slice(data.get(..room).unwrap_or(data));
        self.complete = self.kept.len() >= HEADER_CAP;
        let fresh = self.kept.get(from..).unwrap_or_default();
        if let Some(end) = empty_line(fresh) {
            self.kept.truncate(from + end);
            self.complete = true;
        }
    }
}

/// Where the first empty line ends.
fn empty_line(data: &[u8]) -> Option<usize> {
    memchr::memchr2_iter(b'\n', b'\r', data).find_map(|at| {
        let rest = data.get(at..)?;
        [b"\n\n".as_slice(), b"\n\r\n", b"\r\r"]
            .iter()
            .find(|ends| rest.starts_with(ends))
            .map(|ends| at + ends.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity;
    use proptest::prelude::*;

    const ALL: Conversions = Conversions::UNQUOTED
        .union(Conversions::MOZILLA_HEADERS)
        .union(Conversions::LINE_ENDS)
        .union(Conversions::FINAL_LINE_END)
        .union(Conversions::TEXT_ENCODING);

    fn uploaded(bytes: &[u8], conversions: Conversions) -> Vec<u8> {
        let mut all = Vec::new();
        Upload::new(bytes, conversions)
            .read_to_end(&mut all)
            .unwrap();
        all
    }

    /// Gives its bytes in pieces of this size.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn only_what_changed_something_is_counted() {
        let tidy = b"Subject: x\r\n\r\nbody\r\n";
        let measured = measure(tidy.as_slice(), ALL).unwrap();
        assert_eq!(measured.applied, Conversions::NONE);
        assert_eq!(measured.fingerprint, identity::of(tidy));
        assert_eq!(measured.header, b"Subject: x\r\n\r\n");
        assert!(!measured.has_nul);
    }

    #[test]
    fn the_header_holds_what_the_mail_program_wrote_and_the_upload_does_not() {
        let stored =
            b"X-Mozilla-Status: 0001\nX-Mozilla-Keys: a\n  \nSubject: x\n\n>From me\n\0end";
        let measured = measure(stored.as_slice(), ALL).unwrap();
        assert!(measured.header.starts_with(b"X-Mozilla-Status: 0001\n"));
        assert!(measured.header.ends_with(b"Subject: x\n\n"));
        assert!(measured.has_nul);
        let bytes = uploaded(stored, measured.applied);
        assert_eq!(bytes, b"Subject: x\r\n\r\nFrom me\r\n\0end\r\n");
        assert_eq!(
            measured.applied.names().collect::<Vec<_>>(),
            [
                "from_unquoted",
                "mozilla_headers_left_out",
                "line_ends",
                "final_line_end"
            ]
        );
    }

    #[test]
    fn a_header_without_end_is_capped() {
        let long = b"A: b\n".repeat(100_000);
        let measured = measure(long.as_slice(), ALL).unwrap();
        assert_eq!(measured.header.len(), HEADER_CAP);
    }

    proptest! {
        #[test]
        fn the_applied_conversions_give_the_measured_bytes(
            pieces in proptest::collection::vec(prop_oneof![
                Just(b">From ".to_vec()), Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\r\n".to_vec()),
                Just(b"X-Mozilla-Status: 1\n".to_vec()), Just(b"X-UIDL: x\r\n y\r\n".to_vec()), Just(vec![0xEF, 0xBB, 0xBF]),
                Just(vec![0xFF, 0xFE]), Just(vec![0xFE, 0xFF]), Just(b">>".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..6),
            ], 0..30),
            size in 1usize..9,
            cr_lines in any::<bool>(),
        ) {
            let stored = pieces.concat();
            let wanted = if cr_lines { ALL.union(Conversions::CR_LINES) } else { ALL };
            let measured = measure(Drip(&stored, size), wanted).unwrap();
            let bytes = uploaded(&stored, wanted);
            prop_assert_eq!(&measured.fingerprint, &identity::of(&bytes));
            prop_assert_eq!(&uploaded(&stored, measured.applied), &bytes);
            let clean = memchr::memchr2_iter(b'\n', b'\r', &bytes).all(|at| {
                bytes[at..].starts_with(b"\r\n") || (at > 0 && bytes[at - 1..].starts_with(b"\r\n"))
            });
            prop_assert!(clean && (bytes.is_empty() || bytes.ends_with(b"\r\n")));
        }
    }
}
