//! APPEND: takes messages into the spool, all of a command or none (RFC 3502, RFC 4315, RFC 7888, RFC 7889).

use std::io;

use super::answer::Reply;
use super::folders::folder_name;
use super::line::Link;
use super::marks::{Marks, WrongFlag};
use super::parse::{Literal, Malformed, Parser, Token, trailing};
use super::session::Session;
use super::spool::Region;
use super::store::{Arrived, OVER_QUOTA, TRY_CREATE};
use crate::mailbox::MailboxName;
use crate::message::MailDate;

/// Messages that one command may bring.
const MESSAGES: usize = 10_000;

/// Longest name of a folder that comes as a literal.
const NAME: u64 = 4096;

impl<L: Link> Session<'_, L> {
    /// Does an APPEND of which the first line is read.
    pub(super) fn append(&mut self, parser: Parser, literal: Option<Literal>) -> io::Result<Reply> {
        let mut arrived = Vec::new();
        let reply = self.take_messages(parser, literal, &mut arrived);
        // Whatever is left here is in no folder: the last room first, so that all of it can be had again.
        for message in arrived.iter().rev() {
            self.store.spool.give_back(message.region);
        }
        reply
    }

    fn take_messages(
        &mut self,
        mut parser: Parser,
        mut literal: Option<Literal>,
        arrived: &mut Vec<Arrived>,
    ) -> io::Result<Reply> {
        let mut words = match parser.take() {
            Ok(mut words) => words.split_off(words.len().min(2)),
            Err(why) => return self.refuse(Reply::bad(why.0), literal),
        };
        let mut folder = None;
        while let Some(next) = literal {
            if folder.is_none() && words.is_empty() {
                if next.size > NAME {
                    return self.refuse(Reply::no("[CANNOT] that name is too long"), literal);
                }
                words.push(Token::Text(self.small_literal(next)?));
            } else {
                let (into, head) = match self.head(folder, &words) {
                    Ok(known) => known,
                    Err(reply) => return self.refuse(reply, literal),
                };
                folder = Some(into);
                if let Err(reply) = self.room_for(next.size, arrived) {
                    return self.refuse(reply, literal);
                }
                let Some(region) = self.store.spool.reserve(next.size) else {
                    return self.refuse(Reply::no(OVER_QUOTA), literal);
                };
                arrived.push(head.into_arrived(region));
                self.go_ahead(next)?;
                let (header, spooled) = self.spool(region)?;
                if let Some(message) = arrived.last_mut() {
                    message.header = header;
                }
                if let Err(error) = spooled {
                    let line = self.line.line()?;
                    let words = format!("[UNAVAILABLE] this computer could not store it: {error}");
                    return self.refuse(Reply::no(one_line(&words)), trailing(&line));
                }
                words.clear();
            }
            let line = self.line.line()?;
            let read = parser
                .line(&line)
                .and_then(|literal| Ok((literal, parser.take()?)));
            match read {
                Ok((more, tokens)) => {
                    literal = more;
                    words.extend(tokens);
                }
                Err(Malformed(why)) => return self.refuse(Reply::bad(why), trailing(&line)),
            }
        }
        match folder {
            Some(folder) if words.is_empty() => Ok(self.commit(&folder, arrived)),
            _ => Ok(Reply::bad("APPEND takes a folder and messages")),
        }
    }

    fn refuse(&mut self, reply: Reply, literal: Option<Literal>) -> io::Result<Reply> {
        self.pass_over(literal)?;
        Ok(reply)
    }

    /// Reads what stands before a message: the folder before the first, flags and date before each.
    fn head(
        &self,
        known: Option<MailboxName>,
        words: &[Token],
    ) -> Result<(MailboxName, Head), Reply> {
        let (folder, words) = match (known, words) {
            (Some(folder), words) => (folder, words),
            (None, [name, words @ ..]) => {
                let name = folder_name(name)
                    .ok_or_else(|| Reply::no("[CANNOT] that is no name of a folder"))?;
                (name, words)
            }
            (None, []) => return Err(Reply::bad("APPEND takes a folder and messages")),
        };
        let mut state = self.store.state();
        if !state.folders.contains_key(&folder) {
            return Err(Reply::no(TRY_CREATE));
        }
        let (flags, words) = match words {
            [Token::List(flags), words @ ..] => (flags.as_slice(), words),
            words => (&[][..], words),
        };
        let marks = state.keywords.read(flags).map_err(|wrong| match wrong {
            WrongFlag::Unknown => Reply::bad("that is no flag"),
            WrongFlag::TooMany => Reply::no("[LIMIT] there are too many keywords"),
        })?;
        let date = match words {
            [] => None,
            [Token::Text(date)] => {
                let date = std::str::from_utf8(date).ok().and_then(MailDate::from_imap);
                Some(date.ok_or_else(|| Reply::bad("that is no date"))?)
            }
            _ => return Err(Reply::bad("APPEND takes flags, a date and a message")),
        };
        Ok((folder, Head { marks, date }))
    }

    fn room_for(&self, size: u64, arrived: &[Arrived]) -> Result<(), Reply> {
        let limits = self.store.limits;
        if size == 0 {
            // In the middle of others this is how a client takes all of them back (RFC 3502, 6.3.11).
            return Err(Reply::no("a message of no bytes is not stored"));
        }
        if size > limits.message {
            return Err(Reply::no(format!(
                "[TOOBIG] a message may have {} bytes here",
                limits.message
            )));
        }
        if arrived.len() >= MESSAGES {
            return Err(Reply::no("[LIMIT] too many messages at once"));
        }
        let before: u64 = arrived.iter().map(|message| message.region.length).sum();
        let after = self
            .store
            .state()
            .used
            .saturating_add(before)
            .saturating_add(size);
        if after > limits.mailbox {
            return Err(Reply::no(OVER_QUOTA));
        }
        Ok(())
    }

    /// Reads a message into its region. Returns the length of its header, and how writing went:
    /// even where that fails the message is read to its end.
    fn spool(&mut self, region: Region) -> io::Result<(u64, io::Result<()>)> {
        let mut header = HeaderEnd::default();
        let mut at = region.start;
        let mut written = Ok(());
        let spool = &self.store.spool;
        self.line.literal(region.length, |piece| {
            header.take(piece);
            if written.is_ok() {
                written = spool.write(at, piece);
            }
            at += piece.len() as u64;
        })?;
        Ok((header.length, written))
    }

    fn commit(&mut self, folder: &MailboxName, arrived: &mut Vec<Arrived>) -> Reply {
        // Kept aside, for their room must be given back if they are refused after all.
        let regions: Vec<Region> = arrived.iter().map(|message| message.region).collect();
        let given = self.store.state().append(folder, std::mem::take(arrived));
        match given {
            Ok(given) if given.first == given.last => Reply::ok(format!(
                "[APPENDUID {} {}] stored",
                given.uid_validity, given.first
            )),
            Ok(given) => {
                let words = format!(
                    "[APPENDUID {} {}:{}] stored",
                    given.uid_validity, given.first, given.last
                );
                Reply::ok(words)
            }
            Err(words) => {
                for region in regions.into_iter().rev() {
                    self.store.spool.give_back(region);
                }
                Reply::no(words)
            }
        }
    }
}

