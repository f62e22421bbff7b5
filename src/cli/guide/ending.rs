//! Steps 4 and 6, which open only on a proof, and the last page.

use spectrum_migrate::Error;
use spectrum_migrate::amount::messages;
use spectrum_migrate::guide::words::Removing;
use spectrum_migrate::guide::{Gate, Step};
use spectrum_migrate::source;

use super::steps::is_done;
use super::{Guide, page};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::layout::wrap;
use crate::cli::settings_card;

impl Guide<'_> {
    /// Steps 4 and 6. Whoever comes back later has everything compared once more first. `Some`: how the run ends.
    pub(super) fn take_out(&mut self, step: Step) -> Result<Option<Exit>, Failure> {
        if step == Step::Delete && self.opened.is_none() && self.old_files_are_gone() {
            let question =
                "The old mail files are not in their place any more. Did you remove them?";
            if self.yes(question, false)? {
                self.finish(step, Gate::Told);
                return Ok(None);
            }
        }
        if self.opened.is_some() && self.old_mail_changed() {
            self.tell("Your old mail has changed since it was compared, so it is compared again.");
            self.opened = None;
        }
        if self.opened.is_none() {
            self.tell(&format!(
                "Step {} is about removing things, so first all of your mail is compared with the server once more.",
                step.number()
            ));
            // Whatever comes of it counts now.
            self.progress.done.retain(|done| done.step != Step::Copy);
            self.keep();
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
            self.tell(
                "Better wait a month with this. The old files are the only second copy you have on this computer.",
            );
            self.never_remove();
            self.where_the_files_are();
            opened.delete()
        };
        self.say(&page::clicks(self.program().name(), &page));
        self.tell("This program removes nothing itself.");
        if step == Step::Delete {
            self.keep_or_delete()?;
            return Ok(None);
        }
        self.tell("If you would rather leave this step for another day, type q.");
        self.ask_done(Some(page))?;
        self.finish(step, Gate::Told);
        Ok(None)
    }

    /// Whoever follows the advice has nothing to do in step 6 for now.
    fn keep_or_delete(&mut self) -> Result<(), Failure> {
        let question = "What about the old files? [Enter means: I keep them for now; d: I have removed them; q stops \
                        here]";
        loop {
            self.gap();
            let answer = self.room.asker.line(&self.room.printer, question)?;
            match answer.to_lowercase().as_str() {
                "" => {
                    self.files_kept = true;
                    self.keep();
                    self.say("ok   Step 6 can wait. Look at it again in a month.");
                    return Ok(());
                }
                "d" => {
                    self.finish(Step::Delete, Gate::Told);
                    return Ok(());
                }
                "q" | "quit" => return Err(Error::Stopped.into()),
                _ => {
                    self.say("Please press Enter to keep them, or type d if you have removed them.")
                }
            }
        }
    }

    /// The storage folder is the one place of what it holds, besides the old files.
    fn never_remove(&self) {
        let Some(folder) = self
            .progress
            .storage
            .as_ref()
            .filter(|_| self.progress.kept > 0)
        else {
            return;
        };
        let (number, is) = (
            self.progress.kept,
            if self.progress.kept == 1 { "is" } else { "are" },
        );
        self.say(&format!(
            "\n{}",
            wrap(
                "!    ",
                &format!(
                    "{} {is} NOT on the server. Keep this folder for good, and a copy of it on a USB stick:",
                    messages(number)
                )
            )
        ));
        self.show_path(folder);
    }

    fn removing(&self) {
        let seen = self.evidence();
        if !seen.pop.is_empty() && !is_done(Step::Leave, &seen) {
            self.show(Step::Leave, &seen);
        }
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
            self.show_path(path);
        }
    }

    /// Whether there is mail that was not part of the comparison, or other mail than that.
    fn old_mail_changed(&self) -> bool {
        self.stamps
            .iter()
            .any(|(path, then)| match source::open(path) {
                Ok(now) => !then.changes(&now.stamp()).is_empty(),
                Err(_) => true,
            })
    }

    fn old_files_are_gone(&self) -> bool {
        let sources = &self.progress.sources;
        !sources.is_empty() && sources.iter().all(|path| !path.exists())
    }

    /// The last page: phones, and where to look.
    pub(super) fn goodbye(&self) {
        self.say(if self.files_kept {
            "\n\nAll steps are done, but for the old files, which you keep for now."
        } else {
            "\n\nAll six steps are done."
        });
        self.tell(
            "Now look into your mail on spectrum.net, or into the new account in your mail program: your old \
             folders are there. New mail arrives there by itself.",
        );
        if let Some(receipt) = &self.progress.receipt {
            self.say("\nYour receipt");
            self.show_path(receipt);
        }
        self.never_remove();
        if let Some(email) = &self.progress.email {
            self.say(&format!("\n{}", settings_card::for_guide(email)));
        }
        self.say(&format!("\n{}", page::phones()));
    }
}
