//! The server as it is inside: folders, habits, and batches whose sender has given up.

use std::collections::BTreeMap;
use std::time::Duration;

use super::faults::{Chance, Reach};
use super::world::Inner;
use crate::header;
use crate::mailbox::Ticket;
use crate::mailbox::memory::summary_fields;
use crate::message::{Flags, MailDate};
use crate::transfer::QUIET;

/// What a server does to a message before it keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rewrite {
    AsItIs,
    /// Line ends are LF, and the size counts them so.
    BareLf,
    /// Empty lines at the end are gone.
    Trimmed,
    /// It gets a header field of the server's.
    FieldAdded,
}

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Habits {
    pub uidplus: bool,
    pub multiappend: bool,
    pub rewrite: Rewrite,
    /// It confirms one message and drops it.
    pub drops: bool,
}

impl Habits {
    /// Every kind there is.
    pub fn all() -> Vec<Habits> {
        let rewrites = [
            Rewrite::AsItIs,
            Rewrite::BareLf,
            Rewrite::Trimmed,
            Rewrite::FieldAdded,
        ];
        (0..32)
            .map(|number: usize| Habits {
                uidplus: number & 1 == 0,
                multiappend: number & 2 == 0,
                rewrite: rewrites[number / 4 % 4],
                drops: number & 16 != 0,
            })
            .collect()
    }
}

/// A message as the server keeps it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub uid: u32,
    pub bytes: Vec<u8>,
    /// What one FETCH of its header fields gives.
    pub summary: Vec<u8>,
    pub flags: Flags,
    pub keywords: Vec<String>,
    pub date: Option<MailDate>,
}

impl Kept {
    pub fn new(bytes: Vec<u8>) -> Kept {
        Kept {
            uid: 0,
            bytes,
            summary: Vec::new(),
            flags: Flags::NONE,
            keywords: Vec::new(),
            date: None,
        }
    }
}

/// A folder.
#[derive(Debug)]
pub(super) struct Store {
    pub uid_validity: u32,
    pub uid_next: u32,
    pub messages: Vec<Kept>,
}

/// A command that is under way.
pub(super) struct Flight {
    pub folder: String,
    pub messages: Vec<(Ticket, Kept)>,
}

impl Flight {
    pub fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.messages.iter().map(|(ticket, _)| *ticket)
    }
}

/// A connection as the server sees it.
#[derive(Default)]
pub(super) struct Line {
    pub flights: Vec<Flight>,
    /// It is gone, and its owner has not noticed.
    pub broken: bool,
}

/// What a migration did at most, to see that it does what it is to be tested with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    /// Connections with something under way at once.
    pub lines: usize,
    /// Messages in a batch.
    pub batch: usize,
    /// Commands under way at once on a connection.
    pub outstanding: usize,
    /// Answers that overtook another one.
    pub overtaken: usize,
}

/// The server.
pub(super) struct Server {
    pub habits: Habits,
    pub folders: BTreeMap<String, Store>,
    pub lines: BTreeMap<u32, Line>,
    pub next_line: u32,
    late: Vec<(Duration, Flight)>,
    dropped: bool,
    pub traffic: Traffic,
    /// Messages that were stored because someone sent them.
    pub appended: usize,
}

impl Server {
    pub fn new(habits: Habits) -> Server {
        let mut server = Server {
            habits,
            folders: BTreeMap::new(),
            lines: BTreeMap::new(),
            next_line: 0,
            late: Vec::new(),
            dropped: false,
            traffic: Traffic::default(),
            appended: 0,
        };
        server.make("INBOX");
        server
    }

    pub fn make(&mut self, folder: &str) {
        let store = || Store {
            uid_validity: 77,
            uid_next: 1,
            messages: Vec::new(),
        };
        self.folders.entry(folder.into()).or_insert_with(store);
    }

    /// Puts a message into a folder as it is, and returns UIDVALIDITY and UID.
    pub fn put(&mut self, folder: &str, mut kept: Kept) -> Option<(u32, u32)> {
        let store = self.folders.get_mut(folder)?;
        kept.uid = store.uid_next;
        kept.summary = summary_fields(&kept.bytes);
        store.uid_next += 1;
        let told = (store.uid_validity, kept.uid);
        store.messages.push(kept);
        Some(told)
    }

