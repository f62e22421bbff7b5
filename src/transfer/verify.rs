//! What the server has against what we wanted: every message looked for, surplus copies, dates and flags.

use std::collections::{HashMap, HashSet};

use super::copy::wanted_in;
use super::patient::Patient;
use super::plan::{Entry, Plan, PlannedFolder, State};
use super::reconcile::{self, Looking, Looks, Seen, ServerIndex, Wanted};
use super::report::{Verified, VerifiedFolder};
use super::{Depth, Job, Stop, elsewhere};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::mailbox::{Examined, Mailbox};
use crate::message::{Digest, Identity, MailDate};

/// The messages of a folder that were found again.
pub(crate) struct Found {
    /// Index into [`Plan::folders`].
    pub folder: u16,
    /// UIDVALIDITY that the UIDs belong to.
    pub uid_validity: u32,
    /// Index of the entry, and the UID of its copy.
    pub answers: Vec<(u32, u32)>,
    /// Indices of the entries that should be there and of which nothing is.
    pub missing: Vec<u32>,
}

/// Compares everything that the plan says is on the server with what the server has.
pub(crate) fn verify(
    job: &Job<'_>,
    patient: &mut Patient<'_>,
    plan: &mut Plan,
    depth: Depth,
    looking: Looking<'_>,
) -> Result<(Verified, Vec<Found>), Error> {
    let expected = |folder: &PlannedFolder| {
        folder
            .entries
            .iter()
            .filter(|entry| entry.state.is_there())
            .count() as u64
    };
    let total = plan.folders.iter().map(expected).sum();
    job.observer.notice(&Event::Started {
        stage: Stage::Verify,
        messages: Some(total),
        bytes: None,
    });
    let mut verified = Verified {
        how: depth,
        sample: job.choices.sample,
        expected: 0,
        present: 0,
        missing: 0,
        surplus: 0,
        altered: 0,
        dates_differ: 0,
        flags_differ: 0,
        folders: Vec::new(),
    };
    let mut found = Vec::new();
    for (at, folder) in (0u16..).zip(&mut plan.folders) {
        job.stop.check()?;
        if expected(folder) > 0 {
            let before = verified.expected;
            let progress = |messages: u64| {
                job.observer.notice(&Event::Progress {
                    stage: Stage::Verify,
                    messages: before + messages,
                    bytes: 0,
                });
            };
            let checked = patient
                .ask(|mailbox| check_folder(job, looking, mailbox, at, folder, depth, &progress))?;
            note_uids(folder, &checked.found);
            progress(checked.folder.expected);
            job.observer.notice(&Event::FolderFinished {
                stage: Stage::Verify,
                folder: checked.folder.folder.clone(),
                messages: checked.folder.expected,
            });
            verified.dates_differ += checked.dates_differ;
            verified.flags_differ += checked.flags_differ;
            verified.add(checked.folder);
            found.push(checked.found);
        }
    }
    for folder in elsewhere::check(job, patient, plan, depth, looking)? {
        verified.add(folder);
    }
    job.observer.notice(&Event::Finished {
        stage: Stage::Verify,
        messages: total,
    });
    Ok((verified, found))
}

/// Servers without UIDPLUS tell no UID; now it is known.
fn note_uids(folder: &mut PlannedFolder, found: &Found) {
    for (key, uid) in &found.answers {
        if let Some(entry) = folder.entries.get_mut(*key as usize)
            && matches!(entry.state, State::Copied(_))
        {
            entry.state = State::Copied(Some(*uid));
        }
    }
}

/// What the check of one folder came to.
struct Checked {
    folder: VerifiedFolder,
    found: Found,
    dates_differ: u64,
    flags_differ: u64,
}

impl Verified {
    fn add(&mut self, folder: VerifiedFolder) {
        self.expected += folder.expected;
        self.present += folder.present;
        self.missing += folder.missing;
        self.surplus += folder.surplus;
        self.altered += folder.altered;
        self.folders.push(folder);
    }
}

