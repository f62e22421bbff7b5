//! A source made of folders, each of them one mbox file or directories of message files, and of whole sources inside it.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::error::{Error, Unreadable};
use crate::message::{FolderId, Item};
use crate::source::files;
use crate::source::part::Part;
use crate::source::{
    ByteLedger, Count, Damaged, Fault, Kind, Oddity, Remark, Scanned, Source, SourceFolder, Stamp,
};

/// A source that lies inside another, such as a profile in a backup.
pub(crate) struct Guest {
    /// The source.
    pub source: Box<dyn Source>,
    /// The names of the directories down to it.
    pub at: Vec<String>,
}

/// The messages of several folders.
pub(crate) struct Folders {
    kind: Kind,
    label: String,
    path: PathBuf,
    parts: Vec<(SourceFolder, PathBuf, Part)>,
    guests: Vec<Guest>,
    /// The folders of guests by their numbers here, from the last part's on. They
    /// grow during a scan: Takeout's labels are known only then.
    guest_folders: Mutex<GuestFolders>,
    /// What stands where mail should be, and was found before any message was read.
    lost: Vec<Damaged>,
    /// What lies among its folders and may be mail in another form.
    strays: Vec<PathBuf>,
    remarks: Mutex<BTreeSet<(PathBuf, u64, Oddity)>>,
    bytes: OnceLock<u64>,
}

/// The folders of all guests, each with its guest's number.
#[derive(Default)]
struct GuestFolders {
    list: Vec<(usize, FolderId)>,
    /// Where each stands in the list: this is asked for every message.
    places: HashMap<(usize, FolderId), usize>,
}

impl GuestFolders {
    /// Where a folder stands; at the end, if it is new.
    fn place(&mut self, guest: usize, folder: FolderId) -> usize {
        *self.places.entry((guest, folder)).or_insert_with(|| {
            self.list.push((guest, folder));
            self.list.len() - 1
        })
    }
}

impl Folders {
    /// A source without folders yet.
    pub fn new(kind: Kind, label: String, path: &Path) -> Folders {
        Folders {
            kind,
            label,
            path: path.into(),
            parts: Vec::new(),
            guests: Vec::new(),
            guest_folders: Mutex::default(),
            lost: Vec::new(),
            strays: Vec::new(),
            remarks: Mutex::default(),
            bytes: OnceLock::new(),
        }
    }

    /// Adds a folder whose messages lie at `place`. All folders are added before the first guest.
    pub fn add(&mut self, folder: SourceFolder, place: &Path, part: Part) -> FolderId {
        self.parts.push((folder, place.into(), part));
        id(self.parts.len() - 1)
    }

    /// Adds sources that lie inside this one.
    pub fn add_guests(&mut self, guests: Vec<Guest>) {
        self.guests = guests;
        for (index, guest) in self.guests.iter().enumerate() {
            for folder in 0..guest.source.folders().len() {
                self.number(index, id(folder));
            }
        }
    }

    /// Notes a place where mail should be and can't be read.
    pub fn lose(&mut self, damaged: Damaged) {
        self.lost.push(damaged);
    }

    /// Notes a file or directory that may be mail in another form.
    pub fn stray(&mut self, path: PathBuf) {
        self.strays.push(path);
    }

    /// What may be mail in another form, for whoever knows the other forms.
    pub fn take_strays(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.strays)
    }

    /// Notes something odd.
    pub fn remark(&self, remark: Remark) {
        held(&self.remarks).insert((remark.path, remark.at, remark.what));
    }

    /// Whether nothing was found that should be mail and can't be read.
    pub fn has_lost_nothing(&self) -> bool {
        self.lost.is_empty()
    }

    /// Sets what it is, once all of it is known.
    pub fn set_kind(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// Itself, unless there is nothing in it.
    ///
    /// # Errors
    /// [`Error::Source`] where no folder was found.
    pub fn unless_empty(self) -> Result<Folders, Error> {
        if !self.parts.is_empty() || !self.guests.is_empty() {
            return Ok(self);
        }
        let (why, detail) = match self.lost.first() {
            Some(lost) => (unreadable(lost.fault), lost.detail.clone()),
            None => (Unreadable::NotMail, "no mail was found in it".to_string()),
        };
        Err(Error::Source {
            path: self.path,
            why,
            detail,
        })
    }

    /// The number here of a guest's folder.
    fn number(&self, guest: usize, folder: FolderId) -> FolderId {
        let mut known = held(&self.guest_folders);
        id(self.parts.len() + known.place(guest, folder))
    }

    fn scan_guest<'a>(&'a self, index: usize, guest: &'a Guest) -> Items<'a> {
        let here = move |scanned: Scanned| match scanned {
            Ok(item) => Ok(Item {
                folder: self.number(index, item.folder),
                ..item
            }),
            Err(damaged) => Err(Damaged {
                folder: self.number(index, damaged.folder),
                ..damaged
            }),
        };
        match guest.source.scan() {
            Ok(items) => Box::new(items.map(here)),
            Err(error) => {
                let error = io::Error::other(error.to_string());
                let folder = self.number(index, id(0));
                let lost = files::unreadable(guest.source.path(), folder, &error);
                Box::new(std::iter::once(Err(lost)))
            }
        }
    }
}

