//! A report in words: folder by folder, the check, and every message that was not copied.

use spectrum_migrate::amount::{count, counted, messages, size};
use spectrum_migrate::transfer::Depth;
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::{Counts, Exception, Report, Verified};

use super::account::spoken;
use super::exit::Exit;
use super::layout::{Align, Table, clean, folder as folder_name, wrap};
use super::words;
use spectrum_migrate::safe::safe;

/// The report for people, with at most so many exceptions.
pub fn text(report: &Report, plain: bool, exceptions: usize) -> String {
    let mut blocks = vec![
        format!(
            "Report for {}\nMade on {}",
            spoken(&report.account),
            when(&report.made)
        ),
        by_folder(report).show(plain),
    ];
    if let Some(verified) = &report.verified {
        blocks.push(checked(verified, &report.counts, plain));
    }
    blocks.extend(stayed(report));
    blocks.extend(notes(report));
    blocks.extend(conversions(report));
    blocks.extend(kept(report));
    blocks.extend(listed(&report.exceptions, exceptions));
    blocks.extend(changed(&report.sources_changed));
    blocks.push(last_word(report));
    blocks.join("\n\n") + "\n"
}

/// A moment as people write it.
fn when(made: &str) -> String {
    match made.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => clean(made),
    }
}

fn by_folder(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("Folder", Align::Left),
        ("Found", Align::Right),
        ("Copied", Align::Right),
        ("Already there", Align::Right),
        ("Not copied", Align::Right),
    ]);
    let cells = |name: &str, counts: &Counts| {
        let rest = counts
            .found
            .saturating_sub(counts.copied + counts.already_there);
        [
            name.to_string(),
            count(counts.found),
            count(counts.copied),
            count(counts.already_there),
            count(rest),
        ]
    };
    for folder in &report.folders {
        table.row(&cells(&folder_name(&folder.folder), &folder.counts));
    }
    table.total(&cells("Together", &report.counts));
    table
}

fn checked(verified: &Verified, counts: &Counts, plain: bool) -> String {
    let mut lines = Vec::new();
    if !verified.clean() {
        let mut table = Table::new(&[
            ("Folder", Align::Left),
            ("Expected", Align::Right),
            ("On server", Align::Right),
            ("Missing", Align::Right),
            ("Twice", Align::Right),
            ("Different", Align::Right),
        ]);
        for folder in &verified.folders {
            let numbers = [
                folder.expected,
                folder.present,
                folder.missing,
                folder.surplus,
                folder.altered,
            ];
            let [expected, present, missing, surplus, altered] = numbers.map(count);
            table.row(&[
                folder_name(&folder.folder),
                expected,
                present,
                missing,
                surplus,
                altered,
            ]);
        }
        lines.push(table.show(plain) + "\n");
    }
    lines.push(verdict(verified, counts));
    if verified.clean() && verified.expected > 0 {
        lines.push(match verified.how {
            Depth::Bytes => "ok   All read back and compared: identical.".into(),
            Depth::Headers => wrap("ok   ", &by_headers(verified.sample)),
        });
    }
    if verified.dates_differ > 0 {
        let number = messages(verified.dates_differ);
        lines.push(wrap(
            "!    ",
            &format!(
                "The server gave another date to {number}; the Date line inside each is unchanged."
            ),
        ));
    }
    if verified.flags_differ > 0 {
        let number = messages(verified.flags_differ);
        lines.push(wrap(
            "!    ",
            &format!("The server did not keep a mark or a tag (read, starred) on {number}."),
        ));
    }
    lines.join("\n")
}

fn by_headers(sample: Option<u8>) -> String {
    let how = "Compared by message headers and size; read back where that was not enough";
    match sample {
        None => format!("{how}."),
        Some(share) => format!("{how}, and {share} of every 100 messages besides."),
    }
}

