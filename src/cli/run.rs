//! Which command does what.

use super::account::{Needs, account, check_answers};
use super::args::{Cli, Command, Flags};
use super::copy::{self, Until};
use super::exit::Exit;
use super::failure::Failure;
use super::room::Room;
use super::session::{self, Session};
use super::sign_in::{SignedIn, sign_in};
use super::{check, find, guide, manual, rehearse, report, settings_card};

/// Runs the command, or what stands in for one.
///
/// # Errors
/// What stopped it.
pub fn run(room: &Room, cli: &Cli) -> Result<Exit, Failure> {
    let flags = &cli.flags;
    match &cli.command {
        None if room.asker.allowed() && !flags.dry_run => guide::run(room, flags),
        None => unattended(room, flags),
        Some(Command::Settings { program, files }) => {
            settings_card::run(room, flags, *program, files.as_deref())
        }
        Some(Command::Find) => find::run(room, flags),
        Some(Command::Check) => check::run(room, flags),
        Some(Command::Plan) => transfer(room, flags, Some(Until::Plan)),
        Some(Command::Copy) => transfer(room, flags, Some(until(flags))),
        Some(Command::Verify) => transfer(room, flags, None),
        Some(Command::Report) => report::run(room, flags),
        Some(Command::Rehearse { serve: Some(port) }) => rehearse::serve(room, flags, *port),
        Some(Command::Rehearse { serve: None }) => rehearse::run(room, flags),
        Some(Command::Completions { shell }) => Ok(manual::completions(room, *shell)),
        Some(Command::Man) => manual::man(room),
    }
}

fn until(flags: &Flags) -> Until {
    if flags.dry_run {
        Until::Plan
    } else {
        Until::End { agreed: flags.yes }
    }
}

/// Check, then copy: the whole way without a question.
fn unattended(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    room.explain_silence();
    check_answers(room, flags, Needs::MAIL)?;
    // What is wrong with sending mail was said, and stops no copy.
    let (signed_in, _) = check::connect_and_show(room, flags)?;
    work(room, flags, signed_in, Some(until(flags)))
}

/// A plan, a copy, or (`None`) a check of what was copied.
fn transfer(room: &Room, flags: &Flags, until: Option<Until>) -> Result<Exit, Failure> {
    room.explain_silence();
    check_answers(room, flags, Needs::MAIL)?;
    let account = account(room, flags)?;
    let (signed_in, mailbox) = sign_in(room, flags, &account)?;
    mailbox.logout();
    work(room, flags, signed_in, until)
}

fn work(
    room: &Room,
    flags: &Flags,
    signed_in: SignedIn,
    until: Option<Until>,
) -> Result<Exit, Failure> {
    let paths = if flags.source.is_empty() {
        find::choose(room)?
    } else {
        flags.source.clone()
    };
    let sources = session::open_sources(&paths)?;
    let base = session::state_dir(flags)?;
    let session = Session::new(sources, signed_in.connect, session::choices(flags), &base)
        .with_storage(flags.storage_folder.clone());
    match until {
        Some(until) => copy::run(room, &session, until).map(|ended| ended.exit),
        None => copy::verify(room, &session),
    }
}
