//! Reads FETCH responses piece by piece, so that a message never has to fit into memory (RFC 9051, 7.5.2).

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use super::response::literal_at_end;
use super::wire::{Stream, Wire};
use crate::message::{Flags, MailDate};

/// Longest literal that is believed; IMAP4rev1 has no longer ones.
const LONGEST_LITERAL: u64 = u32::MAX as u64;

/// Slowest line that is waited for, in bytes a second, besides a minute.
const SLOWEST: u64 = 1024;

/// Most keywords that are looked at.
const MOST_KEYWORDS: usize = 200;

/// Where lines and literals come from.
pub(crate) trait Input {
    /// The next line, without its line end.
    fn line(&mut self) -> io::Result<Vec<u8>>;
    /// Some bytes of a literal of which `left` are still to come, at least one.
    fn some(&mut self, buffer: &mut [u8], left: u64) -> io::Result<usize>;
}

impl<S: Stream> Input for &Wire<S> {
    fn line(&mut self) -> io::Result<Vec<u8>> {
        Wire::line(self, Instant::now() + Duration::from_secs(120))
    }

    fn some(&mut self, buffer: &mut [u8], left: u64) -> io::Result<usize> {
        Wire::some(
            self,
            buffer,
            Instant::now() + Duration::from_secs(60 + left / SLOWEST),
        )
    }
}

/// Something that FETCH tells of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    Uid(u32),
    Size(u64),
    Flags(Flags, Vec<String>),
    Date(Option<MailDate>),
    /// The message, or the fields of it that were asked for.
    Body(Content),
    /// Nothing that we asked for.
    Other,
}

/// A string of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Nil,
    Quoted(Vec<u8>),
    /// So many bytes, to be read from the [`Fetch`] itself.
    Literal(u64),
}

/// A FETCH response that is being read. What is not read of a literal is skipped.
pub(crate) struct Fetch<'i> {
    input: &'i mut dyn Input,
    line: Vec<u8>,
    at: usize,
    /// Bytes of the literal of the moment that were not read.
    left: u64,
}

