//! Folder names: modified UTF-7, delimiter and quoting; the only way one reaches the wire.

use std::fmt;

use crate::utf7;

/// Where the person's own folders live, and what stands between the names of a path (RFC 2342).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// What new names begin with, decoded: often empty, sometimes `INBOX.`.
    pub prefix: String,
    /// What stands between parent and child; `None` where folders can't nest.
    pub delimiter: Option<char>,
}

/// The name of a folder on the server, known to be safe in a command: printable ASCII only, and
/// quoted wherever it is sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName {
    wire: Box<str>,
}

/// Longest name of one folder, in characters; Dovecot and Cyrus refuse names of more than 255 bytes.
const LONGEST: usize = 60;

impl MailboxName {
    /// The one name that every server has.
    pub fn inbox() -> MailboxName {
        MailboxName {
            wire: "INBOX".into(),
        }
    }

    /// A name that the server gave (LIST), in modified UTF-7, without its quotes and escapes.
    /// `None` where it holds what no quoted string can carry; 8-bit names (RFC 6855) are not supported.
    pub fn from_wire(raw: &[u8]) -> Option<MailboxName> {
        let text = std::str::from_utf8(raw).ok()?;
        let plain = !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        plain.then(|| {
            if text.eq_ignore_ascii_case("INBOX") {
                MailboxName::inbox()
            } else {
                MailboxName { wire: text.into() }
            }
        })
    }

    /// The name for a path of folder names of the person's. What a server can't take becomes a look-alike that
    /// can be seen; `inbox` alone, in any case, is the INBOX.
    pub fn from_path(path: &[String], namespace: &Namespace) -> MailboxName {
        if let [only] = path
            && only.eq_ignore_ascii_case("inbox")
        {
            return MailboxName::inbox();
        }
        // "Inbox/x" and "INBOX/x" mean the same place, whose first name is always INBOX.
        let names = path.iter().enumerate().map(|(at, name)| {
            if at == 0 && name.eq_ignore_ascii_case("inbox") {
                "INBOX".into()
            } else {
                presentable(name, namespace)
            }
        });
        let joined = match namespace.delimiter {
            Some(delimiter) => names.collect::<Vec<_>>().join(&delimiter.to_string()),
            None => names.collect::<Vec<_>>().join(" - "),
        };
        // Below a prefix like "INBOX." the inbox itself needs no second one.
        let inside =
            !namespace.prefix.is_empty() && starts_with_ignoring_case(&joined, &namespace.prefix);
        let whole = if inside {
            joined
        } else {
            format!("{}{joined}", namespace.prefix)
        };
        let wire = utf7::encode(&whole);
        // A prefix can make it so, too.
        if wire.eq_ignore_ascii_case("INBOX") {
            return MailboxName::inbox();
        }
        MailboxName { wire: wire.into() }
    }

    /// The name that a server may take which refuses this one: some want no dot in a name, whatever their
    /// delimiter is (Dovecot, where it keeps mail as Maildir). `None` where there is nothing to make plainer.
    pub fn plainer(&self, namespace: &Namespace) -> Option<MailboxName> {
        if namespace.delimiter == Some('.') || !self.wire.contains('.') {
            return None;
        }
        let shown = self.display();
        let (prefix, rest) = match shown.strip_prefix(&namespace.prefix) {
            Some(rest) => (namespace.prefix.as_str(), rest),
            None => ("", shown.as_str()),
        };
        let wire = utf7::encode(&format!("{prefix}{}", rest.replace('.', "․")));
        (wire != *self.wire).then(|| MailboxName { wire: wire.into() })
    }

    /// The quoted string for a command (RFC 9051, 4.3), quotes included.
    pub fn quoted(&self) -> String {
        format!(
            "\"{}\"",
            self.wire.replace('\\', "\\\\").replace('"', "\\\"")
        )
    }

    /// Modified UTF-7, unquoted.
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// The name as people read it, with the server's delimiter.
    pub fn display(&self) -> String {
        utf7::decode(&self.wire).unwrap_or_else(|| self.wire.to_string())
    }

