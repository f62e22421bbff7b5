//! The real mailbox against a real server, Dovecot: what is sent is what is there afterwards.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;
use std::io::Cursor;
use std::time::{Duration, Instant};

use spectrum_migrate::error::{Error, Insecure};
use spectrum_migrate::mailbox::tls::{TlsConnect, inspect};
use spectrum_migrate::mailbox::{
    Batch, Body, Connect, Credentials, Fate, Indexed, Literals, Mailbox, MailboxName, Outgoing,
    RefusalClass, Ticket,
};
use spectrum_migrate::message::{Flags, Keyword, Keywords, MailDate};
use spectrum_migrate::source::Role;
use support::authority::Certificate;
use support::dovecot::{Dovecot, Options};

fn connect(dovecot: &Dovecot, credentials: Credentials) -> Result<Box<dyn Mailbox>, Error> {
    TlsConnect::new(dovecot.endpoint(), credentials, Some(dovecot.ca_file())).connect()
}

fn signed_in(dovecot: &Dovecot) -> Box<dyn Mailbox> {
    connect(dovecot, dovecot.credentials("jane@example.org")).unwrap()
}

fn text(n: u64) -> Vec<u8> {
    let body = format!("Line {n} with 8-bit caf\u{e9}\r\n.\r\nFrom here on\r\n")
        .repeat(1 + (n as usize * 7) % 60);
    format!("Message-ID: <{n}@example.org>\r\nSubject: Number {n}\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\n{body}").into_bytes()
}

fn message(n: u64, bytes: Vec<u8>) -> Outgoing {
    Outgoing {
        ticket: Ticket(n),
        flags: Flags::NONE,
        keywords: Keywords::default(),
        date: None,
        size: bytes.len() as u64,
        body: Body::Held(bytes),
    }
}

/// Settles everything that is under way.
fn settle_all(mailbox: &mut dyn Mailbox) -> HashMap<u64, Fate> {
    let mut fates = HashMap::new();
    let limit = Instant::now() + Duration::from_secs(60);
    while mailbox.in_flight() > 0 && Instant::now() < limit {
        fates.extend(
            mailbox
                .settle(Duration::from_secs(5))
                .unwrap()
                .into_iter()
                .map(|(ticket, fate)| (ticket.0, fate)),
        );
    }
    fates
}

fn index(mailbox: &mut dyn Mailbox, folder: &MailboxName, from: u32) -> Vec<Indexed> {
    mailbox.examine(folder).unwrap().unwrap();
    let mut found = Vec::new();
    mailbox
        .index(from, &mut |indexed| found.push(indexed))
        .unwrap();
    found
}

#[test]
fn signing_in_tells_what_the_server_can_do() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let abilities = mailbox.abilities();
    assert_eq!(abilities.literals, Literals::Plus);
    assert!(abilities.multiappend && abilities.uidplus);
    assert_eq!(mailbox.namespace().delimiter, Some('/'));
    assert_eq!(mailbox.server(), dovecot.endpoint().address());
    assert_eq!(mailbox.quota().unwrap(), None);
    mailbox.logout();
}

#[test]
fn a_wrong_password_is_refused_as_such() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let wrong = Credentials {
        password: "wrong".into(),
        ..dovecot.credentials("jane")
    };
    let error = connect(&dovecot, wrong).err().unwrap();
    assert!(
        matches!(&error, Error::SignInRefused { detail, .. } if !detail.contains("wrong")),
        "{error:?}"
    );
}

#[test]
fn a_password_of_any_characters_is_taken() {
    for password in ["gehëim€", "a\\\"b{5}*("] {
        let Some(dovecot) = Dovecot::start(Options {
            password,
            ..Options::default()
        }) else {
            return;
        };
        connect(&dovecot, dovecot.credentials("jane"))
            .unwrap()
            .logout();
    }
}

#[test]
fn no_connection_is_made_that_is_not_secure() {
    let cases = [
        (Certificate::OtherName, Insecure::WrongName),
        (Certificate::Expired, Insecure::Expired),
    ];
    for (certificate, expected) in cases {
        let Some(dovecot) = Dovecot::start(Options {
            certificate,
            ..Options::default()
        }) else {
            return;
        };
        let error = connect(&dovecot, dovecot.credentials("jane"))
            .err()
            .unwrap();
        assert!(
            matches!(&error, Error::NotSecure { why, .. } if *why == expected),
            "{error:?}"
        );
    }
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let error = TlsConnect::new(dovecot.endpoint(), dovecot.credentials("jane"), None)
        .connect()
        .err()
        .unwrap();
    let unknown = |why: &Insecure| matches!(why, Insecure::UnknownIssuer | Insecure::NoTrustStore);
    assert!(
        matches!(&error, Error::NotSecure { why, .. } if unknown(why)),
        "{error:?}"
    );
    let info = inspect(&dovecot.endpoint(), Some(&dovecot.ca_file())).unwrap();
    assert_eq!(info.names, ["localhost"]);
    assert_eq!(info.issuer.as_deref(), Some("Authority of a test"));
    assert!(info.not_after.is_some_and(|moment| moment.ends_with("UTC")));
}

