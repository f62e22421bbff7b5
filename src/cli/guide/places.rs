//! Where the old mail is: what is found on this computer, what the person adds, and what can't be read.

use std::path::{Path, PathBuf};

use spectrum_migrate::guide::MailProgram;
use spectrum_migrate::source;
use spectrum_migrate::source::find::{Found, find};

use super::Guide;
use crate::cli::failure::Failure;
use crate::cli::find::{self, Place};
use crate::cli::layout::{clean, wrap};
use crate::cli::words;
use spectrum_migrate::Error;

/// The places whose mail is copied, and the mail that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// To be copied.
    pub chosen: Vec<PathBuf>,
    /// Mail of this computer that this program can't read.
    pub unreadable: Vec<String>,
    /// Mail that the person left out.
    pub left: Vec<String>,
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
    pub(super) fn places(&mut self) -> Result<Places, Failure> {
        let mut chosen = self.flags.source.clone();
        if chosen.is_empty() {
            chosen.clone_from(&self.progress.sources);
            chosen.retain(|path| path.exists());
        }
        let here = self.everywhere();
        if chosen.is_empty() {
            self.say("Looking for mail on this computer.");
            let mut places = find::look(self.room, &here);
            places.retain(|place| match &place.holds {
                Ok(count) => count.messages > 0,
                Err(_) => true,
            });
            chosen = self.choose(&mut places)?;
        }
        self.progress.sources.clone_from(&chosen);
        self.keep();
        let known = |found: &&Found| chosen.iter().any(|path| same(path, &found.path));
        let label = |found: &Found| format!("{} ({})", found.label, found.path.display());
        Ok(Places {
            unreadable: here
                .iter()
                .filter(|found| !found.readable())
                .map(label)
                .collect(),
            left: here
                .iter()
                .filter(|found| found.readable() && !known(found) && holds_mail(found))
                .map(label)
                .collect(),
            chosen,
        })
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
            let question = if readable.is_empty() {
                "Type the name of a file or folder with old mail, or q to stop:"
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
            match source::open(Path::new(answer.trim_matches('"'))) {
                Ok(added) => {
                    let found = Found {
                        kind: Some(added.kind()),
                        label: added.label(),
                        path: added.path().into(),
                        note: None,
                    };
                    places.extend(find::look(self.room, &[found]));
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

fn holds_mail(found: &Found) -> bool {
    let counts = source::open(&found.path).and_then(|source| source.counts());
    counts.map_or(true, |counts| counts.iter().any(|count| count.messages > 0))
}

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
