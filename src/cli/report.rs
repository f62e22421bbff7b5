//! `report`: shows a report and keeps it beside the journal; without a run, shows the last one again.

use std::path::Path;

use spectrum_migrate::Error;
use spectrum_migrate::transfer::journal;
use spectrum_migrate::transfer::report::{self, Report};

use super::account::{Needs, account, check_answers};
use super::args::Flags;
use super::exit::Exit;
use super::failure::Failure;
use super::layout::clean;
use super::ledger::text;
use super::room::Room;
use super::session;

/// Exceptions that are listed on the screen; the saved report lists all of them.
const ON_SCREEN: usize = 20;

/// Shows the last report of the account.
///
/// # Errors
/// There is none, or it can't be read.
pub fn run(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    check_answers(room, flags, Needs::default())?;
    let account = account(room, flags)?;
    let directory = journal::account_dir(&session::state_dir(flags)?, &account.name());
    let Some(saved) = report::latest(&directory)? else {
        return Err(Failure::NoReport(directory.display().to_string()));
    };
    let path = if room.printer.json() {
        &saved.json
    } else {
        &saved.text
    };
    let text = read(path)?;
    if room.printer.json() {
        let line: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            anyhow::Error::new(error).context(format!("the report {} is damaged", path.display()))
        })?;
        room.printer.line(&line);
    } else {
        room.printer.result(&text);
        room.printer
            .result(&format!("Saved as  {}", clean(&path.display().to_string())));
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = std::fs::read_to_string(path);
    read.map_err(|error| {
        Error::Journal {
            path: path.into(),
            detail: error.to_string(),
        }
        .into()
    })
}

/// Shows a report, and saves it in full beside the journal.
///
/// # Errors
/// It can't be saved.
pub fn show_and_save(room: &Room, report: &Report, directory: &Path) -> Result<(), Failure> {
    show(room, report);
    let saved = report.save(directory, &text(report, false, usize::MAX))?;
    room.printer.result(&format!(
        "Saved as  {}",
        clean(&saved.text.display().to_string())
    ));
    Ok(())
}

/// Shows a report.
pub fn show(room: &Room, report: &Report) {
    room.printer
        .result(&text(report, room.printer.look.plain, ON_SCREEN));
    room.printer.event("report", report);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::Look;
    use crate::cli::samples;

    #[test]
    fn a_saved_report_is_shown_again_and_holds_every_exception() {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags {
            email: Some("jane@charter.net".into()),
            state_dir: Some(dir.path().into()),
            ..Flags::default()
        };
        let (room, _) = Room::pretend(Look::default(), None);
        let none = run(&room, &flags).unwrap_err();
        assert!(matches!(none, Failure::NoReport(_)));

        let mut report = samples::report();
        let one = report.exceptions[0].clone();
        report.exceptions.extend(std::iter::repeat_n(one, 30));
        let account = journal::account_dir(dir.path(), "jane@charter.net@mobile.charter.net:993");
        let (room, written) = Room::pretend(Look::default(), None);
        show_and_save(&room, &report, &account).unwrap();
        assert!(written.out().contains("and 14 more"));

        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(run(&room, &flags).unwrap(), Exit::Done);
        assert_eq!(written.out().matches("at byte").count(), 34);

        let (room, written) = Room::pretend(
            Look {
                format: Format::Json,
                ..Look::default()
            },
            None,
        );
        run(&room, &flags).unwrap();
        let line: serde_json::Value = serde_json::from_str(written.out().trim_end()).unwrap();
        assert_eq!((&line["v"], &line["event"]), (&1.into(), &"report".into()));
        assert_eq!(line["verified"]["how"], "bytes");
        assert_eq!(line["counts"]["copied"], 8_398);
        assert_eq!(written.out().lines().count(), 1);
    }
}
