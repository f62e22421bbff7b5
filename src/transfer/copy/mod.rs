//! Sends what the plan says: drives the upload core with a crew that talks to the server and reads the sources, and
//! writes the journal. Whatever is decided or written happens here, on one thread.

pub(crate) mod crew;
mod doubt;
#[cfg(test)]
pub(crate) mod inline;
mod learn;
mod outcome;
mod prepare;
mod send;
pub(crate) mod threads;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::guards::Guards;
use super::journal::{Disk, ItemNo, Journal, Past};
use super::plan::order::{CopyNumbers, Place, sending_order};
use super::plan::{Entry, Plan, PlannedFolder, State};
use super::reconcile::{Looking, Wanted};
use super::upload::{Action, End, Line, Policy, Upload};
use super::{Job, NAP};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::mailbox::{Broken, Examined, Mailbox};
use crew::{Crew, Heard};
use learn::{Lesson, Question};
use threads::Threads;

/// How many naps long the last messages that are read back are waited for.
const LAST_LESSONS: u32 = 25;

/// Sends everything that the plan wants sent. On an error, and when stopped, the plan still has a state for every message.
pub(crate) fn copy<D: Disk>(
    job: &Job<'_>,
    plan: &mut Plan,
    journal: &mut Journal<D>,
    past: &Past,
) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let mut crew = Threads::new(scope, job.connect, job.sources);
        let policy = Policy::default();
        copy_with(job, plan, journal, past, &mut crew, Guards::ALL, policy)
    })
}

/// The same with another crew, and, in tests only, without some guard or by smaller numbers.
pub(crate) fn copy_with<D: Disk>(
    job: &Job<'_>,
    plan: &mut Plan,
    journal: &mut Journal<D>,
    past: &Past,
    crew: &mut dyn Crew,
    guards: Guards,
    usual: Policy,
) -> Result<(), Error> {
    let places = sending_order(plan);
    let mut copying = Copying {
        job,
        guards,
        usual,
        crew,
        total: places.len() as u64,
        done: 0,
        copies: CopyNumbers::of(plan, job.choices),
        plan,
        journal,
        places,
        numbers: HashMap::new(),
        held: HashMap::new(),
        folders: HashMap::new(),
        mailbox: None,
        was_down: false,
        learning: HashSet::new(),
    };
    let result = copying.run(past);
    if let Some(mailbox) = copying.mailbox.take() {
        mailbox.logout();
    }
    result
}

struct Copying<'a, D: Disk> {
    job: &'a Job<'a>,
    guards: Guards,
    /// The numbers that the core goes by, before the server's abilities are known.
    usual: Policy,
    crew: &'a mut dyn Crew,
    plan: &'a mut Plan,
    journal: &'a mut Journal<D>,
    /// The messages to send; the core knows them by their index here.
    places: Vec<Place>,
    /// The journal's numbers of messages whose intent is written and whose verdict is not.
    numbers: HashMap<u32, ItemNo>,
    /// Messages read when their intent was written and not handed over yet; the large ones without their bytes.
    held: HashMap<u32, Option<Vec<u8>>>,
    folders: HashMap<u16, Examined>,
    copies: CopyNumbers,
    /// The connection for everything but sending, while that is not under way.
    mailbox: Option<Box<dyn Mailbox>>,
    was_down: bool,
    /// Folders of which a message was read back, or is being.
    learning: HashSet<u16>,
    done: u64,
    total: u64,
}

impl<'a, D: Disk> Copying<'a, D> {
    fn run(&mut self, past: &Past) -> Result<(), Error> {
        let bytes = self
            .places
            .iter()
            .filter_map(|place| self.entry(*place))
            .map(|entry| entry.item.size)
            .sum();
        self.say(Event::Started {
            stage: Stage::Copy,
            messages: Some(self.total),
            bytes: Some(bytes),
        });
        if past.was_damaged() {
            self.wait_for_what_is_forgotten();
        }
        let prepared = self.prepare();
        if let Err(error) = prepared {
            self.give_up();
            return Err(error);
        }
        let policy = self.policy();
        let tasks = self.tasks(past, policy.quiet);
        let mut core = Upload::new(policy, tasks);
        if let Some(mailbox) = self.mailbox.take() {
            self.crew.give(0, mailbox);
        }
        self.drive(&mut core);
        for line in core.busy() {
            self.crew.cut(line);
        }
        self.mailbox = self.crew.take(0);
        let (end, rest) = core.finish();
        let closed = self.apply(rest);
        // Whatever went wrong, what was reached is on disk before anyone is told.
        let synced = self.sync();
        match end {
            End::Failed(error) => return Err(error),
            End::Stopped => return Err(Error::Stopped),
            End::Done => {}
        }
        closed?;
        synced?;
        self.last_lessons()?;
        self.add_flags()?;
        self.say(Event::Finished {
            stage: Stage::Copy,
            messages: self.done,
        });
        Ok(())
    }

