//! The ledger: totals that balance, and every exception.

mod save;

use std::collections::BTreeMap;

use serde::Serialize;

use super::Depth;
use super::reason::Reason;
use crate::message::Origin;
pub use save::{Saved, latest};

/// Every message found, in exactly one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// In the files, expunged ones included.
    pub found: u64,
    /// Sent and confirmed in this run.
    pub copied: u64,
    /// In the target folder before this run.
    pub already_there: u64,
    /// An identical copy for the same folder.
    pub merged: u64,
    /// Stays, by rule or choice.
    pub left_out: u64,
    /// Written to the storage folder and checked.
    pub kept: u64,
    /// The server said no.
    pub refused: u64,
    /// Could not be read.
    pub damaged: u64,
    /// Not tried yet, or in doubt.
    pub waiting: u64,
}

impl Counts {
    /// Whether `found` is the sum of the rest.
    pub fn balances(&self) -> bool {
        let rest = [
            self.copied,
            self.already_there,
            self.merged,
            self.left_out,
            self.kept,
            self.refused,
            self.damaged,
            self.waiting,
        ];
        self.found == rest.iter().sum::<u64>()
    }

    /// Adds another ledger's.
    pub fn add(&mut self, other: &Counts) {
        self.found += other.found;
        self.copied += other.copied;
        self.already_there += other.already_there;
        self.merged += other.merged;
        self.left_out += other.left_out;
        self.kept += other.kept;
        self.refused += other.refused;
        self.damaged += other.damaged;
        self.waiting += other.waiting;
    }
}

/// The ledger of one folder on the server.
#[derive(Clone, Debug, Serialize)]
pub struct FolderReport {
    /// Its name.
    pub folder: String,
    /// The folders it came from.
    pub from: Vec<String>,
    /// Whether its name differs from theirs because the server can't take that.
    pub renamed: bool,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Of these, messages that the server has in another folder as well.
    pub elsewhere: u64,
}

/// A message that did not go up and needs a person's eye.
#[derive(Clone, Debug, Serialize)]
pub struct Exception {
    /// `refused`, `damaged`, `waiting`, or `kept` where it is in the storage folder.
    pub outcome: &'static str,
    /// Why.
    pub reason: Reason,
    /// The folder on the server it would have gone to.
    pub folder: String,
    /// The file it lies in.
    pub file: String,
    /// The byte it begins at.
    pub at: u64,
    /// Its size in bytes.
    pub size: u64,
    /// The words of the server or the system.
    pub detail: String,
    /// The file in the storage folder that holds it, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
}

impl Exception {
    /// A message that lies at `origin`.
    pub fn new(
        outcome: &'static str,
        reason: Reason,
        folder: String,
        origin: &Origin,
        size: u64,
        detail: String,
    ) -> Exception {
        let file = origin.path().display().to_string();
        Exception {
            outcome,
            reason,
            folder,
            file,
            at: origin.start,
            size,
            detail,
            kept_in: None,
        }
    }
}

/// The storage folder, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Storage {
    /// The folder on this computer.
    pub folder: String,
    /// The files in it that hold mail of this run.
    pub files: Vec<String>,
    /// Messages of this run in it, each read back and compared.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were changed or removed after they were checked: what they should hold is not sure any more.
    pub changed: Vec<String>,
}

/// What the check after copying found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// How it was compared.
    pub how: Depth,
    /// How many of a hundred messages were read back, where that was not all or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<u8>,
    /// Messages that should be there.
    pub expected: u64,
    /// Messages that are there.
    pub present: u64,
    /// Messages that should be there and are not.
    pub missing: u64,
    /// Copies that are there once too often, of messages this program sent.
    pub surplus: u64,
    /// Copies whose content is not what was sent.
    pub altered: u64,
    /// Messages sent whose INTERNALDATE the server did not keep.
    pub dates_differ: u64,
    /// Messages sent that lack a flag or tag they should have.
    pub flags_differ: u64,
    /// The same for each folder: name, expected, present, missing.
    pub folders: Vec<VerifiedFolder>,
}

/// What the check found in one folder.
#[derive(Clone, Debug, Serialize)]
pub struct VerifiedFolder {
    /// Its name on the server.
    pub folder: String,
    /// Messages that should be there.
    pub expected: u64,
    /// Messages that are there.
    pub present: u64,
    /// Messages that should be there and are not.
    pub missing: u64,
    /// Copies that are there once too often.
    pub surplus: u64,
    /// Copies whose content differs.
    pub altered: u64,
}

impl Verified {
    /// Whether everything is there, once, and as it was.
    pub fn clean(&self) -> bool {
        self.missing == 0 && self.surplus == 0 && self.altered == 0
    }
}

/// Shown by a check that leaves nothing open: everything found is on the server, and all of it was read back in this run
/// and compared. Only then may anyone be told to remove something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(());

impl Report {
    /// The proof, where this report is one. A check by header fields is none, and neither is a sample, nor a run that did
    /// not read every file, or whose files or kept files changed meanwhile. What is in the storage folder is not open, and
    /// what the mail program had marked as deleted was never asked for; anything else that was left out is open.
    pub fn proof(&self) -> Option<Proof> {
        let verified = self.verified.as_ref()?;
        let thorough = verified.how == Depth::Bytes && verified.sample.is_none();
        let counts = &self.counts;
        let deleted = self
            .reasons
            .get(&Reason::Deleted)
            .copied()
            .unwrap_or_default();
        let left_out = counts.left_out > 0 && counts.left_out != deleted;
        let nothing_open = counts.refused + counts.damaged + counts.waiting == 0 && !left_out;
        let unchanged = self.sources_changed.is_empty() && self.keeps_what_it_kept();
        let whole = self.read_anew && unchanged && counts.balances() && counts.found > 0;
        (thorough && whole && verified.clean() && nothing_open).then_some(Proof(()))
    }

    /// Whether the storage folder holds, as far as can be seen, what was put there.
    pub fn keeps_what_it_kept(&self) -> bool {
        match &self.storage {
            Some(storage) => storage.changed.is_empty() && storage.messages == self.counts.kept,
            None => self.counts.kept == 0,
        }
    }
}

/// The ledger of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whose mailbox: `user@host:port`.
    pub account: String,
    /// When, as `2026-11-23T14:10:05Z`.
    pub made: String,
    /// Whether every file was read in full in this run, and none only known from an earlier one.
    pub read_anew: bool,
    /// In all.
    pub counts: Counts,
    /// Of these, messages that the server has in another folder as well.
    pub elsewhere: u64,
    /// How many for each reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Folder by folder.
    pub folders: Vec<FolderReport>,
    /// The declared conversions and on how many of the copied messages each was made.
    pub conversions: BTreeMap<&'static str, u64>,
    /// Messages already there that got flags or tags added.
    pub flags_added: u64,
    /// Messages already there whose flags or tags the server would not let us add.
    pub flags_refused: u64,
    /// Tags that the server does not keep, and on how many messages.
    pub tags_lost: BTreeMap<String, u64>,
    /// What the server changes in messages without changing the mail, as seen in some that were read back.
    pub server_changes: Vec<String>,
    /// Everything that did not go up and needs a person's eye.
    pub exceptions: Vec<Exception>,
    /// The check, if it was made.
    pub verified: Option<Verified>,
    /// The storage folder, if something is kept there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Files of the old mail that changed between the plan and the check: there may be new mail in them.
    pub sources_changed: Vec<String>,
}
