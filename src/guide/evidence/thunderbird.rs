//! Thunderbird and its relatives: `prefs.js` of each profile.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Evidence, Family, Fetches, Home, ImapAccount, Leaves, Owner, PopAccount, Running};
use crate::source::find;
use crate::source::thunderbird::prefs::Prefs;
use crate::source::thunderbird::{profiles, running as locks};
use crate::source::walk;

/// The days of "for at most … days", where the person never changed them.
const DAYS: u32 = 7;

pub(super) fn look(home: &Home, evidence: &mut Evidence) {
    let mut seen = HashSet::new();
    for (program, root) in find::profile_roots(home) {
        for profile in profiles::profiles(&root) {
            // `.icedove` may be a link to `.thunderbird`.
            let real = fs::canonicalize(&profile.path).unwrap_or_else(|_| profile.path.clone());
            if seen.insert(real) {
                read(program, &profile.path, evidence);
            }
        }
    }
}

/// Whether a program has this profile open.
pub(super) fn running(profile: &Path) -> Running {
    match locks::lock(profile) {
        Some(lock) => Running::Yes(lock),
        None => Running::No,
    }
}

/// What the settings of a profile say.
fn read(program: &str, profile: &Path, evidence: &mut Evidence) {
    let settings = profile.join("prefs.js");
    let prefs = Prefs::parse(&walk::read_small(&settings));
    for key in prefs.keys("server") {
        let server = Server { prefs: &prefs, key };
        match server.get("type") {
            Some("pop3") => evidence.pop.push(PopAccount {
                program: program.into(),
                family: Family::Thunderbird,
                name: server.name(),
                owner: server.owner(),
                leaves: server.leaves(),
                fetches: server.fetches(),
                settings: settings.clone(),
                key: key.into(),
                mail: server.mail(profile),
            }),
            Some("imap") => evidence.imap.push(ImapAccount {
                program: program.into(),
                name: server.name(),
                owner: server.owner(),
                settings: settings.clone(),
            }),
            _ => {}
        }
    }
}

/// A server in the settings. What is at its default stands in no file.
#[derive(Clone, Copy)]
pub(in crate::guide) struct Server<'a> {
    pub prefs: &'a Prefs,
    pub key: &'a str,
}

