//! The journal: append-only, intent before and receipt after, and readable after a crash at any byte.
//!
//! It speeds a second run up and is a receipt; the authority is the server. One JSON object a line, whose last
//! field is a CRC-32 of the bytes before it. What each record means stands at `Record`.

pub mod disk;
mod past;
mod record;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::message::{Digest, Item};
pub use disk::{Disk, FileDisk};
pub use past::{Doubt, Known, Past};
use record::{Found, Record};

/// What the fuzz targets look into.
#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub(crate) use super::record::{line, parse};

    /// Reads a journal of these bytes; whether it can be used.
    pub(crate) fn look(content: &[u8]) -> bool {
        super::past::look(Box::new(content), "a").is_ok()
    }
}

/// A wanted message: its folder on the server as it goes over the wire, the hash of its upload bytes,
/// and which of several equal ones it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemKey<'a> {
    /// The folder's name on the wire.
    pub folder: &'a str,
    /// Hash of the upload bytes.
    pub bytes: Digest,
    /// 0 but for `--keep-duplicates`.
    pub copy: u16,
}

/// The journal's number for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemNo(pub u64);

/// A journal that is open for writing; nobody else can open it meanwhile.
pub struct Journal<D: Disk> {
    disk: D,
    path: PathBuf,
    next: u64,
    /// Numbers of the items that earlier runs recorded are in the past; these are this run's.
    numbers: HashMap<(u32, Digest, u16), u64>,
    folders: HashMap<String, u32>,
    known_numbers: HashMap<(u32, Digest, u16), u64>,
    scans: HashMap<String, (u32, u64)>,
    unsynced: bool,
    broken: Option<String>,
}

impl Journal<FileDisk> {
    /// Opens the journal of an account in its directory, which is made if it is missing.
    ///
    /// # Errors
    /// [`Error::Busy`] while another run has it, [`Error::Journal`] where it can't be read or written or
    /// belongs to another account or a newer version of the program.
    pub fn open(directory: &Path, account: &str) -> Result<(Journal<FileDisk>, Past), Error> {
        let disk = FileDisk::open(directory)?;
        let path = disk.path().to_path_buf();
        Journal::start(disk, path, account)
    }
}

impl<D: Disk> Journal<D> {
    /// Reads what earlier runs left on a disk, and begins a new run.
    ///
    /// # Errors
    /// As for [`Journal::open`].
    pub fn start(mut disk: D, path: PathBuf, account: &str) -> Result<(Journal<D>, Past), Error> {
        let fail = |detail: String| Error::Journal {
            path: path.clone(),
            detail,
        };
        let mut past =
            past::load(&mut disk, account).map_err(|trouble| fail(trouble.to_string()))?;
        let mut journal = Journal {
            next: past.next_number(),
            known_numbers: past.take_numbers(),
            folders: past.folder_numbers(),
            scans: past.scans(),
            disk,
            path,
            numbers: HashMap::new(),
            unsynced: false,
            broken: None,
        };
        let id = random_id();
        journal.write(&Record::Run {
            v: record::VERSION,
            id,
            account: account.into(),
            tool: env!("CARGO_PKG_VERSION").into(),
        })?;
        journal.sync()?;
        Ok((journal, past))
    }

    /// The number of a message; a new one is recorded with where it lies and who it is. `bytes` is the whole hash of
    /// its bytes, where it was just read.
    ///
    /// # Errors
    /// [`Error::Journal`], as for everything here that writes.
    pub fn message(
        &mut self,
        key: ItemKey<'_>,
        item: &Item,
        bytes: Option<&[u8; 32]>,
    ) -> Result<ItemNo, Error> {
        let folder = self.folder_number(key.folder);
        let id = (folder, key.bytes, key.copy);
        if let Some(number) = self
            .numbers
            .get(&id)
            .or_else(|| self.known_numbers.get(&id))
        {
            return Ok(ItemNo(*number));
        }
        let number = self.next;
        self.next += 1;
        let identity = &item.identity;
        self.write(&Record::Item {
            i: number,
            src: item.origin.path().display().to_string(),
            loc: item.origin.start.to_string(),
            f: key.folder.into(),
            hu: bytes.map_or_else(|| identity.bytes.to_string(), |whole| hex(whole)),
            hid: identity.content.to_string(),
            hc: identity.summary.to_string(),
            sz: item.size,
            copy: key.copy,
        })?;
        self.numbers.insert(id, number);
        Ok(ItemNo(number))
    }

