//! Where a folder goes: its name on the server, and the rules that keep mail out of Trash and Junk.

use std::collections::{BTreeMap, HashMap};

use crate::error::Error;
use crate::mailbox::{Folder, MailboxName, Namespace};
use crate::source::roles::well_known;
use crate::source::{Role, SourceFolder};
use crate::transfer::Choices;

/// The place on the server for a folder of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name.
    pub name: MailboxName,
    /// Whether it could not be called what it should be called.
    pub renamed: bool,
    /// Whether the person chose to leave it out.
    pub skipped: bool,
}

/// Finds the target of each folder, and remembers which names are taken.
pub(crate) struct Targets<'a> {
    choices: &'a Choices,
    namespace: &'a Namespace,
    server: &'a [Folder],
    /// The wanted path behind each name that was given out.
    given: HashMap<MailboxName, Vec<String>>,
    /// Choices that matched no folder so far.
    unused: BTreeMap<String, &'static str>,
}

impl<'a> Targets<'a> {
    /// # Errors
    /// [`Error::Choice`] where a choice would put mail where Spectrum deletes it.
    pub fn new(
        choices: &'a Choices,
        namespace: &'a Namespace,
        server: &'a [Folder],
    ) -> Result<Targets<'a>, Error> {
        let targets = Targets {
            choices,
            namespace,
            server,
            given: HashMap::new(),
            unused: (choices.skip.iter().map(|name| (name.clone(), "--skip")))
                .chain(choices.map.iter().map(|(from, _)| (from.clone(), "--map")))
                .collect(),
        };
        for wanted in choices.map.iter().map(|(_, to)| to).chain(&choices.into) {
            let path = split(wanted);
            if path.is_empty() || targets.purged_at(&path).is_some() {
                return Err(Error::Choice {
                    detail: format!(
                        "mail can't be copied to \"{wanted}\": Spectrum empties Trash and Spam by itself; choose another folder"
                    ),
                });
            }
        }
        Ok(targets)
    }

    /// The target of a folder.
    pub fn of(&mut self, folder: &SourceFolder) -> Target {
        let skipped = self
            .choices
            .skip
            .iter()
            .find(|name| names(name, &folder.path))
            .cloned();
        if let Some(name) = &skipped {
            self.unused.remove(name);
        }
        let mut wanted = self.mapped(folder).unwrap_or_else(|| self.by_role(folder));
        if let Some(name) = self.purged_at(&wanted).and_then(|at| wanted.get_mut(at)) {
            *name = format!("Old {name}");
        }
        let (name, renamed) = self.give(wanted);
        Target {
            name,
            renamed,
            skipped: skipped.is_some(),
        }
    }

    /// # Errors
    /// [`Error::Choice`] where a choice names a folder that no source has.
    pub fn check_choices(&self) -> Result<(), Error> {
        match self.unused.iter().next() {
            None => Ok(()),
            Some((name, flag)) => Err(Error::Choice {
                detail: format!(
                    "{flag} {name}: none of the mail found is in a folder of that name"
                ),
            }),
        }
    }

    /// The path that `--map` asks for: the folder itself, or one it lies in.
    fn mapped(&mut self, folder: &SourceFolder) -> Option<Vec<String>> {
        let (from, to, rest) = self.choices.map.iter().find_map(|(from, to)| {
            let exact = names(from, &folder.path).then_some(&[][..]);
            let below = || {
                (1..folder.path.len()).find_map(|n| {
                    let (top, rest) = folder.path.split_at(n);
                    names(from, top).then_some(rest)
                })
            };
            exact.or_else(below).map(|rest| (from, to, rest))
        })?;
        self.unused.remove(from);
        Some(split(to).into_iter().chain(rest.iter().cloned()).collect())
    }

    /// The path by what the folder is for.
    fn by_role(&self, folder: &SourceFolder) -> Vec<String> {
        let mut path = folder.path.clone();
        let top = path.first().map(String::as_str).unwrap_or_default();
        let role = if path.len() == 1 {
            folder.role.or_else(|| well_known(top))
        } else {
            well_known(top)
        };
        let first = match role {
            Some(Role::Inbox) => Some("INBOX".to_string()),
            Some(Role::Trash) => Some("Old Trash".to_string()),
            Some(Role::Junk) => Some("Old Junk".to_string()),
            Some(role @ (Role::Sent | Role::Drafts)) => Some(self.server_name(role)),
            _ => None,
        };
        if let (Some(first), Some(top)) = (first, path.first_mut()) {
            *top = first;
        }
        if let Some(into) = &self.choices.into {
            let inside = path.iter().map(|name| {
                if name == "INBOX" {
                    "Inbox".to_string()
                } else {
                    name.clone()
                }
            });
            path = split(into).into_iter().chain(inside).collect();
        } else if path.len() > 1
            && path.first().is_some_and(|top| top == "INBOX")
            && !self.inbox_takes_children()
        {
            path.remove(0);
        }
        path
    }

    /// What the server calls its folder for this role: by SPECIAL-USE, else by a name people know.
    fn server_name(&self, role: Role) -> String {
        let by_use = self
            .server
            .iter()
            .find(|folder| folder.selectable && folder.role == Some(role));
        let by_name = || {
            self.server
                .iter()
                .find(|folder| folder.selectable && self.top_role(folder) == Some(role))
        };
        match by_use.or_else(by_name) {
            Some(folder) => self.without_prefix(folder),
            None if role == Role::Sent => "Sent".into(),
            None => "Drafts".into(),
        }
    }

    fn top_role(&self, folder: &Folder) -> Option<Role> {
        well_known(&self.without_prefix(folder))
    }

    fn without_prefix(&self, folder: &Folder) -> String {
        let shown = folder.name.display();
        shown
            .strip_prefix(&self.namespace.prefix)
            .map(str::to_string)
            .unwrap_or(shown)
    }

    /// Whether Spectrum deletes mail at this path after some days: the place of the name to change.
    fn purged_at(&self, path: &[String]) -> Option<usize> {
        let purged = |role: Option<Role>| matches!(role, Some(Role::Trash | Role::Junk));
        // Some servers keep every folder below the INBOX, the Trash too.
        let below_inbox = path.len() > 1
            && path
                .first()
                .is_some_and(|top| top.eq_ignore_ascii_case("inbox"));
        let at = usize::from(below_inbox);
        let name = path.get(at)?;
        let place = MailboxName::from_path(path, self.namespace)
            .display()
            .to_lowercase();
        let by_use = || {
            let folders = self.server.iter().filter(|folder| purged(folder.role));
            folders
                .map(|folder| folder.name.display().to_lowercase())
                .filter_map(|own| place.strip_prefix(&own))
                .any(|rest| rest.is_empty() || rest.chars().next() == self.namespace.delimiter)
        };
        (purged(well_known(name)) || by_use()).then_some(at)
    }

    /// Whether the server deletes mail in this folder of its own by and by, by its role or by its name.
    pub fn loses(&self, folder: &Folder) -> bool {
        let shown = self.without_prefix(folder);
        let path: Vec<String> = match self.namespace.delimiter {
            Some(delimiter) => shown.split(delimiter).map(str::to_string).collect(),
            None => vec![shown],
        };
        matches!(folder.role, Some(Role::Trash | Role::Junk)) || self.purged_at(&path).is_some()
    }

    fn inbox_takes_children(&self) -> bool {
        self.namespace.delimiter.is_some()
            && self
                .server
                .iter()
                .find(|folder| folder.name.is_inbox())
                .is_none_or(|inbox| inbox.inferiors)
    }

    /// A name for this path, different from that of every other path.
    fn give(&mut self, wanted: Vec<String>) -> (MailboxName, bool) {
        let mut path = wanted.clone();
        for number in 2.. {
            let name = self.as_taken_before(MailboxName::from_path(&path, self.namespace));
            let taken = self.given.get(&name).is_some_and(|other| *other != wanted);
            if !taken {
                let renamed = !self.shows(&name, &wanted);
                self.given.insert(name.clone(), wanted);
                return (name, renamed);
            }
            if let (Some(last), Some(plain)) = (path.last_mut(), wanted.last()) {
                *last = format!("{plain} ({number})");
            }
        }
        (MailboxName::inbox(), true)
    }

    /// The plainer name, where the server has taken that and not this one.
    fn as_taken_before(&self, name: MailboxName) -> MailboxName {
        let has = |name: &MailboxName| self.server.iter().any(|folder| folder.name == *name);
        match name.plainer(self.namespace) {
            Some(plainer) if has(&plainer) && !has(&name) => plainer,
            _ => name,
        }
    }

    fn shows(&self, name: &MailboxName, wanted: &[String]) -> bool {
        let between = self
            .namespace
            .delimiter
            .map(String::from)
            .unwrap_or_default();
        let plain = wanted.join(&between);
        let shown = name.display();
        shown == plain || shown.strip_prefix(&self.namespace.prefix) == Some(&plain)
    }
}

