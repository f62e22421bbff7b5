//! What the journal of earlier runs says to a plan, and what a check tells the journal.

use super::journal::{self, Disk, Journal, Past};
use super::plan::order::{CopyNumbers, Place};
use super::plan::{Plan, Reason, State};
use super::report::Verified;
use super::verify::Found;
use super::{Choices, Job};
use crate::error::Error;

/// A message that was copied and checked before, and is not in its folder now, was removed there by its owner:
/// it is not brought back. With another UIDVALIDITY the folder is another one, and nothing known of it holds.
pub(crate) fn leave_removed(job: &Job<'_>, plan: &mut Plan) -> Result<(), Error> {
    let past = journal::peek(job.state, &plan.account)?;
    leave_out_removed(plan, &past, job.choices);
    Ok(())
}

/// The same with what the journal of earlier runs says.
pub(crate) fn leave_out_removed(plan: &mut Plan, past: &Past, choices: &Choices) {
    let copies = CopyNumbers::of(plan, choices);
    for (at, folder) in (0u16..).zip(&mut plan.folders) {
        let same_folder = folder.uid_validity > 0
            && past.uid_validity(folder.target.wire()) == Some(folder.uid_validity);
        if !same_folder {
            continue;
        }
        let target = folder.target.clone();
        for (number, entry) in (0u32..).zip(&mut folder.entries) {
            let known = past.of(&copies.key(
                &target,
                Place {
                    folder: at,
                    entry: number,
                },
                entry,
            ));
            if entry.state == State::ToCopy && known.verified && known.in_doubt.is_none() {
                entry.state = State::LeftOut(Reason::RemovedSince);
            }
        }
    }
}

/// Writes what a check found into the journal, if there is one and no other run is writing it.
pub(crate) fn record(
    job: &Job<'_>,
    plan: &Plan,
    verified: &Verified,
    found: &[Found],
) -> Result<(), Error> {
    if !journal::exists(job.state) {
        return Ok(());
    }
    let mut journal = match Journal::open(job.state, &plan.account) {
        Ok((journal, _)) => journal,
        Err(Error::Busy { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    record_in(&mut journal, job.choices, plan, verified, found)
}

/// The same in a journal that is open.
pub(crate) fn record_in<D: Disk>(
    journal: &mut Journal<D>,
    choices: &Choices,
    plan: &Plan,
    verified: &Verified,
    found: &[Found],
) -> Result<(), Error> {
    let copies = CopyNumbers::of(plan, choices);
    for one in found {
        let Some(folder) = plan.folders.get(usize::from(one.folder)) else {
            continue;
        };
        let mut seen = Vec::with_capacity(one.answers.len());
        for (number, uid) in &one.answers {
            let Some(entry) = folder.entries.get(*number as usize) else {
                continue;
            };
            let key = copies.key(
                &folder.target,
                Place {
                    folder: one.folder,
                    entry: *number,
                },
                entry,
            );
            seen.push((journal.message(key, &entry.item, None)?, *uid));
        }
        journal.scan(folder.target.wire(), one.uid_validity, &seen)?;
        for (item, uid) in seen {
            journal.verified(item, Some(uid), verified.how.name())?;
        }
    }
    let result = if verified.clean() {
        "complete"
    } else {
        "difference"
    };
    journal.end(result, verified.missing, verified.surplus)
}
