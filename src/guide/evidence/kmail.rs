//! KMail: one `akonadi_pop3_resource_*rc` file an account.

use std::path::Path;

use super::sections::{self, Section};
use super::{Evidence, Family, Fetches, Home, ImapAccount, Leaves, Owner, PopAccount};

pub(super) fn look(home: &Home, evidence: &mut Evidence) {
    for below in [
        ".config",
        ".var/app/org.kde.kontact/config",
        ".var/app/org.kde.kmail2/config",
        ".kde/share/config",
        ".kde4/share/config",
    ] {
        let directory = home.home.join(below);
        let wanted = |name: &str| {
            let kind = ["akonadi_pop3_resource_", "akonadi_imap_resource_"];
            kind.iter().any(|start| name.starts_with(start)) && name.ends_with("rc")
        };
        for settings in sections::files(&directory, wanted) {
            read(&settings, evidence);
        }
    }
}

fn read(settings: &Path, evidence: &mut Evidence) {
    let file = settings.file_name().unwrap_or_default().to_string_lossy();
    let sections = sections::read(settings);
    let pop = file.starts_with("akonadi_pop3");
    // POP has its keys in [General], IMAP in [network].
    let group = if pop { "General" } else { "network" };
    let empty = Section::default();
    let section = sections::titled(&sections, group).unwrap_or(&empty);
    let get = |key: &str| section.get(key).unwrap_or_default().to_string();
    let program = "KMail".to_string();
    if !pop {
        let owner = Owner {
            user: get("UserName"),
            server: get("ImapServer"),
            addresses: Vec::new(),
        };
        evidence.imap.push(ImapAccount {
            program,
            name: owner.user.clone(),
            owner,
            settings: settings.into(),
        });
        return;
    }
    let owner = Owner {
        user: get("login"),
        server: get("host"),
        addresses: Vec::new(),
    };
    evidence.pop.push(PopAccount {
        program,
        family: Family::KMail,
        // The person's own name for it is kept elsewhere.
        name: format!("{} at {}", owner.user, owner.server),
        owner,
        leaves: leaves(section),
        fetches: fetches(section),
        settings: settings.into(),
        key: file.trim_end_matches("rc").into(),
        mail: None,
    });
}

/// What is at its default stands in no file: mail does not stay, and there are no limits (-1).
fn leaves(section: &Section) -> Leaves {
    let limit = |key: &str| section.number(key).filter(|limit| *limit > 0);
    let days = limit("leaveOnServerDays").and_then(|days| u32::try_from(days).ok());
    let stays = section.switch("leaveOnServer") == Some(true);
    let other = limit("leaveOnServerCount").or(limit("leaveOnServerSize"));
    match (stays, days, other) {
        (true, None, Some(_)) => Leaves::Limited {
            days: None,
            until_deleted: false,
        },
        _ => Leaves::of(stays, days, false),
    }
}

/// Whether it asks when KMail starts stands elsewhere.
fn fetches(section: &Section) -> Fetches {
    if section.switch("intervalCheckEnabled") != Some(true) {
        return Fetches::Unknown;
    }
    let minutes = section.number("intervalCheckInterval");
    Fetches::repeatedly(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::evidence::testing::{home, write};

    #[test]
    fn an_account_leaves_mail_only_if_it_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let files = [
            (
                "pop3_resource_0",
                "[General]\nhost=pop.charter.net\nlogin=jane\n",
            ),
            (
                "pop3_resource_1",
                "[General]\nleaveOnServer=true\nleaveOnServerDays=30\nintervalCheckEnabled=true\nintervalCheckInterval=5\n",
            ),
            (
                "pop3_resource_2",
                "[General]\nleaveOnServer=true\nleaveOnServerCount=100\n",
            ),
            (
                "imap_resource_0",
                "[network]\nImapServer=mobile.charter.net\nUserName=jane@charter.net\n",
            ),
        ];
        for (name, text) in files {
            write(directory.path(), &format!(".config/akonadi_{name}rc"), text);
        }
        let mut evidence = Evidence::default();
        look(&home(directory.path()), &mut evidence);
        let leaves: Vec<_> = evidence.pop.iter().map(|account| account.leaves).collect();
        let limited = Leaves::Limited {
            days: None,
            until_deleted: false,
        };
        assert_eq!(
            leaves,
            [Leaves::No, Leaves::of(true, Some(30), false), limited]
        );
        assert_eq!(
            evidence.pop[1].fetches,
            Fetches::of(false, true, Some(5), None)
        );
        let own = evidence.of("jane@charter.net");
        assert_eq!((own.pop.len(), own.imap.len()), (1, 1));
    }
}
