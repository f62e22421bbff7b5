//! Opening a folder without changing it, and leaving it without expunging.

use super::fetch::{Attribute, Fetch, Input};
use super::heard::strip_word;
use super::response::{Answer, Line, Status, line};
use super::session::{Open, Session, refused};
use super::wire::Stream;
use super::{Examined, MailboxName, RefusalClass};
use crate::error::Error;
use crate::message::Flags;

impl<S: Stream> Session<S> {
    /// EXAMINE. `None` where there is no such folder, or it can't be opened for good.
    pub fn examine_folder(&mut self, name: &MailboxName) -> Result<Option<Examined>, Error> {
        let mut examined = match self.open("EXAMINE", name)? {
            Ok(examined) => examined,
            Err(answer) if answer.status == Status::No && answer.class() != RefusalClass::Later => {
                return Ok(None);
            }
            Err(answer) => return Err(refused("open a folder", &answer)),
        };
        // Nearly every server says `PERMANENTFLAGS ()` to EXAMINE, since nothing can be changed there. Only SELECT tells
        // what is kept, so one folder is opened with it once; nothing is stored or expunged there.
        if examined.permanent.is_empty() && !examined.any_keyword && self.kept.get().is_none() {
            examined = self.learn_kept_flags(name)?;
        }
        if let Some(kept) = self.kept.get().filter(|_| examined.permanent.is_empty()) {
            examined.permanent = kept.permanent;
            examined.any_keyword = kept.any_keyword;
            examined.keywords.extend(kept.keywords.iter().cloned());
            examined.keywords.sort();
            examined.keywords.dedup();
        }
        if examined.uid_next == 0 {
            examined.uid_next = self.uid_after_the_last(examined.exists)?;
        }
        Ok(Some(examined))
    }

    /// SELECT, and EXAMINE again in the same breath: what the second tells is what the folder holds.
    fn learn_kept_flags(&mut self, name: &MailboxName) -> Result<Examined, Error> {
        let (selected, examined) = (self.begin("SELECT", name)?, self.begin("EXAMINE", name)?);
        let told = self.opened("SELECT", name, &selected)?;
        let changeable = self.open.as_ref().is_some_and(|open| !open.read_only);
        if let Some(kept) = told.ok().filter(|_| changeable) {
            // Where another connection was quicker, it learned the same.
            let _ = self.kept.set(kept);
        }
        self.opened("EXAMINE", name, &examined)?
            .map_err(|answer| refused("open a folder", &answer))
    }

    /// Opens a folder. What was open before is closed by that, without expunging (RFC 9051, 6.3.2).
    pub(super) fn open(
        &mut self,
        verb: &str,
        name: &MailboxName,
    ) -> Result<Result<Examined, Answer>, Error> {
        let tag = self.begin(verb, name)?;
        self.opened(verb, name, &tag)
    }

    fn begin(&mut self, verb: &str, name: &MailboxName) -> Result<String, Error> {
        self.send(&format!("{verb} {}", name.quoted()))
    }

    fn opened(
        &mut self,
        verb: &str,
        name: &MailboxName,
        tag: &str,
    ) -> Result<Result<Examined, Answer>, Error> {
        self.open = None;
        let mut examined = Examined::default();
        let mut flags = Vec::new();
        let (mut told_permanent, mut told_exists) = (false, false);
        let answer = self.receive_statuses(tag, &mut |told| match told {
            Told::Data(data) => {
                if let Some(count) = data
                    .strip_suffix(b" EXISTS")
                    .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
                {
                    examined.exists = count;
                    told_exists = true;
                } else if let Some(list) = strip_word(data, b"FLAGS ") {
                    flags = flag_names(&String::from_utf8_lossy(list));
                }
            }
            Told::Status(answer) => {
                examined.uid_validity = answer
                    .number("UIDVALIDITY")
                    .unwrap_or(examined.uid_validity);
                examined.uid_next = answer.number("UIDNEXT").unwrap_or(examined.uid_next);
                if answer.is_code("PERMANENTFLAGS") {
                    told_permanent = true;
                    let names = flag_names(answer.arguments());
                    examined.permanent = known_flags(&names);
                    examined.any_keyword = names.iter().any(|name| name == "\\*");
                    examined.keywords = keywords(&names);
                }
            }
        })?;
        if answer.status != Status::Ok {
            return Ok(Err(answer));
        }
        // Every server has to tell (RFC 9051, 6.3.2). A folder that is only believed to be empty would be filled again.
        if !told_exists {
            return Err(self.lost("the server did not tell how many messages a folder has"));
        }
        examined.keywords.extend(keywords(&flags));
        examined.keywords.sort();
        examined.keywords.dedup();
        if !told_permanent {
            // Then all of them are kept (RFC 9051, 7.1).
            examined.permanent = known_flags(&flags);
        }
        self.open = Some(Open {
            name: name.clone(),
            exists: examined.exists,
            selected: verb == "SELECT",
            read_only: answer.is_code("READ-ONLY"),
        });
        Ok(Ok(examined))
    }

