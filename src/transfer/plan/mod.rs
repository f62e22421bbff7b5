//! What goes where, what stays and why, and whether it fits: decided before anything happens.

pub(crate) mod folders;
pub(crate) mod gather;
pub(crate) mod order;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::mailbox::{MailboxName, Quota};
use crate::message::{Flags, Item, Keywords, Standing};
use crate::settings;
use crate::source::{Damaged, Kind, Stamp};
use crate::transfer::keep::Kept;
pub use crate::transfer::reason::Reason;
use crate::transfer::report::Exception;

/// What is to be done with a message, and later what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be sent.
    ToCopy,
    /// Sent and confirmed; the UID where it is known.
    Copied(Option<u32>),
    /// The server has it in this folder already, under this UID.
    AlreadyThere(u32),
    /// The server has it in another folder, and that is enough (`--once`).
    AlreadyElsewhere,
    /// The same as another message of this folder.
    Merged,
    /// Stays, by rule or choice.
    LeftOut(Reason),
    /// The server said no.
    Refused(Reason),
    /// Not readable any more when its turn came.
    Damaged(Reason),
    /// Not sent, or in doubt.
    Waiting(Reason),
    /// In the storage folder on this computer, and read back there; why it is not on the server.
    Kept(Reason),
}

impl State {
    /// Why, for every state but the plain ones.
    pub fn reason(self) -> Option<Reason> {
        match self {
            State::ToCopy | State::Copied(_) => None,
            State::AlreadyThere(_) => Some(Reason::InFolder),
            State::AlreadyElsewhere => Some(Reason::InOtherFolder),
            State::Merged => Some(Reason::Identical),
            State::LeftOut(reason)
            | State::Refused(reason)
            | State::Damaged(reason)
            | State::Waiting(reason)
            | State::Kept(reason) => Some(reason),
        }
    }

    /// The UID of the copy on the server, where there is one and it is known.
    pub fn uid(self) -> Option<u32> {
        match self {
            State::Copied(uid) => uid,
            State::AlreadyThere(uid) => Some(uid),
            _ => None,
        }
    }

    /// Whether the server's folder should hold this message.
    pub fn is_there(self) -> bool {
        matches!(self, State::Copied(_) | State::AlreadyThere(_))
    }
}

/// A message in the plan.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The message.
    pub item: Item,
    /// Index into [`Plan::sources`].
    pub source: u16,
    /// Index into [`Plan::server_folders`] of another folder that holds the same content.
    pub elsewhere: Option<u16>,
    /// What becomes of it.
    pub state: State,
}

/// A source in the plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedSource {
    /// A short name.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Its path.
    pub path: PathBuf,
    /// Whether some of its messages are known from an earlier look at files that did not change since,
    /// and were not read again. No gate may open on what was not read.
    pub from_index: bool,
    /// The state of its files before they were read.
    #[serde(skip)]
    pub stamp: Stamp,
}

/// Flags and tags to be added to messages that are there already.
#[derive(Clone, Debug)]
pub struct FlagChange {
    /// The message.
    pub uid: u32,
    /// Flags to add.
    pub flags: Flags,
    /// Tags to add.
    pub keywords: Keywords,
}

/// A folder on the server, and everything that goes there.
#[derive(Clone, Debug)]
pub struct PlannedFolder {
    /// Its name on the server.
    pub target: MailboxName,
    /// The folders it comes from: index into [`Plan::sources`], and the name there.
    pub from: Vec<(u16, String)>,
    /// Whether the server has it not yet.
    pub new: bool,
    /// Whether the server's name differs from the wanted one because it can't take that.
    pub renamed: bool,
    /// Its messages.
    pub entries: Vec<Entry>,
    /// Messages that can't be read.
    pub damaged: Vec<Damaged>,
    /// Flags to add to messages already there.
    pub flag_changes: Vec<FlagChange>,
    /// UIDVALIDITY when the plan was made; 0 for a new folder.
    pub uid_validity: u32,
    /// The lowest UID that a message can have which came after the plan; 0 for a new folder before it is made.
    pub first_uid: u32,
}

impl PlannedFolder {
    /// What the plan comes to for this folder.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for entry in &self.entries {
            totals.count(entry);
        }
        let damaged = self.damaged.len() as u64;
        if damaged > 0 {
            totals.found += damaged;
            totals.stay.insert(Reason::Unreadable, damaged);
        }
        totals
    }
}

