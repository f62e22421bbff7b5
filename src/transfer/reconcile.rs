//! What is already there: matches wanted messages with what a folder of the server holds, by content and one to one.

use std::collections::{HashMap, HashSet};

use super::Stop;
use crate::error::Error;
use crate::identity::{self, Fingerprinter};
use crate::mailbox::{Examined, Mailbox, MailboxName};
use crate::message::{Digest, Flags, Identity, Item, MailDate};

/// What a folder of the server holds, as one cheap FETCH tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerIndex {
    pub examined: Examined,
    pub messages: Vec<Seen>,
}

/// One message on the server.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub uid: u32,
    pub size: u64,
    pub summary: Digest,
    pub has_id: bool,
    pub flags: Flags,
    pub keywords: Option<Box<[String]>>,
    pub date: Option<MailDate>,
}

impl Seen {
    pub fn has_keyword(&self, atom: &str) -> bool {
        self.keywords
            .iter()
            .flatten()
            .any(|known| known.eq_ignore_ascii_case(atom))
    }
}

/// Examines a folder and asks for everything in it from a UID on. `None`: there is no such folder.
pub(crate) fn index(
    mailbox: &mut dyn Mailbox,
    name: &MailboxName,
    from: u32,
) -> Result<Option<ServerIndex>, Error> {
    let Some(examined) = mailbox.examine(name)? else {
        return Ok(None);
    };
    let mut messages = Vec::new();
    // Some servers answer "5:*" in an empty folder with an error.
    if examined.exists > 0 {
        mailbox.index(from.max(1), &mut |found| {
            let (summary, has_id) = identity::summary(&found.header);
            messages.push(Seen {
                uid: found.uid,
                size: found.size,
                summary,
                has_id,
                flags: found.flags,
                keywords: (!found.keywords.is_empty()).then(|| found.keywords.into_boxed_slice()),
                date: found.date,
            });
        })?;
    }
    Ok(Some(ServerIndex { examined, messages }))
}

/// A message that is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The caller's number for it.
    pub key: u32,
    pub identity: Identity,
    pub size: u64,
    pub has_id: bool,
}

impl Wanted {
    pub fn new(key: u32, item: &Item) -> Wanted {
        Wanted {
            key,
            identity: item.identity,
            size: item.size,
            has_id: item.has_id,
        }
    }
}

/// By which a copy of a wanted message is known from outside: its header fields, or, where there is no Message-ID and the
/// server may read the header in another way than we, its size.
pub(crate) struct Looks {
    summaries: Groups,
    sizes: HashSet<u64>,
}

impl Looks {
    pub fn of(wanted: &[Wanted]) -> Looks {
        let odd = wanted.iter().filter(|one| !one.has_id);
        Looks {
            summaries: Groups::new(wanted.iter().map(|one| one.identity.summary)),
            sizes: odd.map(|one| one.size).collect(),
        }
    }

    /// Whether this may be a copy of one of them.
    pub fn like(&self, seen: &Seen) -> bool {
        !self.summaries.of(seen.summary).is_empty()
            || (!seen.has_id && self.sizes.contains(&seen.size))
    }
}

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Five header fields and the size, where only one message on either side has them.
    Cheap,
    /// The whole content.
    Sure,
}

/// A wanted message and its copy on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub key: u32,
    pub uid: u32,
    pub how: How,
}

/// How a search goes.
#[derive(Clone, Copy)]
pub(crate) struct Looking<'a> {
    /// Whether someone wants it to end.
    pub stop: &'a Stop,
    /// Whether the whole content decides where header fields don't; only a test does without.
    pub sure: bool,
}

/// What a search without a sure match would find: the mistake that the guard is against.
fn by_summary(index: &ServerIndex, wanted: &[Wanted]) -> Vec<Match> {
    let held = Groups::new(index.messages.iter().map(|seen| seen.summary));
    let answer = |one: &Wanted| {
        let copy = index
            .messages
            .get(*held.of(one.identity.summary).first()? as usize)?;
        Some(Match {
            key: one.key,
            uid: copy.uid,
            how: How::Cheap,
        })
    };
    wanted.iter().filter_map(answer).collect()
}

/// Finds the wanted messages in the folder that `index` was made of, which must still be examined.
/// Each copy answers for one wanted message only.
pub(crate) fn matches(
    mailbox: &mut dyn Mailbox,
    index: &ServerIndex,
    wanted: &[Wanted],
    looking: Looking<'_>,
) -> Result<Vec<Match>, Error> {
    if !looking.sure {
        return Ok(by_summary(index, wanted));
    }
    let (mut found, doubtful) = cheap(index, wanted);
    if doubtful.candidates.is_empty() {
        return Ok(found);
    }
    let contents = contents(mailbox, &doubtful.candidates, looking.stop, &|_| {})?;
    found.extend(sure(wanted, &doubtful, &contents));
    Ok(found)
}

