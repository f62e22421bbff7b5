//! Commands on messages of the open folder: which messages, then FETCH, SEARCH, STORE, COPY, MOVE or EXPUNGE.

use std::io;

use super::answer::{Reply, set};
use super::folders::folder_name;
use super::line::Link;
use super::marks::{Change, WrongFlag};
use super::parse::Token;
use super::session::Session;
use super::sets::Set;
use super::store::{Arrived, TRY_CREATE};
use crate::mailbox::MailboxName;

/// A message that a command means: its number and its UID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) number: usize,
    pub(super) uid: u32,
}

impl<L: Link> Session<'_, L> {
    /// Does a command on messages, named by UIDs or by numbers.
    pub(super) fn on_messages(
        &mut self,
        name: &str,
        args: &[Token],
        by_uid: bool,
    ) -> io::Result<Reply> {
        let Some(selected) = &self.selected else {
            return Ok(Reply::bad("no folder is open"));
        };
        let folder = selected.name.clone();
        let read_only = selected.read_only;
        if name == "SEARCH" {
            return self.search(&folder, args, by_uid);
        }
        let Some(set) = args.first().and_then(Token::text).and_then(Set::read) else {
            return Ok(Reply::bad("a set of messages is missing"));
        };
        if name == "EXPUNGE" && by_uid {
            return Ok(self.expunge(Some(&set)));
        }
        let meant = self.meant(&set, by_uid);
        let rest = args.get(1..).unwrap_or_default();
        match name {
            "FETCH" => self.fetch(&folder, &meant, rest, by_uid, read_only),
            "STORE" | "MOVE" if read_only => {
                Ok(Reply::no("[CANNOT] the folder is open for reading only"))
            }
            "STORE" => self.store_flags(&folder, &meant, rest, by_uid),
            "COPY" => self.copy(&folder, &meant, rest, false),
            "MOVE" => self.copy(&folder, &meant, rest, true),
            _ => Ok(Reply::bad("that command is not known here")),
        }
    }

    /// The messages that a set means, of those the client knows.
    pub(super) fn meant(&self, set: &Set, by_uid: bool) -> Vec<Meant> {
        let uids = self
            .selected
            .as_ref()
            .map_or(&[][..], |selected| &selected.uids);
        let places = if by_uid {
            set.places(uids)
        } else {
            let numbers: Vec<u32> = (1..=u32::try_from(uids.len()).unwrap_or(u32::MAX)).collect();
            set.places(&numbers)
        };
        let meant = |place: usize| {
            Some(Meant {
                number: place + 1,
                uid: *uids.get(place)?,
            })
        };
        places.into_iter().filter_map(meant).collect()
    }

    /// STORE (RFC 9051, 6.4.6).
    fn store_flags(
        &mut self,
        folder: &MailboxName,
        meant: &[Meant],
        args: &[Token],
        by_uid: bool,
    ) -> io::Result<Reply> {
        let [how, flags @ ..] = args else {
            return Ok(Reply::bad("STORE takes flags"));
        };
        let word = how.word().unwrap_or_default();
        let (word, silent) = word
            .strip_suffix(".SILENT")
            .map_or((word.as_str(), false), |word| (word, true));
        let how = match word {
            "FLAGS" => Change::Replace,
            "+FLAGS" => Change::Add,
            "-FLAGS" => Change::Remove,
            _ => return Ok(Reply::bad("STORE knows FLAGS, +FLAGS and -FLAGS")),
        };
        let flags = match flags {
            [Token::List(flags)] => flags.as_slice(),
            flags => flags,
        };
        let read = self.store.state().keywords.read(flags);
        let marks = match read {
            Ok(marks) => marks,
            Err(WrongFlag::Unknown) => return Ok(Reply::bad("that is no flag")),
            Err(WrongFlag::TooMany) => return Ok(Reply::no("[LIMIT] there are too many keywords")),
        };
        for message in meant {
            let mut state = self.store.state();
            let stored = state
                .folders
                .get_mut(folder)
                .and_then(|folder| folder.message_mut(message.uid));
            let Some(stored) = stored else {
                continue;
            };
            stored.marks.change(how, &marks);
            let marks = stored.marks.clone();
            let flags = state.keywords.write(&marks);
            drop(state);
            if !silent {
                let uid = if by_uid {
                    format!("UID {} ", message.uid)
                } else {
                    String::new()
                };
                let line = format!("* {} FETCH ({uid}FLAGS ({flags}))\r\n", message.number);
                self.line.send(line.as_bytes())?;
            }
        }
        Ok(Reply::ok("done"))
    }

    /// COPY (RFC 9051, 6.4.7) and MOVE (RFC 6851). A copy shares the bytes in the spool.
    fn copy(
        &mut self,
        from: &MailboxName,
        meant: &[Meant],
        args: &[Token],
        moves: bool,
    ) -> io::Result<Reply> {
        let Some(into) = args.first().and_then(folder_name) else {
            return Ok(Reply::no(TRY_CREATE));
        };
        let mut state = self.store.state();
        let Some(folder) = state.folders.get(from) else {
            return Ok(Reply::no("[NONEXISTENT] the folder is gone"));
        };
        let found = meant
            .iter()
            .filter_map(|message| folder.message(message.uid));
        let (uids, arrived): (Vec<u32>, Vec<Arrived>) = found
            .map(|message| {
                let copy = Arrived {
                    marks: message.marks.clone(),
                    date: Some(message.date),
                    region: message.region,
                    header: message.header,
                };
                (message.uid, copy)
            })
            .unzip();
        if uids.is_empty() {
            return Ok(if state.folders.contains_key(&into) {
                Reply::ok("nothing to do")
            } else {
                Reply::no(TRY_CREATE)
            });
        }
        // What moves takes no more room than before, so that a full mailbox can be tidied.
        let same_room = if moves {
            arrived.iter().map(|message| message.region.length).sum()
        } else {
            0u64
        };
        state.used = state.used.saturating_sub(same_room);
        let given = state.append(&into, arrived);
        state.used += same_room;
        let given = match given {
            Ok(given) => given,
            Err(words) => return Ok(Reply::no(words)),
        };
        if moves {
            state.expunge(from, |message| uids.binary_search(&message.uid).is_ok());
        }
        drop(state);
        let new: Vec<u32> = (given.first..=given.last).collect();
        let code = format!(
            "[COPYUID {} {} {}]",
            given.uid_validity,
            set(&uids),
            set(&new)
        );
        if !moves {
            return Ok(Reply::ok(format!("{code} copied")));
        }
        self.line
            .send(format!("* OK {code} moved\r\n").as_bytes())?;
        Ok(Reply::ok("done"))
    }
}

