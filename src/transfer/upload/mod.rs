//! The upload core: decides what is sent when and over which connection, and what becomes of every message. A state
//! machine without I/O, threads or a clock of its own: [`Upload::next`] says what to do, and the driver tells what came of it.
//!
//! Every message goes the same way: queued, intended (its intent is on disk), in flight, and then closed
//! by a verdict; or in doubt, when its connection broke after a byte of it was sent. Messages in doubt wait
//! until nothing of them can be under way any more, are looked up on the server, and only then sent again.

mod doubts;
mod fates;
mod lines;
mod pace;
mod patience;
mod sending;
mod terms;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::plan::Reason;
use crate::error::{Error, Retry};
use lines::Lines;
use pace::Pace;
pub(crate) use terms::{Action, End, Line, Policy, Task, Verdict};

/// How long to wait for something to come in before looking again.
const WHILE_BUSY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Queued,
    Intended,
    InFlight,
    Doubt { until: Duration },
    Closed,
}

#[derive(Debug)]
struct Slot {
    task: Task,
    phase: Phase,
    /// Goes alone and with a synchronising literal: it was in doubt, or its batch was refused.
    alone: bool,
    tries: u8,
}

/// The core.
pub(crate) struct Upload {
    policy: Policy,
    pace: Pace,
    slots: Vec<Slot>,
    /// Messages without a verdict.
    open: usize,
    /// To be intended, in order.
    queue: VecDeque<u32>,
    /// Bytes of these.
    queued_bytes: u64,
    /// Messages that the driver is reading, and whose intents it writes.
    intending: usize,
    /// To be sent: their intents are on disk.
    ready: VecDeque<u32>,
    lines: Lines,
    /// Messages in doubt, and whether the driver is looking for some of them.
    doubtful: BTreeSet<u32>,
    looking: bool,
    /// Folders that the server misses, and those that were created because of it.
    missing: BTreeSet<u16>,
    creating: bool,
    created: BTreeSet<u16>,
    /// Connections tried since the last progress.
    attempt: u32,
    /// The server asked for patience until then.
    pause: Duration,
    /// No room for messages of at least this size.
    full_from: u64,
    /// The largest message that the server took.
    proven: u64,
    /// Until when what is in flight may settle; after that it is over.
    ending: Option<Duration>,
    stopped: bool,
    failure: Option<Error>,
}

