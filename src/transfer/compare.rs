//! Asks the server what it has already, and settles it in the plan: what is there, what is elsewhere, which flags are to be added.

use std::collections::{HashMap, HashSet};

use super::copy::wanted_in;
use super::patient::Patient;
use super::plan::folders::Targets;
use super::plan::{Entry, FlagChange, Plan, PlannedFolder, Reason, State};
use super::reconcile::{self, Groups, Looking, Match, ServerIndex};
use super::report::Exception;
use super::{Choices, Job};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::mailbox::{Folder, Mailbox};
use crate::message::{Digest, Keywords};

/// Matches the plan with every folder of the server.
pub(crate) fn compare(
    job: &Job<'_>,
    patient: &mut Patient<'_>,
    plan: &mut Plan,
    targets: &Targets<'_>,
    server: &[Folder],
    looking: Looking<'_>,
) -> Result<(), Error> {
    job.observer.notice(&Event::Started {
        stage: Stage::Compare,
        messages: None,
        bytes: None,
    });
    // What a folder of the server holds that its own mail does not claim may be mail of another folder of ours.
    let mut others: Vec<(u16, &Folder, ServerIndex)> = Vec::new();
    let mut held = 0;
    for folder in server.iter().filter(|folder| folder.selectable) {
        job.stop.check()?;
        let mut planned = plan
            .folders
            .iter_mut()
            .find(|planned| planned.target == folder.name);
        let looked =
            patient.ask(|mailbox| look(job, looking, mailbox, folder, planned.as_deref_mut()))?;
        let Some(index) = looked else { continue };
        held += index.messages.len() as u64;
        plan.server_folders.push(folder.name.display());
        // Mail that the server is about to delete by itself is no copy to rely on.
        if !targets.loses(folder) {
            others.push((plan.server_folders.len() as u16 - 1, folder, index));
        }
        job.observer.notice(&Event::Progress {
            stage: Stage::Compare,
            messages: held,
            bytes: 0,
        });
    }
    for (at, folder, index) in others {
        job.stop.check()?;
        patient.ask(|mailbox| elsewhere(job, looking, mailbox, plan, at, folder, &index))?;
    }
    refuse_too_big(plan);
    job.observer.notice(&Event::Finished {
        stage: Stage::Compare,
        messages: held,
    });
    Ok(())
}

/// What a folder of the server holds, settled in the plan where mail goes there.
fn look(
    job: &Job<'_>,
    looking: Looking<'_>,
    mailbox: &mut dyn Mailbox,
    folder: &Folder,
    planned: Option<&mut PlannedFolder>,
) -> Result<Option<ServerIndex>, Error> {
    let Some(index) = reconcile::index(mailbox, &folder.name, 1)? else {
        return Ok(None);
    };
    let found = match &planned {
        None => Vec::new(),
        Some(planned) => {
            let wanted = wanted_in(planned, |entry| entry.state == State::ToCopy);
            reconcile::matches(mailbox, &index, &wanted, looking)?
        }
    };
    mailbox.leave()?;
    // Nothing is settled before the last answer came: should the line break, all of it is asked again.
    if let Some(planned) = planned {
        planned.new = false;
        planned.uid_validity = index.examined.uid_validity;
        planned.first_uid = index.examined.uid_next.max(1);
        settle(planned, &index, found, job.choices);
    }
    Ok(Some(index))
}

/// The server's own word on its largest message decides; nothing larger is tried.
fn refuse_too_big(plan: &mut Plan) {
    let Some(limit) = plan.append_limit else {
        return;
    };
    for folder in &mut plan.folders {
        let name = folder.target.display();
        for entry in folder
            .entries
            .iter_mut()
            .filter(|entry| entry.state == State::ToCopy)
        {
            if entry.item.size > limit {
                entry.state = State::Refused(Reason::TooBig);
                let detail = format!(
                    "the server takes at most {} (APPENDLIMIT {limit})",
                    crate::amount::size(limit)
                );
                let (origin, size) = (&entry.item.origin, entry.item.size);
                let exception = Exception::new(
                    "refused",
                    Reason::TooBig,
                    name.clone(),
                    origin,
                    size,
                    detail,
                );
                plan.reached.exceptions.push(exception);
            }
        }
    }
}

