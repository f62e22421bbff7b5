//! A journal's disk that fails, ends the process or changes the source at one of its writes.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spectrum_migrate::transfer::journal::{Disk, FileDisk};

use super::tamper::Tamper;

/// Writes and syncs of the journal so far.
pub static WRITES: AtomicU64 = AtomicU64::new(0);

/// Something that happens at one of the journal's writes and syncs, counted from 0 over both.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DiskFault {
    pub at: u64,
    pub act: Act,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// SIGKILL, and nothing of the write is done.
    KillBefore,
    /// SIGKILL after half of the bytes.
    KillHalf,
    /// SIGKILL after it.
    KillAfter,
    /// Power is lost: of what was not synced this many thousandths are kept.
    PowerLoss(u16),
    /// The system's error of this number, now and ever after.
    Fail(i32),
    /// The source changes.
    Tamper(Tamper),
    /// It takes for ever.
    Hang,
}

/// A disk that works until it does not.
pub struct FaultyDisk {
    pub disk: FileDisk,
    pub fault: Option<DiskFault>,
    /// Where mail comes from.
    pub source: PathBuf,
    /// A file that proves that the fault came.
    pub fired: PathBuf,
    /// How much of the file is safe.
    pub synced: Option<u64>,
    pub failed: Option<i32>,
}

impl FaultyDisk {
    fn length(&self) -> u64 {
        fs::metadata(self.disk.path()).map_or(0, |meta| meta.len())
    }

    /// What is to happen at this write or sync.
    fn act(&mut self) -> io::Result<Option<Act>> {
        let now = WRITES.fetch_add(1, Ordering::SeqCst);
        if self.synced.is_none() {
            self.synced = Some(self.length());
        }
        let act = self
            .fault
            .filter(|fault| fault.at == now)
            .map(|fault| fault.act);
        if act.is_some() {
            prove(&self.fired);
        }
        match act {
            Some(Act::Fail(number)) => self.failed = Some(number),
            Some(Act::KillBefore) => die(),
            Some(Act::Tamper(tamper)) => tamper.act(&self.source),
            Some(Act::Hang) => std::thread::sleep(Duration::from_secs(600)),
            _ => {}
        }
        match self.failed {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(act),
        }
    }

    fn lose_power(&self, thousandths: u16) -> ! {
        let (safe, all) = (self.synced.unwrap_or(0), self.length());
        let kept = safe + (all - safe) * u64::from(thousandths) / 1000;
        let file = fs::OpenOptions::new()
            .write(true)
            .open(self.disk.path())
            .unwrap();
        file.set_len(kept).unwrap();
        die()
    }
}

impl Disk for FaultyDisk {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.disk.reader()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.cut(length)
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.disk.set_aside()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.act()? {
            Some(Act::KillHalf) => {
                self.disk.append(&bytes[..bytes.len() / 2])?;
                die()
            }
            Some(Act::KillAfter) => {
                self.disk.append(bytes)?;
                die()
            }
            Some(Act::PowerLoss(kept)) => {
                self.disk.append(bytes)?;
                self.lose_power(kept)
            }
            _ => self.disk.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.act()? {
            Some(Act::PowerLoss(kept)) => self.lose_power(kept),
            Some(Act::KillHalf | Act::KillAfter) => {
                self.disk.sync()?;
                die()
            }
            _ => {}
        }
        self.disk.sync()?;
        self.synced = Some(self.length());
        Ok(())
    }
}

/// Leaves a sign that something came to pass.
pub fn prove(path: &Path) {
    fs::write(path, "here").unwrap();
}

fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}
