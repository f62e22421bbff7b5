//! Adds a plan up to a report, and makes sure that it balances.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Job;
use super::plan::{Plan, PlannedFolder, Reason, State};
use super::report::{Counts, Exception, FolderReport, Report, Storage, Verified};
use crate::error::Error;

/// The report of what the plan holds now.
pub(crate) fn report(
    job: &Job<'_>,
    plan: &Plan,
    verified: Option<Verified>,
) -> Result<Report, Error> {
    let mut report = Report {
        account: plan.account.clone(),
        made: timestamp(job.clock.wall()),
        read_anew: plan.sources.iter().all(|source| !source.from_index),
        counts: Counts::default(),
        elsewhere: 0,
        reasons: BTreeMap::new(),
        folders: Vec::new(),
        conversions: BTreeMap::new(),
        flags_added: plan.reached.flags_added,
        flags_refused: plan.reached.flags_refused,
        tags_lost: plan.reached.tags_lost.clone(),
        server_changes: plan.reached.server_changes.iter().cloned().collect(),
        exceptions: plan.reached.exceptions.clone(),
        verified,
        storage: storage(plan),
        sources_changed: shown(&plan.reached.sources_changed),
    };
    for (at, folder) in (0u16..).zip(&plan.folders) {
        add_folder(&mut report, plan, at, folder);
    }
    for exception in &mut report.exceptions {
        if exception.kept_in.is_some() {
            exception.outcome = "kept";
        }
    }
    // The state of every message was counted on its own; this is a second way to the same number.
    let found = plan
        .folders
        .iter()
        .map(|folder| folder.entries.len() + folder.damaged.len())
        .sum::<usize>() as u64;
    if !report.counts.balances() || report.counts.found != found {
        return Err(Error::Bug {
            detail: format!(
                "{found} messages were found, and the ledger has {:?}",
                report.counts
            ),
        });
    }
    Ok(report)
}

/// What is in the storage folder, where something is.
fn storage(plan: &Plan) -> Option<Storage> {
    let kept = plan.reached.kept.as_ref()?;
    (kept.messages > 0).then(|| Storage {
        folder: kept.folder.display().to_string(),
        files: shown(&kept.files),
        messages: kept.messages,
        bytes: kept.bytes,
        changed: shown(&kept.changed()),
    })
}

fn shown<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Vec<String> {
    let paths = paths.into_iter();
    paths.map(|path| path.display().to_string()).collect()
}

fn add_folder(report: &mut Report, plan: &Plan, at: u16, folder: &PlannedFolder) {
    let name = folder.target.display();
    let mut counts = Counts::default();
    let mut elsewhere = 0;
    for entry in &folder.entries {
        counts.found += 1;
        *place(&mut counts, entry.state) += 1;
        elsewhere += u64::from(entry.elsewhere.is_some());
        if let Some(reason) = reason(entry.state) {
            *report.reasons.entry(reason).or_default() += 1;
        }
        if matches!(entry.state, State::Copied(_)) {
            for conversion in entry.item.conversions.names() {
                *report.conversions.entry(conversion).or_default() += 1;
            }
        }
    }
    for (number, damaged) in (0u32..).zip(&folder.damaged) {
        let kept = plan.reached.kept.as_ref();
        let kept_in = kept.and_then(|kept| kept.damaged.get(&(at, number)));
        counts.found += 1;
        *match kept_in {
            Some(_) => &mut counts.kept,
            None => &mut counts.damaged,
        } += 1;
        *report.reasons.entry(Reason::Unreadable).or_default() += 1;
        let exception = Exception::new(
            "damaged",
            Reason::Unreadable,
            name.clone(),
            &damaged.origin,
            damaged.origin.length,
            damaged.detail.clone(),
        );
        report.exceptions.push(Exception {
            kept_in: kept_in.cloned(),
            ..exception
        });
    }
    report.counts.add(&counts);
    report.elsewhere += elsewhere;
    let from: BTreeSet<&String> = folder.from.iter().map(|(_, name)| name).collect();
    report.folders.push(FolderReport {
        folder: name,
        from: from.into_iter().cloned().collect(),
        renamed: folder.renamed,
        counts,
        elsewhere,
    });
}

/// A message that is still to be sent when the report is made was not tried.
fn reason(state: State) -> Option<Reason> {
    if state == State::ToCopy {
        Some(Reason::NotTried)
    } else {
        state.reason()
    }
}

fn place(counts: &mut Counts, state: State) -> &mut u64 {
    match state {
        State::Copied(_) => &mut counts.copied,
        State::AlreadyThere(_) | State::AlreadyElsewhere => &mut counts.already_there,
        State::Merged => &mut counts.merged,
        State::LeftOut(_) => &mut counts.left_out,
        State::Refused(_) => &mut counts.refused,
        State::Damaged(_) => &mut counts.damaged,
        State::ToCopy | State::Waiting(_) => &mut counts.waiting,
        State::Kept(_) => &mut counts.kept,
    }
}

fn timestamp(seconds: u64) -> String {
    let moment = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "unknown".into(), |moment| moment.to_string())
}
