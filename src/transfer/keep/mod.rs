//! The storage folder: what does not go up is written to a folder on this computer, read back, and only then counted as kept.
//!
//! Nothing there is ever overwritten or removed. What the folder holds is found out by reading it, so that a second
//! run writes nothing twice.

mod held;
mod index;
mod mboxrd;
mod name;
mod place;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Job;
use super::journal::disk::make_private_dir;
use super::plan::{Entry, Plan, Reason, State};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::message::Origin;
use crate::source::spool::Wrapping;
use crate::source::{Damaged, Fault, Stamp, eml, walk};
use held::Held;
pub(crate) use place::can_keep;
use write::Writer;

/// What is kept besides what was refused, is damaged, or does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// What stays by the person's choice (`--skip`, `--since`, `--until`), and what the mail program marked as deleted.
    pub left_out: bool,
    /// What was on the server after an earlier run, and is not any more.
    pub removed: bool,
    /// The mailbox is full: what was not tried does not fit either.
    pub full: bool,
}

/// What the storage folder holds of a plan.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The folder.
    pub folder: PathBuf,
    /// Messages of the plan that are in it and were checked.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of these messages, those that were written now; the others were there already.
    pub written: u64,
    /// The files that hold them.
    pub files: BTreeSet<PathBuf>,
    /// Index of a folder of the plan, and of a damaged message in it, with the name of its file.
    pub(crate) damaged: BTreeMap<(u16, u32), String>,
    /// The state of the files when they were checked.
    pub(crate) stamp: Stamp,
}

impl Kept {
    /// Damaged messages of a folder of the plan, by its index, that are in the storage folder.
    pub fn damaged_in(&self, folder: u16) -> u64 {
        let all = self.damaged.keys();
        all.filter(|(at, _)| *at == folder).count() as u64
    }

    /// The files that are not what they were any more when they were checked.
    pub fn changed(&self) -> Vec<PathBuf> {
        let mut now = Stamp::default();
        self.files.iter().for_each(|path| now.add_file(path));
        self.stamp.changes(&now)
    }
}

/// A message that is to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// Index into [`Plan::folders`].
    folder: u16,
    what: What,
    reason: Reason,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Index of an entry.
    Message(u32),
    /// Index of a damaged message, of which the bytes are kept as they are.
    Damaged(u32),
}

impl Piece {
    fn entry<'a>(&self, plan: &'a Plan) -> Option<&'a Entry> {
        let What::Message(at) = self.what else {
            return None;
        };
        let folder = plan.folders.get(usize::from(self.folder))?;
        folder.entries.get(at as usize)
    }

    fn damaged<'a>(&self, plan: &'a Plan) -> Option<&'a Damaged> {
        let What::Damaged(at) = self.what else {
            return None;
        };
        let folder = plan.folders.get(usize::from(self.folder))?;
        folder.damaged.get(at as usize)
    }

    fn origin<'a>(&self, plan: &'a Plan) -> Option<&'a Origin> {
        let damaged = self.damaged(plan).map(|damaged| &damaged.origin);
        damaged.or_else(|| self.entry(plan).map(|entry| &entry.item.origin))
    }

    fn size(&self, plan: &Plan) -> u64 {
        match (self.entry(plan), self.damaged(plan)) {
            (Some(entry), _) => entry.item.size,
            (None, Some(damaged)) => raw(damaged).map_or(0, |(_, length)| length),
            (None, None) => 0,
        }
    }
}

/// Index of a source, and the name of a folder in it.
type From = (u16, String);

/// See [`Job::keep`].
pub(crate) fn keep(
    job: &Job<'_>,
    plan: &mut Plan,
    folder: &Path,
    which: Keeping,
) -> Result<Kept, Error> {
    can_keep(job.sources, folder)?;
    take_back(plan);
    let mut wanted = wanted(job, plan, which);
    let total = wanted.values().map(Vec::len).sum::<usize>() as u64;
    if total == 0 {
        return Ok(Kept {
            folder: folder.into(),
            ..Kept::default()
        });
    }
    job.observer.notice(&Event::Started {
        stage: Stage::Keep,
        messages: Some(total),
        bytes: None,
    });
    let fail = |error: io::Error| place::failed(folder, &error);
    make_private_dir(folder).map_err(fail)?;
    // Now that it is there, its real place is known for certain.
    can_keep(job.sources, folder)?;
    let mut held = Held::read(folder, job.stop).map_err(fail)?;
    job.stop.check()?;
    let mut writer = Writer::new(job, plan, folder);
    for pieces in wanted.values_mut() {
        pieces.retain(|piece| !writer.recognise(*piece, &mut held));
    }
    let result = writer.write_all(wanted);
    // Whatever stopped it, what was kept is known.
    let listed = writer.finish();
    job.observer.notice(&Event::Finished {
        stage: Stage::Keep,
        messages: total,
    });
    result?;
    listed.map_err(fail)?;
    Ok(plan.reached.kept.clone().unwrap_or_default())
}