    /// A journal that was damaged and set aside may have known of messages that are still under way. They land before the
    /// folders are looked through, or never.
    fn wait_for_what_is_forgotten(&self) {
        let wait = self.job.quiet;
        if self.guards.quiet && !wait.is_zero() {
            self.say(Event::Settling {
                wait,
                messages: self.total,
            });
            self.wait_until(self.job.clock.now() + wait);
        }
    }

    /// Does what the core says until it is over. Whatever fails here, what is in flight still gets its moment.
    fn drive(&mut self, core: &mut Upload) {
        loop {
            let now = self.job.clock.now();
            if self.job.stop.asked() {
                core.stop(now);
            }
            let action = core.next(now);
            if action == Action::Finish {
                return;
            }
            if let Err(error) = self.act(core, action) {
                core.fail(error, now);
            }
        }
    }

    fn act(&mut self, core: &mut Upload, action: Action) -> Result<(), Error> {
        match action {
            Action::Connect { line, .. } => self.crew.open(line),
            Action::Close(line) => {
                if let Some(mailbox) = self.crew.take(line) {
                    mailbox.logout();
                }
            }
            Action::Intend(tasks) => self.read_window(&tasks),
            Action::Submit {
                line,
                tasks,
                cautious,
            } => self.submit(core, line, &tasks, cautious),
            Action::Create { line, folder } => {
                return self.by_hand(core, line, |copying, core| {
                    copying.create(core, line, folder)
                });
            }
            Action::Match {
                line,
                folder,
                tasks,
            } => {
                return self.by_hand(core, line, |copying, core| {
                    copying.look_up(core, line, folder, &tasks)
                });
            }
            Action::Wait(until) => return self.wait(core, until),
            Action::Finish => {}
        }
        Ok(())
    }

    /// Waits until something comes in, or until this moment, or until it is time to see whether someone wants to stop.
    fn wait(&mut self, core: &mut Upload, until: Duration) -> Result<(), Error> {
        let wait = until.saturating_sub(self.job.clock.now());
        if self.crew.is_busy() {
            return match self.crew.next(wait.min(NAP)) {
                Some(heard) => self.heard(core, heard),
                None => Ok(()),
            };
        }
        if core.in_doubt() > 0 && wait > NAP && core.is_down().is_none() {
            self.say(Event::Settling {
                wait,
                messages: core.in_doubt(),
            });
        }
        self.wait_until(until);
        Ok(())
    }

    fn heard(&mut self, core: &mut Upload, heard: Heard) -> Result<(), Error> {
        let now = self.job.clock.now();
        match heard {
            Heard::Opened(line, Ok(())) => {
                core.connected(line);
                if std::mem::take(&mut self.was_down) {
                    self.say(Event::Reconnected);
                }
            }
            Heard::Opened(line, Err(error)) => self.lost(core, line, error),
            Heard::Fates(line, fates) => {
                let fates = fates
                    .into_iter()
                    .map(|(ticket, fate)| (ticket.0 as u32, fate))
                    .collect();
                let verdicts = core.settled(line, fates, now);
                self.apply(verdicts)?;
            }
            Heard::Broken(line, broken) => self.broken(core, line, broken),
            Heard::Read(contents) => self.intend(core, contents)?,
            Heard::Alert(text) => self.say(Event::Alert { text }),
            Heard::Learned(lesson) => self.learned(lesson)?,
        }
        Ok(())
    }

    /// Has the first message of each folder read back, and every hundredth.
    fn perhaps_learn(&mut self, place: Place, uid: Option<u32>) {
        let first = self.learning.insert(place.folder);
        // The last few are left to the check, which comes at once.
        let in_turn =
            self.done.is_multiple_of(learn::EVERY) && self.done + learn::EVERY <= self.total;
        if !first && !in_turn {
            return;
        }
        let Some((folder, entry)) = folder_and_entry(self.plan, place) else {
            return;
        };
        if entry.item.size <= learn::LARGEST {
            let question = Question {
                folder: folder.target.clone(),
                uid,
                from: folder.first_uid,
                item: entry.item.clone(),
                source: entry.source,
            };
            self.crew.learn(question);
        }
    }

