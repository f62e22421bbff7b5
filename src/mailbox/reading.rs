//! The messages of a folder: its index, whole messages, and added flags.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Read, Seek};

use super::fetch::{Attribute, Content, Fetch};
use super::response::{Answer, Status};
use super::session::{Session, refused};
use super::wire::Stream;
use super::{Indexed, MailboxName, uids};
use crate::error::Error;
use crate::message::{Flags, Keywords};

/// Messages asked for with one command.
const AT_ONCE: usize = 64;

/// Commands under way, so that the line stays full.
const AHEAD: usize = 2;

/// How often the server is asked for what it should have and does not show.
const TRIES: u32 = 2;

/// Longest header kept of a message in the index; identities look no further into a field than 64 KiB.
const LONGEST_HEADER: u64 = 1024 * 1024;

/// Up to here a message whose UID comes late is kept in memory, beyond in a temporary file.
const IN_MEMORY: usize = 1024 * 1024;

impl<S: Stream> Session<S> {
    /// Each message from a UID on, as it comes. Where the server tells of fewer than the folder holds it is asked once
    /// more: what is believed to be missing would be sent again.
    pub fn index_from(&mut self, from: u32, each: &mut dyn FnMut(Indexed)) -> Result<(), Error> {
        let exists = match &self.open {
            None => return Err(nothing_open()),
            Some(open) if open.exists == 0 => return Ok(()),
            Some(open) => open.exists as usize,
        };
        let from = from.max(1);
        let fields = "MESSAGE-ID DATE FROM TO SUBJECT";
        let command = format!(
            "UID FETCH {from}:* (UID RFC822.SIZE FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS ({fields})])"
        );
        let mut told = HashSet::new();
        for _ in 0..TRIES {
            let answer = self.ask(&command, &mut |data, input| {
                let Some(fetch) = Fetch::begin(data, input) else {
                    return Ok(false);
                };
                // "n:*" always names the last message, even one below n.
                if let Some(indexed) = indexed(fetch)?.filter(|indexed| indexed.uid >= from)
                    && told.insert(indexed.uid)
                {
                    each(indexed);
                }
                Ok(true)
            })?;
            done("list the messages of a folder", &answer)?;
            // How many there are from a later UID on, nobody has told.
            if from > 1 || told.len() >= exists {
                break;
            }
        }
        Ok(())
    }

