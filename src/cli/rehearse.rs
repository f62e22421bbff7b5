//! `rehearse`: the whole run on a pretend server inside this computer, and a server to look at with a mail program.

use serde::Serialize;
use spectrum_migrate::amount::size;
use spectrum_migrate::rehearsal::{Limits, Practice, sample};
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::{Exception, Report};

use super::args::Flags;
use super::copy::{self, Ended, Until};
use super::exit::Exit;
use super::failure::Failure;
use super::room::Room;
use super::session::{self, Session};

const BEFORE: &str = "This is practice. The mail server is a pretend one inside this computer.\n\
                      Nothing leaves the computer, and your Spectrum mailbox is not touched.\n\n";

const ON_PURPOSE: &str = "\nThe messages that were not copied are in the made-up mail on purpose, to show\n\
                          what becomes of one that is too large or damaged. Nothing went wrong.";

const AFTER: &str = "\nThat was practice: nothing left this computer, and the copy is gone again.\n\
                     The real copy:  spectrum-migrate copy";

const DECLINED: &str = "\nThat was practice: nothing left this computer, and nothing was copied.\n\
                        To practise again:  spectrum-migrate rehearse";

/// The messages of the made-up mail that can't be copied, and why.
const PLANTED: [(&str, Reason); 2] = [
    ("Big film.mbox", Reason::TooBig),
    ("Lost.eml", Reason::Unreadable),
];

/// Copies the person's own mail, or a sample, to a pretend server.
///
/// # Errors
/// The same as a real copy.
pub fn run(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    let practice = Practice::start(Limits::default(), None)?;
    room.printer.say(BEFORE);
    let ended = copy_to(room, flags, &practice).map_err(Failure::of_practice)?;
    let as_meant = flags.source.is_empty() && ended.report.as_ref().is_some_and(as_meant);
    if as_meant {
        room.printer.say(ON_PURPOSE);
    }
    if ended.report.is_some() {
        room.printer.say(AFTER);
    } else if !flags.dry_run {
        room.printer.say(DECLINED);
    }
    Ok(if as_meant { Exit::Done } else { ended.exit })
}

/// Keeps a pretend server up until Ctrl-C; mail that was named is copied to it first.
///
/// # Errors
/// The port can't be had.
pub fn serve(room: &Room, flags: &Flags, port: u16) -> Result<Exit, Failure> {
    let practice = Practice::start(Limits::default(), (port > 0).then_some(port))?;
    room.printer.say(BEFORE);
    if !flags.source.is_empty() {
        copy_to(room, flags, &practice)?;
    }
    announce(room, &practice);
    room.signals.end_work();
    loop {
        // The signal handler ends the program.
        std::thread::park();
    }
}

fn copy_to(room: &Room, flags: &Flags, practice: &Practice) -> Result<Ended, Failure> {
    let place = tempfile::tempdir()
        .map_err(|error| anyhow::Error::new(error).context("no room for practice"))?;
    let mut paths = flags.source.clone();
    if paths.is_empty() {
        let made_up = place.path().join("Sample mail");
        sample(&made_up).map_err(|error| {
            anyhow::Error::new(error).context("the sample mail cannot be written")
        })?;
        room.printer
            .say("No --source was given, so a few made-up messages are copied.\n\n");
        paths.push(made_up);
    }
    let sources = session::open_sources(&paths)?;
    let connect = Box::new(practice.connector());
    let state = place.path().join("state");
    let session = Session::new(sources, connect, session::choices(flags), &state).for_practice();
    // Where nobody can be asked nothing is at stake either.
    let agreed = flags.yes || !room.asker.allowed();
    copy::run(
        room,
        &session,
        if flags.dry_run {
            Until::Plan
        } else {
            Until::End { agreed }
        },
    )
}

/// Whether only those messages of the made-up mail stayed behind that are in it to show what becomes of them.
fn as_meant(report: &Report) -> bool {
    let meant = |one: &Exception| {
        PLANTED
            .iter()
            .any(|(file, reason)| one.file.ends_with(file) && one.reason == *reason)
    };
    Exit::from(report) == Exit::Exceptions
        && report.exceptions.len() <= PLANTED.len()
        && report.exceptions.iter().all(meant)
}

