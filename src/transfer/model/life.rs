//! The life of a migration: a process runs, dies, is started again, until one of them says that all is well.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::Duration;

use super::disk::SimulatedDisk;
use super::faults::Script;
use super::mail::{Tally, Wanted, put_what_is_there, source};
use super::server::{Habits, Traffic};
use super::world::{Killed, World};
use crate::error::Error;
use crate::event::Silent;
use crate::mailbox::Connect;
use crate::source::Source;
use crate::transfer::copy::copy_with;
use crate::transfer::copy::inline::Inline;
use crate::transfer::guards::Guards;
use crate::transfer::journal::{Disk, Journal, Past, peek_into};
use crate::transfer::plan::Plan;
use crate::transfer::repair::repair_with;
use crate::transfer::report::Verified;
use crate::transfer::testing::Pretend;
use crate::transfer::upload::Policy;
use crate::transfer::verify::Found;
use crate::transfer::{Choices, Depth, Job, QUIET, Stop, remember};

/// Processes until it has to be well. A script has three faults at most, and each can spoil one run.
const MOST: usize = 8;

/// How the program runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub name: &'static str,
    pub guards: Guards,
    pub depth: Depth,
    /// The journal is gone before every run, and the person waits for the quiet time instead.
    pub forgets: bool,
}

/// How far a process is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    Planned,
    Copied,
    Verified,
}

/// What became of a migration.
pub(super) struct Ending {
    pub tally: Tally,
    /// What else is wrong with it.
    pub wrong: Option<&'static str>,
    /// Of each point that was passed, how many faults can happen there.
    pub points: Vec<usize>,
    pub traffic: Traffic,
}

impl Ending {
    pub fn bad(&self) -> bool {
        self.tally != Tally::default() || self.wrong.is_some()
    }
}

/// What is the same for all migrations.
pub(super) struct Home {
    sources: Vec<Box<dyn Source>>,
    wanted: Wanted,
    choices: Choices,
    way: Way,
}

impl Home {
    pub fn new(way: Way) -> Home {
        let mails = source();
        Home {
            wanted: Wanted::of(&mails),
            sources: vec![Box::new(Pretend::new(mails))],
            choices: Choices {
                depth: Some(way.depth),
                ..Choices::default()
            },
            way,
        }
    }

    /// A whole migration, from the first process to the last.
    pub fn migrate(&self, habits: Habits, seed: u64, script: Script) -> Ending {
        let world = World::new(habits, seed, script);
        put_what_is_there(&mut world.lock().server);
        let mut wrong = None;
        let goal = if self.way.guards.verify {
            Goal::Verified
        } else {
            Goal::Copied
        };
        if !(0..MOST).any(|_| self.process(&world, goal)) {
            wrong = Some("it never ended well");
        }
        // The last process said that all is there: this is the moment at which it has to be.
        let then = self.wanted.tally(&world.lock().server);
        let appended = world.lock().server.appended;
        world.lock().faults.over = true;
        // Once more. Whether all is there was looked at already, and will be below; and after a single fault it is
        // enough to see that nothing is planned.
        let goal = if world.lock().faults.happened == 1 {
            Goal::Planned
        } else {
            Goal::Copied
        };
        if !self.process(&world, goal) {
            wrong = wrong.or(Some("one run more did not end well"));
        }
        world.lock().pass(2 * QUIET);
        let inner = world.lock();
        if inner.server.appended != appended {
            wrong = wrong.or(Some("something came after the end"));
        }
        let mut tally = self.wanted.tally(&inner.server);
        tally.lost = tally.lost.max(then.lost);
        Ending {
            tally,
            wrong,
            points: inner.faults.passed.clone(),
            traffic: inner.server.traffic,
        }
    }

    /// One process, and whether it lived to say that all is well.
    fn process(&self, world: &World, goal: Goal) -> bool {
        if self.way.forgets {
            let mut inner = world.lock();
            inner.platter.wipe();
            inner.pass(QUIET);
        }
        match catch_unwind(AssertUnwindSafe(|| self.run(world, goal))) {
            Ok(result) => result.unwrap_or(false),
            Err(reason) if reason.is::<Killed>() => false,
            Err(reason) => resume_unwind(reason),
        }
    }

    /// What the command line does: plan, copy, verify, repair, report.
    fn run(&self, world: &World, goal: Goal) -> Result<bool, Error> {
        let guards = self.way.guards;
        let job = Job {
            sources: &self.sources,
            connect: world,
            choices: &self.choices,
            state: Path::new("there-is-no-such-directory"),
            quiet: QUIET,
            clock: world,
            stop: &Stop::default(),
            observer: &Silent,
        };
        let mut plan = job.plan_with(guards)?;
        let past = peek(world)?;
        remember::leave_out_removed(&mut plan, &past, &self.choices);
        if goal == Goal::Planned && plan.totals().to_copy == 0 {
            return Ok(true);
        }
        let mut send = |plan: &mut Plan| send(&job, world, plan, guards);
        let mut record = |plan: &Plan, verified: &Verified, found: &[Found]| {
            let (mut journal, _) = start(world)?;
            remember::record_in(&mut journal, &self.choices, plan, verified, found)
        };
        send(&mut plan)?;
        let mut verified = None;
        if goal == Goal::Verified {
            let (looked, found) = job.look(&mut plan, guards)?;
            record(&plan, &looked, &found)?;
            let repaired = repair_with(&job, &mut plan, looked, guards, &mut send, &mut record)?;
            verified = Some(repaired);
        }
        let report = job.report(&plan, verified)?;
        let clean = report.verified.as_ref().is_none_or(Verified::clean);
        let counts = report.counts;
        Ok(clean && counts.waiting + counts.refused + counts.damaged == 0)
    }
}

fn start(world: &World) -> Result<(Journal<SimulatedDisk>, Past), Error> {
    let disk = SimulatedDisk(world.clone());
    Journal::start(disk, "journal".into(), &world.account())
}

fn peek(world: &World) -> Result<Past, Error> {
    let mut disk = SimulatedDisk(world.clone());
    let content = disk.reader().expect("it can be read");
    peek_into(content, Path::new("journal"), &world.account())
}

fn send(job: &Job<'_>, world: &World, plan: &mut Plan, guards: Guards) -> Result<(), Error> {
    let (mut journal, past) = start(world)?;
    let choose = Box::new(|choices| world.lock().order.below(choices));
    let mut crew = Inline::new(job.connect, job.sources, choose);
    copy_with(
        job,
        plan,
        &mut journal,
        &past,
        &mut crew,
        guards,
        small_policy(),
    )
}

/// So small that a dozen messages go in several windows and batches, over several connections.
fn small_policy() -> Policy {
    Policy {
        window_messages: 5,
        window_bytes: 800,
        first_batch: 2,
        batch_messages: 3,
        batch_bytes: 400,
        outstanding: 2,
        cautious_from: 450,
        grace: Duration::from_secs(10),
        first_lines: 3,
        most_lines: 3,
        worth_a_line: 3,
        ..Policy::default()
    }
}
