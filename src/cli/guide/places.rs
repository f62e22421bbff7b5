//! Where the old mail is: what is found on this computer, what the person adds, and what can't be read.

use std::path::{Path, PathBuf};

use spectrum_migrate::Error;
use spectrum_migrate::guide::MailProgram;
use spectrum_migrate::guide::evidence::Evidence;
use spectrum_migrate::source;
use spectrum_migrate::source::find::{Found, find};
use spectrum_migrate::transfer::plan::PlannedSource;

use super::Guide;
use crate::cli::failure::Failure;
use crate::cli::find::{self, Place};
use crate::cli::layout::{clean, wrap};
use crate::cli::words;

/// The places whose mail is copied, and the mail that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// To be copied.
    pub chosen: Vec<PathBuf>,
    /// Mail of this computer that this program can't read.
    pub unreadable: Vec<String>,
    /// Accounts whose mail was not read, each with its directory.
    pub unread: Vec<(String, PathBuf)>,
    /// Accounts whose mail may be anywhere, and of which the person does not say that it is copied.
    pub unsure: Vec<String>,
}

impl Guide<'_> {
    /// The mail programs that have mail here.
    pub(super) fn programs_here(&self) -> Vec<MailProgram> {
        self.everywhere()
            .iter()
            .filter_map(|found| {
                found
                    .kind
                    .map_or_else(|| by_name(&found.label), MailProgram::of)
            })
            .collect()
    }

    /// Asks which mail is to be copied; what was answered the last time is taken again, if it is still there.
    pub(super) fn places(&mut self, seen: &Evidence) -> Result<Places, Failure> {
        let mut chosen = self.flags.source.clone();
        if chosen.is_empty() {
            chosen.clone_from(&self.progress.sources);
            self.vanished(&mut chosen)?;
        }
        let here = self.everywhere();
        if chosen.is_empty() {
            self.tell("Looking for mail on this computer.");
            let mut places = find::look(self.room, &here);
            places.retain(|place| match &place.holds {
                Ok(count) => count.messages > 0,
                Err(_) => true,
            });
            chosen = self.choose(&mut places)?;
        }
        // The program may be started anywhere the next time.
        for path in &mut chosen {
            *path = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        }
        self.left_out(&here, &mut chosen)?;
        self.progress.sources.clone_from(&chosen);
        self.keep();
        let unreadable = self.unreadable(&here)?;
        let unsure = self.unsure(seen)?;
        Ok(Places {
            unreadable,
            unsure,
            chosen,
            ..Places::default()
        })
    }

    /// What was chosen and is not there: a drive that is not plugged in, or something that is gone.
    fn vanished(&mut self, chosen: &mut Vec<PathBuf>) -> Result<(), Failure> {
        let gone: Vec<PathBuf> = chosen
            .iter()
            .filter(|path| !path.exists())
            .cloned()
            .collect();
        for path in gone {
            let shown = clean(&path.display().to_string());
            let question =
                format!("{shown} is not there now. If it is on a drive, plug it in. Look again?");
            while !path.exists() && self.yes(&question, true)? {}
            if path.exists() {
                continue;
            }
            if self.yes(&format!("Go on without the mail in {shown}?"), false)? {
                chosen.retain(|one| *one != path);
                self.progress.unwanted.push(path);
            } else {
                return Err(Error::Stopped.into());
            }
        }
        Ok(())
    }

    /// Mail that can't be read, unless the person needs none of it.
    fn unreadable(&mut self, here: &[Found]) -> Result<Vec<String>, Failure> {
        let mut unreadable = Vec::new();
        for found in here {
            let opens = found.readable() && source::open(&found.path).is_ok();
            let unwanted = self
                .progress
                .unwanted
                .iter()
                .any(|path| same(path, &found.path));
            if opens || unwanted {
                continue;
            }
            let question = format!(
                "This program cannot read {}. Do you need mail that is in it?",
                clean(&label(found))
            );
            if self.yes(&question, true)? {
                unreadable.push(label(found));
            } else {
                self.progress.unwanted.push(found.path.clone());
                self.keep();
            }
        }
        Ok(unreadable)
    }

    /// Accounts that do not tell where their mail is.
    fn unsure(&self, seen: &Evidence) -> Result<Vec<String>, Failure> {
        let mut unsure = Vec::new();
        for account in seen.pop.iter().filter(|account| account.mail.is_none()) {
            let question = format!(
                "The account {} of {} does not tell where its mail is. Is all of its mail in the places above?",
                clean(&account.name),
                clean(&account.program)
            );
            if !self.yes(&question, false)? {
                unsure.push(account.name.clone());
            }
        }
        Ok(unsure)
    }

    /// What was found and not chosen is asked about once: nobody shall lose mail by a number not typed.
    fn left_out(&mut self, here: &[Found], chosen: &mut Vec<PathBuf>) -> Result<(), Failure> {
        for found in here.iter().filter(|found| found.readable()) {
            let known = |path: &PathBuf| same(path, &found.path);
            let unwanted = &self.progress.unwanted;
            if chosen.iter().any(known) || unwanted.iter().any(known) || !has_mail(&found.path) {
                continue;
            }
            let question = format!(
                "There is more mail: {}. Copy it, too?",
                clean(&label(found))
            );
            if self.yes(&question, true)? {
                chosen.push(found.path.clone());
            } else {
                self.progress.unwanted.push(found.path.clone());
            }
        }
        Ok(())
    }

    fn everywhere(&self) -> Vec<Found> {
        self.home.as_ref().map_or_else(Vec::new, find)
    }

    fn choose(&self, places: &mut Vec<Place>) -> Result<Vec<PathBuf>, Failure> {
        loop {
            let readable: Vec<PathBuf> = places
                .iter()
                .filter(|place| place.holds.is_ok())
                .map(|place| place.found.path.clone())
                .collect();
            self.say(&find::screen(places, self.room.printer.look.plain));
            self.gap();
            let question = if readable.is_empty() {
                "No old mail was found in the usual places. If it is in a file or folder, drag that into this window \
                 (or type its name) and press Enter; q stops:"
            } else {
                "Which ones? Type their numbers, or the name of a file or folder to add; Enter takes all of them, q stops:"
            };
            let answer = self.room.asker.line(&self.room.printer, question)?;
            match answer.as_str() {
                "q" | "Q" => return Err(Error::Stopped.into()),
                "" if readable.is_empty() => continue,
                "" => return Ok(readable),
                _ => {}
            }
            if let Some(numbers) = crate::cli::prompt::numbers(&answer, readable.len()) {
                let path = |at: usize| readable.get(at).cloned();
                return Ok(numbers.into_iter().filter_map(path).collect());
            }
            if answer
                .chars()
                .all(|c| c.is_ascii_digit() || " ,;-".contains(c))
            {
                self.say(&wrap(
                    "!    ",
                    &format!("The numbers in the list go up to {}.", readable.len()),
                ));
                continue;
            }
            match source::open(&dragged(&answer)) {
                Ok(added) => {
                    places.extend(find::look(self.room, &[find::found(added.as_ref())]));
                }
                Err(error) => {
                    let words = words::error_words(&error, Default::default());
                    self.say(&wrap(
                        "!    ",
                        &format!("{}: {}", clean(&answer), words.what),
                    ));
                }
            }
        }
    }
}