    /// What was found in a folder, as one record: it commits itself. Nothing is written where the journal says so already.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn scan(
        &mut self,
        folder: &str,
        uid_validity: u32,
        found: &[(ItemNo, u32)],
    ) -> Result<(), Error> {
        let count = found.len() as u64;
        if self.scans.get(folder) == Some(&(uid_validity, count)) {
            return Ok(());
        }
        let found = found
            .iter()
            .map(|(item, uid)| Found(item.0, *uid, "match".into()))
            .collect();
        self.write(&Record::Scan {
            f: folder.into(),
            v: uid_validity,
            found,
        })?;
        self.scans.insert(folder.into(), (uid_validity, count));
        self.sync()
    }

    /// These messages of one folder are about to be sent. [`Journal::sync`] must follow before the first byte is.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn intent(
        &mut self,
        items: &[ItemNo],
        uid_validity: u32,
        uid_next: u32,
        at: u64,
    ) -> Result<(), Error> {
        let i = items.iter().map(|item| item.0).collect();
        self.write(&Record::Intent {
            i,
            v: uid_validity,
            n: uid_next,
            at,
        })
    }

    /// The server confirmed a message.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn done(&mut self, item: ItemNo, uid: Option<u32>) -> Result<(), Error> {
        self.write(&Record::Done { i: item.0, uid })
    }

    /// The server refused a message, or no byte of it was sent after all.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn refused(&mut self, item: ItemNo, class: &str, text: &str) -> Result<(), Error> {
        self.write(&Record::Refused {
            i: item.0,
            class: class.into(),
            text: text.into(),
        })
    }

    /// A message was found on the server after copying.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn verified(&mut self, item: ItemNo, uid: Option<u32>, how: &str) -> Result<(), Error> {
        self.write(&Record::Verified {
            i: item.0,
            uid,
            how: how.into(),
        })
    }

    /// The run came to its end.
    ///
    /// # Errors
    /// [`Error::Journal`]
    pub fn end(&mut self, result: &str, lost: u64, dup: u64) -> Result<(), Error> {
        self.write(&Record::End {
            result: result.into(),
            lost,
            dup,
        })?;
        self.sync()
    }

    /// Makes sure that everything written is on the disk.
    ///
    /// # Errors
    /// [`Error::Journal`]. It is not tried again: a failed sync may have dropped what it should have saved.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.check()?;
        if std::mem::take(&mut self.unsynced) {
            self.disk
                .sync()
                .map_err(|error| self.fail(error.to_string()))?;
        }
        Ok(())
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        self.check()?;
        let line = record::line(record).map_err(|error| self.fail(error.to_string()))?;
        self.unsynced = true;
        self.disk
            .append(&line)
            .map_err(|error| self.fail(error.to_string()))
    }

    /// A journal that failed once is not written again.
    fn check(&self) -> Result<(), Error> {
        match &self.broken {
            None => Ok(()),
            Some(detail) => Err(Error::Journal {
                path: self.path.clone(),
                detail: detail.clone(),
            }),
        }
    }

    fn fail(&mut self, detail: String) -> Error {
        self.broken = Some(detail.clone());
        Error::Journal {
            path: self.path.clone(),
            detail,
        }
    }

    fn folder_number(&mut self, folder: &str) -> u32 {
        let next = self.folders.len() as u32;
        match self.folders.get(folder) {
            Some(number) => *number,
            None => {
                self.folders.insert(folder.into(), next);
                next
            }
        }
    }
}