#[test]
fn folders_of_any_name_are_created_subscribed_and_listed() {
    for (prefix, delimiter) in [("", '/'), ("INBOX.", '.')] {
        let separator = if delimiter == '/' { "/" } else { "." };
        let Some(dovecot) = Dovecot::start(Options {
            namespace: (prefix, separator),
            ..Options::default()
        }) else {
            return;
        };
        let mut mailbox = signed_in(&dovecot);
        let namespace = mailbox.namespace().clone();
        assert_eq!(
            (namespace.prefix.as_str(), namespace.delimiter),
            (prefix, Some(delimiter))
        );
        let paths: Vec<Vec<String>> = [
            &["Archive", "2009", "Q1 & Q2"][..],
            &["Grüße \u{1f600}"],
            &["a\"b\\c 100%*"],
            &["{5}"],
            &["~home"],
            &["x".repeat(200).as_str()],
            &["inbox", "Work"],
        ]
        .iter()
        .map(|path| path.iter().map(|name| name.to_string()).collect())
        .collect();
        for path in &paths {
            let name = MailboxName::from_path(path, &namespace);
            mailbox.create(&name).unwrap();
            mailbox.create(&name).unwrap();
        }
        let folders = mailbox.folders().unwrap();
        let subscribed =
            std::fs::read_to_string(dovecot.maildir("jane@example.org").join("subscriptions"))
                .unwrap();
        for path in &paths {
            let name = MailboxName::from_path(path, &namespace);
            let found = folders.iter().find(|folder| folder.name == name);
            assert!(
                found.is_some_and(|folder| folder.selectable),
                "{name:?} in {folders:?}"
            );
            let last = name.wire().rsplit(delimiter).next().unwrap();
            assert!(subscribed.contains(last), "{name:?} in {subscribed}");
            assert_eq!(mailbox.examine(&name).unwrap().unwrap().exists, 0);
        }
        let role = |role| {
            folders
                .iter()
                .find(|folder| folder.role == Some(role))
                .map(|folder| folder.name.display())
        };
        assert_eq!(role(Role::Inbox), Some("INBOX".into()));
        assert_eq!(role(Role::Sent), Some(format!("{prefix}Sent")));
        mailbox.leave().unwrap();
        mailbox.logout();
    }
}

#[test]
fn five_hundred_messages_arrive_with_flags_tags_and_dates() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let folder = MailboxName::from_path(&["Old mail".into()], &mailbox.namespace().clone());
    mailbox.create(&folder).unwrap();
    let before = mailbox.examine(&folder).unwrap().unwrap();
    assert!(
        before.any_keyword && before.permanent.contains(Flags::SEEN.union(Flags::DRAFT)),
        "{before:?}"
    );
    let flags = |n: u64| {
        [
            Flags::NONE,
            Flags::SEEN,
            Flags::SEEN.union(Flags::ANSWERED),
            Flags::FLAGGED,
        ][n as usize % 4]
    };
    let date = |n: u64| MailDate {
        seconds: 900_000_000 + n as i64 * 86_400,
        offset: -300,
    };
    let tags = |n: u64| {
        Keywords::new(if n.is_multiple_of(10) {
            vec![Keyword::new("$label1", "Important").unwrap()]
        } else {
            vec![]
        })
    };
    let mut fates = HashMap::new();
    for first in (0..500).step_by(64) {
        let messages = (first..500.min(first + 64)).map(|n| Outgoing {
            flags: flags(n),
            keywords: tags(n),
            date: Some(date(n)),
            ..message(n, text(n))
        });
        mailbox.submit(Batch {
            folder: folder.clone(),
            messages: messages.collect(),
            cautious: false,
        });
        if mailbox.in_flight() >= 3 {
            fates.extend(
                mailbox
                    .settle(Duration::from_secs(5))
                    .unwrap()
                    .into_iter()
                    .map(|(ticket, fate)| (ticket.0, fate)),
            );
        }
    }
    fates.extend(settle_all(&mut *mailbox));
    assert_eq!(fates.len(), 500);
    let uid = |n: u64| match fates.get(&n) {
        Some(Fate::Stored {
            uid: Some((validity, uid)),
        }) if *validity == before.uid_validity => *uid,
        other => panic!("message {n}: {other:?}"),
    };
    let found: HashMap<u32, Indexed> = index(&mut *mailbox, &folder, 1)
        .into_iter()
        .map(|indexed| (indexed.uid, indexed))
        .collect();
    assert_eq!(found.len(), 500);
    for n in 0..500 {
        let seen = &found[&uid(n)];
        assert_eq!(
            (seen.flags, seen.size),
            (flags(n), text(n).len() as u64),
            "message {n}"
        );
        // A Maildir keeps the moment and not the zone.
        assert_eq!(
            seen.date.map(|kept| kept.seconds),
            Some(date(n).seconds),
            "message {n}"
        );
        assert_eq!(!seen.keywords.is_empty(), n % 10 == 0);
        assert!(String::from_utf8_lossy(&seen.header).contains(&format!("<{n}@example.org>")));
    }
    let number: HashMap<u32, u64> = (0..500).map(|n| (uid(n), n)).collect();
    let mut read = 0;
    let mut uids: Vec<u32> = number.keys().copied().collect();
    uids.push(4_000_000);
    mailbox
        .bodies(&uids, &mut |uid, body| {
            let mut bytes = Vec::new();
            body.read_to_end(&mut bytes).unwrap();
            assert!(bytes == text(number[&uid]), "message {}", number[&uid]);
            read += 1;
        })
        .unwrap();
    assert_eq!(read, 500);
    let last = *number.keys().max().unwrap();
    assert_eq!(index(&mut *mailbox, &folder, last + 1), []);
    assert_eq!(index(&mut *mailbox, &folder, last).len(), 1);
    mailbox.leave().unwrap();
    mailbox.logout();
}

