//! What the receipt says in words: the same for the text and for the page.

use spectrum_migrate::amount::{count, counted, messages, size};
use spectrum_migrate::transfer::Depth;
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::Verified;

use super::Receipt;
use crate::cli::account::spoken;
use crate::cli::layout::clean;
use crate::cli::words;

/// Messages that are listed one by one; the saved report lists all of them.
const LISTED: usize = 200;

/// A heading, and what stands below it.
pub(super) struct Chapter {
    pub title: &'static str,
    pub lines: Vec<String>,
    /// Whether the lines are items of a list.
    pub list: bool,
}

fn chapter(title: &'static str, lines: Vec<String>) -> Chapter {
    Chapter {
        title,
        lines,
        list: false,
    }
}

/// Before the pictures and tables.
pub(super) fn before(receipt: &Receipt) -> Vec<Chapter> {
    vec![in_short(receipt), check(receipt), whereabouts(receipt)]
}

/// Behind them.
pub(super) fn after(receipt: &Receipt) -> Vec<Chapter> {
    let stayed = [reasons(receipt), each(receipt)];
    let mut chapters: Vec<Chapter> = stayed.into_iter().flatten().collect();
    chapters.push(from_now_on(receipt));
    chapters
}

fn in_short(receipt: &Receipt) -> Chapter {
    let counts = &receipt.report.counts;
    let mut lines = vec![
        format!("Mailbox: {}", spoken(&receipt.report.account)),
        format!(
            "{} found in your old mail.",
            counted(counts.found, "message was", "messages were")
        ),
        format!(
            "{} copied to the server.",
            counted(counts.copied, "message was", "messages were")
        ),
    ];
    if counts.already_there > 0 {
        lines.push(format!("{} there already.", were(counts.already_there)));
    }
    if counts.merged > 0 {
        lines.push(format!(
            "{} the same as another one in the same folder, and copied once.",
            were(counts.merged)
        ));
    }
    if counts.left_out > 0 {
        lines.push(format!(
            "{} left out; the reasons are below.",
            were(counts.left_out)
        ));
    }
    if counts.kept > 0 {
        lines.push(format!(
            "{} not on the server, and kept in a folder on this computer.",
            counted(counts.kept, "message is", "messages are")
        ));
    }
    let open = counts.refused + counts.damaged + counts.waiting;
    if open > 0 {
        lines.push(format!(
            "{} only in the old files; the reasons are below.",
            counted(open, "message is", "messages are")
        ));
    }
    lines.push("Nothing was deleted, so there is nothing to undo.".into());
    chapter("In short", lines)
}

fn were(number: u64) -> String {
    counted(number, "message was", "messages were")
}

fn check(receipt: &Receipt) -> Chapter {
    let lines = match &receipt.report.verified {
        None => vec!["The copy has not been checked.".into()],
        Some(verified) => checked(receipt, verified),
    };
    chapter("The check", lines)
}

fn checked(receipt: &Receipt, verified: &Verified) -> Vec<String> {
    let mut lines = vec![format!(
        "After copying, the server was asked for every message. The check was finished on {}.",
        receipt.moment
    )];
    let there = format!(
        "{} of {} are on the server",
        count(verified.present),
        messages(verified.expected)
    );
    if !verified.clean() {
        lines.push(format!(
            "{there}. {} missing, {} there once too often, {} not what was sent.",
            count(verified.missing),
            count(verified.surplus),
            count(verified.altered)
        ));
        return lines;
    }
    lines.push(match (verified.how, verified.sample) {
        (Depth::Bytes, None) => {
            format!("{there}. Each was read back in full and compared with the old mail: all the same.")
        }
        (_, None) => format!("{there}. They were compared by their header lines and sizes."),
        (_, Some(share)) => format!(
            "{there}. They were compared by their header lines and sizes, and {share} of every 100 read back in full."
        ),
    });
    if verified.dates_differ > 0 {
        lines.push(format!(
            "The server gave another date to {}; the Date line inside each is unchanged.",
            messages(verified.dates_differ)
        ));
    }
    if verified.flags_differ > 0 {
        lines.push(format!(
            "The server did not keep a mark or a tag on {}.",
            messages(verified.flags_differ)
        ));
    }
    lines
}

