//! Folders by name: listing, creating, where new ones go, and how much room there is.

use imap::types::QuotaResourceName;
use imap_proto::NameAttribute;

use super::response::Answer;
use super::session::{Session, refused};
use super::wire::Stream;
use super::{Folder, MailboxName, Namespace, Quota};
use crate::error::Error;
use crate::source::Role;
use crate::utf7;

/// Most folders that are believed.
const MOST: usize = 50_000;

impl<S: Stream> Session<S> {
    /// `LIST "" "*"`. CHILDREN flags play no part: they are wrong at Spectrum (cypht issue 1046).
    pub fn folders(&mut self) -> Result<Vec<Folder>, Error> {
        self.listed("\"*\"")
    }

    /// The folders that a quoted pattern means.
    fn listed(&mut self, pattern: &str) -> Result<Vec<Folder>, Error> {
        let listed = self.by_imap("list the folders", &["LIST "], |imap| {
            let names = imap.list(Some(""), Some(pattern))?;
            Ok(names
                .iter()
                .take(MOST)
                .filter_map(|name| folder(name.name(), name.attributes()))
                .collect::<Vec<_>>())
        })?;
        let mut folders = listed.map_err(|answer| refused("list the folders", &answer))?;
        folders.sort_by(|a, b| a.name.cmp(&b.name));
        folders.dedup_by(|a, b| a.name == b.name);
        Ok(folders)
    }

    /// The prefix and delimiter of the person's own folders (RFC 2342), else only the delimiter.
    pub fn own_namespace(&mut self) -> Result<Namespace, Error> {
        if self.can("NAMESPACE") {
            let mut found = None;
            // `imap` has no such command.
            self.ask("NAMESPACE", &mut |data, _| {
                found = found.take().or_else(|| namespace(data));
                Ok(false)
            })?;
            if let Some(namespace) = found {
                return Ok(namespace);
            }
        }
        let listed = self.by_imap("ask for the delimiter", &["LIST "], |imap| {
            let names = imap.list(None, None)?;
            Ok(names.iter().next().and_then(|name| {
                name.delimiter()
                    .and_then(|text| unescaped(text).chars().next())
            }))
        })?;
        Ok(Namespace {
            prefix: String::new(),
            delimiter: listed.unwrap_or_default(),
        })
    }

    /// Creates and subscribes a folder, the folders above it included: Thunderbird shows what is subscribed.
    pub fn create_folder(
        &mut self,
        name: &MailboxName,
        namespace: &Namespace,
    ) -> Result<(), Error> {
        if name.is_inbox() {
            return Ok(());
        }
        let above = parents(name, namespace);
        if let Err(answer) = self.create_one(name)? {
            // Few servers need the folders above to be there first; some call a folder that exists by no code at all.
            for parent in &above {
                let _ = self.create_one(parent)?;
            }
            if self.create_one(name)?.is_err()
                && !self
                    .listed(&name.quoted())?
                    .iter()
                    .any(|folder| folder.name == *name && folder.selectable)
            {
                return Err(refused("create a folder", &answer));
            }
        }
        for folder in above.iter().chain([name]) {
            // A folder that can't be subscribed is as good as any other for mail.
            let _ = self.by_imap("subscribe a folder", &[], |imap| {
                imap.subscribe(folder.wire())
            })?;
        }
        Ok(())
    }

    fn create_one(&mut self, name: &MailboxName) -> Result<Result<(), Answer>, Error> {
        let created = self.by_imap("create a folder", &[], |imap| imap.create(name.wire()))?;
        Ok(created.or_else(|answer| {
            if answer.is_code("ALREADYEXISTS") {
                Ok(())
            } else {
                Err(answer)
            }
        }))
    }

    /// The quota root of the INBOX with the least room (RFC 9208).
    pub fn room(&mut self) -> Result<Option<Quota>, Error> {
        // An obsolete draft of the standard is announced as QUOTA too; both answer alike.
        if !self.announced.iter().any(|atom| {
            atom.get(..5)
                .is_some_and(|head| head.eq_ignore_ascii_case("QUOTA"))
        }) {
            return Ok(None);
        }
        let told = self.by_imap("ask for the room", &["QUOTA ", "QUOTAROOT "], |imap| {
            let answer = imap.get_quota_root("INBOX")?;
            let resources = answer.quotas().iter().flat_map(|quota| &quota.resources);
            let storage = resources.filter(|resource| resource.name == QuotaResourceName::Storage);
            Ok(storage
                .map(|resource| (resource.usage, resource.limit))
                .collect::<Vec<_>>())
        })?;
        Ok(told.ok().and_then(|storage| least(&storage)))
    }
}

/// The quota with the least room, from pairs of used and allowed units of 1024 bytes. A limit of 0 is none.
fn least(storage: &[(u64, u64)]) -> Option<Quota> {
    let limited = storage.iter().filter(|(_, limit)| *limit > 0);
    let quota = |(used, limit): &(u64, u64)| Quota {
        used: used.saturating_mul(1024),
        limit: limit.saturating_mul(1024),
    };
    limited.map(quota).min_by_key(|quota| quota.free())
}

