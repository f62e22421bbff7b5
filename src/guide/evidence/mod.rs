//! What the mail programs' own files say about steps 1 and 2: whether mail stays on the server, and whether more is fetched.
//!
//! Files are only read, each up to a bound, and what does not stand in them is
//! [`Leaves::Unknown`] or [`Fetches::Unknown`]: then the person's word counts.

mod claws;
mod evolution;
mod kmail;
mod outlook;
mod sections;
mod thunderbird;
mod windows_mail;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::settings;
pub use crate::source::find::Home;
pub(super) use thunderbird::Server;

/// Programs whose settings are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Thunderbird, SeaMonkey, Postbox, Betterbird.
    Thunderbird,
    /// Outlook for Windows, the classic one.
    Outlook,
    /// Windows Live Mail, and Windows Mail of Vista.
    WindowsMail,
    /// Evolution.
    Evolution,
    /// KMail.
    KMail,
    /// Claws Mail.
    Claws,
}

/// Step 1: whether mail stays on the server once it has been fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaves {
    /// It stays.
    Yes,
    /// It stays for a while. Both can hold, and neither where the limit is of another kind, such as a size.
    Limited {
        /// Days after which it is deleted from the server.
        days: Option<u32>,
        /// It is deleted from the server when the person deletes it here.
        until_deleted: bool,
    },
    /// It is deleted from the server.
    No,
    /// The settings don't say.
    Unknown,
}

impl Leaves {
    /// What a switch and its two limits amount to.
    fn of(stays: bool, days: Option<u32>, until_deleted: bool) -> Leaves {
        match (stays, days, until_deleted) {
            (false, ..) => Leaves::No,
            (true, None, false) => Leaves::Yes,
            (true, days, until_deleted) => Leaves::Limited {
                days,
                until_deleted,
            },
        }
    }
}

/// Step 2: whether the program gets mail by itself. A click on "Get Messages" always does, and stands in no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fetches {
    /// It does not.
    No,
    /// On some of these occasions. To look whether there is new mail counts, too.
    ByItself {
        /// When the program starts.
        at_start: bool,
        /// Again and again.
        repeatedly: bool,
        /// How many minutes lie between two times, where known.
        minutes: Option<u32>,
        /// Whenever mail is fetched for another account; its name.
        along_with: Option<String>,
    },
    /// The settings don't say.
    Unknown,
}

impl Fetches {
    /// Again and again, by a setting of so many minutes; whether it does so at the start as well stands elsewhere.
    fn repeatedly(minutes: Option<i64>) -> Fetches {
        let minutes = minutes.and_then(|minutes| u32::try_from(minutes).ok());
        Fetches::of(false, true, minutes, None)
    }

    fn of(
        at_start: bool,
        repeatedly: bool,
        minutes: Option<u32>,
        along_with: Option<String>,
    ) -> Fetches {
        if !at_start && !repeatedly && along_with.is_none() {
            return Fetches::No;
        }
        Fetches::ByItself {
            at_start,
            repeatedly,
            minutes: minutes.filter(|_| repeatedly),
            along_with,
        }
    }
}

/// Whether a program has its files open at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Running {
    /// Yes; the file that shows it.
    Yes(PathBuf),
    /// No.
    No,
    /// It can't be told on this computer.
    Unknown,
}

/// Whose mail an account gets, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// The user name at the server: `jane`, or `jane@charter.net`.
    pub user: String,
    /// The server.
    pub server: String,
    /// The addresses it sends as, where the settings say.
    pub addresses: Vec<String>,
}

impl Owner {
    /// Whether this is the account of an address.
    pub fn is(&self, email: &str) -> bool {
        let Some((local, domain)) = email.rsplit_once('@') else {
            return false;
        };
        if self.user.contains('@') {
            return self.user.eq_ignore_ascii_case(email);
        }
        if !self.user.eq_ignore_ascii_case(local) {
            return false;
        }
        if !self.addresses.is_empty() {
            return (self.addresses.iter()).any(|address| address.eq_ignore_ascii_case(email));
        }
        // `jane` at `pop.charter.net`: the server's domain has to tell.
        let site = site(&self.server);
        let platform = settings::servers(email).map(|servers| servers.imap.host);
        site == self::site(domain) || platform.is_some_and(|host| site == self::site(&host))
    }
}

/// The last two names of a host: `charter.net` of `pop.charter.net`.
fn site(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut names: Vec<&str> = host.rsplit('.').take(2).collect();
    names.reverse();
    names.join(".")
}

/// A POP account that a program on this computer has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PopAccount {
    /// The program, as people know it.
    pub program: String,
    /// The kind of settings it has.
    pub family: Family,
    /// The account's name in the program.
    pub name: String,
    /// Whose mail it gets.
    pub owner: Owner,
    /// Step 1.
    pub leaves: Leaves,
    /// Step 2.
    pub fetches: Fetches,
    /// The file that says so; on Windows it may be a key of the registry.
    pub settings: PathBuf,
    /// How the settings call the account, such as `server2`.
    pub key: String,
    /// Where its mail lies, where the settings say: that of another account, if it is deferred to it.
    pub mail: Option<PathBuf>,
}

