//! Where mail goes: a trait for one signed-in connection, and the values it speaks in.
//!
//! There is no way to delete anything here, and there never will be.

mod append;
pub mod certificate;
mod deflate;
mod fetch;
mod folders;
mod guard;
mod heard;
pub mod imap;
mod lot;
#[cfg(test)]
pub(crate) mod memory;
pub mod name;
mod opening;
pub mod rate;
mod reading;
mod response;
mod sasl;
#[cfg(test)]
mod scripted;
mod session;
mod sign_in;
pub mod smtp;
pub mod tls;
mod uids;
pub mod wire;

use std::io::{Read, Write};
use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::message::{Flags, Keywords, MailDate};
use crate::source::Role;

pub use name::{MailboxName, Namespace};
pub(crate) use response::class_of;
pub use sasl::Credentials;

/// What the fuzz targets look into.
#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub(crate) use super::fetch::{Attribute, Content, Fetch, Input};
    pub(crate) use super::response::{Line, line};
}

/// What a server can do and what it allows, from its CAPABILITY line after sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// How literals may be sent.
    pub literals: Literals,
    /// Several messages in one APPEND (RFC 3502).
    pub multiappend: bool,
    /// The UID of what was appended is told (RFC 4315).
    pub uidplus: bool,
    /// Both directions can be compressed (COMPRESS=DEFLATE, RFC 4978).
    pub compress: bool,
    /// Largest message in bytes (RFC 7889), where the server says so.
    pub append_limit: Option<u64>,
    /// Everything it announced, as it wrote it.
    pub announced: Vec<String>,
}

/// How a literal may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Literals {
    /// Only after the server's `+` (RFC 9051, 4.3).
    #[default]
    Synchronising,
    /// Without waiting up to 4096 bytes (LITERAL-, RFC 7888).
    Minus,
    /// Always without waiting (LITERAL+, RFC 7888).
    Plus,
}

/// The room in the mailbox (RFC 9208).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Bytes used.
    pub used: u64,
    /// Bytes allowed.
    pub limit: u64,
}

impl Quota {
    /// Bytes that still fit.
    pub fn free(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// A folder on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub name: MailboxName,
    /// What it is for (SPECIAL-USE, RFC 6154).
    pub role: Option<Role>,
    /// Whether it can hold messages (no `\Noselect`, no `\NonExistent`).
    pub selectable: bool,
    /// Whether it can hold folders (no `\Noinferiors`).
    pub inferiors: bool,
}

/// What EXAMINE tells (RFC 9051, 6.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// UIDs hold only while this stays the same.
    pub uid_validity: u32,
    /// A lower bound for the UID of the next message.
    pub uid_next: u32,
    /// Messages in it.
    pub exists: u32,
    /// The flags that are kept.
    pub permanent: Flags,
    /// The keywords that are kept besides, lower case.
    pub keywords: Vec<String>,
    /// Whether any new keyword is kept (`\*`).
    pub any_keyword: bool,
}

impl Examined {
    /// Whether this keyword is kept.
    pub fn keeps(&self, atom: &str) -> bool {
        self.any_keyword
            || self
                .keywords
                .iter()
                .any(|known| known.eq_ignore_ascii_case(atom))
    }
}

/// What one FETCH of a folder tells of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Its UID.
    pub uid: u32,
    /// Its size, as the server counts (some count bare LF).
    pub size: u64,
    /// Its flags.
    pub flags: Flags,
    /// Its keywords, as written.
    pub keywords: Vec<String>,
    /// INTERNALDATE.
    pub date: Option<MailDate>,
    /// The header fields Message-ID, Date, From, To and Subject, as they stand.
    pub header: Vec<u8>,
}

/// A name for one message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// One message on its way.
pub struct Outgoing {
    /// By which its fate is told.
    pub ticket: Ticket,
    /// Flags, already cut down to what the server keeps.
    pub flags: Flags,
    /// Keywords, already cut down to what the server keeps.
    pub keywords: Keywords,
    /// INTERNALDATE.
    pub date: Option<MailDate>,
    /// Bytes in `body`.
    pub size: u64,
    /// The message.
    pub body: Body,
}

/// The bytes of a message on its way.
pub enum Body {
    /// In memory.
    Held(Vec<u8>),
    /// Too large for that: read while sending. If it yields an error, or not
    /// exactly the size, the connection is broken off inside the literal, and
    /// the server must not store anything (RFC 9051, 6.3.12).
    Streamed(Box<dyn Read + Send>),
}

/// Messages that go with one command, to one folder.
pub struct Batch {
    /// The folder.
    pub folder: MailboxName,
    /// One or more; several only where MULTIAPPEND is announced, and no empty one among several.
    pub messages: Vec<Outgoing>,
    /// Wait for the server's `+` before each literal, so that a refusal costs nothing.
    pub cautious: bool,
}

/// What became of a message handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server says that it has it.
    Stored {
        /// Its UID and the UIDVALIDITY it belongs to, where told and credible.
        uid: Option<(u32, u32)>,
    },
    /// The server said no; it has not stored it.
    Refused(Refusal),
}

