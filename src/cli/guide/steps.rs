//! The steps that a person does in the mail program: what to click, and what its own settings say of it.

use spectrum_migrate::guide::evidence::{self, Evidence, Fetches, Leaves, PopAccount, Running};
use spectrum_migrate::guide::words::Page;
use spectrum_migrate::guide::{Gate, Step};

use super::{Guide, page};
use crate::cli::failure::Failure;
use crate::cli::layout::{clean, wrap};
use crate::cli::prompt::Word;

impl Guide<'_> {
    /// Steps 1 and 2.
    pub(super) fn by_hand(&mut self, step: Step) -> Result<(), Failure> {
        self.say(&page::head(step));
        let mut seen = self.evidence();
        self.show(step, &seen);
        if !is_done(step, &seen)
            && let Some(page) = self.program().page(step)
        {
            self.offer_change(&seen)?;
            seen = self.evidence();
            if !is_done(step, &seen) {
                self.say(&page::clicks(self.program().name(), &page));
                seen = self.wait_for(step, page)?;
            }
        }
        if step == Step::Stop {
            self.wait_until_closed(&seen)?;
        }
        let gate = if is_done(step, &seen) {
            Gate::Checked(sentences(step, &seen).join(" "))
        } else {
            Gate::Told
        };
        self.finish(step, gate);
        Ok(())
    }

    /// What the settings of mail programs say of this address.
    pub(super) fn evidence(&self) -> Evidence {
        let all = self.home.as_ref().map(evidence::look).unwrap_or_default();
        let email = self
            .progress
            .email
            .as_deref()
            .or(self.flags.user.as_deref());
        email.map_or(Evidence::default(), |email| all.of(email))
    }

    pub(super) fn show(&self, step: Step, seen: &Evidence) {
        if seen.pop.is_empty() {
            return;
        }
        self.say("\nWhat the settings on this computer say");
        let mark = if is_done(step, seen) {
            "ok   "
        } else {
            "!    "
        };
        for sentence in sentences(step, seen) {
            self.say(&wrap(mark, &sentence));
        }
    }

    /// Waits until it is done, as far as that can be seen; the person has the last word.
    fn wait_for(&self, step: Step, page: Page) -> Result<Evidence, Failure> {
        loop {
            self.ask_done(Some(page))?;
            let seen = self.evidence();
            if seen.pop.is_empty() || is_done(step, &seen) {
                return Ok(seen);
            }
            self.show(step, &seen);
            self.tell(
                "As far as this computer shows, it is not done yet. Some programs write their settings only when they \
                 are closed: close it, and look again.",
            );
            if self.yes("Go on all the same?", false)? {
                return Ok(seen);
            }
        }
    }

    /// Waits until the person says that it is done.
    pub(super) fn ask_done(&self, page: Option<Page>) -> Result<(), Failure> {
        let help = page.filter(|page| !page.more.is_empty());
        loop {
            self.gap();
            match self.room.asker.done(&self.room.printer, help.is_some())? {
                Word::Done => return Ok(()),
                Word::Help => {
                    if let Some(page) = &help {
                        self.say(&page::more(page));
                    }
                }
            }
        }
    }

    /// A program that is running might change its mail while it is copied.
    pub(super) fn wait_until_closed(&self, seen: &Evidence) -> Result<(), Failure> {
        for account in &seen.pop {
            while let Running::Yes(_) = account.running() {
                let program = clean(&account.program);
                self.say(&wrap(
                    "!    ",
                    &format!("{program} is still running. Close all of its windows."),
                ));
                if !self.yes(&format!("Look again whether {program} is closed?"), true)? {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Whether the settings show that a step is done in every account of the address.
pub(super) fn is_done(step: Step, seen: &Evidence) -> bool {
    let done = |account: &PopAccount| match step {
        Step::Leave => account.leaves == Leaves::Yes,
        Step::Stop => account.fetches == Fetches::No,
        _ => false,
    };
    !seen.pop.is_empty() && seen.pop.iter().all(done)
}

fn sentences(step: Step, seen: &Evidence) -> Vec<String> {
    let sentence = |account: &PopAccount| {
        let what = match step {
            Step::Leave => leaves(&account.leaves),
            _ => fetches(&account.fetches),
        };
        format!(
            "{}, account {}: {what}.",
            clean(&account.program),
            clean(&account.name)
        )
    };
    seen.pop.iter().map(sentence).collect()
}

fn leaves(leaves: &Leaves) -> String {
    match leaves {
        Leaves::Yes => "messages are left on the server".into(),
        Leaves::No => "messages are taken off the server when they are fetched".into(),
        Leaves::Unknown => "it cannot be seen whether messages are left on the server".into(),
        Leaves::Limited {
            days,
            until_deleted,
        } => {
            let mut limits = Vec::new();
            if let Some(days) = days {
                limits.push(format!("for {days} days only"));
            }
            if *until_deleted {
                limits.push("until you delete them here".into());
            }
            if limits.is_empty() {
                limits.push("for a while".into());
            }
            format!(
                "messages are left on the server, but {}",
                limits.join(", or ")
            )
        }
    }
}

fn fetches(fetches: &Fetches) -> String {
    match fetches {
        Fetches::No => "mail is not fetched by itself".into(),
        Fetches::Unknown => "it cannot be seen whether mail is fetched by itself".into(),
        Fetches::ByItself {
            at_start,
            repeatedly,
            minutes,
            along_with,
        } => {
            let mut times = Vec::new();
            if *at_start {
                times.push("when the program starts".to_string());
            }
            match minutes {
                Some(minutes) => times.push(format!("every {minutes} minutes")),
                None if *repeatedly => times.push("again and again".into()),
                None => {}
            }
            if let Some(other) = along_with {
                times.push(format!("together with the account {}", clean(other)));
            }
            format!("mail is fetched {}", times.join(" and "))
        }
    }
}
