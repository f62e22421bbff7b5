//! One mbox file, whoever wrote it: its messages as items, and their bytes for the upload.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::ahead::{self, Ahead, Found, Next, Outcome};
use super::message::is_from_mozilla;
use super::split::{Beginning, Manner, Piece, Splitter};
use crate::message::{Conversions, FolderId, Item, MailDate, Origin, Standing};
use crate::source::marks::{self, Marks, TagNames};
use crate::source::spool::{Spool, Wrapping};
use crate::source::upload::Upload;
use crate::source::walk;
use crate::source::{ByteLedger, Count, Damaged, Fault, Oddity, Remark, Scanned};

/// So many bytes are looked at for the first separator of a file that does not begin with one.
const TOP_CAP: u64 = 64 << 20;

/// What is said where a packed file ends before its text does.
const CUT_SHORT: &str = "the compressed file ends here, or is damaged; what came before was read";

/// Who wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Nobody knows; each message is looked at.
    Unknown,
    /// Thunderbird or a relative: it adds its own fields on top, and quotes.
    Thunderbird,
    /// Google Takeout: it quotes.
    Takeout,
}

/// Decides which folder a message goes to, and may add to what is known of it.
pub(crate) trait Shelf: Send + Sync {
    /// The folder of a message with this header.
    fn place(&self, header: &[u8], marks: &mut Marks) -> FolderId;
}

impl<S: Shelf> Shelf for &S {
    fn place(&self, header: &[u8], marks: &mut Marks) -> FolderId {
        (*self).place(header, marks)
    }
}

impl Shelf for FolderId {
    fn place(&self, _: &[u8], _: &mut Marks) -> FolderId {
        *self
    }
}

/// An mbox file.
pub(crate) struct MboxFile {
    place: Arc<Path>,
    writer: Writer,
    tags: Arc<TagNames>,
    /// Its text, where the file itself isn't that.
    spool: Mutex<Option<Arc<Spool>>>,
    findings: Mutex<Findings>,
}

#[derive(Default)]
struct Findings {
    ledger: ByteLedger,
    remarks: Vec<Remark>,
}

impl MboxFile {
    /// Nothing is read yet.
    pub(crate) fn new(path: &Path, writer: Writer, tags: Arc<TagNames>) -> MboxFile {
        MboxFile {
            place: path.into(),
            writer,
            tags,
            spool: Mutex::new(None),
            findings: Mutex::default(),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.place
    }

    /// Bytes on the disk; 0 where it can't be found out.
    pub(crate) fn bytes(&self) -> u64 {
        fs::metadata(&self.place).map_or(0, |about| about.len())
    }

    /// Every message. What is in the file when this begins counts; what is added meanwhile does not.
    pub(crate) fn items<S: Shelf>(&self, shelf: S) -> Items<'_, S> {
        Items {
            file: self,
            shelf,
            work: Work::Waiting,
            holes: Vec::new(),
        }
    }

    /// Whether a separator with all its signs stands in the file, though not at its beginning. Not the whole file is looked at.
    ///
    /// # Errors
    /// The file can't be read.
    pub(crate) fn has_separator(&self) -> io::Result<bool> {
        let text = self.text()?;
        let length = text.length.min(TOP_CAP);
        let file = text.another(&self.place)?;
        let mut splitter = Splitter::new(file, length, Manner::default())?;
        let first = splitter.next_piece()?;
        let oddities = splitter.oddities();
        let loose = (oddities.iter()).any(|(_, what)| *what == Oddity::LooseSeparator);
        Ok(!loose
            && first.is_some_and(|piece| {
                !splitter.is_done() || matches!(piece.beginning, Beginning::Separator { .. })
            }))
    }

    /// Counts the messages of each folder, without hashing them.
    ///
    /// # Errors
    /// The file can't be opened. Where it can't be read any further, what is left counts as one damaged message.
    pub(crate) fn count(
        &self,
        shelf: &impl Shelf,
        mut each: impl FnMut(FolderId, Count),
    ) -> io::Result<()> {
        let text = self.text()?;
        let mut splitter = self.splitter(&text)?;
        loop {
            let mut count = Count {
                messages: 1,
                ..Count::default()
            };
            match splitter.next_piece() {
                Ok(Some(piece)) => {
                    let (folder, marks) = self.look(&piece, shelf);
                    count.bytes = piece.length;
                    if piece.is_mail() {
                        count.newest = piece.date();
                        count.expunged = u64::from(marks.standing == Standing::Expunged);
                    } else {
                        count.damaged = 1;
                    }
                    each(folder, count);
                }
                Ok(None) if !text.is_cut_short() => return Ok(()),
                Ok(None) | Err(_) => {
                    count.damaged = 1;
                    each(shelf.place(&[], &mut Marks::default()), count);
                    return Ok(());
                }
            }
        }
    }

