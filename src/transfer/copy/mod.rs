//! Sends what the plan says: drives the upload core over one connection, the sources and the journal.

mod doubt;
mod outcome;
mod prepare;
mod send;

use std::collections::HashMap;
use std::time::Duration;

use super::Job;
use super::journal::{Disk, ItemNo, Journal, Past};
use super::plan::order::{CopyNumbers, Place, sending_order};
use super::plan::{Entry, Plan, PlannedFolder, State};
use super::reconcile::Wanted;
use super::upload::{Action, End, Policy, Upload};
use crate::error::Error;
use crate::event::{Event, Stage};
use crate::mailbox::{Broken, Examined, Mailbox};

/// Longest nap between two looks at whether the person wants to stop.
const NAP: Duration = Duration::from_millis(200);

/// Sends everything that the plan wants sent. On an error, and when stopped, the plan still has a state for every message.
pub(crate) fn copy<D: Disk>(
    job: &Job<'_>,
    plan: &mut Plan,
    journal: &mut Journal<D>,
    past: &Past,
) -> Result<(), Error> {
    let places = sending_order(plan);
    let mut copying = Copying {
        job,
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
    };
    let result = copying.run(past);
    if let Some(mut mailbox) = copying.mailbox.take() {
        mailbox.logout();
    }
    result
}

struct Copying<'a, D: Disk> {
    job: &'a Job<'a>,
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
    mailbox: Option<Box<dyn Mailbox>>,
    done: u64,
    total: u64,
}

impl<D: Disk> Copying<'_, D> {
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
        let prepared = self.prepare();
        if let Err(error) = prepared {
            self.give_up();
            return Err(error);
        }
        let policy = self.policy();
        let tasks = self.tasks(past, policy.quiet);
        let mut core = Upload::new(policy, tasks);
        let driven = self.drive(&mut core);
        let (end, rest) = core.finish();
        let closed = self.apply(rest);
        // Whatever went wrong, what was reached is on disk before anyone is told.
        let synced = self.journal.sync();
        driven?;
        match end {
            End::Failed(error) => return Err(error),
            End::Stopped => return Err(Error::Stopped),
            End::Done => {}
        }
        closed?;
        synced?;
        self.add_flags()?;
        self.say(Event::Finished {
            stage: Stage::Copy,
            messages: self.done,
        });
        Ok(())
    }

    fn drive(&mut self, core: &mut Upload) -> Result<(), Error> {
        let mut was_down = false;
        loop {
            let now = self.job.clock.now();
            if self.job.stop.asked() {
                core.stop(now);
            }
            match core.next(now) {
                Action::Connect { at, attempt } => {
                    self.mailbox = None;
                    self.wait_until(at);
                    if self.job.stop.asked() {
                        continue;
                    }
                    match self.connect() {
                        Ok(()) => {
                            core.connected();
                            if was_down || attempt > 0 {
                                self.say(Event::Reconnected);
                            }
                            was_down = false;
                        }
                        Err(error) => {
                            was_down = true;
                            self.lost(core, error);
                        }
                    }
                }
                Action::Intend(tasks) => self.intend(core, &tasks)?,
                Action::Submit { tasks, cautious } => self.submit(core, &tasks, cautious),
                Action::Settle(wait) => self.settle(core, wait)?,
                Action::Create(folder) => self.create(core, folder)?,
                Action::Wait(until) => {
                    let wait = until.saturating_sub(now);
                    if core.in_doubt() > 0 && wait > NAP {
                        self.say(Event::Settling {
                            wait,
                            messages: core.in_doubt(),
                        });
                    }
                    self.wait_until(until);
                }
                Action::Match { folder, tasks } => self.look_up(core, folder, &tasks)?,
                Action::Finish => return Ok(()),
            }
        }
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

    fn settle(&mut self, core: &mut Upload, wait: Duration) -> Result<(), Error> {
        let now = self.job.clock.now();
        let Some(mailbox) = self.mailbox.as_deref_mut() else {
            core.broken(&[], not_connected(), now);
            return Ok(());
        };
        match mailbox.settle(wait) {
            Ok(fates) => {
                let fates = fates
                    .into_iter()
                    .map(|(ticket, fate)| (ticket.0 as u32, fate))
                    .collect();
                let verdicts = core.settled(fates, self.job.clock.now());
                self.apply(verdicts)
            }
            Err(broken) => {
                self.broken(core, broken);
                Ok(())
            }
        }
    }

    fn broken(&mut self, core: &mut Upload, broken: Broken) {
        self.mailbox = None;
        let in_doubt: Vec<u32> = broken
            .in_doubt
            .iter()
            .map(|ticket| ticket.0 as u32)
            .collect();
        let detail = broken.error.to_string();
        core.broken(&in_doubt, broken.error, self.job.clock.now());
        self.reconnecting(core, detail);
    }

    fn lost(&mut self, core: &mut Upload, error: Error) {
        self.mailbox = None;
        let detail = error.to_string();
        core.not_connected(error, self.job.clock.now());
        self.reconnecting(core, detail);
    }

    fn reconnecting(&self, core: &mut Upload, detail: String) {
        let now = self.job.clock.now();
        if let Action::Connect { at, attempt } = core.next(now) {
            let of = Policy::default().attempts;
            self.say(Event::Reconnecting {
                after: at.saturating_sub(now),
                attempt,
                of,
                detail,
            });
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
