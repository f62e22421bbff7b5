//! Writes what is to be kept under temporary names, reads it back, and gives it its names only then.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::index::{self, Note};
use super::{From, Held, Kept, Piece, What, held, mboxrd, name, place, raw};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::message::{Digest, Item};
use crate::source::Stamp;
use crate::source::separator::looks_like_header;
use crate::transfer::Job;
use crate::transfer::checked::Checked;
use crate::transfer::plan::{Plan, State};

/// What a separator and quoting may add to a message.
const ADDED: u64 = 1024;

/// So much of a message is looked at for what the index says of it.
const HEAD: usize = 64 * 1024;

/// The bytes of a message, compared with what was planned while they are read.
type Message = Checked<Box<dyn Read + Send>>;

/// A message that was written, and what the index says of it.
type Written = (Piece, Vec<String>);

/// Keeps messages in a folder.
pub(super) struct Writer<'a> {
    job: &'a Job<'a>,
    plan: &'a mut Plan,
    folder: &'a Path,
    kept: Kept,
    notes: Vec<Note>,
    /// The messages that the report lists, by their file and place, and the files that hold them now.
    listed: HashMap<(String, u64), Option<String>>,
}

impl<'a> Writer<'a> {
    pub fn new(job: &'a Job<'a>, plan: &'a mut Plan, folder: &'a Path) -> Writer<'a> {
        let listed = plan.reached.exceptions.iter();
        let listed = listed.map(|one| ((one.file.clone(), one.at), None));
        let listed = listed.collect();
        Writer {
            job,
            plan,
            folder,
            kept: Kept {
                folder: folder.into(),
                ..Kept::default()
            },
            notes: Vec::new(),
            listed,
        }
    }

    /// Whether the folder holds a message already.
    pub fn recognise(&mut self, piece: Piece, held: &mut Held) -> bool {
        let found = match (piece.entry(self.plan), piece.damaged(self.plan)) {
            (Some(entry), _) => {
                let identity = entry.item.identity;
                held.take_mail(identity.content, identity.bytes)
            }
            (None, Some(damaged)) => {
                match raw(damaged).and_then(|(bytes, _)| held::digest(bytes)) {
                    Ok((digest, _)) => held.take_piece(digest),
                    Err(_) => None,
                }
            }
            (None, None) => None,
        };
        let Some(path) = found.map(Path::to_path_buf) else {
            return false;
        };
        self.mark(piece, &path, held.stamp_of(&path));
        true
    }

    /// Writes all of these.
    pub fn write_all(&mut self, wanted: BTreeMap<From, Vec<Piece>>) -> Result<(), Error> {
        let sizes = wanted.values().flatten();
        let needs = sizes.map(|piece| piece.size(self.plan) + ADDED).sum();
        if needs > 0 {
            place::check_room(self.folder, needs)?;
        }
        for ((source, folder), pieces) in wanted {
            let label = self.plan.sources.get(usize::from(source));
            let stem = match label {
                Some(source) if self.plan.sources.len() > 1 => {
                    name::safe(&format!("{} - {folder}", source.label))
                }
                _ => name::safe(&folder),
            };
            let (mail, damaged): (Vec<Piece>, Vec<Piece>) =
                (pieces.into_iter()).partition(|piece| matches!(piece.what, What::Message(_)));
            let fail = |error: io::Error| match error.kind() {
                io::ErrorKind::Interrupted => Error::Stopped,
                _ => place::failed(self.folder, &error),
            };
            let written = self.write_mail(&stem, mail);
            let written = written.and_then(|()| self.write_damaged(&stem, &damaged));
            written.map_err(fail)?;
        }
        Ok(())
    }

    /// Writes the index, and lets the plan know.
    pub fn finish(self) -> io::Result<()> {
        for exception in &mut self.plan.reached.exceptions {
            let place = (exception.file.clone(), exception.at);
            exception.kept_in = self.listed.get(&place).cloned().flatten();
        }
        self.plan.reached.kept = Some(self.kept);
        index::add(self.folder, self.job.clock.wall(), &self.notes)
    }

    /// Writes messages into one mbox file. What our own reader does not find in it again as it was, such as mail
    /// whose own text looks like an mbox, gets a file of its own.
    fn write_mail(&mut self, stem: &str, mut left: Vec<Piece>) -> io::Result<()> {
        let mut odd = Vec::new();
        while !left.is_empty() {
            let (file, written) = self.write_mbox(&left)?;
            let mut found: HashMap<Digest, u64> = HashMap::new();
            for content in held::contents(file.path(), self.job.stop) {
                *found.entry(content).or_default() += 1;
            }
            self.go_on()?;
            let (good, bad): (Vec<_>, Vec<_>) = written
                .into_iter()
                .partition(|(piece, _)| self.is_among(*piece, &mut found));
            if bad.is_empty() {
                if !good.is_empty() {
                    let path = name::settle(file, self.folder, stem, "mbox")?;
                    self.mark_all(good, &path);
                }
                break;
            }
            odd.extend(bad.into_iter().map(|(piece, _)| piece));
            left = good.into_iter().map(|(piece, _)| piece).collect();
        }
        for piece in odd {
            self.write_single(stem, piece)?;
        }
        Ok(())
    }

    fn is_among(&self, piece: Piece, found: &mut HashMap<Digest, u64>) -> bool {
        let content = piece
            .entry(self.plan)
            .map(|entry| entry.item.identity.content);
        match content.and_then(|content| found.get_mut(&content)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// The file, and the messages that could be read from their sources.
    fn write_mbox(&self, pieces: &[Piece]) -> io::Result<(NamedTempFile, Vec<Written>)> {
        let mut file = self.temporary("mbox")?;
        let mut written = Vec::new();
        let mut end = 0;
        for piece in pieces {
            self.go_on()?;
            let Some((item, mut message)) = self.message(*piece) else {
                continue;
            };
            let mut to = BufWriter::new(file.as_file_mut());
            let result = mboxrd::write_message(item.date, &mut message, &mut to);
            let result = result.and_then(|()| to.flush());
            // Whatever is left in it belongs to a message that is no longer wanted.
            drop(to.into_parts());
            let file = file.as_file_mut();
            match result {
                Ok(()) => {
                    end = file.stream_position()?;
                    written.push((*piece, index::about(&message.head)));
                }
                Err(_) if message.failed => {
                    file.set_len(end)?;
                    file.seek(SeekFrom::Start(end))?;
                }
                Err(error) => return Err(error),
            }
        }
        file.as_file().sync_all()?;
        Ok((file, written))
    }

    /// A message with a file of its own, with the very bytes that would be uploaded.
    fn write_single(&mut self, stem: &str, piece: Piece) -> io::Result<()> {
        self.go_on()?;
        let Some((item, mut message)) = self.message(piece) else {
            return Ok(());
        };
        let mut file = self.temporary("eml")?;
        match io::copy(&mut message, file.as_file_mut()) {
            Ok(_) => {}
            Err(_) if message.failed => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.is_there(&file, item.identity.bytes)? {
            let path = name::settle(file, self.folder, stem, "eml")?;
            self.mark_all(vec![(piece, index::about(&message.head))], &path);
        }
        Ok(())
    }

    /// Damaged messages, each with a file of its own, as they lie in their files.
    fn write_damaged(&mut self, stem: &str, pieces: &[Piece]) -> io::Result<()> {
        let stem = format!("{stem}, damaged");
        for piece in pieces {
            self.go_on()?;
            let Some(damaged) = piece.damaged(self.plan) else {
                continue;
            };
            let Ok((bytes, length)) = raw(damaged) else {
                continue;
            };
            let mut bytes = Watched::new(bytes);
            let mut file = self.temporary("bin")?;
            let copied = io::copy(&mut bytes, file.as_file_mut());
            match copied {
                Ok(copied) if copied == length => {}
                Ok(_) => continue,
                Err(_) if bytes.failed => continue,
                Err(error) => return Err(error),
            }
            let again = raw(damaged).and_then(|(bytes, _)| held::digest(bytes));
            let Ok((digest, _)) = again else {
                continue;
            };
            if self.is_there(&file, digest)? {
                let mail = length == 0 || looks_like_header(&bytes.head);
                let ending = if mail { "eml" } else { "bin" };
                let path = name::settle(file, self.folder, &stem, ending)?;
                self.mark_all(vec![(*piece, index::about(&bytes.head))], &path);
            }
        }
        Ok(())
    }

    /// Reads a file back.
    fn is_there(&self, file: &NamedTempFile, wanted: Digest) -> io::Result<bool> {
        file.as_file().sync_all()?;
        let (digest, _) = held::digest(File::open(file.path())?)?;
        Ok(digest == wanted)
    }

    fn temporary(&self, ending: &str) -> io::Result<NamedTempFile> {
        // Only its owner may read it.
        tempfile::Builder::new()
            .prefix(".being-written-")
            .suffix(&format!(".{ending}"))
            .tempfile_in(self.folder)
    }

    /// A message as it would be uploaded; `None` where its source can't open it any more.
    fn message(&self, piece: Piece) -> Option<(Item, Watched<Message>)> {
        let entry = piece.entry(self.plan)?;
        let source = self.job.sources.get(usize::from(entry.source))?;
        let reader = source.open(&entry.item).ok()?;
        let message = Watched::new(Checked::new(reader, &entry.item));
        Some((entry.item.clone(), message))
    }

    fn go_on(&self) -> io::Result<()> {
        if self.job.stop.asked() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    fn mark_all(&mut self, pieces: Vec<Written>, path: &Path) {
        let stamp = Stamp::of_file(path);
        for (piece, about) in pieces {
            let origin = piece.origin(self.plan);
            self.notes.push(Note {
                file: path.to_path_buf(),
                from: origin
                    .map(|origin| (origin.path(), origin.start))
                    .unwrap_or_default(),
                size: piece.size(self.plan),
                reason: piece.reason,
                about,
            });
            self.kept.written += 1;
            self.mark(piece, path, stamp.clone());
        }
    }

    /// From here on it counts as kept.
    fn mark(&mut self, piece: Piece, path: &Path, stamp: Stamp) {
        self.kept.messages += 1;
        self.kept.bytes += piece.size(self.plan);
        self.kept.stamp.add(stamp);
        if self.kept.files.insert(path.to_path_buf()) || self.kept.written.is_multiple_of(100) {
            self.job.observer.notice(&Event::Progress {
                stage: Stage::Keep,
                messages: self.kept.messages,
                bytes: self.kept.bytes,
            });
        }
        if let Some(origin) = piece.origin(self.plan) {
            let place = (origin.path().display().to_string(), origin.start);
            if let Some(listed) = self.listed.get_mut(&place) {
                *listed = Some(file_name(path));
            }
        }
        let folder = self.plan.folders.get_mut(usize::from(piece.folder));
        match (piece.what, folder) {
            (What::Message(at), Some(folder)) => {
                if let Some(entry) = folder.entries.get_mut(at as usize) {
                    entry.state = State::Kept(piece.reason);
                }
            }
            (What::Damaged(at), _) => {
                let name = file_name(path);
                self.kept.damaged.insert((piece.folder, at), name);
            }
            (What::Message(_), None) => {}
        }
    }
}

/// The name of a file in the storage folder.
fn file_name(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_default()
}

/// A reader that tells whether it was the one that failed, and remembers how its bytes begin.
struct Watched<R> {
    inner: R,
    head: Vec<u8>,
    failed: bool,
}

impl<R: Read> Watched<R> {
    fn new(inner: R) -> Watched<R> {
        Watched {
            inner,
            head: Vec::new(),
            failed: false,
        }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(count) => {
                let room = HEAD.saturating_sub(self.head.len()).min(count);
                self.head
                    .extend_from_slice(buffer.get(..room).unwrap_or_default());
                Ok(count)
            }
            Err(error) => {
                self.failed |= error.kind() != io::ErrorKind::Interrupted;
                Err(error)
            }
        }
    }
}