type Items<'a> = Box<dyn Iterator<Item = Scanned> + Send + 'a>;

impl Source for Folders {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn label(&self) -> String {
        self.label.clone()
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn folders(&self) -> Vec<SourceFolder> {
        let own = self.parts.iter().map(|(folder, ..)| folder.clone());
        let guests: Vec<Vec<SourceFolder>> = (self.guests.iter())
            .map(|guest| guest.source.folders())
            .collect();
        let known = held(&self.guest_folders);
        let theirs = known.list.iter().filter_map(|(index, folder)| {
            let at = &self.guests.get(*index)?.at;
            let folder = guests.get(*index)?.get(folder.0 as usize)?;
            Some(SourceFolder {
                path: at.iter().chain(&folder.path).cloned().collect(),
                // Below other directories, a folder is no longer the Inbox of all.
                role: folder.role.filter(|_| at.is_empty()),
                ..folder.clone()
            })
        });
        own.chain(theirs).collect()
    }

    fn counts(&self) -> Result<Vec<Count>, Error> {
        let mut counts: Vec<Count> = (self.parts.iter())
            .map(|(_, _, part)| part.count())
            .collect();
        for (index, guest) in self.guests.iter().enumerate() {
            for (folder, count) in guest.source.counts()?.into_iter().enumerate() {
                let at = self.number(index, id(folder)).0 as usize;
                counts.resize(counts.len().max(at + 1), Count::default());
                if let Some(slot) = counts.get_mut(at) {
                    *slot = count;
                }
            }
        }
        for lost in &self.lost {
            if let Some(count) = counts.get_mut(lost.folder.0 as usize) {
                count.messages += 1;
                count.damaged += 1;
            }
        }
        Ok(counts)
    }

    fn bytes(&self) -> u64 {
        *self.bytes.get_or_init(|| {
            let own = self.parts.iter().map(|(_, _, part)| part.bytes());
            let theirs = self.guests.iter().map(|guest| guest.source.bytes());
            own.chain(theirs).sum()
        })
    }

    fn scan(&self) -> Result<Items<'_>, Error> {
        let lost = self.lost.iter().cloned().map(Err);
        let own = (self.parts.iter().enumerate()).flat_map(|(index, (_, place, part))| {
            part.scan(place, id(index), |remark| self.remark(remark))
        });
        let theirs = (self.guests.iter().enumerate())
            .flat_map(|(index, guest)| self.scan_guest(index, guest));
        Ok(Box::new(lost.chain(own).chain(theirs)))
    }

    fn open(&self, item: &Item) -> io::Result<Box<dyn Read + Send>> {
        let at = item.folder.0 as usize;
        if let Some((_, _, part)) = self.parts.get(at) {
            return part.open(item);
        }
        let guest_folder = held(&self.guest_folders)
            .list
            .get(at - self.parts.len())
            .copied();
        let found =
            guest_folder.and_then(|(guest, folder)| Some((self.guests.get(guest)?, folder)));
        let Some((guest, folder)) = found else {
            return Err(io::Error::other("no folder of this number"));
        };
        guest.source.open(&Item {
            folder,
            ..item.clone()
        })
    }

    fn remember_in(&self, directory: &Path) {
        (self.parts.iter()).for_each(|(_, _, part)| part.remember_in(directory));
        (self.guests.iter()).for_each(|guest| guest.source.remember_in(directory));
    }

    fn is_remembered(&self) -> bool {
        (self.parts.iter()).any(|(_, _, part)| part.is_remembered())
            || (self.guests.iter()).any(|guest| guest.source.is_remembered())
    }

    fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::default();
        for (_, place, part) in &self.parts {
            part.stamp(place, &mut stamp);
        }
        for lost in &self.lost {
            stamp.add_file(&lost.origin.path());
        }
        for guest in &self.guests {
            stamp.add(guest.source.stamp());
        }
        stamp
    }

    fn remarks(&self) -> Vec<Remark> {
        let own = held(&self.remarks).clone();
        let own = (own.into_iter()).map(|(path, at, what)| Remark { path, at, what });
        let own = own.chain(self.parts.iter().flat_map(|(_, _, part)| part.remarks()));
        let theirs = self.guests.iter().flat_map(|guest| guest.source.remarks());
        own.chain(theirs).collect()
    }

    fn ledger(&self) -> Option<ByteLedger> {
        let own = self.parts.iter().filter_map(|(_, _, part)| part.ledger());
        let theirs = self.guests.iter().filter_map(|guest| guest.source.ledger());
        own.chain(theirs).reduce(|mut all, one: ByteLedger| {
            all.add(&one);
            all
        })
    }
}

fn id(index: usize) -> FolderId {
    FolderId(u32::try_from(index).unwrap_or(u32::MAX))
}

/// Nothing is left half done under these locks, so a panic elsewhere spoils nothing.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why nothing can be read where this is the only thing found.
fn unreadable(fault: Fault) -> Unreadable {
    match fault {
        Fault::Empty => Unreadable::Empty,
        Fault::NotAllowed => Unreadable::NotAllowed,
        Fault::Device => Unreadable::Device,
        Fault::Changed => Unreadable::Changed,
        Fault::NotMail => Unreadable::Unsupported,
        Fault::Compression | Fault::SpecialFile | Fault::Parser => Unreadable::NotMail,
    }
}
