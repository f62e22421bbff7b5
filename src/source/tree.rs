//! A directory tree with mail in any of the forms we know: each directory and file is recognised by its content.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Unreadable};
use crate::message::{FolderId, Origin};
use crate::source::eml::{self, Eml, Sorted};
use crate::source::files;
use crate::source::folders::{Folders, Guest};
use crate::source::maildir::{Maildir, layout};
use crate::source::mbox;
use crate::source::mh::{self, Mh};
use crate::source::part::Part;
use crate::source::roles::well_known;
use crate::source::sniff;
use crate::source::takeout::TakeoutSource;
use crate::source::thunderbird;
use crate::source::walk::{self, Entry, Root, What};
use crate::source::{Damaged, Fault, Kind, Oddity, Remark, Source, SourceFolder};

/// Opens all mail in a directory and below it.
///
/// # Errors
/// [`Error::Source`] where there is none, or the directory can't be read.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, Error> {
    let root = Root::new(path).map_err(|error| super::refused(path, &error))?;
    let top = path.file_name().or_else(|| root.path().file_name());
    let top = top.map_or_else(|| "Mail".into(), |name| name.to_string_lossy().into_owned());
    let mut walk = Walk {
        folders: Folders::new(Kind::Mixed, top.clone(), path),
        root: Arc::new(root),
        top,
        kinds: Vec::new(),
        named: HashMap::new(),
        guests: Vec::new(),
        lost: Vec::new(),
        without_mail: None,
    };
    walk.visit(path, &[], 0);
    walk.finish()
}

struct Walk {
    root: Arc<Root>,
    /// The name of the tree's own directory.
    top: String,
    folders: Folders,
    kinds: Vec<Kind>,
    /// The last folder so far of each directory, by the directory's names.
    named: HashMap<Vec<String>, FolderId>,
    guests: Vec<Guest>,
    lost: Vec<(Vec<String>, Damaged)>,
    /// What a source inside said that has no mail.
    without_mail: Option<Error>,
}

impl Walk {
    fn visit(&mut self, directory: &Path, names: &[String], depth: usize) {
        if depth > walk::DEEPEST {
            let error = io::Error::other("directories nest too deeply here");
            return self.lose_directory(directory, names, &error);
        }
        let entries = match self.root.list(directory) {
            Ok(entries) => entries,
            Err(error) => return self.lose_directory(directory, names, &error),
        };
        if let Some(opened) = thunderbird::recognise(directory, &entries) {
            self.invite(directory, names, opened.source);
            for stray in opened.strays {
                self.stray(directory, names, &stray, depth);
            }
            return;
        }
        let maildir = layout::is_maildir(&entries);
        if is_dbox(&entries) {
            self.lose(directory, names, None, Fault::NotMail, DBOX);
        } else if maildir {
            let part = Part::files(Maildir::new(self.root.clone(), directory));
            let name = self.own_name(names, &entries);
            self.add(name, directory, names, Kind::Maildir, part);
            let mut beside = eml::sort(directory, &entries, false);
            // The notes of its program lie here too.
            (beside.others).retain(|entry| matches!(entry.what, What::Barred(..)));
            self.sorted_files(directory, names, &entries, beside, false);
        } else {
            self.files(directory, names, &entries);
        }
        let evolution = layout::is_evolution(&entries);
        for entry in entries.iter().filter(|entry| entry.what == What::Directory) {
            let child = directory.join(&entry.name);
            if let Some(below) = self.below(&child, &entry.text(), maildir, evolution) {
                let names: Vec<String> = names.iter().cloned().chain(below).collect();
                self.visit(&child, &names, depth + 1);
            }
        }
    }

