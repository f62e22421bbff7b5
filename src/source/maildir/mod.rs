//! One folder of a Maildir: a file a message, its flags in the file's name.

pub(crate) mod layout;
mod name;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::message::{Conversions, Keyword, Keywords, MailDate, Standing};
use crate::source::files::{self, Leaf, MessageFiles, Told};
use crate::source::marks::{Marks, TagNames};
use crate::source::walk::{self, Facts, Root, What};
use crate::source::{Oddity, Remark};
use name::Name;

/// The messages in `cur` and `new` of a directory.
pub(crate) struct Maildir {
    root: Arc<Root>,
    directories: Vec<Arc<Path>>,
    /// Dovecot's keywords, by their letters `a` to `z`.
    letters: Vec<Option<Keyword>>,
    /// Thunderbird's tags, where the messages are its own: then the flags are in their headers.
    tags: Option<TagNames>,
}

impl Maildir {
    /// The folder at this directory.
    pub fn new(root: Arc<Root>, directory: &Path) -> Maildir {
        let own = |name: &str| {
            let path = directory.join(name);
            (root.look(&path) == What::Directory).then(|| Arc::from(path))
        };
        let (cur, new) = (own("cur"), own("new"));
        // Thunderbird makes no `new`; an empty `tmp` is lost where a program packs the folders.
        let named = |cur: &Arc<Path>| {
            let first = std::fs::read_dir(cur).ok()?.flatten().next()?;
            Some(first.file_name().as_encoded_bytes().ends_with(b".eml"))
        };
        let by_name = || cur.as_ref().and_then(named) == Some(true);
        let thunderbird = new.is_none() && (own("tmp").is_some() || by_name());
        Maildir {
            directories: cur.into_iter().chain(new).collect(),
            letters: letters(directory),
            tags: thunderbird.then(TagNames::default),
            root,
        }
    }

    /// A folder that Thunderbird keeps, with the names that people gave to its tags.
    pub fn of_thunderbird(root: Arc<Root>, directory: &Path, tags: &TagNames) -> Maildir {
        Maildir {
            tags: Some(tags.clone()),
            ..Maildir::new(root, directory)
        }
    }

    fn told(&self, name: &Name, facts: Option<Facts>) -> Told {
        let forwarded = Keyword::new("$Forwarded", "$Forwarded").filter(|_| name.passed);
        let letters = name.letters.iter().filter_map(|letter| {
            let index = usize::from(letter.checked_sub(b'a')?);
            self.letters.get(index)?.clone()
        });
        // Thunderbird names and writes the file when it fetches or moves the mail.
        let modified = facts.map(|facts| facts.modified).filter(|time| *time > 0);
        let written = modified.map(|seconds| MailDate { seconds, offset: 0 });
        Told {
            flags: name.flags,
            keywords: Keywords::new(forwarded.into_iter().chain(letters).collect()),
            standing: if name.trashed {
                Standing::Marked
            } else {
                Standing::Live
            },
            date: (name.delivered.or(written)).filter(|_| self.tags.is_none()),
        }
    }
}

impl MessageFiles for Maildir {
    fn leaves(&self) -> io::Result<(Vec<Leaf>, Vec<Remark>)> {
        let (mut leaves, mut remarks) = (Vec::new(), Vec::new());
        for place in &self.directories {
            let entries = match self.root.list(place) {
                Ok(entries) => entries,
                // The other directory may well be readable.
                Err(error) => {
                    leaves.push(Leaf::lost(place, &error));
                    continue;
                }
            };
            for entry in entries {
                if entry.is_hidden() {
                    continue;
                }
                let facts = match entry.what {
                    What::File(facts) => Ok(facts),
                    What::Barred(fault, why) => Err((fault, why.to_string())),
                    What::Directory | What::Shortcut => {
                        remarks.push(Remark {
                            path: place.join(&entry.name),
                            at: 0,
                            what: Oddity::ForeignFile,
                        });
                        continue;
                    }
                };
                let name = Name::read(&entry.name);
                leaves.push(Leaf {
                    place: place.clone(),
                    file: entry.name.into(),
                    told: self.told(&name, facts.as_ref().ok().copied()),
                    facts,
                });
            }
        }
        // The names begin with the time, so that old mail comes first.
        leaves.sort_by(|a, b| a.file.cmp(&b.file));
        Ok((leaves, remarks))
    }

    fn wanted(&self) -> Conversions {
        let wanted = files::WANTED;
        if self.tags.is_some() {
            wanted.union(Conversions::MOZILLA_HEADERS)
        } else {
            wanted
        }
    }

    fn asks_header(&self) -> bool {
        self.tags.is_some()
    }

    fn read_header(&self, header: &[u8], told: &mut Told) {
        let marks = self
            .tags
            .as_ref()
            .and_then(|tags| Marks::mozilla(header, tags));
        if let Some(marks) = marks {
            told.flags = told.flags.union(marks.flags);
            told.keywords = told.keywords.union(&marks.keywords);
            if told.standing == Standing::Live {
                told.standing = marks.standing;
            }
        }
    }
}

/// Reads `dovecot-keywords`: lines of a number and a name; number 0 is the letter `a`.
fn letters(directory: &Path) -> Vec<Option<Keyword>> {
    let mut letters = vec![None; 26];
    let file = walk::read_small(&directory.join("dovecot-keywords"));
    for line in String::from_utf8_lossy(&file).lines() {
        let Some((number, name)) = line.split_once(' ') else {
            continue;
        };
        let slot = number
            .parse::<usize>()
            .ok()
            .and_then(|index| letters.get_mut(index));
        if let Some(slot) = slot {
            *slot = Keyword::new(name, name).or_else(|| Keyword::from_label(name));
        }
    }
    letters
}

#[cfg(test)]
mod tests;
