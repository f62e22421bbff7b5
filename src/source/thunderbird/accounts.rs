//! The accounts of a profile: which servers its settings name, what kind of mail each has, and where that lies.

use std::path::{Path, PathBuf};

use super::prefs::Prefs;
use crate::source::Role;
use crate::source::escapes;

/// An account's place on this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// What the person calls it: its name, else `user@host`.
    pub label: String,
    /// How settings refer to it: `mailbox://user@host`, percent-encoding resolved.
    pub address: String,
    /// Where its mail lies.
    pub directory: PathBuf,
    /// Whether that mail is only here. Other accounts (IMAP, news, feeds) have it on a server.
    pub local: bool,
}

/// The accounts of a profile, in the person's order, then those that are left over in the settings.
pub(crate) fn accounts(prefs: &Prefs, profile: &Path) -> Vec<Account> {
    let listed = prefs
        .get("mail.accountmanager.accounts")
        .unwrap_or_default();
    let mut servers: Vec<&str> = (listed.split(','))
        .filter_map(|account| prefs.of("account", account.trim(), "server"))
        .collect();
    for server in prefs.keys("server") {
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    let known = servers
        .iter()
        .filter_map(|server| account(prefs, profile, server));
    let mut accounts: Vec<Account> = Vec::new();
    for account in known {
        if accounts
            .iter()
            .all(|other| other.directory != account.directory)
        {
            accounts.push(account);
        }
    }
    accounts
}

fn account(prefs: &Prefs, profile: &Path, server: &str) -> Option<Account> {
    let get = |field| prefs.of("server", server, field);
    let kind = get("type")?;
    let host = get("hostname").unwrap_or(server);
    let user = get("userName").unwrap_or("nobody");
    // The account may have moved to another server without its folders: the first names stay in `hostname`.
    let shown_host = get("realhostname").unwrap_or(host);
    let shown_user = get("realuserName").unwrap_or(user);
    let label = match get("name") {
        Some(name) => name.to_string(),
        None if kind == "none" => host.to_string(),
        None if shown_user.contains('@') => shown_user.to_string(),
        None => format!("{shown_user}@{shown_host}"),
    };
    let local = matches!(kind, "pop3" | "none" | "movemail");
    let parent = if kind == "imap" { "ImapMail" } else { "Mail" };
    Some(Account {
        label,
        address: format!("mailbox://{user}@{host}"),
        directory: directory(prefs, profile, server)
            .unwrap_or_else(|| profile.join(parent).join(host)),
        local,
    })
}

/// `directory-rel` is right wherever the profile is now; `directory` is where it once was.
fn directory(prefs: &Prefs, profile: &Path, server: &str) -> Option<PathBuf> {
    let relative = prefs.of("server", server, "directory-rel");
    if let Some(below) = relative.and_then(|path| path.strip_prefix("[ProfD]")) {
        let path =
            (below.split(['/', '\\'])).fold(profile.to_path_buf(), |path, name| path.join(name));
        return Some(path);
    }
    let absolute = PathBuf::from(prefs.of("server", server, "directory")?);
    if absolute.is_dir() {
        return Some(absolute);
    }
    // A profile brought from elsewhere: the last two names are those of its own directories.
    let text = absolute.to_string_lossy().replace('\\', "/");
    let mut names = text.rsplit('/').filter(|name| !name.is_empty());
    let (host, parent) = (names.next()?, names.next()?);
    Some(profile.join(parent).join(host))
}

/// The folder that the settings make the one for a role, by the account's address and the path in it.
pub(crate) fn special_folders(prefs: &Prefs) -> Vec<(Role, String)> {
    let fields = [
        (Role::Sent, "fcc_folder"),
        (Role::Drafts, "draft_folder"),
        (Role::Archive, "archive_folder"),
        (Role::Templates, "stationery_folder"),
    ];
    let mut found = Vec::new();
    for identity in prefs.keys("identity") {
        for (role, field) in fields {
            if let Some(address) = prefs.of("identity", identity, field) {
                found.push((role, percent_decoded(address)));
            }
        }
    }
    for server in prefs.keys("server") {
        if let Some(address) = prefs.of("server", server, "spamActionTargetFolder") {
            found.push((Role::Junk, percent_decoded(address)));
        }
    }
    found
}

fn percent_decoded(address: &str) -> String {
    String::from_utf8_lossy(&escapes::resolve(address, b'%')).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_come_in_the_persons_order_with_the_place_where_they_are_now() {
        let prefs = Prefs::parse(
            br#"
user_pref("mail.accountmanager.accounts", "account2,account1,account9");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.server.server1.type", "none");
user_pref("mail.server.server1.hostname", "Local Folders");
user_pref("mail.server.server1.directory", "C:\\Users\\Jane\\Profiles\\x\\Mail\\Local Folders");
user_pref("mail.server.server2.type", "pop3");
user_pref("mail.server.server2.hostname", "pop.example.net");
user_pref("mail.server.server2.realhostname", "mobile.charter.net");
user_pref("mail.server.server2.userName", "jane");
user_pref("mail.server.server2.directory", "/gone/Mail/other");
user_pref("mail.server.server2.directory-rel", "[ProfD]Mail/pop.example.net-1");
user_pref("mail.server.server3.type", "imap");
user_pref("mail.server.server3.hostname", "imap.example.net");
user_pref("mail.server.server3.name", "My IMAP");
user_pref("mail.server.server4.hostname", "half");
"#,
        );
        let found = accounts(&prefs, Path::new("p"));
        let shown: Vec<_> = (found.iter())
            .map(|account| {
                let place = account.directory.to_string_lossy().replace('\\', "/");
                (account.label.as_str(), place, account.local)
            })
            .collect();
        let expected = [
            ("jane@mobile.charter.net", "p/Mail/pop.example.net-1", true),
            ("Local Folders", "p/Mail/Local Folders", true),
            ("My IMAP", "p/ImapMail/imap.example.net", false),
        ];
        assert_eq!(
            shown,
            expected.map(|(label, place, local)| (label, place.to_string(), local))
        );
        assert_eq!(found[0].address, "mailbox://jane@pop.example.net");
    }

    #[test]
    fn folders_with_a_role_are_named_by_their_address() {
        let prefs = Prefs::parse(
            b"user_pref(\"mail.identity.id1.fcc_folder\", \"mailbox://nobody@Local%20Folders/Ausgang%C3%A4\");\n\
              user_pref(\"mail.server.server1.spamActionTargetFolder\", \"mailbox://a%40b@c/Spam%\");",
        );
        let expected = [
            (
                Role::Sent,
                "mailbox://nobody@Local Folders/Ausgangä".to_string(),
            ),
            (Role::Junk, "mailbox://a@b@c/Spam%".to_string()),
        ];
        assert_eq!(special_folders(&prefs), expected);
    }
}
