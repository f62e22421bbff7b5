//! The parts of a message: one pass over its lines, in bounded memory, however it is nested (RFC 2046, 5.1).

use std::io::{self, BufRead, BufReader};
use std::ops::Range;

use super::media::Media;
use super::spool::{Reader, Region, Spool};

/// Parts within parts; what lies deeper is not looked into.
const DEPTH: usize = 30;

/// Parts of one message; the rest is not looked into.
const PARTS: usize = 1000;

/// Bytes of a line that are looked at; a boundary has 70 at most.
const LINE: usize = 4096;

/// Bytes of one header that are looked at.
const HEADER: usize = 64 * 1024;

/// A part of a message. All places are counted from the start of the message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its header, the empty line included.
    pub(super) header: Range<u64>,
    /// What follows its header.
    pub(super) body: Range<u64>,
    /// Line ends in the body.
    pub(super) lines: u64,
    pub(super) kind: Kind,
}

/// What a part holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, a picture, anything.
    Leaf,
    /// Other parts, one at least.
    Multipart(Vec<Part>),
    /// A whole message.
    Message(Box<Part>),
}

impl Part {
    /// The part of these numbers (RFC 9051, 6.4.5.1): those of a message inside are the numbers of its parts.
    pub(super) fn find(&self, path: &[usize]) -> Option<&Part> {
        let Some((number, rest)) = path.split_first() else {
            return Some(self);
        };
        let part = match &self.kind {
            Kind::Multipart(parts) => parts.get(number.checked_sub(1)?)?,
            // What has no parts has itself as the first.
            Kind::Leaf | Kind::Message(_) if *number == 1 => self,
            _ => return None,
        };
        match (&part.kind, rest) {
            (_, []) => Some(part),
            (Kind::Message(inner), rest) => inner.find(rest),
            (Kind::Leaf, _) => None,
            (Kind::Multipart(_), rest) => part.find(rest),
        }
    }
}

/// Takes a message apart.
pub(super) fn scan(spool: &Spool, region: Region) -> io::Result<Part> {
    let mut scanner = Scanner {
        lines: Lines::new(spool.read(region)),
        boundaries: Vec::new(),
        parts: 0,
    };
    Ok(scanner.part(0, false)?.0)
}

struct Scanner<'a> {
    lines: Lines<'a>,
    /// The boundaries of all parts around, the outermost first.
    boundaries: Vec<Vec<u8>>,
    parts: usize,
}

/// Why a part is over.
#[derive(Clone, Copy)]
struct Stop {
    /// The end of its body. The line end before a boundary belongs to the boundary.
    end: u64,
    /// Line ends in the message before that.
    ends: u64,
    /// The boundary that was met, counted from the outermost, and whether it was the last of its kind.
    boundary: Option<(usize, bool)>,
}

