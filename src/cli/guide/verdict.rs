//! Whether steps 4 and 6 open: only on a proof, and only where no other mail of the person could go with the account.

use spectrum_migrate::amount::counted;
use spectrum_migrate::guide::{Gate, Opened, Step};
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::Report;

use super::Guide;
use super::places::Places;
use crate::cli::exit::Exit;
use crate::cli::layout::{clean, wrap};

impl Guide<'_> {
    /// What the ledger says about going on. `None`: steps 4 and 6 are open; else how the run ends.
    pub(super) fn judge(&mut self, report: Report, places: &Places) -> Option<Exit> {
        let exit = Exit::from(&report);
        let proof = report.proof();
        let mut shut = if proof.is_some() {
            Vec::new()
        } else {
            missing_for_a_proof(&report)
        };
        shut.extend(mail_at_risk(places));
        // Never fewer: mail that is gone from its old place is still in the storage folder.
        self.progress.kept = self.progress.kept.max(report.counts.kept);
        self.report = Some(report);
        if let Some(proof) = proof
            && shut.is_empty()
        {
            self.opened = Some(Opened::by(proof, self.program()));
            self.finish(Step::Copy, Gate::Verified);
            return None;
        }
        self.say(&format!(
            "\n{}",
            wrap(
                "!    ",
                "Steps 4 and 6, which remove things, stay shut for now. Please keep the old account and its files as \
                 they are."
            )
        ));
        for reason in shut {
            self.say(&wrap("     - ", &reason));
        }
        self.tell("Run spectrum-migrate again when that is settled: it goes on here, and sends nothing twice.");
        Some(if exit == Exit::Done {
            Exit::Unfinished
        } else {
            exit
        })
    }
}

/// Mail that was not compared, and might go with the account.
fn mail_at_risk(places: &Places) -> impl Iterator<Item = String> {
    let unreadable = places.unreadable.iter().map(|place| {
        format!(
            "There is mail on this computer that this program cannot read: {}. Removing the account might remove it.",
            clean(place)
        )
    });
    let unsure = places.unsure.iter().map(|account| {
        format!(
            "It is not known where the mail of the account {} is, and you did not say that it was copied.",
            clean(account)
        )
    });
    let unread = places.unread.iter().map(|(account, mail)| {
        format!(
            "The mail of the account {} was not among what was copied: {}.",
            clean(account),
            clean(&mail.display().to_string())
        )
    });
    unreadable.chain(unsure).chain(unread)
}

fn of(report: &Report, reason: Reason) -> u64 {
    report.reasons.get(&reason).copied().unwrap_or_default()
}

fn missing_for_a_proof(report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let counts = &report.counts;
    match &report.verified {
        None => reasons.push("The copy was not checked to the end.".into()),
        Some(verified) if !verified.clean() => {
            reasons.push("The check found differences; they are listed above.".into());
        }
        Some(_) => {}
    }
    let open = [
        (counts.waiting, "not copied yet"),
        (counts.refused, "refused by the server"),
        (counts.damaged, "damaged in the file"),
        (
            of(report, Reason::RemovedSince),
            "not on the server any more, though it was copied there",
        ),
        (
            of(report, Reason::Skipped) + of(report, Reason::TooOld) + of(report, Reason::TooNew),
            "left out by your choice",
        ),
    ];
    for (number, what) in open {
        if number > 0 {
            let number = counted(number, "message is", "messages are");
            reasons.push(format!("{number} {what}."));
        }
    }
    for source in &report.sources_changed {
        reasons.push(format!(
            "It changed while it was copied: {}.",
            clean(source)
        ));
    }
    if reasons.is_empty() {
        reasons.push("Not every message could be read and compared in this run.".into());
    }
    reasons
}
