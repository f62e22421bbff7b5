//! Before the first byte is sent: every folder is there, and the journal knows what was found.

use std::time::Duration;

use super::{Copying, entry, not_connected, wanted_in};
use crate::error::Error;
use crate::event::Event;
use crate::mailbox::{Examined, Literals, MailboxName, RefusalClass, class_of};
use crate::transfer::journal::{Disk, Past};
use crate::transfer::plan::order::{Place, sending_order};
use crate::transfer::plan::{PlannedFolder, Reason, State};
use crate::transfer::reconcile;
use crate::transfer::upload::{Line, Policy, Task, Upload, Verdict, backoff};

/// How often a folder is asked for that the server can't make just now.
const TRIES: u32 = 3;

impl<D: Disk> Copying<'_, D> {
    /// Connects, and makes sure of every folder before the first byte is sent. All of it can be done twice, so a
    /// connection that breaks meanwhile costs nothing.
    pub(super) fn prepare(&mut self) -> Result<(), Error> {
        self.again(Self::prepare_folders)
    }

    /// Does what can be done twice, and does it again on a new connection when the old one broke.
    pub(super) fn again(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut attempt = 1;
        loop {
            let connected = match self.mailbox {
                Some(_) => Ok(()),
                None => self.connect(),
            };
            match connected.and_then(|()| work(self)) {
                Err(error @ (Error::ConnectionLost { .. } | Error::NotReached { .. }))
                    if attempt <= Policy::default().attempts =>
                {
                    self.mailbox = None;
                    let after = backoff(attempt);
                    self.say(Event::Reconnecting {
                        after,
                        attempt,
                        of: Policy::default().attempts,
                        detail: error.to_string(),
                    });
                    self.wait_until(self.job.clock.now() + after);
                    self.job.stop.check()?;
                    attempt += 1;
                }
                settled => return settled,
            }
        }
    }

    fn prepare_folders(&mut self) -> Result<(), Error> {
        for folder in 0..self.plan.folders.len() as u16 {
            self.job.stop.check()?;
            self.journal_scan(folder)?;
            let to_do = |planned: &PlannedFolder| {
                let mut entries = planned.entries.iter();
                !planned.flag_changes.is_empty()
                    || entries.any(|entry| entry.state == State::ToCopy)
            };
            if self.plan.folders.get(folder as usize).is_some_and(to_do) {
                self.prepare_folder(folder)?;
            }
        }
        // What turned out to be there is not sent, and what turned out to be gone is.
        self.places = sending_order(self.plan);
        self.total = self.total.max(self.places.len() as u64);
        self.journal.sync()
    }

    fn prepare_folder(&mut self, at: u16) -> Result<(), Error> {
        let is_new = |folder: &PlannedFolder| folder.new && !folder.target.is_inbox();
        let mut made = self.plan.folders.get(at as usize).is_some_and(is_new);
        if made && let Some(verdict) = self.make_folder(at)? {
            return self.close_folder(at, &verdict);
        }
        let examined = loop {
            let (Some(mailbox), Some(folder)) = (
                self.mailbox.as_deref_mut(),
                self.plan.folders.get_mut(at as usize),
            ) else {
                return Err(not_connected());
            };
            if let Some(examined) = mailbox.examine(&folder.target)? {
                break examined;
            }
            if made {
                let detail = "the folder can't be opened".into();
                return self.close_folder(at, &Verdict::Refused(Reason::NotAllowed, detail));
            }
            // Someone removed it since the plan, with what was in it.
            folder.uid_validity = 0;
            made = true;
            if let Some(verdict) = self.make_folder(at)? {
                return self.close_folder(at, &verdict);
            }
        };
        self.look_again(at, &examined)?;
        if let Some(mailbox) = self.mailbox.as_deref_mut() {
            mailbox.leave()?;
        }
        self.folders.insert(at, examined);
        Ok(())
    }

    /// Someone may have made, emptied or filled the folder since the plan: what it holds now is what counts.
    fn look_again(&mut self, at: u16, examined: &Examined) -> Result<(), Error> {
        let looking = self.looking();
        let (Some(mailbox), Some(folder)) = (
            self.mailbox.as_deref_mut(),
            self.plan.folders.get_mut(at as usize),
        ) else {
            return Err(not_connected());
        };
        let another = folder.uid_validity != examined.uid_validity;
        let from = if another { 1 } else { folder.first_uid };
        let mut found = Vec::new();
        if examined.exists > 0 && (another || examined.uid_next > from) {
            let wanted = wanted_in(folder, |entry| {
                entry.state == State::ToCopy
                    || (another && matches!(entry.state, State::AlreadyThere(_)))
            });
            if let Some(index) = reconcile::index(mailbox, &folder.target, from)? {
                found = reconcile::matches(mailbox, &index, &wanted, looking)?;
            }
        }
        if another {
            // Of another folder under this name the plan knows nothing, and its UIDs mean other messages.
            folder.flag_changes.clear();
            for entry in &mut folder.entries {
                if matches!(entry.state, State::AlreadyThere(_)) {
                    entry.state = State::ToCopy;
                }
            }
        }
        for found in found {
            if let Some(entry) = folder.entries.get_mut(found.key as usize) {
                entry.state = State::AlreadyThere(found.uid);
            }
        }
        folder.uid_validity = examined.uid_validity;
        // What this run sends anew because it got lost has older siblings of this run: those count as well.
        if another {
            folder.first_uid = examined.uid_next.max(1);
        }
        Ok(())
    }

    /// Makes a folder, under a plainer name if the server does not take its own. Returns what becomes of its
    /// mail if that fails.
    fn make_folder(&mut self, at: u16) -> Result<Option<Verdict>, Error> {
        let Some(wanted) = self.plan.folders.get(at as usize) else {
            return Ok(None);
        };
        let wanted = wanted.target.clone();
        let refused = match self.create_patiently(&wanted)? {
            Some(refused @ Verdict::Refused(..)) => refused,
            settled => return Ok(settled),
        };
        let used = |name: &MailboxName| self.plan.folders.iter().any(|other| other.target == *name);
        let mailbox = self.mailbox.as_deref().ok_or_else(not_connected)?;
        let plainer = wanted.plainer(mailbox.namespace());
        let Some(name) = plainer.filter(|name| !used(name)) else {
            return Ok(Some(refused));
        };
        match self.create_patiently(&name)? {
            Some(Verdict::Refused(..)) => return Ok(Some(refused)),
            Some(waiting) => return Ok(Some(waiting)),
            None => {}
        }
        self.say(Event::Renamed {
            wanted: wanted.display(),
            name: name.display(),
        });
        if let Some(folder) = self.plan.folders.get_mut(at as usize) {
            folder.target = name;
            folder.renamed = true;
        }
        Ok(None)
    }

    /// Creates a folder. A server that asks for patience gets some; then the mail of the folder waits for the next run.
    fn create_patiently(&mut self, name: &MailboxName) -> Result<Option<Verdict>, Error> {
        for attempt in 1..=TRIES {
            let mailbox = self.mailbox.as_deref_mut().ok_or_else(not_connected)?;
            match mailbox.create(name) {
                Ok(()) => return Ok(None),
                Err(Error::ServerTrouble { detail, .. }) => {
                    if class_of(&detail) != RefusalClass::Later {
                        return Ok(Some(Verdict::Refused(Reason::NotAllowed, detail)));
                    }
                }
                Err(error) => return Err(error),
            }
            if attempt < TRIES {
                self.wait_until(self.job.clock.now() + backoff(attempt));
                self.job.stop.check()?;
            }
        }
        Ok(Some(Verdict::Waiting(Reason::NotTried)))
    }

    fn close_folder(&mut self, at: u16, verdict: &Verdict) -> Result<(), Error> {
        let open = |place: &Place| {
            let state = entry(self.plan, *place).map(|entry| entry.state);
            place.folder == at && state == Some(State::ToCopy)
        };
        let closed = (0u32..)
            .zip(&self.places)
            .filter(|(_, place)| open(place))
            .map(|(task, _)| (task, verdict.clone()))
            .collect();
        self.apply(closed)
    }

    /// Records what the plan found in a folder, unless the journal knows it.
    pub(super) fn journal_scan(&mut self, at: u16) -> Result<(), Error> {
        let Some(folder) = self.plan.folders.get(at as usize) else {
            return Ok(());
        };
        if folder.uid_validity == 0 {
            return Ok(());
        }
        let mut found = Vec::new();
        for (index, entry) in (0u32..).zip(&folder.entries) {
            if let State::AlreadyThere(uid) = entry.state {
                let key = self.copies.key(
                    &folder.target,
                    Place {
                        folder: at,
                        entry: index,
                    },
                    entry,
                );
                found.push((self.journal.message(key, &entry.item, None)?, uid));
            }
        }
        self.journal
            .scan(folder.target.wire(), folder.uid_validity, &found)
    }

    pub(super) fn policy(&self) -> Policy {
        let abilities = self
            .mailbox
            .as_deref()
            .map(|mailbox| mailbox.abilities().clone())
            .unwrap_or_default();
        let quiet = if self.guards.quiet {
            self.job.quiet
        } else {
            Duration::ZERO
        };
        let usual = Policy {
            quiet,
            ..self.usual.clone()
        };
        // Without MULTIAPPEND every message is a command of its own, so more of them may be under way; and where each
        // has to be asked for, a connection carries one message a round trip, and only more connections help.
        match (abilities.multiappend, abilities.literals) {
            (true, Literals::Plus) => usual,
            (false, Literals::Plus) => Policy {
                batch_messages: 1,
                outstanding: 32,
                ..usual
            },
            _ => Policy {
                batch_messages: 1,
                first_lines: usual.most_lines,
                ..usual
            },
        }
    }

    pub(super) fn tasks(&self, past: &Past, quiet: Duration) -> Vec<Task> {
        let now = self.job.clock.now();
        let task = |place: &Place| {
            let folder = self.plan.folders.get(place.folder as usize);
            let entry = entry(self.plan, *place);
            let doubt = folder.zip(entry).and_then(|(folder, entry)| {
                past.of(&self.copies.key(&folder.target, *place, entry))
                    .in_doubt
            });
            Task {
                folder: place.folder,
                size: entry.map_or(0, |entry| entry.item.size),
                // The intent tells when it was written, not when the last byte was sent: that may have been long after.
                doubt_until: doubt.map(|_| now + quiet),
            }
        };
        self.places.iter().map(task).collect()
    }

    pub(super) fn create(&mut self, core: &mut Upload, line: Line, at: u16) -> Result<(), Error> {
        let Some(folder) = self.plan.folders.get(at as usize) else {
            return Ok(());
        };
        let name = folder.target.clone();
        match self.create_patiently(&name) {
            Ok(None) => core.folder_ready(at),
            Ok(Some(verdict)) => {
                let verdicts = core.folder_closed(at, &verdict);
                return self.apply(verdicts);
            }
            Err(Error::Stopped) => core.stop(self.job.clock.now()),
            Err(error) => self.lost(core, line, error),
        }
        Ok(())
    }
}
