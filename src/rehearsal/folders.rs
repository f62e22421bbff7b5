//! Commands on folders: LIST, CREATE, STATUS, SELECT and their kin (RFC 9051, 6.3; RFC 6154; RFC 9208).

use std::io;

use super::answer::Reply;
use super::line::Link;
use super::parse::Token;
use super::pattern;
use super::session::Session;
use super::store::{Folder, NO_FOLDER};
use crate::mailbox::MailboxName;
use crate::utf7;

/// Longest name of a folder, in bytes on the wire.
const NAME: usize = 1000;

impl<L: Link> Session<'_, L> {
    /// Does a command that needs a sign-in and no message.
    pub(super) fn on_folders(&mut self, name: &str, args: &[Token]) -> io::Result<Reply> {
        match name {
            "LIST" | "LSUB" => self.list(name, args),
            "NAMESPACE" => self.one("* NAMESPACE ((\"\" \"/\")) NIL NIL"),
            "STATUS" => self.status(args),
            "SELECT" => self.select(args, false),
            "EXAMINE" => self.select(args, true),
            "CREATE" => Ok(self.create(args)),
            "SUBSCRIBE" => Ok(self.subscribe(args, true)),
            "UNSUBSCRIBE" => Ok(self.subscribe(args, false)),
            "DELETE" => Ok(Reply::no("[CANNOT] the practice server deletes no folder")),
            "RENAME" => Ok(Reply::no("[CANNOT] the practice server renames no folder")),
            "GETQUOTA" => self.quota(None),
            "GETQUOTAROOT" => match args.first().and_then(folder_name) {
                Some(folder) => self.quota(Some(&folder)),
                None => Ok(Reply::bad("GETQUOTAROOT takes a folder")),
            },
            "SETQUOTA" => Ok(Reply::no("[NOPERM] the limits are Spectrum's")),
            "ENABLE" => self.one("* ENABLED"),
            "IDLE" => self.idle(),
            "CHECK" => Ok(self.with_selected(|_| ())),
            "CLOSE" => Ok(self.close()),
            "UNSELECT" => Ok(self.unselect()),
            "EXPUNGE" => Ok(self.expunge(None)),
            _ => Ok(Reply::bad("that command is not known here")),
        }
    }

    fn one(&mut self, line: &str) -> io::Result<Reply> {
        self.line.send(line.as_bytes())?;
        self.line.send(b"\r\n")?;
        Ok(Reply::ok("done"))
    }

    /// LIST in both its forms (RFC 9051, 6.3.9), and LSUB.
    fn list(&mut self, command: &str, args: &[Token]) -> io::Result<Reply> {
        let (options, args) = match args {
            [Token::List(options), args @ ..] => (options.as_slice(), args),
            args => (&[][..], args),
        };
        let [reference, patterns, rest @ ..] = args else {
            return Ok(Reply::bad("LIST takes a place and a pattern"));
        };
        let Some(reference) = reference.text() else {
            return Ok(Reply::bad("LIST takes a place and a pattern"));
        };
        let wants = |tokens: &[Token], word: &str| {
            tokens
                .iter()
                .any(|token| token.word().as_deref() == Some(word))
        };
        let returned = rest.get(1).and_then(Token::list).unwrap_or_default();
        let only_subscribed = command == "LSUB" || wants(options, "SUBSCRIBED");
        let only_special = wants(options, "SPECIAL-USE");
        let tell_subscribed = wants(options, "SUBSCRIBED") || wants(returned, "SUBSCRIBED");
        let mut lines = String::new();
        let patterns: Vec<&str> = patterns.several().iter().filter_map(Token::text).collect();
        if patterns == [""] {
            // Asks for the delimiter alone.
            lines = format!("* {command} (\\Noselect) \"/\" \"\"\r\n");
        }
        let state = self.store.state();
        for (name, folder) in &state.folders {
            let wanted = patterns
                .iter()
                .any(|pattern| pattern::matches(reference, pattern, name.wire()));
            let hidden =
                only_subscribed && !folder.subscribed || only_special && folder.special.is_none();
            if !wanted || hidden {
                continue;
            }
            // In the order of the alphabet `a-b` can stand between `a` and `a/b`.
            let below = format!("{}/", name.wire());
            let first_below = MailboxName::from_wire(below.as_bytes());
            let children = first_below
                .and_then(|first| state.folders.range(first..).next())
                .is_some_and(|(other, _)| other.wire().starts_with(&below));
            let mut attributes = vec![if children {
                "\\HasChildren"
            } else {
                "\\HasNoChildren"
            }];
            attributes.extend(folder.special);
            if tell_subscribed && folder.subscribed {
                attributes.push("\\Subscribed");
            }
            let attributes = attributes.join(" ");
            lines.push_str(&format!(
                "* {command} ({attributes}) \"/\" {}\r\n",
                name.quoted()
            ));
        }
        drop(state);
        self.line.send(lines.as_bytes())?;
        Ok(Reply::ok("done"))
    }

    fn create(&mut self, args: &[Token]) -> Reply {
        let [name, ..] = args else {
            return Reply::bad("CREATE takes a name");
        };
        let Some(name) = folder_name(name).filter(allowed) else {
            return Reply::no("[CANNOT] a folder can't have this name");
        };
        match self.store.state().create(&name) {
            Ok(()) => Reply::ok("created"),
            Err(words) => Reply::no(words),
        }
    }

    fn subscribe(&mut self, args: &[Token], subscribed: bool) -> Reply {
        let Some(name) = args.first().and_then(folder_name) else {
            return Reply::bad("a folder is missing");
        };
        let mut state = self.store.state();
        let Some(folder) = state.folders.get_mut(&name) else {
            return Reply::no(NO_FOLDER);
        };
        folder.subscribed = subscribed;
        Reply::ok("done")
    }

    fn status(&mut self, args: &[Token]) -> io::Result<Reply> {
        let (Some(name), Some(items)) = (
            args.first().and_then(folder_name),
            args.get(1).and_then(Token::list),
        ) else {
            return Ok(Reply::bad("STATUS takes a folder and a list"));
        };
        let words: Vec<String> = items.iter().filter_map(Token::word).collect();
        let values = {
            let state = self.store.state();
            let Some(folder) = state.folders.get(&name) else {
                return Ok(Reply::no(NO_FOLDER));
            };
            let limit = self.store.limits.message;
            let value = |word: &String| Some(format!("{word} {}", status_of(folder, word, limit)?));
            words.iter().map(value).collect::<Option<Vec<_>>>()
        };
        match values {
            Some(values) if !values.is_empty() => self.one(&format!(
                "* STATUS {} ({})",
                name.quoted(),
                values.join(" ")
            )),
            _ => Ok(Reply::bad("STATUS of what?")),
        }
    }

    /// GETQUOTA, and GETQUOTAROOT with a folder. The protocol counts in units of 1024 bytes.
    fn quota(&mut self, folder: Option<&MailboxName>) -> io::Result<Reply> {
        let (used, known) = {
            let state = self.store.state();
            (
                state.used,
                folder.is_none_or(|name| state.folders.contains_key(name)),
            )
        };
        if !known {
            return Ok(Reply::no(NO_FOLDER));
        }
        if let Some(folder) = folder {
            self.one(&format!("* QUOTAROOT {} \"\"", folder.quoted()))?;
        }
        let limit = self.store.limits.mailbox / 1024;
        self.one(&format!(
            "* QUOTA \"\" (STORAGE {} {limit})",
            used.div_ceil(1024)
        ))
    }
}