    /// A command comes in over a connection.
    pub fn take_in(&mut self, line: u32, flight: Flight) {
        let messages = flight.messages.len();
        let Some(line) = self.lines.get_mut(&line) else {
            return;
        };
        line.flights.push(flight);
        let outstanding = line.flights.len();
        let busy = self.lines.values().filter(|line| !line.flights.is_empty());
        self.traffic.lines = self.traffic.lines.max(busy.count());
        self.traffic.batch = self.traffic.batch.max(messages);
        self.traffic.outstanding = self.traffic.outstanding.max(outstanding);
    }

    /// Stores what a command brought, all or nothing. `skip`: one message of it is dropped.
    pub fn store(&mut self, flight: Flight, skip: Option<usize>) -> Vec<Option<(u32, u32)>> {
        let mut told = Vec::new();
        for (at, (_, mut kept)) in flight.messages.into_iter().enumerate() {
            kept.bytes = rewritten(kept.bytes, self.habits.rewrite);
            if skip == Some(at) || self.lies_about(&flight.folder, &kept) {
                // Its UID is spent.
                let store = self.folders.get_mut(&flight.folder);
                told.push(store.map(|store| {
                    store.uid_next += 1;
                    (store.uid_validity, store.uid_next - 1)
                }));
                continue;
            }
            self.appended += 1;
            told.push(self.put(&flight.folder, kept));
        }
        told
    }

    fn lies_about(&mut self, folder: &str, kept: &Kept) -> bool {
        let subject = header::find(&kept.bytes, "Subject").map(|field| field.text());
        let lies = self.habits.drops
            && !self.dropped
            && folder == "INBOX"
            && subject.as_deref() == Some("second");
        self.dropped |= lies;
        lies
    }

    /// A command gets as far as this and no answer.
    pub fn abandon(&mut self, flight: Flight, reach: Reach, now: Duration, chance: &mut Chance) {
        match reach {
            Reach::Nothing => {}
            Reach::All => drop(self.store(flight, None)),
            Reach::Late => {
                // A second less: whoever waits may not be later than the one who is late.
                let delay = chance.below(QUIET.as_millis() as usize - 1000) as u64;
                self.late.push((now + Duration::from_millis(delay), flight));
            }
        }
    }

    /// What is late and due is stored now.
    pub fn land(&mut self, now: Duration) {
        while let Some(at) = self.late.iter().position(|(due, _)| *due <= now) {
            let (_, flight) = self.late.swap_remove(at);
            self.store(flight, None);
        }
    }
}

impl Inner {
    /// A connection ends, at either side: each command under way on it was sent or not, and stored, or will be, or not.
    /// Returns those that were sent.
    pub fn hang_up(&mut self, line: u32) -> Vec<Ticket> {
        let mut sent = Vec::new();
        let flights = self.server.lines.remove(&line).unwrap_or_default().flights;
        for flight in flights {
            let reach = match self.chance.below(4) {
                // No byte of it was handed to the wire.
                0 => continue,
                1 => Reach::Nothing,
                2 => Reach::All,
                _ => Reach::Late,
            };
            sent.extend(flight.tickets());
            self.server
                .abandon(flight, reach, self.now, &mut self.chance);
        }
        sent
    }

    pub fn hang_up_all(&mut self) {
        let lines: Vec<u32> = self.server.lines.keys().copied().collect();
        for line in lines {
            self.hang_up(line);
        }
    }
}

fn rewritten(bytes: Vec<u8>, rewrite: Rewrite) -> Vec<u8> {
    match rewrite {
        Rewrite::AsItIs => bytes,
        Rewrite::BareLf => bytes.into_iter().filter(|byte| *byte != b'\r').collect(),
        Rewrite::Trimmed => [without_line_ends(&bytes), b"\r\n"].concat(),
        Rewrite::FieldAdded => [b"X-Server: was here\r\n".as_slice(), &bytes].concat(),
    }
}

/// A message without the line ends at its end.
pub(super) fn without_line_ends(message: &[u8]) -> &[u8] {
    let end = message
        .iter()
        .rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    end.map_or(&[], |end| &message[..=end])
}
