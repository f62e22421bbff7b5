//! Places of mail on made-up computers of each kind, and what is found there.

use super::*;

/// A made-up home with these files in it; a path that ends in `/` is a directory.
fn home(platform: Platform, files: &[(&str, &str)]) -> (tempfile::TempDir, Home) {
    let place = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(place.path()).unwrap();
    for (file, text) in files {
        let path = root.join(file);
        if file.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
    let on_windows = |name: &str| (platform == Platform::Windows).then(|| root.join(name));
    let home = Home {
        platform,
        home: root.clone(),
        roaming: on_windows("AppData/Roaming"),
        local: on_windows("AppData/Local"),
        documents: Some(root.join("Documents")),
        spool: root.join("var/mail"),
        user: Some("jane".into()),
    };
    (place, home)
}

/// What is found: label, kind, path below the home.
fn found(home: &Home) -> Vec<(String, Option<Kind>, String)> {
    let below = |path: &Path| {
        let path = path.strip_prefix(&home.home).unwrap().to_string_lossy();
        path.replace('\\', "/")
    };
    let told = |found: Found| {
        assert_eq!(found.readable(), found.note.is_none(), "{found:?}");
        (found.label, found.kind, below(&found.path))
    };
    find(home).into_iter().map(told).collect()
}

fn expected(list: &[(&str, Option<Kind>, &str)]) -> Vec<(String, Option<Kind>, String)> {
    let owned = |(label, kind, path): &(&str, Option<Kind>, &str)| {
        (label.to_string(), *kind, path.to_string())
    };
    list.iter().map(owned).collect()
}

const INI: &str = "[Profile0]\nName=default\nIsRelative=1\nPath=x.default\n";
const MAIL: &str = "From: a\nTo: b\n\nx\n";
const MBOX: &str = "From a@b Mon Jan  1 00:00:00 2001\nFrom: a\nTo: b\n\nx\n";

#[test]
fn a_windows_computer() {
    let store = "AppData/Local/Packages/MozillaThunderbird.MZLA_x/LocalCache/Roaming/Thunderbird";
    let (_place, home) = home(
        Platform::Windows,
        &[
            (
                "AppData/Roaming/Thunderbird/profiles.ini",
                "[Profile0]\nName=old\nPath=Profiles/a.old\n[Profile1]\nName=new\nPath=Profiles/b.new\n[Profile2]\nPath=Profiles/c.empty\n",
            ),
            ("AppData/Roaming/Thunderbird/Profiles/a.old/Mail/", ""),
            ("AppData/Roaming/Thunderbird/Profiles/b.new/Mail/", ""),
            ("AppData/Roaming/Thunderbird/Profiles/c.empty/", ""),
            (&format!("{store}/profiles.ini"), INI),
            (&format!("{store}/x.default/Mail/"), ""),
            (
                "AppData/Local/Microsoft/Windows Live Mail/Charter/Inbox/1.eml",
                MAIL,
            ),
            ("AppData/Local/Microsoft/Outlook/jane.pst", "!BDN"),
            ("AppData/Local/Microsoft/Outlook/jane.ost", "!BDN"),
            ("Documents/Outlook Files/Archive.PST", "!BDN"),
            (
                "AppData/Local/Identities/{1}/Microsoft/Outlook Express/Inbox.dbx",
                "x",
            ),
            ("Documents/letters/1.eml", MAIL),
        ],
    );
    let roaming = "AppData/Roaming/Thunderbird/Profiles";
    let list = [
        (
            "Thunderbird (old)",
            Some(Kind::Thunderbird),
            &*format!("{roaming}/a.old"),
        ),
        (
            "Thunderbird (new)",
            Some(Kind::Thunderbird),
            &*format!("{roaming}/b.new"),
        ),
        (
            "Thunderbird (Store)",
            Some(Kind::Thunderbird),
            &*format!("{store}/x.default"),
        ),
        (
            "Outlook (jane.pst)",
            None,
            "AppData/Local/Microsoft/Outlook/jane.pst",
        ),
        (
            "Windows Live Mail",
            Some(Kind::Eml),
            "AppData/Local/Microsoft/Windows Live Mail",
        ),
        (
            "Outlook Express",
            None,
            "AppData/Local/Identities/{1}/Microsoft/Outlook Express",
        ),
        (
            "Outlook (Archive.PST)",
            None,
            "Documents/Outlook Files/Archive.PST",
        ),
    ];
    assert_eq!(found(&home), expected(&list));
}

#[test]
fn a_mac() {
    let (_place, home) = home(
        Platform::MacOs,
        &[
            ("Library/Thunderbird/profiles.ini", INI),
            ("Library/Thunderbird/Profiles/x.default/Mail/", ""),
            ("Library/Mail/V10/", ""),
            (
                "Library/Application Support/SeaMonkey/profiles.ini",
                "[Profile0]\nPath=gone\n",
            ),
        ],
    );
    let list = [
        (
            "Thunderbird",
            Some(Kind::Thunderbird),
            "Library/Thunderbird/Profiles/x.default",
        ),
        ("Apple Mail", None, "Library/Mail"),
    ];
    assert_eq!(found(&home), expected(&list));
}

#[test]
fn a_linux_computer() {
    let (_place, home) = home(
        Platform::Linux,
        &[
            ("snap/thunderbird/common/.thunderbird/profiles.ini", INI),
            ("snap/thunderbird/common/.thunderbird/x.default/Mail/", ""),
            (
                ".var/app/org.mozilla.thunderbird_esr/.thunderbird/profiles.ini",
                INI,
            ),
            (
                ".var/app/org.mozilla.thunderbird_esr/.thunderbird/x.default/Mail/",
                "",
            ),
            (
                ".local/share/evolution/mail/local/..maildir++",
                "maildir++ 1",
            ),
            (".local/share/evolution/mail/local/cur/1.a;2,S", MAIL),
            (".local/share/local-mail/inbox/cur/1.a", MAIL),
            (
                ".claws-mail/folderlist.xml",
                "<folderlist>\n<folder type=\"imap\" path=\"no\">\n<folder type=\"mh\" name=\"Mailbox\" path=\"Post/claws\">\n",
            ),
            ("Post/claws/inbox/1", MAIL),
            (".maildir/notes.txt", "no mail here"),
            ("mail/sent", MBOX),
            ("var/mail/jane", MBOX),
            ("var/mail/john", MBOX),
        ],
    );
    let flatpak = ".var/app/org.mozilla.thunderbird_esr/.thunderbird/x.default";
    let list = [
        (
            "Thunderbird (Snap)",
            Some(Kind::Thunderbird),
            "snap/thunderbird/common/.thunderbird/x.default",
        ),
        ("Thunderbird (Flatpak)", Some(Kind::Thunderbird), flatpak),
        (
            "Evolution",
            Some(Kind::Maildir),
            ".local/share/evolution/mail/local",
        ),
        ("KMail", Some(Kind::Maildir), ".local/share/local-mail"),
        ("Claws Mail", Some(Kind::Mh), "Post/claws"),
        ("Mail folders", Some(Kind::Mbox), "mail"),
        ("System mailbox", Some(Kind::Mbox), "var/mail/jane"),
    ];
    assert_eq!(found(&home), expected(&list));
}

#[cfg(unix)]
#[test]
fn the_same_mail_is_found_once() {
    let (_place, home) = home(
        Platform::Linux,
        &[
            (".thunderbird/profiles.ini", INI),
            (".thunderbird/x.default/Mail/", ""),
        ],
    );
    std::os::unix::fs::symlink(".thunderbird", home.home.join(".icedove")).unwrap();
    assert_eq!(found(&home).len(), 1);
}

#[test]
fn an_empty_home_has_none_and_this_computer_can_be_asked() {
    for platform in [Platform::Windows, Platform::MacOs, Platform::Linux] {
        let (_place, home) = home(platform, &[]);
        assert_eq!(found(&home), []);
    }
    assert!(Home::of_this_computer().is_some_and(|home| home.home.is_absolute()));
}
