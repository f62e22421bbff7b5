//! The first screen: what this is, and where the person stopped the last time.

use spectrum_migrate::amount::count;
use spectrum_migrate::guide::{MailProgram, Progress, Step};

use super::Guide;
use crate::cli::failure::Failure;
use crate::cli::layout::{clean, wrap};
use spectrum_migrate::Error;

impl Guide<'_> {
    /// Says what this is, and asks whether to begin, or where to go on.
    pub(super) fn welcome(&mut self) -> Result<(), Failure> {
        let other = (self.flags.email.as_ref())
            .zip(self.progress.email.as_ref())
            .is_some_and(|(now, then)| !now.eq_ignore_ascii_case(then));
        if other {
            // The answers are those of somebody else, whose place is kept until this one has one.
            self.forget_answers();
        }
        self.say(&title());
        if self.progress.has_begun() {
            self.say(&format!("\n{}\n", stopped(&self.progress)));
            self.gap();
            let from = match self.progress.next_step() {
                Some(step) => format!("1  Go on with step {}", step.number()),
                None => "1  See the last page again".into(),
            };
            self.say(&from);
            self.say(&wrap(
                "2  ",
                "Start over (what is copied is recognised, and not sent twice)",
            ));
            let changed = !self.progress.changed.is_empty();
            if changed {
                self.say(&wrap(
                    "3  ",
                    "Put back what was changed in the settings of Thunderbird",
                ));
            }
            self.gap();
            let count = if changed { 3 } else { 2 };
            let chosen = self
                .room
                .asker
                .choice(&self.room.printer, "Your choice", count, 0)?;
            if chosen == 2 {
                self.room.signals.say_at_leaving(super::FAREWELL);
                self.put_back()?;
                return Err(Error::Stopped.into());
            }
            if chosen == 0 {
                self.flags.email = self.flags.email.take().or(self.progress.email.clone());
                return Ok(());
            }
            self.forget_answers();
            self.keep();
        }
        self.say(&text());
        if self.yes("Start?", true)? {
            Ok(())
        } else {
            Err(Error::Stopped.into())
        }
    }

    /// The mail program the person uses, asked once.
    pub(super) fn which_program(&mut self) -> Result<(), Failure> {
        if self.progress.program.is_some() {
            return Ok(());
        }
        let found = self.programs_here();
        self.tell("Which mail program have you been using for this address?");
        self.gap();
        for (at, program) in MailProgram::ALL.iter().enumerate() {
            let seen = if found.contains(program) {
                "   (found here)"
            } else {
                ""
            };
            self.say(&format!("{:>3}  {}{seen}", at + 1, choice(*program)));
        }
        self.gap();
        let usual = MailProgram::ALL
            .iter()
            .position(|program| found.contains(program))
            .unwrap_or(MailProgram::ALL.len() - 1);
        let chosen = self.room.asker.choice(
            &self.room.printer,
            "Its number:",
            MailProgram::ALL.len(),
            usual,
        )?;
        self.progress.program = MailProgram::ALL.get(chosen).copied();
        self.keep();
        Ok(())
    }
}

/// A program's name in the list to choose from.
fn choice(program: MailProgram) -> &'static str {
    match program {
        MailProgram::Outlook => "Outlook (classic)",
        MailProgram::NewOutlook => "Outlook (the new one, with a switch at the top)",
        MailProgram::Other => "Another one, or I do not know",
        program => program.name(),
    }
}

fn title() -> String {
    let title = "Spectrum mail: from POP to IMAP";
    let name = format!("spectrum-migrate {}", env!("CARGO_PKG_VERSION"));
    let width = crate::cli::layout::width();
    let gap = (width - 2).saturating_sub(title.len());
    if gap > name.len() {
        format!("{title}{name:>gap$}\n")
    } else {
        format!("{title}\n{name}\n")
    }
}

fn text() -> String {
    let paragraphs = [
        "This moves you from the old way of getting mail (POP: kept on this computer) to the new one (IMAP: kept on \
         Spectrum's server, the same on every device). It takes Spectrum's six steps. Your old mail is copied to the \
         server and checked before you are asked to remove anything.",
        "One thing is done in another order than on Spectrum's page: there, removing the old account (step 4) comes \
         before saving your mail (step 5). In some mail programs the mail goes with the account, so here step 5 comes \
         before step 4.",
        "Nothing on this computer is deleted by this program, and nothing in your mail program is changed without \
         asking you first. You can stop at any time with Ctrl-C and start again later.",
        "You will need your Spectrum email address and its password. This program never asks you to call anyone.",
    ];
    let wrapped: Vec<String> = paragraphs.iter().map(|text| wrap("", text)).collect();
    format!("\n{}", wrapped.join("\n\n"))
}

fn stopped(progress: &Progress) -> String {
    let when = progress.when.map_or(String::new(), |when| {
        let local = when.to_zoned_datetime(jiff::tz::TimeZone::system());
        format!(" on {}", local.strftime("%A, %-d %B, at %H:%M"))
    });
    let whose = progress
        .email
        .as_deref()
        .map_or(String::new(), |email| format!(" for {}", clean(email)));
    let where_ = match progress.next_step() {
        Some(Step::Copy) => match progress.copied {
            Some((done, of)) => format!("step 5, {} of {} messages copied", count(done), count(of)),
            None => "step 5, copying your mail".into(),
        },
        Some(step) => format!("step {}, {}", step.number(), lower(step.title())),
        None => "all six steps were done".into(),
    };
    wrap("", &format!("You stopped here{when}{whose}: {where_}."))
}

fn lower(title: &str) -> String {
    let mut chars = title.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
