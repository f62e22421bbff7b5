//! `plan`: what would be copied, where to, what stays and why, and whether it fits. Changes nothing.

use std::time::Duration;

use serde::Serialize;
use spectrum_migrate::amount::{about, count, counted, messages, size};
use spectrum_migrate::mailbox::Quota;
use spectrum_migrate::safe::safe;
use spectrum_migrate::settings;
use spectrum_migrate::source::Kind;
use spectrum_migrate::transfer::plan::{Plan, PlannedFolder, PlannedSource, Totals};

use super::account::spoken;
use super::layout::{Align, Table, folder as folder_name, wrap};
use super::print::Printer;
use super::words;

/// Bytes that a home connection sends in a second, to give an idea of the time.
const USUAL_RATE: u64 = 1_000_000;

/// Shows a plan as the result of the command.
pub fn show(printer: &Printer, plan: &Plan) {
    printer.event("plan", &line(plan));
    printer.result(&screen(plan, printer.look.plain));
}

/// The plan for people.
pub fn screen(plan: &Plan, plain: bool) -> String {
    let totals = plan.totals();
    let mut blocks = vec![format!("What will be copied to {}", spoken(&plan.account))];
    blocks.push(by_folder(plan, &totals).show(plain));
    if totals.years.len() > 1 {
        blocks.push(format!("By year\n{}", by_year(&totals).show(plain)));
    }
    blocks.extend(stays(&totals));
    blocks.push(notes(plan, &totals).join("\n"));
    blocks.push(format!(
        "{}\nNothing has been changed yet.",
        room(plan, &totals)
    ));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

fn by_folder(plan: &Plan, totals: &Totals) -> Table {
    let mut table = Table::new(&[
        ("From", Align::Left),
        ("To folder", Align::Left),
        ("", Align::Left),
        ("Found", Align::Right),
        ("To copy", Align::Right),
        ("Size", Align::Right),
    ]);
    for folder in &plan.folders {
        let totals = folder.totals();
        table.row(&[
            from(plan, folder),
            folder_name(&folder.target.display()),
            if folder.new && totals.to_copy > 0 {
                "(new)".into()
            } else {
                String::new()
            },
            count(totals.found),
            count(totals.to_copy),
            size(totals.bytes),
        ]);
    }
    let sums = [
        count(totals.found),
        count(totals.to_copy),
        size(totals.bytes),
    ];
    let [found, to_copy, bytes] = sums;
    table.total(&[
        "Together".into(),
        String::new(),
        String::new(),
        found,
        to_copy,
        bytes,
    ]);
    table
}

/// Where a folder's mail comes from; with the place's name where there are several places.
fn from(plan: &Plan, folder: &PlannedFolder) -> String {
    let several = plan.sources.len() > 1;
    let name = |(source, name): &(u16, String)| match plan.sources.get(usize::from(*source)) {
        Some(source) if several => format!("{}: {name}", source.label),
        _ => name.clone(),
    };
    match folder.from.as_slice() {
        [] => String::new(),
        [only] => name(only),
        [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
    }
}

fn by_year(totals: &Totals) -> Table {
    let mut table = Table::new(&[
        ("Year", Align::Left),
        ("To copy", Align::Right),
        ("Size", Align::Right),
    ]);
    for (year, (number, bytes)) in &totals.years {
        let year = if *year == 0 {
            "no date".into()
        } else {
            year.to_string()
        };
        table.row(&[year, count(*number), size(*bytes)]);
    }
    table
}

/// What is not copied, most first.
fn stays(totals: &Totals) -> Option<String> {
    let mut reasons: Vec<_> = totals
        .stay
        .iter()
        .filter(|(_, number)| **number > 0)
        .collect();
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let line = |(reason, number): &(&_, &u64)| {
        wrap(
            &format!("{:>12}   ", count(**number)),
            words::reason(**reason),
        )
    };
    let lines: Vec<String> = reasons.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("Not copied\n{}", lines.join("\n")))
}

fn notes(plan: &Plan, totals: &Totals) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(wrap("     ", &text));
    if totals.elsewhere > 0 {
        note(format!(
            "{} also in another folder on the server. Each is copied all the same, so that your folders stay \
             complete. To leave them out: --once",
            are(totals.elsewhere)
        ));
    }
    let marks: usize = plan
        .folders
        .iter()
        .map(|folder| folder.flag_changes.len())
        .sum();
    if marks > 0 {
        note(format!(
            "{} already on the server will be marked as read, answered or starred, as on this computer. \
             To leave them as they are: --leave-flags",
            messages(marks as u64)
        ));
    }
    let renamed = plan.folders.iter().filter(|folder| folder.renamed);
    for folder in renamed {
        let old = folder
            .from
            .first()
            .map(|(_, name)| name.as_str())
            .unwrap_or_default();
        note(format!(
            "The folder {} is called {} on the server, which cannot take the name as it is.",
            safe(old),
            folder_name(&folder.target.display())
        ));
    }
    for (name, kept, days) in [
        ("Old Trash", "Trash", settings::TRASH_DAYS),
        ("Old Junk", "Spam", settings::SPAM_DAYS),
    ] {
        let mut below = plan
            .folders
            .iter()
            .filter(|folder| in_folder(&folder.target.display(), name));
        if below.any(|folder| folder.totals().to_copy > 0) {
            note(format!(
                "Your old {} goes to the folder \"{name}\", because Spectrum deletes what lies in {kept} after {days} days.",
                if kept == "Trash" {
                    "deleted mail"
                } else {
                    "junk mail"
                }
            ));
        }
    }
    if totals.large > 0 && plan.append_limit.is_none() {
        note(format!(
            "{} larger than {}, Spectrum's published limit. The server may refuse them; they are sent last.",
            are(totals.large),
            size(settings::MESSAGE_LIMIT)
        ));
    }
    if totals.marked > 0 {
        note(format!(
            "{} marked to be deleted in the old mail program and still to be seen there, and copied like the others.",
            are(totals.marked)
        ));
    }
    notes
}

