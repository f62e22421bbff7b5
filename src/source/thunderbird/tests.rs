//! Profiles, accounts and folders of Thunderbird, made up and read.

use crate::source::testing::{MAIL, directory, expected, folders, read};
use crate::source::{Fault, Kind, Oddity, Role, open};

const PREFS: &str = r#"
user_pref("mail.accountmanager.accounts", "a1,a2");
user_pref("mail.account.a1.server", "s1");
user_pref("mail.account.a2.server", "s2");
user_pref("mail.identity.id1.fcc_folder", "mailbox://jane@pop.example.net/Gone out");
user_pref("mail.server.s1.type", "pop3");
user_pref("mail.server.s1.hostname", "pop.example.net");
user_pref("mail.server.s1.userName", "jane");
user_pref("mail.server.s1.directory-rel", "[ProfD]Mail/pop.example.net");
user_pref("mail.server.s2.type", "imap");
user_pref("mail.server.s2.hostname", "imap.example.net");
user_pref("mail.server.s2.directory-rel", "[ProfD]ImapMail/imap.example.net");
user_pref("mailnews.tags.mine.tag", "Meins");
"#;

fn mbox(status: &str) -> Vec<u8> {
    let line = "From - Mon Nov 23 13:32:46 2026\n";
    format!("{line}X-Mozilla-Status: {status}\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: mine\n{MAIL}\n")
        .into_bytes()
}

#[test]
fn a_profile_is_read_account_by_account_and_what_is_on_servers_is_named() {
    let mail = "X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n".to_string() + MAIL;
    let place = directory(&[
        ("prefs.js", PREFS.as_bytes()),
        ("ImapMail/imap.example.net/INBOX", &mbox("0001")),
        ("Mail/pop.example.net/Inbox", &mbox("0001")),
        ("Mail/pop.example.net/Inbox.msf", b""),
        (
            "Mail/pop.example.net/Inbox.sbd/Work/cur/1.eml",
            mail.as_bytes(),
        ),
        ("Mail/pop.example.net/Inbox.sbd/Work/tmp/", b""),
        ("Mail/pop.example.net/Empty", b""),
        ("Mail/pop.example.net/Lone.sbd/Child", &mbox("0009")),
        ("Mail/pop.example.net/Gone out", &mbox("0000")),
        ("Mail/pop.example.net/hash91d3e0b1", &mbox("0000")),
        (
            "Mail/pop.example.net/msgFilterRules.dat",
            b"version=\"9\"\n",
        ),
        ("Mail/pop.example.net/picture.png", b"\x89PNG\0"),
        ("Mail/pop.example.net/x.log", &mbox("0000")),
        ("Mail/pop.example.net/x.log.msf", b""),
        ("Mail/orphan.example.net/Sent", &mbox("0000")),
    ]);
    let source = open(place.path()).unwrap();
    assert_eq!(source.kind(), Kind::Thunderbird);
    let wanted = expected(&[
        ("Empty", 0, 0),
        ("Gone out", 1, 0),
        ("Inbox", 1, 0),
        ("Inbox > Work", 1, 0),
        ("Lone > Child", 1, 0),
        ("hash91d3e0b1", 1, 0),
        ("x.log", 1, 0),
        ("Sent", 1, 0),
    ]);
    assert_eq!(folders(source.as_ref()), wanted);
    let told: Vec<_> = (source.folders().into_iter())
        .map(|folder| (folder.account.unwrap().to_string(), folder.role))
        .collect();
    assert_eq!(
        told[1],
        ("jane@pop.example.net".to_string(), Some(Role::Sent))
    );
    assert_eq!(told[2].1, Some(Role::Inbox));
    assert_eq!(told[3].1, None);
    assert_eq!(
        told[7],
        ("orphan.example.net".to_string(), Some(Role::Sent))
    );
    let mut oddities: Vec<_> = source.remarks().iter().map(|remark| remark.what).collect();
    oddities.sort();
    assert_eq!(
        oddities,
        [Oddity::ForeignFile, Oddity::NameUnknown, Oddity::OnServer]
    );
    let (items, _) = read(source.as_ref());
    let tags = items.iter().flat_map(|item| item.keywords.iter());
    assert!(
        tags.count() > 0
            && items
                .iter()
                .all(|item| item.keywords.iter().all(|tag| tag.name() == "Meins"))
    );
    // The time of fetching is not the mail's.
    let dates = items.iter().map(|item| item.date.map(|date| date.year()));
    assert!(dates.eq(items.iter().map(|_| Some(2009))));
}