/// What is in its folder already, and which flags and tags are to be added there.
fn settle(planned: &mut PlannedFolder, index: &ServerIndex, found: Vec<Match>, choices: &Choices) {
    let by_uid: HashMap<u32, usize> = index
        .messages
        .iter()
        .enumerate()
        .map(|(at, seen)| (seen.uid, at))
        .collect();
    for found in found {
        let Some(entry) = planned.entries.get_mut(found.key as usize) else {
            continue;
        };
        entry.state = State::AlreadyThere(found.uid);
        let Some(seen) = by_uid
            .get(&found.uid)
            .and_then(|at| index.messages.get(*at))
        else {
            continue;
        };
        let flags = entry
            .item
            .flags
            .intersection(index.examined.permanent)
            .without(seen.flags);
        let missing = |tag: &&crate::message::Keyword| {
            index.examined.keeps(tag.atom()) && !seen.has_keyword(tag.atom())
        };
        let keywords = Keywords::new(
            entry
                .item
                .keywords
                .iter()
                .filter(missing)
                .cloned()
                .collect(),
        );
        let nothing_to_add = flags.is_empty() && keywords.is_empty();
        if !choices.leave_flags && !nothing_to_add {
            planned.flag_changes.push(FlagChange {
                uid: found.uid,
                flags,
                keywords,
            });
        }
    }
    let order = |change: &FlagChange| {
        let tags: Vec<String> = change
            .keywords
            .iter()
            .map(|tag| tag.atom().to_string())
            .collect();
        (change.flags.names().collect::<Vec<_>>(), tags, change.uid)
    };
    planned.flag_changes.sort_by_cached_key(order);
}

/// Which messages to send lie in this folder of the server too.
fn elsewhere(
    job: &Job<'_>,
    looking: Looking<'_>,
    mailbox: &mut dyn Mailbox,
    plan: &mut Plan,
    at: u16,
    folder: &Folder,
    index: &ServerIndex,
) -> Result<(), Error> {
    let held = Groups::new(index.messages.iter().map(|seen| seen.summary));
    let mut examined = false;
    for planned in plan
        .folders
        .iter_mut()
        .filter(|planned| planned.target != folder.name)
    {
        let open = |entry: &Entry| {
            entry.state == State::ToCopy
                && entry.elsewhere.is_none()
                && !held.of(entry.item.identity.summary).is_empty()
        };
        let wanted = wanted_in(planned, open);
        if wanted.is_empty() {
            continue;
        }
        if !std::mem::replace(&mut examined, true) {
            mailbox.examine(&folder.name)?;
        }
        // One copy there answers for the mail of any number of folders here: nothing is claimed.
        let found: HashSet<Digest> =
            reconcile::matches(mailbox, index, &distinct(&wanted), looking)?
                .into_iter()
                .filter_map(|found| planned.entries.get(found.key as usize))
                .map(|entry| entry.item.identity.content)
                .collect();
        mark(planned, &found, at, job.choices);
    }
    if examined {
        mailbox.leave()?;
    }
    Ok(())
}

/// One of each content.
fn distinct(wanted: &[reconcile::Wanted]) -> Vec<reconcile::Wanted> {
    let mut seen = HashSet::new();
    wanted
        .iter()
        .filter(|one| seen.insert(one.identity.content))
        .copied()
        .collect()
}

fn mark(planned: &mut PlannedFolder, found: &HashSet<Digest>, at: u16, choices: &Choices) {
    for entry in &mut planned.entries {
        if entry.state == State::ToCopy && found.contains(&entry.item.identity.content) {
            entry.elsewhere = Some(at);
            if choices.once {
                entry.state = State::AlreadyElsewhere;
            }
        }
    }
}
