//! Steps 1 and 2 done for the person in Thunderbird: the lines are shown first, and can be put back.

use spectrum_migrate::guide::Step;
use spectrum_migrate::guide::change::{self, Applied, Change, LineChange, Refused};
use spectrum_migrate::guide::evidence::{Evidence, Family, PopAccount, Running};

use super::Guide;
use crate::cli::failure::Failure;
use crate::cli::layout::{clean, wrap};

impl Guide<'_> {
    /// Offers to change the settings of Thunderbird's accounts of this address.
    pub(super) fn offer_change(&mut self, seen: &Evidence) -> Result<(), Failure> {
        if self.by_hand_rather {
            return Ok(());
        }
        let accounts = seen
            .pop
            .iter()
            .filter(|account| account.family == Family::Thunderbird);
        for account in accounts {
            let program = clean(&account.program);
            let question = format!(
                "Shall this program do steps 1 and 2 in {program} for you? You see each change first, and nothing is \
                 changed without your yes."
            );
            if !self.yes(&question, false)? {
                self.by_hand_rather = true;
                return Ok(());
            }
            self.change(account)?;
        }
        Ok(())
    }

    fn change(&mut self, account: &PopAccount) -> Result<(), Failure> {
        let program = clean(&account.program);
        while let Running::Yes(_) = account.running() {
            self.tell(&format!(
                "{program} is running. Close all of its windows first."
            ));
            if !self.yes("Look again?", true)? {
                return Ok(());
            }
        }
        match change::steps_one_and_two(account) {
            Ok(change) if change.lines().is_empty() => {
                self.tell("Nothing has to be changed.");
            }
            Ok(change) => {
                self.say(&format!("\n{}", shown(&change)));
                self.tell("Everything else in this file stays as it is, and a copy of the file is kept beside it.");
                if self.yes("Change these lines?", false)? {
                    self.apply(&change);
                } else {
                    self.tell("Nothing was changed.");
                }
            }
            Err(refused) => self.refused(&refused),
        }
        Ok(())
    }

    fn apply(&mut self, change: &Change) {
        match change.apply(jiff::ZonedDateTime::now().date()) {
            Ok(applied) => {
                let copy = applied.backup.display().to_string();
                self.say(&format!(
                    "ok   Changed. The file as it was is kept as\n     {}",
                    clean(&copy)
                ));
                self.progress.changed.push(applied);
                self.keep();
            }
            Err(refused) => self.refused(&refused),
        }
    }

    /// Puts back what was changed in a mail program, if the person wants that.
    pub(super) fn put_back(&mut self) -> Result<(), Failure> {
        let changed = std::mem::take(&mut self.progress.changed);
        // The last first: what was changed twice goes back to what it was before the first time.
        for applied in changed.into_iter().rev() {
            match change::back(&applied) {
                Ok(change) => {
                    self.say(&format!("\n{}", shown(&change)));
                    if self.yes("Put these lines back?", true)? {
                        match change.apply(jiff::ZonedDateTime::now().date()) {
                            Ok(_) => {
                                self.say("ok   The settings are as they were before.");
                                let reopened = |step| matches!(step, Step::Leave | Step::Stop);
                                self.progress.done.retain(|done| !reopened(done.step));
                                continue;
                            }
                            Err(Refused::NothingToChange) => continue,
                            Err(refused) => self.refused(&refused),
                        }
                    }
                    self.keep_in_mind(applied);
                }
                Err(refused) => {
                    self.refused(&refused);
                    self.keep_in_mind(applied);
                }
            }
        }
        self.keep();
        Ok(())
    }

    fn keep_in_mind(&mut self, applied: Applied) {
        self.progress.changed.insert(0, applied);
    }

    fn refused(&self, refused: &Refused) {
        let why = match refused {
            Refused::OtherProgram => "This program's settings cannot be changed from here.".into(),
            Refused::NothingToChange => "Everything is as it should be already.".into(),
            Refused::Running { .. } => {
                "It is running. Close all of its windows, and try again.".into()
            }
            Refused::ChangedMeanwhile => {
                "The settings were changed by something else just now. Please try again.".into()
            }
            Refused::Unclear { detail } => {
                format!(
                    "The settings file is not as expected ({}), so it is left alone.",
                    clean(detail)
                )
            }
            Refused::UserFile { path, name } => format!(
                "The file {} sets {} again at each start, so a change would not last.",
                clean(&path.display().to_string()),
                clean(name)
            ),
            Refused::System { path, error } => {
                format!(
                    "{}: {}",
                    clean(&path.display().to_string()),
                    clean(&error.to_string())
                )
            }
        };
        self.say(&wrap(
            "!    ",
            &format!("{why} Nothing was changed. Please do it by hand, as above."),
        ));
    }
}

fn shown(change: &Change) -> String {
    let mut lines: Vec<String> = change.lines().iter().filter_map(in_words).collect();
    if !lines.is_empty() {
        lines.insert(0, "What changes".into());
        lines.push(String::new());
    }
    lines.extend([
        "For the technically minded, the lines of the settings file:".to_string(),
        format!("      {}", clean(&change.settings().display().to_string())),
    ]);
    for LineChange { before, after, .. } in change.lines() {
        let text = |line: &Option<String>| {
            line.as_deref()
                .map_or("(no line: the program's own default)".into(), clean)
        };
        lines.push(wrap("      before  ", &text(before)));
        lines.push(wrap("      after   ", &text(after)));
    }
    lines.join("\n")
}

/// A change as the program's own settings page names it.
fn in_words(change: &LineChange) -> Option<String> {
    let after = change.after.as_deref()?;
    let names = [
        ("leave_on_server", "Leave messages on server"),
        (
            "delete_by_age_from_server",
            "Remove them from the server after some days",
        ),
        (
            "delete_mail_left_on_server",
            "Remove them from the server when deleted here",
        ),
        ("login_at_startup", "Check for new messages at startup"),
        ("check_new_mail", "Check for new messages every few minutes"),
        (
            "defer_get_new_mail",
            "Get messages together with another account",
        ),
    ];
    let (_, name) = names.iter().find(|(field, _)| after.contains(field))?;
    let state = if after.contains("true") { "on" } else { "off" };
    Some(wrap("      ", &format!("{name}: {state}")))
}
