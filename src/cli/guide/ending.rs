//! Steps 4 and 6, which open only on a proof, and the last page.

use spectrum_migrate::guide::words::Removing;
use spectrum_migrate::guide::{Gate, Step};

use super::{Guide, page};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::layout::{clean, wrap};

impl Guide<'_> {
    /// Steps 4 and 6. Whoever comes back later has everything compared once more first. `Some`: how the run ends.
    pub(super) fn take_out(&mut self, step: Step) -> Result<Option<Exit>, Failure> {
        if step == Step::Delete && self.opened.is_none() && self.old_files_are_gone() {
            self.tell("The old mail files are not on this computer any more, so there is nothing left to do in step 6.");
            self.finish(step, Gate::Checked("the files are gone".into()));
            return Ok(None);
        }
        if self.opened.is_none() {
            self.tell(&format!(
                "Step {} removes something, so first all of your mail is compared with the server once more.",
                step.number()
            ));
            if let Some(exit) = self.copy()? {
                return Ok(Some(exit));
            }
        }
        let Some(opened) = self.opened else {
            return Ok(Some(Exit::Unfinished));
        };
        self.say(&page::head(step));
        let page = if step == Step::Remove {
            self.removing();
            opened.remove()
        } else {
            self.tell("Better wait a month with this. The old files are the only second copy you have on this computer.");
            self.where_the_files_are();
            opened.delete()
        };
        self.say(&page::clicks(self.program().name(), &page));
        self.tell("This program removes nothing itself. If you would rather leave it for another day, type q.");
        self.ask_done(Some(page))?;
        self.finish(step, Gate::Told);
        Ok(None)
    }

    fn removing(&self) {
        match self.program().removing() {
            Removing::KeepsMail(words) => self.say(&format!("\n{}", wrap("     ", words))),
            Removing::MayRemoveMail(words) => self.say(&format!("\n{}", wrap("!    ", words))),
        }
        self.tell("All of your mail is on the server and was compared, message by message. It is safe to go on. Switching the old account off, instead of removing it, is just as good.");
        self.where_the_files_are();
    }

    fn where_the_files_are(&self) {
        self.say("\nYour old mail is here, and was not touched:");
        for path in &self.progress.sources {
            self.say(&wrap("      ", &clean(&path.display().to_string())));
        }
    }

    fn old_files_are_gone(&self) -> bool {
        let sources = &self.progress.sources;
        !sources.is_empty() && sources.iter().all(|path| !path.exists())
    }

    /// The last page: phones, and where to look.
    pub(super) fn goodbye(&self) {
        self.say("\n\nAll six steps are done.");
        self.tell("Now look into your mail on spectrum.net, or into the new account in your mail program: your old folders are there. New mail arrives there by itself.");
        if let Some(path) = self.receipt() {
            self.say(&path);
        }
        self.say(&format!("\n{}", page::phones()));
    }

    fn receipt(&self) -> Option<String> {
        None
    }
}