/// The directory of an account below the state directory: its name with everything that a file system
/// may refuse, or read as a path, written as a number.
pub fn account_dir(base: &Path, account: &str) -> PathBuf {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@._-".contains(&byte);
    let mut name = String::from("account-");
    for byte in account.bytes() {
        if plain(byte) {
            name.push(byte as char);
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
    }
    base.join(name)
}

/// Where this program keeps its journals unless told otherwise; `None` where the system names no such place.
pub fn default_state_dir() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "spectrum-migrate")?;
    Some(
        dirs.state_dir()
            .unwrap_or_else(|| dirs.data_local_dir())
            .to_path_buf(),
    )
}

/// Whether there is a journal in this directory.
pub fn exists(directory: &Path) -> bool {
    disk::exists(directory)
}

/// What earlier runs left, without waiting for or keeping the lock: for a plan, which writes nothing.
///
/// # Errors
/// [`Error::Journal`] where there is a journal that can't be read.
pub fn peek(directory: &Path, account: &str) -> Result<Past, Error> {
    match disk::look(directory) {
        Ok(None) => Ok(Past::default()),
        Ok(Some(file)) => peek_into(Box::new(file), directory, account),
        Err(error) => Err(unreadable(directory, error.to_string())),
    }
}

/// The same of a journal that lies anywhere.
pub(crate) fn peek_into(
    content: Box<dyn Read + '_>,
    path: &Path,
    account: &str,
) -> Result<Past, Error> {
    past::look(content, account).map_err(|trouble| unreadable(path, trouble.to_string()))
}