fn status_of(folder: &Folder, word: &str, limit: u64) -> Option<u64> {
    use crate::message::Flags;
    let count = |wanted: &dyn Fn(&super::marks::Marks) -> bool| {
        folder
            .messages
            .iter()
            .filter(|message| wanted(&message.marks))
            .count() as u64
    };
    Some(match word {
        "MESSAGES" => folder.messages.len() as u64,
        "RECENT" => 0,
        "UIDNEXT" => u64::from(folder.uid_next),
        "UIDVALIDITY" => u64::from(folder.uid_validity),
        "UNSEEN" => count(&|marks| !marks.flags.contains(Flags::SEEN)),
        "DELETED" => count(&|marks| marks.deleted),
        "SIZE" => folder.size(),
        "APPENDLIMIT" => limit,
        _ => return None,
    })
}

/// The folder a client names. INBOX is the same in any case, and so is what lies below it.
pub(super) fn folder_name(token: &Token) -> Option<MailboxName> {
    let text = token.text()?;
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.len() > NAME {
        return None;
    }
    match text.split_once('/') {
        Some((first, rest)) if first.eq_ignore_ascii_case("INBOX") => {
            MailboxName::from_wire(format!("INBOX/{rest}").as_bytes())
        }
        _ => MailboxName::from_wire(text.as_bytes()),
    }
}

/// Whether a new folder may have this name.
fn allowed(name: &MailboxName) -> bool {
    let wire = name.wire();
    !wire.contains(['*', '%'])
        && !wire.split('/').any(str::is_empty)
        && utf7::decode(wire).is_some()
}

#[cfg(test)]
mod tests {
    use crate::rehearsal::testing::{SMALL, append, small_store, talk};

