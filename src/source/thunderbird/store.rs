//! The folders of one account: `X` is a folder, as a file or as a Maildir, and `X.sbd` holds what lies below it.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::names::{FolderCache, folder_name};
use crate::message::{FolderId, Origin};
use crate::source::files;
use crate::source::folders::Folders;
use crate::source::maildir::{Maildir, layout};
use crate::source::marks::TagNames;
use crate::source::part::Part;
use crate::source::roles::well_known;
use crate::source::sniff::{self, Content};
use crate::source::walk::{self, Entry, Root, What};
use crate::source::{Damaged, Fault, Oddity, Remark, Role, SourceFolder};

/// What the folders of all accounts of a profile share.
#[derive(Default)]
pub(crate) struct Shared {
    /// The names of tags.
    pub tags: Arc<TagNames>,
    /// The names of folders.
    pub cache: FolderCache,
    /// Folders that the settings give a role, by their addresses.
    pub special: Vec<(Role, String)>,
}

/// The folders above one, from the top down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Above {
    /// As people see them.
    names: Vec<String>,
    /// As their files are called.
    files: Vec<String>,
}

impl Above {
    fn with(&self, name: String, file: &str) -> Above {
        let mut below = self.clone();
        below.names.push(name);
        below.files.push(file.to_string());
        below
    }
}

/// Reads the folder tree of one account.
pub(crate) struct Store<'a> {
    shared: &'a Shared,
    folders: &'a mut Folders,
    root: Arc<Root>,
    account: Option<Arc<str>>,
    /// `mailbox://user@host`
    address: &'a str,
}

impl<'a> Store<'a> {
    /// The store in this directory.
    ///
    /// # Errors
    /// The directory can't be reached.
    pub fn new(
        shared: &'a Shared,
        folders: &'a mut Folders,
        directory: &Path,
        account: Option<Arc<str>>,
        address: &'a str,
    ) -> io::Result<Store<'a>> {
        let root = Arc::new(Root::new(directory)?);
        Ok(Store {
            shared,
            folders,
            root,
            account,
            address,
        })
    }

    /// Adds the folders in a directory, below the folder of these names and files.
    pub fn read(&mut self, directory: &Path, above: &Above, depth: usize) {
        let listed = self.root.list(directory).and_then(|entries| {
            let deep = || io::Error::other("directories nest too deeply here");
            (depth <= walk::DEEPEST).then_some(entries).ok_or_else(deep)
        });
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                let lost = files::unreadable(directory, FolderId(0), &error);
                return self.folders.lose(lost);
            }
        };
        let all: BTreeSet<String> = entries.iter().map(Entry::text).collect();
        for entry in &entries {
            let file = entry.text();
            match (file.strip_suffix(".sbd"), &entry.what) {
                (_, What::Barred(fault, why)) if !is_own(&file) || file.ends_with(".sbd") => {
                    self.lose(directory, entry, *fault, why);
                }
                // It may be there without the folder's own file.
                (Some(folder), What::Directory) => {
                    let (name, _) = folder_name(&self.shared.cache, directory, folder);
                    let below = above.with(name, folder);
                    self.read(&directory.join(&entry.name), &below, depth + 1);
                }
                (None, What::Directory | What::File(_)) => {
                    let summary = all.contains(&format!("{file}.msf"));
                    if summary || !is_own(&file) {
                        let known = summary || all.contains(&format!("{file}.sbd"));
                        self.folder(directory, entry, known, above);
                    }
                }
                _ => {}
            }
        }
    }

    /// Adds the folder that an entry is, if it is one.
    fn folder(&mut self, directory: &Path, entry: &Entry, known: bool, above: &Above) {
        let place = directory.join(&entry.name);
        let part = if entry.is_file() {
            match sniff::file(&place) {
                Err(error) => {
                    let words = error.to_string();
                    return self.lose(directory, entry, walk::fault(&error), &words);
                }
                Ok(Content::Mbox | Content::Takeout | Content::Empty) => true,
                Ok(Content::Message | Content::Unsupported(_)) if !known => {
                    return self.folders.stray(place);
                }
                // Thunderbird lists it, so its person sees it, whatever a crash left on top.
                Ok(_) => known,
            }
            .then(|| Part::thunderbird(&place, &self.shared.tags))
        } else {
            let entries = self.root.list(&place).unwrap_or_default();
            layout::is_maildir(&entries).then(|| {
                let tags = &self.shared.tags;
                Part::files(Maildir::of_thunderbird(self.root.clone(), &place, tags))
            })
        };
        let Some(part) = part else {
            if entry.what == What::Directory {
                return self.folders.stray(place);
            }
            return self.remark(&place, Oddity::ForeignFile);
        };
        let file = entry.text();
        let (name, certain) = folder_name(&self.shared.cache, directory, &file);
        if !certain {
            self.remark(&place, Oddity::NameUnknown);
        }
        let own = above.with(name, &file);
        let folder = SourceFolder {
            role: self.role(&own.files),
            path: own.names,
            account: self.account.clone(),
        };
        self.folders.add(folder, &place, part);
    }

    /// By the settings, else by the name of the file: that is the same in every language.
    fn role(&self, files: &[String]) -> Option<Role> {
        let address = format!("{}/{}", self.address, files.join("/"));
        let special = &self.shared.special;
        let named = special.iter().find(|(_, folder)| *folder == address);
        match (named, files) {
            (Some((role, _)), _) => Some(*role),
            (None, [file]) => well_known(file),
            (None, _) => None,
        }
    }

    fn remark(&self, path: &Path, what: Oddity) {
        let path = path.into();
        self.folders.remark(Remark { path, at: 0, what });
    }

    fn lose(&mut self, directory: &Path, entry: &Entry, fault: Fault, words: &str) {
        self.folders.lose(Damaged {
            folder: FolderId(0),
            origin: Origin {
                place: directory.into(),
                file: Some(entry.name.clone().into()),
                start: 0,
                length: 0,
            },
            fault,
            detail: words.into(),
        });
    }
}

/// Whether this is one of the files that Thunderbird keeps beside the folders, by its name.
fn is_own(file: &str) -> bool {
    let starts = [".", "#"];
    let endings = [
        "~", ".msf", ".dat", ".snm", ".toc", ".sbd", ".html", ".log", ".json", ".sqlite",
        ".mozmsgs", ".js", ".lock", ".tmp",
    ];
    let lower = file.to_ascii_lowercase();
    starts.iter().any(|start| file.starts_with(start))
        || endings.iter().any(|ending| lower.ends_with(ending))
}
