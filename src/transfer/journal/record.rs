//! The lines of the journal, and the sum that each ends with.

use serde::{Deserialize, Serialize};

/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "lowercase")]
pub(crate) enum Record {
    /// A run begins: format version, a random id, `user@host:port`, the program's version.
    Run {
        v: u32,
        id: String,
        account: String,
        tool: String,
    },
    /// A message: its number, where it lies, its folder on the server, its hashes (bytes, content, summary; 32
    /// hexadecimal digits each, 64 for the bytes where it was just read), its size, which of several equal ones.
    Item {
        i: u64,
        src: String,
        loc: String,
        f: String,
        hu: String,
        hid: String,
        hc: String,
        sz: u64,
        #[serde(default, skip_serializing_if = "is_zero")]
        copy: u16,
    },
    /// What a folder held: UIDVALIDITY, and the messages found. One record, so that it is whole or not there.
    Scan {
        f: String,
        v: u32,
        found: Vec<Found>,
    },
    /// Messages about to be sent: UIDVALIDITY, a lower bound of the UIDs they will get, seconds since 1970.
    Intent {
        i: Vec<u64>,
        v: u32,
        n: u32,
        at: u64,
    },
    /// A message was confirmed, with its UID where the server told it.
    Done { i: u64, uid: Option<u32> },
    /// A message was refused, or not sent after all (class `unsent` or `overquota`).
    Refused { i: u64, class: String, text: String },
    /// A message was found on the server afterwards.
    Verified {
        i: u64,
        uid: Option<u32>,
        how: String,
    },
    /// The run came to its end.
    End { result: String, lost: u64, dup: u64 },
    /// Something a later version writes.
    #[serde(other)]
    Unknown,
}

/// A message found: its number, its UID, and how it was recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found(pub u64, pub u32, pub String);

fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// The line of a record, its sum and its line end included.
pub(crate) fn line(record: &Record) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    // The sum covers everything before `,"crc"`.
    line.pop();
    let sum = crc32fast::hash(&line);
    line.extend_from_slice(format!(",\"crc\":\"{sum:08x}\"}}\n").as_bytes());
    Ok(line)
}

/// Reads a line without its end. `None` where it is damaged.
pub(crate) fn parse(line: &[u8]) -> Option<Record> {
    const TAIL: usize = ",\"crc\":\"00000000\"}".len();
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
    let sum = tail.strip_prefix(b",\"crc\":\"")?.strip_suffix(b"\"}")?;
    if format!("{:08x}", crc32fast::hash(body)).as_bytes() != sum {
        return None;
    }
    let mut whole = body.to_vec();
    whole.push(b'}');
    serde_json::from_slice(&whole).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_come_back_and_unknown_kinds_are_known_to_be_so() {
        let record = Record::Intent {
            i: vec![17, 18],
            v: 1,
            n: 900,
            at: 5,
        };
        let written = line(&record).unwrap();
        assert!(
            written.starts_with(
                b"{\"k\":\"intent\",\"i\":[17,18],\"v\":1,\"n\":900,\"at\":5,\"crc\":\""
            )
        );
        assert_eq!(parse(written.trim_ascii_end()), Some(record));
        let later = b"{\"k\":\"moon\",\"x\":[1]".to_vec();
        let sum = crc32fast::hash(&later);
        let later = [later, format!(",\"crc\":\"{sum:08x}\"}}").into_bytes()].concat();
        assert_eq!(parse(&later), Some(Record::Unknown));
    }

    proptest! {
        #[test]
        fn any_bytes_end(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in any::<proptest::sample::Index>(), bit in 0u8..8, text in any::<String>()) {
            let record = Record::Refused { i: 1, class: "other".into(), text };
            let mut written = line(&record).unwrap();
            written.pop();
            let at = at.index(written.len());
            written[at] ^= 1 << bit;
            prop_assert_ne!(parse(&written), Some(record));
        }
    }
}
