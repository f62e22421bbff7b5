//! One folder of MH: a file a message, named by its number; what is read and what is starred stands beside.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::message::{Flags, Keyword, Keywords, Standing};
use crate::source::files::{Leaf, MessageFiles, Told};
use crate::source::walk::{self, Entry, Root, What};
use crate::source::{Remark, sniff};

/// The flags and marks of Claws Mail and Sylpheed, by their bits (`procmsg.h`).
const UNREAD: u32 = 1 << 1;
const MARKED: u32 = 1 << 2;
const REPLIED: u32 = 1 << 4;
const FORWARDED: u32 = 1 << 5;

/// The messages in a directory.
pub(crate) struct Mh {
    root: Arc<Root>,
    directory: Arc<Path>,
}

impl Mh {
    /// The folder at this directory.
    pub fn new(root: Arc<Root>, directory: &Path) -> Mh {
        Mh {
            root,
            directory: directory.into(),
        }
    }
}

/// Whether a directory is a folder of MH: a program's notes say so, or a file with a number for a
/// name is a message.
pub(crate) fn is_mh(directory: &Path, entries: &[Entry]) -> bool {
    let mut numbered = (entries.iter())
        .filter(|entry| entry.is_file() && number(entry).is_some())
        .peekable();
    if numbered.peek().is_none() {
        return false;
    }
    let notes = [
        ".mh_sequences",
        ".claws_mark",
        ".sylpheed_mark",
        ".xmhcache",
    ];
    let noted = (entries.iter()).any(|entry| notes.iter().any(|note| entry.name == *note));
    noted || numbered.any(|entry| sniff::is_message(&directory.join(&entry.name)))
}

/// The number of a message's file.
fn number(entry: &Entry) -> Option<u32> {
    let name = entry.name.to_str()?;
    let plain = !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit());
    name.parse().ok().filter(|_| plain)
}

/// The number of a deleted message: MH puts a comma or a `#` before it, and leaves the file.
fn deleted(entry: &Entry) -> Option<u32> {
    let name = entry.name.to_str()?.strip_prefix([',', '#'])?;
    name.parse()
        .ok()
        .filter(|_| name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a file in a folder of MH is a message of it, deleted ones included.
pub(crate) fn is_own(entry: &Entry) -> bool {
    number(entry).is_some() || deleted(entry).is_some()
}

impl MessageFiles for Mh {
    fn leaves(&self) -> io::Result<(Vec<Leaf>, Vec<Remark>)> {
        let notes = Notes::read(&self.directory);
        let mut leaves = Vec::new();
        for entry in self.root.list(&self.directory)? {
            let (number, standing) = match (number(&entry), deleted(&entry)) {
                (Some(number), _) => (number, Standing::Live),
                (_, Some(number)) => (number, Standing::Expunged),
                _ => continue,
            };
            let facts = match entry.what {
                What::File(facts) => Ok(facts),
                What::Barred(fault, why) => Err((fault, why.to_string())),
                What::Directory | What::Shortcut => continue,
            };
            let told = Told {
                standing,
                ..notes.told(number)
            };
            let leaf = Leaf {
                place: self.directory.clone(),
                file: entry.name.into(),
                facts,
                told,
            };
            leaves.push((number, leaf));
        }
        leaves.sort_by_key(|(number, _)| *number);
        let leaves = leaves.into_iter().map(|(_, leaf)| leaf).collect();
        Ok((leaves, Vec::new()))
    }

    fn asks_header(&self) -> bool {
        true
    }
}

/// What stands beside the messages of one folder.
struct Notes {
    /// The sequences of MH, as ranges of numbers.
    sequences: HashMap<String, Vec<(u32, u32)>>,
    /// The bits of Claws Mail, by number.
    claws: HashMap<u32, u32>,
}

impl Notes {
    fn read(directory: &Path) -> Notes {
        let claws = [".claws_mark", ".sylpheed_mark"]
            .iter()
            .map(|file| claws(&walk::read_small(&directory.join(file))))
            .find(|marks| !marks.is_empty());
        Notes {
            sequences: sequences(&walk::read_small(&directory.join(".mh_sequences"))),
            claws: claws.unwrap_or_default(),
        }
    }

    /// What is noted about a message. MH notes what is unseen: what stands nowhere has been read.
    fn told(&self, number: u32) -> Told {
        let mut told = Told::default();
        let claws = self.claws.get(&number).copied().unwrap_or_default();
        let noted = |sequence: &str, bit: u32| {
            let ranges = self.sequences.get(sequence);
            let listed = ranges.is_some_and(|ranges| {
                (ranges.iter()).any(|(first, last)| (*first..=*last).contains(&number))
            });
            listed || claws & bit != 0
        };
        if !noted("unseen", UNREAD) {
            told.flags.insert(Flags::SEEN);
        }
        if noted("flagged", MARKED) {
            told.flags.insert(Flags::FLAGGED);
        }
        if noted("replied", REPLIED) {
            told.flags.insert(Flags::ANSWERED);
        }
        if noted("forwarded", FORWARDED) {
            let forwarded = Keyword::new("$Forwarded", "$Forwarded");
            told.keywords = Keywords::new(forwarded.into_iter().collect());
        }
        told
    }
}

/// Reads lines like `unseen: 1-3 7`.
fn sequences(file: &[u8]) -> HashMap<String, Vec<(u32, u32)>> {
    let mut sequences = HashMap::new();
    for line in String::from_utf8_lossy(file).lines() {
        let Some((name, list)) = line.split_once(':') else {
            continue;
        };
        let ranges = list.split_ascii_whitespace().filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.parse().ok()?, last.parse().ok()?))
        });
        sequences.insert(name.trim().to_ascii_lowercase(), ranges.collect());
    }
    sequences
}

