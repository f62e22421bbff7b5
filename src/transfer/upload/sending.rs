//! What is sent next: windows whose intents are written together, and batches that go with one command.

use std::time::Duration;

use super::terms::{Action, Line};
use super::{Phase, Upload};

impl Upload {
    /// Messages that should lie ready, so that no connection waits for the disk.
    pub(super) fn wanted_ahead(&self) -> usize {
        self.policy
            .window_messages
            .min(2 * self.pace.batch() * self.pace.lines())
            .max(self.policy.outstanding)
    }

    /// The next batch: messages of one folder, a large or suspect one alone.
    pub(super) fn submission(&mut self, line: Line, now: Duration) -> Option<Action> {
        let mut tasks = Vec::new();
        let (mut bytes, mut cautious) = (0, false);
        let most = self.fair_share();
        while let Some(id) = self.ready.front().copied() {
            let slot = self.slots.get(id as usize)?;
            let alone = slot.alone || slot.task.size >= self.policy.cautious_from;
            let fits = tasks.len() < most
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
                // A size that the server took once needs no asking again: asking costs a way to the server and back.
                cautious = slot.alone || slot.task.size > self.proven;
                break;
            }
        }
        if tasks.is_empty() {
            return None;
        }
        for id in &tasks {
            self.set(*id, Phase::InFlight);
        }
        self.lines.submitted(line, tasks.clone(), bytes, now);
        Some(Action::Submit {
            line,
            tasks,
            cautious,
        })
    }

    /// As large a batch as the pace allows, and towards the end no more than leaves something for every connection.
    fn fair_share(&self) -> usize {
        let left = self.ready.len() + self.queue.len() + self.intending;
        let batch = self.pace.batch();
        match self.pace.lines() {
            1 => batch,
            lines => left
                .div_ceil(2 * lines)
                .max(self.policy.first_batch / 2)
                .clamp(1, batch.max(1)),
        }
    }

    fn folder_of(&self, tasks: &[u32]) -> Option<u16> {
        tasks
            .first()
            .and_then(|id| self.slots.get(*id as usize))
            .map(|slot| slot.task.folder)
    }

    /// The next messages whose intents are to be written.
    pub(super) fn window(&mut self) -> Vec<u32> {
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
            self.queued_bytes = self.queued_bytes.saturating_sub(slot.task.size);
            window.extend(self.queue.pop_front());
        }
        window
    }
}
