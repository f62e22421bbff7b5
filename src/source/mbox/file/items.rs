//! The messages of an mbox file, one by one: as they are found, or as an earlier scan found them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::{CUT_SHORT, Findings, MboxFile, Shelf, Text};
use crate::message::{Item, Origin};
use crate::source::known::{Recalled, Recorder};
use crate::source::marks::{self, Marks};
use crate::source::mbox::ahead::{self, Ahead, Found, Next, Outcome};
use crate::source::mbox::split::{Beginning, Piece, Splitter};
use crate::source::walk;
use crate::source::{ByteLedger, Damaged, Fault, Oddity, Remark, Scanned};

/// Iterates over the messages of a file.
pub(crate) struct Items<'a, S> {
    file: &'a MboxFile,
    shelf: S,
    work: Work,
    /// Where messages with NULs begin.
    holes: Vec<u64>,
    /// Writes down what is found.
    recorder: Option<Recorder>,
}

enum Work {
    Waiting,
    Recalling(Box<Recalled>),
    Going(Box<(Text, Ahead)>),
    Done,
}

impl<S: Shelf> Iterator for Items<'_, S> {
    type Item = Scanned;

    fn next(&mut self) -> Option<Scanned> {
        match std::mem::replace(&mut self.work, Work::Done) {
            Work::Done => None,
            Work::Waiting => {
                if let Some(recalled) = self.recall() {
                    return self.go_on(recalled);
                }
                match self.begin() {
                    Ok((text, ahead)) => self.advance(text, ahead),
                    Err(error) => Some(Err(self.lost(0, self.file.bytes(), &error))),
                }
            }
            Work::Recalling(recalled) => self.go_on(recalled),
            Work::Going(work) => {
                let (text, ahead) = *work;
                self.advance(text, ahead)
            }
        }
    }
}