    #[test]
    fn a_new_mailbox_has_spectrums_folders() {
        let heard = talk(&small_store(), "a LIST \"\" *\r\n");
        for line in [
            "* LIST (\\HasNoChildren) \"/\" \"INBOX\"",
            "* LIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"",
            "* LIST (\\HasNoChildren \\Junk) \"/\" \"Spam\"",
            "* LIST (\\HasNoChildren \\Trash) \"/\" \"Trash\"",
            "* LIST (\\HasNoChildren \\Drafts) \"/\" \"Drafts\"",
        ] {
            assert!(heard.contains(&format!("{line}\r\n")), "{heard}");
        }
    }

    #[test]
    fn folders_are_made_listed_and_subscribed() {
        let store = small_store();
        let heard = talk(
            &store,
            "a CREATE \"Familie/Gr&APwA3w-e \\\"x\\\"\"\r\nb CREATE Familie\r\nc CREATE inbox/Old/\r\n\
             d LIST \"\" %\r\ne LIST \"Familie/\" %\r\nf LIST \"\" \"\"\r\ng SUBSCRIBE Inbox/Old\r\nh LSUB \"\" *\r\n",
        );
        for part in [
            "a OK",
            "b NO [ALREADYEXISTS]",
            "c OK",
            "* LIST (\\HasChildren) \"/\" \"Familie\"\r\n",
            "* LIST (\\HasChildren) \"/\" \"INBOX\"\r\n",
            "* LIST (\\HasNoChildren) \"/\" \"Familie/Gr&APwA3w-e \\\"x\\\"\"\r\ne OK",
            "* LIST (\\Noselect) \"/\" \"\"\r\nf OK",
            "* LSUB (\\HasNoChildren) \"/\" \"INBOX/Old\"\r\n",
        ] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        let listed = heard.split("d OK").next().unwrap();
        assert!(!listed.contains("Familie/Gr"), "{heard}");
        assert!(
            !heard.contains("LSUB (\\HasNoChildren) \"/\" \"Familie"),
            "{heard}"
        );
    }

    #[test]
    fn the_newer_list_and_its_options_are_understood() {
        let heard = talk(
            &small_store(),
            "a LIST (SPECIAL-USE) \"\" (\"S%\" \"T*\") RETURN (SUBSCRIBED CHILDREN)\r\nb LIST (SUBSCRIBED) \"\" inbox\r\n",
        );
        assert!(
            heard.contains("(\\HasNoChildren \\Sent \\Subscribed) \"/\" \"Sent\"\r\n"),
            "{heard}"
        );
        assert!(
            heard.contains("\"Trash\"") && !heard.contains("Drafts"),
            "{heard}"
        );
        assert!(
            heard.contains("(\\HasNoChildren \\Subscribed) \"/\" \"INBOX\"\r\nb OK"),
            "{heard}"
        );
    }

    #[test]
    fn names_that_no_server_keeps_are_refused() {
        let long = "x".repeat(1001);
        for name in [
            "a//b",
            "/a",
            "\"50%\"",
            "\"a*\"",
            "&broken",
            "\"\"",
            "M\u{fc}ller",
            "/",
            &long,
        ] {
            let heard = talk(&small_store(), format!("a CREATE {name}\r\n"));
            assert!(heard.starts_with("a NO [CANNOT]"), "{name}: {heard}");
        }
    }

    #[test]
    fn no_folder_is_ever_deleted_or_renamed() {
        let store = small_store();
        let heard = talk(
            &store,
            "a DELETE Trash\r\nb RENAME Sent Other\r\nc STATUS Trash (MESSAGES)\r\nd STATUS Sent (SIZE)\r\n",
        );
        assert!(heard.contains("a NO [CANNOT]") && heard.contains("b NO [CANNOT]"));
        assert!(
            heard.contains("* STATUS \"Trash\" (MESSAGES 0)\r\n") && heard.contains("(SIZE 0)"),
            "{heard}"
        );
    }

    #[test]
    fn the_limits_are_told() {
        let heard = talk(
            &small_store(),
            format!(
                "{}a GETQUOTAROOT INBOX\r\nb GETQUOTAROOT x\r\n",
                append("one")
            ),
        );
        let quota = format!("* QUOTA \"\" (STORAGE 1 {})\r\n", SMALL.mailbox / 1024);
        assert!(
            heard.contains(&format!("* QUOTAROOT \"INBOX\" \"\"\r\n{quota}a OK")),
            "{heard}"
        );
        assert!(heard.contains("b NO"));
    }

    #[test]
    fn the_status_of_a_folder() {
        let heard = talk(
            &small_store(),
            format!(
                "{}a STATUS inbox (MESSAGES UIDNEXT UNSEEN DELETED SIZE APPENDLIMIT)\r\nb STATUS INBOX (X)\r\n",
                append("one")
            ),
        );
        assert!(heard.contains("* STATUS \"INBOX\" (MESSAGES 1 UIDNEXT 2 UNSEEN 1 DELETED 0 SIZE 21 APPENDLIMIT 1000)"), "{heard}");
        assert!(heard.contains("b BAD"));
    }
}