impl<'a> Server<'a> {
    pub fn get(&self, field: &str) -> Option<&'a str> {
        self.prefs.of("server", self.key, field)
    }

    /// A switch, with the default that the person may have set for all accounts, else the program's own: off.
    pub fn is_on(&self, field: &str) -> bool {
        let own = self.get(field);
        // "Check for new messages every … minutes" is on for POP, and has no common default:
        // each protocol has its own (nsPop3Service::GetDefaultDoBiff).
        if field == "check_new_mail" {
            return own != Some("false");
        }
        let value = own.or_else(|| self.prefs.of("server", "default", field));
        value == Some("true")
    }

    fn number(&self, field: &str) -> Option<u32> {
        let common = self.prefs.of("server", "default", field);
        self.get(field).or(common)?.parse().ok()
    }

    fn user(&self) -> &'a str {
        // `userName` and `hostname` stay what they first were when the account moves.
        let user = self.get("realuserName").or_else(|| self.get("userName"));
        user.unwrap_or_default()
    }

    fn host(&self) -> &'a str {
        let host = self.get("realhostname").or_else(|| self.get("hostname"));
        host.unwrap_or_default()
    }

    /// As the list of accounts shows it.
    pub fn name(&self) -> String {
        let (user, host) = (self.user(), self.host());
        match self.get("name") {
            Some(name) => name.to_string(),
            None if user.is_empty() || self.get("type") == Some("none") => host.to_string(),
            None if user.contains('@') => user.to_string(),
            None => format!("{user}@{host}"),
        }
    }

    fn account(&self) -> Option<&'a str> {
        let mut accounts = self.prefs.keys("account").into_iter();
        accounts.find(|account| self.prefs.of("account", account, "server") == Some(self.key))
    }

    fn owner(&self) -> Owner {
        let identities = (self.account())
            .and_then(|account| self.prefs.of("account", account, "identities"))
            .unwrap_or_default();
        let addresses = (identities.split(','))
            .filter_map(|identity| self.prefs.of("identity", identity.trim(), "useremail"));
        Owner {
            user: self.user().into(),
            server: self.host().into(),
            addresses: addresses.map(str::to_string).collect(),
        }
    }

    pub fn leaves(&self) -> Leaves {
        let by_age = self.is_on("delete_by_age_from_server");
        let days = by_age.then(|| self.number("num_days_to_leave_on_server").unwrap_or(DAYS));
        let until_deleted = self.is_on("delete_mail_left_on_server");
        Leaves::of(self.is_on("leave_on_server"), days, until_deleted)
    }

    pub fn fetches(&self) -> Fetches {
        let along_with = self
            .deferred_to()
            .filter(|_| self.is_on("defer_get_new_mail"));
        Fetches::of(
            self.is_on("login_at_startup"),
            self.is_on("check_new_mail"),
            Some(self.number("check_time").unwrap_or(10)),
            along_with.map(|server| server.name()),
        )
    }

    /// The account that has this one's mail in its folders.
    fn deferred_to(&self) -> Option<Server<'a>> {
        let account = self.get("deferred_to_account")?;
        let key = self.prefs.of("account", account, "server")?;
        (key != self.key).then_some(Server { key, ..*self })
    }

    fn mail(&self, profile: &Path) -> Option<PathBuf> {
        let server = self.deferred_to().unwrap_or(*self);
        let relative = server.get("directory-rel");
        if let Some(below) = relative.and_then(|path| path.strip_prefix("[ProfD]")) {
            let names = below.split(['/', '\\']);
            return Some(names.fold(profile.to_path_buf(), |path, name| path.join(name)));
        }
        server.get("directory").map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::evidence::testing::{home, write};

    const PREFS: &str = r#"// Mozilla User Preferences
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.identities", "id1,id2");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.account.account3.server", "server3");
user_pref("mail.account.account4.identities", "id1");
user_pref("mail.account.account4.server", "server4");
user_pref("mail.identity.id1.useremail", "jane@charter.net");
user_pref("mail.identity.id2.useremail", "shop@example.org");
user_pref("mail.server.server1.directory-rel", "[ProfD]Mail/Local Folders");
user_pref("mail.server.server1.hostname", "Local Folders");
user_pref("mail.server.server1.type", "none");
user_pref("mail.server.server2.check_new_mail", false);
user_pref("mail.server.server2.defer_get_new_mail", true);
user_pref("mail.server.server2.deferred_to_account", "account1");
user_pref("mail.server.server2.directory-rel", "[ProfD]Mail/pop.example.org");
user_pref("mail.server.server2.hostname", "pop.example.org");
user_pref("mail.server.server2.realhostname", "mobile.charter.net");
user_pref("mail.server.server2.type", "pop3");
user_pref("mail.server.server2.userName", "jane");
user_pref("mail.server.server3.check_time", 15);
user_pref("mail.server.server3.delete_by_age_from_server", true);
user_pref("mail.server.server3.delete_mail_left_on_server", true);
user_pref("mail.server.server3.hostname", "pop.gmail.com");
user_pref("mail.server.server3.leave_on_server", true);
user_pref("mail.server.server3.name", "Work");
user_pref("mail.server.server3.type", "pop3");
user_pref("mail.server.server3.userName", "jane");
user_pref("mail.server.server4.hostname", "mobile.charter.net");
user_pref("mail.server.server4.type", "imap");
user_pref("mail.server.server4.userName", "jane@charter.net");
"#;

    #[test]
    fn what_is_absent_is_at_its_default_and_mail_is_deleted_from_the_server() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        write(at, ".thunderbird/profiles.ini", "[Profile0]\nPath=p\n");
        write(at, ".thunderbird/p/prefs.js", PREFS);
        let evidence = crate::guide::evidence::look(&home(at));
        let own = evidence.of("jane@charter.net");
        assert_eq!(
            (evidence.pop.len(), own.pop.len(), own.imap.len()),
            (2, 1, 1)
        );
        let pop = &own.pop[0];
        assert_eq!(
            (pop.name.as_str(), pop.key.as_str()),
            ("jane@mobile.charter.net", "server2")
        );
        assert_eq!(pop.leaves, Leaves::No);
        let along_with = Some("Local Folders".to_string());
        assert_eq!(pop.fetches, Fetches::of(false, false, None, along_with));
        let profile = at.join(".thunderbird").join("p");
        assert_eq!(pop.mail, Some(profile.join("Mail").join("Local Folders")));
        assert_eq!(pop.running(), Running::No);

        let work = &evidence.pop[1];
        assert_eq!(work.name, "Work");
        assert_eq!(work.leaves, Leaves::of(true, Some(7), true));
        assert_eq!(work.fetches, Fetches::of(false, true, Some(15), None));
    }

    #[test]
    fn a_default_of_the_persons_own_counts_for_all_accounts() {
        let prefs = Prefs::parse(
            b"user_pref(\"mail.server.default.leave_on_server\", true);\n\
              user_pref(\"mail.server.server1.type\", \"pop3\");\n",
        );
        let server = Server {
            prefs: &prefs,
            key: "server1",
        };
        assert_eq!(server.leaves(), Leaves::Yes);
        assert_eq!(server.fetches(), Fetches::of(false, true, Some(10), None));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_runs_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("lock");
        let us = format!("127.0.1.1:+{}", std::process::id());
        std::os::unix::fs::symlink(us, &link).unwrap();
        assert_eq!(running(directory.path()), Running::Yes(link));
    }
}