    fn learned(&mut self, lesson: Lesson) -> Result<(), Error> {
        match lesson {
            Lesson::Changed { folder, detail } => Err(Error::Altered { folder, detail }),
            Lesson::Harmless(changes) => {
                self.plan.reached.server_changes.extend(changes);
                Ok(())
            }
            Lesson::Same | Lesson::Unknown => Ok(()),
        }
    }

    /// What is still being read back belongs to the report; a server that takes long over it is not waited for.
    fn last_lessons(&mut self) -> Result<(), Error> {
        for _ in 0..LAST_LESSONS {
            if !self.crew.is_busy() || self.job.stop.asked() {
                break;
            }
            if let Some(Heard::Learned(lesson)) = self.crew.next(NAP) {
                self.learned(lesson)?;
            }
        }
        Ok(())
    }

    /// Does something with a connection with which nothing is under way, and gives it back.
    fn by_hand(
        &mut self,
        core: &mut Upload,
        line: Line,
        work: impl FnOnce(&mut Self, &mut Upload) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.mailbox = self.crew.take(line);
        let result = work(self, core);
        if let Some(mailbox) = self.mailbox.take() {
            self.crew.give(line, mailbox);
        }
        result
    }

    fn connect(&mut self) -> Result<(), Error> {
        let mut mailbox = self.job.connect.connect()?;
        self.job.pass_on_alerts(mailbox.as_mut());
        self.mailbox = Some(mailbox);
        Ok(())
    }

    fn wait_until(&self, moment: Duration) {
        loop {
            let left = moment.saturating_sub(self.job.clock.now());
            if left.is_zero() || self.job.stop.asked() {
                return;
            }
            self.job.clock.sleep(left.min(NAP));
        }
    }

    fn broken(&mut self, core: &mut Upload, line: Line, broken: Broken) {
        let in_doubt: Vec<u32> = broken
            .in_doubt
            .iter()
            .map(|ticket| ticket.0 as u32)
            .collect();
        let detail = broken.error.to_string();
        core.broken(line, &in_doubt, broken.error, self.job.clock.now());
        self.reconnecting(core, detail);
    }

    fn lost(&mut self, core: &mut Upload, line: Line, error: Error) {
        self.mailbox = None;
        let detail = error.to_string();
        core.not_connected(line, error, self.job.clock.now());
        self.reconnecting(core, detail);
    }

    /// Says that nothing goes on until there is a connection again.
    fn reconnecting(&mut self, core: &Upload, detail: String) {
        if let Some((at, attempt)) = core.is_down() {
            self.was_down = true;
            self.say(Event::Reconnecting {
                after: at.saturating_sub(self.job.clock.now()),
                attempt,
                of: Policy::default().attempts,
                detail,
            });
        }
    }

    fn looking(&self) -> Looking<'a> {
        self.job.looking(self.guards)
    }

    fn sync(&mut self) -> Result<(), Error> {
        if self.guards.sync {
            self.journal.sync()
        } else {
            Ok(())
        }
    }

    fn folder_name(&self, place: Place) -> String {
        self.plan
            .folders
            .get(place.folder as usize)
            .map(|folder| folder.target.display())
            .unwrap_or_default()
    }

    fn entry(&self, place: Place) -> Option<&Entry> {
        entry(self.plan, place)
    }

    fn set(&mut self, place: Place, state: State) {
        let folder = self.plan.folders.get_mut(place.folder as usize);
        if let Some(entry) = folder.and_then(|folder| folder.entries.get_mut(place.entry as usize))
        {
            entry.state = state;
        }
    }

    fn say(&self, event: Event) {
        self.job.observer.notice(&event);
    }
}

fn folder_and_entry(plan: &Plan, place: Place) -> Option<(&PlannedFolder, &Entry)> {
    let folder = plan.folders.get(place.folder as usize)?;
    Some((folder, folder.entries.get(place.entry as usize)?))
}

fn entry(plan: &Plan, place: Place) -> Option<&Entry> {
    folder_and_entry(plan, place).map(|(_, entry)| entry)
}

/// The messages of a folder that satisfy a condition, as things to look for.
pub(crate) fn wanted_in(folder: &PlannedFolder, which: impl Fn(&Entry) -> bool) -> Vec<Wanted> {
    let wanted = (0u32..)
        .zip(&folder.entries)
        .filter(|(_, entry)| which(entry));
    wanted
        .map(|(key, entry)| Wanted::new(key, &entry.item))
        .collect()
}

fn not_connected() -> Error {
    Error::ConnectionLost {
        server: String::new(),
        detail: "not connected".into(),
    }
}
