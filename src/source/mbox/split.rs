//! Splits an mbox file into messages, so that every byte of it is accounted for.

use std::io::{self, Read, Seek};

use super::line::{LINE_CAP, Line, without_end};
use super::message::Message;
use super::plain::Plain;
use super::window::{Window, text_end};
use crate::message::MailDate;
use crate::source::separator::{self, Surroundings, Verdict};
use crate::source::upload::UTF8_MARK;
use crate::source::{ByteLedger, Oddity};

/// A separator and the two lines after it must be in view.
const AHEAD: usize = 3 * LINE_CAP;

/// How far the end of a MIME part is looked for; no attachment is longer.
const PART_CAP: u64 = 32 * 1024 * 1024;

/// How far beyond the bytes already split such searches may read in all. It keeps the time
/// linear in a file full of broken mail.
const SEARCH_CREDIT: u64 = 256 * 1024 * 1024;

/// No more oddities of one file than this are listed.
const ODDITIES_CAP: usize = 10_000;

/// What a piece of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// A message behind its separator line.
    Separator {
        /// When it arrived, where the line tells.
        date: Option<MailDate>,
    },
    /// A message before the first separator.
    Preamble,
    /// Text before the first separator that is no mail.
    NotMail,
}

/// One message, as it lies in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its first byte.
    pub(crate) start: u64,
    /// Its bytes.
    pub(crate) length: u64,
    /// How it begins.
    pub(crate) beginning: Beginning,
    /// Its header, up to a cap.
    pub(crate) header: Vec<u8>,
    /// Whether its Content-Length is right: then its writer quoted nothing (mboxcl2).
    pub(crate) measured: bool,
    /// Whether it is signed or encrypted, so that a changed byte could matter.
    pub(crate) signed: bool,
}

/// What is known before the first message is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Whether the file was written by a program that quotes every `From ` line (mboxrd), so that a
    /// Content-Length that came with a message means nothing.
    pub(crate) quotes: bool,
}

/// Yields the messages of a file one by one.
pub(crate) struct Splitter<R> {
    window: Window<R>,
    manner: Manner,
    /// Whether lines end in CR alone (classic Mac OS).
    cr_lines: bool,
    message: Option<Message>,
    /// Whether the next byte begins a line.
    line_start: bool,
    /// Where the last text ends; after it lie only NULs.
    text_end: u64,
    /// The length of the last line if it is empty, else 0.
    blank: u64,
    searched: u64,
    ledger: ByteLedger,
    oddities: Vec<(u64, Oddity)>,
    length: u64,
    done: bool,
    /// Passes over what means nothing; without it, every line is looked at, to the same end.
    plain: Option<Plain>,
}

/// What stands at the window's beginning.
enum Next {
    End,
    Nuls(usize),
    Separator {
        length: usize,
        date: Option<MailDate>,
        loose: bool,
    },
    Text {
        length: usize,
        ended: bool,
        tempting: bool,
    },
}

impl<R: Read + Seek> Splitter<R> {
    /// A splitter for a file of this length.
    ///
    /// # Errors
    /// The file can't be read at all.
    pub(crate) fn new(mut reader: R, length: u64, manner: Manner) -> io::Result<Splitter<R>> {
        let end = text_end(&mut reader, length).unwrap_or(length);
        let mut window = Window::new(reader, end)?;
        let head = window.view(AHEAD)?;
        // The same bytes at every run, however many a read happens to give.
        let head = head.get(..AHEAD).unwrap_or(head);
        let cr_lines =
            memchr::memchr(b'\n', head).is_none() && memchr::memchr(b'\r', head).is_some();
        let mark = head.starts_with(UTF8_MARK);
        let mut splitter = Splitter {
            window,
            manner,
            cr_lines,
            message: None,
            line_start: true,
            text_end: 0,
            blank: 0,
            searched: 0,
            ledger: ByteLedger::default(),
            oddities: Vec::new(),
            length,
            done: false,
            plain: (!cr_lines).then(Plain::new),
        };
        if mark {
            splitter.consume_preamble(UTF8_MARK.len());
        }
        Ok(splitter)
    }

    /// Whether lines end in CR alone.
    pub(crate) fn cr_lines(&self) -> bool {
        self.cr_lines
    }

    /// Where every byte went; complete once there is no further piece.
    pub(crate) fn ledger(&self) -> ByteLedger {
        self.ledger
    }

    /// What was noticed, with its place; complete once there is no further piece.
    pub(crate) fn oddities(&self) -> &[(u64, Oddity)] {
        &self.oddities
    }

    /// Whether the file became shorter while it was read.
    pub(crate) fn shrank(&self) -> bool {
        self.ledger.file < self.length
    }