impl Upload {
    /// A core whose first connection is there already, with messages to send in this order.
    pub fn new(policy: Policy, tasks: Vec<Task>) -> Upload {
        let slot = |task: Task| Slot {
            task,
            phase: task
                .doubt_until
                .map_or(Phase::Queued, |until| Phase::Doubt { until }),
            alone: task.doubt_until.is_some(),
            tries: 0,
        };
        let slots: Vec<Slot> = tasks.into_iter().map(slot).collect();
        let numbered = || (0u32..).zip(&slots);
        let queue: VecDeque<u32> = numbered()
            .filter(|(_, slot)| slot.phase == Phase::Queued)
            .map(|(id, _)| id)
            .collect();
        let doubtful = numbered()
            .filter(|(_, slot)| slot.alone)
            .map(|(id, _)| id)
            .collect();
        let queued = numbered().filter(|(_, slot)| slot.phase == Phase::Queued);
        Upload {
            pace: Pace::new(&policy, queue.len()),
            queued_bytes: queued.map(|(_, slot)| slot.task.size).sum(),
            open: slots.len(),
            lines: Lines::new(policy.most_lines),
            queue,
            doubtful,
            policy,
            slots,
            intending: 0,
            ready: VecDeque::new(),
            looking: false,
            missing: BTreeSet::new(),
            creating: false,
            created: BTreeSet::new(),
            attempt: 0,
            pause: Duration::ZERO,
            full_from: u64::MAX,
            proven: 0,
            ending: None,
            stopped: false,
            failure: None,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Duration) -> Action {
        let flying = self.lines.flying();
        if let Some(deadline) = self.ending {
            return if flying > 0 && now < deadline {
                Action::Wait(deadline.min(now + WHILE_BUSY))
            } else {
                Action::Finish
            };
        }
        if self.open == 0 {
            return Action::Finish;
        }
        if let Some(action) = self.connection(now) {
            return action;
        }
        let soon = Action::Wait(now + WHILE_BUSY);
        if self.lines.up() == 0 {
            return Action::Wait(self.lines.due().unwrap_or(now + WHILE_BUSY));
        }
        if self.creating || self.looking {
            return soon;
        }
        if let Some(folder) = self.missing.first().copied() {
            return match self.lines.idle().filter(|_| flying == 0) {
                Some(line) => {
                    self.creating = true;
                    Action::Create { line, folder }
                }
                None => soon,
            };
        }
        if now >= self.pause
            && let Some(line) = self.lines.with_room(self.policy.outstanding)
            && let Some(action) = self.submission(line, now)
        {
            return action;
        }
        if self.intending == 0 && self.ready.len() < self.wanted_ahead() {
            let window = self.window();
            if !window.is_empty() {
                self.intending = window.len();
                return Action::Intend(window);
            }
        }
        if flying > 0 || self.intending > 0 {
            return soon;
        }
        if !self.ready.is_empty() || !self.queue.is_empty() {
            return Action::Wait(self.pause);
        }
        self.doubts(now)
    }

    /// One connection at least, and as many more as pay.
    fn connection(&mut self, now: Duration) -> Option<Action> {
        if self.lines.up() == 0 {
            let line = self.lines.next_to_open(now)?;
            return Some(Action::Connect {
                line,
                attempt: self.attempt,
            });
        }
        let work = !self.queue.is_empty() || !self.ready.is_empty() || self.intending > 0;
        if work && self.lines.up_or_opening() < self.pace.lines() {
            let line = self.lines.next_to_open(now)?;
            return Some(Action::Connect { line, attempt: 0 });
        }
        if self.lines.up() > self.pace.lines().max(1) {
            return self.lines.give_back().map(Action::Close);
        }
        None
    }

    /// Whether no connection is there or being opened.
    pub fn is_down(&self) -> Option<(Duration, u32)> {
        let over = self.ending.is_some() || self.lines.up_or_opening() > 0;
        self.lines
            .due()
            .filter(|_| !over)
            .map(|at| (at, self.attempt))
    }

    /// A connection is there.
    pub fn connected(&mut self, line: Line) {
        self.lines.connected(line);
    }

    /// No connection was to be had. A server that has others of ours gets no more of them.
    pub fn not_connected(&mut self, line: Line, error: Error, now: Duration) {
        if matches!(error, Error::NotSecure { .. }) {
            // Someone may stand between us and the server: that is never passed over, whatever else works.
            self.lines.switch_off(line);
            self.fail(error, now);
            return;
        }
        if self.lines.others(line) > 0 {
            self.pace.at_most(self.lines.up_or_opening() - 1);
        }
        self.down(line, error, now);
    }

    /// Connections over which something is under way.
    pub fn busy(&self) -> Vec<Line> {
        self.lines.busy()
    }

    /// Of the messages that were read, the intents of these are on disk; those withdrawn are closed already.
    pub fn intended(&mut self, tasks: &[u32]) {
        self.intending = 0;
        for id in tasks {
            // One that found no room meanwhile has its verdict.
            if self.phase(*id) == Some(Phase::Queued) {
                self.set(*id, Phase::Intended);
                self.ready.push_back(*id);
            }
        }
    }

    /// A message can't be sent after all, and the driver has closed it.
    pub fn withdrawn(&mut self, task: u32) {
        self.close(task);
        self.lines.land(task);
    }

    /// A connection is gone. Messages of which a byte was sent are in doubt, the others on it are not.
    pub fn broken(&mut self, line: Line, in_doubt: &[u32], error: Error, now: Duration) {
        let until = now + self.policy.quiet;
        let flying = self.lines.crash(line);
        self.pace.slipped();
        for id in in_doubt {
            if let Some(slot) = self.slots.get_mut(*id as usize)
                && slot.phase == Phase::InFlight
            {
                slot.phase = Phase::Doubt { until };
                slot.alone = true;
                self.doubtful.insert(*id);
            }
        }
        for id in flying.into_iter().rev() {
            if self.phase(id) == Some(Phase::InFlight) {
                self.set(id, Phase::Intended);
                self.ready.push_front(id);
            }
        }
        self.down(line, error, now);
    }

    fn down(&mut self, line: Line, error: Error, now: Duration) {
        self.looking = false;
        self.creating = false;
        if self.lines.others(line) > 0 {
            // The work goes on over the others.
            self.lines.switch_off(line);
            return;
        }
        self.attempt += 1;
        self.lines.down(line, now + backoff(self.attempt));
        if error.retry() != Retry::Soon || self.attempt > self.policy.attempts {
            self.fail(error, now);
        }
    }

    /// It can't go on; what is in flight has a moment to settle.
    pub fn fail(&mut self, error: Error, now: Duration) {
        self.failure.get_or_insert(error);
        self.ending.get_or_insert(now + self.policy.grace);
    }

    /// The folder is there now.
    pub fn folder_ready(&mut self, folder: u16) {
        self.creating = false;
        self.missing.remove(&folder);
        self.created.insert(folder);
    }

    /// The folder is not to be had; this is the verdict on its messages that were not sent. One in doubt stays so.
    pub fn folder_closed(&mut self, folder: u16, verdict: &Verdict) -> Vec<(u32, Verdict)> {
        self.creating = false;
        self.missing.remove(&folder);
        let mut verdicts = Vec::new();
        for (id, slot) in (0u32..).zip(&mut self.slots) {
            let unsent = matches!(slot.phase, Phase::Queued | Phase::Intended);
            if unsent && slot.task.folder == folder {
                slot.phase = Phase::Closed;
                self.open -= 1;
                verdicts.push((id, verdict.clone()));
            }
        }
        self.drop_closed();
        verdicts
    }

    /// The person wants to stop: nothing more is sent, and what is in flight has a moment to settle.
    pub fn stop(&mut self, now: Duration) {
        self.stopped = true;
        self.ending.get_or_insert(now + self.policy.grace);
    }

    /// How it ended, and the verdicts of all that have none yet.
    pub fn finish(self) -> (End, Vec<(u32, Verdict)>) {
        let verdict = |(id, slot): (u32, &Slot)| match slot.phase {
            Phase::Closed => None,
            Phase::Doubt { .. } | Phase::InFlight => Some((id, Verdict::Waiting(Reason::InDoubt))),
            Phase::Queued | Phase::Intended => Some((id, Verdict::Waiting(Reason::NotTried))),
        };
        let rest = (0u32..).zip(&self.slots).filter_map(verdict).collect();
        let end = match self.failure {
            _ if self.stopped => End::Stopped,
            Some(error) => End::Failed(error),
            None => End::Done,
        };
        (end, rest)
    }

    fn size_of(&self, id: u32) -> u64 {
        self.slots.get(id as usize).map_or(0, |slot| slot.task.size)
    }

    fn phase(&self, id: u32) -> Option<Phase> {
        self.slots.get(id as usize).map(|slot| slot.phase)
    }

    fn set(&mut self, id: u32, phase: Phase) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.phase = phase;
        }
    }

    fn close(&mut self, id: u32) {
        if self.phase(id).is_some_and(|phase| phase != Phase::Closed) {
            self.set(id, Phase::Closed);
            self.open -= 1;
        }
    }

    fn drop_closed(&mut self) {
        let slots = &self.slots;
        let open = |id: &u32| {
            slots
                .get(*id as usize)
                .is_some_and(|slot| slot.phase != Phase::Closed)
        };
        self.queue.retain(open);
        self.ready.retain(open);
    }
}

/// 1, 2, 4 ... 60 seconds.
pub(crate) fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.clamp(1, 7).saturating_sub(1)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests;
