//! Gmail's export by Google Takeout: an mbox whose messages carry their labels; each goes to one folder.

mod labels;

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::marks::Marks;
use super::mbox::{MboxFile, Shelf, Writer, folder_name, looks_like_mbox, read_head};
use super::{ByteLedger, Count, Kind, Remark, Role, Scanned, Source, SourceFolder, refused};
use crate::error::{Error, Unreadable};
use crate::header;
use crate::message::{Flags, FolderId, Item, Keyword, Keywords};
use labels::{Label, labels};

/// One file of an export. Its folders are known once its messages were looked at.
pub struct TakeoutSource {
    file: MboxFile,
    shelves: Shelves,
}

impl TakeoutSource {
    /// Opens an export's mbox file.
    ///
    /// # Errors
    /// [`Error::Source`] where nothing is there, it can't be read, or it is no export of Gmail.
    pub fn open(path: &Path) -> Result<TakeoutSource, Error> {
        let head = read_head(path).map_err(|error| refused(path, &error))?;
        if !looks_like_takeout(&head) {
            return Err(Error::Source {
                path: path.into(),
                why: Unreadable::NotMail,
                detail: "not a Gmail export".into(),
            });
        }
        Ok(TakeoutSource {
            file: MboxFile::new(path, Writer::Takeout, Arc::default()),
            shelves: Shelves::default(),
        })
    }
}

impl Source for TakeoutSource {
    fn kind(&self) -> Kind {
        Kind::Takeout
    }

    fn label(&self) -> String {
        folder_name(self.path())
    }

    fn path(&self) -> &Path {
        self.file.path()
    }

    fn folders(&self) -> Vec<SourceFolder> {
        self.shelves.table().folders.clone()
    }

    fn counts(&self) -> Result<Vec<Count>, Error> {
        let mut totals: Vec<Count> = Vec::new();
        self.file
            .count(&self.shelves, |folder, count| {
                let index = folder.0 as usize;
                if totals.len() <= index {
                    totals.resize(index + 1, Count::default());
                }
                if let Some(total) = totals.get_mut(index) {
                    total.add(&count);
                }
            })
            .map_err(|error| refused(self.path(), &error))?;
        totals.resize(self.shelves.table().folders.len(), Count::default());
        Ok(totals)
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }

    fn scan(&self) -> Result<Box<dyn Iterator<Item = Scanned> + Send + '_>, Error> {
        Ok(Box::new(self.file.items(&self.shelves)))
    }

    fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        self.file.open(item)
    }

    fn remarks(&self) -> Vec<Remark> {
        self.file.remarks()
    }

    fn ledger(&self) -> Option<ByteLedger> {
        Some(self.file.ledger())
    }
}

/// Whether a file that begins with these bytes is Gmail's: an mbox whose first message has Gmail's fields.
pub(crate) fn looks_like_takeout(head: &[u8]) -> bool {
    let start = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    let first = head.get(start..).unwrap_or_default();
    looks_like_mbox(head)
        && header::fields(first).any(|field| field.is("X-GM-THRID") || field.is("X-Gmail-Labels"))
}

/// The folders that the messages name, in the order they came up.
#[derive(Default)]
struct Shelves(Mutex<Table>);

#[derive(Default)]
struct Table {
    folders: Vec<SourceFolder>,
    places: HashMap<Place, FolderId>,
}

/// Gmail's folders are the same whatever the language; a person's own go by their names.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    Role(Role),
    Own(Vec<String>),
}

impl Shelves {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, place: Place, name: &str) -> FolderId {
        let mut table = self.table();
        if let Some(known) = table.places.get(&place) {
            return *known;
        }
        let id = FolderId(u32::try_from(table.folders.len()).unwrap_or(u32::MAX));
        let (path, role) = match &place {
            Place::Role(role) => (vec![name.to_string()], Some(*role)),
            Place::Own(path) => (path.clone(), None),
        };
        table.folders.push(SourceFolder {
            path,
            account: None,
            role,
        });
        table.places.insert(place, id);
        id
    }
}

impl Shelf for Shelves {
    /// One folder a message: that of Trash, Spam, Drafts or Sent if it has one (deleted mail stays deleted,
    /// whatever else it is); else the first label that the person made; else the inbox; else the archive.
    fn place(&self, header: &[u8], marks: &mut Marks) -> FolderId {
        let found = labels(header);
        // Gmail marks what is unread, and did so before it marked what was opened. So what
        // isn't unread was read; a message without any label tells nothing.
        if found
            .as_ref()
            .is_some_and(|labels| !labels.contains(&Label::Unread))
        {
            marks.flags.insert(Flags::SEEN);
        }
        let labels = found.unwrap_or_default();
        if labels.contains(&Label::Starred) {
            marks.flags.insert(Flags::FLAGGED);
        }
        let role = labels
            .iter()
            .filter_map(role_of)
            .min_by_key(|(rank, ..)| *rank);
        let mut own = labels.iter().filter_map(|label| match label {
            Label::Own(path) => Some(path),
            _ => None,
        });
        let folder = match role {
            Some((rank, role, name)) if rank < INBOX_RANK => {
                if role == Role::Drafts {
                    marks.flags.insert(Flags::DRAFT);
                }
                self.folder(Place::Role(role), name)
            }
            inbox => match (own.next(), inbox) {
                (Some(path), _) => self.folder(Place::Own(path.clone()), ""),
                (None, Some((_, role, name))) => self.folder(Place::Role(role), name),
                (None, None) => self.folder(Place::Role(Role::Archive), "Archive"),
            },
        };
        let set_by_programs = labels.iter().filter_map(|label| match label {
            Label::Keyword(atom) => Keyword::new(atom, atom),
            _ => None,
        });
        let keywords = own
            .filter_map(|path| Keyword::from_label(&path.join("/")))
            .chain(set_by_programs)
            .collect();
        marks.keywords = marks.keywords.union(&Keywords::new(keywords));
        folder
    }
}

