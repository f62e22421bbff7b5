//! The bytes of all messages, in one temporary file that vanishes with the server.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the bytes of one message lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// The first of them.
    pub(super) start: u64,
    /// How many.
    pub(super) length: u64,
}

impl Region {
    /// The part between two places counted from its start; places beyond the end mean the end.
    pub(super) fn part(self, from: u64, to: u64) -> Region {
        let from = from.min(self.length);
        Region {
            start: self.start + from,
            length: to.min(self.length).saturating_sub(from),
        }
    }
}

/// An append-only file. Space that was reserved and not used is lost until the end, and bounded by `most`.
pub(super) struct Spool {
    inner: Mutex<Inner>,
    most: u64,
}

struct Inner {
    file: File,
    end: u64,
}

impl Spool {
    /// An empty one, that never holds more than `most` bytes. The system deletes its file when it is closed.
    pub(super) fn new(most: u64) -> io::Result<Spool> {
        let file = tempfile::tempfile()?;
        Ok(Spool {
            inner: Mutex::new(Inner { file, end: 0 }),
            most,
        })
    }

    /// Sets room for a message aside. `None` where there is no more.
    pub(super) fn reserve(&self, length: u64) -> Option<Region> {
        let mut inner = self.lock();
        let start = inner.end;
        inner.end = start.checked_add(length).filter(|end| *end <= self.most)?;
        Some(Region { start, length })
    }

    /// Gives room back that no message took. Only the last piece can be had again.
    pub(super) fn give_back(&self, region: Region) {
        let mut inner = self.lock();
        if inner.end == region.start + region.length {
            inner.end = region.start;
        }
    }

    /// Writes bytes at a place inside a region.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        inner.file.seek(SeekFrom::Start(at))?;
        inner.file.write_all(bytes)
    }

    /// Reads a region, from its start.
    pub(super) fn read(&self, region: Region) -> Reader<'_> {
        Reader {
            spool: self,
            left: region,
        }
    }

    /// The first bytes of a region, at most `cap` of them.
    pub(super) fn head(&self, region: Region, cap: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read(region.part(0, cap)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads one region.
pub(super) struct Reader<'a> {
    spool: &'a Spool,
    left: Region,
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left.length)
            .unwrap_or(usize::MAX)
            .min(into.len());
        let into = into.get_mut(..most).unwrap_or_default();
        if into.is_empty() {
            return Ok(0);
        }
        let mut inner = self.spool.lock();
        inner.file.seek(SeekFrom::Start(self.left.start))?;
        let got = inner.file.read(into)?;
        self.left.start += got as u64;
        self.left.length -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let spool = Spool::new(100).unwrap();
        let (one, two) = (spool.reserve(3).unwrap(), spool.reserve(4).unwrap());
        spool.write(two.start, b"four").unwrap();
        spool.write(one.start, b"one").unwrap();
        assert_eq!(spool.head(one, 99).unwrap(), b"one");
        assert_eq!(spool.head(two, 99).unwrap(), b"four");
        assert_eq!(spool.head(two.part(1, 3), 99).unwrap(), b"ou");
        assert_eq!(spool.head(two.part(9, 12), 99).unwrap(), b"");
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let spool = Spool::new(10).unwrap();
        let lost = spool.reserve(8).unwrap();
        assert_eq!(spool.reserve(3), None);
        assert_eq!(spool.reserve(u64::MAX), None);
        spool.give_back(lost);
        assert!(spool.reserve(10).is_some());
    }
}