#[test]
fn several_profiles_are_one_source_and_their_accounts_are_told_apart() {
    let ini = b"[Profile0]\nName=one\nPath=p1\n[Profile1]\nName=two\nPath=p2\n";
    let place = directory(&[
        ("profiles.ini", ini),
        ("p1/prefs.js", PREFS.as_bytes()),
        ("p1/Mail/pop.example.net/Inbox", &mbox("0000")),
        ("p2/prefs.js", PREFS.as_bytes()),
        ("p2/Mail/pop.example.net/Inbox", &mbox("0001")),
    ]);
    let source = open(place.path()).unwrap();
    let accounts: Vec<_> = (source.folders().into_iter())
        .filter_map(|folder| folder.account)
        .collect();
    let wanted = ["jane@pop.example.net (one)", "jane@pop.example.net (two)"];
    assert!(
        accounts.iter().map(|account| &**account).eq(wanted),
        "{accounts:?}"
    );
    let one = open(&place.path().join("p2")).unwrap();
    assert_eq!(
        one.folders()[0].account.as_deref(),
        Some("jane@pop.example.net")
    );
}

#[test]
fn a_profile_with_imap_alone_says_where_its_mail_is() {
    let place = directory(&[
        ("prefs.js", PREFS.as_bytes()),
        ("ImapMail/imap.example.net/INBOX", &mbox("0001")),
    ]);
    let error = open(place.path()).err().unwrap();
    assert!(error.to_string().contains("IMAP"), "{error}");
}

#[test]
fn broken_settings_leave_the_mail_readable() {
    for prefs in [
        &b""[..],
        b"\xff\xfe\0user_pref(",
        &[0; 4000],
        b"user_pref(\"mail.server.s1.type\", \"pop3\");",
    ] {
        let place = directory(&[
            ("prefs.js", prefs),
            ("folderCache.json", b"[[[["),
            ("Mail/pop.example.net/Inbox", &mbox("0000")),
        ]);
        let source = open(place.path()).unwrap();
        assert_eq!(folders(source.as_ref()), expected(&[("Inbox", 1, 0)]));
    }
}

#[cfg(unix)]
#[test]
fn pipes_links_and_loops_in_a_profile_cost_no_other_message() {
    use crate::source::testing::pipe;
    use std::os::unix::fs::symlink;
    let outside = directory(&[("Old.sbd/a", &mbox("0000")), ("Inbox", &mbox("0000"))]);
    let place = directory(&[
        ("prefs.js", PREFS.as_bytes()),
        ("Mail/pop.example.net/Inbox", &mbox("0000")),
        ("Mail/pop.example.net/Sent.sbd/2009", &mbox("0000")),
    ]);
    let at = |name: &str| place.path().join("Mail/pop.example.net").join(name);
    pipe(&at("Sent"));
    pipe(&place.path().join("folderCache.json"));
    symlink(outside.path().join("Old.sbd"), at("Old.sbd")).unwrap();
    symlink(outside.path().join("Inbox"), at("Out")).unwrap();
    symlink("..", at("Round.sbd")).unwrap();
    let source = open(place.path()).unwrap();
    let (items, lost) = read(source.as_ref());
    assert_eq!(items.len(), 2);
    assert_eq!(lost.len(), 4, "{lost:?}");
    assert!(lost.iter().all(|lost| lost.fault == Fault::SpecialFile));
}

#[test]
fn an_account_inside_anothers_directory_is_read_once() {
    let prefs = "user_pref(\"mail.server.s1.type\", \"none\");\n\
                 user_pref(\"mail.server.s1.directory-rel\", \"[ProfD]Mail\");\n\
                 user_pref(\"mail.server.s2.type\", \"pop3\");\n\
                 user_pref(\"mail.server.s2.directory-rel\", \"[ProfD]Mail/host\");\n";
    let place = directory(&[
        ("prefs.js", prefs.as_bytes()),
        ("Mail/Inbox", &mbox("0000")),
        ("Mail/host/Inbox", &mbox("0001")),
        ("Mail/host/Inbox.msf", b""),
    ]);
    let (items, _) = read(open(place.path()).unwrap().as_ref());
    assert_eq!(items.len(), 2);
}
