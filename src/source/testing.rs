//! What the tests of several formats need: made-up directories, and a source read to its end.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::identity;
use crate::message::{Item, Standing};
use crate::source::{Count, Damaged, Source};

/// A message without any mark.
pub(crate) const MAIL: &str = "From: a@example.com\nTo: b@example.com\nDate: Sun, 17 May 2009 12:34:56 +0200\nSubject: x\n\nbody\n";

/// A directory with these files; a path that ends in `/` is a directory.
pub(crate) fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (file, bytes) in files {
        let path = place.path().join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    place
}

/// A pipe, which nobody must ever open.
#[cfg(unix)]
pub(crate) fn pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
}

/// Everything in a source; each message is read back and compared with what the scan said, and
/// a second scan and the counts with the first scan.
pub(crate) fn read(source: &dyn Source) -> (Vec<Item>, Vec<Damaged>) {
    let (mut items, mut damaged) = (Vec::new(), Vec::new());
    for scanned in source.scan().unwrap() {
        match scanned {
            Ok(item) => items.push(item),
            Err(lost) => damaged.push(lost),
        }
    }
    for item in &items {
        let mut bytes = Vec::new();
        source.open(item).unwrap().read_to_end(&mut bytes).unwrap();
        let found = identity::of(&bytes);
        assert_eq!(found.size, item.size, "{:?}", item.origin);
        assert_eq!(found.identity, item.identity, "{:?}", item.origin);
        assert!((item.folder.0 as usize) < source.folders().len());
    }
    let identities = |items: &[Item]| items.iter().map(|item| item.identity).collect::<Vec<_>>();
    let again: Vec<_> = source.scan().unwrap().collect();
    assert_eq!(again.len(), items.len() + damaged.len());
    let again: Vec<Item> = again.into_iter().flatten().collect();
    assert_eq!(identities(&again), identities(&items));

    let counts = source.counts().unwrap();
    assert_eq!(counts.len(), source.folders().len());
    let sum = |get: fn(&Count) -> u64| counts.iter().map(get).sum::<u64>();
    let all = (items.len() + damaged.len()) as u64;
    assert_eq!(sum(|count| count.messages), all);
    let expunged = (items.iter()).filter(|item| item.standing == Standing::Expunged);
    assert_eq!(sum(|count| count.expunged), expunged.count() as u64);
    // Separator lines count where the whole file is one folder.
    assert!(sum(|count| count.bytes) <= source.bytes());
    (items, damaged)
}

/// The folders by their names, each with its number of messages and of damaged ones.
pub(crate) fn folders(source: &dyn Source) -> Vec<(String, u64, u64)> {
    let (items, damaged) = read(source);
    let folders = source.folders();
    let names = folders.iter().map(|folder| folder.path.join(" > "));
    names
        .enumerate()
        .map(|(at, name)| {
            let items = items.iter().filter(|item| item.folder.0 as usize == at);
            let lost = damaged.iter().filter(|lost| lost.folder.0 as usize == at);
            (name, items.count() as u64, lost.count() as u64)
        })
        .collect()
}

/// The same, expected.
pub(crate) fn expected(list: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
    let owned = |(name, items, lost): &(&str, u64, u64)| (name.to_string(), *items, *lost);
    list.iter().map(owned).collect()
}
