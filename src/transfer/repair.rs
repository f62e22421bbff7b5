//! What the server confirmed and does not have: waited for once more, and then sent again, twice at most.

use std::collections::HashSet;

use super::guards::Guards;
use super::plan::{Plan, Reason, State};
use super::report::Verified;
use super::verify::Found;
use super::{Job, NAP, remember};
use crate::error::Error;
use crate::event::Event;

/// How often missing messages are sent again before they count as lost on the server.
const ROUNDS: u32 = 2;

/// Index of a folder of the plan, and of an entry in it.
type Spot = (u16, u32);

/// See [`Job::repair`].
pub(crate) fn repair(
    job: &Job<'_>,
    plan: &mut Plan,
    verified: Verified,
) -> Result<Verified, Error> {
    let mut record = |plan: &Plan, looked: &Verified, found: &[Found]| {
        remember::record(job, plan, looked, found)
    };
    let mut send = |plan: &mut Plan| job.copy(plan);
    repair_with(job, plan, verified, Guards::ALL, &mut send, &mut record)
}

/// Writes down what a look found.
type Record<'a> = dyn FnMut(&Plan, &Verified, &[Found]) -> Result<(), Error> + 'a;

/// The same with another way of sending, and another journal.
pub(crate) fn repair_with(
    job: &Job<'_>,
    plan: &mut Plan,
    mut verified: Verified,
    guards: Guards,
    send: &mut dyn FnMut(&mut Plan) -> Result<(), Error>,
    record: &mut Record<'_>,
) -> Result<Verified, Error> {
    let mut unseen: Option<HashSet<Spot>> = None;
    for _ in 0..ROUNDS {
        if verified.missing == 0 {
            break;
        }
        let (looked, found) = look_again(job, plan, verified.missing, guards)?;
        verified = looked;
        let missing = missing(plan, &found);
        let again = missing.iter().filter(|spot| match &unseen {
            None => true,
            // What a look of this run saw was stored; whoever removed it since wants it gone.
            Some(unseen) => unseen.contains(spot),
        });
        let again: HashSet<Spot> = again.copied().collect();
        for spot in &missing {
            let state = if again.contains(spot) {
                State::ToCopy
            } else {
                State::LeftOut(Reason::RemovedSince)
            };
            set(plan, *spot, state);
        }
        if again.is_empty() {
            break;
        }
        unseen = Some(again);
        send(plan)?;
        let (looked, found) = job.look(plan, guards)?;
        record(plan, &looked, &found)?;
        verified = looked;
    }
    Ok(verified)
}

/// Another look, once nothing can be under way any more.
fn look_again(
    job: &Job<'_>,
    plan: &mut Plan,
    messages: u64,
    guards: Guards,
) -> Result<(Verified, Vec<Found>), Error> {
    let now = job.clock.now();
    let until = plan.reached.last_sent.map_or(now, |sent| sent + job.quiet);
    if guards.quiet && until > now {
        job.observer.notice(&Event::Settling {
            wait: until - now,
            messages,
        });
        while job.clock.now() < until {
            job.stop.check()?;
            let left = until.saturating_sub(job.clock.now());
            job.clock.sleep(left.min(NAP));
        }
    }
    job.look(plan, guards)
}

/// The messages that this run sent, that the server confirmed, and that are not there. What was there before and is gone was
/// removed by its owner; what was there and turned out to be another message may be ours, changed by the server: sent
/// again, it would be changed again.
fn missing(plan: &Plan, found: &[Found]) -> Vec<Spot> {
    let spots = found
        .iter()
        .flat_map(|one| one.missing.iter().map(|entry| (one.folder, *entry)));
    spots.filter(|spot| was_copied(plan, *spot)).collect()
}

fn was_copied(plan: &Plan, (folder, entry): Spot) -> bool {
    let folder = plan.folders.get(usize::from(folder));
    folder
        .and_then(|folder| folder.entries.get(entry as usize))
        .is_some_and(|entry| matches!(entry.state, State::Copied(_)))
}

fn set(plan: &mut Plan, (folder, entry): Spot, state: State) {
    let folder = plan.folders.get_mut(usize::from(folder));
    if let Some(entry) = folder.and_then(|folder| folder.entries.get_mut(entry as usize)) {
        entry.state = state;
    }
}