    /// Whole messages, many asked for at once. Those that don't come are asked for once more: they may be gone, and
    /// the server may have lost its way.
    pub fn whole(
        &mut self,
        wanted: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error> {
        if self.open.is_none() {
            return Err(nothing_open());
        }
        let mut missing = wanted.to_vec();
        missing.sort_unstable();
        for _ in 0..TRIES {
            let mut came = HashSet::new();
            self.pass(&missing, &mut |uid, body| {
                if came.insert(uid) {
                    each(uid, body);
                }
            })?;
            missing.retain(|uid| !came.contains(uid));
            if missing.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Asks for whole messages, whose UIDs are sorted.
    fn pass(
        &mut self,
        wanted: &[u32],
        each: &mut dyn FnMut(u32, &mut dyn Read),
    ) -> Result<(), Error> {
        let mut sets = uids::sets(wanted, AT_ONCE).into_iter();
        let mut ahead = VecDeque::new();
        let mut result = Ok(());
        loop {
            // After a no, what is under way is still read to its end, so that the connection stays in step.
            while result.is_ok() && ahead.len() < AHEAD {
                let Some(set) = sets.next() else { break };
                ahead.push_back(self.send(&format!("UID FETCH {set} (UID BODY.PEEK[])"))?);
            }
            let Some(tag) = ahead.pop_front() else {
                return result;
            };
            let answer = self.receive(&tag, &mut |data, input| {
                let Some(fetch) = Fetch::begin(data, input) else {
                    return Ok(false);
                };
                hand_over(fetch, &mut |uid, body| {
                    if wanted.binary_search(&uid).is_ok() {
                        each(uid, body);
                    }
                })?;
                Ok(true)
            })?;
            result = result.and(done("read messages back", &answer));
        }
    }

    /// Adds flags to messages, and leaves the folder without expunging.
    pub fn add(
        &mut self,
        name: &MailboxName,
        wanted: &[u32],
        flags: Flags,
        tags: &Keywords,
    ) -> Result<(), Error> {
        let mut names: Vec<&str> = flags.names().collect();
        names.extend(tags.iter().map(|tag| tag.atom()));
        if names.is_empty() || wanted.is_empty() {
            return Ok(());
        }
        if let Err(answer) = self.open("SELECT", name)? {
            return Err(refused("add flags", &answer));
        }
        let mut result = Ok(());
        for set in uids::sets(wanted, usize::MAX) {
            let answer = self.ask(
                &format!("UID STORE {set} +FLAGS.SILENT ({})", names.join(" ")),
                &mut |_, _| Ok(false),
            )?;
            result = done("add flags", &answer);
            if result.is_err() {
                break;
            }
        }
        self.leave_folder()?;
        result
    }
}

fn nothing_open() -> Error {
    Error::Bug {
        detail: "no folder is open".into(),
    }
}

/// A yes, or a no that only says that some messages are gone (RFC 2180, 4.1; RFC 5530, EXPUNGEISSUED).
fn done(doing: &str, answer: &Answer) -> Result<(), Error> {
    let words = answer.words.to_lowercase();
    let gone = answer.is_code("EXPUNGEISSUED")
        || words.contains("no longer exist")
        || words.contains("expunged");
    match answer.status {
        Status::Ok => Ok(()),
        Status::No if gone => Ok(()),
        _ => Err(refused(doing, answer)),
    }
}

/// `None` for what is no answer to our question, such as a change of flags.
fn indexed(mut fetch: Fetch<'_>) -> io::Result<Option<Indexed>> {
    let (mut uid, mut size, mut header) = (None, None, None);
    let (mut flags, mut keywords, mut date) = (Flags::NONE, Vec::new(), None);
    while let Some(attribute) = fetch.next()? {
        match attribute {
            Attribute::Uid(told) => uid = Some(told),
            Attribute::Size(told) => size = Some(told),
            Attribute::Flags(told, tags) => (flags, keywords) = (told, tags),
            Attribute::Date(told) => date = told,
            Attribute::Body(content) => header = Some(held(content, &mut fetch)?),
            Attribute::Other => {}
        }
    }
    let whole = uid.zip(size).zip(header);
    Ok(whole.map(|((uid, size), header)| Indexed {
        uid,
        size,
        flags,
        keywords,
        date,
        header,
    }))
}

fn held(content: Content, fetch: &mut Fetch<'_>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match content {
        Content::Nil => {}
        Content::Quoted(text) => bytes = text,
        Content::Literal(_) => {
            fetch.take(LONGEST_HEADER).read_to_end(&mut bytes)?;
        }
    }
    Ok(bytes)
}

/// Gives a message on as it comes, or, where its UID comes after it, once that is known.
fn hand_over(mut fetch: Fetch<'_>, each: &mut dyn FnMut(u32, &mut dyn Read)) -> io::Result<()> {
    let (mut uid, mut kept) = (None, None);
    while let Some(attribute) = fetch.next()? {
        match (attribute, uid) {
            (Attribute::Uid(told), _) => uid = Some(told),
            (Attribute::Body(Content::Literal(_)), Some(uid)) => each(uid, &mut fetch),
            (Attribute::Body(Content::Quoted(text)), Some(uid)) => each(uid, &mut text.as_slice()),
            (Attribute::Body(content @ (Content::Literal(_) | Content::Quoted(_))), None) => {
                let mut spool = tempfile::spooled_tempfile(IN_MEMORY);
                match content {
                    Content::Quoted(text) => io::copy(&mut text.as_slice(), &mut spool)?,
                    _ => io::copy(&mut fetch, &mut spool)?,
                };
                kept = Some(spool);
            }
            _ => {}
        }
    }
    if let (Some(uid), Some(mut spool)) = (uid, kept) {
        spool.rewind()?;
        each(uid, &mut spool);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{OPENED, signed_in};
    use super::*;
    use crate::message::{Keyword, MailDate};

    #[test]
    fn the_index_is_read_as_it_comes() {
        let (mut session, server) = signed_in("", |server| {
            server.answer(OPENED);
            server.answer(
                "* 1 FETCH (UID 4 RFC822.SIZE 9 BODY[HEADER.FIELDS (DATE)] {2}\r\n\r\n)\r\n\
                 * 2 FETCH (FLAGS (\\Seen))\r\n* 5 EXISTS\r\n* BYE not yet\r\n\
                 * 2 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {15}\r\nSubject: a)\r\n\r\n FLAGS (\\Seen $Forwarded) INTERNALDATE \"17-May-2009 12:34:56 +0200\" RFC822.SIZE 123 UID 7)\r\n\
                 {tag} OK\r\n",
            );
        });
        session.examine_folder(&MailboxName::inbox()).unwrap();
        let mut found = Vec::new();
        session
            .index_from(5, &mut |indexed| found.push(indexed))
            .unwrap();
        let [only] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((only.uid, only.size, only.flags), (7, 123, Flags::SEEN));
        assert_eq!(only.keywords, ["$Forwarded"]);
        assert_eq!(only.date, MailDate::from_imap("17-May-2009 12:34:56 +0200"));
        assert_eq!(only.header, b"Subject: a)\r\n\r\n");
        drop(session);
        let asked = "S2 UID FETCH 5:* (UID RFC822.SIZE FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM TO SUBJECT)])";
        assert_eq!(server.join().unwrap()[1], asked);
    }

    #[test]
    fn whole_messages_come_whatever_the_order_and_only_those_wanted() {
        let (mut session, server) = signed_in("", |server| {
            server.answer(OPENED);
            server.answer(
                "* 1 FETCH (UID 4 BODY[] {3}\r\na)\n)\r\n* 2 FETCH (BODY[] {2}\r\nbb UID 5)\r\n* 3 FETCH (UID 6 BODY[] \"cc\")\r\n\
                 * 9 FETCH (UID 99 BODY[] \"no\")\r\n* 4 FETCH (UID 8 BODY[] NIL)\r\n{tag} NO [EXPUNGEISSUED] some are gone\r\n",
            );
            server.answer("* 4 FETCH (UID 8 BODY[] NIL)\r\n{tag} OK\r\n");
        });
        session.examine_folder(&MailboxName::inbox()).unwrap();
        let mut found = Vec::new();
        session
            .whole(&[6, 4, 5, 8], &mut |uid, body| {
                let mut text = String::new();
                // Not read to the end: what is left is skipped.
                body.take(if uid == 4 { 1 } else { 100 })
                    .read_to_string(&mut text)
                    .unwrap();
                found.push((uid, text));
            })
            .unwrap();
        assert_eq!(
            found,
            [(4, "a".to_string()), (5, "bb".into()), (6, "cc".into())]
        );
        drop(session);
        assert_eq!(
            server.join().unwrap()[1..],
            [
                "S2 UID FETCH 4:6,8 (UID BODY.PEEK[])",
                "S3 UID FETCH 8 (UID BODY.PEEK[])"
            ]
        );
    }

    #[test]
    fn an_index_with_fewer_messages_than_the_folder_has_is_asked_for_once_more() {
        let told = |uid: u32| {
            format!(
                "* 1 FETCH (UID {uid} RFC822.SIZE 9 BODY[HEADER.FIELDS (DATE)] {{2}}\r\n\r\n)\r\n"
            )
        };
        let (mut session, _server) = signed_in("", move |server| {
            server.answer(
                "* 2 EXISTS\r\n* OK [PERMANENTFLAGS (\\*)]\r\n* OK [UIDNEXT 9]\r\n{tag} OK\r\n",
            );
            server.answer(&format!("{}{{tag}} OK\r\n", told(3)));
            server.answer(&format!("{}{}{{tag}} OK\r\n", told(3), told(4)));
        });
        session.examine_folder(&MailboxName::inbox()).unwrap();
        let mut found = Vec::new();
        session
            .index_from(1, &mut |indexed| found.push(indexed.uid))
            .unwrap();
        assert_eq!(found, [3, 4]);
    }

    #[test]
    fn a_no_while_reading_leaves_the_connection_in_step() {
        let (mut session, server) = signed_in("", |server| {
            server.answer(OPENED);
            server.line();
            server.line();
            server.say("S2 NO [SERVERBUG] oops\r\n* 1 FETCH (UID 65 BODY[] \"x\")\r\nS3 OK\r\n");
            server.answer("{tag} OK\r\n");
        });
        session.examine_folder(&MailboxName::inbox()).unwrap();
        let error = session
            .whole(&(1..200).collect::<Vec<_>>(), &mut |_, _| {})
            .unwrap_err();
        assert!(matches!(error, Error::ServerTrouble { .. }));
        session.leave_folder().unwrap();
        drop(session);
        assert_eq!(server.join().unwrap().last().unwrap(), "S4 CLOSE");
    }

    #[test]
    fn a_connection_that_breaks_inside_a_message_is_lost() {
        let (mut session, _server) = signed_in("", |server| {
            server.answer(OPENED);
            server.line();
            server.say("* 1 FETCH (UID 4 BODY[] {300}\r\nshort");
        });
        session.examine_folder(&MailboxName::inbox()).unwrap();
        let mut failed = false;
        let result = session.whole(&[4], &mut |_, body| {
            failed = body.read_to_end(&mut Vec::new()).is_err()
        });
        assert!(failed && matches!(result, Err(Error::ConnectionLost { .. })));
    }

    #[test]
    fn flags_are_only_ever_added_and_nothing_is_expunged() {
        let tags = Keywords::new(vec![Keyword::new("$label1", "Important").unwrap()]);
        for (capabilities, last) in [
            ("UNSELECT", vec!["S3 UNSELECT"]),
            ("", vec!["S3 EXAMINE \"INBOX\"", "S4 CLOSE"]),
        ] {
            let (mut session, server) = signed_in(capabilities, |server| {
                server.answer("* 3 EXISTS\r\n{tag} OK [READ-WRITE]\r\n");
                server.answer("* 1 FETCH (FLAGS (\\Seen))\r\n{tag} OK\r\n");
                // EXAMINE and CLOSE, or UNSELECT alone.
                server.answer("* 3 EXISTS\r\n{tag} OK\r\n");
                server.answer("{tag} OK\r\n");
            });
            session
                .add(&MailboxName::inbox(), &[3, 1, 2, 9], Flags::SEEN, &tags)
                .unwrap();
            session
                .add(&MailboxName::inbox(), &[], Flags::SEEN, &tags)
                .unwrap();
            drop(session);
            let log = server.join().unwrap();
            assert_eq!(
                log[..2],
                [
                    "S1 SELECT \"INBOX\"",
                    "S2 UID STORE 1:3,9 +FLAGS.SILENT (\\Seen $label1)"
                ]
            );
            assert_eq!(log[2..], last);
        }
    }
}
