//! The state of a source's files by length and time, so that a change between two looks is known.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use crate::source::Source;
use crate::source::files::MessageFiles;

/// What a look at a source's files saw: a row for each mbox file, and one for each directory of message files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp(BTreeMap<PathBuf, Row>);

/// What is known of a file, or of the files in a directory together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    files: u64,
    bytes: u64,
    /// Of the name, length and time of each.
    sum: [u8; 32],
}

impl Row {
    fn add(&mut self, name: &OsStr, length: u64, time: (u64, u32)) {
        let mut sum = Sha256::new();
        sum.update(self.sum);
        sum.update((name.len() as u64).to_le_bytes());
        sum.update(name.as_encoded_bytes());
        sum.update(length.to_le_bytes());
        sum.update(time.0.to_le_bytes());
        sum.update(time.1.to_le_bytes());
        self.sum = sum.finalize().into();
        self.files += 1;
        self.bytes += length;
    }
}

impl Stamp {
    /// Of one file. One that isn't there has a stamp as well: that it isn't.
    pub fn of_file(path: &Path) -> Stamp {
        let mut stamp = Stamp::default();
        stamp.add_file(path);
        stamp
    }

    /// Adds a file.
    pub(crate) fn add_file(&mut self, path: &Path) {
        let row = self.0.entry(path.into()).or_default();
        if let Ok(about) = fs::metadata(path) {
            let modified = about.modified().ok();
            let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let time = since.map_or((0, 0), |since| (since.as_secs(), since.subsec_nanos()));
            row.add(OsStr::new(""), about.len(), time);
        }
    }

    /// Adds the message files of a folder, which lie at `place`.
    pub(crate) fn add_leaves(&mut self, place: &Path, files: &dyn MessageFiles) {
        let Ok((leaves, _)) = files.leaves() else {
            return self.add_file(place);
        };
        // A folder without a message is there as well.
        self.0.entry(place.into()).or_default();
        for leaf in leaves {
            let facts = leaf.facts.unwrap_or_default();
            let row = self.0.entry(leaf.place.to_path_buf()).or_default();
            row.add(
                &leaf.file,
                facts.length,
                (facts.modified.cast_unsigned(), 0),
            );
        }
    }

    /// Adds what another look saw.
    pub(crate) fn add(&mut self, other: Stamp) {
        self.0.extend(other.0);
    }

    /// What is known of one file alone.
    pub(crate) fn only(&self, path: &Path) -> Stamp {
        let row = self.0.get_key_value(path);
        Stamp(
            row.map(|(path, row)| (path.clone(), row.clone()))
                .into_iter()
                .collect(),
        )
    }

    /// The files and directories that it tells of.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// The files and directories that a later look saw in another state, were missing then, or were not there before.
    pub fn changes(&self, later: &Stamp) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for (path, row) in &self.0 {
            if later.0.get(path) != Some(row) {
                paths.push(path.clone());
            }
        }
        let new = later.0.keys().filter(|path| !self.0.contains_key(*path));
        paths.extend(new.cloned());
        paths
    }
}

/// What a source's files are now. It is opened anew, so that a folder that came since is seen.
pub(crate) fn now(source: &dyn Source) -> Stamp {
    match crate::source::open(source.path()) {
        Ok(again) => again.stamp(),
        // What can't be opened any more shows itself where the source looks for it.
        Err(_) => source.stamp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::open;

    const MAIL: &str = "From a@x Sun May 17 12:34:56 2009\nSubject: x\n\nbody\n\n";

    #[test]
    fn a_file_that_grew_one_that_came_and_one_that_went_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for name in ["Inbox.mbox", "Sent.mbox"] {
            fs::write(at(name), MAIL).unwrap();
        }
        let source = open(place.path()).unwrap();
        let before = source.stamp();
        assert_eq!(before.changes(&now(&*source)), [] as [PathBuf; 0]);
        fs::write(at("Inbox.mbox"), [MAIL, MAIL].concat()).unwrap();
        fs::write(at("New.mbox"), MAIL).unwrap();
        fs::remove_file(at("Sent.mbox")).unwrap();
        let mut names: Vec<String> = before
            .changes(&now(&*source))
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["Inbox.mbox", "New.mbox", "Sent.mbox"]);
    }

    #[test]
    fn a_message_that_came_into_a_maildir_is_seen_and_so_is_a_single_file_that_is_gone() {
        let place = tempfile::tempdir().unwrap();
        for name in ["cur", "new", "tmp"] {
            fs::create_dir(place.path().join(name)).unwrap();
        }
        let mail = place.path().join("cur/1.a.b:2,S");
        fs::write(&mail, "Subject: x\n\nbody\n").unwrap();
        let source = open(place.path()).unwrap();
        let before = source.stamp();
        assert_eq!(before.changes(&now(&*source)).len(), 0);
        fs::write(place.path().join("new/2.a.b"), "Subject: y\n\nbody\n").unwrap();
        assert_eq!(before.changes(&now(&*source)).len(), 1);

        let single = place.path().join("one.mbox");
        fs::write(&single, MAIL).unwrap();
        let source = open(&single).unwrap();
        let before = source.stamp();
        fs::remove_file(&single).unwrap();
        assert_eq!(before.changes(&now(&*source)), [single]);
    }
}