fn in_folder(shown: &str, name: &str) -> bool {
    shown.split(['/', '.']).any(|part| part == name)
}

fn are(number: u64) -> String {
    counted(number, "message is", "messages are")
}

fn room(plan: &Plan, totals: &Totals) -> String {
    if totals.to_copy == 0 {
        return "Nothing has to be copied.".into();
    }
    let space = match plan.quota {
        Some(quota) if plan.fits() => {
            format!(
                "Space needed: {} of {} free.",
                size(totals.bytes),
                size(quota.free())
            )
        }
        Some(quota) => format!(
            "!    It does not all fit: {} needed, {} free. The newest mail is copied first. Empty Trash and Spam in \
             webmail, or leave something out (--skip FOLDER, --since DAY).",
            size(totals.bytes),
            size(quota.free())
        ),
        None => format!(
            "Space needed: {}. The server does not say how much is free; Spectrum's published limit is {} for a mailbox.",
            size(totals.bytes),
            size(settings::MAILBOX_LIMIT)
        ),
    };
    let time = about(Duration::from_secs(totals.bytes / USUAL_RATE));
    let time = format!("Time: {time}, if your connection sends 1 MB in a second.");
    match space.strip_prefix("!    ") {
        Some(space) => format!("{}\n{}", wrap("!    ", space), wrap("", &time)),
        None => format!("{}\n{}", wrap("", &space), wrap("", &time)),
    }
}

/// The fields of a plan for programs.
#[derive(Serialize)]
pub struct Line<'a> {
    account: &'a str,
    #[serde(flatten)]
    totals: Totals,
    fits: bool,
    quota: Option<Quota>,
    append_limit: Option<u64>,
    flags_to_add: usize,
    sources: Vec<SourceLine<'a>>,
    folders: Vec<FolderLine<'a>>,
}

/// Paths that are no text are shown as near as can be.
#[derive(Serialize)]
struct SourceLine<'a> {
    label: &'a str,
    kind: Kind,
    path: String,
}

#[derive(Serialize)]
struct FolderLine<'a> {
    folder: String,
    from: Vec<&'a str>,
    new: bool,
    renamed: bool,
    #[serde(flatten)]
    totals: Totals,
}

/// The plan for programs.
pub fn line(plan: &Plan) -> Line<'_> {
    let folder = |folder: &'_ PlannedFolder| folder.flag_changes.len();
    Line {
        account: &plan.account,
        totals: plan.totals(),
        fits: plan.fits(),
        quota: plan.quota,
        append_limit: plan.append_limit,
        flags_to_add: plan.folders.iter().map(folder).sum(),
        sources: plan.sources.iter().map(source_line).collect(),
        folders: plan.folders.iter().map(folder_line).collect(),
    }
}

fn source_line(source: &PlannedSource) -> SourceLine<'_> {
    SourceLine {
        label: &source.label,
        kind: source.kind,
        path: source.path.display().to_string(),
    }
}

fn folder_line(folder: &PlannedFolder) -> FolderLine<'_> {
    FolderLine {
        folder: folder.target.display(),
        from: folder.from.iter().map(|(_, name)| name.as_str()).collect(),
        new: folder.new,
        renamed: folder.renamed,
        totals: folder.totals(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::{Look, Written};
    use crate::cli::samples;

    #[test]
    fn the_plan_says_what_goes_where_what_stays_and_whether_it_fits() {
        let shown = screen(&samples::plan(), false);
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_plan_can_be_read_aloud() {
        insta::assert_snapshot!(screen(&samples::plan(), true));
    }

    #[test]
    fn a_plan_that_does_not_fit_says_so_and_what_to_do() {
        let mut plan = samples::plan();
        plan.quota = Some(Quota {
            used: 9_990_000_000,
            limit: 10_000_000_000,
        });
        let full = room(&plan, &plan.totals());
        plan.quota = None;
        let unknown = room(&plan, &plan.totals());
        plan.folders.clear();
        let nothing = room(&plan, &plan.totals());
        insta::assert_snapshot!([full, unknown, nothing].join("\n\n"));
    }

    #[test]
    fn programs_get_the_plan_as_one_line() {
        let written = Written::default();
        show(
            &written.printer(Look {
                format: Format::Json,
                ..Look::default()
            }),
            &samples::plan(),
        );
        let line: serde_json::Value = serde_json::from_str(&written.out()).unwrap();
        assert_eq!((&line["v"], &line["event"]), (&1.into(), &"plan".into()));
        assert_eq!(
            (&line["found"], &line["to_copy"]),
            (&1610.into(), &1515.into())
        );
        assert_eq!(line["folders"][0]["stay"]["in_folder"], 90);
        assert_eq!(line["flags_to_add"], 2);
    }
}
