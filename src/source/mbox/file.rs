//! One mbox file, whoever wrote it: its messages as items, and their bytes for the upload.

mod items;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::message::is_from_mozilla;
use super::split::{Beginning, Manner, Piece, Splitter};
use crate::message::{Conversions, FolderId, Item, MailDate, Standing};
use crate::source::marks::{self, Marks, TagNames};
use crate::source::spool::{Spool, Wrapping};
use crate::source::upload::Upload;
use crate::source::walk;
use crate::source::{ByteLedger, Count, Oddity, Remark};
use items::Items;

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

    /// The folder of all messages, where there is but one.
    fn only(&self) -> Option<FolderId> {
        None
    }
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

    fn only(&self) -> Option<FolderId> {
        Some(*self)
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
    /// Where it may be written down what was found.
    memory: OnceLock<PathBuf>,
}

#[derive(Default)]
struct Findings {
    ledger: ByteLedger,
    remarks: Vec<Remark>,
    remembered: bool,
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
            memory: OnceLock::new(),
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
        Items::new(self, shelf)
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

    /// Where it may be written down what a scan finds.
    pub(crate) fn remember_in(&self, directory: &Path) {
        // The first one stays: there is one for each account, and one account at a time.
        let _ = self.memory.set(directory.into());
    }

    /// Whether the last scan told what an earlier one had found.
    pub(crate) fn is_remembered(&self) -> bool {
        self.findings().remembered
    }

    /// What decides on the items of a scan besides the bytes of the file.
    fn manner(&self) -> String {
        format!("{:?} {}", self.writer, self.tags.told())
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

    /// When it arrived, by its separator.
    fn arrived(&self) -> Option<MailDate> {
        match self.beginning {
            Beginning::Separator { date } => date,
            _ => None,
        }
    }

    fn date(&self) -> Option<MailDate> {
        marks::date(None, &self.header, self.arrived())
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
