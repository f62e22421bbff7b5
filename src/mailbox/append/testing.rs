//! Short ways to say what the tests of sending say all the time.

use std::thread::JoinHandle;
use std::time::Duration;

use super::Append;
use crate::mailbox::scripted::{Plain, Server, serve};
use crate::mailbox::wire::Wire;
use crate::mailbox::{
    Abilities, Batch, Body, Fate, Literals, MailboxName, Outgoing, Refusal, RefusalClass, Ticket,
};
use crate::message::{Flags, Keywords};

pub(super) const SOON: Duration = Duration::from_secs(5);

pub(super) fn append(
    literals: Literals,
    multiappend: bool,
    script: impl FnOnce(&mut Server) + Send + 'static,
) -> (Append<Plain>, JoinHandle<Vec<String>>) {
    let (ours, thread) = serve(script);
    let abilities = Abilities {
        literals,
        multiappend,
        ..Abilities::default()
    };
    (
        Append::new(Wire::new(ours).unwrap(), "localhost:1", &abilities),
        thread,
    )
}

pub(super) fn message(ticket: u64, text: &str) -> Outgoing {
    Outgoing {
        ticket: Ticket(ticket),
        flags: Flags::NONE,
        keywords: Keywords::default(),
        date: None,
        size: text.len() as u64,
        body: Body::Held(text.into()),
    }
}

pub(super) fn batch(messages: Vec<Outgoing>, cautious: bool) -> Batch {
    Batch {
        folder: MailboxName::from_wire(b"a\"b").unwrap(),
        messages,
        cautious,
    }
}

/// Settles until something is known.
pub(super) fn fates(append: &mut Append<Plain>) -> Vec<(Ticket, Fate)> {
    append.settle(SOON).unwrap()
}

pub(super) fn broken(append: &mut Append<Plain>) -> (Vec<u64>, bool, String) {
    let broken = append.settle(SOON).unwrap_err();
    (
        broken.in_doubt.iter().map(|ticket| ticket.0).collect(),
        broken.poisoned,
        broken.error.to_string(),
    )
}

pub(super) fn stored(ticket: u64, uid: Option<(u32, u32)>) -> (Ticket, Fate) {
    (Ticket(ticket), Fate::Stored { uid })
}

pub(super) fn refused(
    ticket: u64,
    class: RefusalClass,
    text: &str,
    shared: bool,
) -> (Ticket, Fate) {
    (
        Ticket(ticket),
        Fate::Refused(Refusal {
            class,
            text: text.into(),
            shared,
        }),
    )
}