    /// The next message.
    ///
    /// # Errors
    /// The disk can't be read any more. What is left of the file belongs to the message
    /// that begins at [`Splitter::position`]; there is no further one.
    pub(crate) fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        while !self.done {
            let piece = self.step().inspect_err(|_| self.give_up())?;
            if piece.is_some() {
                return Ok(piece);
            }
        }
        Ok(None)
    }

    /// Looks at every line by itself: what is compared with.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn line_by_line(mut self) -> Splitter<R> {
        self.plain = None;
        self
    }

    /// Whether the last piece was the last one.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    fn step(&mut self) -> io::Result<Option<Piece>> {
        if self.pass_over_plain_lines()? {
            return Ok(None);
        }
        match self.next()? {
            Next::End => Ok(self.finish()),
            Next::Nuls(length) => {
                self.window.consume(length);
                Ok(None)
            }
            Next::Separator {
                length,
                date,
                loose,
            } => self.separator(length, date, loose),
            Next::Text {
                length,
                ended,
                tempting,
            } => self.text(length, ended, tempting).map(|()| None),
        }
    }

    /// Where the message begins that is being read.
    pub(crate) fn position(&self) -> u64 {
        self.message
            .as_ref()
            .map_or(self.text_end, |message| message.start)
    }

    fn next(&mut self) -> io::Result<Next> {
        let here = self.window.offset();
        let after_nuls = here > self.text_end;
        let protected = self
            .message
            .as_ref()
            .is_some_and(|message| here < message.measured_to);
        let view = self.window.view(AHEAD)?;
        let nuls = view.iter().take_while(|byte| **byte == 0).count();
        if view.is_empty() {
            return Ok(Next::End);
        }
        if nuls > 0 {
            return Ok(Next::Nuls(nuls));
        }
        let line = Line::first(view, self.cr_lines);
        let mut tempting = false;
        // After a hole that a crash left, a message may begin in the middle of a line.
        if (self.line_start || after_nuls)
            && line.text.starts_with(b"From ")
            && line.ended
            && !protected
        {
            let mut rest = view.get(line.length..).unwrap_or_default();
            let mut following = || {
                let line = (!rest.is_empty()).then(|| Line::first(rest, self.cr_lines))?;
                rest = rest.get(line.length..).unwrap_or_default();
                Some(line.text)
            };
            let around = Surroundings {
                after_blank: self.blank > 0 || after_nuls || here == self.ledger.preamble,
                next: following(),
                second: following(),
            };
            match separator::judge(line.text, &around) {
                Verdict::Separator { date, loose } => {
                    return Ok(Next::Separator {
                        length: line.length,
                        date,
                        loose,
                    });
                }
                Verdict::Text { tempting: close } => tempting = close,
            }
        }
        Ok(Next::Text {
            length: line.length,
            ended: line.ended,
            tempting,
        })
    }

    fn separator(
        &mut self,
        length: usize,
        date: Option<MailDate>,
        loose: bool,
    ) -> io::Result<Option<Piece>> {
        let here = self.window.offset();
        if self.is_inside_part(here)? {
            self.note(here, Oddity::NestedMessage);
            self.text(length, true, false)?;
            return Ok(None);
        }
        let start = here + length as u64;
        self.ledger.separators += length as u64;
        if let Some(message) = self
            .message
            .as_mut()
            .filter(|message| message.start == here)
        {
            // Two separators in a row are one: a file of UUCP mail, or one that was converted twice.
            message.start = start;
            message.arrived(date);
            self.window.consume(length);
            self.text_end = start;
            return Ok(None);
        }
        if loose {
            self.note(here, Oddity::LooseSeparator);
        }
        let piece = self.close(here);
        self.window.consume(length);
        self.message = Some(Message::new(start, Beginning::Separator { date }));
        self.text_end = start;
        self.blank = 0;
        self.line_start = true;
        Ok(piece)
    }

    /// Takes a line of a message, or a part of a very long one.
    fn text(&mut self, length: usize, ended: bool, tempting: bool) -> io::Result<()> {
        let here = self.window.offset();
        let whole_line = self.line_start && here == self.text_end;
        let view = self.window.view(length)?;
        let raw = view.get(..length).unwrap_or_default();
        let line = without_end(raw);
        let empty = whole_line && ended && line.is_empty();
        if self.message.is_none() && whole_line && line.trim_ascii().is_empty() && ended {
            self.consume_preamble(length);
            return Ok(());
        }
        let message = self.message.get_or_insert_with(|| {
            // NULs before the text belong to it.
            Message::new(self.text_end, Beginning::Preamble)
        });
        let header_ends = message.take(raw, line, self.line_start);
        if tempting {
            self.note(here, Oddity::FromLineKept);
        }
        self.window.consume(length);
        self.text_end = here + length as u64;
        self.blank = if empty { length as u64 } else { 0 };
        self.line_start = ended;
        if header_ends {
            self.check_length()?;
        }
        Ok(())
    }

    /// Passes over lines of a body at once, where a message's lines would be taken one by one. Says whether there were any.
    fn pass_over_plain_lines(&mut self) -> io::Result<bool> {
        let here = self.window.offset();
        let in_body = self.message.as_ref().is_some_and(Message::is_in_body);
        let Some(plain) = self.plain.as_mut().filter(|_| in_body) else {
            return Ok(false);
        };
        if !self.line_start || here != self.text_end {
            return Ok(false);
        }
        let Some(stretch) = plain.stretch(self.window.view(AHEAD)?) else {
            return Ok(false);
        };
        self.window.consume(stretch.length);
        self.text_end = here + stretch.length as u64;
        self.blank = stretch.blank as u64;
        Ok(true)
    }

    /// Takes bytes before the first message that mean nothing.
    fn consume_preamble(&mut self, length: usize) {
        self.window.consume(length);
        self.text_end += length as u64;
        self.ledger.preamble += length as u64;
    }

    /// Believes a Content-Length only if a separator or the end of the file really stands there: the field
    /// often came with the message and says what some server once counted.
    fn check_length(&mut self) -> io::Result<()> {
        let body = self.window.offset();
        let (end, quotes) = (self.window.end(), self.manner.quotes);
        let Some(message) = self
            .message
            .as_mut()
            .filter(|message| !quotes && !message.written_by_mozilla())
        else {
            return Ok(());
        };
        let Some(there) = message
            .content_length()
            .and_then(|length| body.checked_add(length))
            .filter(|there| *there <= end)
        else {
            return Ok(());
        };
        // At most an empty line stands between, and the line end before it shows that a line begins there.
        let around = self.window.peek(there.saturating_sub(1), 8)?;
        let line_begins = |at: usize| matches!(around.get(at), Some(b'\n' | b'\r'));
        let separator_at = |at: usize| {
            around
                .get(at + 1..)
                .is_some_and(|rest| rest.starts_with(b"From "))
        };
        let found = (0..=2).any(|at| line_begins(at) && separator_at(at));
        if found || end - there <= 2 {
            message.measured_to = there;
        }
        Ok(())
    }

    /// Whether the message goes on behind this separator: it lies in a MIME part whose end comes later.
    ///
    /// A message that was cut off has an open part too. So the outer boundary must really appear again, and
    /// as a delimiter, before anything else mentions it.
    fn is_inside_part(&mut self, here: u64) -> io::Result<bool> {
        let Some(message) = self.message.as_mut() else {
            return Ok(false);
        };
        if here < message.inside_until {
            return Ok(true);
        }
        let credit = self.searched < here.saturating_add(SEARCH_CREDIT);
        let Some(boundary) = message.open_boundary().filter(|_| credit) else {
            return Ok(false);
        };
        let found = self.window.finds_delimiter(boundary, here, PART_CAP)?;
        match found {
            Some(end) => {
                self.searched += end - here;
                message.inside_until = end;
            }
            None => {
                self.searched += PART_CAP.min(self.window.end() - here);
                message.forget_boundary();
            }
        }
        Ok(found.is_some())
    }

    /// Ends the message before `here`.
    fn close(&mut self, here: u64) -> Option<Piece> {
        let Some(message) = self.message.take() else {
            self.ledger.padding += here - self.text_end;
            return None;
        };
        // One empty line belongs to the mbox, even if it is the only one (Thunderbird adds one to a
        // message that is all header). After the last message too: most programs write it there,
        // and so a message stays the same when others are added.
        // Only where a Content-Length counts it is it the message's own.
        let counted = message.measured_to == here;
        let blank = if counted { 0 } else { self.blank };
        let end = (self.text_end - blank).max(message.start);
        if here > self.text_end {
            self.note(self.text_end, Oddity::NulBytes);
        }
        let piece = message.finish(end);
        if piece.beginning == Beginning::Preamble {
            self.note(piece.start, Oddity::Preamble);
        }
        match piece.beginning {
            Beginning::NotMail => self.ledger.preamble += piece.length,
            _ => self.ledger.messages += piece.length,
        }
        self.ledger.padding += here - end;
        Some(piece)
    }

    fn finish(&mut self) -> Option<Piece> {
        self.done = true;
        let end = self.window.end();
        let piece = self.close(end);
        // A file that shrank is as long as it turned out to be.
        let whole = if self.window.shrank() {
            end
        } else {
            self.length
        };
        self.ledger.padding += whole - end;
        self.ledger.file = whole;
        piece
    }

    /// Counts the rest of a file that can't be read as the current message's.
    fn give_up(&mut self) {
        self.done = true;
        self.ledger.messages += self.length - self.position();
        self.ledger.file = self.length;
    }

    fn note(&mut self, at: u64, what: Oddity) {
        if self.oddities.len() < ODDITIES_CAP {
            self.oddities.push((at, what));
        }
    }
}

#[cfg(test)]
mod tests;