fn check_folder(
    job: &Job<'_>,
    looking: Looking<'_>,
    mailbox: &mut dyn Mailbox,
    at: u16,
    folder: &PlannedFolder,
    depth: Depth,
    progress: &dyn Fn(u64),
) -> Result<Checked, Error> {
    let wanted = wanted_in(folder, |entry| entry.state.is_there());
    let index = reconcile::index(mailbox, &folder.target, 1)?.unwrap_or_default();
    let answers = match depth {
        Depth::Headers => {
            let mut answers = by_headers(looking, mailbox, folder, &index, &wanted)?;
            if let Some(share) = job.choices.sample {
                read_back(looking.stop, mailbox, &wanted, &mut answers, share)?;
            }
            answers
        }
        Depth::Bytes => by_bytes(looking.stop, mailbox, folder, &index, &wanted, progress)?,
    };
    mailbox.leave()?;
    let (expected, present) = (wanted.len() as u64, answers.found.len() as u64);
    let told: HashSet<u32> = answers.found.iter().map(|(key, _)| *key).collect();
    let missing: Vec<u32> = wanted
        .iter()
        .map(|one| one.key)
        .filter(|key| !told.contains(key) && !answers.altered.contains(key))
        .collect();
    let mut checked = Checked {
        folder: VerifiedFolder {
            folder: folder.target.display(),
            expected,
            present,
            missing: missing.len() as u64,
            surplus: answers.surplus,
            altered: answers.altered.len() as u64,
        },
        found: Found {
            folder: at,
            uid_validity: index.examined.uid_validity,
            answers: answers.found,
            missing,
        },
        dates_differ: 0,
        flags_differ: 0,
    };
    let by_uid: HashMap<u32, &Seen> = index.messages.iter().map(|seen| (seen.uid, seen)).collect();
    for (key, uid) in &checked.found.answers {
        let entry = folder.entries.get(*key as usize);
        if let Some((entry, seen)) = entry.zip(by_uid.get(uid))
            && matches!(entry.state, State::Copied(_))
        {
            checked.dates_differ += u64::from(!same_date(entry, seen));
            checked.flags_differ += u64::from(!has_marks(entry, seen, &index.examined));
        }
    }
    Ok(checked)
}

/// Servers keep the moment; some write it in another zone.
fn same_date(entry: &Entry, seen: &Seen) -> bool {
    let kept = |date: MailDate| seen.date.is_some_and(|kept| kept.seconds == date.seconds);
    entry.item.date.is_none_or(kept)
}

/// Whether a copy has the flags and tags it was sent with: those that the server keeps at all.
fn has_marks(entry: &Entry, seen: &Seen, examined: &Examined) -> bool {
    let has = |atom: &str| seen.has_keyword(atom) || !examined.keeps(atom);
    seen.flags
        .contains(entry.item.flags.intersection(examined.permanent))
        && entry.item.keywords.iter().all(|tag| has(tag.atom()))
}

struct Answers {
    /// Index of the entry, and the UID of its copy.
    found: Vec<(u32, u32)>,
    /// Indices of the entries whose copy is another message than was sent.
    altered: HashSet<u32>,
    surplus: u64,
}

fn by_headers(
    looking: Looking<'_>,
    mailbox: &mut dyn Mailbox,
    folder: &PlannedFolder,
    index: &ServerIndex,
    wanted: &[Wanted],
) -> Result<Answers, Error> {
    let found: Vec<(u32, u32)> = reconcile::matches(mailbox, index, wanted, looking)?
        .into_iter()
        .map(|one| (one.key, one.uid))
        .collect();
    // A copy too many has the same header fields as one of ours and came during this run; its content decides.
    let claimed: HashSet<u32> = found.iter().map(|(_, uid)| *uid).collect();
    let ours: HashSet<Digest> = wanted.iter().map(|one| one.identity.summary).collect();
    let extra: Vec<u32> = index
        .messages
        .iter()
        .filter(|seen| {
            came_now(folder, seen.uid)
                && !claimed.contains(&seen.uid)
                && ours.contains(&seen.summary)
        })
        .map(|seen| seen.uid)
        .collect();
    let surplus = if extra.is_empty() {
        0
    } else {
        let contents = reconcile::contents(mailbox, &extra, looking.stop, &|_| {})?;
        count_known(wanted, contents.iter().map(|(_, identity)| identity))
    };
    Ok(Answers {
        found,
        altered: HashSet::new(),
        surplus,
    })
}