/// What stands before a message.
struct Head {
    marks: Marks,
    date: Option<MailDate>,
}

impl Head {
    fn into_arrived(self, region: Region) -> Arrived {
        Arrived {
            marks: self.marks,
            date: self.date,
            region,
            header: 0,
        }
    }
}

/// Finds the end of a header in bytes that come in pieces.
struct HeaderEnd {
    /// Bytes of the header so far, the empty line included.
    length: u64,
    /// Whether the line so far is empty.
    empty: bool,
    found: bool,
}

impl Default for HeaderEnd {
    fn default() -> Self {
        HeaderEnd {
            length: 0,
            empty: true,
            found: false,
        }
    }
}

impl HeaderEnd {
    fn take(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.found {
                return;
            }
            self.length += 1;
            match byte {
                b'\n' => {
                    self.found = self.empty;
                    self.empty = true;
                }
                b'\r' => {}
                _ => self.empty = false,
            }
        }
    }
}

/// Words of the system without line ends, which would break the answer.
fn one_line(words: &str) -> String {
    words
        .chars()
        .map(|c| {
            if c.is_control() || !c.is_ascii() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::store::Store;
    use crate::rehearsal::testing::{SMALL, append, append_raw, small_store, talk};

    fn sizes(store: &Store) -> Vec<u64> {
        let state = store.state();
        let inbox = &state.folders[&MailboxName::inbox()];
        inbox
            .messages
            .iter()
            .map(|message| message.region.length)
            .collect()
    }

    #[test]
    fn a_message_is_kept_to_the_byte_with_its_flags_and_its_date() {
        let store = small_store();
        let message = b"Subject: \xe4\r\n\r\nbare\nNUL\0 x LOGOUT\r\n";
        let mut said = format!(
            "a APPEND INBOX (\\Seen $Label1) \" 7-May-2009 12:34:56 +0200\" {{{}+}}\r\n",
            message.len()
        )
        .into_bytes();
        said.extend_from_slice(message);
        said.extend_from_slice(b"\r\nb NOOP\r\n");
        let heard = talk(&store, said);
        assert!(
            heard.starts_with("a OK [APPENDUID ") && heard.contains(" 1] stored\r\nb OK"),
            "{heard}"
        );
        let state = store.state();
        let kept = &state.folders[&MailboxName::inbox()].messages[0];
        assert_eq!(store.spool.head(kept.region, 999).unwrap(), message);
        assert_eq!(state.keywords.write(&kept.marks), "\\Seen $Label1");
        assert_eq!(kept.date.imap(), "07-May-2009 12:34:56 +0200");
        assert_eq!(kept.header, 14);
    }

    #[test]
    fn many_messages_come_with_one_command() {
        let store = small_store();
        let heard = talk(
            &store,
            "a APPEND INBOX {3}\r\none (\\Seen) {4+}\r\nfour {2+}\r\nhi\r\nb NOOP\r\n",
        );
        assert!(
            heard.starts_with("+ go ahead\r\na OK [APPENDUID "),
            "{heard}"
        );
        assert!(heard.contains(" 1:3] stored\r\n") && heard.contains("b OK"));
        assert_eq!(sizes(&store), [3, 4, 2]);
    }

    #[test]
    fn the_name_of_the_folder_may_be_a_literal() {
        let store = small_store();
        let heard = talk(
            &store,
            "a APPEND {5}\r\nINBOX {3+}\r\none\r\nb APPEND {9999}\r\nc NOOP\r\n",
        );
        assert!(
            heard.contains("a OK") && heard.contains("b NO") && heard.contains("c OK"),
            "{heard}"
        );
        assert_eq!(sizes(&store), [3]);
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_before_it_is_sent() {
        let heard = talk(
            &small_store(),
            "a APPEND INBOX {1001}\r\nb APPEND INBOX {1000}\r\n",
        );
        assert!(
            heard.starts_with("a NO [TOOBIG]") && heard.ends_with("+ go ahead\r\n"),
            "{heard}"
        );
    }

    #[test]
    fn one_message_too_large_among_others_refuses_them_all_and_stays_in_step() {
        let store = small_store();
        let big = "b LOGOUT\r\n".repeat(101);
        let heard = talk(
            &store,
            format!(
                "a APPEND INBOX {{3+}}\r\none {{{}+}}\r\n{big} {{3+}}\r\ntwo\r\nc NOOP\r\n",
                big.len()
            ),
        );
        let tags: Vec<&str> = heard.lines().map(|line| &line[..2]).collect();
        assert_eq!(tags, ["a ", "c "], "{heard}");
        assert!(heard.contains("[TOOBIG]"));
        assert_eq!(sizes(&store), [0u64; 0]);
        assert_eq!(
            store
                .spool
                .reserve(SMALL.mailbox * 2)
                .map(|region| region.start),
            Some(0),
            "room given back"
        );
    }

    #[test]
    fn a_full_mailbox_says_so_before_the_message_comes() {
        let store = small_store();
        let full = append_raw(&"x".repeat(1000)).repeat(3);
        let heard = talk(
            &store,
            format!("{full}a APPEND INBOX {{1}}\r\nb APPEND INBOX {{1+}}\r\nx\r\nc NOOP\r\n"),
        );
        assert_eq!(heard.matches("app OK").count(), 3);
        assert!(
            heard.contains("a NO [OVERQUOTA]")
                && heard.contains("b NO [OVERQUOTA]")
                && heard.contains("c OK")
        );
        assert_eq!(store.state().used, 3000);
    }

    #[test]
    fn what_is_missing_wrong_or_empty_is_refused() {
        let store = small_store();
        for (said, answer) in [
            ("a APPEND Nowhere {3+}\r\nabc\r\n", "a NO [TRYCREATE]"),
            ("a APPEND Nowhere {3}\r\n", "a NO [TRYCREATE]"),
            ("a APPEND INBOX {0+}\r\n\r\n", "a NO "),
            ("a APPEND INBOX {3+}\r\nabc {0}\r\n", "a NO "),
            ("a APPEND INBOX (\\Seen\r\n", "a BAD"),
            ("a APPEND INBOX (\\Recent) {3+}\r\nabc\r\n", "a BAD"),
            ("a APPEND INBOX \"yesterday\" {3+}\r\nabc\r\n", "a BAD"),
            ("a APPEND INBOX {3+}\r\nabc (\\Seen)\r\n", "a BAD"),
            ("a APPEND INBOX {3+}\r\nabc x {3+}\r\nabc\r\n", "a BAD"),
            ("a APPEND INBOX\r\n", "a BAD"),
            ("a APPEND\r\n", "a BAD"),
        ] {
            let heard = talk(&store, format!("{said}b NOOP\r\n"));
            assert!(
                heard.starts_with(answer) && heard.contains("\r\nb OK"),
                "{said}: {heard}"
            );
            assert_eq!(heard.lines().count(), 2, "{heard}");
        }
        assert_eq!(sizes(&store), [0u64; 0]);
    }

    #[test]
    fn a_client_that_vanishes_inside_a_message_stores_nothing() {
        let whole = append("first") + &append("second");
        let first = append("first").len();
        for cut in 0..whole.len() {
            let store = small_store();
            talk(&store, &whole[..cut]);
            assert_eq!(sizes(&store).len(), usize::from(cut >= first), "{cut}");
        }
        let store = small_store();
        talk(&store, "a APPEND INBOX {3+}\r\none {5+}\r\ntwo");
        assert_eq!(sizes(&store), [0u64; 0]);
        assert!(
            store.spool.reserve(SMALL.mailbox * 2).is_some(),
            "room given back"
        );
    }

    #[test]
    fn the_header_ends_at_the_first_empty_line() {
        for (message, length) in [
            ("A: b\r\n\r\nc", 8),
            ("A: b\n\nc", 6),
            ("\r\nc", 2),
            ("A: b\r\n", 6),
            ("A", 1),
        ] {
            let mut end = HeaderEnd::default();
            message.bytes().for_each(|byte| end.take(&[byte]));
            assert_eq!(end.length, length, "{message:?}");
        }
    }
}
