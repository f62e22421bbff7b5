//! Line by line: what mail programs added to a message is taken back, and every line ends in CRLF.

use crate::message::Conversions;

/// What Thunderbird writes on top of a message in its own files, in this order.
pub(crate) const MOZILLA_FIELDS: [&str; 5] = [
    "X-Account-Key",
    "X-UIDL",
    "X-Mozilla-Status",
    "X-Mozilla-Status2",
    "X-Mozilla-Keys",
];

const LONGEST_NAME: usize = 17;

const FROM: &[u8] = b"From ";

/// Converts a message that comes in pieces of any size.
pub(super) struct Lines {
    wanted: Conversions,
    applied: Conversions,
    place: Place,
    /// The beginning of a header field, until its name is known.
    name: Vec<u8>,
    /// Which of [`MOZILLA_FIELDS`] were left out: a second one of a name is the message's own.
    left_out: [bool; MOZILLA_FIELDS.len()],
    /// A CR that is the last byte so far: it may be half of a CRLF.
    after_cr: bool,
    /// Whether nothing came out, or a line end last.
    ended: bool,
    /// Whether the empty line after the header is behind us. No header line begins
    /// with `From `, so a `>From ` there is no quoting (UUCP mail has some).
    in_body: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before the first byte of a line.
    LineStart,
    /// In a line that passes.
    Line,
    /// In a line's `>` or the `From ` after them, of which so many bytes are seen.
    /// One `>` is held back; since all are alike, it doesn't matter which.
    Quote(usize),
    /// In the name of a field that may be Thunderbird's.
    Name,
    /// In a field that is left out.
    LeftOut,
    /// Before the first byte of a line after such a field.
    AfterLeftOut,
}

impl Lines {
    pub(super) fn new(wanted: Conversions) -> Lines {
        Lines {
            wanted,
            applied: Conversions::NONE,
            place: if wanted.contains(Conversions::MOZILLA_HEADERS) {
                Place::Name
            } else {
                Place::LineStart
            },
            name: Vec::new(),
            left_out: [false; MOZILLA_FIELDS.len()],
            after_cr: false,
            ended: true,
            in_body: false,
        }
    }

