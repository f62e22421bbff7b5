//! The upload core: decides what is sent when, and what becomes of every message. A state machine without I/O,
//! threads or a clock of its own: [`Upload::next`] says what to do, and the driver tells what came of it.
//!
//! Every message goes the same way: queued, intended (its intent is on disk), in flight, and then closed
//! by a verdict; or in doubt, when the connection broke after a byte of it was sent. Messages in doubt wait
//! until nothing of them can be under way any more, are looked up on the server, and only then sent again.

mod terms;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::plan::Reason;
use crate::error::{Error, Retry};
use crate::mailbox::{Fate, Refusal, RefusalClass};
pub(crate) use terms::{Action, End, Policy, Task, Verdict};

/// A refusal for want of room to a message of at most this size means that the mailbox is full; a larger one
/// may only be too large for the room that is left.
const SMALL: u64 = 256 * 1024;

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

#[derive(Debug)]
enum Line {
    Down { at: Duration },
    Up,
}

/// The core.
pub(crate) struct Upload {
    policy: Policy,
    slots: Vec<Slot>,
    /// To be intended, in order.
    queue: VecDeque<u32>,
    /// To be sent: their intents are on disk.
    ready: VecDeque<u32>,
    /// The batches in flight, as far as they are not settled.
    flying: Vec<Vec<u32>>,
    /// Folders that the server misses, and those that were created because of it.
    missing: BTreeSet<u16>,
    created: BTreeSet<u16>,
    line: Line,
    /// Connections tried since the last progress.
    attempt: u32,
    /// The server asked for patience until then.
    pause: Duration,
    /// No room for messages of at least this size.
    full_from: u64,
    stopping: Option<Duration>,
    failure: Option<Error>,
}

impl Upload {
    /// A core that is connected already, with messages to send in this order.
    pub fn new(policy: Policy, tasks: Vec<Task>) -> Upload {
        let slot = |task: Task| {
            let phase = task
                .doubt_until
                .map_or(Phase::Queued, |until| Phase::Doubt { until });
            Slot {
                task,
                phase,
                alone: task.doubt_until.is_some(),
                tries: 0,
            }
        };
        let slots: Vec<Slot> = tasks.into_iter().map(slot).collect();
        let queued = (0u32..)
            .zip(&slots)
            .filter(|(_, slot)| slot.phase == Phase::Queued)
            .map(|(id, _)| id);
        Upload {
            queue: queued.collect(),
            policy,
            slots,
            ready: VecDeque::new(),
            flying: Vec::new(),
            missing: BTreeSet::new(),
            created: BTreeSet::new(),
            line: Line::Up,
            attempt: 0,
            pause: Duration::ZERO,
            full_from: u64::MAX,
            stopping: None,
            failure: None,
        }
    }

    /// What to do now.
    pub fn next(&mut self, now: Duration) -> Action {
        if self.failure.is_some() {
            return Action::Finish;
        }
        if let Some(deadline) = self.stopping {
            let flying = matches!(self.line, Line::Up) && !self.flying.is_empty() && now < deadline;
            return if flying {
                Action::Settle(deadline - now)
            } else {
                Action::Finish
            };
        }
        if let Line::Down { at } = self.line {
            let waiting = self.slots.iter().any(|slot| slot.phase != Phase::Closed);
            return if waiting {
                Action::Connect {
                    at,
                    attempt: self.attempt,
                }
            } else {
                Action::Finish
            };
        }
        if let Some(folder) = self.missing.first() {
            return if self.flying.is_empty() {
                Action::Create(*folder)
            } else {
                Action::Settle(WHILE_BUSY)
            };
        }
        if self.flying.len() < self.policy.outstanding && now >= self.pause {
            if let Some(action) = self.submission() {
                return action;
            }
            let window = self.window();
            if !window.is_empty() {
                return Action::Intend(window);
            }
        }
        if !self.flying.is_empty() {
            return Action::Settle(WHILE_BUSY);
        }
        if !self.ready.is_empty() || !self.queue.is_empty() {
            return Action::Wait(self.pause);
        }
        self.doubts(now)
    }

    /// The next batch: messages of one folder, a large or suspect one alone.
    fn submission(&mut self) -> Option<Action> {
        let mut tasks = Vec::new();
        let (mut bytes, mut cautious) = (0, false);
        while let Some(id) = self.ready.front().copied() {
            let slot = self.slots.get(id as usize)?;
            let alone = slot.alone || slot.task.size >= self.policy.cautious_from;
            let fits = tasks.len() < self.policy.batch_messages
                && bytes + slot.task.size <= self.policy.batch_bytes
                && self
                    .folder_of(&tasks)
                    .is_none_or(|folder| folder == slot.task.folder);
            if !tasks.is_empty() && (alone || !fits) {
                break;
            }
            self.ready.pop_front();
            bytes += slot.task.size;
            tasks.push(id);
            if alone {
                cautious = true;
                break;
            }
        }
        if tasks.is_empty() {
            return None;
        }
        for id in &tasks {
            self.set(*id, Phase::InFlight);
        }
        self.flying.push(tasks.clone());
        Some(Action::Submit { tasks, cautious })
    }