    /// The bytes to upload.
    ///
    /// # Errors
    /// The file can't be opened, or is shorter than it was.
    pub(crate) fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        let mut text = self.text()?;
        let end = item.origin.start.checked_add(item.origin.length);
        if end.is_none_or(|end| text.length < end) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file is shorter than it was",
            ));
        }
        text.file.seek(SeekFrom::Start(item.origin.start))?;
        let stored = text.file.take(item.origin.length);
        Ok(Box::new(Upload::new(stored, item.conversions)))
    }

    /// Where every byte of its text went; complete after a scan.
    pub(crate) fn ledger(&self) -> ByteLedger {
        self.findings().ledger
    }

    /// What was noticed; complete after a scan.
    pub(crate) fn remarks(&self) -> Vec<Remark> {
        self.findings().remarks.clone()
    }

    fn findings(&self) -> std::sync::MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the text of the file, and unpacks it first where that is needed.
    fn text(&self) -> io::Result<Text> {
        let (mut file, _) = walk::open_file(&self.place)?;
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        if spool.is_none() {
            let mut head = Vec::new();
            file.by_ref().take(2).read_to_end(&mut head)?;
            file.seek(SeekFrom::Start(0))?;
            if let Some(wrapping) = Wrapping::of(&head) {
                *spool = Some(Arc::new(Spool::fill(&file, wrapping)?));
            }
        }
        if let Some(spool) = &*spool {
            file = spool.reader()?;
        }
        Ok(Text {
            length: file.metadata()?.len(),
            file,
            spool: spool.clone(),
        })
    }

    fn splitter(&self, text: &Text) -> io::Result<Splitter<File>> {
        let manner = Manner {
            quotes: self.writer != Writer::Unknown,
        };
        Splitter::new(text.another(&self.place)?, text.length, manner)
    }

    fn look(&self, piece: &Piece, shelf: &impl Shelf) -> (FolderId, Marks) {
        let mut marks = match self.writer {
            // A `Status` that came with a message from elsewhere says nothing about this copy.
            Writer::Thunderbird => Marks::mozilla(&piece.header, &self.tags).unwrap_or_default(),
            Writer::Takeout => Marks::default(),
            Writer::Unknown => Marks::read(&piece.header, &self.tags),
        };
        let folder = shelf.place(&piece.header, &mut marks);
        (folder, marks)
    }

    /// The conversions for a message.
    fn wanted(&self, piece: &Piece, cr_lines: bool) -> Conversions {
        let mut wanted = Conversions::LINE_ENDS.union(Conversions::FINAL_LINE_END);
        if cr_lines {
            wanted.insert(Conversions::CR_LINES);
        }
        let mozilla = self.writer == Writer::Thunderbird
            || self.writer == Writer::Unknown && is_from_mozilla(&piece.header);
        if mozilla {
            wanted.insert(Conversions::MOZILLA_HEADERS);
        }
        // A writer of whom it is known quotes every such line. Of another's file one level is
        // taken back too, but not where a signature covers the text or nothing was quoted.
        let quotes = mozilla || self.writer == Writer::Takeout;
        if quotes || !piece.measured && !piece.signed {
            wanted.insert(Conversions::UNQUOTED);
        }
        wanted
    }
}

impl Piece {
    /// Whether there is a message that can be copied.
    fn is_mail(&self) -> bool {
        self.length > 0 && self.beginning != Beginning::NotMail
    }

    fn date(&self) -> Option<MailDate> {
        let separator = match self.beginning {
            Beginning::Separator { date } => date,
            _ => None,
        };
        marks::date(None, &self.header, separator)
    }
}

/// The text of a file, open.
struct Text {
    file: File,
    length: u64,
    spool: Option<Arc<Spool>>,
}

impl Text {
    /// Opens it once more.
    fn another(&self, place: &Path) -> io::Result<File> {
        match &self.spool {
            Some(spool) => spool.reader(),
            None => walk::open_file(place).map(|(file, _)| file),
        }
    }

    /// Whether it was packed, and its end is missing.
    fn is_cut_short(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| spool.cut_short())
    }

    /// What the spool did to every message.
    fn applied(&self) -> Conversions {
        match self.spool.as_ref().map(|spool| spool.wrapping()) {
            Some(Wrapping::Utf16 { .. }) => Conversions::TEXT_ENCODING,
            _ => Conversions::NONE,
        }
    }
}

/// Iterates over the messages of a file.
pub(crate) struct Items<'a, S> {
    file: &'a MboxFile,
    shelf: S,
    work: Work,
    /// Where messages with NULs begin.
    holes: Vec<u64>,
}

enum Work {
    Waiting,
    Going(Box<(Text, Ahead)>),
    Done,
}

impl<S: Shelf> Iterator for Items<'_, S> {
    type Item = Scanned;

    fn next(&mut self) -> Option<Scanned> {
        match std::mem::replace(&mut self.work, Work::Done) {
            Work::Done => None,
            Work::Waiting => match self.begin() {
                Ok((text, ahead)) => self.advance(text, ahead),
                Err(error) => Some(Err(self.lost(0, self.file.bytes(), &error))),
            },
            Work::Going(work) => {
                let (text, ahead) = *work;
                self.advance(text, ahead)
            }
        }
    }
}

impl<S: Shelf> Items<'_, S> {
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
                self.work = Work::Going(Box::new((text, ahead)));
                Some(scanned)
            }
            Next::End(Ok(())) => {
                let splitter = ahead.splitter();
                self.settle(&text, splitter);
                let end = splitter.ledger().file;
                let error = if splitter.shrank() {
                    io::Error::from(io::ErrorKind::UnexpectedEof)
                } else if text.is_cut_short() {
                    io::Error::new(io::ErrorKind::InvalidData, CUT_SHORT)
                } else {
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
    fn settle(&self, text: &Text, splitter: &Splitter<File>) {
        let mut oddities = splitter.oddities().to_vec();
        oddities.extend(self.holes.iter().map(|at| (*at, Oddity::NulBytes)));
        if text.is_cut_short() {
            oddities.push((text.length, Oddity::CutShort));
        }
        if text.spool.is_none() && self.file.bytes() > text.length {
            oddities.push((text.length, Oddity::Grew));
        }
        oddities.sort();
        let remark = |(at, what)| Remark {
            path: self.file.place.to_path_buf(),
            at,
            what,
        };
        *self.file.findings() = Findings {
            ledger: splitter.ledger(),
            remarks: oddities.into_iter().map(remark).collect(),
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