/// A path that a person wrote, `Archive/2009`.
fn split(text: &str) -> Vec<String> {
    text.split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_string)
        .collect()
}

/// Whether a name that a person wrote means this folder: its whole path, or its last name.
fn names(written: &str, path: &[String]) -> bool {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    same(written, &path.join("/")) || path.last().is_some_and(|last| same(written, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(names: &[(&str, Option<Role>)]) -> Vec<Folder> {
        let folder = |(name, role): &(&str, Option<Role>)| Folder {
            name: MailboxName::from_wire(name.as_bytes()).unwrap(),
            role: *role,
            selectable: true,
            inferiors: true,
        };
        names.iter().map(folder).collect()
    }

    fn folder(path: &[&str], role: Option<Role>) -> SourceFolder {
        SourceFolder {
            path: path.iter().map(|name| name.to_string()).collect(),
            account: None,
            role,
        }
    }

    fn slash() -> Namespace {
        Namespace {
            prefix: String::new(),
            delimiter: Some('/'),
        }
    }

    fn goes(path: &[&str], role: Option<Role>, server: &[Folder], choices: &Choices) -> String {
        let namespace = slash();
        let mut targets = Targets::new(choices, &namespace, server).unwrap();
        targets.of(&folder(path, role)).name.display()
    }

    #[test]
    fn inbox_sent_and_drafts_find_their_places() {
        let server = server(&[
            ("INBOX", None),
            ("Sent Messages", Some(Role::Sent)),
            ("Draft", None),
        ]);
        let plain = Choices::default();
        assert_eq!(
            goes(&["Inbox"], Some(Role::Inbox), &server, &plain),
            "INBOX"
        );
        assert_eq!(
            goes(&["Inbox", "Projekte"], None, &server, &plain),
            "INBOX/Projekte"
        );
        assert_eq!(
            goes(&["Gesendet"], Some(Role::Sent), &server, &plain),
            "Sent Messages"
        );
        assert_eq!(goes(&["Drafts"], None, &[], &plain), "Drafts");
        assert_eq!(
            goes(&["Archive", "2009"], None, &server, &plain),
            "Archive/2009"
        );
    }

    #[test]
    fn nothing_ever_goes_where_spectrum_deletes_it() {
        let server = server(&[
            ("INBOX", None),
            ("Papierkorb", Some(Role::Trash)),
            ("Weg", Some(Role::Junk)),
        ]);
        let plain = Choices::default();
        for (path, role) in [
            (&["Trash"][..], Some(Role::Trash)),
            (&["trash"], None),
            (&["Deleted Items", "2009"], None),
            (&["Papierkorb"], None),
            (&["Weg"], None),
            (&["Spam"], None),
            (&["Junk", "x"], None),
        ] {
            let target = goes(path, role, &server, &plain);
            assert!(target.starts_with("Old "), "{path:?} goes to {target}");
        }
        let namespace = slash();
        for wanted in ["Trash", "spam/old", "Weg", "papierkorb/x"] {
            let into = Choices {
                into: Some(wanted.into()),
                ..Choices::default()
            };
            assert!(
                Targets::new(&into, &namespace, &server).is_err(),
                "--into {wanted}"
            );
            let map = Choices {
                map: vec![("Family".into(), wanted.into())],
                ..Choices::default()
            };
            assert!(
                Targets::new(&map, &namespace, &server).is_err(),
                "--map {wanted}"
            );
        }
    }

    #[test]
    fn nothing_goes_into_a_purged_folder_below_the_inbox() {
        let plain = Choices::default();
        for (prefix, delimiter, trash) in [("", '/', "INBOX/Trash"), ("INBOX.", '.', "INBOX.Trash")]
        {
            let namespace = Namespace {
                prefix: prefix.into(),
                delimiter: Some(delimiter),
            };
            let server = server(&[("INBOX", None), (trash, Some(Role::Trash))]);
            let mut targets = Targets::new(&plain, &namespace, &server).unwrap();
            for path in [&["Inbox", "Trash"][..], &["Inbox", "Trash", "2009"]] {
                let target = targets.of(&folder(path, None)).name.display();
                assert!(!target.starts_with(trash), "{path:?} goes to {target}");
            }
            let into = Choices {
                into: Some("INBOX/Trash".into()),
                ..Choices::default()
            };
            assert!(Targets::new(&into, &namespace, &server).is_err());
            let copy = server.last().unwrap();
            assert!(targets.loses(copy));
        }
    }

    #[test]
    fn choices_move_and_skip_folders_and_must_mean_one() {
        let choices = Choices {
            map: vec![("Old/2009".into(), "Archive/Nine".into())],
            skip: vec!["family".into(), "nowhere".into()],
            ..Choices::default()
        };
        let namespace = slash();
        let mut targets = Targets::new(&choices, &namespace, &[]).unwrap();
        assert_eq!(
            targets.of(&folder(&["Old", "2009"], None)).name.display(),
            "Archive/Nine"
        );
        assert_eq!(
            targets
                .of(&folder(&["Old", "2009", "Q1"], None))
                .name
                .display(),
            "Archive/Nine/Q1"
        );
        assert!(targets.of(&folder(&["x", "Family"], None)).skipped);
        assert!(!targets.of(&folder(&["Old"], None)).skipped);
        let error = targets.check_choices().unwrap_err();
        assert!(error.to_string().contains("--skip nowhere"), "{error}");
    }

    #[test]
    fn into_puts_everything_below_one_folder() {
        let into = Choices {
            into: Some("From the old computer".into()),
            ..Choices::default()
        };
        assert_eq!(
            goes(&["Inbox"], Some(Role::Inbox), &[], &into),
            "From the old computer/Inbox"
        );
        assert_eq!(
            goes(&["Trash"], Some(Role::Trash), &[], &into),
            "From the old computer/Old Trash"
        );
    }

    #[test]
    fn two_folders_that_would_get_one_name_stay_two() {
        let plain = Choices::default();
        let namespace = slash();
        let mut targets = Targets::new(&plain, &namespace, &[]).unwrap();
        let first = targets.of(&folder(&["a/b"], None));
        let again = targets.of(&folder(&["a/b"], None));
        let other = targets.of(&folder(&[&first.name.display()], None));
        assert_eq!(first, again);
        assert!(first.renamed && other.renamed);
        assert_ne!(first.name, other.name);
        assert!(other.name.display().ends_with(" (2)"), "{:?}", other.name);
    }
}