/// Reads some of the copies back, spread evenly by what they are; those that are other messages are no answers.
fn read_back(
    stop: &Stop,
    mailbox: &mut dyn Mailbox,
    wanted: &[Wanted],
    answers: &mut Answers,
    share: u8,
) -> Result<(), Error> {
    let by_key: HashMap<u32, &Wanted> = wanted.iter().map(|one| (one.key, one)).collect();
    let chosen: HashMap<u32, &Wanted> = answers
        .found
        .iter()
        .filter_map(|(key, uid)| Some((*uid, *by_key.get(key)?)))
        .filter(|(_, one)| is_sampled(one, share))
        .collect();
    let mut uids: Vec<u32> = chosen.keys().copied().collect();
    uids.sort_unstable();
    for (uid, identity) in reconcile::contents(mailbox, &uids, stop, &|_| {})? {
        if let Some(one) = chosen.get(&uid)
            && one.identity.content != identity.content
        {
            answers.altered.insert(one.key);
        }
    }
    let altered = &answers.altered;
    answers.found.retain(|(key, _)| !altered.contains(key));
    Ok(())
}

/// By its hash, so that a second look takes the same ones.
fn is_sampled(one: &Wanted, share: u8) -> bool {
    let [high, low, ..] = one.identity.bytes.0;
    u32::from(u16::from_be_bytes([high, low])) * 100 < u32::from(share) * 65_536
}

fn by_bytes(
    stop: &Stop,
    mailbox: &mut dyn Mailbox,
    folder: &PlannedFolder,
    index: &ServerIndex,
    wanted: &[Wanted],
    progress: &dyn Fn(u64),
) -> Result<Answers, Error> {
    let candidates = candidates(folder, index, wanted);
    let contents = reconcile::contents(mailbox, &candidates, stop, progress)?;
    let mut copies: HashMap<Digest, Vec<u32>> = HashMap::new();
    // Taken from the end: the lowest UID, the one that came first, answers first.
    for (uid, identity) in contents.iter().rev() {
        copies.entry(identity.content).or_default().push(*uid);
    }
    let mut found = Vec::with_capacity(wanted.len());
    let mut absent = Vec::new();
    for one in wanted {
        match copies.get_mut(&one.identity.content).and_then(Vec::pop) {
            Some(uid) => found.push((one.key, uid)),
            None => absent.push(one),
        }
    }
    let held: HashSet<u32> = contents.iter().map(|(uid, _)| *uid).collect();
    let uid_of = |one: &&&Wanted| {
        folder
            .entries
            .get(one.key as usize)
            .and_then(|entry| entry.state.uid())
    };
    let altered = absent
        .iter()
        .filter(|one| uid_of(one).is_some_and(|uid| held.contains(&uid)))
        .map(|one| one.key)
        .collect();
    let left: HashSet<u32> = copies
        .values()
        .flatten()
        .copied()
        .filter(|uid| came_now(folder, *uid))
        .collect();
    let extra = contents
        .iter()
        .filter(|(uid, _)| left.contains(uid))
        .map(|(_, identity)| identity);
    Ok(Answers {
        found,
        altered,
        surplus: count_known(wanted, extra),
    })
}

/// The messages that have to be read back: those with the header fields of one that is wanted, those whose UID we
/// were told, and those without a Message-ID, whose header we may read in another way than the server.
fn candidates(folder: &PlannedFolder, index: &ServerIndex, wanted: &[Wanted]) -> Vec<u32> {
    let looks = Looks::of(wanted);
    let told: HashSet<u32> = folder
        .entries
        .iter()
        .filter_map(|entry| entry.state.uid())
        .collect();
    index
        .messages
        .iter()
        .filter(|seen| looks.like(seen) || told.contains(&seen.uid))
        .map(|seen| seen.uid)
        .collect()
}

/// Whether a copy can be one that this run sent.
fn came_now(folder: &PlannedFolder, uid: u32) -> bool {
    folder.first_uid > 0 && uid >= folder.first_uid
}

fn count_known<'a>(wanted: &[Wanted], extra: impl Iterator<Item = &'a Identity>) -> u64 {
    let ours: HashSet<Digest> = wanted.iter().map(|one| one.identity.content).collect();
    extra
        .filter(|identity| ours.contains(&identity.content))
        .count() as u64
}
