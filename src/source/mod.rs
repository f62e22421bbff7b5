//! Where mail comes from: a trait that each format implements, and `open`, which finds out the format from the content.
//!
//! Everything here only reads. A message that can't be read is an item of the
//! scan like any other ([`Damaged`]), never its end.

#[cfg(test)]
mod corpus;
pub(crate) mod date;
pub(crate) mod eml;
mod escapes;
mod files;
pub mod find;
mod folders;
pub(crate) mod known;
mod maildir;
pub(crate) mod marks;
pub(crate) mod mbox;
mod mh;
mod part;
pub(crate) mod roles;
pub(crate) mod separator;
mod sniff;
pub(crate) mod spool;
pub(crate) mod stamp;
pub(crate) mod takeout;
#[cfg(test)]
mod testing;
pub(crate) mod thunderbird;
mod tree;
pub(crate) mod upload;
pub(crate) mod walk;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Unreadable};
use crate::message::{FolderId, Item, MailDate, Origin};
pub use mbox::MboxSource;
use sniff::Content;
pub use stamp::Stamp;
pub use takeout::TakeoutSource;

/// What a folder is for, where its program says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// New mail.
    Inbox,
    /// Mail the person sent.
    Sent,
    /// Mail not finished.
    Drafts,
    /// Deleted mail.
    Trash,
    /// Spam.
    Junk,
    /// Mail put away.
    Archive,
    /// Patterns for new mail.
    Templates,
    /// Mail waiting to be sent.
    Outbox,
}

/// The kind of a source, as people are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A profile of Thunderbird or a relative of it.
    Thunderbird,
    /// One or more mbox files.
    Mbox,
    /// A Gmail export made by Google Takeout.
    Takeout,
    /// Maildir or Maildir++.
    Maildir,
    /// MH directories.
    Mh,
    /// Files with one message each.
    Eml,
    /// A folder tree that holds several of these.
    Mixed,
}

impl Kind {
    /// The name people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Thunderbird => "Thunderbird",
            Kind::Mbox => "mbox",
            Kind::Takeout => "Gmail Takeout",
            Kind::Maildir => "Maildir",
            Kind::Mh => "MH",
            Kind::Eml => "mail files",
            Kind::Mixed => "mail folders",
        }
    }
}

/// A folder of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceFolder {
    /// The names from the top down, as the person sees them in the mail program,
    /// without the account. Never empty.
    pub path: Vec<String>,
    /// The account it belongs to, where the source has several.
    pub account: Option<Arc<str>>,
    /// What it is for.
    pub role: Option<Role>,
}

/// Counts of a folder, without the cost of hashing it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Messages, expunged and damaged ones included.
    pub messages: u64,
    /// Of these, the expunged ones.
    pub expunged: u64,
    /// Of these, the damaged ones.
    pub damaged: u64,
    /// Bytes in the files.
    pub bytes: u64,
    /// The newest date among the messages.
    #[serde(skip)]
    pub newest: Option<MailDate>,
}

impl Count {
    /// Adds another folder's counts.
    pub fn add(&mut self, other: &Count) {
        self.messages += other.messages;
        self.expunged += other.expunged;
        self.damaged += other.damaged;
        self.bytes += other.bytes;
        self.newest = self.newest.max(other.newest);
    }
}

/// Why one message can't be read, or is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A file of no bytes.
    Empty,
    /// The computer does not let us read it.
    NotAllowed,
    /// The disk reported an error.
    Device,
    /// It is compressed, and the compressed bytes are damaged or of a kind we don't know.
    Compression,
    /// The file is not a message.
    NotMail,
    /// A pipe, a device or a link that leads out of the source.
    SpecialFile,
    /// It changed while it was read.
    Changed,
    /// Reading it made a parser fail.
    Parser,
}

/// A message, or a place where one should be, that can't be copied.
#[derive(Clone, Debug)]
pub struct Damaged {
    /// The folder it belongs to.
    pub folder: FolderId,
    /// Where.
    pub origin: Origin,
    /// Why.
    pub fault: Fault,
    /// The system's words.
    pub detail: String,
}

/// Something noticed in a source that the report lists, though no message is lost by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The file.
    pub path: PathBuf,
    /// The byte in it.
    pub at: u64,
    /// What.
    pub what: Oddity,
}

/// What was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// A line that looks like the start of a message stands inside one, and was taken as its text.
    FromLineKept,
    /// A complete message, separator included, stands inside another's MIME part, and was left there.
    NestedMessage,
    /// A separator without a date, or without a blank line before it, was taken as one.
    LooseSeparator,
    /// Text before the first message; it is copied as a message of its own.
    Preamble,
    /// NUL bytes inside a message: a hole that a crash left.
    NulBytes,
    /// The file ends inside a compressed stream.
    CutShort,
    /// A file that lies among the mail and is none.
    ForeignFile,
    /// A folder whose real name is not known; its file's name is used.
    NameUnknown,
    /// An account whose mail is on a server (IMAP, news, feeds): it is not read here.
    OnServer,
    /// The mail program is running; new mail may arrive while we read.
    ProgramRunning,
    /// The file grew since it was first looked at; the new part is left for the next run.
    Grew,
}

