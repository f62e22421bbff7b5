//! The exit codes: one table for the program, its `--help` and the README.

use spectrum_migrate::Error;
use spectrum_migrate::transfer::plan::Reason;
use spectrum_migrate::transfer::report::Report;

/// How the program ends. A script can rely on these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for is done and, after a copy, verified.
    Done,
    /// The program contradicts itself.
    Bug,
    /// A wrong command line, or a choice that can't be carried out.
    Usage,
    /// Finished, and some messages can't be copied.
    Exceptions,
    /// The check found a difference.
    Difference,
    /// Stopped before the end; the next run goes on.
    Unfinished,
    /// The server is not reached.
    NotReached,
    /// No secure connection.
    NotSecure,
    /// The sign-in is refused.
    SignIn,
    /// The mailbox is full.
    Full,
    /// An answer is missing, and asking is not allowed.
    Missing,
    /// Another run is in progress.
    Busy,
    /// The journal can't be written.
    Journal,
    /// The storage folder can't be written.
    Storage,
    /// No mail can be read.
    NoMail,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

/// Every code with its meaning, in the order of the numbers.
pub const TABLE: [(Exit, &str); 17] = [
    (Exit::Done, "all done and verified"),
    (Exit::Bug, "unexpected error (a bug)"),
    (Exit::Usage, "wrong command line"),
    (
        Exit::Exceptions,
        "finished, but some messages were not copied (each is listed)",
    ),
    (Exit::Difference, "verification found a difference"),
    (
        Exit::Unfinished,
        "stopped before the end; run it again to go on",
    ),
    (Exit::NotReached, "server not reached"),
    (Exit::NotSecure, "secure connection refused"),
    (Exit::SignIn, "sign-in refused"),
    (Exit::Full, "mailbox full"),
    (
        Exit::Missing,
        "an answer is missing and asking is not allowed",
    ),
    (Exit::Busy, "another run is in progress"),
    (Exit::Journal, "the journal cannot be written"),
    (Exit::Storage, "the storage folder cannot be written"),
    (Exit::NoMail, "no mail can be read from a source"),
    (Exit::Interrupted, "stopped by Ctrl-C"),
    (Exit::Terminated, "stopped by SIGTERM"),
];

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Bug => 1,
            Exit::Usage => 2,
            Exit::Exceptions => 3,
            Exit::Difference => 4,
            Exit::Unfinished => 5,
            Exit::NotReached => 10,
            Exit::NotSecure => 11,
            Exit::SignIn => 12,
            Exit::Full => 13,
            Exit::Missing => 14,
            Exit::Busy => 15,
            Exit::Journal => 16,
            Exit::Storage => 17,
            Exit::NoMail => 20,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Exit {
        match error {
            Error::NotReached { .. } => Exit::NotReached,
            Error::NotSecure { .. } => Exit::NotSecure,
            Error::SignInRefused { .. } => Exit::SignIn,
            Error::ConnectionLost { .. } | Error::ServerTrouble { .. } => Exit::Unfinished,
            Error::MailboxFull { .. } => Exit::Full,
            Error::Altered { .. } => Exit::Difference,
            Error::Busy { .. } => Exit::Busy,
            Error::Journal { .. } => Exit::Journal,
            Error::StorageFull { .. } | Error::Storage { .. } => Exit::Storage,
            Error::Source { .. } => Exit::NoMail,
            Error::Choice { .. } => Exit::Usage,
            Error::Stopped => Exit::Interrupted,
            Error::Bug { .. } => Exit::Bug,
        }
    }
}

/// How a finished run ends, by its ledger.
impl From<&Report> for Exit {
    fn from(report: &Report) -> Exit {
        let counts = &report.counts;
        let differs = report
            .verified
            .as_ref()
            .is_some_and(|verified| !verified.clean());
        if !counts.balances() {
            Exit::Bug
        } else if differs {
            Exit::Difference
        } else if counts.waiting > 0 && report.reasons.contains_key(&Reason::Full) {
            Exit::Full
        } else if counts.waiting > 0 {
            Exit::Unfinished
        } else if counts.refused + counts.damaged > 0 || !report.keeps_what_it_kept() {
            Exit::Exceptions
        } else {
            Exit::Done
        }
    }
}

/// The table as `--help` shows it.
pub fn help() -> String {
    let rows = TABLE.map(|(exit, meaning)| format!("  {:>3}  {meaning}", exit.code()));
    format!("Exit codes:\n{}", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spectrum_migrate::transfer::report::Storage;

    #[test]
    fn every_number_means_one_thing_and_the_table_is_in_order() {
        let codes = TABLE.map(|(exit, _)| exit.code());
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    }

    #[test]
    fn a_ledger_decides_how_a_run_ends() {
        let exit = |change: &dyn Fn(&mut Report)| {
            let mut report = crate::cli::samples::report();
            change(&mut report);
            report.counts.found = 0;
            let counts = report.counts;
            report.counts.found = counts.copied
                + counts.already_there
                + counts.kept
                + counts.refused
                + counts.damaged
                + counts.waiting;
            Exit::from(&report)
        };
        let waiting = |report: &mut Report, reason| {
            report.counts.waiting = 1;
            report.reasons.insert(reason, 1);
        };
        assert_eq!(exit(&|_| {}), Exit::Exceptions);
        assert_eq!(
            exit(&|report| (report.counts.refused, report.counts.damaged) = (0, 0)),
            Exit::Done
        );
        assert_eq!(
            exit(&|report| waiting(report, Reason::NotTried)),
            Exit::Unfinished
        );
        assert_eq!(exit(&|report| waiting(report, Reason::Full)), Exit::Full);
        let keep = |report: &mut Report| {
            let counts = &mut report.counts;
            (counts.kept, counts.refused, counts.damaged) = (4, 0, 0);
            report.reasons.insert(Reason::Full, 2);
            report.storage = Some(Storage {
                messages: 4,
                ..Storage::default()
            });
        };
        assert_eq!(exit(&keep), Exit::Done);
        let changed = |report: &mut Report| {
            keep(report);
            let storage = report.storage.as_mut().unwrap();
            storage.changed.push("kept/Inbox.mbox".into());
        };
        assert_eq!(exit(&changed), Exit::Exceptions);
        assert_eq!(
            exit(&|report| report.verified.as_mut().unwrap().altered = 1),
            Exit::Difference
        );
        let mut unbalanced = crate::cli::samples::report();
        unbalanced.counts.found += 1;
        assert_eq!(Exit::from(&unbalanced), Exit::Bug);
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        insta::assert_snapshot!(help());
    }

    #[test]
    fn the_readme_has_the_same_table() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let text = std::fs::read_to_string(readme).unwrap();
        for (exit, meaning) in TABLE {
            let row = format!("| {} | {meaning} |", exit.code());
            assert!(
                text.contains(&row),
                "README.md lacks the row of exit code {row}"
            );
        }
    }
}