fn whereabouts(receipt: &Receipt) -> Chapter {
    let mut lines: Vec<String> = receipt
        .places
        .iter()
        .map(|place| format!("Your old mail, unchanged: {place}"))
        .collect();
    if let Some(storage) = &receipt.report.storage {
        lines.push(format!(
            "Kept on this computer: {} ({}). Its index.txt lists each message. Mail programs open the files that end in \
             .mbox and .eml.",
            clean(&storage.folder),
            size(storage.bytes)
        ));
        lines.push(if receipt.report.keeps_what_it_kept() {
            "Each message there was read back and compared: all the same.".into()
        } else {
            "Files there were changed after they were compared. Look at the report before you rely on them.".into()
        });
    }
    chapter("Where everything is", lines)
}

/// Why messages are not on the server, most first.
fn reasons(receipt: &Receipt) -> Option<Chapter> {
    let there = |reason: &Reason| matches!(reason, Reason::InFolder | Reason::InOtherFolder);
    let mut reasons: Vec<_> = (receipt.report.reasons.iter())
        .filter(|(reason, _)| !there(reason))
        .collect();
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let line = |(reason, number): (&Reason, &u64)| {
        format!("{}: {}", messages(*number), words::reason(*reason))
    };
    let lines: Vec<String> = reasons.into_iter().map(line).collect();
    (!lines.is_empty()).then_some(Chapter {
        title: "What is not on the server, and why",
        lines,
        list: true,
    })
}

/// The messages that need a person's eye.
fn each(receipt: &Receipt) -> Option<Chapter> {
    let all = &receipt.report.exceptions;
    let mut lines: Vec<String> = Vec::new();
    for one in all.iter().take(LISTED) {
        let kept = match &one.kept_in {
            Some(file) => format!(" Kept in {}.", clean(file)),
            None => String::new(),
        };
        lines.push(format!(
            "{}, at byte {}, {}: {} ({}).{kept}",
            clean(&one.file),
            count(one.at),
            size(one.size),
            words::reason(one.reason),
            clean(&one.detail)
        ));
    }
    if all.len() > LISTED {
        let more = (all.len() - LISTED) as u64;
        lines.push(format!(
            "and {} more: the saved report lists every one.",
            count(more)
        ));
    }
    (!lines.is_empty()).then_some(Chapter {
        title: "Each of these messages",
        lines,
        list: true,
    })
}

fn from_now_on(receipt: &Receipt) -> Chapter {
    let report = receipt.report;
    let mut lines = Vec::new();
    if report.proof().is_some() {
        lines.push(
            "All of it was checked. Keep the old files for a month all the same, and look at your mail in webmail or on \
             your phone."
                .into(),
        );
    } else {
        lines.push(format!(
            "Keep the old files and the old account: {}.",
            open_ends(receipt).join("; ")
        ));
    }
    if report.counts.kept > 0 {
        lines.push("Keep the folder on this computer: what is in it is not on the server.".into());
    }
    if !report.sources_changed.is_empty() {
        let files = report.sources_changed.len() as u64;
        lines.push(format!(
            "{} in your old mail while it was copied. Run spectrum-migrate copy again: it looks for new mail.",
            counted(files, "file changed", "files changed")
        ));
    }
    chapter("From now on", lines)
}

/// Why there is no proof.
fn open_ends(receipt: &Receipt) -> Vec<String> {
    let report = receipt.report;
    let counts = &report.counts;
    let open = counts.refused + counts.damaged + counts.waiting;
    let mut ends = Vec::new();
    if open > 0 {
        ends.push(format!(
            "{} only there",
            counted(open, "message is", "messages are")
        ));
    }
    match &report.verified {
        None => ends.push("the copy has not been checked".into()),
        Some(verified) if !verified.clean() => ends.push("the check found a difference".into()),
        Some(verified) if verified.how != Depth::Bytes || verified.sample.is_some() => {
            ends.push("not every message was read back in full".into());
        }
        Some(_) => {}
    }
    if !report.read_anew {
        ends.push("some of the old files were not read again in this run".into());
    }
    if !report.sources_changed.is_empty() {
        ends.push("some of the old files changed meanwhile".into());
    }
    if !report.keeps_what_it_kept() {
        ends.push("some of what was kept on this computer changed since".into());
    }
    if ends.is_empty() {
        ends.push("the numbers do not add up".into());
    }
    ends
}