/// Where every byte of an mbox file went. The parts always add up to the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteLedger {
    /// Before the first separator, and no message.
    pub preamble: u64,
    /// In `From ` lines.
    pub separators: u64,
    /// In messages.
    pub messages: u64,
    /// In the blank lines between messages, and NULs or 0x1A at the end.
    pub padding: u64,
    /// The file's length.
    pub file: u64,
}

impl ByteLedger {
    /// Whether every byte is accounted for.
    pub fn balances(&self) -> bool {
        self.preamble + self.separators + self.messages + self.padding == self.file
    }

    /// Adds another file's.
    pub fn add(&mut self, other: &ByteLedger) {
        self.preamble += other.preamble;
        self.separators += other.separators;
        self.messages += other.messages;
        self.padding += other.padding;
        self.file += other.file;
    }
}

/// What a scan yields: a message, or the place where one could not be read.
pub type Scanned = Result<Item, Damaged>;

/// One place that mail comes from. Read-only; everything about it is deterministic,
/// so that a second look at unchanged files yields the same items.
pub trait Source: Send + Sync {
    /// What it is.
    fn kind(&self) -> Kind;

    /// A short name for people: the account, or the file's name.
    fn label(&self) -> String;

    /// The path it was opened by.
    fn path(&self) -> &Path;

    /// Its folders; a [`FolderId`] is an index into them. Folders that only the
    /// messages themselves name (Takeout's labels) are there once a scan is over.
    fn folders(&self) -> Vec<SourceFolder>;

    /// Counts of every folder, by a pass that splits and does not hash. Same order as [`Source::folders`]
    /// afterwards.
    fn counts(&self) -> Result<Vec<Count>, Error>;

    /// Bytes of mail in its files: what a scan has to read.
    fn bytes(&self) -> u64;

    /// Every message of every folder, folder by folder. The iterator ends early only
    /// where nothing more can be read, and says so by a last [`Damaged`].
    fn scan(&self) -> Result<Box<dyn Iterator<Item = Scanned> + Send + '_>, Error>;

    /// The bytes to upload: exactly `item.size` of them, whose hash is `item.identity.bytes`.
    /// May be called any number of times.
    ///
    /// # Errors
    /// The file can't be opened, or is no longer what it was when it was scanned.
    fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>>;

    /// From now on, a scan may write down in this directory what it finds in large files, and
    /// need not read them again as long as they are unchanged.
    fn remember_in(&self, _directory: &Path) {}

    /// Whether some of what the last scan yielded was remembered, and not read.
    fn is_remembered(&self) -> bool {
        false
    }

    /// The state of its files on the disk now. They are not read.
    fn stamp(&self) -> Stamp {
        Stamp::of_file(self.path())
    }

    /// What was noticed so far; complete after a scan.
    fn remarks(&self) -> Vec<Remark> {
        Vec::new()
    }

    /// The bytes of its mbox files, where it has any; complete after a scan.
    fn ledger(&self) -> Option<ByteLedger> {
        None
    }
}

/// Opens a file, a folder tree or a mail program's profile, whatever it turns out to hold.
///
/// # Errors
/// [`Error::Source`] where nothing is there, nothing can be read, or nothing is mail.
pub fn open(path: &Path) -> Result<Box<dyn Source>, Error> {
    let metadata = std::fs::metadata(path).map_err(|error| refused(path, &error))?;
    if metadata.is_dir() {
        return tree::open(path);
    }
    let no = |why, detail: &str| {
        Err(Error::Source {
            path: path.into(),
            why,
            detail: detail.into(),
        })
    };
    if !metadata.is_file() {
        return no(Unreadable::NotMail, "a pipe, socket or device");
    }
    match sniff::file(path).map_err(|error| refused(path, &error))? {
        Content::Empty => no(Unreadable::Empty, "the file has no bytes"),
        Content::Mbox => Ok(Box::new(mbox::MboxSource::open(path)?)),
        Content::Takeout => Ok(Box::new(takeout::TakeoutSource::open(path)?)),
        Content::Message => eml::open(path),
        Content::Unsupported(words) => no(Unreadable::Unsupported, words),
        // A message without any header can only be known by its name.
        Content::Text if eml::has_ending(path, "eml") => eml::open(path),
        Content::Text => no(Unreadable::NotMail, "a text, and no mail"),
        Content::Other => no(Unreadable::NotMail, "no mail, but something else"),
    }
}

/// The error for a place that can't be reached.
fn refused(path: &Path, error: &io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unreadable::Missing,
        io::ErrorKind::PermissionDenied => Unreadable::NotAllowed,
        // A pipe, socket or device.
        io::ErrorKind::Unsupported => Unreadable::NotMail,
        _ => Unreadable::Device,
    };
    Error::Source {
        path: path.into(),
        why,
        detail: error.to_string(),
    }
}