fn unreadable(path: &Path, detail: String) -> Error {
    Error::Journal {
        path: path.into(),
        detail,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random_id() -> String {
    let mut bytes = [0; 8];
    // An id is a help for people; a machine without randomness still copies mail.
    let _ = getrandom::fill(&mut bytes);
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::disk::MemoryDisk;
    use super::*;
    use crate::identity;
    use crate::transfer::testing;

    const ACCOUNT: &str = "jane@mail.example:993";

    fn start(disk: &MemoryDisk) -> (Journal<MemoryDisk>, Past) {
        Journal::start(disk.clone(), "journal".into(), ACCOUNT).unwrap()
    }

    fn key(text: &str) -> (ItemKey<'static>, identity::Fingerprint) {
        let print = identity::of(text.as_bytes());
        (
            ItemKey {
                folder: "Archive/2009",
                bytes: print.identity.bytes,
                copy: 0,
            },
            print,
        )
    }

    fn item(journal: &mut Journal<MemoryDisk>, text: &str) -> ItemNo {
        let (key, print) = key(text);
        journal
            .message(key, &testing::item(text.as_bytes()), Some(&print.bytes))
            .unwrap()
    }

    #[test]
    fn intents_and_receipts_survive() {
        let disk = MemoryDisk::default();
        let (mut journal, _) = start(&disk);
        let [one, two, three, four] = ["1", "2", "3", "4"].map(|text| item(&mut journal, text));
        journal.scan("Archive/2009", 77, &[(four, 3)]).unwrap();
        journal.intent(&[one, two, three], 77, 900, 1000).unwrap();
        journal.done(one, Some(901)).unwrap();
        journal.refused(two, "toobig", "no").unwrap();
        journal.verified(one, Some(901), "bytes").unwrap();
        drop(journal);

        let (mut journal, past) = start(&disk);
        let known = |text| past.of(&key(text).0);
        assert_eq!(known("1").done, Some(Some(901)));
        assert!(known("1").verified);
        assert_eq!(known("2"), Known::default());
        assert_eq!(
            known("3").in_doubt,
            Some(Doubt {
                uid_validity: 77,
                uid_next: 900,
                at: 1000
            })
        );
        assert_eq!(known("4").done, Some(Some(3)));
        assert_eq!(past.uid_validity("Archive/2009"), Some(77));
        assert_eq!(
            item(&mut journal, "3"),
            three,
            "a known message keeps its number"
        );
        assert!(item(&mut journal, "5") > four);
    }

    #[test]
    fn another_uidvalidity_makes_everything_unknown_but_doubts() {
        let disk = MemoryDisk::default();
        let (mut journal, _) = start(&disk);
        let [one, two] = ["1", "2"].map(|text| item(&mut journal, text));
        journal.intent(&[one, two], 77, 1, 0).unwrap();
        journal.done(one, Some(1)).unwrap();
        journal.scan("Archive/2009", 78, &[]).unwrap();
        drop(journal);
        let (_, past) = start(&disk);
        assert_eq!(past.of(&key("1").0).done, None);
        assert!(
            past.of(&key("2").0).in_doubt.is_some(),
            "an APPEND under way may still land"
        );
    }

    #[test]
    fn a_journal_cut_at_any_byte_is_a_shorter_journal() {
        let disk = MemoryDisk::default();
        let (mut journal, _) = start(&disk);
        let one = item(&mut journal, "1");
        journal.intent(&[one], 77, 900, 1000).unwrap();
        journal.done(one, Some(901)).unwrap();
        let whole = disk.content();
        for cut in 0..whole.len() {
            let torn = MemoryDisk::with(&whole[..cut]);
            let (_, past) = start(&torn);
            let known = past.of(&key("1").0);
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(known.in_doubt.is_some(), lines == 3, "cut at {cut}");
            assert_eq!(known.done.is_some(), lines == 4, "cut at {cut}");
            assert!(torn.content().ends_with(b"\n"));
        }
    }

    #[test]
    fn a_line_damaged_in_the_middle_is_not_believed_and_kept_aside() {
        let disk = MemoryDisk::default();
        let (mut journal, _) = start(&disk);
        let one = item(&mut journal, "1");
        journal.intent(&[one], 77, 900, 1000).unwrap();
        journal.done(one, Some(901)).unwrap();
        let mut content = disk.content();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        let damaged = MemoryDisk::with(&content);
        let (_, past) = start(&damaged);
        assert_eq!(past.of(&key("1").0), Known::default());
        assert!(past.was_damaged());
        assert_eq!(damaged.set_aside(), Some(content));
    }

    #[test]
    fn another_account_or_a_newer_version_is_refused() {
        let disk = MemoryDisk::default();
        drop(start(&disk));
        let other = Journal::start(disk.clone(), "journal".into(), "bob@mail.example:993");
        assert!(
            matches!(other, Err(Error::Journal { detail, .. }) if detail.contains("jane@mail.example"))
        );
        let newer = MemoryDisk::default();
        let run = Record::Run {
            v: 2,
            id: "x".into(),
            account: ACCOUNT.into(),
            tool: "9".into(),
        };
        newer.clone().append(&record::line(&run).unwrap()).unwrap();
        let result = Journal::start(newer, "journal".into(), ACCOUNT);
        assert!(matches!(result, Err(Error::Journal { detail, .. }) if detail.contains("newer")));
    }

    #[test]
    fn a_disk_that_failed_is_not_written_again() {
        let disk = MemoryDisk::default();
        let (mut journal, _) = start(&disk);
        disk.fail(true);
        let (key, _) = key("1");
        let mut write = || journal.message(key, &testing::item(b"1"), None);
        assert!(matches!(write(), Err(Error::Journal { .. })));
        disk.fail(false);
        assert!(matches!(write(), Err(Error::Journal { .. })));
    }

    #[test]
    fn account_directories_are_safe_file_names() {
        let base = Path::new("base");
        for account in [
            "../../etc@x:1",
            "a/b@h:993",
            "CON",
            "Jane@x",
            "jane@x",
            "a\\b",
            "ü@x",
        ] {
            let dir = account_dir(base, account);
            assert_eq!(dir.parent(), Some(base));
            let name = dir.file_name().unwrap().to_str().unwrap();
            assert!(
                name.starts_with("account-") && !name.contains(['/', '\\', ':']),
                "{name}"
            );
        }
        assert_ne!(account_dir(base, "Jane@x"), account_dir(base, "jane@x"));
    }
}