impl<'a, S: Shelf> Items<'a, S> {
    /// Nothing is read yet.
    pub(crate) fn new(file: &'a MboxFile, shelf: S) -> Items<'a, S> {
        Items {
            file,
            shelf,
            work: Work::Waiting,
            holes: Vec::new(),
            recorder: None,
        }
    }

    /// What an earlier scan found, if the file is what it was; else, a new record is begun where that is wished.
    fn recall(&mut self) -> Option<Box<Recalled>> {
        let memory = self.file.memory.get()?;
        self.shelf.only()?;
        let (place, manner) = (self.file.path(), self.file.manner());
        let recalled = Recalled::open(memory, place, &manner);
        if recalled.is_none() {
            self.recorder = Recorder::begin(memory, place, &manner);
        }
        recalled.map(Box::new)
    }

    fn go_on(&mut self, mut recalled: Box<Recalled>) -> Option<Scanned> {
        let folder = self.shelf.only().unwrap_or_default();
        match recalled.next(&self.file.place, folder) {
            Ok(Some(scanned)) => {
                self.work = Work::Recalling(recalled);
                Some(scanned)
            }
            Ok(None) => {
                let (ledger, oddities) = std::mem::take(&mut recalled.end);
                self.keep(ledger, &oddities, true);
                None
            }
            Err(error) => Some(Err(self.lost(0, self.file.bytes(), &error))),
        }
    }

    fn record(&mut self, scanned: &Scanned, piece: &Piece) {
        let settled = || marks::is_settled(&piece.header, piece.arrived());
        if let Some(recorder) = &mut self.recorder
            && (recorder.note(scanned).is_none() || !settled())
        {
            self.recorder = None;
        }
    }

    fn begin(&self) -> io::Result<(Text, Ahead)> {
        let text = self.file.text()?;
        let splitter = self.file.splitter(&text)?;
        let helpers = ahead::helpers(text.length);
        let ahead = Ahead::new(splitter, helpers, || text.another(&self.file.place))?;
        Ok((text, ahead))
    }

    fn advance(&mut self, text: Text, mut ahead: Ahead) -> Option<Scanned> {
        let unpacked = text.applied();
        let next = ahead.next(|piece, cr_lines| {
            let wanted = || self.file.wanted(piece, cr_lines).union(unpacked);
            piece.is_mail().then(wanted)
        });
        match next {
            Next::Message(found, outcome) => {
                let scanned = self.scanned(&found, outcome, &text);
                self.record(&scanned, &found.piece);
                self.work = Work::Going(Box::new((text, ahead)));
                Some(scanned)
            }
            Next::End(Ok(())) => {
                let splitter = ahead.splitter();
                let oddities = self.settle(&text, splitter);
                let end = splitter.ledger().file;
                let error = if splitter.shrank() {
                    io::Error::from(io::ErrorKind::UnexpectedEof)
                } else if text.is_cut_short() {
                    io::Error::new(io::ErrorKind::InvalidData, CUT_SHORT)
                } else {
                    let recorder = self.recorder.take();
                    recorder.and_then(|recorder| recorder.finish(splitter.ledger(), oddities));
                    return None;
                };
                Some(Err(self.lost(end, text.length - end, &error)))
            }
            Next::End(Err(error)) => {
                let splitter = ahead.splitter();
                let start = splitter.position();
                let rest = text.length.saturating_sub(start);
                self.settle(&text, splitter);
                Some(Err(self.lost(start, rest, &error)))
            }
        }
    }

    fn scanned(&mut self, found: &Found, outcome: Outcome, text: &Text) -> Scanned {
        let piece = &found.piece;
        let (folder, marks) = self.file.look(piece, &self.shelf);
        let origin = Origin {
            place: self.file.place.clone(),
            file: None,
            start: piece.start,
            length: piece.length,
        };
        let damaged = |fault, detail: &str| Damaged {
            folder,
            origin: origin.clone(),
            fault,
            detail: detail.into(),
        };
        if piece.beginning == Beginning::NotMail {
            return Err(damaged(Fault::NotMail, "text before the first message"));
        }
        if piece.length == 0 {
            return Err(damaged(Fault::Empty, "a message without a byte"));
        }
        if found.last && self.is_cut_by_growth(text) {
            return Err(damaged(Fault::Changed, "still being written"));
        }
        let measured = match outcome {
            Ok(Some(measured)) => measured,
            Ok(None) => return Err(damaged(Fault::Changed, "the file became shorter")),
            Err(error) => return Err(damaged(fault_of(&error), &error.to_string())),
        };
        if measured.has_nul {
            self.holes.push(piece.start);
        }
        if measured.fingerprint.size == 0 {
            return Err(damaged(
                Fault::Empty,
                "nothing but the mail program's own fields",
            ));
        }
        Ok(Item {
            size: measured.fingerprint.size,
            identity: measured.fingerprint.identity,
            has_id: measured.fingerprint.has_id,
            date: piece.date(),
            keywords: marks.keywords,
            flags: marks.flags,
            standing: marks.standing,
            conversions: measured.applied.union(text.applied()),
            folder,
            origin: origin.clone(),
        })
    }

    /// Whether the file grew, and the last message of the part we look at goes on in the new part.
    fn is_cut_by_growth(&self, text: &Text) -> bool {
        if text.spool.is_some() || self.file.bytes() <= text.length {
            return false;
        }
        let mut next = [0; 5];
        let read = walk::open_file(&self.file.place).and_then(|(mut file, _)| {
            file.seek(SeekFrom::Start(text.length))?;
            file.read_exact(&mut next)
        });
        read.is_err() || &next != b"From "
    }

    /// Writes down what the whole pass found.
    fn settle(&self, text: &Text, splitter: &Splitter<File>) -> Vec<(u64, Oddity)> {
        let mut oddities = splitter.oddities().to_vec();
        oddities.extend(self.holes.iter().map(|at| (*at, Oddity::NulBytes)));
        if text.is_cut_short() {
            oddities.push((text.length, Oddity::CutShort));
        }
        if text.spool.is_none() && self.file.bytes() > text.length {
            oddities.push((text.length, Oddity::Grew));
        }
        oddities.sort();
        self.keep(splitter.ledger(), &oddities, false);
        oddities
    }

    fn keep(&self, ledger: ByteLedger, oddities: &[(u64, Oddity)], remembered: bool) {
        let remark = |(at, what): &(u64, Oddity)| Remark {
            path: self.file.place.to_path_buf(),
            at: *at,
            what: *what,
        };
        *self.file.findings() = Findings {
            ledger,
            remarks: oddities.iter().map(remark).collect(),
            remembered,
        };
    }

    /// A damaged item for a part of the file that can't be read at all.
    fn lost(&self, start: u64, length: u64, error: &io::Error) -> Damaged {
        Damaged {
            folder: self.shelf.place(&[], &mut Marks::default()),
            origin: Origin {
                place: self.file.place.clone(),
                file: None,
                start,
                length,
            },
            fault: fault_of(error),
            detail: error.to_string(),
        }
    }
}

/// What an error of the system means for a message.
fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Fault::NotAllowed,
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Fault::Changed,
        io::ErrorKind::InvalidData => Fault::Compression,
        _ => Fault::Device,
    }
}
