//! The check of mail that stays where it is: in another folder of the server than the one it would have gone to.

use std::collections::{BTreeMap, HashSet};

use super::copy::wanted_in;
use super::patient::Patient;
use super::plan::{Entry, Plan, State};
use super::reconcile::{self, Looking, Looks, Wanted};
use super::report::VerifiedFolder;
use super::{Depth, Job};
use crate::error::Error;
use crate::mailbox::{Mailbox, MailboxName};
use crate::message::Digest;

/// Looks again for every message that was left in another folder; with [`Depth::Bytes`] its copy is read back. One copy
/// there answers for any number of messages here: they are the same.
pub(crate) fn check(
    job: &Job<'_>,
    patient: &mut Patient<'_>,
    plan: &Plan,
    depth: Depth,
    looking: Looking<'_>,
) -> Result<Vec<VerifiedFolder>, Error> {
    let wanted = left_there(plan);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let folders = patient.ask(|mailbox| mailbox.folders())?;
    let mut checked = Vec::new();
    for (at, wanted) in wanted {
        job.stop.check()?;
        let name = plan.server_folders.get(usize::from(at));
        let there = folders
            .iter()
            .find(|folder| Some(&folder.name.display()) == name);
        let present = match there {
            Some(folder) => {
                patient.ask(|mailbox| find(looking, mailbox, &folder.name, &wanted, depth))?
            }
            None => 0,
        };
        let expected = wanted.len() as u64;
        checked.push(VerifiedFolder {
            folder: name.cloned().unwrap_or_default(),
            expected,
            present,
            missing: expected - present,
            surplus: 0,
            altered: 0,
        });
    }
    Ok(checked)
}

/// The messages that were left where they are, by the server's folder.
fn left_there(plan: &Plan) -> BTreeMap<u16, Vec<Wanted>> {
    let mut wanted: BTreeMap<u16, Vec<Wanted>> = BTreeMap::new();
    for folder in &plan.folders {
        let places: HashSet<u16> = folder.entries.iter().filter_map(place).collect();
        for at in places {
            let here = wanted_in(folder, |entry| place(entry) == Some(at));
            wanted.entry(at).or_default().extend(here);
        }
    }
    wanted
}

fn place(entry: &Entry) -> Option<u16> {
    (entry.state == State::AlreadyElsewhere)
        .then_some(entry.elsewhere)
        .flatten()
}

/// How many of them the folder holds.
fn find(
    looking: Looking<'_>,
    mailbox: &mut dyn Mailbox,
    name: &MailboxName,
    wanted: &[Wanted],
    depth: Depth,
) -> Result<u64, Error> {
    let Some(index) = reconcile::index(mailbox, name, 1)? else {
        return Ok(0);
    };
    let looks = Looks::of(wanted);
    let alike = index.messages.iter().filter(|seen| looks.like(seen));
    let present = match depth {
        Depth::Headers => {
            let held: HashSet<Digest> = alike.map(|seen| seen.summary).collect();
            let there = |one: &&Wanted| held.contains(&one.identity.summary);
            wanted.iter().filter(there).count()
        }
        Depth::Bytes => {
            let uids: Vec<u32> = alike.map(|seen| seen.uid).collect();
            let contents = reconcile::contents(mailbox, &uids, looking.stop, &|_| {})?;
            let held: HashSet<Digest> = contents
                .iter()
                .map(|(_, identity)| identity.content)
                .collect();
            let there = |one: &&Wanted| held.contains(&one.identity.content);
            wanted.iter().filter(there).count()
        }
    };
    mailbox.leave()?;
    Ok(present as u64)
}