impl Scanner<'_> {
    fn part(&mut self, depth: usize, in_digest: bool) -> io::Result<(Part, Stop)> {
        self.parts += 1;
        let start = self.lines.at;
        let (head, stop) = self.header()?;
        let (header_end, ends) = match stop {
            // A boundary inside the header: the part has no body.
            Some(stop) => (stop.end.max(start), stop.ends),
            None => (self.lines.at, self.lines.ends),
        };
        let media = Media::of(&head, in_digest);
        drop(head);
        let (kind, stop) = match stop {
            Some(stop) => (Kind::Leaf, stop),
            None => self.body(&media, depth)?,
        };
        let part = Part {
            header: start..header_end,
            body: header_end..stop.end.max(header_end),
            lines: stop.ends.saturating_sub(ends),
            kind,
        };
        Ok((part, stop))
    }

    fn body(&mut self, media: &Media, depth: usize) -> io::Result<(Kind, Stop)> {
        if depth < DEPTH && media.is("MULTIPART", "") {
            if let Some(boundary) = media.boundary() {
                return self.multipart(boundary, depth, media.is("MULTIPART", "DIGEST"));
            }
        } else if depth < DEPTH
            && self.parts < PARTS
            && media.is("MESSAGE", "RFC822")
            && !media.encoded
        {
            let (inner, stop) = self.part(depth + 1, false)?;
            return Ok((Kind::Message(Box::new(inner)), stop));
        }
        Ok((Kind::Leaf, self.skip()?))
    }

    fn multipart(
        &mut self,
        boundary: Vec<u8>,
        depth: usize,
        digest: bool,
    ) -> io::Result<(Kind, Stop)> {
        let level = self.boundaries.len();
        self.boundaries.push(boundary);
        let mut parts = Vec::new();
        // Before the first boundary stands a note to old programs.
        let mut stop = self.skip()?;
        while stop.boundary == Some((level, false)) {
            if self.parts >= PARTS {
                stop = self.skip()?;
                continue;
            }
            let (part, after) = self.part(depth + 1, digest)?;
            parts.push(part);
            stop = after;
        }
        self.boundaries.truncate(level);
        if stop.boundary == Some((level, true)) {
            // And after the last one.
            stop = self.skip()?;
        }
        let kind = if parts.is_empty() {
            Kind::Leaf
        } else {
            Kind::Multipart(parts)
        };
        Ok((kind, stop))
    }

    /// Reads a header up to its empty line, or to a boundary or the end, which it must not pass.
    fn header(&mut self) -> io::Result<(Vec<u8>, Option<Stop>)> {
        let mut head = Vec::new();
        loop {
            if let Some(stop) = self.next()? {
                return Ok((head, Some(stop)));
            }
            let line = self.lines.text.as_slice();
            if line.is_empty() || line == b"\r" {
                return Ok((head, None));
            }
            if head.len() + line.len() < HEADER {
                head.extend_from_slice(line);
                head.push(b'\n');
            }
        }
    }

    /// Reads lines until one ends the part.
    fn skip(&mut self) -> io::Result<Stop> {
        loop {
            if let Some(stop) = self.next()? {
                return Ok(stop);
            }
        }
    }

    /// Reads a line, and says whether it ends the part.
    fn next(&mut self) -> io::Result<Option<Stop>> {
        let before = Stop {
            end: self.lines.at.saturating_sub(self.lines.end_length),
            ends: self
                .lines
                .ends
                .saturating_sub(u64::from(self.lines.end_length > 0)),
            boundary: None,
        };
        if !self.lines.next()? {
            return Ok(Some(Stop {
                end: self.lines.at,
                ends: self.lines.ends,
                boundary: None,
            }));
        }
        let Some(rest) = self.lines.text.strip_prefix(b"--") else {
            return Ok(None);
        };
        let rest = rest.trim_ascii_end();
        let met = self
            .boundaries
            .iter()
            .enumerate()
            .rev()
            .find_map(|(level, boundary)| {
                let after = rest.strip_prefix(boundary.as_slice())?;
                (after.is_empty() || after == b"--").then_some((level, !after.is_empty()))
            });
        Ok(met.map(|boundary| Stop {
            boundary: Some(boundary),
            ..before
        }))
    }
}

/// Lines of a message, of which only the first bytes are kept.
struct Lines<'a> {
    input: BufReader<Reader<'a>>,
    /// The first bytes of the line, without its LF.
    text: Vec<u8>,
    /// Bytes read so far.
    at: u64,
    /// Line ends read so far.
    ends: u64,
    /// Bytes of the last line's end: 0, 1 or 2.
    end_length: u64,
}

impl<'a> Lines<'a> {
    fn new(reader: Reader<'a>) -> Lines<'a> {
        Lines {
            input: BufReader::with_capacity(64 * 1024, reader),
            text: Vec::new(),
            at: 0,
            ends: 0,
            end_length: 0,
        }
    }

    /// Reads the next line; false at the end.
    fn next(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.end_length = 0;
        let start = self.at;
        let mut last = 0;
        loop {
            let waiting = self.input.fill_buf()?;
            if waiting.is_empty() {
                return Ok(self.at > start);
            }
            let end = memchr::memchr(b'\n', waiting);
            let piece = waiting
                .get(..end.unwrap_or(waiting.len()))
                .unwrap_or_default();
            last = piece.last().copied().unwrap_or(last);
            let room = LINE.saturating_sub(self.text.len()).min(piece.len());
            self.text
                .extend_from_slice(piece.get(..room).unwrap_or_default());
            let taken = piece.len() + usize::from(end.is_some());
            self.input.consume(taken);
            self.at += taken as u64;
            if end.is_some() {
                self.ends += 1;
                self.end_length = if last == b'\r' { 2 } else { 1 };
                return Ok(true);
            }
        }
    }
}

/// The header of a part, as far as it is looked at.
pub(super) fn head_of(spool: &Spool, region: Region, part: &Part) -> io::Result<Vec<u8>> {
    spool.head(
        region.part(part.header.start, part.header.end),
        HEADER as u64,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scanned(message: &[u8]) -> Part {
        let spool = Spool::new(10_000_000).unwrap();
        let region = spool.reserve(message.len() as u64).unwrap();
        spool.write(region.start, message).unwrap();
        scan(&spool, region).unwrap()
    }

    fn text<'a>(message: &'a str, range: &Range<u64>) -> &'a str {
        &message[range.start as usize..range.end as usize]
    }

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=\"=_a\"\r\n\r\nan old note\r\n--=_a\r\n\r\none\r\ntwo\r\n--=_a\r\n\
        Content-Type: multipart/alternative; boundary==_a_b\r\n\r\n--=_a_b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--=_a_b--\r\n\r\n--=_a  \r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ndeep\r\n--c--\r\n--=_a--\r\nepilogue\r\n";

