//! What the practice mailbox holds: folders and messages in memory, their bytes in the spool.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::Limits;
use super::marks::{Marks, Table};
use super::spool::{Region, Spool};
use crate::mailbox::MailboxName;
use crate::message::MailDate;

/// Folders that a mailbox may have.
const FOLDERS: usize = 5000;

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) uid: u32,
    pub(super) marks: Marks,
    pub(super) date: MailDate,
    pub(super) region: Region,
    /// Bytes of its header, the empty line included.
    pub(super) header: u64,
}

/// One folder.
pub(super) struct Folder {
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    /// In the order of their UIDs.
    pub(super) messages: Vec<Message>,
    pub(super) subscribed: bool,
    /// What it is for (RFC 6154).
    pub(super) special: Option<&'static str>,
    /// Grows with every message that comes or goes.
    pub(super) changes: u64,
}

impl Folder {
    fn new(uid_validity: u32, special: Option<&'static str>) -> Folder {
        Folder {
            uid_validity,
            uid_next: 1,
            messages: Vec::new(),
            subscribed: special.is_some(),
            special,
            changes: 0,
        }
    }

    /// The message of this UID.
    pub(super) fn message(&self, uid: u32) -> Option<&Message> {
        let at = self
            .messages
            .binary_search_by_key(&uid, |message| message.uid);
        self.messages.get(at.ok()?)
    }

    /// The same, to change its marks.
    pub(super) fn message_mut(&mut self, uid: u32) -> Option<&mut Message> {
        let at = self
            .messages
            .binary_search_by_key(&uid, |message| message.uid);
        self.messages.get_mut(at.ok()?)
    }

    /// Bytes of its messages.
    pub(super) fn size(&self) -> u64 {
        self.messages
            .iter()
            .map(|message| message.region.length)
            .sum()
    }
}

/// A message that has arrived whole and is not in a folder yet.
pub(super) struct Arrived {
    pub(super) marks: Marks,
    pub(super) date: Option<MailDate>,
    pub(super) region: Region,
    pub(super) header: u64,
}

/// The UIDs that new messages got (RFC 4315).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) uid_validity: u32,
    pub(super) first: u32,
    pub(super) last: u32,
}

/// Words of a NO, response code included.
pub(super) type Refused = &'static str;

/// The words for a folder that a client wants to put mail into, and that is not there.
pub(super) const TRY_CREATE: Refused = "[TRYCREATE] there is no such folder";
/// The words for a folder that is not there.
pub(super) const NO_FOLDER: Refused = "[NONEXISTENT] there is no such folder";
/// The words for a mailbox without room.
pub(super) const OVER_QUOTA: Refused = "[OVERQUOTA] the practice mailbox is full";

/// Everything the server holds.
pub(super) struct Store {
    pub(super) limits: Limits,
    pub(super) spool: Spool,
    state: Mutex<State>,
}

/// What is behind the lock.
pub(super) struct State {
    pub(super) folders: BTreeMap<MailboxName, Folder>,
    pub(super) keywords: Table,
    /// Bytes of all messages.
    pub(super) used: u64,
    mailbox_limit: u64,
    next_validity: u32,
}

impl Store {
    /// An empty mailbox with the folders that Spectrum's webmail shows.
    pub(super) fn new(limits: Limits) -> io::Result<Store> {
        // UIDs of an earlier practice server must never be taken for ours.
        let seconds = now().seconds;
        let mut state = State {
            folders: BTreeMap::new(),
            keywords: Table::default(),
            used: 0,
            mailbox_limit: limits.mailbox,
            next_validity: u32::try_from(seconds).unwrap_or(1).max(1),
        };
        for (name, special) in [
            ("Drafts", "\\Drafts"),
            ("Sent", "\\Sent"),
            ("Spam", "\\Junk"),
            ("Trash", "\\Trash"),
        ] {
            if let Some(name) = MailboxName::from_wire(name.as_bytes()) {
                state.add(name, Some(special));
            }
        }
        state.add(MailboxName::inbox(), None);
        if let Some(inbox) = state.folders.get_mut(&MailboxName::inbox()) {
            inbox.subscribed = true;
        }
        Ok(Store {
            limits,
            // What was expunged stays in the file; beyond this a session has no more room.
            spool: Spool::new(limits.mailbox.saturating_mul(2))?,
            state: Mutex::new(state),
        })
    }

