//! Steps 4 and 6, which open only on a proof, and the last page.

use spectrum_migrate::amount::messages;
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
        let kept = self.report.as_ref().map_or(0, |report| report.counts.kept);
        let where_it_is = if kept == 0 {
            "All of your mail is on the server".to_string()
        } else {
            format!(
                "All of your mail is on the server, but for {} in the storage folder on this computer. All of it",
                messages(kept)
            )
        };
        self.tell(&format!(
            "{where_it_is} {} compared, message by message. It is safe to go on. Switching the old account off, instead \
             of removing it, is just as good.",
            if kept == 0 { "and was" } else { "was" }
        ));
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
        self.tell(
            "Now look into your mail on spectrum.net, or into the new account in your mail program: your old \
             folders are there. New mail arrives there by itself.",
        );
        if let Some(receipt) = &self.progress.receipt {
            self.say("\nYour receipt");
            self.say(&wrap("      ", &clean(&receipt.display().to_string())));
        }
        self.say(&format!("\n{}", page::phones()));
    }
}