/// Reads the marks of Claws Mail: a version, then pairs of a number and its bits, each
/// of four bytes in the order of the computer that wrote them.
fn claws(file: &[u8]) -> HashMap<u32, u32> {
    let (words, _) = file.as_chunks::<4>();
    let read = match words.first() {
        Some([2, 0, 0, 0]) => u32::from_le_bytes,
        Some([0, 0, 0, 2]) => u32::from_be_bytes,
        _ => return HashMap::new(),
    };
    let pairs = words.get(1..).unwrap_or_default().as_chunks::<2>().0;
    (pairs
        .iter()
        .map(|[number, bits]| (read(*number), read(*bits))))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        directory
    }

    fn leaves(directory: &Path) -> Vec<(String, Told)> {
        let mh = Mh::new(Arc::new(Root::new(directory).unwrap()), directory);
        let (leaves, _) = mh.leaves().unwrap();
        let named = |leaf: Leaf| (leaf.file.to_string_lossy().into_owned(), leaf.told);
        leaves.into_iter().map(named).collect()
    }

    #[test]
    fn messages_come_in_the_order_of_their_numbers_with_what_the_sequences_tell() {
        let sequences = b"cur: 10\nunseen: 2-9 11\nFlagged: 10\nreplied: 1 x-y 3-\n";
        let directory = folder(&[
            ("10", b"x"),
            ("9", b"x"),
            ("1", b"x"),
            (",3", b"x"),
            ("012", b"x"),
            ("notes", b"x"),
            (".mh_sequences", sequences),
        ]);
        let told = leaves(directory.path());
        let flags: Vec<_> = (told.iter())
            .map(|(name, told)| (name.as_str(), told.flags))
            .collect();
        let expected = [
            ("1", Flags::SEEN.union(Flags::ANSWERED)),
            (",3", Flags::NONE),
            ("9", Flags::NONE),
            ("10", Flags::SEEN.union(Flags::FLAGGED)),
        ];
        assert_eq!(flags, expected);
        assert_eq!(told[1].1.standing, Standing::Expunged);
    }

    #[test]
    fn claws_marks_are_read_in_either_byte_order() {
        let words = |words: &[u32], bytes: fn(u32) -> [u8; 4]| {
            words
                .iter()
                .flat_map(|word| bytes(*word))
                .collect::<Vec<_>>()
        };
        let marks = [2, 1, UNREAD | MARKED, 7, REPLIED | FORWARDED, 8];
        for bytes in [u32::to_le_bytes, u32::to_be_bytes] {
            let directory = folder(&[
                ("1", b"x"),
                ("7", b"x"),
                ("8", b"x"),
                (".claws_mark", &words(&marks, bytes)),
            ]);
            let told = leaves(directory.path());
            assert_eq!(told[0].1.flags, Flags::FLAGGED);
            assert_eq!(told[1].1.flags, Flags::SEEN.union(Flags::ANSWERED));
            assert_eq!(told[1].1.keywords.iter().count(), 1);
            assert_eq!(told[2].1.flags, Flags::SEEN);
        }
        assert!(claws(&words(&[9, 1, 2], u32::to_le_bytes)).is_empty());
    }

    #[test]
    fn numbers_alone_make_no_mail_folder() {
        let pictures = folder(&[("1", b"\x89PNG\r\n\x1a\n\0"), ("2", b"milk, eggs\n")]);
        let mail = folder(&[("1", b""), ("2", b"From: a\nTo: b\n\nx")]);
        let noted = folder(&[("1", b"x"), (".xmhcache", b"")]);
        let none = folder(&[(".mh_sequences", b"")]);
        for (directory, is) in [
            (pictures, false),
            (mail, true),
            (noted, true),
            (none, false),
        ] {
            let entries = Root::new(directory.path())
                .unwrap()
                .list(directory.path())
                .unwrap();
            assert_eq!(is_mh(directory.path(), &entries), is);
        }
    }

    proptest! {
        #[test]
        fn any_notes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), number in any::<u32>()) {
            let notes = Notes { sequences: sequences(&bytes), claws: claws(&bytes) };
            let _ = notes.told(number);
        }
    }
}
