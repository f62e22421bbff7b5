//! The guide: Spectrum's six steps as a conversation, from the welcome to the receipt.

mod account;
mod change;
mod copying;
mod ending;
pub mod page;
mod places;
pub mod setup_files;
mod steps;
#[cfg(test)]
mod tests;
mod verdict;
mod welcome;

use std::path::{Path, PathBuf};

use spectrum_migrate::Error;
use spectrum_migrate::guide::{Gate, MailProgram, Opened, Progress, Step};
use spectrum_migrate::source::Stamp;
use spectrum_migrate::source::find::Home;
use spectrum_migrate::transfer::report::Report;

use super::account::Account;
use super::args::Flags;
use super::exit::Exit;
use super::failure::Failure;
use super::layout::{clean, wrap};
use super::room::Room;
use super::session;
use super::sign_in::SignedIn;

/// What whoever leaves at a question is told.
const FAREWELL: &str = "Stopped here. Your answers are kept, and\nnothing is lost. To go on at this place,\n\
                        today or another day:  spectrum-migrate";

/// Guides a person through the six steps, or through what is left of them.
///
/// # Errors
/// What stopped it; the answers are kept.
pub fn run(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    let base = session::state_dir(flags)?;
    Guide::new(room, flags, base, Home::of_this_computer()).run()
}

/// Everything the conversation knows.
struct Guide<'a> {
    room: &'a Room,
    flags: Flags,
    /// Where the answers are kept.
    base: PathBuf,
    /// Where mail is looked for.
    home: Option<Home>,
    progress: Progress,
    account: Option<Account>,
    signed_in: Option<SignedIn>,
    /// Steps 4 and 6, once everything was verified in this sitting.
    opened: Option<Opened>,
    /// The ledger of the last verification in this sitting.
    report: Option<Report>,
    /// The state of the old files when they were compared.
    stamps: Vec<(PathBuf, Stamp)>,
    /// The person would rather do steps 1 and 2 by hand.
    by_hand_rather: bool,
    /// The person keeps the old files for now.
    files_kept: bool,
    /// The server of a test, instead of Spectrum's.
    #[cfg(test)]
    practice: Option<&'a spectrum_migrate::rehearsal::Practice>,
}

impl<'a> Guide<'a> {
    fn new(room: &'a Room, flags: &Flags, base: PathBuf, home: Option<Home>) -> Guide<'a> {
        Guide {
            room,
            flags: flags.clone(),
            progress: Progress::load(&base).unwrap_or_default(),
            base,
            home,
            account: None,
            signed_in: None,
            opened: None,
            report: None,
            stamps: Vec::new(),
            by_hand_rather: false,
            files_kept: false,
            #[cfg(test)]
            practice: None,
        }
    }

    fn run(&mut self) -> Result<Exit, Failure> {
        match self.converse() {
            // Whatever was under way has ended well, and was told: what is left to say is how to come back.
            Err(failure) if failure.is_stop() => {
                if self.progress.has_begun() {
                    self.say(&format!("\n{FAREWELL}"));
                } else {
                    self.say("\nStopped. Nothing was changed.");
                }
                let signals = &self.room.signals;
                Ok(if signals.stop().asked() {
                    signals.exit()
                } else {
                    Exit::Unfinished
                })
            }
            ended => ended,
        }
    }

    fn converse(&mut self) -> Result<Exit, Failure> {
        self.welcome()?;
        self.room.signals.say_at_leaving(FAREWELL);
        self.whose()?;
        self.which_program()?;
        while let Some(step) = self.progress.next_step().filter(|_| !self.files_kept) {
            match step {
                Step::Leave | Step::Stop => self.by_hand(step)?,
                Step::Create => self.set_up()?,
                Step::Copy => {
                    if let Some(exit) = self.copy()? {
                        return Ok(exit);
                    }
                }
                Step::Remove | Step::Delete => {
                    if let Some(exit) = self.take_out(step)? {
                        return Ok(exit);
                    }
                }
            }
        }
        self.goodbye();
        Ok(self.report.as_ref().map_or(Exit::Done, Exit::from))
    }

    fn program(&self) -> MailProgram {
        self.progress.program.unwrap_or(MailProgram::Other)
    }

    /// Forgets the answers, but not what was changed: it can still be put back.
    fn forget_answers(&mut self) {
        self.progress = Progress {
            changed: std::mem::take(&mut self.progress.changed),
            ..Progress::default()
        };
    }

    /// Notes what was answered, so that it need not be asked again.
    fn keep(&mut self) {
        if let Err(error) = self.progress.save(&self.base) {
            // The guide goes on; it only could not be left and taken up again.
            self.say(&format!(
                "!    Your answers cannot be kept on this computer ({error}). If you stop, they are asked again."
            ));
        }
    }

    fn finish(&mut self, step: Step, gate: Gate) {
        self.progress.finish(step, gate);
        self.keep();
        self.say(&format!("ok   Step {} is done", step.number()));
    }

    /// Where files for the person go.
    fn documents(&self) -> PathBuf {
        let home = self.home.as_ref();
        let documents = home.and_then(|home| home.documents.clone());
        documents
            .or_else(|| home.map(|home| home.home.clone()))
            .unwrap_or_else(|| self.base.clone())
    }

    /// Something to read, wrapped where it is one paragraph.
    fn say(&self, text: &str) {
        self.room.printer.say(text);
    }

    /// A paragraph.
    fn tell(&self, text: &str) {
        self.say(&format!("\n{}", wrap("", text)));
    }

    /// A file or folder, on a line of its own.
    fn show_path(&self, path: &Path) {
        self.say(&wrap("      ", &clean(&path.display().to_string())));
    }

    /// An empty line.
    fn gap(&self) {
        self.say("\n");
    }

    fn yes(&self, question: &str, enter: bool) -> Result<bool, Failure> {
        self.gap();
        let asker = &self.room.asker;
        match asker.yes_or_quit(&self.room.printer, question, enter)? {
            Some(answer) => Ok(answer),
            None => Err(Error::Stopped.into()),
        }
    }
}
