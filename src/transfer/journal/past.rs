//! What earlier runs left: a compact memory of the journal, about sixty bytes a message.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, BufReader};

use super::ItemKey;
use super::disk::Disk;
use super::record::{self, Record};
use crate::message::Digest;

/// What is known of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// It was confirmed or found, with its UID where that is known.
    pub done: Option<Option<u32>>,
    /// It was found again by a check after copying.
    pub verified: bool,
    /// It was about to be sent, and nothing more is known.
    pub in_doubt: Option<Doubt>,
}

/// A message that may or may not be on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// UIDVALIDITY of its folder.
    pub uid_validity: u32,
    /// Its UID is this or a higher one.
    pub uid_next: u32,
    /// When it was about to be sent, in seconds since 1970.
    pub at: u64,
}

/// What earlier runs left.
#[derive(Debug, Default)]
pub struct Past {
    folders: HashMap<String, u32>,
    numbers: HashMap<(u32, Digest, u16), u64>,
    /// By the message's number.
    known: HashMap<u64, (u32, Known)>,
    scans: HashMap<u32, (u32, u64)>,
    /// UIDVALIDITY by folder, as last seen in any record.
    next: u64,
    damaged: bool,
    index: HashMap<(u32, Digest, u16), Known>,
}

impl Past {
    /// What is known of a message.
    pub fn of(&self, key: &ItemKey<'_>) -> Known {
        let folder = self.folders.get(key.folder);
        let known = folder.and_then(|folder| self.index.get(&(*folder, key.bytes, key.copy)));
        known.copied().unwrap_or_default()
    }

    /// UIDVALIDITY of a folder when it was last looked through.
    pub fn uid_validity(&self, folder: &str) -> Option<u32> {
        self.scans
            .get(self.folders.get(folder)?)
            .map(|(validity, _)| *validity)
    }

    /// Whether the journal was damaged, so that nothing of it is believed.
    pub fn was_damaged(&self) -> bool {
        self.damaged
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn folder_numbers(&self) -> HashMap<String, u32> {
        self.folders.clone()
    }

    pub(super) fn scans(&self) -> HashMap<String, (u32, u64)> {
        let scan = |(name, number): (&String, &u32)| Some((name.clone(), *self.scans.get(number)?));
        self.folders.iter().filter_map(scan).collect()
    }

    /// The numbers of the known messages, which the writer needs and the reader does not.
    pub(super) fn take_numbers(&mut self) -> HashMap<(u32, Digest, u16), u64> {
        let known = std::mem::take(&mut self.known);
        let states = self
            .numbers
            .iter()
            .filter_map(|(key, number)| Some((*key, known.get(number)?.1)));
        self.index = states
            .filter(|(_, state)| *state != Known::default())
            .collect();
        std::mem::take(&mut self.numbers)
    }

    fn folder(&mut self, name: &str) -> u32 {
        let next = self.folders.len() as u32;
        *self.folders.entry(name.into()).or_insert(next)
    }

    fn change(&mut self, item: u64, change: impl FnOnce(&mut Known)) {
        if let Some((_, known)) = self.known.get_mut(&item) {
            change(known);
        }
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Item { i, f, hu, copy, .. } => {
                let Some(bytes) = Digest::from_hex(&hu) else {
                    return;
                };
                let folder = self.folder(&f);
                self.numbers.insert((folder, bytes, copy), i);
                self.known.insert(i, (folder, Known::default()));
                self.next = self.next.max(i + 1);
            }
            Record::Scan { f, v, found } => {
                let folder = self.folder(&f);
                if self
                    .scans
                    .insert(folder, (v, found.len() as u64))
                    .is_none_or(|(before, _)| before != v)
                {
                    // Another UIDVALIDITY: nothing known holds, but what is under way may still land.
                    for (_, known) in self
                        .known
                        .values_mut()
                        .filter(|(other, _)| *other == folder)
                    {
                        *known = Known {
                            in_doubt: known.in_doubt,
                            ..Known::default()
                        };
                    }
                }
                for found in found {
                    self.change(found.0, |known| {
                        known.done = Some(Some(found.1));
                        known.in_doubt = None;
                    });
                }
            }
            Record::Intent { i, v, n, at } => {
                for item in i {
                    self.change(item, |known| {
                        // The first intent has the lowest UID, the last one the latest time.
                        let uid_next = known
                            .in_doubt
                            .filter(|doubt| doubt.uid_validity == v)
                            .map_or(n, |d| d.uid_next.min(n));
                        known.in_doubt = Some(Doubt {
                            uid_validity: v,
                            uid_next,
                            at,
                        });
                    });
                }
            }
            Record::Done { i, uid } => self.change(i, |known| {
                known.done = Some(uid);
                known.in_doubt = None;
            }),
            Record::Refused { i, .. } => self.change(i, |known| known.in_doubt = None),
            Record::Verified { i, uid, .. } => self.change(i, |known| {
                known.verified = true;
                known.done = Some(uid.or(known.done.flatten()));
            }),
            Record::Run { .. } | Record::End { .. } | Record::Unknown => {}
        }
    }
}

