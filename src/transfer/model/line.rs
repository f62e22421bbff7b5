//! One connection to the simulated server: questions that can go unanswered, and batches whose answers come in any order.

use std::io::Read;
use std::time::Duration;

use super::faults::{CHANGE, Fault, QUESTION, Reach, SETTLE, SUBMIT};
use super::server::{Flight, Kept, Line, Store};
use super::world::{Inner, World};
use crate::error::Error;
use crate::mailbox::{
    Abilities, Batch, Body, Broken, Connect, Examined, Fate, Folder, Indexed, Literals, Mailbox,
    MailboxName, Namespace, Outgoing, Quota, Refusal, RefusalClass, Ticket,
};
use crate::message::{Flags, Keywords};

pub(super) const ACCOUNT: &str = "jane@simulated:993";

/// How long a question takes.
const A_MOMENT: Duration = Duration::from_millis(30);

pub(super) struct SimulatedMailbox {
    world: World,
    line: u32,
    abilities: Abilities,
    namespace: Namespace,
    examined: Option<String>,
}

impl Connect for World {
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error> {
        if self.asked(QUESTION).is_err() {
            return Err(Error::NotReached {
                server: "simulated".into(),
                detail: "refused".into(),
            });
        }
        let mut inner = self.lock();
        let habits = inner.server.habits;
        let line = inner.server.next_line;
        inner.server.next_line += 1;
        inner.server.lines.insert(line, Line::default());
        let literals = if habits.multiappend || habits.uidplus {
            Literals::Plus
        } else {
            Literals::Synchronising
        };
        Ok(Box::new(SimulatedMailbox {
            world: self.clone(),
            line,
            abilities: Abilities {
                compress: false,
                literals,
                multiappend: habits.multiappend,
                uidplus: habits.uidplus,
                append_limit: None,
                announced: Vec::new(),
            },
            namespace: Namespace {
                prefix: String::new(),
                delimiter: Some('/'),
            },
            examined: None,
        }))
    }

    fn account(&self) -> String {
        ACCOUNT.into()
    }
}

fn reset() -> Error {
    Error::ConnectionLost {
        server: "simulated".into(),
        detail: "reset".into(),
    }
}

impl World {
    /// A question on the wire: whether it is answered.
    fn asked(&self, kinds: &[Fault]) -> Result<(), Error> {
        self.changed(kinds, |_| ())
    }

    /// The same with something that happens on the server.
    fn changed(&self, kinds: &[Fault], change: impl FnOnce(&mut Inner)) -> Result<(), Error> {
        let mut inner = self.lock();
        inner.pass(A_MOMENT);
        let fault = inner.faults.pass(kinds);
        let happens = !matches!(
            fault,
            Some(
                Fault::Kill(Reach::Nothing)
                    | Fault::Power(Reach::Nothing)
                    | Fault::Reset(Reach::Nothing)
            )
        );
        if happens {
            change(&mut inner);
        }
        drop(inner);
        match fault {
            None => Ok(()),
            Some(Fault::Kill(_)) => self.die(false),
            Some(Fault::Power(_)) => self.die(true),
            Some(_) => Err(reset()),
        }
    }
}

impl SimulatedMailbox {
    fn examined<T>(&self, read: impl FnOnce(&Store) -> T) -> T {
        let inner = self.world.lock();
        let name = self.examined.as_ref().expect("a folder is examined");
        read(&inner.server.folders[name])
    }

    fn nothing_under_way(&self) {
        assert_eq!(self.in_flight(), 0, "asked while batches are under way");
    }
}

impl Mailbox for SimulatedMailbox {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn server(&self) -> &str {
        "simulated"
    }

    fn folders(&mut self) -> Result<Vec<Folder>, Error> {
        self.world.asked(QUESTION)?;
        let folder = |name: &String| Folder {
            name: MailboxName::from_wire(name.as_bytes()).expect("a plain name"),
            role: None,
            selectable: true,
            inferiors: true,
        };
        let inner = self.world.lock();
        Ok(inner.server.folders.keys().map(folder).collect())
    }