impl PopAccount {
    /// Whether the program is running.
    pub fn running(&self) -> Running {
        match self.family {
            Family::Thunderbird => match self.settings.parent() {
                Some(profile) => thunderbird::running(profile),
                None => Running::Unknown,
            },
            Family::Outlook => match &self.mail {
                Some(file) => in_use(file),
                None => Running::Unknown,
            },
            Family::WindowsMail => match self.settings.parent().and_then(Path::parent) {
                Some(root) => in_use(&root.join("Mail.MSMessageStore")),
                None => Running::Unknown,
            },
            Family::Evolution | Family::KMail | Family::Claws => Running::Unknown,
        }
    }
}

/// Step 3: an IMAP account that is there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImapAccount {
    /// The program, as people know it.
    pub program: String,
    /// The account's name in the program.
    pub name: String,
    /// Whose mail it shows.
    pub owner: Owner,
    /// The file that says so.
    pub settings: PathBuf,
}

/// What the programs on a computer say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Accounts of the old way.
    pub pop: Vec<PopAccount>,
    /// Accounts of the new way.
    pub imap: Vec<ImapAccount>,
}

impl Evidence {
    /// What there is of an address.
    #[must_use]
    pub fn of(&self, email: &str) -> Evidence {
        let mut own = self.clone();
        own.pop.retain(|account| account.owner.is(email));
        own.imap.retain(|account| account.owner.is(email));
        own
    }
}

/// Looks at the settings of all programs that keep them where we can read them.
pub fn look(home: &Home) -> Evidence {
    let mut evidence = Evidence::default();
    thunderbird::look(home, &mut evidence);
    outlook::look(&mut evidence);
    windows_mail::look(home, &mut evidence);
    evolution::look(home, &mut evidence);
    kmail::look(home, &mut evidence);
    claws::look(home, &mut evidence);
    evidence
}

/// Whether a program holds a file so that nobody else may read it. Only Windows knows that.
pub fn in_use(file: &Path) -> Running {
    if !cfg!(windows) || !file.is_file() {
        return Running::Unknown;
    }
    match std::fs::File::open(file) {
        Ok(_) => Running::No,
        // ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
        Err(error) if matches!(error.raw_os_error(), Some(32 | 33)) => Running::Yes(file.into()),
        Err(_) => Running::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(user: &str, server: &str, addresses: &[&str]) -> Owner {
        Owner {
            user: user.into(),
            server: server.into(),
            addresses: addresses.iter().map(|a| (*a).to_string()).collect(),
        }
    }

    #[test]
    fn an_account_belongs_to_the_address_that_its_user_and_server_name() {
        let jane = "jane@charter.net";
        assert!(owner("Jane@Charter.net", "pop.example.org", &[]).is(jane));
        assert!(owner("jane", "pop.charter.net", &[]).is(jane));
        assert!(owner("jane", "POP.east.Charter.Net.", &[]).is(jane));
        assert!(owner("jane", "pop.old.example", &["x@y.z", jane]).is(jane));
        // The address at Bresnan lies on the servers of charter.net.
        assert!(owner("jane", "mobile.charter.net", &[]).is("jane@bresnan.net"));
        assert!(owner("jane", "pop-server.nyc.rr.com", &[]).is("jane@nyc.rr.com"));
        for other in [
            owner("jane", "pop.gmail.com", &[]),
            owner("jim", "pop.charter.net", &[jane]),
            owner("jane", "mobile.charter.net", &["jane@spectrum.net"]),
            owner("jane@twc.com", "mobile.charter.net", &[]),
            owner("", "", &[]),
        ] {
            assert!(!other.is(jane), "{other:?}");
        }
    }

    #[test]
    fn limits_of_both_kinds_hold_together() {
        assert_eq!(Leaves::of(false, Some(7), true), Leaves::No);
        assert_eq!(
            Leaves::of(true, Some(7), true),
            Leaves::Limited {
                days: Some(7),
                until_deleted: true
            }
        );
    }

    #[test]
    fn a_computer_without_programs_has_no_evidence() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(look(&testing::home(directory.path())), Evidence::default());
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Home;
    use crate::source::find::Platform;
    use std::path::Path;

    /// A computer whose directories all lie in one.
    pub fn home(at: &Path) -> Home {
        Home {
            platform: Platform::Linux,
            home: at.into(),
            roaming: None,
            local: Some(at.join("Local")),
            documents: None,
            spool: at.join("spool"),
            user: None,
        }
    }

    /// Writes a file and the directories above it.
    pub fn write(at: &Path, below: &str, contents: impl AsRef<[u8]>) {
        let path = at.join(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }
}
