//! What became of a message: into the plan, the journal and the ears of whoever watches.

use super::{Copying, folder_and_entry, not_connected};
use crate::error::Error;
use crate::event::Event;
use crate::transfer::journal::{Disk, ItemNo};
use crate::transfer::plan::order::Place;
use crate::transfer::plan::{FlagChange, Reason, State};
use crate::transfer::report::Exception;
use crate::transfer::upload::Verdict;

impl<D: Disk> Copying<'_, D> {
    /// Adds flags and tags to messages that were there already. A folder that refuses them costs no other folder
    /// its own, and no mail anything.
    pub(super) fn add_flags(&mut self) -> Result<(), Error> {
        for at in 0..self.plan.folders.len() {
            if self
                .plan
                .folders
                .get(at)
                .is_none_or(|folder| folder.flag_changes.is_empty())
            {
                continue;
            }
            self.job.stop.check()?;
            match self.again(|copying| copying.add_flags_in(at)) {
                Err(Error::ServerTrouble { detail, .. }) => self.flags_refused(at, &detail),
                settled => settled?,
            }
        }
        Ok(())
    }

    fn flags_refused(&mut self, at: usize, detail: &str) {
        let Some(folder) = self.plan.folders.get_mut(at) else {
            return;
        };
        self.plan.reached.flags_refused += std::mem::take(&mut folder.flag_changes).len() as u64;
        let name = folder.target.display();
        let text =
            format!("The server does not let the marks of messages in {name} be changed: {detail}");
        self.say(Event::Notice { text });
    }

    /// What was added is no change any more, so this can be done again after the connection broke.
    fn add_flags_in(&mut self, at: usize) -> Result<(), Error> {
        let (Some(mailbox), Some(folder)) =
            (self.mailbox.as_deref_mut(), self.plan.folders.get_mut(at))
        else {
            return Err(not_connected());
        };
        let alike = |a: &FlagChange, b: &FlagChange| a.flags == b.flags && a.keywords == b.keywords;
        // The plan sorted equal changes together.
        while let Some(group) = folder.flag_changes.chunk_by(alike).next() {
            let Some(first) = group.first() else { break };
            let uids: Vec<u32> = group.iter().map(|change| change.uid).collect();
            mailbox.add_flags(&folder.target, &uids, first.flags, &first.keywords)?;
            self.plan.reached.flags_added += uids.len() as u64;
            folder.flag_changes.drain(..uids.len());
        }
        Ok(())
    }

    /// Even if the journal can't be written any more, every verdict reaches the plan.
    pub(super) fn apply(&mut self, verdicts: Vec<(u32, Verdict)>) -> Result<(), Error> {
        let mut result = Ok(());
        for (task, verdict) in verdicts {
            let Some(place) = self.places.get(task as usize).copied() else {
                continue;
            };
            let number = self.numbers.remove(&task);
            self.held.remove(&task);
            let written = match verdict {
                Verdict::Stored(told) => {
                    let validity = self
                        .folders
                        .get(&place.folder)
                        .map(|examined| examined.uid_validity);
                    let uid = told
                        .filter(|(told, _)| Some(*told) == validity)
                        .map(|(_, uid)| uid);
                    self.plan.reached.last_sent = Some(self.job.clock.now());
                    let written = self.copied(place, number, uid);
                    self.perhaps_learn(place, uid);
                    written
                }
                Verdict::Found(uid) => self.copied(place, number, Some(uid)),
                Verdict::Refused(reason, text) => self.refused(place, number, reason, text),
                Verdict::Waiting(reason) => {
                    self.set(place, State::Waiting(reason));
                    match number {
                        // No byte of it was sent: it is not in doubt at the next run.
                        Some(number) if reason != Reason::InDoubt => {
                            self.journal.refused(number, class(reason), "")
                        }
                        _ => Ok(()),
                    }
                }
            };
            result = result.and(written);
        }
        result
    }

    fn refused(
        &mut self,
        place: Place,
        number: Option<ItemNo>,
        reason: Reason,
        text: String,
    ) -> Result<(), Error> {
        self.set(place, State::Refused(reason));
        let written = match number {
            Some(number) => self.journal.refused(number, class(reason), &text),
            None => Ok(()),
        };
        let folder = self.folder_name(place);
        self.say(Event::Refused {
            folder,
            detail: text.clone(),
        });
        self.exception("refused", reason, place, text);
        written
    }

    pub(super) fn copied(
        &mut self,
        place: Place,
        number: Option<ItemNo>,
        uid: Option<u32>,
    ) -> Result<(), Error> {
        self.set(place, State::Copied(uid));
        self.done += 1;
        let written = self.receipt(place, number, uid);
        let bytes = self.entry(place).map_or(0, |entry| entry.item.size);
        let folder = self.folder_name(place);
        self.say(Event::Copied {
            folder,
            uid,
            bytes,
            done: self.done,
            total: self.total,
        });
        written
    }

    /// A message that an earlier run left in doubt has its number from there.
    fn receipt(
        &mut self,
        place: Place,
        number: Option<ItemNo>,
        uid: Option<u32>,
    ) -> Result<(), Error> {
        let number = match (number, folder_and_entry(self.plan, place)) {
            (Some(number), _) => number,
            (None, Some((folder, entry))) => {
                let key = self.copies.key(&folder.target, place, entry);
                self.journal.message(key, &entry.item, None)?
            }
            (None, None) => return Ok(()),
        };
        self.journal.done(number, uid)
    }

    /// Nothing could be sent at all.
    pub(super) fn give_up(&mut self) {
        for place in self.places.clone() {
            if self
                .entry(place)
                .is_some_and(|entry| entry.state == State::ToCopy)
            {
                self.set(place, State::Waiting(Reason::NotTried));
            }
        }
    }

    pub(super) fn exception(
        &mut self,
        outcome: &'static str,
        reason: Reason,
        place: Place,
        detail: String,
    ) {
        let folder = self.folder_name(place);
        if let Some(entry) = self.entry(place) {
            let exception = Exception::new(
                outcome,
                reason,
                folder,
                &entry.item.origin,
                entry.item.size,
                detail,
            );
            self.plan.reached.exceptions.push(exception);
        }
    }
}

fn class(reason: Reason) -> &'static str {
    match reason {
        Reason::TooBig => "toobig",
        Reason::NotAllowed => "notallowed",
        Reason::Syntax => "syntax",
        Reason::Full => "overquota",
        Reason::NotTried => "unsent",
        _ => "other",
    }
}