fn label(found: &Found) -> String {
    format!("{} ({})", found.label, found.path.display())
}

/// Accounts of whose mail nothing was read, with its directory; those that hold no mail don't count.
pub(super) fn unread(seen: &Evidence, sources: &[PlannedSource]) -> Vec<(String, PathBuf)> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let read: Vec<PathBuf> = sources
        .iter()
        .flat_map(|source| source.stamp.paths())
        .map(real)
        .collect();
    let accounts = seen.pop.iter().filter_map(|account| {
        let mail = account.mail.clone()?;
        let below = real(&mail);
        let is_read = read.iter().any(|path| path.starts_with(&below));
        let may_hold_mail = || has_mail(&mail) || mail.exists() && source::open(&mail).is_err();
        (!is_read && may_hold_mail()).then(|| (account.name.clone(), mail))
    });
    accounts.collect()
}

/// Whether a place can be opened and has at least one message.
fn has_mail(path: &Path) -> bool {
    let counts = source::open(path).and_then(|source| source.counts());
    counts.is_ok_and(|counts| counts.iter().any(|count| count.messages > 0))
}

/// A name as terminals write it when a file is dragged into them: in quotes, or with a backslash before each blank.
fn dragged(answer: &str) -> PathBuf {
    let plain = PathBuf::from(answer.trim_matches(['"', '\'']));
    if plain.exists() || cfg!(windows) {
        return plain;
    }
    let mut name = String::new();
    let mut chars = answer.chars();
    while let Some(c) = chars.next() {
        name.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    name.into()
}

/// Whether two paths mean one place.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    real(one) == real(other)
}

/// By the label of a place that this program sees and can't read.
fn by_name(label: &str) -> Option<MailProgram> {
    if label.contains("Live Mail") || label.contains("Outlook Express") {
        Some(MailProgram::WindowsLiveMail)
    } else if label.contains("Outlook") {
        Some(MailProgram::Outlook)
    } else if label.contains("Apple Mail") {
        Some(MailProgram::AppleMail)
    } else if label.contains("eM Client") {
        Some(MailProgram::EmClient)
    } else {
        None
    }
}