/// A NO of the server (or a BAD where nothing else can be meant), classified by its response code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind.
    pub class: RefusalClass,
    /// The server's words, code included.
    pub text: String,
    /// Whether the message went with others, so that it may not be the one that was meant.
    pub shared: bool,
}

/// Why the server says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalClass {
    /// `OVERQUOTA`: no more room.
    OverQuota,
    /// `TOOBIG`, `LIMIT`, or words to that effect: this message is too large.
    TooBig,
    /// `TRYCREATE`, `NONEXISTENT`: the folder is not there.
    NoFolder,
    /// `NOPERM`, `CANNOT`: not allowed in this folder.
    NotAllowed,
    /// `UNAVAILABLE`, `INUSE`, `SERVERBUG`, `CONTACTADMIN`: perhaps later.
    Later,
    /// `BAD`: the server can't take these bytes.
    Syntax,
    /// Anything else.
    Other,
}

/// The connection is of no more use. Every ticket listed had a byte handed to
/// the wire and is in doubt; every other one not settled was never sent.
#[derive(Debug)]
pub struct Broken {
    /// In doubt.
    pub in_doubt: Vec<Ticket>,
    /// Whether the server may have read mail as commands (a BAD or a strange tag while literals were in flight).
    pub poisoned: bool,
    /// Why.
    pub error: Error,
}

/// One signed-in connection to a mailbox.
pub trait Mailbox: Send {
    /// What the server can do.
    fn abilities(&self) -> &Abilities;

    /// The prefix and the delimiter for new folders (RFC 2342).
    fn namespace(&self) -> &Namespace;

    /// `host:port`, for messages.
    fn server(&self) -> &str;

    /// All folders (`LIST "" "*"`; CHILDREN flags are not believed).
    fn folders(&mut self) -> Result<Vec<Folder>, Error>;

    /// The room there is, or `None` where the server does not say.
    fn quota(&mut self) -> Result<Option<Quota>, Error>;

    /// Creates and subscribes a folder; one that is there already is fine.
    fn create(&mut self, name: &MailboxName) -> Result<(), Error>;

    /// Opens a folder for reading only. `None`: there is no such folder.
    fn examine(&mut self, name: &MailboxName) -> Result<Option<Examined>, Error>;

    /// Tells of each message of the examined folder with a UID of at least `from`, in the server's order.
    fn index(&mut self, from: u32, each: &mut dyn FnMut(Indexed)) -> Result<(), Error>;

    /// Writes the whole of each message of the examined folder that is still there: `each` gets the UID and
    /// a reader that ends with the message. Many are asked for at once, so that the line stays full.
    fn bodies(
        &mut self,
        uids: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error>;

    /// Adds flags and keywords to messages of a folder (`UID STORE +FLAGS.SILENT`), and leaves no folder
    /// selected for writing. Nothing is ever taken away.
    fn add_flags(
        &mut self,
        name: &MailboxName,
        uids: &[u32],
        flags: Flags,
        keywords: &Keywords,
    ) -> Result<(), Error>;

    /// The examined folder is not needed any more. It is left without expunging anything before mail is sent or another
    /// one is opened (UNSELECT, or CLOSE after EXAMINE).
    fn leave(&mut self) -> Result<(), Error>;

    /// Takes a batch to be sent. Never waits.
    fn submit(&mut self, batch: Batch);

    /// Sends what was submitted and returns the fates that are known, after at most `wait`
    /// if there is none yet. Batches not settled stay in flight.
    ///
    /// # Errors
    /// [`Broken`]: the connection is of no more use, and some messages are in doubt.
    fn settle(&mut self, wait: Duration) -> Result<Vec<(Ticket, Fate)>, Broken>;

    /// Commands submitted and not settled.
    fn in_flight(&self) -> usize;

    /// What the server asked to be shown to people since the last call (`[ALERT]`, RFC 9051, 7.1), raw.
    fn alerts(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Something that ends the connection at once, from any thread: whoever waits for the server on another one
    /// gets an error instead.
    fn hangup(&self) -> Option<Hangup> {
        None
    }

    /// Says goodbye. A failure of it does not matter.
    fn logout(self: Box<Self>);
}

/// Ends a connection at once, from any thread.
pub type Hangup = Box<dyn Fn() + Send + Sync>;

/// Makes connections, as many and as often as a run needs them.
pub trait Connect: Send + Sync {
    /// A new signed-in connection.
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error>;

    /// `user@host:port`: whose mailbox it is, for the journal.
    fn account(&self) -> String;
}

/// Copies a body into memory or a file; a convenience over [`Mailbox::bodies`] for a single message.
pub fn body(mailbox: &mut dyn Mailbox, uid: u32, into: &mut dyn Write) -> Result<bool, Error> {
    let mut found = false;
    let mut failed = None;
    mailbox.bodies(&[uid], &mut |_, reader| {
        found = true;
        failed = std::io::copy(reader, into).err();
    })?;
    match failed {
        Some(error) => Err(Error::ConnectionLost {
            server: mailbox.server().into(),
            detail: error.to_string(),
        }),
        None => Ok(found),
    }
}
