//! What the messages of one folder are read from: an mbox file, or message files.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::message::{FolderId, Item};
use crate::source::files::{self, MessageFiles};
use crate::source::marks::TagNames;
use crate::source::mbox::{MboxFile, Writer};
use crate::source::{ByteLedger, Count, Remark, Scanned, Stamp};

/// The messages of one folder.
pub(crate) enum Part {
    /// An mbox file.
    Mbox(MboxFile),
    /// Message files.
    Files(Box<dyn MessageFiles>),
}

impl Part {
    /// Message files.
    pub fn files(files: impl MessageFiles + 'static) -> Part {
        Part::Files(Box::new(files))
    }

    /// An mbox file of an unknown program.
    pub fn mbox(path: &Path) -> Part {
        Part::Mbox(MboxFile::new(path, Writer::Unknown, Arc::default()))
    }

    /// An mbox file of Thunderbird, with the names of its tags.
    pub fn thunderbird(path: &Path, tags: &Arc<TagNames>) -> Part {
        Part::Mbox(MboxFile::new(path, Writer::Thunderbird, tags.clone()))
    }

    /// Counts the messages. Where nothing can be opened, that is one damaged message.
    pub fn count(&self) -> Count {
        let file = match self {
            Part::Files(files) => return files::count(files.as_ref()),
            Part::Mbox(file) => file,
        };
        let mut total = Count::default();
        let counted = file.count(&FolderId(0), |_, count| total.add(&count));
        if counted.is_err() {
            total.messages += 1;
            total.damaged += 1;
        }
        total.bytes = file.bytes();
        total
    }

    /// Bytes in the files.
    pub fn bytes(&self) -> u64 {
        match self {
            Part::Mbox(file) => file.bytes(),
            Part::Files(files) => files::bytes(files.as_ref()),
        }
    }

    /// Reads the messages, which lie at `place`, one by one.
    pub fn scan<'a>(
        &'a self,
        place: &Path,
        folder: FolderId,
        remark: impl Fn(Remark) + Send + 'a,
    ) -> Box<dyn Iterator<Item = Scanned> + Send + 'a> {
        match self {
            Part::Mbox(file) => Box::new(file.items(folder)),
            Part::Files(files) => files::scan(files.as_ref(), place, folder, remark),
        }
    }

    /// The bytes to upload.
    pub fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Part::Mbox(file) => file.open(item),
            Part::Files(_) => files::upload(item),
        }
    }

    /// Where it may be written down what is found in an mbox file. Files of one message are read as fast.
    pub fn remember_in(&self, directory: &Path) {
        if let Part::Mbox(file) = self {
            file.remember_in(directory);
        }
    }

    /// Whether the last scan told what an earlier one had found.
    pub fn is_remembered(&self) -> bool {
        matches!(self, Part::Mbox(file) if file.is_remembered())
    }

    /// Adds the state of its files, which lie at `place`.
    pub fn stamp(&self, place: &Path, stamp: &mut Stamp) {
        match self {
            Part::Mbox(file) => stamp.add_file(file.path()),
            Part::Files(files) => stamp.add_leaves(place, files.as_ref()),
        }
    }

    /// What was noticed in an mbox file. Message files tell during the scan.
    pub fn remarks(&self) -> Vec<Remark> {
        match self {
            Part::Mbox(file) => file.remarks(),
            Part::Files(_) => Vec::new(),
        }
    }

    /// Where the bytes of an mbox file went.
    pub fn ledger(&self) -> Option<ByteLedger> {
        match self {
            Part::Mbox(file) => Some(file.ledger()),
            Part::Files(_) => None,
        }
    }
}
