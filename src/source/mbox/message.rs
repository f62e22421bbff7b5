//! What is known of a message while its lines go by: its header, and whether it is inside a MIME part.

use super::split::{Beginning, Piece};
use crate::header;
use crate::message::MailDate;
use crate::source::separator::looks_like_header;
use crate::source::upload::MOZILLA_FIELDS;

/// No more of a header than this is kept.
const HEADER_CAP: usize = 256 * 1024;

/// Longest boundary (RFC 2046, 5.1.1: 70), with some room for programs that don't count.
const BOUNDARY_CAP: usize = 200;

/// Shortest one that can be told from ordinary text.
const BOUNDARY_MIN: usize = 6;

pub(super) struct Message {
    pub(super) start: u64,
    /// Up to here its Content-Length protects it, and is right.
    pub(super) measured_to: u64,
    /// Up to here it is known to be inside a MIME part.
    pub(super) inside_until: u64,
    beginning: Beginning,
    header: Vec<u8>,
    in_header: bool,
    /// The outermost boundary.
    boundary: Option<Vec<u8>>,
    /// Whether a part began, and the last one did not end yet.
    inside: bool,
    signed: bool,
}

impl Message {
    pub(super) fn new(start: u64, beginning: Beginning) -> Message {
        Message {
            start,
            measured_to: 0,
            inside_until: 0,
            beginning,
            header: Vec::new(),
            in_header: true,
            boundary: None,
            inside: false,
            signed: false,
        }
    }

    /// Takes a line, with and without its end, or a piece of one that is very long. Says whether it ends the header.
    pub(super) fn take(&mut self, raw: &[u8], line: &[u8], line_start: bool) -> bool {
        if self.in_header {
            let room = HEADER_CAP.saturating_sub(self.header.len());
            self.header
                .extend_from_slice(raw.get(..room).unwrap_or(raw));
            if line_start && line.is_empty() {
                self.in_header = false;
                self.read_type();
                return true;
            }
        } else if line_start && line.starts_with(b"--") {
            self.hyphens(line);
        }
        false
    }

    /// Whether the header is behind us, so that only lines with a meaning of their own need to be taken.
    pub(super) fn is_in_body(&self) -> bool {
        !self.in_header
    }

    /// Looks at a line that may be a delimiter or PGP's armour.
    fn hyphens(&mut self, line: &[u8]) {
        self.signed |= line.starts_with(b"-----BEGIN PGP ");
        let after = |boundary: &Vec<u8>| line.get(2..)?.strip_prefix(boundary.as_slice());
        if let Some(after) = self.boundary.as_ref().and_then(after) {
            self.inside = !after.starts_with(b"--");
        }
    }

    fn read_type(&mut self) {
        let Some(field) = header::find(&self.header, "Content-Type") else {
            return;
        };
        let text = field.text();
        let lower = text.to_ascii_lowercase();
        self.signed |=
            lower.starts_with("multipart/signed") || lower.starts_with("multipart/encrypted");
        if !lower.starts_with("multipart/") {
            return;
        }
        let value = lower
            .find("boundary")
            .and_then(|at| text.get(at + "boundary".len()..))
            .and_then(|rest| rest.trim_start().strip_prefix('='))
            .map(str::trim_start);
        let boundary = value.and_then(|value| match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split([';', ' ']).next(),
        });
        self.boundary = boundary
            .filter(|boundary| (BOUNDARY_MIN..=BOUNDARY_CAP).contains(&boundary.len()))
            .map(|boundary| boundary.as_bytes().to_vec());
    }

    /// Takes the date of one more separator.
    pub(super) fn arrived(&mut self, date: Option<MailDate>) {
        if let Beginning::Separator { date: known } = &mut self.beginning {
            *known = date.or(*known);
        }
    }

    /// The boundary of the part that this place is in.
    pub(super) fn open_boundary(&self) -> Option<&[u8]> {
        self.boundary.as_deref().filter(|_| self.inside)
    }

    /// Never protects this message by its boundary again: it is not what it says.
    pub(super) fn forget_boundary(&mut self) {
        self.boundary = None;
    }

    /// What the header says of the length of the body.
    pub(super) fn content_length(&self) -> Option<u64> {
        header::find(&self.header, "Content-Length")?
            .text()
            .parse()
            .ok()
    }

    /// Whether Thunderbird or a relative of it wrote this message.
    pub(super) fn written_by_mozilla(&self) -> bool {
        is_from_mozilla(&self.header)
    }

    pub(super) fn finish(self, end: u64) -> Piece {
        let beginning = match self.beginning {
            Beginning::Preamble if !looks_like_header(&self.header) => Beginning::NotMail,
            other => other,
        };
        Piece {
            start: self.start,
            length: end - self.start,
            beginning,
            header: self.header,
            measured: self.measured_to > 0,
            signed: self.signed,
        }
    }
}

/// Whether the fields that Thunderbird writes on top of a message are there.
pub(super) fn is_from_mozilla(header: &[u8]) -> bool {
    header::fields(header)
        .take_while(|field| MOZILLA_FIELDS.iter().any(|name| field.is(name)))
        .any(|field| field.is("X-Mozilla-Status"))
}
