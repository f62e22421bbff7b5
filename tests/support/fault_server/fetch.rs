//! UID FETCH and UID STORE.

use super::link::Ended;
use super::parse::{self, Words};
use super::session::Session;
use super::truth::Stored;

impl Session {
    pub fn fetch(&mut self, rest: &str) -> Result<(), Ended> {
        let mut words = Words(rest);
        let set = words.next().unwrap_or_default();
        let items = words.rest().to_string();
        let Some(room) = self
            .open
            .as_ref()
            .and_then(|open| self.shared.truth.room(open))
        else {
            return self.no("nothing is open");
        };
        let last = room.messages.last().map_or(0, |last| last.uid);
        let Some(ranges) = parse::uid_set(&set, last) else {
            return self.bad("no such set");
        };
        for (number, message) in (1..).zip(&room.messages) {
            let asked = |(from, to): &(u32, u32)| (*from..=*to).contains(&message.uid);
            if ranges.iter().any(asked) {
                let line = answer(number, message, &items);
                self.link.say(line)?;
            }
        }
        self.ok("done")
    }

    pub fn store_flags(&mut self, rest: &str) -> Result<(), Ended> {
        let mut words = Words(rest);
        let (set, how) = (words.next().unwrap_or_default(), words.next());
        let flags = parse::list(&words.next().unwrap_or_default());
        let Some(open) = self.open.clone() else {
            return self.no("nothing is open");
        };
        if how.as_deref() != Some("+FLAGS.SILENT") {
            return self.bad("flags are only ever added here");
        }
        let Some(ranges) = parse::uid_set(&set, u32::MAX) else {
            return self.bad("no such set");
        };
        let meant = |uid: u32| ranges.iter().any(|(from, to)| (*from..=*to).contains(&uid));
        self.shared.truth.add_flags(&open, &meant, &flags);
        self.ok("done")
    }
}

/// One line of FETCH data: everything that is asked for, in the order of this function.
fn answer(number: usize, message: &Stored, items: &str) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![format!("UID {}", message.uid).into_bytes()];
    if items.contains("RFC822.SIZE") {
        parts.push(format!("RFC822.SIZE {}", message.bytes.len()).into_bytes());
    }
    if items.contains("FLAGS") {
        parts.push(format!("FLAGS ({})", message.flags.join(" ")).into_bytes());
    }
    if items.contains("INTERNALDATE") {
        parts.push(format!("INTERNALDATE \"{}\"", message.date).into_bytes());
    }
    if let Some((_, fields)) = items.split_once("BODY.PEEK[HEADER.FIELDS (") {
        let fields = fields.split(')').next().unwrap_or_default();
        let header = fields_of(&message.bytes, &parse::list(fields));
        parts.push(literal(&format!("BODY[HEADER.FIELDS ({fields})]"), &header));
    } else if items.contains("BODY.PEEK[]") {
        parts.push(literal("BODY[]", &message.bytes));
    }
    let mut line = format!("* {number} FETCH (").into_bytes();
    line.extend(parts.join(&b' '));
    line.extend_from_slice(b")\r\n");
    line
}

fn literal(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = format!("{name} {{{}}}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out
}

/// These header fields, as they stand, with the empty line at their end.
fn fields_of(bytes: &[u8], wanted: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut taking = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        if text.is_empty() {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = text.split(|byte| *byte == b':').next().unwrap_or_default();
            taking = wanted
                .iter()
                .any(|one| one.as_bytes().eq_ignore_ascii_case(name));
        }
        if taking {
            out.extend_from_slice(text);
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}
