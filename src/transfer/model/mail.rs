//! The messages: those that are easily taken for one another, and what has to become of them.

use std::collections::BTreeMap;

use super::server::{Kept, Server, without_line_ends};
use crate::message::Flags;
use crate::transfer::testing::Mail;

/// Header fields that servers and mail programs add, and that make no other message.
const ADDED: [&[u8]; 2] = [b"Received:", b"X-Server:"];

fn text(id: &str, subject: &str, body: &str) -> Vec<u8> {
    let mut text = String::new();
    if !id.is_empty() {
        text += &format!("Message-ID: <{id}@x>\r\n");
    }
    text += "From: a@x\r\n";
    if !subject.is_empty() {
        text += &format!("Subject: {subject}\r\n");
    }
    text += &format!("\r\n{body}\r\n");
    text.into_bytes()
}

const DELIVERED: (&str, &str, &str) = ("e", "delivered", "already on the server");
const CUT: (&str, &str, &str) = ("g", "cut", "the server holds the first half of this only");

/// Everything on this computer.
pub(super) fn source() -> Vec<Mail> {
    let inbox = |id: &str, subject: &str, body: &str| Mail::raw("Inbox", &text(id, subject, body));
    let family =
        |id: &str, subject: &str, body: &str| Mail::raw("Family", &text(id, subject, body));
    vec![
        inbox("a", "first", "one").flagged(Flags::SEEN),
        inbox("b", "second", "two"),
        inbox("", "", "no Message-ID, body 1"),
        // Equal header fields, equal size.
        inbox("", "", "no Message-ID, body 2"),
        inbox("d", "draft", "version 1"),
        // Equal Message-ID, equal size.
        inbox("d", "draft", "version 2"),
        // The same as the second.
        inbox("b", "second", "two"),
        inbox(DELIVERED.0, DELIVERED.1, DELIVERED.2).flagged(Flags::FLAGGED),
        inbox(CUT.0, CUT.1, CUT.2),
        inbox("h", "tail", "ends in empty lines\r\n\r\n"),
        // In another folder the same message is another wish.
        family("b", "second", "two"),
        family("", "", "no Message-ID, body 1"),
        family("d", "draft", "version 3").tagged("Work"),
        // Goes alone, and is read while it is sent.
        family("l", "large", &"a long story ".repeat(40)),
    ]
}

/// What the server has before anything is sent.
pub(super) fn put_what_is_there(server: &mut Server) {
    let (id, subject, body) = DELIVERED;
    let delivered = [
        b"Received: from the postman\r\n".as_slice(),
        &text(id, subject, body),
    ];
    server.put("INBOX", Kept::new(delivered.concat()));
    let (id, subject, body) = CUT;
    server.put("INBOX", Kept::new(text(id, subject, &body[..20])));
}

/// What the server lacks, and what it has too often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub lost: usize,
    pub doubled: usize,
}

/// The wanted messages of each folder, by what is left of them when nothing that servers change counts.
pub(super) struct Wanted(BTreeMap<(&'static str, Vec<u8>), usize>);

impl Wanted {
    pub fn of(mails: &[Mail]) -> Wanted {
        let key = |mail: &Mail| {
            let folder = if mail.folder == "Inbox" {
                "INBOX"
            } else {
                "Family"
            };
            ((folder, essence(&mail.bytes)), 0)
        };
        Wanted(mails.iter().map(key).collect())
    }

    /// Compares: not with the program's own identity of a message, which may be wrong.
    pub fn tally(&self, server: &Server) -> Tally {
        let mut counts = self.0.clone();
        for (folder, store) in &server.folders {
            for kept in &store.messages {
                let essence = essence(&kept.bytes);
                let mut wanted = counts.iter_mut();
                if let Some((_, count)) =
                    wanted.find(|((name, text), _)| name == folder && *text == essence)
                {
                    *count += 1;
                }
            }
        }
        Tally {
            lost: counts.values().filter(|count| **count == 0).count(),
            doubled: counts.values().map(|count| count.saturating_sub(1)).sum(),
        }
    }
}

fn essence(message: &[u8]) -> Vec<u8> {
    let lines = message.split(|byte| *byte == b'\n');
    let mut essence = Vec::with_capacity(message.len());
    for line in lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        if !ADDED.iter().any(|field| line.starts_with(field)) {
            essence.extend_from_slice(line);
            essence.push(b'\n');
        }
    }
    essence.truncate(without_line_ends(&essence).len());
    essence
}