    /// Locks the mailbox for a moment.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, name: MailboxName, special: Option<&'static str>) {
        let uid_validity = self.next_validity;
        self.next_validity = uid_validity.checked_add(1).unwrap_or(1);
        self.folders
            .entry(name)
            .or_insert_with(|| Folder::new(uid_validity, special));
    }

    /// Makes a folder and those above it.
    pub(super) fn create(&mut self, name: &MailboxName) -> Result<(), Refused> {
        if self.folders.contains_key(name) {
            return Err("[ALREADYEXISTS] there is such a folder already");
        }
        let wire = name.wire();
        let ends = wire
            .match_indices('/')
            .map(|(at, _)| at)
            .chain([wire.len()]);
        let all: Vec<MailboxName> = ends
            .filter_map(|end| MailboxName::from_wire(wire.get(..end)?.as_bytes()))
            .collect();
        if self.folders.len() + all.len() > FOLDERS {
            return Err("[LIMIT] there are too many folders");
        }
        for name in all {
            self.add(name, None);
        }
        Ok(())
    }

    /// Puts messages into a folder: all of them or none.
    pub(super) fn append(
        &mut self,
        name: &MailboxName,
        arrived: Vec<Arrived>,
    ) -> Result<Given, Refused> {
        let folder = self.folders.get_mut(name).ok_or(TRY_CREATE)?;
        let bytes: u64 = arrived.iter().map(|message| message.region.length).sum();
        if self.used.saturating_add(bytes) > self.mailbox_limit {
            return Err(OVER_QUOTA);
        }
        let first = folder.uid_next;
        let count = u32::try_from(arrived.len()).ok();
        let next = count.and_then(|count| first.checked_add(count));
        let next = next.ok_or("[LIMIT] the folder has no more numbers")?;
        let today = now();
        for (message, uid) in arrived.into_iter().zip(first..next) {
            folder.messages.push(Message {
                uid,
                marks: message.marks,
                date: message.date.unwrap_or(today),
                region: message.region,
                header: message.header,
            });
        }
        folder.uid_next = next;
        folder.changes += 1;
        self.used += bytes;
        Ok(Given {
            uid_validity: folder.uid_validity,
            first,
            last: next.saturating_sub(1),
        })
    }

    /// Takes the messages that `goes` names out of a folder.
    pub(super) fn expunge(&mut self, name: &MailboxName, goes: impl Fn(&Message) -> bool) {
        let Some(folder) = self.folders.get_mut(name) else {
            return;
        };
        let before = folder.messages.len();
        let mut freed = 0;
        folder.messages.retain(|message| {
            let stays = !goes(message);
            if !stays {
                freed += message.region.length;
            }
            stays
        });
        self.used = self.used.saturating_sub(freed);
        if folder.messages.len() != before {
            folder.changes += 1;
        }
    }
}

/// The present moment, in UTC.
fn now() -> MailDate {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    MailDate {
        seconds: i64::try_from(since.as_secs()).unwrap_or(0),
        offset: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::testing::small_store;

    fn name(wire: &str) -> MailboxName {
        MailboxName::from_wire(wire.as_bytes()).unwrap()
    }

    fn arrived(length: u64) -> Arrived {
        Arrived {
            marks: Marks::default(),
            date: None,
            region: Region { start: 0, length },
            header: 0,
        }
    }

    #[test]
    fn a_message_takes_little_memory() {
        assert!(size_of::<Message>() <= 80, "{}", size_of::<Message>());
    }

    #[test]
    fn a_folder_comes_with_those_above_it() {
        let store = small_store();
        let mut state = store.state();
        assert_eq!(state.create(&name("a/b/c")), Ok(()));
        assert!(state.folders.contains_key(&name("a/b")) && state.folders.contains_key(&name("a")));
        assert!(state.create(&name("a/b")).is_err());
        assert!(state.create(&name("INBOX")).is_err());
    }

    #[test]
    fn messages_that_do_not_all_fit_are_all_refused() {
        let store = small_store();
        let mut state = store.state();
        let two = vec![arrived(2000), arrived(2000)];
        assert_eq!(state.append(&name("INBOX"), two), Err(OVER_QUOTA));
        assert!(state.folders[&name("INBOX")].messages.is_empty());
        let given = state
            .append(&name("INBOX"), vec![arrived(1000), arrived(2000)])
            .unwrap();
        assert_eq!((given.first, given.last, state.used), (1, 2, 3000));
        state.expunge(&name("INBOX"), |message| message.uid == 2);
        assert_eq!(state.used, 1000);
        assert_eq!(
            state
                .append(&name("INBOX"), vec![arrived(1)])
                .unwrap()
                .first,
            3
        );
    }
}
