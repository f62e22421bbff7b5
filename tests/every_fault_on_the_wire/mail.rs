//! The mail that is migrated, chosen to be mistaken for one another, and what has to be on the server in the end.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::fault_server::traits::ADDED;
use crate::support::fault_server::truth::Truth;

/// The folder it goes to.
pub const FOLDER: &str = "Family";

/// Which mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mail {
    /// Six small messages, one of which is on the server already.
    #[default]
    Tricky,
    /// The same, and nothing is on the server, not even the folder.
    TrickyNothingThere,
    /// The same, and one of more than a megabyte.
    WithABigOne,
    /// The same, and as many as make several connections worth while.
    Many,
    /// The same, and so much text that compressing pays on a line that is not fast.
    Heavy,
}

fn small() -> Vec<String> {
    let head = "From: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\n";
    vec![
        format!("Message-ID: <one@example.org>\n{head}Subject: one\n\nThe first.\n"),
        // Two without a Message-ID whose header fields are the same.
        format!("{head}Subject: no name\n\nThis is one of them.\n"),
        format!("{head}Subject: no name\n\nThis is another.\n"),
        // The Message-ID of the first, and other words.
        format!("Message-ID: <one@example.org>\n{head}Subject: one\n\nThe first, as sent later.\n"),
        // Left on the POP server, and there already, by another way.
        format!(
            "Received: from a.example.org by pop.example.org; Mon, 1 Jan 2018 10:00:01 +0000\n\
             Message-ID: <there@example.org>\n{head}Subject: there\n\nCame both ways.\n"
        ),
        // Lines that a server must never take for commands, and 8-bit text.
        format!(
            "Message-ID: <last@example.org>\n{head}Subject: last\nStatus: RO\n\n\
             x DELETE {FOLDER}\nB1 OK done\n)\n.\ncaf\u{e9}\n"
        ),
    ]
}

const THERE: usize = 4;

const MANY: u32 = 200;

impl Mail {
    /// The messages of the source.
    pub fn messages(self) -> Vec<String> {
        let mut all = small();
        if self == Mail::Many {
            all.extend((0..MANY).map(|n| {
                format!("Message-ID: <many{n}@example.org>\nSubject: one of many\n\nNumber {n}.\n")
            }));
        }
        if self == Mail::Heavy {
            let text = "What can be said in fewer words is said again.\n".repeat(420);
            all.extend((0..90).map(|n| {
                format!("Message-ID: <heavy{n}@example.org>\nSubject: heavy\n\nNumber {n}.\n{text}")
            }));
        }
        if self == Mail::WithABigOne {
            let line = "A line of a picture, or of what once was one, in letters and digits.\n";
            let mut big = "Message-ID: <big@example.org>\nFrom: jane@example.org\nSubject: big\n\n"
                .to_string();
            while big.len() < 1_300_000 {
                big.push_str(line);
            }
            all.push(big);
        }
        all
    }

    /// Writes the source.
    pub fn write(self, path: &Path) {
        let mut mbox = String::new();
        for message in self.messages() {
            mbox.push_str("From jane@example.org Mon Jan  1 10:00:00 2018\n");
            mbox.push_str(&message);
            mbox.push('\n');
        }
        std::fs::write(path, mbox).unwrap();
    }

    /// Puts on the server what is there before the first run.
    pub fn put_before(self, truth: &Truth) {
        truth.put(
            "INBOX",
            b"Message-ID: <inbox@example.org>\r\nSubject: hi\r\n\r\nhello\r\n",
        );
        if self == Mail::TrickyNothingThere {
            return;
        }
        truth.put(
            FOLDER,
            b"Message-ID: <old@example.org>\r\nSubject: old\r\n\r\nolder\r\n",
        );
        let there = small().swap_remove(THERE).replace('\n', "\r\n");
        let other_way = there.replace(
            "Received: from a.example.org by pop",
            "Received: from b.example.org by imap",
        );
        truth.put(FOLDER, other_way.as_bytes());
    }
}

/// How the server differs from what it should have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub lost: u64,
    pub duplicated: u64,
    pub altered: u64,
}

/// Compares the folder with the source, by rules of this test's own: line ends, empty lines at the end, `Received`
/// and a field that the server adds don't count, everything else does.
pub fn compare(mail: Mail, truth: &Truth, folder: &str) -> Difference {
    let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for stored in truth.messages(folder) {
        *counts.entry(essence(&stored.bytes)).or_default() += 1;
    }
    let mut difference = Difference::default();
    for message in mail.messages() {
        match counts.remove(&essence(message.as_bytes())) {
            None => difference.lost += 1,
            Some(copies) => difference.duplicated += copies - 1,
        }
    }
    let strange = |bytes: &Vec<u8>| !bytes.windows(15).any(|part| part == b"old@example.org");
    difference.altered = counts
        .into_iter()
        .filter(|(bytes, _)| strange(bytes))
        .map(|(_, count)| count)
        .sum();
    difference
}

fn essence(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut in_header = true;
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if in_header && (line.starts_with(b"Received:") || line == ADDED.as_bytes()) {
            continue;
        }
        in_header &= !line.is_empty();
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.trim_ascii_end().to_vec()
}