/// What goes where. Made by [`Job::plan`](super::Job::plan); holds, later on, what was reached.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose mailbox: `user@host:port`.
    pub account: String,
    /// The sources.
    pub sources: Vec<PlannedSource>,
    /// Folders that get mail, INBOX first, then by name; skipped ones last, under the name they would have.
    pub folders: Vec<PlannedFolder>,
    /// Names of the folders that the server had.
    pub server_folders: Vec<String>,
    /// Room on the server, where it says.
    pub quota: Option<Quota>,
    /// Largest message the server takes, where it says.
    pub append_limit: Option<u64>,
    /// Seconds since 1970 at which it was made.
    pub made: u64,
    /// What happened on the way that no message's state tells.
    pub reached: Reached,
}

impl Plan {
    /// What the plan comes to in all.
    pub fn totals(&self) -> Totals {
        let mut all = Totals::default();
        for folder in &self.folders {
            all.add(&folder.totals());
        }
        all
    }

    /// Leaves on the server what it has in another folder, instead of sending it once more.
    pub fn leave_elsewhere(&mut self) {
        let entries = self
            .folders
            .iter_mut()
            .flat_map(|folder| &mut folder.entries);
        for entry in entries.filter(|entry| entry.state == State::ToCopy) {
            if entry.elsewhere.is_some() {
                entry.state = State::AlreadyElsewhere;
            }
        }
    }

    /// Whether everything to be sent fits, where the server tells its room.
    pub fn fits(&self) -> bool {
        self.quota
            .is_none_or(|quota| self.totals().bytes <= quota.free())
    }
}

/// What happened during a run that no message's state tells.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// Messages already there that got flags or tags added.
    pub flags_added: u64,
    /// Messages already there whose flags or tags the server would not let us add.
    pub flags_refused: u64,
    /// Tags that the server does not keep, and on how many messages.
    pub tags_lost: BTreeMap<String, u64>,
    /// What the server changes in messages without changing the mail, in plain words.
    pub server_changes: BTreeSet<String>,
    /// When the last message was handed over or confirmed, by the clock of the run.
    pub last_sent: Option<std::time::Duration>,
    /// Messages that need a person's eye, with the server's or the system's words.
    pub exceptions: Vec<Exception>,
    /// Files of the sources that were not at the last check what they were before they were read.
    pub sources_changed: BTreeSet<PathBuf>,
    /// What the storage folder holds of this plan, if [`Job::keep`](super::Job::keep) was asked for that.
    pub kept: Option<Kept>,
}

/// What the plan comes to for a folder, or in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Messages in the files.
    pub found: u64,
    /// Messages to send.
    pub to_copy: u64,
    /// Bytes to send.
    pub bytes: u64,
    /// Messages to send that the server has in another folder.
    pub elsewhere: u64,
    /// Messages that stay, with the reason.
    pub stay: BTreeMap<Reason, u64>,
    /// Messages to send that are larger than Spectrum's published limit.
    pub large: u64,
    /// Messages to send that are marked to be deleted, and still to be seen in their folder.
    pub marked: u64,
    /// Messages to send, and their bytes, by year; year 0 has no date.
    pub years: BTreeMap<i16, (u64, u64)>,
}

impl Totals {
    fn count(&mut self, entry: &Entry) {
        self.found += 1;
        if let Some(reason) = entry.state.reason() {
            *self.stay.entry(reason).or_default() += 1;
        }
        if entry.state == State::ToCopy {
            let size = entry.item.size;
            self.to_copy += 1;
            self.bytes += size;
            self.elsewhere += u64::from(entry.elsewhere.is_some());
            self.large += u64::from(size > settings::MESSAGE_LIMIT);
            self.marked += u64::from(entry.item.standing == Standing::Marked);
            let year = self
                .years
                .entry(entry.item.date.map_or(0, |date| date.year()))
                .or_default();
            year.0 += 1;
            year.1 += size;
        }
    }

    fn add(&mut self, other: &Totals) {
        self.found += other.found;
        self.to_copy += other.to_copy;
        self.bytes += other.bytes;
        self.elsewhere += other.elsewhere;
        self.large += other.large;
        self.marked += other.marked;
        for (reason, count) in &other.stay {
            *self.stay.entry(*reason).or_default() += count;
        }
        for (year, (count, bytes)) in &other.years {
            let sum = self.years.entry(*year).or_default();
            sum.0 += count;
            sum.1 += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn an_entry_of_the_plan_stays_small() {
        let size = size_of::<Entry>();
        assert!(size <= 160, "{size}");
    }
}