    /// Appends to `out` what the next piece becomes.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            rest = self.line_end(b"\r", rest, out);
        }
        while let Some(first) = rest.first() {
            rest = match self.place {
                Place::LineStart if self.in_body => self.lines(rest, out),
                Place::LineStart => self.line_start(*first, rest),
                Place::Line => self.line(rest, out),
                Place::Quote(seen) => self.quote(seen, *first, rest, out),
                Place::Name => self.field_name(*first, rest, out),
                Place::LeftOut => self.leave_out(rest, out),
                Place::AfterLeftOut => {
                    let goes_on = matches!(first, b' ' | b'\t');
                    self.place = if goes_on { Place::LeftOut } else { Place::Name };
                    rest
                }
            };
        }
    }

    /// Appends what was held back, and the last line end if there is none.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.place == Place::Name {
            self.own_field(out);
        }
        if std::mem::take(&mut self.after_cr) {
            self.line_end(b"\r", b"", out);
        }
        if let Place::Quote(seen) = self.place {
            self.not_quoted(seen, out);
        }
        if !self.ended && self.wanted.contains(Conversions::FINAL_LINE_END) {
            out.extend_from_slice(b"\r\n");
            self.ended = true;
            self.applied.insert(Conversions::FINAL_LINE_END);
        }
    }

    /// The conversions that changed something.
    pub(super) fn applied(&self) -> Conversions {
        self.applied
    }

    /// Copies the lines that need no second look, and begins the one that does.
    fn lines<'a>(&mut self, mut rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let may_be_quoted = self.wanted.contains(Conversions::UNQUOTED);
        let converts = self.wanted.contains(Conversions::LINE_ENDS);
        while let Some(first) = rest.first() {
            if *first == b'>' && may_be_quoted {
                break;
            }
            let (text, end) = split_at_end(rest);
            let after = match end {
                [b'\r', b'\n', after @ ..] => after,
                [b'\n', after @ ..] if converts => {
                    self.applied.insert(Conversions::LINE_ENDS);
                    after
                }
                _ => break,
            };
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
            self.ended = true;
            rest = after;
        }
        match rest.first() {
            Some(first) => self.line_start(*first, rest),
            None => rest,
        }
    }

    fn line_start<'a>(&mut self, first: u8, rest: &'a [u8]) -> &'a [u8] {
        self.in_body |= matches!(first, b'\r' | b'\n');
        if first == b'>' && self.in_body && self.wanted.contains(Conversions::UNQUOTED) {
            self.place = Place::Quote(0);
            return rest.get(1..).unwrap_or_default();
        }
        self.place = Place::Line;
        rest
    }

    /// Copies to the end of the line, or of the piece.
    fn line<'a>(&mut self, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (text, rest) = split_at_end(rest);
        if !text.is_empty() {
            out.extend_from_slice(text);
            self.ended = false;
        }
        self.end_or_hold(rest, out)
    }

    fn quote<'a>(&mut self, seen: usize, first: u8, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let after = rest.get(1..).unwrap_or_default();
        if seen == 0 && first == b'>' {
            out.push(b'>');
            self.ended = false;
            return after;
        }
        if FROM.get(seen) != Some(&first) {
            self.not_quoted(seen, out);
            return rest;
        }
        self.place = Place::Quote(seen + 1);
        if seen + 1 == FROM.len() {
            out.extend_from_slice(FROM);
            self.ended = false;
            self.applied.insert(Conversions::UNQUOTED);
            self.place = Place::Line;
        }
        after
    }

    /// Gives back the `>` that was held, and what came after it.
    fn not_quoted(&mut self, seen: usize, out: &mut Vec<u8>) {
        out.push(b'>');
        out.extend_from_slice(FROM.get(..seen).unwrap_or_default());
        self.ended = false;
        self.place = Place::Line;
    }

    fn field_name<'a>(&mut self, first: u8, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        if first == b':'
            && let Some(left_out) = self.mozilla_field()
        {
            *left_out = true;
            self.name.clear();
            self.applied.insert(Conversions::MOZILLA_HEADERS);
            self.place = Place::LeftOut;
            return rest;
        }
        if self.name.len() < LONGEST_NAME && (first.is_ascii_alphanumeric() || first == b'-') {
            self.name.push(first);
            return rest.get(1..).unwrap_or_default();
        }
        self.own_field(out);
        rest
    }

    /// The mark of the field whose name was read, if it is one to leave out and the first of its name.
    fn mozilla_field(&mut self) -> Option<&mut bool> {
        let name = self.name.as_slice();
        let index = MOZILLA_FIELDS
            .iter()
            .position(|field| name.eq_ignore_ascii_case(field.as_bytes()))?;
        self.left_out.get_mut(index).filter(|left_out| !**left_out)
    }

    /// From here on everything is the message's own.
    fn own_field(&mut self, out: &mut Vec<u8>) {
        self.place = if self.name.is_empty() {
            Place::LineStart
        } else {
            self.ended = false;
            Place::Line
        };
        out.append(&mut self.name);
    }

    fn leave_out<'a>(&mut self, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (_, rest) = split_at_end(rest);
        self.end_or_hold(rest, out)
    }

    /// Handles the line end that `rest` begins with; a CR without a successor waits for it.
    fn end_or_hold<'a>(&mut self, rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        match rest {
            [] => rest,
            [b'\r'] => {
                self.after_cr = true;
                b""
            }
            [end, after @ ..] => self.line_end(&[*end], after, out),
        }
    }

    /// Handles the LF, or the CR with what comes after it.
    fn line_end<'a>(&mut self, end: &[u8], after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (whole, after) = match (end, after) {
            (b"\r", [b'\n', after @ ..]) => (b"\r\n".as_slice(), after),
            _ => (end, after),
        };
        let cr_lines = self.wanted.contains(Conversions::CR_LINES);
        // Only in a file whose lines all end so does a lone CR start a line
        // that its writer may have quoted.
        let starts_line = whole != b"\r" || cr_lines;
        if matches!(self.place, Place::LeftOut) {
            if starts_line {
                self.place = Place::AfterLeftOut;
            }
            if whole == b"\r" && cr_lines {
                // It ended the line that is left out; whoever reads it again must know that it does.
                self.applied.insert(Conversions::CR_LINES);
            }
            return after;
        }
        let needed = match whole {
            b"\r\n" => Conversions::NONE,
            b"\r" if cr_lines => Conversions::CR_LINES,
            _ => Conversions::LINE_ENDS,
        };
        let changes = whole.len() == 1 && self.wanted.contains(needed);
        if changes {
            self.applied.insert(needed);
        }
        out.extend_from_slice(if changes { b"\r\n" } else { whole });
        self.ended = changes || whole != b"\r";
        self.place = if starts_line {
            Place::LineStart
        } else {
            Place::Line
        };
        after
    }
}

