//! What lies under the journal: a file with a lock, or a pretend disk for tests.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;

/// The few things the journal asks of a disk.
pub trait Disk: Send {
    /// Everything on it, from the beginning.
    ///
    /// # Errors
    /// The system's.
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>>;

    /// Cuts it to this length.
    ///
    /// # Errors
    /// The system's.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Keeps its content under another name, and begins anew.
    ///
    /// # Errors
    /// The system's.
    fn set_aside(&mut self) -> io::Result<()>;

    /// Writes at the end.
    ///
    /// # Errors
    /// The system's.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything written is safe from a loss of power.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;
}

const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";

/// The journal's file. Holds the account's lock as long as it lives; the lock ends with the process, however that ends.
pub struct FileDisk {
    file: File,
    path: PathBuf,
    directory: PathBuf,
    _lock: File,
}

impl FileDisk {
    /// Opens the file in its directory, which is made if it is missing, and takes the account's lock.
    ///
    /// # Errors
    /// [`Error::Busy`] while another run has the lock, [`Error::Journal`] where the file can't be used.
    pub fn open(directory: &Path) -> Result<FileDisk, Error> {
        let fail = |path: &Path, error: io::Error| Error::Journal {
            path: path.into(),
            detail: error.to_string(),
        };
        make_private_dir(directory).map_err(|error| fail(directory, error))?;
        let lock = lock(directory)?;
        let path = directory.join(JOURNAL);
        let fresh = !path.exists();
        let file = open_private(&path).map_err(|error| fail(&path, error))?;
        if fresh {
            file.sync_all()
                .and_then(|()| sync_dir(directory))
                .map_err(|error| fail(&path, error))?;
        }
        Ok(FileDisk {
            file,
            path,
            directory: directory.into(),
            _lock: lock,
        })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Disk for FileDisk {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(Box::new(&self.file))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if self.file.metadata()?.len() != length {
            self.file.set_len(length)?;
            self.file.sync_all()?;
        }
        self.file.seek(SeekFrom::Start(length))?;
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let seconds = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        // A copy and not a rename: Windows does not rename a file that is open.
        let aside = self
            .directory
            .join(format!("journal.damaged-{seconds}.jsonl"));
        fs::copy(&self.path, aside)?;
        self.cut(0)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Takes the account's lock.
fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join(LOCK);
    let fail = |error: io::Error| Error::Journal {
        path: path.clone(),
        detail: error.to_string(),
    };
    let mut file = open_private(&path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            // Windows locks the bytes too; then the other's number can't be read.
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            return Err(Error::Busy {
                pid: text.trim().parse().ok(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(fail(error)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| write!(file, "{}", std::process::id()));
    written.map_err(fail)?;
    Ok(file)
}

/// Opens a file for reading and writing that only its owner may read, and that is no link to another.
fn open_private(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not an ordinary file",
        ));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
    }
    options.open(path)
}

/// Makes a directory that only its owner may look into.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// A new file's name is safe once its directory is; Windows does that by itself.
fn sync_dir(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()
    } else {
        Ok(())
    }
}

/// Whether there is a journal.
pub(super) fn exists(directory: &Path) -> bool {
    directory.join(JOURNAL).is_file()
}

/// The journal's file, to be read without the lock, if there is one.
pub(super) fn look(directory: &Path) -> io::Result<Option<File>> {
    match File::open(directory.join(JOURNAL)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// A disk in memory; clones share it.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDisk(std::sync::Arc<std::sync::Mutex<Memory>>);

#[cfg(test)]
#[derive(Debug, Default)]
struct Memory {
    content: Vec<u8>,
    aside: Option<Vec<u8>>,
    failing: bool,
}

#[cfg(test)]
impl MemoryDisk {
    pub fn with(content: &[u8]) -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.0.lock().unwrap().content = content.into();
        disk
    }

    pub fn content(&self) -> Vec<u8> {
        self.0.lock().unwrap().content.clone()
    }

    pub fn set_aside(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap().aside.clone()
    }

    pub fn fail(&self, failing: bool) {
        self.0.lock().unwrap().failing = failing;
    }
}

#[cfg(test)]
impl Disk for MemoryDisk {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.content())))
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.lock().unwrap().content.truncate(length as usize);
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let mut memory = self.0.lock().unwrap();
        memory.aside = Some(std::mem::take(&mut memory.content));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut memory = self.0.lock().unwrap();
        if memory.failing {
            return Err(io::ErrorKind::StorageFull.into());
        }
        memory.content.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.0.lock().unwrap().failing {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Journal;
    use super::*;

    const ACCOUNT: &str = "jane@mail.example:993";

    #[test]
    fn a_second_run_is_told_who_has_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let first = Journal::open(dir.path(), ACCOUNT).unwrap();
        let second = Journal::open(dir.path(), ACCOUNT);
        let busy = second.err().unwrap();
        assert!(matches!(busy, Error::Busy { .. }));
        if cfg!(unix) {
            assert!(matches!(busy, Error::Busy { pid: Some(pid) } if pid == std::process::id()));
        }
        drop(first);
        assert!(Journal::open(dir.path(), ACCOUNT).is_ok());
    }

    #[test]
    fn a_journal_on_a_real_disk_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new/deeper");
        drop(Journal::open(&dir, ACCOUNT).unwrap());
        let file = dir.join(JOURNAL);
        fs::write(
            &file,
            [fs::read(&file).unwrap(), b"{\"k\":\"done\",\"i\":".to_vec()].concat(),
        )
        .unwrap();
        drop(Journal::open(&dir, ACCOUNT).unwrap());
        let content = fs::read_to_string(&file).unwrap();
        assert_eq!(content.lines().count(), 2);
        assert!(
            content
                .lines()
                .all(|line| line.starts_with("{\"k\":\"run\",\"v\":1,"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_journal_that_is_a_link_is_not_followed_and_a_new_one_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        drop(Journal::open(&state, ACCOUNT).unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state), mode(&state.join(JOURNAL))), (0o700, 0o600));
        let victim = dir.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(state.join(JOURNAL)).unwrap();
        std::os::unix::fs::symlink(&victim, state.join(JOURNAL)).unwrap();
        assert!(matches!(
            Journal::open(&state, ACCOUNT),
            Err(Error::Journal { .. })
        ));
        assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    }
}
