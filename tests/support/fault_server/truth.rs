//! What is really stored, and what really happened: tests compare with this and with nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use super::traits::{ADDED, StoreAs, Traits};

/// A message as the server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub uid: u32,
    pub bytes: Vec<u8>,
    pub flags: Vec<String>,
    /// INTERNALDATE, without its quotes.
    pub date: String,
}

/// A message that is to be stored.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub bytes: Vec<u8>,
    pub flags: Vec<String>,
    pub date: Option<String>,
}

/// A folder.
#[derive(Clone, Debug)]
pub struct Room {
    pub uid_validity: u32,
    pub uid_next: u32,
    pub messages: Vec<Stored>,
}

/// One exchange of a command and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub command: String,
    /// Which of its kind, over all connections, from 1.
    pub nth: u64,
    /// Bytes of the command, literals included.
    pub asked: u64,
    /// Bytes of the answer.
    pub answered: u64,
}

#[derive(Default)]
struct State {
    folders: BTreeMap<String, Room>,
    subscribed: Vec<String>,
    validity: u32,
    appended: u64,
    logins: u64,
    credentials: u64,
    given_away: u64,
    poison: Vec<String>,
    spoken: Vec<Spoken>,
}

/// The ground truth of one server.
pub struct Truth {
    state: Mutex<State>,
}

/// What a server says that keeps no dates.
const TODAY: &str = "02-Jan-2026 03:04:05 +0000";