fn folder(raw: &str, attributes: &[NameAttribute<'_>]) -> Option<Folder> {
    let name = MailboxName::from_wire(unescaped(raw).as_bytes())?;
    let has = |wanted: &str| {
        attributes.iter().any(|one| matches!(one, NameAttribute::Extension(name) if name.eq_ignore_ascii_case(wanted)))
    };
    let selectable = !attributes.contains(&NameAttribute::NoSelect) && !has("\\NonExistent");
    let role = if name.is_inbox() {
        Some(Role::Inbox)
    } else {
        attributes.iter().find_map(role)
    };
    Some(Folder {
        name,
        role,
        selectable,
        inferiors: !attributes.contains(&NameAttribute::NoInferiors),
    })
}

fn role(attribute: &NameAttribute<'_>) -> Option<Role> {
    match attribute {
        NameAttribute::Sent => Some(Role::Sent),
        NameAttribute::Drafts => Some(Role::Drafts),
        NameAttribute::Trash => Some(Role::Trash),
        NameAttribute::Junk => Some(Role::Junk),
        NameAttribute::Archive => Some(Role::Archive),
        _ => None,
    }
}

/// `imap` gives names with the escapes of their quoted strings still in.
fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            out.extend(chars.next());
        } else {
            out.push(c);
        }
    }
    out
}

/// The folders above a folder, topmost first, the INBOX left out.
fn parents(name: &MailboxName, namespace: &Namespace) -> Vec<MailboxName> {
    let Some(delimiter) = namespace.delimiter else {
        return Vec::new();
    };
    let wire = name.wire();
    let above = wire
        .match_indices(delimiter)
        .filter_map(|(at, _)| MailboxName::from_wire(wire.get(..at)?.as_bytes()));
    above.filter(|parent| !parent.is_inbox()).collect()
}

/// The first of the person's own namespaces: `NAMESPACE (("INBOX." ".")) NIL NIL`.
fn namespace(data: &[u8]) -> Option<Namespace> {
    let text = std::str::from_utf8(data).ok()?;
    let (word, rest) = text.split_once(' ')?;
    let rest = rest
        .trim_start()
        .strip_prefix("((")
        .filter(|_| word.eq_ignore_ascii_case("NAMESPACE"))?;
    let (prefix, rest) = quoted(rest)?;
    let rest = rest.trim_start();
    let delimiter = match quoted(rest) {
        Some((text, _)) => text.chars().next(),
        None if rest.get(..3)?.eq_ignore_ascii_case("NIL") => None,
        None => return None,
    };
    let prefix = utf7::decode(&prefix)?;
    (!prefix.contains(char::is_control)).then_some(Namespace { prefix, delimiter })
}