#[cfg(test)]
mod tests {
    use crate::rehearsal::testing::{append, small_store, talk};

    #[test]
    fn flags_are_changed_and_told() {
        let said = format!(
            "{0}{0}a SELECT INBOX\r\nb STORE 1 FLAGS (\\Seen work)\r\nc UID STORE 2 +FLAGS.SILENT \\Flagged \\Answered\r\n\
             d UID STORE 1:* -FLAGS (\\Seen)\r\ne STORE 1 FLAGS ()\r\nf STORE 1 FLOGS (x)\r\ng STORE 1 +FLAGS (\\Recent)\r\n\
             h EXAMINE INBOX\r\ni STORE 1 +FLAGS (\\Seen)\r\n",
            append("x")
        );
        let heard = talk(&small_store(), said);
        for part in [
            "* 1 FETCH (FLAGS (\\Seen work))\r\nb OK done\r\nc OK",
            "* 1 FETCH (UID 1 FLAGS (work))\r\n* 2 FETCH (UID 2 FLAGS (\\Answered \\Flagged))\r\nd OK",
            "* 1 FETCH (FLAGS ())\r\ne OK",
            "f BAD",
            "g BAD",
            "i NO",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
    }

    #[test]
    fn messages_are_copied_and_moved() {
        let store = small_store();
        let said = format!(
            "{0}{0}{0}a SELECT INBOX\r\nb COPY 1,3 Sent\r\nc UID MOVE 2 Trash\r\nd COPY 1 Nowhere\r\ne UID COPY 99 Sent\r\n\
             f STATUS Sent (MESSAGES)\r\ng STATUS Trash (MESSAGES)\r\nh STATUS INBOX (MESSAGES)\r\ni EXPUNGE\r\nj SELECT Sent\r\nk FETCH 2 BODY[TEXT]\r\n",
            append("x")
        );
        let heard = talk(&store, said);
        for part in [
            " 1,3 1:2] copied",
            "b OK [COPYUID ",
            " 2 1] moved\r\n* 2 EXPUNGE\r\nc OK",
            "d NO [TRYCREATE]",
            "e OK",
            "\"Sent\" (MESSAGES 2)",
            "\"Trash\" (MESSAGES 1)",
            "\"INBOX\" (MESSAGES 2)",
            "BODY[TEXT] {3}\r\nx\r\n",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        assert_eq!(
            store.state().used,
            5 * "Subject: x\r\n\r\nx\r\n".len() as u64
        );
    }

    #[test]
    fn a_copy_that_does_not_fit_is_refused() {
        let message = format!("{}\r\n", "y".repeat(998));
        let said = format!(
            "a APPEND INBOX {{1000+}}\r\n{message}\r\nb SELECT INBOX\r\nc COPY 1 INBOX\r\nd COPY 1:2 Sent\r\ne MOVE 1:2 Trash\r\n"
        );
        let heard = talk(&small_store(), said);
        assert!(
            heard.contains("c OK") && heard.contains("d NO [OVERQUOTA]"),
            "{heard}"
        );
        assert!(heard.contains("e OK done"), "{heard}");
    }
}
