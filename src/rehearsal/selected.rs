//! The folder a client has open, as the client knows it, and the news about it.

use std::collections::HashSet;
use std::io;

use super::answer::Reply;
use super::folders::folder_name;
use super::line::Link;
use super::parse::Token;
use super::session::Session;
use super::sets::Set;
use super::store::NO_FOLDER;
use crate::mailbox::MailboxName;
use crate::message::Flags;

/// An open folder.
pub(super) struct Selected {
    pub(super) name: MailboxName,
    pub(super) read_only: bool,
    /// The UIDs of the messages that the client has been told of; a message's number is its place here, from 1.
    pub(super) uids: Vec<u32>,
    /// The folder's count of changes when `uids` was made.
    changes: u64,
}

impl<L: Link> Session<'_, L> {
    /// SELECT and EXAMINE (RFC 9051, 6.3.2).
    pub(super) fn select(&mut self, args: &[Token], read_only: bool) -> io::Result<Reply> {
        self.selected = None;
        let Some(name) = args.first().and_then(folder_name) else {
            return Ok(Reply::no(NO_FOLDER));
        };
        let (lines, selected) = {
            let state = self.store.state();
            let Some(folder) = state.folders.get(&name) else {
                return Ok(Reply::no(NO_FOLDER));
            };
            let flags = format!(
                "\\Answered \\Flagged \\Deleted \\Seen \\Draft{}",
                state.keywords.all()
            );
            let unseen = folder
                .messages
                .iter()
                .position(|m| !m.marks.flags.contains(Flags::SEEN));
            let unseen = unseen.map_or(String::new(), |at| {
                format!("* OK [UNSEEN {}] the first unread\r\n", at + 1)
            });
            let lines = format!(
                "* FLAGS ({flags})\r\n* OK [PERMANENTFLAGS ({flags} \\*)] all are kept\r\n* {} EXISTS\r\n* 0 RECENT\r\n{unseen}\
                 * OK [UIDVALIDITY {}] as long as this server runs\r\n* OK [UIDNEXT {}] the next number\r\n",
                folder.messages.len(),
                folder.uid_validity,
                folder.uid_next,
            );
            let selected = Selected {
                name,
                read_only,
                uids: folder.messages.iter().map(|message| message.uid).collect(),
                changes: folder.changes,
            };
            (lines, selected)
        };
        self.selected = Some(selected);
        self.line.send(lines.as_bytes())?;
        Ok(Reply::ok(if read_only {
            "[READ-ONLY] open"
        } else {
            "[READ-WRITE] open"
        }))
    }

    /// Tells of messages that came, and where that is allowed of those that went (RFC 9051, 7.5.1).
    pub(super) fn news(&mut self, expunges: bool) -> io::Result<()> {
        let Some(selected) = &mut self.selected else {
            return Ok(());
        };
        let mut lines = String::new();
        let state = self.store.state();
        let Some(folder) = state.folders.get(&selected.name) else {
            return Ok(());
        };
        if folder.changes == selected.changes {
            return Ok(());
        }
        if expunges {
            let gone = |uid: &u32| folder.message(*uid).is_none();
            for (at, _) in selected
                .uids
                .iter()
                .enumerate()
                .filter(|(_, uid)| gone(uid))
                .rev()
            {
                lines.push_str(&format!("* {} EXPUNGE\r\n", at + 1));
            }
            selected.uids.retain(|uid| !gone(uid));
            selected.changes = folder.changes;
        }
        let last = selected.uids.last().copied().unwrap_or(0);
        let start = folder
            .messages
            .partition_point(|message| message.uid <= last);
        let came = folder.messages.get(start..).unwrap_or_default();
        if !came.is_empty() {
            selected.uids.extend(came.iter().map(|message| message.uid));
            lines.push_str(&format!("* {} EXISTS\r\n", selected.uids.len()));
        }
        drop(state);
        self.line.send(lines.as_bytes())
    }

    /// Does something with the open folder, where there is one.
    pub(super) fn with_selected(&mut self, work: impl FnOnce(&Selected)) -> Reply {
        match &self.selected {
            Some(selected) => {
                work(selected);
                Reply::ok("done")
            }
            None => Reply::bad("no folder is open"),
        }
    }

    /// CLOSE: leaves the folder and takes the deleted messages away, unless it was only examined.
    pub(super) fn close(&mut self) -> Reply {
        let store = self.store;
        let reply = self.with_selected(|selected| {
            if !selected.read_only {
                store
                    .state()
                    .expunge(&selected.name, |message| message.marks.deleted);
            }
        });
        self.selected = None;
        reply
    }

    /// UNSELECT: leaves the folder as it is (RFC 3691).
    pub(super) fn unselect(&mut self) -> Reply {
        let reply = self.with_selected(|_| ());
        self.selected = None;
        reply
    }

    /// EXPUNGE, and UID EXPUNGE with a set (RFC 4315). The news that follow tell which went.
    pub(super) fn expunge(&mut self, set: Option<&Set>) -> Reply {
        let store = self.store;
        if self
            .selected
            .as_ref()
            .is_some_and(|selected| selected.read_only)
        {
            return Reply::no("[CANNOT] the folder is open for reading only");
        }
        self.with_selected(|selected| {
            let among = set.map_or_else(
                || selected.uids.iter().copied().collect::<HashSet<u32>>(),
                |set| uids_of(set, &selected.uids).into_iter().collect(),
            );
            store.state().expunge(&selected.name, |message| {
                message.marks.deleted && among.contains(&message.uid)
            });
        })
    }
}

