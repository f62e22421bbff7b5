//! `plan`, `copy` and `verify`: the stages of a run in their order, with the person's agreement before anything is sent.

use spectrum_migrate::Error;
use spectrum_migrate::transfer::keep::Keeping;
use spectrum_migrate::transfer::plan::Plan;
use spectrum_migrate::transfer::report::{Report, Verified};

use super::awake::Awake;
use super::exit::Exit;
use super::failure::{Answer, Failure, Situation};
use super::room::Room;
use super::session::Session;
use super::{plan, remarks, report};

/// How far a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The plan is shown, and nothing is changed.
    Plan,
    /// Everything is copied, checked and reported.
    End {
        /// Whether the plan is accepted beforehand (`--yes`).
        agreed: bool,
    },
}

/// How a run ended.
pub struct Ended {
    /// Its exit code.
    pub exit: Exit,
    /// What was reached, where something was tried.
    pub report: Option<Report>,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Ended {
        Ended { exit, report: None }
    }
}

/// By its ledger.
impl From<Report> for Ended {
    fn from(report: Report) -> Ended {
        Ended {
            exit: Exit::from(&report),
            report: Some(report),
        }
    }
}

/// Plans, and as far as wanted copies, verifies and reports.
///
/// # Errors
/// What stopped it; a report was shown and saved all the same if anything was sent.
pub fn run(room: &Room, session: &Session, until: Until) -> Result<Ended, Failure> {
    room.signals.begin_work();
    if let Some(folder) = &session.storage {
        session.job(room, |job| job.can_keep(folder))?;
    }
    let mut plan = plan_it(room, session)?;
    let agreed = match until {
        Until::Plan => {
            plan::show(&room.printer, &plan);
            if session.keeps_report && !nothing_to_do(&plan) && !room.printer.json() {
                room.printer.say("\nTo copy it:  spectrum-migrate copy");
            }
            return Ok(Exit::Done.into());
        }
        Until::End { agreed } => agreed,
    };
    if nothing_to_do(&plan) {
        room.printer
            .say("Nothing has to be copied. Checking what is there.");
    } else if !agree(room, session, &plan, agreed)? {
        room.printer.say("Nothing has been changed.");
        return Ok(Exit::Unfinished.into());
    }
    carry_out(room, session, &mut plan).map(Ended::from)
}

/// Compares the mailbox with the mail on this computer, and sends nothing.
///
/// # Errors
/// What stopped it.
pub fn verify(room: &Room, session: &Session) -> Result<Exit, Failure> {
    room.signals.begin_work();
    let mut plan = plan_it(room, session)?;
    let verified = session.job(room, |job| job.verify(&mut plan))?;
    let report = finish(room, session, &plan, Some(verified))?;
    // Here nothing was meant to be sent: what is still to be sent is a difference.
    Ok(match Exit::from(&report) {
        Exit::Unfinished | Exit::Full => Exit::Difference,
        exit => exit,
    })
}

pub(super) fn plan_it(room: &Room, session: &Session) -> Result<Plan, Failure> {
    let plan = session.job(room, |job| job.plan())?;
    blank_line(room);
    remarks::show(&room.printer, &session.sources);
    Ok(plan)
}

/// Between what was done and what comes of it, for people.
fn blank_line(room: &Room) {
    if !room.printer.json() {
        room.printer.say("\n");
    }
}

pub(super) fn nothing_to_do(plan: &Plan) -> bool {
    plan.totals().to_copy == 0
        && plan
            .folders
            .iter()
            .all(|folder| folder.flag_changes.is_empty())
}

/// Shows the plan and asks; without anybody to ask, only a plan accepted beforehand is carried out.
pub(super) fn agree(
    room: &Room,
    session: &Session,
    plan: &Plan,
    agreed: bool,
) -> Result<bool, Failure> {
    if !agreed && !room.asker.allowed() {
        plan::show(&room.printer, plan);
        return Err(Failure::Missing(vec![Answer::Yes]));
    }
    room.printer.event("plan", &plan::line(plan));
    // A program has the plan already, and nobody is asked anything about it.
    if !(agreed && room.printer.json()) {
        room.printer
            .say(&plan::screen(plan, room.printer.look.plain));
    }
    if agreed {
        return Ok(true);
    }
    room.signals.end_work();
    let question = if session.keeps_report {
        "Copy now?"
    } else {
        "This is practice. Copy now?"
    };
    room.asker.yes(&room.printer, question, true)
}

/// Copies what was planned and agreed to, checks it, and reports.
///
/// # Errors
/// What stopped it; a report was shown and saved all the same.
pub(super) fn carry_out(
    room: &Room,
    session: &Session,
    plan: &mut Plan,
) -> Result<Report, Failure> {
    room.signals.begin_work();
    // Practice is over before any computer falls asleep.
    let _awake = session.keeps_report.then(Awake::start);
    let sent = session.job(room, |job| job.copy(plan));
    // With a storage folder, a full mailbox is no reason to stop: what is left is kept there.
    let full = matches!(sent, Err(Error::MailboxFull { .. })) && session.storage.is_some();
    if let Err(error) = sent
        && !full
    {
        // The other run makes its own report, and this one has nothing to tell.
        if matches!(error, Error::Busy { .. }) {
            return Err(error.into());
        }
        // Whatever stopped it, the person learns what was reached.
        let report = finish(room, session, plan, None)?;
        return Err(Failure::at(error, copied(&report)));
    }
    let checked = session.job(room, |job| {
        let verified = job.verify(plan)?;
        job.repair(plan, verified)
    });
    match checked {
        Ok(verified) => {
            let kept = keep(room, session, plan, full);
            let report = finish(room, session, plan, Some(verified))?;
            match kept {
                Ok(()) => Ok(report),
                Err(error) => Err(Failure::at(error, copied(&report))),
            }
        }
        Err(error) => {
            let report = finish(room, session, plan, None)?;
            let done = report.counts.copied + report.counts.already_there;
            Err(Failure::at(error, Situation::Unchecked { done }))
        }
    }
}

/// Keeps on this computer what did not go up, where the person named a folder for it.
fn keep(room: &Room, session: &Session, plan: &mut Plan, full: bool) -> Result<(), Error> {
    let Some(folder) = &session.storage else {
        return Ok(());
    };
    let which = Keeping {
        full,
        ..session.keeping
    };
    session
        .job(room, |job| job.keep(plan, folder, which))
        .map(|_| ())
}

/// Adds up, shows and saves. A report that can't be saved was shown all the same.
fn finish(
    room: &Room,
    session: &Session,
    plan: &Plan,
    verified: Option<Verified>,
) -> Result<Report, Failure> {
    let report = session.job(room, |job| job.report(plan, verified))?;
    blank_line(room);
    if !session.keeps_report {
        report::show(room, &report);
        return Ok(report);
    }
    match report::show_and_save(room, &report, &session.state) {
        Err(Failure::Engine { error, .. }) => Err(Failure::at(error, copied(&report))),
        shown => shown.map(|()| report),
    }
}

fn copied(report: &Report) -> Situation {
    let counts = &report.counts;
    let done = counts.copied + counts.already_there;
    Situation::Copied {
        done,
        of: done + counts.waiting + counts.refused + counts.damaged + counts.kept,
    }
}