    /// Where the server does not tell UIDNEXT: one more than the last UID, which `*` names.
    fn uid_after_the_last(&mut self, exists: u32) -> Result<u32, Error> {
        if exists == 0 {
            return Ok(1);
        }
        let mut last = 0;
        self.ask("UID FETCH * (UID)", &mut |data, input| {
            let Some(mut fetch) = Fetch::begin(data, input) else {
                return Ok(false);
            };
            while let Some(attribute) = fetch.next()? {
                if let Attribute::Uid(uid) = attribute {
                    last = last.max(uid);
                }
            }
            Ok(true)
        })?;
        Ok(if last == 0 { 0 } else { last.saturating_add(1) })
    }

    /// Leaves the folder that is open, without expunging: CLOSE only where nothing can be changed.
    pub fn leave_folder(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        if self.can("UNSELECT") {
            self.ask("UNSELECT", &mut |_, _| Ok(false))?;
            return Ok(());
        }
        if open.selected && self.open("EXAMINE", &open.name)?.is_err() {
            // Refused, and the folder is closed all the same (RFC 9051, 6.3.2).
            return Ok(());
        }
        self.open = None;
        self.ask("CLOSE", &mut |_, _| Ok(false))?;
        Ok(())
    }

    /// Like [`Session::receive`], with the untagged statuses too.
    fn receive_statuses(
        &mut self,
        tag: &str,
        each: &mut dyn FnMut(Told<'_>),
    ) -> Result<Answer, Error> {
        let wire = self.wire.clone();
        let mut input = &wire;
        loop {
            let raw = Input::line(&mut input).map_err(|error| self.lost(&error.to_string()))?;
            self.wire.heard(|heard| heard.note(&raw));
            match line(&raw) {
                Line::Tagged(own, answer) if own == tag.as_bytes() => return Ok(answer),
                Line::Status(answer) => each(Told::Status(&answer)),
                Line::Data(data) => each(Told::Data(data)),
                _ => return Err(self.lost("the server answered what makes no sense")),
            }
        }
    }
}

enum Told<'a> {
    Data(&'a [u8]),
    Status(&'a Answer),
}

/// `(\Seen $Forwarded \*)`
fn flag_names(list: &str) -> Vec<String> {
    let inner = list.trim().trim_start_matches('(').trim_end_matches(')');
    inner
        .split_ascii_whitespace()
        .take(500)
        .map(str::to_string)
        .collect()
}

fn known_flags(names: &[String]) -> Flags {
    names
        .iter()
        .filter_map(|name| Flags::from_name(name))
        .fold(Flags::NONE, Flags::union)
}

fn keywords(names: &[String]) -> Vec<String> {
    names
        .iter()
        .filter(|name| !name.starts_with('\\'))
        .map(|name| name.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{OPENED, signed_in};
    use super::*;

    #[test]
    fn a_folder_is_opened_without_changing_it() {
        let (mut session, server) = signed_in("UNSELECT", |server| {
            server.answer(OPENED);
            server.answer("{tag} OK\r\n");
        });
        let examined = session
            .examine_folder(&MailboxName::inbox())
            .unwrap()
            .unwrap();
        assert_eq!(
            (examined.uid_validity, examined.uid_next, examined.exists),
            (77, 10, 3)
        );
        assert_eq!(examined.permanent, Flags::SEEN.union(Flags::FLAGGED));
        assert!(examined.any_keyword && examined.keywords == ["$old"]);
        session.leave_folder().unwrap();
        session.leave_folder().unwrap();
        assert_eq!(
            session.wire.heard(|heard| heard.take_alerts()),
            ["[ALERT] nearly full"]
        );
        drop(session);
        assert_eq!(
            server.join().unwrap(),
            ["S1 EXAMINE \"INBOX\"", "S2 UNSELECT"]
        );
    }

    #[test]
    fn what_a_folder_keeps_is_learned_once_and_left_without_expunging() {
        let silent = "* 0 EXISTS\r\n* FLAGS (\\Seen $Old)\r\n* OK [PERMANENTFLAGS ()] read-only\r\n* OK [UIDNEXT 1]\r\n{tag} OK [READ-ONLY]\r\n";
        let (mut session, server) = signed_in("", move |server| {
            server.answer(silent);
            server.answer(
                "* 0 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\Draft kept)] x\r\n{tag} OK [READ-WRITE]\r\n",
            );
            server.answer(silent);
            server.answer("{tag} OK\r\n");
            server.answer(silent);
        });
        let first = session
            .examine_folder(&MailboxName::inbox())
            .unwrap()
            .unwrap();
        session.leave_folder().unwrap();
        let second = session
            .examine_folder(&MailboxName::from_wire(b"x").unwrap())
            .unwrap()
            .unwrap();
        for examined in [first, second] {
            assert_eq!(examined.permanent, Flags::SEEN.union(Flags::DRAFT));
            assert!(
                !examined.any_keyword
                    && examined.keeps("Kept")
                    && examined.keeps("$old")
                    && !examined.keeps("new")
            );
        }
        drop(session);
        let log = server.join().unwrap();
        assert_eq!(
            log,
            [
                "S1 EXAMINE \"INBOX\"",
                "S2 SELECT \"INBOX\"",
                "S3 EXAMINE \"INBOX\"",
                "S4 CLOSE",
                "S5 EXAMINE \"x\""
            ]
        );
    }

    #[test]
    fn a_server_that_does_not_tell_what_is_kept_keeps_all() {
        let (mut session, _server) = signed_in("", |server| {
            server.answer(
                "* FLAGS (\\Seen \\Draft $Old)\r\n* 0 EXISTS\r\n* OK [UIDNEXT 1]\r\n{tag} OK\r\n",
            );
        });
        let examined = session
            .examine_folder(&MailboxName::inbox())
            .unwrap()
            .unwrap();
        assert_eq!(examined.permanent, Flags::SEEN.union(Flags::DRAFT));
        assert!(examined.keeps("$old") && !examined.any_keyword);
    }

    #[test]
    fn a_folder_that_is_not_there_is_none() {
        for (said, none) in [
            ("{tag} NO [NONEXISTENT] Mailbox doesn't exist\r\n", true),
            ("{tag} NO EXAMINE failed\r\n", true),
            ("{tag} NO [UNAVAILABLE] later\r\n", false),
            ("{tag} BAD what\r\n", false),
        ] {
            let (mut session, _server) = signed_in("", move |server| {
                server.answer(said);
            });
            let examined = session.examine_folder(&MailboxName::inbox());
            assert_eq!(matches!(examined, Ok(None)), none, "{said}");
            assert_eq!(
                matches!(examined, Err(Error::ServerTrouble { .. })),
                !none,
                "{said}"
            );
        }
    }

    #[test]
    fn a_folder_is_not_believed_to_be_empty_unless_the_server_says_so() {
        let (mut session, _server) = signed_in("", |server| {
            server.answer("* OK [UIDVALIDITY 7]\r\n{tag} OK done\r\n");
        });
        let examined = session.examine_folder(&MailboxName::inbox());
        assert!(matches!(examined, Err(Error::ConnectionLost { .. })));
    }

    #[test]
    fn a_server_that_does_not_tell_the_next_uid_is_asked_for_the_last() {
        let (mut session, server) = signed_in("", |server| {
            server.answer("* 2 EXISTS\r\n* OK [PERMANENTFLAGS (\\*)]\r\n{tag} OK\r\n");
            server.answer("* 2 FETCH (UID 41)\r\n{tag} OK\r\n");
        });
        assert_eq!(
            session
                .examine_folder(&MailboxName::inbox())
                .unwrap()
                .unwrap()
                .uid_next,
            42
        );
        drop(session);
        assert_eq!(server.join().unwrap()[1], "S2 UID FETCH * (UID)");
    }
}