/// The UIDs that a set of UIDs means.
pub(super) fn uids_of(set: &Set, uids: &[u32]) -> Vec<u32> {
    let places = set.places(uids).into_iter();
    places
        .filter_map(|place| uids.get(place).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rehearsal::testing::{append, small_store, talk};

    #[test]
    fn a_folder_is_opened_with_all_that_clients_ask_for() {
        let store = small_store();
        let heard = talk(
            &store,
            format!(
                "{}a SELECT inbox\r\nb EXAMINE Sent\r\nc SELECT None\r\nd CHECK\r\n",
                append("one")
            ),
        );
        for part in [
            "* 1 EXISTS\r\n",
            "* OK [UNSEEN 1]",
            "* OK [UIDNEXT 2]",
            "\\Draft \\*)]",
            "a OK [READ-WRITE]",
            "* 0 EXISTS",
            "b OK [READ-ONLY]",
            "c NO [NONEXISTENT]",
            "d BAD",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
    }

    #[test]
    fn what_comes_and_goes_is_told() {
        let store = small_store();
        let said = format!(
            "a SELECT INBOX\r\n{0}{0}{0}b STORE 1,3 +FLAGS (\\Deleted)\r\nc UID EXPUNGE 3\r\nd EXPUNGE\r\ne FETCH 1 (UID)\r\n",
            append("x")
        );
        let heard = talk(&store, said);
        for part in [
            "* 1 EXISTS\r\napp OK",
            "* 3 EXISTS\r\napp OK",
            "* 3 EXPUNGE\r\nc OK",
            "* 1 EXPUNGE\r\nd OK",
            "* 1 FETCH (UID 2)\r\n",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
    }

    #[test]
    fn close_takes_deleted_messages_away_and_unselect_does_not() {
        for (leave, left) in [("CLOSE", 0), ("UNSELECT", 1)] {
            let said = format!(
                "{}a SELECT INBOX\r\nb STORE 1 +FLAGS \\Deleted\r\nc {leave}\r\nd STATUS INBOX (MESSAGES)\r\n",
                append("x")
            );
            assert!(
                talk(&small_store(), said).contains(&format!("(MESSAGES {left})")),
                "{leave}"
            );
        }
        let said = format!(
            "{}a SELECT INBOX\r\nb STORE 1 +FLAGS \\Deleted\r\nb EXAMINE INBOX\r\nb EXPUNGE\r\nc CLOSE\r\nd STATUS INBOX (MESSAGES)\r\n",
            append("x")
        );
        assert!(talk(&small_store(), said).contains("(MESSAGES 1)"));
    }
}
