//! What the server said about messages, and what follows from it.

use std::time::Duration;

use super::terms::{Line, Verdict};
use super::{Phase, Upload, backoff, patience};
use crate::mailbox::{Fate, Refusal, RefusalClass};
use crate::transfer::plan::Reason;

/// A refusal for want of room to a message of at most this size means that the mailbox is full; a larger one
/// may only be too large for the room that is left.
const SMALL: u64 = 256 * 1024;

impl Upload {
    /// The fates of messages. Returns the verdicts that follow.
    pub fn settled(
        &mut self,
        line: Line,
        fates: Vec<(u32, Fate)>,
        now: Duration,
    ) -> Vec<(u32, Verdict)> {
        let mut verdicts = Vec::new();
        let mut again = Vec::new();
        for (id, fate) in fates {
            if let Some(flight) = self.lines.land(id) {
                let took = self.lines.took(line, flight.since, now);
                let left = (
                    self.queue.len() + self.ready.len() + self.intending,
                    self.queued_bytes,
                );
                let up = self.lines.up();
                self.pace
                    .settled(flight.messages, flight.bytes, took, now, left, up);
            }
            match fate {
                Fate::Stored { uid } => {
                    self.attempt = 0;
                    self.proven = self.proven.max(self.size_of(id));
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
            if self.phase(id) == Some(Phase::Intended) {
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
                let asked = patience::asked_for(&refusal.text).unwrap_or_default();
                self.pause = now + backoff(u32::from(slot.tries)).max(asked);
                self.pace.ease();
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
    pub(super) fn close_full(&mut self, verdicts: &mut Vec<(u32, Verdict)>) {
        let full_from = self.full_from;
        for (id, slot) in (0u32..).zip(&mut self.slots) {
            let unsent = matches!(slot.phase, Phase::Queued | Phase::Intended);
            if unsent && slot.task.size >= full_from {
                slot.phase = Phase::Closed;
                self.open -= 1;
                verdicts.push((id, Verdict::Waiting(Reason::Full)));
            }
        }
        self.drop_closed();
    }
}