impl Truth {
    pub fn new() -> Truth {
        let truth = Truth {
            state: Mutex::new(State {
                validity: 1_700_000_000,
                ..State::default()
            }),
        };
        truth.create("INBOX");
        truth
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes a folder; `false` if it is there.
    pub fn create(&self, name: &str) -> bool {
        let mut state = self.lock();
        if state.folders.contains_key(name) {
            return false;
        }
        state.validity += 1;
        let room = Room {
            uid_validity: state.validity,
            uid_next: 1,
            messages: Vec::new(),
        };
        state.folders.insert(name.into(), room);
        true
    }

    /// Puts a message where a test wants it, in a folder that is made if missing.
    pub fn put(&self, folder: &str, bytes: &[u8]) -> u32 {
        self.create(folder);
        let mut state = self.lock();
        let room = state.folders.get_mut(folder).unwrap();
        let uid = room.uid_next;
        room.uid_next += 1;
        room.messages.push(Stored {
            uid,
            bytes: bytes.into(),
            flags: Vec::new(),
            date: TODAY.into(),
        });
        uid
    }

    /// Its owner deletes the messages of a folder that satisfy a condition; tells how many.
    pub fn delete(&self, folder: &str, which: impl Fn(&Stored) -> bool) -> usize {
        let mut state = self.lock();
        let Some(room) = state.folders.get_mut(folder) else {
            return 0;
        };
        let before = room.messages.len();
        room.messages.retain(|message| !which(message));
        before - room.messages.len()
    }

    /// Its owner renames a folder.
    pub fn rename(&self, from: &str, to: &str) {
        let mut state = self.lock();
        if let Some(room) = state.folders.remove(from) {
            state.folders.insert(to.into(), room);
        }
    }

    /// Its owner removes a folder with everything in it.
    pub fn remove(&self, folder: &str) {
        self.lock().folders.remove(folder);
    }

    /// All UIDs become others.
    pub fn bump_uid_validity(&self) {
        let mut state = self.lock();
        let mut validity = state.validity + 1000;
        for room in state.folders.values_mut() {
            validity += 1;
            room.uid_validity = validity;
            for (n, message) in (1u32..).zip(&mut room.messages) {
                message.uid = n * 3;
            }
            room.uid_next = room.messages.last().map_or(1, |last| last.uid + 1);
        }
        state.validity = validity;
    }

    /// Stores the messages of one APPEND, all or none; `None` without the folder. `skip` are not stored, and get a
    /// UID all the same.
    pub fn store(
        &self,
        traits: &Traits,
        folder: &str,
        incoming: &[Incoming],
        skip: &[usize],
        backwards: bool,
    ) -> Option<(u32, Vec<u32>)> {
        let mut state = self.lock();
        let room = state.folders.get_mut(folder)?;
        let mut uids = vec![0; incoming.len()];
        let mut order: Vec<usize> = (0..incoming.len()).collect();
        if backwards {
            order.reverse();
        }
        let mut stored = 0;
        for n in order {
            let message = &incoming[n];
            let uid = room.uid_next;
            room.uid_next += 1;
            uids[n] = uid;
            if skip.contains(&n) {
                continue;
            }
            stored += 1;
            let mut flags = message.flags.clone();
            flags.retain(|flag| flag.starts_with('\\') || traits.keeps_keywords);
            let date = message.date.clone().filter(|_| traits.keeps_date);
            room.messages.push(Stored {
                uid,
                bytes: as_stored(&message.bytes, traits.store_as),
                flags,
                date: date.unwrap_or_else(|| TODAY.into()),
            });
        }
        let validity = room.uid_validity;
        state.appended += stored;
        Some((validity, uids))
    }

    /// Adds flags, as STORE does.
    pub fn add_flags(&self, folder: &str, uids: &dyn Fn(u32) -> bool, flags: &[String]) {
        let mut state = self.lock();
        let Some(room) = state.folders.get_mut(folder) else {
            return;
        };
        for message in room.messages.iter_mut().filter(|message| uids(message.uid)) {
            for flag in flags {
                if !message.flags.contains(flag) {
                    message.flags.push(flag.clone());
                }
            }
        }
    }

    pub fn subscribe(&self, name: &str) {
        self.lock().subscribed.push(name.into());
    }

    pub fn note_login(&self, good: bool) {
        self.lock().logins += u64::from(good);
    }

    /// A password came, on a connection that was secure or not.
    pub fn note_credentials(&self, secure: bool) {
        let mut state = self.lock();
        state.credentials += 1;
        state.given_away += u64::from(!secure);
    }

    pub fn note_poison(&self, line: String) {
        self.lock().poison.push(line);
    }

    pub fn note_spoken(&self, spoken: Spoken) {
        self.lock().spoken.push(spoken);
    }

    /// A folder as it is.
    pub fn room(&self, folder: &str) -> Option<Room> {
        self.lock().folders.get(folder).cloned()
    }

    pub fn folders(&self) -> Vec<String> {
        self.lock().folders.keys().cloned().collect()
    }

    /// The messages of a folder.
    pub fn messages(&self, folder: &str) -> Vec<Stored> {
        self.room(folder)
            .map_or_else(Vec::new, |room| room.messages)
    }

    /// Bytes stored in all.
    pub fn used(&self) -> u64 {
        let state = self.lock();
        let all = state.folders.values().flat_map(|room| &room.messages);
        all.map(|message| message.bytes.len() as u64).sum()
    }

    /// Messages stored by APPEND, ever.
    pub fn appended(&self) -> u64 {
        self.lock().appended
    }

    /// Sign-ins that the server agreed to.
    pub fn logins(&self) -> u64 {
        self.lock().logins
    }

    /// How often LOGIN or AUTHENTICATE was sent.
    pub fn credentials_sent(&self) -> u64 {
        self.lock().credentials
    }

    /// How often that was on a connection that was not secure.
    pub fn given_away(&self) -> u64 {
        self.lock().given_away
    }

    /// Lines taken for commands that are none: mail that was executed.
    pub fn poison(&self) -> Vec<String> {
        self.lock().poison.clone()
    }

    /// All exchanges so far.
    pub fn spoken(&self) -> Vec<Spoken> {
        self.lock().spoken.clone()
    }
}

fn as_stored(bytes: &[u8], how: StoreAs) -> Vec<u8> {
    match how {
        StoreAs::AsIs => bytes.to_vec(),
        StoreAs::Lf => bytes
            .iter()
            .copied()
            .filter(|byte| *byte != b'\r')
            .collect(),
        StoreAs::Trimmed => {
            let mut bytes = bytes.trim_ascii_end().to_vec();
            bytes.extend_from_slice(b"\r\n");
            bytes
        }
        StoreAs::HeaderAdded => [ADDED.as_bytes(), b"\r\n", bytes].concat(),
    }
}