/// Why a journal can't be used.
#[derive(Debug)]
pub(super) enum Trouble {
    Io(io::Error),
    OtherAccount(String),
    Newer(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Io(error) => write!(f, "{error}"),
            Trouble::OtherAccount(account) => write!(f, "it belongs to {account}"),
            Trouble::Newer(tool) => write!(
                f,
                "it was written by a newer version of this program ({tool})"
            ),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

/// Reads a journal, cuts a torn end off, and sets a damaged one aside.
pub(super) fn load(disk: &mut dyn Disk, account: &str) -> Result<Past, Trouble> {
    let (mut past, good, damaged) = read(disk.reader()?, account)?;
    if damaged {
        disk.set_aside()?;
        past = Past {
            damaged: true,
            ..Past::default()
        };
    } else {
        disk.cut(good)?;
    }
    Ok(past)
}

/// Reads a journal without changing it.
pub(super) fn look(reader: Box<dyn io::Read + '_>, account: &str) -> Result<Past, Trouble> {
    let (mut past, _, damaged) = read(reader, account)?;
    if damaged {
        past = Past {
            damaged: true,
            ..Past::default()
        };
    }
    past.take_numbers();
    Ok(past)
}

/// What it says, how many bytes of it are good, and whether a line before the last one is damaged.
fn read(reader: Box<dyn io::Read + '_>, account: &str) -> Result<(Past, u64, bool), Trouble> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let (mut past, mut good) = (Past::default(), 0);
    let mut line = Vec::new();
    let mut bad = false;
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok((past, good, false));
        }
        // A bad line is the torn end unless another one follows.
        if bad {
            return Ok((past, good, true));
        }
        match line.strip_suffix(b"\n").and_then(record::parse) {
            // No message can be numbered after the last number there is.
            None | Some(Record::Item { i: u64::MAX, .. }) => bad = true,
            Some(Record::Run { v, tool, .. }) if v > record::VERSION => {
                return Err(Trouble::Newer(tool));
            }
            Some(Record::Run { account: other, .. }) if other != account => {
                return Err(Trouble::OtherAccount(other));
            }
            Some(record) => {
                past.apply(record);
                good += length as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_number_there_is_belongs_to_no_message() {
        let record = Record::Item {
            i: u64::MAX,
            src: "s".into(),
            loc: "0".into(),
            f: "INBOX".into(),
            hu: "00".repeat(16),
            hid: "00".repeat(16),
            hc: "00".repeat(16),
            sz: 1,
            copy: 0,
        };
        let lines = record::line(&record).unwrap().repeat(2);
        let past = look(Box::new(lines.as_slice()), "a").unwrap();
        assert!(past.was_damaged() && past.next_number() == 0);
    }

    proptest! {
        #[test]
        fn any_bytes_end(content in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = look(Box::new(content.as_slice()), "a");
        }
    }
}
