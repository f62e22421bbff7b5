//! What the storage folder holds already, by its content: read in full, never taken from a list.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::message::Digest;
use crate::source::{self, Stamp, walk};
use crate::transfer::Stop;

/// Bytes handled at once.
const PIECE: usize = 64 * 1024;

/// The contents of a storage folder. Each copy answers for one message.
#[derive(Default)]
pub(crate) struct Held {
    files: Vec<PathBuf>,
    /// The state of the files before they were read.
    stamp: Stamp,
    /// Messages in mbox files, by what they say, and the files they are in.
    mail: HashMap<Digest, Vec<usize>>,
    /// Files with one piece each, by their bytes.
    pieces: HashMap<Digest, Vec<usize>>,
}

impl Held {
    /// Reads a folder; nothing is in one that isn't there. A file that can't be read holds nothing.
    pub fn read(folder: &Path, stop: &Stop) -> io::Result<Held> {
        let mut held = Held::default();
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(held),
            entries => entries?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry?.path());
        }
        paths.sort();
        for path in paths {
            if stop.asked() {
                break;
            }
            held.stamp.add_file(&path);
            // What a run that was killed left is hidden.
            let name = path.file_name().and_then(|name| name.to_str());
            let ending = name.filter(|name| !name.starts_with('.'));
            match ending
                .and_then(|name| name.rsplit_once('.'))
                .map(|(_, ending)| ending)
            {
                Some("mbox") => held.add_mbox(path, stop),
                Some("eml" | "bin") => held.add_piece(path),
                _ => {}
            }
        }
        Ok(held)
    }

    fn add_mbox(&mut self, path: PathBuf, stop: &Stop) {
        let found = contents(&path, stop);
        let file = self.file(path);
        for content in found {
            self.mail.entry(content).or_default().push(file);
        }
    }

    fn add_piece(&mut self, path: PathBuf) {
        let Ok((file, _)) = walk::open_file(&path) else {
            return;
        };
        if let Ok((digest, _)) = digest(file) {
            let file = self.file(path);
            self.pieces.entry(digest).or_default().push(file);
        }
    }

    fn file(&mut self, path: PathBuf) -> usize {
        self.files.push(path);
        self.files.len() - 1
    }

    /// The state of a file before it was read.
    pub fn stamp_of(&self, path: &Path) -> Stamp {
        self.stamp.only(path)
    }

    /// The file of a message with this content, or with these very bytes. It answers once.
    pub fn take_mail(&mut self, content: Digest, bytes: Digest) -> Option<&Path> {
        let file = pop(&mut self.mail, content).or_else(|| pop(&mut self.pieces, bytes))?;
        self.files.get(file).map(PathBuf::as_path)
    }

    /// The file of these bytes. It answers once.
    pub fn take_piece(&mut self, bytes: Digest) -> Option<&Path> {
        let file = pop(&mut self.pieces, bytes)?;
        self.files.get(file).map(PathBuf::as_path)
    }
}

fn pop(map: &mut HashMap<Digest, Vec<usize>>, digest: Digest) -> Option<usize> {
    map.get_mut(&digest)?.pop()
}

/// The contents of the messages in an mbox file, as our own reader finds them; none where it finds no mail.
pub(crate) fn contents(path: &Path, stop: &Stop) -> Vec<Digest> {
    let Ok(source) = source::open(path) else {
        return Vec::new();
    };
    let Ok(items) = source.scan() else {
        return Vec::new();
    };
    items
        .take_while(|_| !stop.asked())
        .filter_map(|item| Some(item.ok()?.identity.content))
        .collect()
}

/// The digest and the number of the bytes that a reader gives.
pub(crate) fn digest(mut from: impl Read) -> io::Result<(Digest, u64)> {
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut length = 0;
    loop {
        match from.read(&mut piece) {
            Ok(0) => return Ok((cut(sum), length)),
            Ok(count) => {
                sum.update(piece.get(..count).unwrap_or_default());
                length += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// As much of a sum as is kept of it.
fn cut(sum: Sha256) -> Digest {
    let mut cut = [0; 16];
    cut.iter_mut()
        .zip(sum.finalize())
        .for_each(|(to, from)| *to = from);
    Digest(cut)
}
