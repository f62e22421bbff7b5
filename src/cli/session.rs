//! One run of the engine: the places with old mail, the mailbox, the choices, and where the journal is.

use std::path::{Path, PathBuf};

use spectrum_migrate::Error;
use spectrum_migrate::event::Observer;
use spectrum_migrate::mailbox::Connect;
use spectrum_migrate::source::{self, Source};
use spectrum_migrate::transfer::clock::SystemClock;
use spectrum_migrate::transfer::journal;
use spectrum_migrate::transfer::keep::Keeping;
use spectrum_migrate::transfer::{Choices, Depth, Job, QUIET};

use super::args::{Flags, VerifyBy};
use super::failure::Failure;
use super::progress;
use super::room::Room;

/// Everything a job needs, for as long as it runs.
pub struct Session {
    /// Where mail comes from.
    pub sources: Vec<Box<dyn Source>>,
    /// Where it goes.
    pub connect: Box<dyn Connect>,
    /// What the person chose.
    pub choices: Choices,
    /// The account's directory for journal and reports.
    pub state: PathBuf,
    /// Where what does not go up is kept on this computer.
    pub storage: Option<PathBuf>,
    /// What else is kept there than what can't go up.
    pub keeping: Keeping,
    /// Whether the report is kept; a rehearsal leaves nothing behind.
    pub keeps_report: bool,
    clock: SystemClock,
}

impl Session {
    /// A session with these.
    pub fn new(
        sources: Vec<Box<dyn Source>>,
        connect: Box<dyn Connect>,
        choices: Choices,
        base: &Path,
    ) -> Session {
        let state = journal::account_dir(base, &connect.account());
        Session {
            sources,
            connect,
            choices,
            state,
            storage: None,
            keeping: Keeping::default(),
            keeps_report: true,
            clock: SystemClock::default(),
        }
    }

    /// The same with a folder for what does not go up.
    pub fn with_storage(self, storage: Option<PathBuf>) -> Session {
        Session { storage, ..self }
    }

    /// The same for practice: nothing of it is kept.
    pub fn for_practice(self) -> Session {
        Session {
            keeps_report: false,
            ..self
        }
    }

    /// Runs something of the engine, with its progress shown.
    pub fn job<T>(&self, room: &Room, work: impl FnOnce(&Job<'_>) -> T) -> T {
        let observer: Box<dyn Observer> = progress::observer(&room.printer);
        work(&Job {
            sources: &self.sources,
            connect: &*self.connect,
            choices: &self.choices,
            state: &self.state,
            quiet: QUIET,
            clock: &self.clock,
            stop: room.signals.stop(),
            observer: &*observer,
        })
    }
}

/// What the person chose, as the engine takes it.
pub fn choices(flags: &Flags) -> Choices {
    Choices {
        skip: flags.skip.clone(),
        map: flags.map.clone(),
        into: flags.into.clone(),
        since: flags.since,
        until: flags.until,
        include_deleted: flags.include_deleted,
        keep_duplicates: flags.keep_duplicates,
        once: flags.once,
        leave_flags: flags.leave_flags,
        depth: flags.verify.map(|by| match by {
            VerifyBy::Headers => Depth::Headers,
            VerifyBy::Bytes => Depth::Bytes,
        }),
        read_anew: false,
        sample: flags.sample,
    }
}

/// Where journals and reports are kept.
///
/// # Errors
/// The system names no such place, and neither does the person.
pub fn state_dir(flags: &Flags) -> Result<PathBuf, Failure> {
    flags.state_dir.clone().or_else(journal::default_state_dir).ok_or_else(|| {
        let detail = "this computer names no place for the record of what is copied; give one with --state-dir DIR";
        Error::Choice { detail: detail.into() }.into()
    })
}

/// Opens every place that was named.
///
/// # Errors
/// The first that can't be read.
pub fn open_sources(paths: &[PathBuf]) -> Result<Vec<Box<dyn Source>>, Failure> {
    let open = |path: &PathBuf| source::open(path).map_err(Failure::from);
    paths.iter().map(open).collect()
}