/// Whatever was kept before is looked for again: somebody may have changed the folder.
fn take_back(plan: &mut Plan) {
    plan.reached.kept = None;
    for exception in &mut plan.reached.exceptions {
        exception.kept_in = None;
    }
    let entries = plan
        .folders
        .iter_mut()
        .flat_map(|folder| &mut folder.entries);
    for entry in entries {
        if let State::Kept(reason) = entry.state {
            entry.state = before(reason);
        }
    }
}

/// The state of a message that was not kept, for this reason.
fn before(reason: Reason) -> State {
    match reason {
        Reason::Full => State::Waiting(reason),
        Reason::Unreadable | Reason::Changed => State::Damaged(reason),
        Reason::Deleted
        | Reason::Skipped
        | Reason::TooOld
        | Reason::TooNew
        | Reason::RemovedSince => State::LeftOut(reason),
        _ => State::Refused(reason),
    }
}

/// Why a message in this state is kept, if it is.
fn why(state: State, which: Keeping) -> Option<Reason> {
    match state {
        State::Refused(reason) | State::Damaged(reason) => Some(reason),
        State::Waiting(Reason::Full) => Some(Reason::Full),
        State::Waiting(Reason::NotTried) if which.full => Some(Reason::Full),
        State::LeftOut(
            reason @ (Reason::Deleted | Reason::Skipped | Reason::TooOld | Reason::TooNew),
        ) if which.left_out => Some(reason),
        State::LeftOut(reason @ Reason::RemovedSince) if which.removed => Some(reason),
        _ => None,
    }
}

/// Everything that is to be kept, by the folder of the source that it comes from.
fn wanted(job: &Job<'_>, plan: &Plan, which: Keeping) -> BTreeMap<From, Vec<Piece>> {
    let tables: Vec<Vec<String>> = job
        .sources
        .iter()
        .map(|source| names(source.as_ref()))
        .collect();
    let name = |source: u16, folder: u32| {
        let table = tables.get(usize::from(source));
        let name = table.and_then(|table| table.get(folder as usize));
        (source, name.cloned().unwrap_or_else(|| "Found mail".into()))
    };
    let mut wanted: BTreeMap<From, Vec<Piece>> = BTreeMap::new();
    for (at, folder) in (0u16..).zip(&plan.folders) {
        for (number, entry) in (0u32..).zip(&folder.entries) {
            if let Some(reason) = why(entry.state, which) {
                let pieces = wanted.entry(name(entry.source, entry.item.folder.0));
                pieces.or_default().push(Piece {
                    folder: at,
                    what: What::Message(number),
                    reason,
                });
            }
        }
        for (number, damaged) in (0u32..).zip(&folder.damaged) {
            let path = damaged.origin.path();
            let sources = folder.from.iter().map(|(source, _)| *source);
            let source = sources.clone().find(|source| {
                let source = plan.sources.get(usize::from(*source));
                source.is_some_and(|source| path.starts_with(&source.path))
            });
            let source = source
                .or_else(|| sources.clone().next())
                .unwrap_or_default();
            let pieces = wanted.entry(name(source, damaged.folder.0));
            pieces.or_default().push(Piece {
                folder: at,
                what: What::Damaged(number),
                reason: Reason::Unreadable,
            });
        }
    }
    wanted
}

fn names(source: &dyn crate::source::Source) -> Vec<String> {
    let folders = source.folders();
    folders.iter().map(|folder| folder.path.join("/")).collect()
}

/// The bytes of a damaged message as they lie in its file, and their number, where they can be told apart in it.
fn raw(damaged: &Damaged) -> io::Result<(io::Take<File>, u64)> {
    let no = |why: &str| Err(io::Error::other(why.to_string()));
    let origin = &damaged.origin;
    let whole = origin.file.is_some();
    let broken_mail = eml::has_ending(&origin.path(), "eml") && origin.length == 0;
    match damaged.fault {
        Fault::SpecialFile => return no("never opened"),
        Fault::Changed => return no("its place is not sure"),
        // A store in a form that is not read holds many messages, and keeping it saves none of them.
        Fault::NotMail if whole && !broken_mail => return no("mail in another form"),
        _ => {}
    }
    let (mut file, facts) = walk::open_file(&origin.path())?;
    let length = if whole { facts.length } else { origin.length };
    let end = origin.start.checked_add(length);
    if end.is_none_or(|end| end > facts.length) || (length == 0) != (damaged.fault == Fault::Empty)
    {
        return no("not what was found at first");
    }
    // In a packed file the places are those of its text.
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head)?;
    if Wrapping::of(&head).is_some() && !whole {
        return no("a part of a packed file");
    }
    file.seek(SeekFrom::Start(origin.start))?;
    Ok((file.take(length), length))
}