    /// Whether it is the INBOX.
    pub fn is_inbox(&self) -> bool {
        self.wire.eq_ignore_ascii_case("INBOX")
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.wire)
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// One folder's name, with look-alikes for what servers refuse or take for syntax.
fn presentable(name: &str, namespace: &Namespace) -> String {
    let mut shown: String = name.chars().map(|c| look_alike(c, namespace)).collect();
    if shown.chars().count() > LONGEST {
        shown = shown.chars().take(LONGEST - 1).chain(['…']).collect();
    }
    // Names of blanks or dots alone, and blanks at the ends, vanish or confuse on many servers.
    let blank_ends = shown.starts_with(' ') || shown.ends_with(' ');
    if shown.is_empty() || blank_ends || shown.chars().all(|c| c == '.') || shown.starts_with('~') {
        let middle = shown.trim_matches(' ').replace('.', "․").replace('~', "∼");
        shown = if middle.is_empty() {
            "_".into()
        } else {
            middle
        };
    }
    shown
}

fn look_alike(c: char, namespace: &Namespace) -> char {
    match c {
        _ if c == '/' && namespace.delimiter == Some('/') => '∕',
        _ if c == '.' && namespace.delimiter == Some('.') => '․',
        _ if namespace.delimiter == Some(c) => '_',
        // Dovecot refuses a slash in Maildir names whatever its delimiter is.
        '/' => '∕',
        '%' => '％',
        '*' => '＊',
        '\\' => '＼',
        '"' => '”',
        _ if c.is_control() => '␣',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plainer_name_has_no_dot_and_is_the_plainest() {
        let slash = Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        };
        let name = MailboxName::from_path(&["St. Louis".into(), "a.b".into()], &slash);
        let plainer = name.plainer(&slash).unwrap();
        assert_eq!(plainer.display(), "St․ Louis/a․b");
        assert_eq!(plainer.plainer(&slash), None);
        let dot = Namespace {
            prefix: "INBOX.".into(),
            delimiter: Some('.'),
        };
        assert_eq!(
            MailboxName::from_path(&["a".into(), "b".into()], &dot).plainer(&dot),
            None
        );
    }
    use proptest::prelude::*;

    fn slash() -> Namespace {
        Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        }
    }

    fn inbox_dot() -> Namespace {
        Namespace {
            prefix: "INBOX.".into(),
            delimiter: Some('.'),
        }
    }

    fn name(path: &[&str], namespace: &Namespace) -> String {
        MailboxName::from_path(
            &path.iter().map(|name| name.to_string()).collect::<Vec<_>>(),
            namespace,
        )
        .display()
    }

    #[test]
    fn the_inbox_has_one_name_however_it_came_about() {
        let odd = Namespace {
            prefix: "INb".into(),
            delimiter: Some('/'),
        };
        let name = MailboxName::from_path(&["OX".into()], &odd);
        assert_eq!(name, MailboxName::inbox());
    }

    #[test]
    fn paths_get_the_servers_prefix_and_delimiter() {
        assert_eq!(
            name(&["Archive", "2009", "Q1 & Q2"], &slash()),
            "Archive/2009/Q1 & Q2"
        );
        assert_eq!(
            name(&["Archive", "2009"], &inbox_dot()),
            "INBOX.Archive.2009"
        );
        assert_eq!(name(&["iNbOx"], &inbox_dot()), "INBOX");
        assert_eq!(name(&["Inbox", "Work"], &inbox_dot()), "INBOX.Work");
        assert_eq!(name(&["Inbox", "Work"], &slash()), "INBOX/Work");
        assert_eq!(
            name(
                &["a", "b"],
                &Namespace {
                    prefix: String::new(),
                    delimiter: None
                }
            ),
            "a - b"
        );
    }

    #[test]
    fn what_a_server_refuses_becomes_a_look_alike() {
        assert_eq!(name(&["50% off * sale"], &slash()), "50％ off ＊ sale");
        assert_eq!(name(&["a/b"], &slash()), "a∕b");
        assert_eq!(
            name(&["com.example.lists"], &inbox_dot()),
            "INBOX.com․example․lists"
        );
        assert_eq!(name(&["com.example.lists"], &slash()), "com.example.lists");
        assert_eq!(name(&[""], &slash()), "_");
        assert_eq!(name(&[".."], &slash()), "․․");
        assert_eq!(name(&[" x "], &slash()), "x");
        assert_eq!(name(&["Sub", "inbox"], &slash()), "Sub/inbox");
    }

    #[test]
    fn the_servers_own_names_come_back_as_they_are() {
        for raw in ["Sent Messages", "a\"b\\c", "&ZeVnLIqe-", "50% *"] {
            assert_eq!(MailboxName::from_wire(raw.as_bytes()).unwrap().wire(), raw);
        }
        assert_eq!(MailboxName::from_wire(b"inbox"), Some(MailboxName::inbox()));
        for raw in [&b""[..], b"a\r\nb", b"\xc3\xa9", b"a\0"] {
            assert_eq!(MailboxName::from_wire(raw), None);
        }
    }

    /// Reads a quoted string as a server does (RFC 9051, 4.3); `None` unless all of it is one.
    fn unquote(text: &str) -> Option<String> {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => return None,
                '\\' => out.push(chars.next().filter(|next| *next == '"' || *next == '\\')?),
                _ => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn no_folder_name_can_change_a_command(
            path in proptest::collection::vec(any::<String>(), 1..4),
            prefix in "(INBOX[./])?",
            delimiter in proptest::option::of(proptest::sample::select(vec!['/', '.', '\\', '"', '^'])),
        ) {
            let made = MailboxName::from_path(&path, &Namespace { prefix, delimiter });
            let quoted = made.quoted();
            prop_assert!(quoted.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", quoted);
            let wire = made.wire().to_string();
            prop_assert_eq!(unquote(&quoted), Some(wire));
            prop_assert!(!made.wire().contains(['%', '*']));
        }

        #[test]
        fn no_name_of_the_servers_can_change_a_command(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(name) = MailboxName::from_wire(&raw) {
                prop_assert_eq!(unquote(&name.quoted()), Some(name.wire().to_string()));
            }
        }
    }
}
