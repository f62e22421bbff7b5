//! The work: plan, copy, verify, keep, report, in this order, and the rules they keep.
//!
//! 1. Nothing is deleted anywhere, ever: neither [`Source`] nor [`Mailbox`] can.
//! 2. Sources are opened read-only, and never changed.
//! 3. A message is sent only after its intent is on disk; counted only after its receipt or a match.
//! 4. A message in doubt is looked up on the server before it is sent again.
//! 5. One damaged message costs one message.
//! 6. Only what [`Error::retry`] allows is tried again; a wrong password or a full mailbox goes back to the person.
//! 7. Stopping finishes the batches in flight, writes the journal, and says how to go on.
//! 8. The bytes uploaded are the bytes kept, but for the declared [`Conversions`](crate::message::Conversions).

mod checked;
pub mod clock;
mod compare;
mod copy;
mod elsewhere;
mod guards;
pub mod journal;
pub mod keep;
mod ledger;
#[cfg(test)]
mod model;
mod patient;
pub mod plan;
mod reason;
mod reconcile;
mod remember;
mod repair;
pub mod report;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod upload;
mod verify;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::civil::Date;
use serde::Serialize;

use crate::error::Error;
use crate::event::{Event, Observer};
use crate::mailbox::{Connect, Mailbox};
use crate::source::{self, Source};
use clock::Clock;
use guards::Guards;
use journal::{Disk, Journal, Past};
use keep::{Keeping, Kept};
use patient::Patient;
use plan::folders::Targets;
use plan::gather::gather;
use plan::{Plan, Reached};
use reconcile::Looking;
use report::{Report, Verified};

/// What the person chose.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Folders left out, by their name in the source (`Archive/2009`) or their last name.
    pub skip: Vec<String>,
    /// Folders of the source and where they go instead.
    pub map: Vec<(String, String)>,
    /// A folder on the server under which everything goes.
    pub into: Option<String>,
    /// Messages before this day stay.
    pub since: Option<Date>,
    /// Messages after this day stay.
    pub until: Option<Date>,
    /// Copy what the mail program marked as deleted, too.
    pub include_deleted: bool,
    /// Copy identical messages of one folder as often as they are there.
    pub keep_duplicates: bool,
    /// Don't send what the server has in another folder.
    pub once: bool,
    /// Add no flags and tags to messages that are there already.
    pub leave_flags: bool,
    /// How thoroughly to check.
    pub depth: Option<Depth>,
    /// Read every file in full, and believe no index that an earlier run made of it.
    pub read_anew: bool,
    /// Read back only so many of a hundred messages, 1 to 99, and compare the others by their header fields.
    pub sample: Option<u8>,
}

/// How a copy is compared with its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// By header fields and size where that is unmistakable, by the whole content where not.
    Headers,
    /// Every message is read back and compared.
    Bytes,
}

impl Depth {
    /// Its name on the command line and in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Depth::Headers => "headers",
            Depth::Bytes => "bytes",
        }
    }
}

/// Asks a run to stop. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ask.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether someone asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// [`Error::Stopped`] if someone asked.
    pub fn check(&self) -> Result<(), Error> {
        if self.asked() {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }
}

/// One migration: sources, a mailbox and choices. Its verbs are called in order, and each can be the last.
pub struct Job<'a> {
    /// Where mail comes from.
    pub sources: &'a [Box<dyn Source>],
    /// Where it goes.
    pub connect: &'a dyn Connect,
    /// What the person chose.
    pub choices: &'a Choices,
    /// The directory of this account's journal and reports; made if missing.
    pub state: &'a Path,
    /// How long an APPEND whose connection broke may still arrive; [`QUIET`] unless a test is in a hurry.
    pub quiet: Duration,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Whether to stop.
    pub stop: &'a Stop,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

/// How long an APPEND whose connection broke may still arrive, before it is looked up and perhaps sent again.
pub const QUIET: Duration = Duration::from_secs(60);

/// Longest nap between two looks at whether the person wants to stop.
pub(crate) const NAP: Duration = Duration::from_millis(200);

/// Up to this many bytes every message is read back after copying; above, unmistakable header fields are enough.
const READ_BACK_LIMIT: u64 = 2 << 30;

