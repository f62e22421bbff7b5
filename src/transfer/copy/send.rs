//! Handing messages over: the intent first, then the bytes, and only if they are still what was planned.

use std::io::Read;

use super::{Copying, folder_and_entry};
use crate::error::Error;
use crate::identity::{Fingerprint, Fingerprinter};
use crate::mailbox::{Batch, Body, Examined, Outgoing, Ticket};
use crate::message::Keywords;
use crate::transfer::checked::Checked;
use crate::transfer::journal::{Disk, ItemNo};
use crate::transfer::plan::order::Place;
use crate::transfer::plan::{Reason, State};
use crate::transfer::upload::{Policy, Upload};

impl<D: Disk> Copying<'_, D> {
    /// Writes the intents of a window, and reads its messages on the way: what is not what it was at the
    /// plan is not sent.
    pub(super) fn intend(&mut self, core: &mut Upload, tasks: &[u32]) -> Result<(), Error> {
        let mut by_folder: Vec<(u16, Vec<ItemNo>)> = Vec::new();
        let mut ready = Vec::new();
        for task in tasks {
            let Some(place) = self.places.get(*task as usize).copied() else {
                continue;
            };
            let Some(print) = self.read(core, *task, place) else {
                continue;
            };
            let Some((folder, entry)) = folder_and_entry(self.plan, place) else {
                continue;
            };
            let key = self.copies.key(&folder.target, place, entry);
            let number = self.journal.message(key, &entry.item, Some(&print))?;
            self.numbers.insert(*task, number);
            ready.push(*task);
            match by_folder.last_mut() {
                Some((last, numbers)) if *last == place.folder => numbers.push(number),
                _ => by_folder.push((place.folder, vec![number])),
            }
        }
        for (folder, numbers) in by_folder {
            let examined = self.folders.get(&folder).cloned().unwrap_or_default();
            self.journal.intent(
                &numbers,
                examined.uid_validity,
                examined.uid_next,
                self.job.clock.wall(),
            )?;
        }
        self.journal.sync()?;
        core.intended(&ready);
        Ok(())
    }

    /// Reads a message to the end and checks that it is still the one that was planned. A small one is held.
    pub(super) fn read(
        &mut self,
        core: &mut Upload,
        task: u32,
        place: Place,
    ) -> Option<Fingerprint> {
        let (_, entry) = folder_and_entry(self.plan, place)?;
        let item = entry.item.clone();
        let source = self.job.sources.get(entry.source as usize)?;
        let small = item.size < Policy::default().cautious_from;
        let mut bytes = Vec::with_capacity(if small { item.size as usize } else { 0 });
        let mut fingerprinter = Fingerprinter::new();
        let read = source.open(&item).and_then(|mut reader| {
            if small {
                // One byte more would show that it grew.
                (&mut reader).take(item.size + 1).read_to_end(&mut bytes)?;
                fingerprinter.update(&bytes);
            } else {
                std::io::copy(&mut reader, &mut fingerprinter)?;
            }
            Ok(())
        });
        let print = fingerprinter.finish();
        let trouble = match read {
            Err(error) => Some((Reason::Unreadable, error.to_string())),
            Ok(()) if print.identity.bytes != item.identity.bytes => Some((
                Reason::Changed,
                "it is not the message any more that was found at first".to_string(),
            )),
            Ok(()) => None,
        };
        if let Some((reason, detail)) = trouble {
            core.withdrawn(task);
            self.set(place, State::Damaged(reason));
            self.exception("damaged", reason, place, detail);
            return None;
        }
        self.held.insert(task, small.then_some(bytes));
        Some(print)
    }

    pub(super) fn submit(&mut self, core: &mut Upload, tasks: &[u32], cautious: bool) {
        let mut messages = Vec::with_capacity(tasks.len());
        let mut target = None;
        for task in tasks {
            let Some(place) = self.places.get(*task as usize).copied() else {
                continue;
            };
            // Held since its intent was written, unless a connection broke in between.
            if !self.held.contains_key(task) && self.read(core, *task, place).is_none() {
                continue;
            }
            let Some((folder, entry)) = folder_and_entry(self.plan, place) else {
                continue;
            };
            let examined = self.folders.get(&place.folder).cloned().unwrap_or_default();
            let keywords = kept_keywords(&examined, &entry.item.keywords);
            let lost: Vec<String> = entry
                .item
                .keywords
                .iter()
                .filter(|tag| !examined.keeps(tag.atom()))
                .map(|tag| tag.name().into())
                .collect();
            let item = entry.item.clone();
            let source = entry.source;
            target = Some(folder.target.clone());
            let body = match self.held.remove(task) {
                Some(Some(bytes)) => Body::Held(bytes),
                _ => match self
                    .job
                    .sources
                    .get(source as usize)
                    .map(|source| source.open(&item))
                {
                    Some(Ok(reader)) => Body::Streamed(Box::new(Checked::new(reader, &item))),
                    _ => {
                        core.withdrawn(*task);
                        self.set(place, State::Damaged(Reason::Unreadable));
                        self.exception(
                            "damaged",
                            Reason::Unreadable,
                            place,
                            "it can't be opened any more".into(),
                        );
                        continue;
                    }
                },
            };
            for tag in lost {
                *self.plan.reached.tags_lost.entry(tag).or_default() += 1;
            }
            messages.push(Outgoing {
                ticket: Ticket(u64::from(*task)),
                flags: item.flags.intersection(examined.permanent),
                keywords,
                date: item.date,
                size: item.size,
                body,
            });
        }
        if let (Some(folder), Some(mailbox)) = (target, self.mailbox.as_deref_mut())
            && !messages.is_empty()
        {
            mailbox.submit(Batch {
                folder,
                messages,
                cautious,
            });
        }
    }
}

fn kept_keywords(examined: &Examined, keywords: &Keywords) -> Keywords {
    if examined.any_keyword || keywords.is_empty() {
        return keywords.clone();
    }
    Keywords::new(
        keywords
            .iter()
            .filter(|tag| examined.keeps(tag.atom()))
            .cloned()
            .collect(),
    )
}