    #[test]
    fn parts_are_found_by_their_numbers() {
        let root = scanned(MIXED.as_bytes());
        let body = |path: &[usize]| root.find(path).map(|part| text(MIXED, &part.body));
        assert_eq!(body(&[1]), Some("one\r\ntwo"));
        assert_eq!(body(&[2, 1]), Some("<p>"));
        assert_eq!(body(&[3, 1]), Some("deep"));
        assert_eq!(
            body(&[3]).map(|body| body.starts_with("Subject: inner") && body.ends_with("--c--")),
            Some(true)
        );
        assert_eq!(
            text(MIXED, &root.find(&[2, 1]).unwrap().header),
            "Content-Type: text/html\r\n\r\n"
        );
        assert_eq!(root.find(&[1]).unwrap().lines, 1);
        for none in [&[4][..], &[1, 1], &[2, 2], &[3, 2], &[3, 1, 1]] {
            assert_eq!(root.find(none), None, "{none:?}");
        }
        assert!(text(MIXED, &root.body).ends_with("epilogue\r\n"));
    }

    #[test]
    fn a_message_without_parts_has_itself_as_the_first() {
        let message = "Subject: x\n\nhello\nyou\n";
        let root = scanned(message.as_bytes());
        assert_eq!(
            text(message, &root.find(&[1]).unwrap().body),
            "hello\nyou\n"
        );
        assert_eq!(root.lines, 2);
        assert_eq!(root.find(&[1, 1]), None);
        assert_eq!(scanned(b"").body, 0..0);
        assert_eq!(scanned(b"only: a header").body, 14..14);
    }

    #[test]
    fn nesting_beyond_all_reason_costs_nothing() {
        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
        scanned(messages.as_bytes());
        let multiparts: String = (0..20_000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
            .collect();
        scanned(multiparts.as_bytes());
        let many = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
            "--b\r\n\r\nx\r\n".repeat(50_000)
        );
        let Kind::Multipart(parts) = scanned(many.as_bytes()).kind else {
            panic!("a multipart");
        };
        assert!(parts.len() < PARTS);
    }

    fn inside(part: &Part, end: u64) -> bool {
        let children: Vec<&Part> = match &part.kind {
            Kind::Leaf => vec![],
            Kind::Multipart(parts) => parts.iter().collect(),
            Kind::Message(inner) => vec![inner],
        };
        part.header.start <= part.header.end
            && part.header.end == part.body.start
            && part.body.start <= part.body.end
            && part.body.end <= end
            && children
                .iter()
                .all(|child| child.header.start >= part.body.start && inside(child, end))
    }

    proptest! {
        #[test]
        fn every_part_lies_inside_the_message(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "Content-Type: multipart/mixed; boundary=a", "Content-Type: multipart/mixed; boundary=b", "Content-Type: message/rfc822",
                "", "", "--a", "--a--", "--b", "--b--", "text", "\r",
            ]), 0..40),
            end in proptest::sample::select(vec!["\n", "\r\n"]),
        ) {
            let message = lines.join(end);
            let root = scanned(message.as_bytes());
            prop_assert!(inside(&root, message.len() as u64), "{:?} {:?}", message, root);
        }
    }
}