fn announce(room: &Room, practice: &Practice) {
    #[derive(Serialize)]
    struct Serving<'a> {
        host: &'a str,
        port: u16,
        user: &'a str,
        password: &'a str,
    }
    let serving = Serving {
        host: "127.0.0.1",
        port: practice.port(),
        user: practice.user(),
        password: practice.password(),
    };
    room.printer.event("serving", &serving);
    let limits = practice.limits();
    room.printer.result(&format!(
        "The practice server is running. In a mail program on this computer, add an
account by hand with these settings:

     Account type      IMAP
     Server            {}
     Port              {}
     Security          none (the connection stays inside this computer)
     User name         {}
     Password          {}

It takes messages up to {} and {} in all, as Spectrum says of its own.
It forgets everything when it ends. Ctrl-C ends it.",
        serving.host,
        serving.port,
        serving.user,
        serving.password,
        size(limits.message),
        size(limits.mailbox),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Format;
    use crate::cli::print::Look;
    use crate::cli::samples;
    use std::path::Path;

    fn mbox(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("Family");
        let message = |number: u32| {
            format!(
                "From jane@charter.net Mon Jan  5 10:00:00 2009\nMessage-ID: <{number}@x>\nFrom: jane@charter.net\n\
                 Date: Mon, 5 Jan 2009 10:00:00 +0000\nSubject: Letter {number}\n\nHello.\n\n"
            )
        };
        std::fs::write(&path, (0..5).map(message).collect::<String>()).unwrap();
        path
    }

    #[test]
    fn ones_own_mail_is_copied_checked_and_reported() {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags {
            source: vec![mbox(dir.path())],
            yes: true,
            ..Flags::default()
        };
        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(
            run(&room, &flags).unwrap(),
            Exit::Done,
            "{}{}",
            written.out(),
            written.err()
        );
        let (out, err) = (written.out(), written.err());
        assert!(
            err.contains("This is practice.") && err.contains("Nothing leaves the computer"),
            "{err}"
        );
        assert!(
            err.contains("What will be copied to the pretend mailbox inside this computer\n"),
            "{err}"
        );
        assert!(
            out.contains("ok   Every message is there: 5 of 5 (5 new, 0 already there)."),
            "{out}"
        );
        assert!(
            out.contains("ok   All read back and compared: identical."),
            "{out}"
        );
        assert!(
            !out.contains("Saved as"),
            "a rehearsal leaves nothing behind: {out}"
        );
        assert!(
            out.lines()
                .chain(err.lines())
                .all(|line| line.chars().count() <= 80),
            "{err}{out}"
        );
    }

    #[test]
    fn without_mail_of_ones_own_the_sample_is_copied() {
        let (room, written) = Room::pretend(Look::default(), None);
        let exit = run(&room, &Flags::default()).unwrap();
        let (out, err) = (written.out(), written.err());
        // The sample holds a message that is too large and one that is damaged, to show what becomes of them.
        assert_eq!(exit, Exit::Done, "{out}{err}");
        assert!(err.contains("on purpose"), "{err}");
        assert!(err.contains("made-up messages"), "{err}");
        assert!(
            out.contains("ok   What could be copied is there: 36 of 36"),
            "{out}"
        );
        assert!(out.contains("larger than the server takes"), "{out}");
        assert!(
            out.lines()
                .chain(err.lines())
                .all(|line| line.chars().count() <= 80),
            "{out}{err}"
        );
    }

    #[test]
    fn what_nobody_put_there_on_purpose_is_no_success() {
        let big = |file: &str, reason| {
            let mut report = samples::report();
            report.exceptions.retain(|one| one.reason == Reason::TooBig);
            let one = &mut report.exceptions[0];
            (one.file, one.reason) = (file.into(), reason);
            report
        };
        assert!(as_meant(&big("/tmp/x/Big film.mbox", Reason::TooBig)));
        assert!(!as_meant(&big("/tmp/x/Inbox.mbox", Reason::TooBig)));
        assert!(!as_meant(&big("/tmp/x/Big film.mbox", Reason::Syntax)));
        let mut altered = big("/tmp/x/Big film.mbox", Reason::TooBig);
        altered.verified.as_mut().unwrap().altered = 1;
        assert!(!as_meant(&altered));
        assert!(!as_meant(&samples::report()));
    }

    #[test]
    fn a_dry_run_shows_the_plan_and_copies_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags {
            source: vec![mbox(dir.path())],
            dry_run: true,
            ..Flags::default()
        };
        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(run(&room, &flags).unwrap(), Exit::Done);
        assert!(
            written.out().contains("Nothing has been changed yet."),
            "{}",
            written.out()
        );
        assert!(!written.out().contains("Report for"));
    }

    #[test]
    fn whoever_says_no_to_the_plan_has_changed_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags {
            source: vec![mbox(dir.path())],
            ..Flags::default()
        };
        let (room, written) = Room::pretend(Look::default(), Some("n\n"));
        assert_eq!(run(&room, &flags).unwrap(), Exit::Unfinished);
        assert!(
            written
                .err()
                .contains("This is practice. Copy now? [Y/n, Enter means yes]")
        );
        assert!(written.err().contains("nothing was copied"));
        assert!(written.err().contains("Nothing has been changed."));
        assert_eq!(written.out(), "");
    }

    #[test]
    fn programs_get_lines_with_the_report_last() {
        let dir = tempfile::tempdir().unwrap();
        let flags = Flags {
            source: vec![mbox(dir.path())],
            ..Flags::default()
        };
        let (room, written) = Room::pretend(
            Look {
                format: Format::Json,
                ..Look::default()
            },
            None,
        );
        run(&room, &flags).unwrap();
        let out = written.out();
        let lines: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(
            lines
                .iter()
                .all(|line| line["v"] == 1 && line["event"].is_string()),
            "{out}"
        );
        let last = lines.last().unwrap();
        assert_eq!(
            (&last["event"], &last["counts"]["copied"]),
            (&"report".into(), &5.into())
        );
        assert_eq!(last["verified"]["missing"], 0);
    }

    #[test]
    fn a_server_that_stays_says_how_to_reach_it() {
        let practice = Practice::start(Limits::default(), None).unwrap();
        let (room, written) = Room::pretend(Look::default(), None);
        announce(&room, &practice);
        let shown = written
            .out()
            .replace(practice.password(), "(password)")
            .replace(&practice.port().to_string(), "(port)");
        insta::assert_snapshot!(shown);
    }
}