/// A quoted string at the start, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.char_indices().find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    })?;
    Some((unescaped(inner.get(..end.0)?), inner.get(end.0 + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::super::scripted::signed_in;
    use super::*;
    use proptest::prelude::*;

    fn slash() -> Namespace {
        Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        }
    }

    fn named(wire: &str) -> MailboxName {
        MailboxName::from_wire(wire.as_bytes()).unwrap()
    }

    #[test]
    fn folders_come_with_their_names_and_roles() {
        let (mut session, server) = signed_in("", |server| {
            server.answer(
                "* LIST (\\HasNoChildren) \"/\" inbox\r\n* LIST (\\Sent) \"/\" \"Sent Items\"\r\n* 1 EXISTS\r\n\
                 * LIST (\\Noselect \\Noinferiors) \"/\" \"a\\\\b\\\"c\"\r\n* LIST (\\NonExistent) \"/\" {4}\r\nx\\ y\r\n\
                 * LIST () \"/\" \"&ZeVnLIqe-\"\r\n* LIST () \"/\" \"caf\u{e9}\"\r\n{tag} OK\r\n",
            );
        });
        let found = session.folders().unwrap();
        let names: Vec<&str> = found.iter().map(|folder| folder.name.wire()).collect();
        assert_eq!(
            names,
            ["&ZeVnLIqe-", "INBOX", "Sent Items", "a\\b\"c", "x\\ y"]
        );
        let roles: Vec<_> = found.iter().map(|folder| folder.role).collect();
        assert_eq!(
            roles,
            [None, Some(Role::Inbox), Some(Role::Sent), None, None]
        );
        assert!(
            !found[3].selectable
                && !found[3].inferiors
                && !found[4].selectable
                && found[4].inferiors
        );
        assert_eq!(server.join().unwrap(), ["a3 LIST \"\" \"*\""]);
    }

    #[test]
    fn a_new_folder_is_subscribed_with_those_above_it() {
        let (mut session, server) = signed_in("", |server| {
            for _ in 0..4 {
                server.answer("* X-ODD stuff\r\n{tag} OK\r\n");
            }
        });
        session
            .create_folder(&named("INBOX/a/b \"c\""), &slash())
            .unwrap();
        drop(session);
        let expected = [
            "a3 CREATE \"INBOX/a/b \\\"c\\\"\"",
            "a4 SUBSCRIBE \"INBOX/a\"",
            "a5 SUBSCRIBE \"INBOX/a/b \\\"c\\\"\"",
        ];
        assert_eq!(server.join().unwrap(), expected);
    }

    #[test]
    fn a_folder_that_is_there_already_is_fine() {
        let (mut first, _server) = signed_in("", |server| {
            server.answer("{tag} NO [ALREADYEXISTS] it is there\r\n");
            server.answer("{tag} NO [CANNOT] subscribe\r\n");
        });
        first.create_folder(&named("x"), &slash()).unwrap();
        // Without a code only the list tells.
        let (mut second, _server) = signed_in("", |server| {
            server.answer("{tag} NO Mailbox exists\r\n");
            server.answer("{tag} NO Mailbox exists\r\n");
            server.answer("* LIST () \"/\" x\r\n{tag} OK\r\n");
            server.answer("{tag} OK\r\n");
        });
        second.create_folder(&named("x"), &slash()).unwrap();
    }

    #[test]
    fn a_folder_that_the_server_does_not_want_is_refused_in_its_words() {
        let (mut session, _server) = signed_in("", |server| {
            server.answer("{tag} NO [NOPERM] no folders for you\r\n");
            server.answer("{tag} NO [NOPERM] no folders for you\r\n");
            server.answer("* LIST () \"/\" INBOX\r\n{tag} OK\r\n");
        });
        let error = session.create_folder(&named("x"), &slash()).unwrap_err();
        assert!(
            matches!(error, Error::ServerTrouble { detail, .. } if detail == "[NOPERM] no folders for you")
        );
    }

    #[test]
    fn the_room_is_that_of_the_tightest_quota() {
        let (mut session, _server) = signed_in("QUOTA", |server| {
            server.answer(
                "* QUOTAROOT INBOX \"User quota\" b\r\n* QUOTA \"User quota\" (STORAGE 10 512 MESSAGE 1 2)\r\n\
                 * QUOTA b (STORAGE 5 100)\r\n* QUOTA c (STORAGE 5 0)\r\n{tag} OK\r\n",
            );
            server.answer("{tag} NO no quota here\r\n");
            server.answer("{tag} OK but no data\r\n");
        });
        assert_eq!(
            session.room().unwrap(),
            Some(Quota {
                used: 5 * 1024,
                limit: 100 * 1024
            })
        );
        assert_eq!(session.room().unwrap(), None);
        assert_eq!(session.room().unwrap(), None);
    }

    #[test]
    fn the_namespace_tells_prefix_and_delimiter() {
        let told =
            |text: &str| namespace(text.as_bytes()).map(|found| (found.prefix, found.delimiter));
        assert_eq!(
            told("NAMESPACE ((\"INBOX.\" \".\")) NIL NIL"),
            Some(("INBOX.".into(), Some('.')))
        );
        assert_eq!(
            told("namespace ((\"\" \"\\\\\")(\"x\" \"/\")) NIL NIL"),
            Some((String::new(), Some('\\')))
        );
        assert_eq!(
            told("NAMESPACE ((\"\" NIL)) NIL NIL"),
            Some((String::new(), None))
        );
        for odd in [
            "NAMESPACE NIL NIL NIL",
            "NAMESPACE ((\"",
            "NAMESPACE",
            "LIST ((\"\" \"/\"))",
            "NAMESPACE (({3}",
        ] {
            assert_eq!(told(odd), None, "{odd}");
        }
        let (mut session, _server) = signed_in("NAMESPACE", |server| {
            server.answer("{tag} NO not today\r\n");
            server.answer("* LIST (\\Noselect) \"/\" \"\"\r\n{tag} OK\r\n");
        });
        assert_eq!(session.own_namespace().unwrap(), slash());
    }

    proptest! {
        #[test]
        fn any_namespace_can_be_read(text in "NAMESPACE [(\"\\\\NIL ./é&-]{0,30}") {
            let _ = namespace(text.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn no_folder_name_can_change_a_command(path in proptest::collection::vec(any::<String>(), 1..3)) {
            let name = MailboxName::from_path(&path, &slash());
            let depth = parents(&name, &slash()).len();
            let lines = if name.is_inbox() { 0 } else { 2 + depth };
            let (mut session, server) = signed_in("", move |server| {
                for _ in 0..lines {
                    server.answer("{tag} OK\r\n");
                }
                server.until_closed();
            });
            session.create_folder(&name, &slash()).unwrap();
            drop(session);
            let log = server.join().unwrap();
            prop_assert_eq!(log.len(), lines);
            if let Some(first) = log.first() {
                prop_assert_eq!(first, &format!("a3 CREATE {}", name.quoted()));
            }
        }
    }
}