    fn quota(&mut self) -> Result<Option<Quota>, Error> {
        self.world.asked(QUESTION).map(|()| None)
    }

    fn create(&mut self, name: &MailboxName) -> Result<(), Error> {
        self.nothing_under_way();
        let make = |inner: &mut Inner| inner.server.make(name.wire());
        self.world.changed(CHANGE, make)
    }

    fn examine(&mut self, name: &MailboxName) -> Result<Option<Examined>, Error> {
        self.nothing_under_way();
        self.world.asked(QUESTION)?;
        let inner = self.world.lock();
        let Some(store) = inner.server.folders.get(name.wire()) else {
            return Ok(None);
        };
        self.examined = Some(name.wire().into());
        Ok(Some(Examined {
            uid_validity: store.uid_validity,
            uid_next: store.uid_next,
            exists: store.messages.len() as u32,
            permanent: Flags::SEEN.union(Flags::FLAGGED),
            keywords: Vec::new(),
            any_keyword: true,
        }))
    }

    fn index(&mut self, from: u32, each: &mut dyn FnMut(Indexed)) -> Result<(), Error> {
        self.nothing_under_way();
        self.world.asked(QUESTION)?;
        let indexed = |kept: &Kept| Indexed {
            uid: kept.uid,
            size: kept.bytes.len() as u64,
            flags: kept.flags,
            keywords: kept.keywords.clone(),
            date: kept.date,
            header: kept.summary.clone(),
        };
        self.examined(|store| {
            let asked = store.messages.iter().filter(|kept| kept.uid >= from);
            asked.map(indexed).for_each(each);
        });
        Ok(())
    }

    fn bodies(
        &mut self,
        uids: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error> {
        if uids.is_empty() {
            return Ok(());
        }
        self.nothing_under_way();
        self.world.asked(QUESTION)?;
        self.examined(|store| {
            for kept in store
                .messages
                .iter()
                .filter(|kept| uids.contains(&kept.uid))
            {
                each(kept.uid, &mut kept.bytes.as_slice());
            }
        });
        Ok(())
    }

    fn add_flags(
        &mut self,
        name: &MailboxName,
        uids: &[u32],
        flags: Flags,
        keywords: &Keywords,
    ) -> Result<(), Error> {
        self.nothing_under_way();
        self.world.changed(CHANGE, |inner| {
            let store = inner.server.folders.get_mut(name.wire());
            for kept in store.into_iter().flat_map(|store| &mut store.messages) {
                if uids.contains(&kept.uid) {
                    kept.flags.insert(flags);
                    let tags = keywords.iter().map(|tag| tag.atom().to_string());
                    kept.keywords.extend(tags);
                }
            }
        })
    }

    fn leave(&mut self) -> Result<(), Error> {
        self.world.asked(QUESTION)?;
        self.examined = None;
        Ok(())
    }

    fn submit(&mut self, batch: Batch) {
        let fault = self.world.lock().faults.pass(SUBMIT);
        match fault {
            Some(Fault::Kill(_)) => self.world.die(false),
            Some(Fault::Power(_)) => self.world.die(true),
            _ => {}
        }
        let mut inner = self.world.lock();
        if let Some(line) = inner.server.lines.get_mut(&self.line) {
            line.broken |= fault.is_some();
        }
        let flight = Flight {
            folder: batch.folder.wire().into(),
            messages: batch.messages.into_iter().map(taken).collect(),
        };
        inner.server.take_in(self.line, flight);
    }

    fn settle(&mut self, _: Duration) -> Result<Vec<(Ticket, Fate)>, Broken> {
        let mut inner = self.world.lock();
        let slow = inner.order.once_in(16);
        let took = if slow {
            Duration::from_secs(1 + inner.order.below(45) as u64)
        } else {
            Duration::from_millis(20 + inner.order.below(200) as u64)
        };
        inner.pass(took);
        let waiting = self.under_way(&inner);
        if waiting == 0 {
            return Ok(Vec::new());
        }
        if inner.server.lines[&self.line].broken {
            return Err(self.broken(&mut inner, Vec::new()));
        }
        // In whatever order the server likes.
        let next = inner.order.below(waiting);
        inner.server.traffic.overtaken += usize::from(next > 0);
        let fault = inner.faults.pass(SETTLE);
        let line = inner.server.lines.get_mut(&self.line);
        let flight = line.expect("it is there").flights.remove(next);
        match fault {
            Some(Fault::Kill(reach)) => {
                inner.abandon(flight, reach);
                drop(inner);
                self.world.die(false)
            }
            Some(Fault::Power(reach)) => {
                inner.abandon(flight, reach);
                drop(inner);
                self.world.die(true)
            }
            Some(Fault::Reset(reach)) => {
                let sent = flight.tickets().collect();
                inner.abandon(flight, reach);
                Err(self.broken(&mut inner, sent))
            }
            Some(Fault::Later) => Ok(refused(&flight, RefusalClass::Later)),
            fault => Ok(answered(&mut inner, flight, fault.is_some())),
        }
    }

    fn in_flight(&self) -> usize {
        self.under_way(&self.world.lock())
    }

    fn logout(self: Box<Self>) {}
}

impl SimulatedMailbox {
    fn under_way(&self, inner: &Inner) -> usize {
        let line = inner.server.lines.get(&self.line);
        line.map_or(0, |line| line.flights.len())
    }