/// Wanted messages and candidates that only the whole content can tell apart.
struct Doubtful {
    /// Indices into the wanted.
    wanted: Vec<u32>,
    /// UIDs, ascending, each once.
    candidates: Vec<u32>,
}

fn cheap(index: &ServerIndex, wanted: &[Wanted]) -> (Vec<Match>, Doubtful) {
    let wanted_by: Groups = Groups::new(wanted.iter().map(|one| one.identity.summary));
    let held_by: Groups = Groups::new(index.messages.iter().map(|seen| seen.summary));
    let mut found = Vec::new();
    let mut doubtful = Doubtful {
        wanted: Vec::new(),
        candidates: Vec::new(),
    };
    let mut unseen = Vec::new();
    for (summary, group) in wanted_by.groups() {
        let held = held_by.of(summary);
        if let ([one], [copy]) = (group, held)
            && let (Some(one), Some(copy)) = (
                wanted.get(*one as usize),
                index.messages.get(*copy as usize),
            )
            && one.has_id
            && copy.has_id
            && one.size == copy.size
        {
            found.push(Match {
                key: one.key,
                uid: copy.uid,
                how: How::Cheap,
            });
        } else if held.is_empty() {
            unseen.extend_from_slice(group);
        } else {
            doubtful.wanted.extend_from_slice(group);
            doubtful.candidates.extend(
                held.iter()
                    .filter_map(|copy| index.messages.get(*copy as usize))
                    .map(|c| c.uid),
            );
        }
    }
    odd_headers(index, wanted, &unseen, &mut doubtful);
    doubtful.candidates.sort_unstable();
    doubtful.candidates.dedup();
    (found, doubtful)
}

/// A message without a Message-ID may have a header so odd that the server reads it in another way than we do.
/// Its candidates are the copies that have none either, of the same size.
fn odd_headers(index: &ServerIndex, wanted: &[Wanted], unseen: &[u32], doubtful: &mut Doubtful) {
    let odd: Vec<u32> = unseen
        .iter()
        .copied()
        .filter(|at| wanted.get(*at as usize).is_some_and(|one| !one.has_id))
        .collect();
    let sizes: HashSet<u64> = odd
        .iter()
        .filter_map(|at| wanted.get(*at as usize))
        .map(|one| one.size)
        .collect();
    let before = doubtful.candidates.len();
    let alike = index
        .messages
        .iter()
        .filter(|copy| !copy.has_id && sizes.contains(&copy.size));
    doubtful.candidates.extend(alike.map(|copy| copy.uid));
    if doubtful.candidates.len() > before {
        doubtful.wanted.extend(odd);
    }
}

fn sure(wanted: &[Wanted], doubtful: &Doubtful, contents: &[(u32, Identity)]) -> Vec<Match> {
    let mut copies: HashMap<Digest, Vec<u32>> = HashMap::new();
    for (uid, identity) in contents.iter().rev() {
        copies.entry(identity.content).or_default().push(*uid);
    }
    let claim = |at: &u32| {
        let one = wanted.get(*at as usize)?;
        let uid = copies.get_mut(&one.identity.content)?.pop()?;
        Some(Match {
            key: one.key,
            uid,
            how: How::Sure,
        })
    };
    doubtful.wanted.iter().filter_map(claim).collect()
}

/// Messages read back between two looks at whether the person wants to stop.
const AT_ONCE: usize = 128;

/// Reads messages of the examined folder back and says who they are; `progress` hears how many are done. Those
/// that vanished are left out.
pub(crate) fn contents(
    mailbox: &mut dyn Mailbox,
    uids: &[u32],
    stop: &Stop,
    progress: &dyn Fn(u64),
) -> Result<Vec<(u32, Identity)>, Error> {
    let mut found = Vec::with_capacity(uids.len());
    let mut failed = None;
    // Where there is nothing to ask the folder may even be gone, and none be open.
    for some in uids.chunks(AT_ONCE) {
        stop.check()?;
        mailbox.bodies(some, &mut |uid, body| {
            let mut fingerprinter = Fingerprinter::new();
            match std::io::copy(body, &mut fingerprinter) {
                Ok(_) => found.push((uid, fingerprinter.finish().identity)),
                Err(error) => failed = Some(error),
            }
            if found.len().is_multiple_of(100) {
                progress(found.len() as u64);
            }
        })?;
        if let Some(error) = failed {
            return Err(Error::ConnectionLost {
                server: mailbox.server().into(),
                detail: error.to_string(),
            });
        }
    }
    Ok(found)
}

/// Positions grouped by a digest: four bytes a message besides the digest itself.
pub(crate) struct Groups {
    digests: Vec<(Digest, u32)>,
    positions: Vec<u32>,
}

