//! Messages in doubt: looked for on the server once the folder has stopped changing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{Copying, not_connected, wanted_in};
use crate::error::Error;
use crate::mailbox::MailboxName;
use crate::message::Digest;
use crate::transfer::journal::Disk;
use crate::transfer::reconcile::{self, Match, Wanted};
use crate::transfer::upload::{Line, Upload};

/// Between two looks at a folder that must agree before messages in doubt are given up as not arrived.
const STEADY: Duration = Duration::from_secs(5);

impl<D: Disk> Copying<'_, D> {
    /// Looks for messages in doubt, once the folder has stopped changing.
    pub(super) fn look_up(
        &mut self,
        core: &mut Upload,
        line: Line,
        at: u16,
        tasks: &[u32],
    ) -> Result<(), Error> {
        match self.find_in_doubt(at, tasks) {
            Ok(found) => {
                let verdicts = core.matched(tasks, &found);
                self.apply(verdicts)
            }
            Err(Error::Stopped) => {
                core.stop(self.job.clock.now());
                Ok(())
            }
            Err(error) => {
                self.lost(core, line, error);
                Ok(())
            }
        }
    }

    pub(super) fn find_in_doubt(
        &mut self,
        at: u16,
        tasks: &[u32],
    ) -> Result<Vec<(u32, u32)>, Error> {
        let Some(target) = self
            .plan
            .folders
            .get(at as usize)
            .map(|folder| folder.target.clone())
        else {
            return Ok(Vec::new());
        };
        self.wait_until_steady(&target)?;
        let looking = self.looking();
        let (Some(mailbox), Some(folder)) = (
            self.mailbox.as_deref_mut(),
            self.plan.folders.get(at as usize),
        ) else {
            return Err(not_connected());
        };
        let Some(index) = reconcile::index(mailbox, &target, 1)? else {
            return Ok(Vec::new());
        };
        // Copies that answer for other messages are claimed first: with --keep-duplicates there may be several alike,
        // and of two versions with the same header fields one may be there.
        let entry_of = |task: &u32| self.places.get(*task as usize).map(|place| place.entry);
        let doubtful: HashSet<u32> = tasks.iter().filter_map(entry_of).collect();
        let summaries: HashSet<Digest> = doubtful
            .iter()
            .filter_map(|entry| folder.entries.get(*entry as usize))
            .map(|entry| entry.item.identity.summary)
            .collect();
        let mut wanted = wanted_in(folder, |e| {
            e.state.is_there() && summaries.contains(&e.item.identity.summary)
        });
        wanted.extend(
            (0u32..)
                .zip(&folder.entries)
                .filter(|(n, _)| doubtful.contains(n))
                .map(|(n, e)| Wanted::new(n, &e.item)),
        );
        let found: HashMap<u32, u32> = reconcile::matches(mailbox, &index, &wanted, looking)?
            .into_iter()
            .map(|Match { key, uid, .. }| (key, uid))
            .collect();
        mailbox.leave()?;
        Ok(tasks
            .iter()
            .filter_map(|task| Some((*task, *found.get(&entry_of(task)?)?)))
            .collect())
    }

    pub(super) fn wait_until_steady(&mut self, target: &MailboxName) -> Result<(), Error> {
        if !self.guards.quiet {
            return Ok(());
        }
        let gap = STEADY.min(self.job.quiet);
        let mut last = None;
        loop {
            self.job.stop.check()?;
            let Some(mailbox) = self.mailbox.as_deref_mut() else {
                return Err(not_connected());
            };
            let now = mailbox
                .examine(target)?
                .map(|examined| (examined.exists, examined.uid_next));
            mailbox.leave()?;
            if now.is_none() || now == last {
                return Ok(());
            }
            last = now;
            self.wait_until(self.job.clock.now() + gap);
        }
    }
}