    fn broken(&self, inner: &mut Inner, mut sent: Vec<Ticket>) -> Broken {
        sent.extend(inner.hang_up(self.line));
        Broken {
            in_doubt: sent,
            poisoned: false,
            error: reset(),
        }
    }
}

/// The process lets go of a connection: what it sent over it goes its own way.
impl Drop for SimulatedMailbox {
    fn drop(&mut self) {
        self.world.lock().hang_up(self.line);
    }
}

impl Inner {
    fn abandon(&mut self, flight: Flight, reach: Reach) {
        self.server
            .abandon(flight, reach, self.now, &mut self.chance);
    }
}

fn taken(message: Outgoing) -> (Ticket, Kept) {
    let bytes = match message.body {
        Body::Held(bytes) => bytes,
        Body::Streamed(mut reader) => {
            let mut bytes = Vec::new();
            reader
                .read_to_end(&mut bytes)
                .expect("the source never changes");
            bytes
        }
    };
    assert_eq!(bytes.len() as u64, message.size, "the size announced");
    let tags = message.keywords.iter().map(|tag| tag.atom().to_string());
    let kept = Kept {
        flags: message.flags,
        keywords: tags.collect(),
        date: message.date,
        ..Kept::new(bytes)
    };
    (message.ticket, kept)
}

fn refused(flight: &Flight, class: RefusalClass) -> Vec<(Ticket, Fate)> {
    let fate = Fate::Refused(Refusal {
        class,
        text: "NO not now".into(),
        shared: flight.messages.len() > 1,
    });
    flight.tickets().map(|one| (one, fate.clone())).collect()
}

fn answered(inner: &mut Inner, flight: Flight, drops: bool) -> Vec<(Ticket, Fate)> {
    if !inner.server.folders.contains_key(&flight.folder) {
        return refused(&flight, RefusalClass::NoFolder);
    }
    let skip = drops.then(|| inner.chance.below(flight.messages.len()));
    let tickets: Vec<Ticket> = flight.tickets().collect();
    let told = inner.server.store(flight, skip);
    let uidplus = inner.server.habits.uidplus;
    let fate = |uid: Option<(u32, u32)>| Fate::Stored {
        uid: uid.filter(|_| uidplus),
    };
    tickets
        .into_iter()
        .zip(told.into_iter().map(fate))
        .collect()
}