impl Groups {
    pub fn new(digests: impl Iterator<Item = Digest>) -> Groups {
        let mut digests: Vec<(Digest, u32)> = digests.zip(0..).collect();
        digests.sort_unstable();
        let positions = digests.iter().map(|(_, position)| *position).collect();
        Groups { digests, positions }
    }

    /// The positions that have this digest, ascending.
    pub fn of(&self, digest: Digest) -> &[u32] {
        let from = self.digests.partition_point(|(other, _)| *other < digest);
        let to = self.digests.partition_point(|(other, _)| *other <= digest);
        self.positions.get(from..to).unwrap_or_default()
    }

    /// Each digest once, with its positions.
    pub fn groups(&self) -> impl Iterator<Item = (Digest, &[u32])> {
        self.digests
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|group| {
                let (digest, _) = group.first()?;
                Some((*digest, self.of(*digest)))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::Connect;
    use crate::mailbox::memory::MemoryServer;

    fn wanted(key: u32, message: &[u8]) -> Wanted {
        let print = identity::of(message);
        Wanted {
            key,
            identity: print.identity,
            size: print.size,
            has_id: print.has_id,
        }
    }

    fn found(server: &MemoryServer, wanted: &[Wanted]) -> Vec<Match> {
        let mut mailbox = server.connect().unwrap();
        let index = index(mailbox.as_mut(), &MailboxName::inbox(), 1)
            .unwrap()
            .unwrap();
        let stop = Stop::default();
        let looking = Looking {
            stop: &stop,
            sure: true,
        };
        let mut found = matches(mailbox.as_mut(), &index, wanted, looking).unwrap();
        found.sort_by_key(|one| one.key);
        found
    }

    fn mail(id: &str, body: &str) -> Vec<u8> {
        let id = if id.is_empty() {
            String::new()
        } else {
            format!("Message-ID: <{id}>\r\n")
        };
        format!("{id}From: a\r\nSubject: s\r\n\r\n{body}\r\n").into_bytes()
    }

    #[test]
    fn a_unique_header_of_the_same_size_is_enough() {
        let server = MemoryServer::new();
        let uid = server.put("INBOX", &mail("1", "x"));
        assert_eq!(
            found(&server, &[wanted(7, &mail("1", "x"))]),
            [Match {
                key: 7,
                uid,
                how: How::Cheap
            }]
        );
        assert!(found(&server, &[wanted(7, &mail("2", "x"))]).is_empty());
    }

    #[test]
    fn the_message_id_alone_never_counts() {
        let server = MemoryServer::new();
        server.put("INBOX", &mail("1", "version one"));
        assert!(found(&server, &[wanted(0, &mail("1", "version two, longer"))]).is_empty());
        let uid = server.put("INBOX", &mail("1", "version two"));
        let both = [
            wanted(0, &mail("1", "version two")),
            wanted(1, &mail("1", "version 333")),
        ];
        assert_eq!(
            found(&server, &both),
            [Match {
                key: 0,
                uid,
                how: How::Sure
            }]
        );
    }

    #[test]
    fn a_truncated_copy_is_not_the_message() {
        let server = MemoryServer::new();
        server.put("INBOX", &mail("1", "the first ha"));
        assert!(
            found(
                &server,
                &[wanted(0, &mail("1", "the first half and the second"))]
            )
            .is_empty()
        );
    }

    #[test]
    fn messages_without_an_id_are_told_apart_by_their_content() {
        let server = MemoryServer::new();
        let one = server.put("INBOX", &mail("", "one"));
        let two = server.put("INBOX", &mail("", "two"));
        let all = [
            wanted(0, &mail("", "two")),
            wanted(1, &mail("", "one")),
            wanted(2, &mail("", "six")),
        ];
        let expected = [
            Match {
                key: 0,
                uid: two,
                how: How::Sure,
            },
            Match {
                key: 1,
                uid: one,
                how: How::Sure,
            },
        ];
        assert_eq!(found(&server, &all), expected);
    }

    #[test]
    fn each_copy_answers_for_one_wanted_message() {
        let server = MemoryServer::new();
        server.put("INBOX", &mail("1", "x"));
        let twice = [wanted(0, &mail("1", "x")), wanted(1, &mail("1", "x"))];
        assert_eq!(found(&server, &twice).len(), 1);
        server.put("INBOX", &mail("1", "x"));
        assert_eq!(found(&server, &twice).len(), 2);
    }

    #[test]
    fn a_copy_with_other_received_fields_and_line_ends_is_the_message() {
        let server = MemoryServer::new();
        let delivered = [
            b"Received: by server\r\n".as_slice(),
            &mail("1", "x"),
            b"\r\n",
        ]
        .concat();
        let uid = server.put("INBOX", &delivered);
        assert_eq!(
            found(&server, &[wanted(0, &mail("1", "x"))]),
            [Match {
                key: 0,
                uid,
                how: How::Sure
            }]
        );
    }
}
