//! Byte order marks, and UTF-16 read as UTF-8: mail that a text editor or Windows Live Mail saved.

use crate::message::Conversions;

/// Turns pieces of a message into bytes of a text without a byte order mark.
pub(super) struct Text {
    state: State,
    /// What is handed out, where it isn't the piece itself.
    buffer: Vec<u8>,
    applied: Conversions,
}

enum State {
    /// The first bytes, until they are enough to tell.
    Start(Vec<u8>),
    /// Bytes pass as they are.
    Plain,
    Utf16(Utf16),
}

impl Text {
    pub(super) fn new(wanted: Conversions) -> Text {
        Text {
            state: if wanted.contains(Conversions::TEXT_ENCODING) {
                State::Start(Vec::new())
            } else {
                State::Plain
            },
            buffer: Vec::new(),
            applied: Conversions::NONE,
        }
    }

    /// Takes the next piece and returns what is known by now.
    pub(super) fn push<'a>(&'a mut self, piece: &'a [u8]) -> &'a [u8] {
        match &mut self.state {
            State::Plain => piece,
            State::Utf16(units) => {
                self.buffer.clear();
                units.push(piece, &mut self.buffer);
                &self.buffer
            }
            State::Start(first) => {
                first.extend_from_slice(piece);
                if first.len() < 3 {
                    return &[];
                }
                let first = std::mem::take(first);
                self.begin(first)
            }
        }
    }

    /// Returns what was still held back.
    pub(super) fn finish(&mut self) -> &[u8] {
        match &mut self.state {
            State::Plain => &[],
            State::Utf16(units) => {
                self.buffer.clear();
                units.finish(&mut self.buffer);
                &self.buffer
            }
            State::Start(first) => {
                let first = std::mem::take(first);
                self.begin(first)
            }
        }
    }

    /// Whether anything was left out or read as another encoding.
    pub(super) fn applied(&self) -> Conversions {
        self.applied
    }

    fn begin(&mut self, first: Vec<u8>) -> &[u8] {
        self.state = State::Plain;
        if let Some(big_endian) = utf16_mark(&first) {
            let mut units = Utf16::new(big_endian);
            self.buffer.clear();
            units.push(first.get(2..).unwrap_or_default(), &mut self.buffer);
            self.state = State::Utf16(units);
            self.applied = Conversions::TEXT_ENCODING;
            return &self.buffer;
        }
        self.buffer = first;
        match self.buffer.strip_prefix(UTF8_MARK) {
            Some(rest) => {
                self.applied = Conversions::TEXT_ENCODING;
                rest
            }
            None => &self.buffer,
        }
    }
}

/// The UTF-8 byte order mark.
pub(crate) const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Whether these bytes begin with a UTF-16 byte order mark; `true` means big-endian.
pub(crate) fn utf16_mark(head: &[u8]) -> Option<bool> {
    match head {
        [0xFF, 0xFE, ..] => Some(false),
        [0xFE, 0xFF, ..] => Some(true),
        _ => None,
    }
}

/// Turns UTF-16 that comes in pieces into UTF-8. What is no character becomes U+FFFD.
pub(crate) struct Utf16 {
    big_endian: bool,
    /// The first half of a unit that a piece cut in two.
    half: Option<u8>,
    /// The first unit of a surrogate pair.
    high: Option<u16>,
}

impl Utf16 {
    pub(crate) fn new(big_endian: bool) -> Utf16 {
        Utf16 {
            big_endian,
            half: None,
            high: None,
        }
    }

    /// Appends the characters of the next piece.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        for byte in piece {
            let Some(first) = self.half.take() else {
                self.half = Some(*byte);
                continue;
            };
            let pair = [first, *byte];
            let unit = if self.big_endian {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            };
            self.unit(unit, out);
        }
    }

    /// Appends a mark for what the end cut off.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.high.take().is_some() | self.half.take().is_some() {
            append(char::REPLACEMENT_CHARACTER, out);
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        let pair = self.high.take().into_iter().chain([unit]);
        for decoded in char::decode_utf16(pair) {
            match decoded {
                Ok(c) => append(c, out),
                Err(error) if error.unpaired_surrogate() == unit && unit < 0xDC00 => {
                    self.high = Some(unit);
                }
                Err(_) => append(char::REPLACEMENT_CHARACTER, out),
            }
        }
    }
}

fn append(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8], size: usize) -> Vec<u8> {
        let mut text = Text::new(Conversions::TEXT_ENCODING);
        let mut all = Vec::new();
        for piece in bytes.chunks(size) {
            all.extend_from_slice(text.push(piece));
        }
        all.extend_from_slice(text.finish());
        all
    }

    #[test]
    fn short_and_odd_texts() {
        assert_eq!(decoded(b"", 1), b"");
        assert_eq!(decoded(b"\xEF\xBB", 1), b"\xEF\xBB");
        assert_eq!(decoded(b"\xEF\xBB\xBFA", 2), b"A");
        assert_eq!(decoded(b"\xFF\xFEA\0B", 1), "A\u{FFFD}".as_bytes());
        assert_eq!(decoded(b"\xFF\xFE\x3D\xD8A\0", 1), "\u{FFFD}A".as_bytes());
        assert_eq!(decoded(b"\xFF\xFE\x3D\xD8", 1), "\u{FFFD}".as_bytes());
    }

    proptest! {
        #[test]
        fn utf16_in_pieces_of_any_size_is_the_text(words in "\\PC{0,20}", size in 1usize..7) {
            let little: Vec<u8> = "\u{feff}".encode_utf16().chain(words.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = "\u{feff}".encode_utf16().chain(words.encode_utf16()).flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(decoded(&little, size), words.as_bytes());
            prop_assert_eq!(decoded(&big, size), words.as_bytes());
        }
    }
}