impl Job<'_> {
    /// Reads the sources, asks the server what it has, and decides for every message. Changes nothing.
    ///
    /// # Errors
    /// A choice that can't be carried out, a source that can't be read, a server that can't be asked.
    pub fn plan(&self) -> Result<Plan, Error> {
        self.plan_with(Guards::ALL)
    }

    pub(crate) fn plan_with(&self, guards: Guards) -> Result<Plan, Error> {
        let mut patient = Patient::connect(self)?;
        let server = patient.ask(|mailbox| mailbox.folders())?;
        let quota = patient.ask(|mailbox| mailbox.quota())?;
        let (namespace, append_limit) = patient.ask(|mailbox| {
            Ok((
                mailbox.namespace().clone(),
                mailbox.abilities().append_limit,
            ))
        })?;
        let mut targets = Targets::new(self.choices, &namespace, &server)?;
        // Reading may take long, and the server may hang up meanwhile; the next question mends that.
        self.remember_scans();
        let gathered = gather(
            self.sources,
            &mut targets,
            self.choices,
            self.stop,
            self.observer,
        )?;
        let mut plan = Plan {
            account: self.connect.account(),
            sources: gathered.sources,
            folders: gathered.folders,
            server_folders: Vec::new(),
            quota,
            append_limit,
            made: self.clock.wall(),
            reached: Reached::default(),
        };
        let looking = self.looking(guards);
        compare::compare(self, &mut patient, &mut plan, &targets, &server, looking)?;
        patient.close();
        remember::leave_removed(self, &mut plan)?;
        Ok(plan)
    }

    /// Sends what the plan says.
    ///
    /// # Errors
    /// The plan holds what was reached, and a new plan goes on from there.
    pub fn copy(&self, plan: &mut Plan) -> Result<(), Error> {
        let (mut journal, past) = Journal::open(self.state, &plan.account)?;
        self.copy_with(plan, &mut journal, &past)
    }

    /// The same with a journal that is open already, on whatever [`Disk`].
    ///
    /// # Errors
    /// As for [`Job::copy`].
    pub fn copy_with<D: Disk>(
        &self,
        plan: &mut Plan,
        journal: &mut Journal<D>,
        past: &Past,
    ) -> Result<(), Error> {
        copy::copy(self, plan, journal, past)
    }

    /// Asks the server what it has now, and compares it with everything the plan wants there. Sends nothing. Without a
    /// `depth`, every message is read back up to 2 GB.
    ///
    /// # Errors
    /// The server can't be asked.
    pub fn verify(&self, plan: &mut Plan) -> Result<Verified, Error> {
        let (verified, found) = self.look(plan, Guards::ALL)?;
        remember::record(self, plan, &verified, &found)?;
        Ok(verified)
    }

    /// Sends again what the server confirmed in this run and does not have, after waiting until nothing can be under way
    /// any more; twice at most. What is missing then is lost on the server, and the result says so.
    ///
    /// # Errors
    /// Those of [`Job::copy`] and [`Job::verify`].
    pub fn repair(&self, plan: &mut Plan, verified: Verified) -> Result<Verified, Error> {
        repair::repair(self, plan, verified)
    }

    /// Whether a folder can be the storage folder; to be asked before anything is sent. Writes nothing.
    ///
    /// # Errors
    /// [`Error::Choice`] where it lies in the old mail, or the old mail in it.
    pub fn can_keep(&self, folder: &Path) -> Result<(), Error> {
        keep::can_keep(self.sources, folder)
    }

    /// Writes what did not go up into a folder on this computer, reads it back, and counts it as kept where it is the same.
    /// To be called after [`Job::copy`] and [`Job::repair`], and before [`Job::report`]. What is there already is recognised.
    ///
    /// # Errors
    /// [`Error::Choice`] as for [`Job::can_keep`], [`Error::StorageFull`] where the disk has no room, and
    /// [`Error::Storage`] where the folder can't be written. The plan knows what was kept all the same.
    pub fn keep(&self, plan: &mut Plan, folder: &Path, which: Keeping) -> Result<Kept, Error> {
        keep::keep(self, plan, folder, which)
    }

    fn look(
        &self,
        plan: &mut Plan,
        guards: Guards,
    ) -> Result<(Verified, Vec<verify::Found>), Error> {
        let there = plan
            .folders
            .iter()
            .flat_map(|folder| &folder.entries)
            .filter(|entry| entry.state.is_there());
        let bytes: u64 = there.map(|entry| entry.item.size).sum();
        let fitting = if bytes <= READ_BACK_LIMIT {
            Depth::Bytes
        } else {
            Depth::Headers
        };
        let depth = match self.choices.sample {
            Some(_) => Depth::Headers,
            None => self.choices.depth.unwrap_or(fitting),
        };
        let mut patient = Patient::connect(self)?;
        let looked = verify::verify(self, &mut patient, plan, depth, self.looking(guards))?;
        patient.close();
        self.look_at_sources(plan);
        Ok(looked)
    }

    /// Whether the files are still what they were before they were read: mail that came since is in no plan.
    fn look_at_sources(&self, plan: &mut Plan) {
        let changed = plan
            .sources
            .iter()
            .zip(self.sources)
            .flat_map(|(planned, source)| {
                planned.stamp.changes(&source::stamp::now(source.as_ref()))
            });
        plan.reached.sources_changed = changed.collect();
    }

    fn looking(&self, guards: Guards) -> Looking<'_> {
        Looking {
            stop: self.stop,
            sure: guards.sure,
        }
    }

    /// What is found in large files is kept beside the journal, so that the next plan need not read them again.
    fn remember_scans(&self) {
        if self.choices.read_anew {
            return;
        }
        let directory = self.state.join("known");
        for source in self.sources {
            source.remember_in(&directory);
        }
    }

    fn pass_on_alerts(&self, mailbox: &mut dyn Mailbox) {
        for text in mailbox.alerts() {
            self.observer.notice(&Event::Alert { text });
        }
    }

    /// The ledger of what was reached so far.
    ///
    /// # Errors
    /// [`Error::Bug`] where it does not balance.
    pub fn report(&self, plan: &Plan, verified: Option<Verified>) -> Result<Report, Error> {
        ledger::report(self, plan, verified)
    }
}