#[test]
fn flags_are_added_and_none_is_taken_away() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let inbox = MailboxName::inbox();
    let messages = (0..5)
        .map(|n| Outgoing {
            flags: Flags::FLAGGED,
            ..message(n, text(n))
        })
        .collect();
    mailbox.submit(Batch {
        folder: inbox.clone(),
        messages,
        cautious: false,
    });
    settle_all(&mut *mailbox);
    let uids: Vec<u32> = index(&mut *mailbox, &inbox, 1)
        .iter()
        .map(|indexed| indexed.uid)
        .collect();
    let tags = Keywords::new(vec![Keyword::new("$label2", "Work").unwrap()]);
    mailbox
        .add_flags(&inbox, &uids[1..3], Flags::SEEN, &tags)
        .unwrap();
    let after = index(&mut *mailbox, &inbox, 1);
    assert_eq!(after.len(), 5);
    for (at, indexed) in after.iter().enumerate() {
        let changed = at == 1 || at == 2;
        assert_eq!(
            indexed.flags,
            if changed {
                Flags::FLAGGED.union(Flags::SEEN)
            } else {
                Flags::FLAGGED
            }
        );
        assert_eq!(indexed.keywords.len(), usize::from(changed));
    }
    let missing = MailboxName::from_wire(b"nowhere").unwrap();
    assert!(matches!(
        mailbox.add_flags(&missing, &[1], Flags::SEEN, &tags),
        Err(Error::ServerTrouble { .. })
    ));
}

#[test]
fn a_full_mailbox_is_told_message_by_message() {
    let Some(dovecot) = Dovecot::start(Options {
        quota: Some("300K"),
        ..Options::default()
    }) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let before = mailbox.quota().unwrap().unwrap();
    assert_eq!((before.used, before.limit), (0, 300 * 1024));
    for n in 0..20 {
        let bytes = format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(30_000)).into_bytes();
        mailbox.submit(Batch {
            folder: MailboxName::inbox(),
            messages: vec![message(n, bytes)],
            cautious: n % 2 == 0,
        });
    }
    let fates = settle_all(&mut *mailbox);
    let stored = fates
        .values()
        .filter(|fate| matches!(fate, Fate::Stored { .. }))
        .count();
    let full = fates.values().filter(|fate| matches!(fate, Fate::Refused(no) if no.class == RefusalClass::OverQuota && !no.shared)).count();
    assert_eq!((stored, full), (10, 10), "{fates:?}");
    assert_eq!(
        mailbox
            .examine(&MailboxName::inbox())
            .unwrap()
            .unwrap()
            .exists,
        10
    );
    assert!(mailbox.quota().unwrap().unwrap().free() < 30_000);
}