    fn folder_of(&self, tasks: &[u32]) -> Option<u16> {
        tasks
            .first()
            .and_then(|id| self.slots.get(*id as usize))
            .map(|slot| slot.task.folder)
    }

    /// The next messages whose intents are to be written.
    fn window(&mut self) -> Vec<u32> {
        let mut window = Vec::new();
        let mut bytes = 0;
        while let Some(slot) = self
            .queue
            .front()
            .and_then(|id| self.slots.get(*id as usize))
        {
            bytes += slot.task.size;
            let full =
                window.len() >= self.policy.window_messages || bytes > self.policy.window_bytes;
            if full && !window.is_empty() {
                break;
            }
            window.extend(self.queue.pop_front());
        }
        window
    }

    /// Messages in doubt come last: by then the quiet time is mostly over.
    fn doubts(&self, now: Duration) -> Action {
        let doubt = |slot: &Slot| match slot.phase {
            Phase::Doubt { until } => Some((until, slot.task.folder)),
            _ => None,
        };
        let Some(latest) = self
            .slots
            .iter()
            .filter_map(doubt)
            .map(|(until, _)| until)
            .max()
        else {
            return Action::Finish;
        };
        if now < latest {
            return Action::Wait(latest);
        }
        let folder = self
            .slots
            .iter()
            .find_map(doubt)
            .map_or(0, |(_, folder)| folder);
        let of_folder = (0u32..)
            .zip(&self.slots)
            .filter(|(_, slot)| doubt(slot).is_some_and(|(_, f)| f == folder));
        Action::Match {
            folder,
            tasks: of_folder.map(|(id, _)| id).collect(),
        }
    }

    /// How many messages are in doubt.
    pub fn in_doubt(&self) -> u64 {
        self.slots
            .iter()
            .filter(|slot| matches!(slot.phase, Phase::Doubt { .. }))
            .count() as u64
    }

    /// A connection is there.
    pub fn connected(&mut self) {
        self.line = Line::Up;
    }

    /// No connection was to be had.
    pub fn not_connected(&mut self, error: Error, now: Duration) {
        self.down(error, now);
    }

    /// The intents of these messages are on disk. What finds no room any more gets its verdict.
    pub fn intended(&mut self, tasks: &[u32]) {
        for id in tasks {
            self.set(*id, Phase::Intended);
            self.ready.push_back(*id);
        }
    }

    /// A message can't be sent after all, and the driver has closed it.
    pub fn withdrawn(&mut self, task: u32) {
        self.close(task);
    }

    /// The fates of messages. Returns the verdicts that follow.
    pub fn settled(&mut self, fates: Vec<(u32, Fate)>, now: Duration) -> Vec<(u32, Verdict)> {
        let mut verdicts = Vec::new();
        let mut again = Vec::new();
        for (id, fate) in fates {
            self.land(id);
            match fate {
                Fate::Stored { uid } => {
                    self.attempt = 0;
                    self.close(id);
                    verdicts.push((id, Verdict::Stored(uid)));
                }
                Fate::Refused(refusal) => {
                    if self.refused(id, refusal, now, &mut verdicts) {
                        again.push(id);
                    }
                }
            }
        }
        again.sort_unstable();
        // Next in line, in their own order: where not all fits, the newest years still go first.
        for id in again.into_iter().rev() {
            if self
                .slots
                .get(id as usize)
                .is_some_and(|slot| slot.phase == Phase::Intended)
            {
                self.ready.push_front(id);
            }
        }
        verdicts
    }

    /// Whether the message is to be tried again.
    fn refused(
        &mut self,
        id: u32,
        refusal: Refusal,
        now: Duration,
        verdicts: &mut Vec<(u32, Verdict)>,
    ) -> bool {
        let Some(slot) = self.slots.get_mut(id as usize) else {
            return false;
        };
        if refusal.shared {
            // The whole batch was refused and nothing of it stored (RFC 3502); one by one each gets its own answer.
            slot.alone = true;
            slot.phase = Phase::Intended;
            return true;
        }
        let (size, folder) = (slot.task.size, slot.task.folder);
        let reason = match refusal.class {
            RefusalClass::OverQuota => {
                self.full_from = self.full_from.min(if size <= SMALL { 0 } else { size });
                self.close(id);
                verdicts.push((id, Verdict::Waiting(Reason::Full)));
                self.close_full(verdicts);
                return false;
            }
            RefusalClass::Later if slot.tries < 5 => {
                slot.tries += 1;
                slot.phase = Phase::Intended;
                self.pause = now + backoff(u32::from(slot.tries));
                return true;
            }
            RefusalClass::NoFolder if !self.created.contains(&folder) => {
                slot.phase = Phase::Intended;
                self.missing.insert(folder);
                return true;
            }
            RefusalClass::Later => {
                self.close(id);
                verdicts.push((id, Verdict::Waiting(Reason::NotTried)));
                return false;
            }
            RefusalClass::TooBig => Reason::TooBig,
            RefusalClass::NotAllowed | RefusalClass::NoFolder => Reason::NotAllowed,
            RefusalClass::Syntax => Reason::Syntax,
            RefusalClass::Other => Reason::ServerSaidNo,
        };
        self.close(id);
        verdicts.push((id, Verdict::Refused(reason, refusal.text)));
        false
    }

