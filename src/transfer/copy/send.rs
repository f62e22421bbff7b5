//! Handing messages over: the intent first, then the bytes, and only if they are still what was planned.

use super::crew::{self, Content, Reading};
use super::{Copying, folder_and_entry};
use crate::error::Error;
use crate::mailbox::{Batch, Body, Examined, Outgoing, Ticket};
use crate::message::Keywords;
use crate::transfer::checked::Checked;
use crate::transfer::journal::{Disk, ItemNo};
use crate::transfer::plan::{Reason, State};
use crate::transfer::upload::{Line, Upload};

impl<D: Disk> Copying<'_, D> {
    /// Has the messages of a window read.
    pub(super) fn read_window(&mut self, tasks: &[u32]) {
        let readings = tasks.iter().filter_map(|task| self.reading(*task));
        let readings: Vec<Reading> = readings.collect();
        self.crew.read(readings);
    }

    fn reading(&self, task: u32) -> Option<Reading> {
        let place = self.places.get(task as usize)?;
        let entry = self.entry(*place)?;
        Some(Reading {
            task,
            source: entry.source,
            item: entry.item.clone(),
            hold: entry.item.size < self.usual.cautious_from,
        })
    }

    /// Writes the intents of a window whose messages were read; what is not what it was at the plan is not sent.
    pub(super) fn intend(
        &mut self,
        core: &mut Upload,
        contents: Vec<(u32, Content)>,
    ) -> Result<(), Error> {
        let mut by_folder: Vec<(u16, Vec<ItemNo>)> = Vec::new();
        let mut ready = Vec::new();
        for (task, content) in contents {
            let Some(hash) = self.hold(core, task, content) else {
                continue;
            };
            let Some(place) = self.places.get(task as usize).copied() else {
                continue;
            };
            let Some((folder, entry)) = folder_and_entry(self.plan, place) else {
                continue;
            };
            let key = self.copies.key(&folder.target, place, entry);
            let number = self.journal.message(key, &entry.item, Some(&hash))?;
            self.numbers.insert(task, number);
            ready.push(task);
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
        self.sync()?;
        core.intended(&ready);
        Ok(())
    }

    /// Keeps what was read until it is sent, or says why it can't be. A message that is not the one any more that was
    /// planned is not sent.
    fn hold(&mut self, core: &mut Upload, task: u32, content: Content) -> Option<[u8; 32]> {
        match content {
            Ok((hash, bytes)) => {
                self.held.insert(task, bytes);
                Some(hash)
            }
            Err((reason, detail)) => {
                let place = self.places.get(task as usize).copied()?;
                core.withdrawn(task);
                self.set(place, State::Damaged(reason));
                self.exception("damaged", reason, place, detail);
                None
            }
        }
    }

    /// Held since its intent was written, unless a connection broke in between.
    fn is_held(&mut self, core: &mut Upload, task: u32) -> bool {
        if self.held.contains_key(&task) {
            return true;
        }
        let Some(reading) = self.reading(task) else {
            return false;
        };
        let content = crew::read(self.job.sources, &reading);
        self.hold(core, task, content).is_some()
    }

    /// Hands a batch over.
    pub(super) fn submit(&mut self, core: &mut Upload, line: Line, tasks: &[u32], cautious: bool) {
        let mut messages = Vec::with_capacity(tasks.len());
        let mut target = None;
        for task in tasks {
            let Some(place) = self.places.get(*task as usize).copied() else {
                continue;
            };
            if !self.is_held(core, *task) {
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
        if let Some(folder) = target
            && !messages.is_empty()
        {
            let batch = Batch {
                folder,
                messages,
                cautious,
            };
            self.plan.reached.last_sent = Some(self.job.clock.now());
            self.crew.submit(line, batch);
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