fn verdict(verified: &Verified, counts: &Counts) -> String {
    if verified.clean() {
        // Whoever reads only this line must not take it for more than it is.
        let whole = counts.refused + counts.damaged + counts.waiting + counts.kept == 0;
        if verified.expected == 0 && !whole {
            return "!    None of these messages is on the server yet.".into();
        }
        let which = if whole {
            "Every message is there"
        } else {
            "What could be copied is there"
        };
        let text = format!(
            "{which}: {} of {} ({} new, {} already there).",
            count(verified.present),
            count(verified.expected),
            count(counts.copied),
            count(counts.already_there)
        );
        return wrap("ok   ", &text);
    }
    let wrong = [
        (verified.missing, "missing"),
        (verified.surplus, "there once too often"),
        (verified.altered, "not what was sent"),
    ];
    let wrong: Vec<String> = wrong
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", count(*number)))
        .collect();
    wrap(
        "x  ",
        &format!(
            "The server does not have what it should: {}.",
            wrong.join(", ")
        ),
    )
}

/// What is not on the server by this run, with the reasons, most first.
fn stayed(report: &Report) -> Option<String> {
    let quiet = |reason: &Reason| *reason == Reason::InFolder;
    let mut reasons: Vec<_> = report
        .reasons
        .iter()
        .filter(|(reason, _)| !quiet(reason))
        .collect();
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let line = |(reason, number): &(&Reason, &u64)| {
        wrap(
            &format!("{:>12}   ", count(**number)),
            words::reason(**reason),
        )
    };
    let lines: Vec<String> = reasons.iter().map(line).collect();
    (!lines.is_empty()).then(|| format!("Not copied\n{}", lines.join("\n")))
}

fn notes(report: &Report) -> Option<String> {
    let mut notes = Vec::new();
    let mut note = |text: String| notes.push(wrap("     ", &text));
    if report.elsewhere > 0 {
        note(format!(
            "{} also in another folder on the server.",
            counted(report.elsewhere, "message is", "messages are")
        ));
    }
    if report.flags_added > 0 {
        let marked = counted(
            report.flags_added,
            "message that was there was",
            "messages that were there were",
        );
        note(format!("{marked} marked as read, answered or starred."));
    }
    if report.flags_refused > 0 {
        let kept = counted(
            report.flags_refused,
            "message that was there keeps its",
            "messages that were there keep their",
        );
        note(format!(
            "{kept} marks: the server did not let them be changed."
        ));
    }
    for (tag, number) in &report.tags_lost {
        note(format!(
            "The server does not keep the tag \"{}\" of {}.",
            clean(tag),
            messages(*number)
        ));
    }
    for change in &report.server_changes {
        note(format!(
            "The server changes messages a little: {}. The mail itself is the same.",
            clean(change)
        ));
    }
    for folder in report.folders.iter().filter(|folder| folder.renamed) {
        note(format!(
            "The folder {} is called {} on the server, which cannot take the name as it is.",
            folder
                .from
                .first()
                .map(|name| safe(name))
                .unwrap_or_default(),
            folder_name(&folder.folder)
        ));
    }
    (!notes.is_empty()).then(|| notes.join("\n"))
}

