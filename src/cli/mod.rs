//! The only room with a terminal: a client of the library that asks, shows and ends with an exit code.

mod account;
mod args;
mod awake;
mod check;
mod config;
mod copy;
mod exit;
mod failure;
mod find;
mod guide;
mod layout;
mod ledger;
mod manual;
mod mistyped;
mod panic;
mod plan;
mod print;
mod progress;
mod prompt;
mod receipt;
mod rehearse;
mod remarks;
mod report;
mod room;
mod run;
#[cfg(test)]
mod samples;
mod session;
mod settings_card;
mod sign_in;
mod signal;
mod words;

use std::process::ExitCode;

use clap::Parser;

use exit::Exit;
use failure::Failure;
use room::Room;

/// Runs the program.
pub fn main() -> ExitCode {
    signal::no_core_dumps();
    panic::keep_quiet();
    let args = match config::with_file(std::env::args_os().collect()) {
        Ok(args) => args,
        Err(failure) => return failed_early(&failure),
    };
    let cli = match args::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let room = match Room::enter(&cli.flags) {
        Ok(room) => room,
        Err(error) => return without_room(&cli.flags, error),
    };
    let result = panic::caught(|| run::run(&room, &cli));
    ExitCode::from(close(&room, result).code())
}

/// Shows what went wrong, if anything did, and finds the exit code.
fn close(room: &Room, result: Result<Exit, Failure>) -> Exit {
    let written = room.printer.trouble();
    let result = match (result, written) {
        (Ok(_), Some(error)) => Err(anyhow::Error::new(error)
            .context("the results cannot be written")
            .into()),
        (result, _) => result,
    };
    let failure = match result {
        Ok(exit) => return exit,
        Err(failure) => failure,
    };
    let exit = if failure.is_stop() {
        room.signals.exit()
    } else {
        failure.exit()
    };
    show(&room.printer, &failure, exit);
    exit
}

fn show(printer: &print::Printer, failure: &Failure, exit: Exit) {
    #[derive(serde::Serialize)]
    struct Line {
        code: u8,
        #[serde(flatten)]
        words: words::Words,
    }
    printer.event(
        "error",
        &Line {
            code: exit.code(),
            words: words::words(failure),
        },
    );
    printer.say(&words::screen(failure));
}

/// Help and the version come this way too, and are no failures.
fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    failed_early(&mistyped::failure(error))
}

/// Before the flags are known: they are guessed for the look of it.
fn failed_early(failure: &Failure) -> ExitCode {
    let flags = mistyped::flags(std::env::args_os());
    let printer = print::Printer::new(print::Look::new(&flags));
    show(&printer, failure, failure.exit());
    ExitCode::from(failure.exit().code())
}

fn without_room(flags: &args::Flags, error: anyhow::Error) -> ExitCode {
    let printer = print::Printer::new(print::Look::new(flags));
    let failure = Failure::from(error.context("Ctrl-C cannot be listened for"));
    show(&printer, &failure, failure.exit());
    ExitCode::from(failure.exit().code())
}

#[cfg(test)]
mod tests {
    use super::*;
    use args::Format;
    use print::Look;
    use spectrum_migrate::Error;

    fn refused() -> Failure {
        let server = "mobile.charter.net:993".to_string();
        Error::SignInRefused {
            server,
            detail: "NO [AUTHENTICATIONFAILED]".into(),
        }
        .into()
    }

    #[test]
    fn programs_get_an_error_as_the_last_line_with_its_code() {
        let (room, written) = Room::pretend(
            Look {
                format: Format::Json,
                ..Look::default()
            },
            None,
        );
        assert_eq!(close(&room, Err(refused())), Exit::SignIn);
        insta::assert_snapshot!(written.out());
    }

    #[test]
    fn people_get_words_on_standard_error_only() {
        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(close(&room, Err(refused())).code(), 12);
        assert_eq!(written.out(), "");
        assert!(
            written
                .err()
                .starts_with("x  Spectrum did not accept the password")
        );
    }

    #[test]
    fn being_stopped_is_told_from_a_failure() {
        let (room, written) = Room::pretend(Look::default(), None);
        assert_eq!(close(&room, Err(Error::Stopped.into())), Exit::Interrupted);
        assert_eq!(written.err(), "Stopped. Nothing was changed.\n");
    }
}