#[test]
fn one_message_too_large_spoils_only_its_batch() {
    let Some(dovecot) = Dovecot::start(Options {
        largest: Some("100K"),
        ..Options::default()
    }) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let large = |n| {
        message(
            n,
            format!("Subject: large\r\n\r\n{}\r\n", "x".repeat(200_000)).into_bytes(),
        )
    };
    let inbox = MailboxName::inbox();
    mailbox.submit(Batch {
        folder: inbox.clone(),
        messages: vec![message(1, text(1)), large(2), message(3, text(3))],
        cautious: false,
    });
    mailbox.submit(Batch {
        folder: inbox.clone(),
        messages: vec![message(4, text(4)), message(5, text(5))],
        cautious: false,
    });
    mailbox.submit(Batch {
        folder: inbox.clone(),
        messages: vec![large(6)],
        cautious: true,
    });
    let fates = settle_all(&mut *mailbox);
    let class = |n: u64| match &fates[&n] {
        Fate::Stored { .. } => None,
        Fate::Refused(refusal) => Some((refusal.class, refusal.shared)),
    };
    let shared = Some((RefusalClass::TooBig, true));
    assert_eq!([class(1), class(2), class(3)], [shared; 3]);
    assert_eq!(
        [class(4), class(5), class(6)],
        [None, None, Some((RefusalClass::TooBig, false))]
    );
    assert_eq!(mailbox.examine(&inbox).unwrap().unwrap().exists, 2);
}

#[test]
fn a_missing_folder_is_told_as_such() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let missing = MailboxName::from_wire(b"not \"there\\").unwrap();
    assert_eq!(mailbox.examine(&missing).unwrap(), None);
    for cautious in [false, true] {
        mailbox.submit(Batch {
            folder: missing.clone(),
            messages: vec![message(1, text(1))],
            cautious,
        });
        let fates = settle_all(&mut *mailbox);
        assert!(
            matches!(&fates[&1], Fate::Refused(no) if no.class == RefusalClass::NoFolder),
            "{fates:?}"
        );
    }
    mailbox.folders().unwrap();
}

#[test]
fn a_large_message_is_streamed_and_comes_back_identical() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let line = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz\r\n";
    let large = format!(
        "Subject: large\r\n\r\n{}",
        line.repeat(3 * 1024 * 1024 / line.len())
    )
    .into_bytes();
    let body = Body::Streamed(Box::new(Cursor::new(large.clone())));
    let outgoing = Outgoing {
        size: large.len() as u64,
        body,
        ..message(1, Vec::new())
    };
    mailbox.submit(Batch {
        folder: MailboxName::inbox(),
        messages: vec![outgoing],
        cautious: true,
    });
    let fates = settle_all(&mut *mailbox);
    let Fate::Stored {
        uid: Some((_, uid)),
    } = fates[&1]
    else {
        panic!("{fates:?}")
    };
    mailbox.examine(&MailboxName::inbox()).unwrap();
    let mut back = Vec::new();
    assert!(spectrum_migrate::mailbox::body(&mut *mailbox, uid, &mut back).unwrap());
    assert!(back == large);
    assert!(!spectrum_migrate::mailbox::body(&mut *mailbox, uid + 1, &mut back).unwrap());
}

#[test]
fn a_message_that_shrinks_on_the_way_leaves_nothing_behind() {
    let Some(dovecot) = Dovecot::start(Options::default()) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    let body = Body::Streamed(Box::new(Cursor::new(vec![b'x'; 500_000])));
    let outgoing = Outgoing {
        size: 600_000,
        body,
        ..message(7, Vec::new())
    };
    mailbox.submit(Batch {
        folder: MailboxName::inbox(),
        messages: vec![outgoing],
        cautious: false,
    });
    let broken = mailbox.settle(Duration::from_secs(5)).unwrap_err();
    assert_eq!((broken.in_doubt, broken.poisoned), (vec![Ticket(7)], false));
    assert!(matches!(
        mailbox.folders(),
        Err(Error::ConnectionLost { .. })
    ));
    let mut again = signed_in(&dovecot);
    assert_eq!(
        again
            .examine(&MailboxName::inbox())
            .unwrap()
            .unwrap()
            .exists,
        0
    );
}

#[test]
fn a_server_without_extensions_is_served_as_well() {
    let Some(dovecot) = Dovecot::start(Options {
        capability: Some("IMAP4rev1"),
        ..Options::default()
    }) else {
        return;
    };
    let mut mailbox = signed_in(&dovecot);
    assert_eq!(mailbox.abilities().literals, Literals::Synchronising);
    assert_eq!(mailbox.namespace().delimiter, Some('/'));
    let messages = (0..20).map(|n| message(n, text(n))).collect();
    mailbox.submit(Batch {
        folder: MailboxName::inbox(),
        messages,
        cautious: false,
    });
    let fates = settle_all(&mut *mailbox);
    assert!(
        fates.len() == 20
            && fates
                .values()
                .all(|fate| matches!(fate, Fate::Stored { .. })),
        "{fates:?}"
    );
    assert_eq!(index(&mut *mailbox, &MailboxName::inbox(), 1).len(), 20);
    mailbox.leave().unwrap();
    mailbox.logout();
}