    /// Looks at what lies among Thunderbird's folders in this directory and is none of them.
    fn stray(&mut self, directory: &Path, names: &[String], place: &Path, depth: usize) {
        let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
            return;
        };
        let text = |name: &OsStr| name.to_string_lossy().into_owned();
        let above = parent.strip_prefix(directory).unwrap_or(Path::new(""));
        let above = above.iter().map(text);
        let mut names: Vec<String> = (names.iter().cloned())
            .chain(above.map(|name| name.trim_end_matches(".sbd").to_string()))
            .collect();
        let what = self.root.look(place);
        if what == What::Directory {
            if let Some(below) = self.below(place, &text(name), false, false) {
                names.extend(below);
                self.visit(place, &names, depth + 1);
            }
            return;
        }
        let name = name.to_os_string();
        let mut sorted = eml::sort(parent, &[Entry { name, what }], false);
        for message in std::mem::take(&mut sorted.messages) {
            let part = Part::files(Eml::single(self.root.clone(), parent, &message.name));
            let own = self.own_name(&names, &[]);
            self.add(own, parent, &names, Kind::Eml, part);
        }
        self.other_files(parent, &names, sorted);
    }

    /// Takes in a source that lies inside. One without any mail is no loss.
    fn invite(
        &mut self,
        directory: &Path,
        names: &[String],
        opened: Result<Box<dyn Source>, Error>,
    ) {
        let at = names.to_vec();
        match opened {
            Ok(source) => self.guests.push(Guest { source, at }),
            Err(
                error @ Error::Source {
                    why: Unreadable::NotMail | Unreadable::Empty,
                    ..
                },
            ) => self.without_mail = Some(error),
            Err(error) => {
                let words = io::Error::other(error.to_string());
                self.lose_directory(directory, names, &words);
            }
        }
    }

    /// The names that a directory adds to those above it; `None` where no mail is looked for in it.
    fn below(
        &self,
        child: &Path,
        name: &str,
        maildir: bool,
        evolution: bool,
    ) -> Option<Vec<String>> {
        if (maildir && layout::is_own(name)) || name == "dbox-Mails" {
            return None;
        }
        if let Some(folder) = layout::kmail(name) {
            return Some(vec![folder.to_string()]);
        }
        if name.starts_with('.') {
            if layout::is_maildir(&self.root.list(child).unwrap_or_default()) {
                let names = layout::dotted(name, evolution);
                return Some(names.unwrap_or_else(|| vec![name.to_string()]));
            }
            return HIDDEN.contains(&name).then(|| vec![name.to_string()]);
        }
        // Apple Mail exports a folder as a directory with one mbox file in it.
        let bundle = name.strip_suffix(".mbox").filter(|_| self.is_bundle(child));
        Some(vec![layout::plain(bundle.unwrap_or(name))])
    }

    fn is_bundle(&self, directory: &Path) -> bool {
        matches!(self.root.look(&directory.join("mbox")), What::File(_))
    }

    /// The names of a directory's own folder. The root of a Maildir is the inbox.
    fn own_name(&self, names: &[String], entries: &[Entry]) -> Vec<String> {
        if !names.is_empty() {
            return names.to_vec();
        }
        let dotted = |entry: &Entry| {
            entry.what == What::Directory && layout::dotted(&entry.text(), false).is_some()
        };
        let usual = ["maildir", ".maildir", "mail"];
        let is_root = usual.contains(&self.top.to_lowercase().as_str());
        if layout::is_maildir(entries) && (is_root || entries.iter().any(dotted)) {
            return vec!["Inbox".into()];
        }
        let names = layout::dotted(&self.top, layout::is_evolution(entries));
        names.unwrap_or_else(|| vec![self.top.clone()])
    }

    /// Adds the files of a directory that is no Maildir.
    fn files(&mut self, directory: &Path, names: &[String], entries: &[Entry]) {
        let is_mh = mh::is_mh(directory, entries);
        if is_mh {
            let part = Part::files(Mh::new(self.root.clone(), directory));
            let name = self.own_name(names, entries);
            self.add(name, directory, names, Kind::Mh, part);
        }
        let sorted = eml::sort(directory, entries, is_mh);
        self.sorted_files(directory, names, entries, sorted, is_mh);
    }

    fn sorted_files(
        &mut self,
        directory: &Path,
        names: &[String],
        entries: &[Entry],
        sorted: Sorted,
        is_mh: bool,
    ) {
        if !sorted.messages.is_empty() {
            let part = Part::files(Eml::new(self.root.clone(), directory, is_mh));
            let name = self.own_name(names, entries);
            self.add(name, directory, names, Kind::Eml, part);
        }
        self.other_files(directory, names, sorted);
    }

    fn other_files(&mut self, directory: &Path, names: &[String], sorted: Sorted) {
        for entry in sorted.mboxes {
            let place = directory.join(&entry.name);
            let bundle =
                entry.name == "mbox" && directory.extension().is_some_and(|end| end == "mbox");
            let own = (!bundle || names.is_empty()).then(|| mbox::folder_name(&place));
            let path = names.iter().cloned().chain(own).collect();
            self.add(path, &place, names, Kind::Mbox, Part::mbox(&place));
        }
        for entry in sorted.exports {
            let place = directory.join(&entry.name);
            let opened =
                TakeoutSource::open(&place).map(|source| Box::new(source) as Box<dyn Source>);
            // Gmail's labels are names from the top down, wherever the file lies.
            self.invite(&place, &[], opened);
        }
        for (entry, words) in sorted.unsupported {
            if words == sniff::ZIP && !is_mail_archive(&entry.text()) {
                self.foreign(directory, &entry);
                continue;
            }
            let words = format!("{words}; this form is not read yet");
            self.lose(directory, names, Some(&entry), Fault::NotMail, &words);
        }
        for entry in sorted.others {
            match entry.what {
                // There may be mail behind it.
                What::Barred(fault, why) if fault != Fault::SpecialFile || why == walk::OUTSIDE => {
                    self.lose(directory, names, Some(&entry), fault, why);
                }
                _ => self.foreign(directory, &entry),
            }
        }
    }

    fn foreign(&self, directory: &Path, entry: &Entry) {
        self.folders.remark(Remark {
            path: directory.join(&entry.name),
            at: 0,
            what: Oddity::ForeignFile,
        });
    }

    fn add(&mut self, path: Vec<String>, place: &Path, names: &[String], kind: Kind, part: Part) {
        let role = (path.len() == 1).then(|| path.first().and_then(|name| well_known(name)));
        let folder = SourceFolder {
            path,
            account: None,
            role: role.flatten(),
        };
        let id = self.folders.add(folder, place, part);
        self.named.insert(names.to_vec(), id);
        if !self.kinds.contains(&kind) {
            self.kinds.push(kind);
        }
    }

    fn lose_directory(&mut self, directory: &Path, names: &[String], error: &io::Error) {
        let damaged = files::unreadable(directory, FolderId(0), error);
        self.lost.push((names.to_vec(), damaged));
    }

    fn lose(
        &mut self,
        directory: &Path,
        names: &[String],
        entry: Option<&Entry>,
        fault: Fault,
        words: &str,
    ) {
        let length = entry.map_or(0, |entry| match entry.what {
            What::File(facts) => facts.length,
            _ => 0,
        });
        let origin = Origin {
            place: directory.into(),
            file: entry.map(|entry| entry.name.clone().into()),
            start: 0,
            length,
        };
        let damaged = Damaged {
            folder: FolderId(0),
            origin,
            fault,
            detail: words.into(),
        };
        self.lost.push((names.to_vec(), damaged));
    }

    fn finish(mut self) -> Result<Box<dyn Source>, Error> {
        for (names, mut damaged) in std::mem::take(&mut self.lost) {
            // It is counted with the folder it lies in, or the nearest above that.
            let mut above = (0..=names.len()).rev().filter_map(|up| names.get(..up));
            let nearest = above.find_map(|names| self.named.get(names));
            damaged.folder = nearest.copied().unwrap_or(FolderId(0));
            self.folders.lose(damaged);
        }
        let alone = self.kinds.is_empty() && self.folders.has_lost_nothing();
        if alone && self.guests.len() == 1 {
            // Nothing else is in the tree, so its folders need not lie below others.
            return Ok(self.guests.remove(0).source);
        }
        if let Some(error) = self
            .without_mail
            .filter(|_| alone && self.guests.is_empty())
        {
            return Err(error);
        }
        for guest in &self.guests {
            if !self.kinds.contains(&guest.source.kind()) {
                self.kinds.push(guest.source.kind());
            }
        }
        if let [kind] = self.kinds.as_slice() {
            self.folders.set_kind(*kind);
        }
        self.folders.add_guests(self.guests);
        Ok(Box::new(self.folders.unless_empty()?))
    }
}

/// Hidden directories of a home that mail programs keep mail in. Others hold no mail, or none of the person's.
const HIDDEN: [&str; 6] = [
    ".thunderbird",
    ".mozilla-thunderbird",
    ".icedove",
    ".betterbird",
    ".evolution",
    ".claws-mail",
];

/// Whether a packed file of this name holds mail: Gmail's export, or Outlook for Mac's.
fn is_mail_archive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("takeout") || name.ends_with(".olm")
}

/// What is said of mail in Dovecot's own forms.
const DBOX: &str =
    "mail in Dovecot's own form (dbox), which is not read; let Dovecot convert it to Maildir first";

/// Whether Dovecot keeps mail here in one of its dbox formats.
fn is_dbox(entries: &[Entry]) -> bool {
    let marks = ["dbox-Mails", "dovecot.map.index"];
    (entries.iter()).any(|entry| marks.iter().any(|mark| entry.name == *mark))
}

#[cfg(test)]
mod tests;
