//! Evolution: one `.source` file an account.

use std::path::Path;

use super::sections::{self, Section};
use super::{Evidence, Family, Fetches, Home, ImapAccount, Leaves, Owner, PopAccount};

pub(super) fn look(home: &Home, evidence: &mut Evidence) {
    for below in [
        ".config/evolution/sources",
        ".var/app/org.gnome.Evolution/config/evolution/sources",
    ] {
        let directory = home.home.join(below);
        for settings in sections::files(&directory, |name| name.ends_with(".source")) {
            read(&settings, evidence);
        }
    }
}

fn read(settings: &Path, evidence: &mut Evidence) {
    let sections = sections::read(settings);
    let value =
        |title: &str, key: &str| -> Option<&str> { sections::titled(&sections, title)?.get(key) };
    let text = |title: &str, key: &str| value(title, key).unwrap_or_default().to_string();
    let owner = Owner {
        user: text("Authentication", "User"),
        server: text("Authentication", "Host"),
        addresses: address(settings, value("Mail Account", "IdentityUid")),
    };
    let name = text("Data Source", "DisplayName");
    let program = "Evolution".to_string();
    match value("Mail Account", "BackendName") {
        Some("pop") => evidence.pop.push(PopAccount {
            program,
            family: Family::Evolution,
            name,
            owner,
            leaves: leaves(sections::titled(&sections, "Pop Backend")),
            fetches: fetches(&sections),
            key: settings
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            settings: settings.into(),
            mail: None,
        }),
        Some("imapx") => evidence.imap.push(ImapAccount {
            program,
            name,
            owner,
            settings: settings.into(),
        }),
        _ => {}
    }
}

/// The address is in the file of the identity that the account sends with.
fn address(settings: &Path, identity: Option<&str>) -> Vec<String> {
    let plain = |uid: &&str| !uid.contains(['/', '\\']) && !uid.starts_with('.');
    let Some(identity) = identity.filter(plain) else {
        return Vec::new();
    };
    let sections = sections::read(&settings.with_file_name(format!("{identity}.source")));
    let address =
        sections::titled(&sections, "Mail Identity").and_then(|found| found.get("Address"));
    address.map(str::to_string).into_iter().collect()
}

/// All keys of an account are written, so an absent one tells of another release.
fn leaves(backend: Option<&Section>) -> Leaves {
    let Some(backend) = backend else {
        return Leaves::Unknown;
    };
    let Some(stays) = backend.switch("KeepOnServer") else {
        return Leaves::Unknown;
    };
    let days = backend.number("DeleteAfterDays").filter(|days| *days > 0);
    let until_deleted = backend.switch("DeleteExpunged") == Some(true);
    Leaves::of(
        stays,
        days.and_then(|days| u32::try_from(days).ok()),
        until_deleted,
    )
}

/// Whether it asks when the program starts is a setting of the whole program, and in no file of ours.
fn fetches(sections: &[Section]) -> Fetches {
    let switch = |title: &str| sections::titled(sections, title)?.switch("Enabled");
    if switch("Data Source") == Some(false) {
        return Fetches::No;
    }
    if switch("Refresh") != Some(true) {
        return Fetches::Unknown;
    }
    let minutes =
        sections::titled(sections, "Refresh").and_then(|refresh| refresh.number("IntervalMinutes"));
    Fetches::repeatedly(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::evidence::testing::{home, write};

    #[test]
    fn an_account_is_read_with_the_address_of_its_identity() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| format!(".config/evolution/sources/{name}.source");
        write(
            directory.path(),
            &at("a"),
            "[Data Source]\nDisplayName=Charter\nEnabled=true\n\n[Authentication]\nHost=pop.charter.net\nUser=jane\n\n\
             [Mail Account]\nBackendName=pop\nIdentityUid=id\n\n[Pop Backend]\nKeepOnServer=true\nDeleteAfterDays=0\n\
             DeleteExpunged=true\n\n[Refresh]\nEnabled=true\nIntervalMinutes=60\n",
        );
        write(
            directory.path(),
            &at("id"),
            "[Mail Identity]\nAddress=jane@charter.net\n",
        );
        write(
            directory.path(),
            &at("off"),
            "[Data Source]\nEnabled=false\n[Mail Account]\nBackendName=pop\nIdentityUid=../../x\n",
        );
        let mut evidence = Evidence::default();
        look(&home(directory.path()), &mut evidence);
        let [account, off] = evidence.pop.as_slice() else {
            panic!("{evidence:?}");
        };
        assert!(account.owner.is("jane@charter.net"));
        assert_eq!(account.leaves, Leaves::of(true, None, true));
        assert_eq!(account.fetches, Fetches::of(false, true, Some(60), None));
        assert_eq!((off.leaves, &off.fetches), (Leaves::Unknown, &Fetches::No));
    }
}