    /// Gives up on everything that finds no room and was not sent.
    fn close_full(&mut self, verdicts: &mut Vec<(u32, Verdict)>) {
        let full_from = self.full_from;
        for (id, slot) in (0u32..).zip(&mut self.slots) {
            let unsent = matches!(slot.phase, Phase::Queued | Phase::Intended);
            if unsent && slot.task.size >= full_from {
                slot.phase = Phase::Closed;
                verdicts.push((id, Verdict::Waiting(Reason::Full)));
            }
        }
        self.drop_closed();
    }

    /// The connection is gone. Messages of which a byte was sent are in doubt, the others are not.
    pub fn broken(&mut self, in_doubt: &[u32], error: Error, now: Duration) {
        let until = now + self.policy.quiet;
        for id in in_doubt {
            self.set(*id, Phase::Doubt { until });
            if let Some(slot) = self.slots.get_mut(*id as usize) {
                slot.alone = true;
            }
        }
        let unsent: Vec<u32> = self
            .flying
            .drain(..)
            .flatten()
            .filter(|id| !in_doubt.contains(id))
            .collect();
        for id in unsent.into_iter().rev() {
            self.set(id, Phase::Intended);
            self.ready.push_front(id);
        }
        self.down(error, now);
    }

    fn down(&mut self, error: Error, now: Duration) {
        self.attempt += 1;
        self.line = Line::Down {
            at: now + backoff(self.attempt),
        };
        if error.retry() != Retry::Soon || self.attempt > self.policy.attempts {
            self.failure = Some(error);
        }
    }

    /// What the server has of messages in doubt, by UID. The others are sent again, unless they were tried often enough.
    pub fn matched(&mut self, asked: &[u32], found: &[(u32, u32)]) -> Vec<(u32, Verdict)> {
        let mut verdicts = Vec::new();
        for id in asked {
            let Some(slot) = self.slots.get_mut(*id as usize) else {
                continue;
            };
            slot.tries += 1;
            if let Some((_, uid)) = found.iter().find(|(task, _)| task == id) {
                slot.phase = Phase::Closed;
                verdicts.push((*id, Verdict::Found(*uid)));
            } else if slot.tries > 3 {
                slot.phase = Phase::Closed;
                verdicts.push((*id, Verdict::Waiting(Reason::InDoubt)));
            } else {
                slot.phase = Phase::Queued;
                self.queue.push_back(*id);
            }
        }
        if !found.is_empty() {
            self.attempt = 0;
        }
        verdicts
    }

    /// The folder is there now.
    pub fn folder_ready(&mut self, folder: u16) {
        self.missing.remove(&folder);
        self.created.insert(folder);
    }

    /// The folder is not to be had; this is the verdict on its messages that were not sent. One in doubt stays so.
    pub fn folder_closed(&mut self, folder: u16, verdict: &Verdict) -> Vec<(u32, Verdict)> {
        self.missing.remove(&folder);
        let mut verdicts = Vec::new();
        for (id, slot) in (0u32..).zip(&mut self.slots) {
            let unsent = matches!(slot.phase, Phase::Queued | Phase::Intended);
            if unsent && slot.task.folder == folder {
                slot.phase = Phase::Closed;
                verdicts.push((id, verdict.clone()));
            }
        }
        self.drop_closed();
        verdicts
    }

    /// The person wants to stop: nothing more is sent, and what is in flight has a moment to settle.
    pub fn stop(&mut self, now: Duration) {
        self.stopping.get_or_insert(now + self.policy.grace);
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
            _ if self.stopping.is_some() => End::Stopped,
            Some(error) => End::Failed(error),
            None => End::Done,
        };
        (end, rest)
    }

    fn set(&mut self, id: u32, phase: Phase) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.phase = phase;
        }
    }

    fn close(&mut self, id: u32) {
        self.set(id, Phase::Closed);
        self.land(id);
    }

    fn land(&mut self, id: u32) {
        for batch in &mut self.flying {
            batch.retain(|other| *other != id);
        }
        self.flying.retain(|batch| !batch.is_empty());
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

/// How long to wait for answers while there is more to do.
const WHILE_BUSY: Duration = Duration::from_secs(1);

/// 1, 2, 4 ... 60 seconds.
pub(crate) fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.clamp(1, 7).saturating_sub(1)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests;