impl<'i> Fetch<'i> {
    /// Begins with the data of a line, without its `* `; `None` where it is no FETCH response.
    pub fn begin(data: &[u8], input: &'i mut dyn Input) -> Option<Fetch<'i>> {
        let mut fetch = Fetch {
            input,
            line: data.to_vec(),
            at: 0,
            left: 0,
        };
        fetch.number().ok()?;
        let word = fetch.word();
        let fits = word.eq_ignore_ascii_case(b"FETCH") && fetch.eat(b' ') && fetch.eat(b'(');
        fits.then_some(fetch)
    }

    /// The next attribute; `None` at the end.
    ///
    /// # Errors
    /// What makes no sense: then nobody knows where the next response begins, and the connection is of no more use.
    pub fn next(&mut self) -> io::Result<Option<Attribute>> {
        self.skip_literal()?;
        while self.eat(b' ') {}
        if self.eat(b')') {
            // Anything between here and the line end would be a mistake that harms nobody.
            return Ok(None);
        }
        let name = self.name()?.to_ascii_uppercase();
        if !self.eat(b' ') {
            return Err(senseless());
        }
        match name.as_slice() {
            b"UID" => {
                let uid = u32::try_from(self.number()?).map_err(|_| senseless())?;
                Ok(Some(Attribute::Uid(uid)))
            }
            b"RFC822.SIZE" => Ok(Some(Attribute::Size(self.number()?))),
            b"FLAGS" => self.flags().map(Some),
            b"INTERNALDATE" => {
                let text = match self.string()? {
                    Content::Quoted(text) => text,
                    Content::Nil => Vec::new(),
                    Content::Literal(_) => return Err(senseless()),
                };
                let date = std::str::from_utf8(&text)
                    .ok()
                    .and_then(MailDate::from_imap);
                Ok(Some(Attribute::Date(date)))
            }
            _ if name.starts_with(b"BODY[") => Ok(Some(Attribute::Body(self.string()?))),
            _ => {
                self.skip_value()?;
                Ok(Some(Attribute::Other))
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Bytes up to a blank or a parenthesis.
    fn word(&mut self) -> Vec<u8> {
        while self.eat(b' ') {}
        let rest = self.line.get(self.at..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|byte| b" ()".contains(byte))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default().to_vec();
        self.at += end;
        word
    }

    fn number(&mut self) -> io::Result<u64> {
        let word = self.word();
        let digits = word.len() <= 19 && word.iter().all(u8::is_ascii_digit);
        let text = std::str::from_utf8(&word).ok().filter(|_| digits);
        text.and_then(|text| text.parse().ok())
            .ok_or_else(senseless)
    }

    /// The name of an attribute: `UID`, `BODY[HEADER.FIELDS (TO FROM)]<0>`.
    fn name(&mut self) -> io::Result<Vec<u8>> {
        let start = self.at;
        let (mut inside, mut quoted) = (false, false);
        while let Some(byte) = self.peek() {
            match byte {
                b'"' if inside => quoted = !quoted,
                b'[' if !quoted => inside = true,
                b']' if !quoted => inside = false,
                b' ' | b'(' | b')' if !inside => break,
                _ => {}
            }
            self.at += 1;
        }
        let name = self.line.get(start..self.at).unwrap_or_default();
        if name.is_empty() || inside {
            Err(senseless())
        } else {
            Ok(name.to_vec())
        }
    }

    fn flags(&mut self) -> io::Result<Attribute> {
        if !self.eat(b'(') {
            return Err(senseless());
        }
        let (mut flags, mut keywords) = (Flags::NONE, Vec::new());
        loop {
            let word = self.word();
            let text = String::from_utf8_lossy(&word);
            if let Some(flag) = Flags::from_name(&text) {
                flags.insert(flag);
            } else if !text.is_empty() && !text.starts_with('\\') && keywords.len() < MOST_KEYWORDS
            {
                keywords.push(text.into_owned());
            }
            if self.eat(b')') {
                return Ok(Attribute::Flags(flags, keywords));
            }
            if self.peek() != Some(b' ') {
                return Err(senseless());
            }
        }
    }

    /// A string: NIL, quoted, or a literal, whose bytes come next.
    fn string(&mut self) -> io::Result<Content> {
        match self.peek() {
            Some(b'"') => self.quoted().map(Content::Quoted),
            Some(b'{' | b'~') => {
                let rest = self.line.get(self.at..).unwrap_or_default();
                let length = literal_at_end(rest).filter(|length| *length <= LONGEST_LITERAL);
                let announced = rest.iter().filter(|byte| **byte == b'{').count();
                self.left = length.filter(|_| announced == 1).ok_or_else(senseless)?;
                self.at = self.line.len();
                if self.left == 0 {
                    self.next_line()?;
                }
                Ok(Content::Literal(length.unwrap_or(0)))
            }
            _ if self.word().eq_ignore_ascii_case(b"NIL") => Ok(Content::Nil),
            _ => Err(senseless()),
        }
    }

    fn quoted(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.at += 1;
        loop {
            let byte = self.peek().ok_or_else(senseless)?;
            self.at += 1;
            match byte {
                b'"' => return Ok(text),
                b'\\' => {
                    text.push(self.peek().ok_or_else(senseless)?);
                    self.at += 1;
                }
                _ => text.push(byte),
            }
        }
    }

    /// Skips a value that nobody asked for: a word, a string, or a list of them at any depth.
    fn skip_value(&mut self) -> io::Result<()> {
        let mut depth = 0u32;
        loop {
            while self.eat(b' ') {}
            match self.peek().ok_or_else(senseless)? {
                b'(' => {
                    self.at += 1;
                    depth += 1;
                }
                b')' => {
                    // The closing one of the whole response is not ours to take.
                    depth = depth.checked_sub(1).ok_or_else(senseless)?;
                    self.at += 1;
                }
                b'"' => {
                    self.quoted()?;
                }
                b'{' | b'~' => {
                    self.string()?;
                    self.skip_literal()?;
                }
                _ => {
                    if self.name()?.is_empty() {
                        return Err(senseless());
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_literal(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink())?;
        Ok(())
    }

    /// After a literal the response goes on.
    fn next_line(&mut self) -> io::Result<()> {
        self.line = self.input.line()?;
        self.at = 0;
        Ok(())
    }
}

impl Read for Fetch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let Some(part) = buffer.get_mut(..most).filter(|part| !part.is_empty()) else {
            return Ok(0);
        };
        let count = self.input.some(part, self.left)?;
        self.left = self.left.saturating_sub(count as u64);
        if self.left == 0 {
            self.next_line()?;
        }
        Ok(count)
    }
}

fn senseless() -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the server answered what makes no sense",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that a server says, at once.
    struct Said<'a>(&'a [u8]);

    impl Input for Said<'_> {
        fn line(&mut self) -> io::Result<Vec<u8>> {
            let end = self
                .0
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or(ErrorKind::UnexpectedEof)?;
            let line = self.0[..end]
                .strip_suffix(b"\r")
                .unwrap_or(&self.0[..end])
                .to_vec();
            self.0 = &self.0[end + 1..];
            Ok(line)
        }

        fn some(&mut self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
            // In small pieces, as from a slow line.
            let count = buffer.len().min(7).min(self.0.len());
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(said: &[u8], read_bodies: bool) -> io::Result<Vec<(Attribute, Vec<u8>)>> {
        let mut said = Said(said);
        let line = said.line()?;
        let Some(mut fetch) = Fetch::begin(&line, &mut said) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        while let Some(attribute) = fetch.next()? {
            let mut body = Vec::new();
            if read_bodies {
                fetch.read_to_end(&mut body)?;
            }
            found.push((attribute, body));
        }
        Ok(found)
    }

    #[test]
    fn attributes_come_in_any_order_and_strings_in_any_form() {
        use Attribute::*;
        let said = b"7 FETCH (BODY[] {5}\r\na)\r\nb FLAGS (\\Seen $Forwarded \\Recent) RFC822.SIZE 5 INTERNALDATE \" 7-May-2009 12:34:56 +0200\" UID 9)\r\n";
        let found = all(said, true).unwrap();
        assert_eq!(found[0], (Body(Content::Literal(5)), b"a)\r\nb".to_vec()));
        assert_eq!(
            found[1].0,
            Flags(super::Flags::SEEN, vec!["$Forwarded".into()])
        );
        assert_eq!(found[2].0, Size(5));
        assert_eq!(
            found[3].0,
            Date(MailDate::from_imap("07-May-2009 12:34:56 +0200"))
        );
        assert_eq!(found[4].0, Uid(9));
        let said = b"7 fetch (uid 3 body[header.fields (\"Message-ID\" TO)]<0> \"a\\\"b\" BODY[] NIL FLAGS ())\r\n";
        let found: Vec<Attribute> = all(said, true)
            .unwrap()
            .into_iter()
            .map(|(attribute, _)| attribute)
            .collect();
        let quoted = Body(Content::Quoted(b"a\"b".to_vec()));
        assert_eq!(
            found,
            [
                Uid(3),
                quoted,
                Body(Content::Nil),
                Flags(super::Flags::NONE, vec![])
            ]
        );
    }

    #[test]
    fn what_nobody_asked_for_is_skipped_with_its_literals() {
        let said = b"1 FETCH (ENVELOPE (NIL \"x)\" ((\"a\" {3}\r\n)(\" NIL)) ()) MODSEQ (65402) X-GM-LABELS (\\Inbox) BODY[] {2}\r\nhi UID 4)\r\n";
        let found = all(said, false).unwrap();
        assert_eq!(found.last().unwrap().0, Attribute::Uid(4));
        assert_eq!(
            found
                .iter()
                .filter(|(attribute, _)| *attribute == Attribute::Other)
                .count(),
            3
        );
    }

    #[test]
    fn a_body_that_is_not_read_is_skipped() {
        let said = b"1 FETCH (BODY[] {4}\r\n) UI UID 5 BODY[] {0}\r\n UID 6)\r\n";
        let uids: Vec<Attribute> = all(said, false)
            .unwrap()
            .into_iter()
            .map(|(attribute, _)| attribute)
            .collect();
        assert_eq!(uids[1], Attribute::Uid(5));
        assert_eq!(uids[3], Attribute::Uid(6));
    }

    #[test]
    fn what_makes_no_sense_is_an_error_and_no_guess() {
        for said in [
            "1 FETCH (UID x)\r\n",
            "1 FETCH (UID 99999999999)\r\n",
            "1 FETCH (UID 5\r\n",
            "1 FETCH (BODY[] {5} x)\r\n",
            "1 FETCH (BODY[] {99999999999}\r\n",
            "1 FETCH (BODY[ 5)\r\n",
            "1 FETCH (FLAGS (\\Seen\r\n",
            "1 FETCH (BODY[] \"abc)\r\n",
            "1 FETCH (X )\r\n",
            "1 FETCH (BODY[] {50}\r\nshort",
        ] {
            assert!(all(said.as_bytes(), true).is_err(), "{said}");
        }
        for other in [
            "1 EXISTS\r\n",
            "FETCH (UID 1)\r\n",
            "OK hello\r\n",
            "1 FETCHED (UID 1)\r\n",
        ] {
            assert!(all(other.as_bytes(), true).unwrap().is_empty(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_ends(words in proptest::collection::vec(proptest::sample::select(vec![
            "UID ", "5 ", "FLAGS ", "(", ")", "\\Seen ", "BODY[", "] ", "BODY[] ", "{3}\r\n", "{9}\r\n", "{0}\r\n", "NIL ", "\"", "\\",
            " ", "\r\n", "RFC822.SIZE ", "INTERNALDATE ", "ENVELOPE ", "abc", "é", "~", "<0> ",
        ]), 0..40), read in any::<bool>()) {
            let _ = all(format!("1 FETCH ({})\r\n", words.concat()).as_bytes(), read);
        }

        #[test]
        fn every_body_comes_out_as_it_went_in(body in proptest::collection::vec(any::<u8>(), 0..100), uid in 1u32.., first in any::<bool>()) {
            let mut said = if first { format!("1 FETCH (UID {uid} BODY[] {{{}}}\r\n", body.len()) } else { format!("1 FETCH (BODY[] {{{}}}\r\n", body.len()) }.into_bytes();
            said.extend(&body);
            said.extend(if first { ")\r\n".to_string() } else { format!(" UID {uid})\r\n") }.bytes());
            let found = all(&said, true).unwrap();
            prop_assert!(found.contains(&(Attribute::Uid(uid), Vec::new())));
            prop_assert!(found.contains(&(Attribute::Body(Content::Literal(body.len() as u64)), body)));
        }
    }
}
