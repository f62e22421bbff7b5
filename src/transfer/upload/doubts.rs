//! Messages in doubt: looked up on the server once nothing of them can be under way any more.

use std::time::Duration;

use super::terms::{Action, Verdict};
use super::{Phase, Upload, WHILE_BUSY};
use crate::transfer::plan::Reason;

impl Upload {
    /// Messages in doubt come last: by then the quiet time is mostly over.
    pub(super) fn doubts(&mut self, now: Duration) -> Action {
        let doubt = |id: &u32| {
            let slot = self.slots.get(*id as usize)?;
            match slot.phase {
                Phase::Doubt { until } => Some((until, slot.task.folder)),
                _ => None,
            }
        };
        let latest = self
            .doubtful
            .iter()
            .filter_map(doubt)
            .map(|(until, _)| until)
            .max();
        let (Some(latest), Some(line)) = (latest, self.lines.idle()) else {
            return Action::Wait(now + WHILE_BUSY);
        };
        if now < latest {
            return Action::Wait(latest);
        }
        let folder = self
            .doubtful
            .iter()
            .find_map(doubt)
            .map_or(0, |(_, folder)| folder);
        let of_folder = |id: &&u32| doubt(id).is_some_and(|(_, of)| of == folder);
        let tasks = self.doubtful.iter().filter(of_folder).copied().collect();
        self.looking = true;
        Action::Match {
            line,
            folder,
            tasks,
        }
    }

    /// How many messages are in doubt.
    pub fn in_doubt(&self) -> u64 {
        self.doubtful.len() as u64
    }

    /// What the server has of messages in doubt, by UID. The others are sent again, unless they were tried often enough.
    pub fn matched(&mut self, asked: &[u32], found: &[(u32, u32)]) -> Vec<(u32, Verdict)> {
        self.looking = false;
        let mut verdicts = Vec::new();
        for id in asked {
            let Some(slot) = self.slots.get_mut(*id as usize) else {
                continue;
            };
            slot.tries += 1;
            let tried = slot.tries;
            let size = slot.task.size;
            self.doubtful.remove(id);
            if let Some((_, uid)) = found.iter().find(|(task, _)| task == id) {
                self.close(*id);
                verdicts.push((*id, Verdict::Found(*uid)));
            } else if tried > 3 {
                self.close(*id);
                verdicts.push((*id, Verdict::Waiting(Reason::InDoubt)));
            } else {
                self.set(*id, Phase::Queued);
                self.queue.push_back(*id);
                self.queued_bytes += size;
            }
        }
        if !found.is_empty() {
            self.attempt = 0;
        }
        verdicts
    }
}