/// How the copies differ from what is in the files, most often first.
fn conversions(report: &Report) -> Option<String> {
    let mut all: Vec<_> = report.conversions.iter().collect();
    all.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let line = |(name, number): &(&&str, &u64)| {
        let text = format!("{}: {}", messages(**number), words::conversion(name));
        wrap("     ", &text)
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    (!lines.is_empty()).then(|| {
        format!(
            "Small changes in the copies (your own files stay as they are)\n{}",
            lines.join("\n")
        )
    })
}

/// What is in the storage folder.
fn kept(report: &Report) -> Option<String> {
    let storage = report.storage.as_ref()?;
    let mut lines = vec!["Kept on this computer".to_string()];
    let what = format!(
        "{}, {}, in the folder {}. Its index.txt lists each of them.",
        messages(storage.messages),
        size(storage.bytes),
        clean(&storage.folder)
    );
    lines.push(wrap("     ", &what));
    if report.keeps_what_it_kept() {
        lines.push("ok   All read back and compared: identical.".into());
    } else {
        let files: Vec<String> = storage.changed.iter().map(|file| clean(file)).collect();
        let what = format!(
            "Changed or removed since it was compared: {}. Run spectrum-migrate copy again.",
            files.join(", ")
        );
        lines.push(wrap("x  ", &what));
    }
    Some(lines.join("\n"))
}

/// Files that were not the same at the end as at the beginning.
fn changed(files: &[String]) -> Option<String> {
    let files: Vec<String> = files.iter().map(|file| clean(file)).collect();
    let (first, rest) = files.split_first()?;
    let more = match rest.len() as u64 {
        0 => String::new(),
        number => format!(" and {} more", count(number)),
    };
    let what = format!(
        "Your old mail changed while we worked, in {first}{more}. Close your mail program, and run spectrum-migrate copy \
         again: it looks for new mail."
    );
    Some(wrap("!    ", &what))
}

fn listed(exceptions: &[Exception], most: usize) -> Option<String> {
    if exceptions.is_empty() {
        return None;
    }
    let mut lines =
        vec!["These messages were not copied. They are still in your old files:".to_string()];
    for one in exceptions.iter().take(most) {
        let why = words::reason(one.reason);
        let place = format!(
            "{}, at byte {}, {}, for {}",
            clean(&one.file),
            one.at,
            size(one.size),
            folder_name(&one.folder)
        );
        lines.push(wrap("     - ", &place));
        lines.push(wrap("       ", &format!("{why}: {}", clean(&one.detail))));
        if let Some(file) = &one.kept_in {
            lines.push(wrap("       ", &format!("kept in {}", clean(file))));
        }
    }
    if exceptions.len() > most {
        let more = (exceptions.len() - most) as u64;
        lines.push(wrap(
            "     ",
            &format!(
                "and {} more: the saved report lists every one.",
                count(more)
            ),
        ));
    }
    Some(lines.join("\n"))
}

/// What the person should do now.
fn last_word(report: &Report) -> String {
    let counts = &report.counts;
    match (&report.verified, Exit::from(report)) {
        (_, Exit::Bug) => wrap(
            "x  ",
            "The numbers do not add up: this is a mistake of the program. Keep everything.",
        ),
        (None, _) => wrap(
            "!    ",
            "The copy has not been checked. Keep your old mail and the old account.",
        ),
        (Some(_), Exit::Difference) => wrap(
            "x  ",
            "Keep your old mail and the old account, and run spectrum-migrate copy again: it looks for each message \
             before it sends anything.",
        ),
        (Some(_), Exit::Full) => wrap(
            "!    ",
            &format!(
                "The mailbox is full: {} still only on this computer. Make room in webmail, and run spectrum-migrate \
                 copy again: it goes on where it stopped.",
                counted(counts.waiting, "message is", "messages are")
            ),
        ),
        (Some(_), Exit::Unfinished) => wrap(
            "!    ",
            &format!(
                "{} waiting. Run spectrum-migrate copy again: it goes on where it stopped.",
                counted(counts.waiting, "message is", "messages are")
            ),
        ),
        (Some(_), Exit::Exceptions) => wrap(
            "!    ",
            "Everything else is done. Keep the old files: the messages above are only there. Nothing on this computer \
             was changed.",
        ),
        (Some(_), _) if counts.kept > 0 => wrap(
            "ok   ",
            &format!(
                "Done: everything is on the server, but for {} in the storage folder. Never remove that folder: its \
                 mail is not on the server. Keep the old files for a month; nothing on this computer was changed.",
                messages(counts.kept)
            ),
        ),
        (Some(_), _) => wrap(
            "ok   ",
            "Done. Your old mail was not changed. Keep the old files for a month; look at your mail in webmail \
             or on your phone before you remove anything.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;
    use spectrum_migrate::transfer::report::Storage;

    fn changed(change: impl FnOnce(&mut Report)) -> Report {
        let mut report = samples::report();
        change(&mut report);
        report
    }

    fn clean_run() -> Report {
        changed(|report| {
            for counts in report
                .folders
                .iter_mut()
                .map(|folder| &mut folder.counts)
                .chain([&mut report.counts])
            {
                counts.found -= counts.refused + counts.damaged;
                (counts.refused, counts.damaged) = (0, 0);
            }
            report.exceptions.clear();
            report.reasons = [(Reason::InFolder, 899)].into();
            report.conversions.clear();
            report.tags_lost.clear();
            report.server_changes.clear();
            (report.flags_added, report.elsewhere) = (0, 0);
        })
    }

    fn shown(report: &Report) -> String {
        let shown = text(report, false, 20);
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
        format!("{shown}exit {}\n", Exit::from(report).code())
    }

    #[test]
    fn a_run_in_which_all_went_well() {
        insta::assert_snapshot!(shown(&clean_run()));
    }

    #[test]
    fn a_run_with_messages_that_need_a_persons_eye() {
        insta::assert_snapshot!(shown(&samples::report()));
    }

    #[test]
    fn a_run_that_copied_nothing_is_not_praised() {
        let report = changed(|report| {
            let verified = report.verified.as_mut().unwrap();
            (verified.expected, verified.present) = (0, 0);
            report.counts = Counts {
                found: 4,
                refused: 4,
                ..Counts::default()
            };
        });
        let shown = shown(&report);
        assert!(shown.contains("None of these messages"), "{shown}");
        assert!(!shown.contains("ok  "), "{shown}");
    }

    #[test]
    fn a_run_that_kept_what_the_server_did_not_take() {
        let report = changed(|report| {
            let folder = &mut report.folders[0].counts;
            for counts in [&mut report.counts, folder] {
                (counts.kept, counts.refused, counts.damaged) = (4, 0, 0);
            }
            for one in &mut report.exceptions {
                one.kept_in = Some("Inbox.mbox".into());
            }
            report.storage = Some(Storage {
                folder: "/home/jane/Documents/Kept mail".into(),
                files: vec!["/home/jane/Documents/Kept mail/Inbox.mbox".into()],
                messages: 4,
                bytes: 38_001_536,
                changed: Vec::new(),
            });
        });
        let good = shown(&report);
        let report = changed(|changed| {
            *changed = report;
            let storage = changed.storage.as_mut().unwrap();
            storage.changed.clone_from(&storage.files);
            changed.sources_changed = vec!["/home/jane/mail/Inbox".into(), "/home/jane/x".into()];
        });
        insta::assert_snapshot!(format!("{good}\n----\n\n{}", shown(&report)));
    }

    #[test]
    fn a_report_read_aloud() {
        insta::assert_snapshot!(text(&samples::report(), true, 1));
    }

    #[test]
    fn a_difference_found_by_the_check_is_said_first_and_last() {
        let report = changed(|report| {
            let verified = report.verified.as_mut().unwrap();
            (verified.missing, verified.surplus, verified.altered) = (2, 1, 1);
            (verified.dates_differ, verified.flags_differ) = (5, 1);
            verified.folders[0].missing = 2;
            verified.how = Depth::Headers;
            report.exceptions.clear();
        });
        insta::assert_snapshot!(shown(&report));
    }

    #[test]
    fn a_full_mailbox_and_a_stopped_run_say_how_to_go_on() {
        let waiting = |reason, verified: bool| {
            changed(|report| {
                report.exceptions.clear();
                report.counts.waiting = 2_188;
                report.counts.copied -= 2_188;
                report.reasons = [(reason, 2_188)].into();
                if !verified {
                    report.verified = None;
                }
            })
        };
        let full = last_word(&waiting(Reason::Full, true));
        let stopped = last_word(&waiting(Reason::NotTried, true));
        let unchecked = last_word(&waiting(Reason::NotTried, false));
        insta::assert_snapshot!([full, stopped, unchecked].join("\n\n"));
    }
}