/// Splits before the first CR or LF.
fn split_at_end(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(stored: &[u8], wanted: Conversions) -> String {
        let whole = pieces(stored, wanted, stored.len().max(1));
        for size in 1..8 {
            assert_eq!(pieces(stored, wanted, size), whole, "pieces of {size}");
        }
        String::from_utf8_lossy(&whole).into()
    }

    fn pieces(stored: &[u8], wanted: Conversions, size: usize) -> Vec<u8> {
        let mut lines = Lines::new(wanted);
        let mut out = Vec::new();
        for piece in stored.chunks(size) {
            lines.push(piece, &mut out);
        }
        lines.finish(&mut out);
        out
    }

    #[test]
    fn one_level_of_quoting_is_taken_back_and_only_at_a_line_start() {
        let stored = b"\n>From a\n>>From b\n> From c\n>from d\nx>From e\n>>>Fro\n>From\n>>";
        let plain = "\nFrom a\n>From b\n> From c\n>from d\nx>From e\n>>>Fro\n>From\n>>";
        assert_eq!(converted(stored, Conversions::UNQUOTED), plain);
        for other in ["\na\r>From b", ">From x remote from y\n"] {
            assert_eq!(converted(other.as_bytes(), Conversions::UNQUOTED), other);
        }
    }

    #[test]
    fn every_line_end_becomes_crlf_once() {
        assert_eq!(
            converted(b"a\nb\rc\r\nd\n\r\n\r\re\r", Conversions::LINE_ENDS),
            "a\r\nb\r\nc\r\nd\r\n\r\n\r\n\r\ne\r\n"
        );
        assert_eq!(converted(b"a", Conversions::FINAL_LINE_END), "a\r\n");
        assert_eq!(converted(b"a\n", Conversions::FINAL_LINE_END), "a\n");
        assert_eq!(converted(b"", Conversions::FINAL_LINE_END), "");
    }

    #[test]
    fn in_a_file_of_cr_lines_a_cr_starts_a_line() {
        let wanted = Conversions::CR_LINES
            .union(Conversions::UNQUOTED)
            .union(Conversions::MOZILLA_HEADERS);
        assert_eq!(
            converted(b"X-UIDL: 1\r\tmore\rA: b\r\r>From c\r", wanted),
            "A: b\r\n\r\nFrom c\r\n"
        );
    }

    #[test]
    fn the_conversions_that_were_needed_are_enough_to_read_a_message_again() {
        let wanted = Conversions::CR_LINES
            .union(Conversions::FINAL_LINE_END)
            .union(Conversions::MOZILLA_HEADERS);
        // The only CR is at the end of what is left out.
        let stored = b"X-UIDL: 1\rA: b";
        let mut lines = Lines::new(wanted);
        let mut out = Vec::new();
        lines.push(stored, &mut out);
        lines.finish(&mut out);
        assert_eq!(out, b"A: b\r\n");
        assert_eq!(converted(stored, lines.applied()), "A: b\r\n");
    }

    #[test]
    fn only_the_leading_run_of_thunderbirds_fields_is_left_out() {
        let stored = b"X-Account-Key: account1\r\nx-uidl: 7\r\n folded\r\nX-Mozilla-Status: 0001\r\nX-Mozilla-Status2: 0\r\nX-Mozilla-Keys:   \r\nSubject: x\r\nX-Mozilla-Status: 0009\r\n\r\nX-UIDL: text\r\n";
        assert_eq!(
            converted(stored, Conversions::MOZILLA_HEADERS),
            "Subject: x\r\nX-Mozilla-Status: 0009\r\n\r\nX-UIDL: text\r\n"
        );
        assert_eq!(converted(stored, Conversions::NONE).len(), stored.len());
    }

    #[test]
    fn a_second_field_of_the_same_name_is_the_messages_own() {
        let stored = b"X-Mozilla-Status: 0001\nX-Mozilla-Status: 0009\nX-UIDL: y\n\n";
        assert_eq!(
            converted(stored, Conversions::MOZILLA_HEADERS),
            "X-Mozilla-Status: 0009\nX-UIDL: y\n\n"
        );
    }

    #[test]
    fn a_message_that_begins_with_a_body_or_an_odd_line_stays() {
        for stored in [
            "\n>From x\n",
            "X-UIDL\n",
            "X-UIDL",
            "X-Mozilla-Status22: 1\n",
            ": x\n",
            " X-UIDL: 1\n",
        ] {
            assert_eq!(
                converted(stored.as_bytes(), Conversions::MOZILLA_HEADERS),
                stored
            );
        }
    }
}