const INBOX_RANK: u8 = 4;

/// How strong a claim on the message is, and whose it is.
fn role_of(label: &Label) -> Option<(u8, Role, &str)> {
    match label {
        Label::Trash(name) => Some((0, Role::Trash, name)),
        Label::Spam(name) => Some((1, Role::Junk, name)),
        Label::Drafts(name) => Some((2, Role::Drafts, name)),
        Label::Sent(name) => Some((3, Role::Sent, name)),
        Label::Inbox(name) => Some((INBOX_RANK, Role::Inbox, name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(dir: &Path, labels: &[&str]) -> TakeoutSource {
        let text: String = labels
            .iter()
            .enumerate()
            .map(|(n, labels)| {
                format!("From {n}@xxx Thu Nov 13 20:20:33 +0000 2025\r\nX-GM-THRID: {n}\r\nX-Gmail-Labels: {labels}\r\nSubject: {n}\r\n\r\n>From me\r\n\r\n")
            })
            .collect();
        let path = dir.join("All mail Including Spam and Trash.mbox");
        std::fs::write(&path, text).unwrap();
        TakeoutSource::open(&path).unwrap()
    }

    #[test]
    fn every_message_goes_to_one_folder_and_keeps_its_other_labels() {
        let dir = tempfile::tempdir().unwrap();
        let source = export(
            dir.path(),
            &[
                "Inbox,Opened,Starred",
                "Archived,Sent,Opened,Reise",
                "Inbox,Familie/Oma,Unread,Reise",
                "Sent,Trash,Opened",
                "Archived,Unread",
                "Drafts",
                "Posteingang,Familie/Oma",
            ],
        );
        let counts = source.counts().unwrap();
        let items: Vec<Item> = source.scan().unwrap().collect::<Result<_, _>>().unwrap();
        let folders = source.folders();
        assert_eq!(
            counts
                .iter()
                .map(|count| count.messages)
                .collect::<Vec<_>>(),
            [1, 1, 2, 1, 1, 1]
        );
        let seen: Vec<_> = items
            .iter()
            .map(|item| {
                let folder = &folders[item.folder.0 as usize];
                let tags: Vec<_> = item.keywords.iter().map(Keyword::name).collect();
                (
                    folder.path.join("/"),
                    folder.role,
                    item.flags,
                    tags.join(","),
                )
            })
            .collect();
        let row =
            |path: &str, role, flags, tags: &str| (path.to_string(), role, flags, tags.to_string());
        let seen_flag = Flags::SEEN;
        assert_eq!(
            seen,
            [
                row(
                    "Inbox",
                    Some(Role::Inbox),
                    seen_flag.union(Flags::FLAGGED),
                    ""
                ),
                row("Sent", Some(Role::Sent), seen_flag, "Reise"),
                row("Familie/Oma", None, Flags::NONE, "Reise"),
                row("Trash", Some(Role::Trash), seen_flag, ""),
                row("Archive", Some(Role::Archive), Flags::NONE, ""),
                row(
                    "Drafts",
                    Some(Role::Drafts),
                    seen_flag.union(Flags::DRAFT),
                    ""
                ),
                row("Familie/Oma", None, seen_flag, ""),
            ]
        );
        assert!(source.ledger().unwrap().balances());
        let mut bytes = String::new();
        source
            .open(&items[0])
            .unwrap()
            .read_to_string(&mut bytes)
            .unwrap();
        assert!(bytes.starts_with("X-GM-THRID: 0\r\n") && bytes.ends_with("\r\n\r\nFrom me\r\n"));
    }

    #[test]
    fn only_an_export_of_gmail_is_one() {
        assert!(looks_like_takeout(
            b"From 1@xxx Thu Nov 13 20:20:33 +0000 2025\nX-GM-THRID: 1\nX-Gmail-Labels: Inbox\n\n"
        ));
        assert!(!looks_like_takeout(
            b"From a@b Thu Nov 13 20:20:33 2025\nSubject: x\n\nX-GM-THRID: 1\n"
        ));
        assert!(!looks_like_takeout(
            b"X-GM-THRID: 1\nX-Gmail-Labels: Inbox\n\n"
        ));
    }
}
