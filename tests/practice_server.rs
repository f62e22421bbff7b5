//! Stories about the practice server, as other programs tell them.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use spectrum_migrate::error::Error;
use spectrum_migrate::mailbox::{
    Batch, Body, Connect, Fate, Literals, Mailbox, MailboxName, Outgoing, RefusalClass, Ticket,
    body,
};
use spectrum_migrate::message::{Flags, Keyword, Keywords, MailDate};
use spectrum_migrate::rehearsal::{Limits, Practice};
use spectrum_migrate::source::Role;
use support::python_is_here;

const SMALL: Limits = Limits {
    message: 100_000,
    mailbox: 1_000_000,
};

fn outgoing(ticket: u64, bytes: Vec<u8>) -> Outgoing {
    Outgoing {
        ticket: Ticket(ticket),
        flags: Flags::SEEN.union(Flags::FLAGGED),
        keywords: Keywords::new(vec![Keyword::new("$Label1", "Important").expect("an atom")]),
        date: MailDate::from_imap("17-May-2009 12:34:56 +0200"),
        size: bytes.len() as u64,
        body: Body::Held(bytes),
    }
}

fn fates(mailbox: &mut dyn Mailbox, batch: Batch) -> Vec<(Ticket, Fate)> {
    let expected = batch.messages.len();
    mailbox.submit(batch);
    let mut fates = Vec::new();
    while fates.len() < expected {
        fates.extend(
            mailbox
                .settle(Duration::from_secs(20))
                .expect("a connection"),
        );
    }
    fates.sort_by_key(|(ticket, _)| *ticket);
    fates
}

fn to(folder: &MailboxName, messages: Vec<Outgoing>, cautious: bool) -> Batch {
    Batch {
        folder: folder.clone(),
        messages,
        cautious,
    }
}

fn class(fate: &Fate) -> Option<RefusalClass> {
    match fate {
        Fate::Refused(refusal) => Some(refusal.class),
        Fate::Stored { .. } => None,
    }
}

#[test]
fn our_own_client_finds_all_that_a_copy_needs() {
    let practice = Practice::start(SMALL, None).expect("a server");
    let connect = practice.connector();
    assert_eq!(
        connect.account(),
        format!("practice@charter.net@127.0.0.1:{}", practice.port())
    );
    let mut mailbox = connect.connect().expect("a connection");
    let abilities = mailbox.abilities().clone();
    assert_eq!(
        (abilities.literals, abilities.append_limit),
        (Literals::Plus, Some(SMALL.message))
    );
    assert!(abilities.multiappend && abilities.uidplus);
    let quota = mailbox.quota().expect("an answer").expect("a quota");
    assert_eq!((quota.used, quota.limit), (0, SMALL.mailbox / 1024 * 1024));
    let mut roles: Vec<_> = mailbox
        .folders()
        .expect("folders")
        .into_iter()
        .filter_map(|folder| folder.role)
        .collect();
    roles.sort_by_key(|role| format!("{role:?}"));
    assert_eq!(
        roles,
        [
            Role::Drafts,
            Role::Inbox,
            Role::Junk,
            Role::Sent,
            Role::Trash
        ]
    );

    let path = ["Rezepte & Küche 🍰".to_string(), "a/b \"50%\"".to_string()];
    let folder = MailboxName::from_path(&path, mailbox.namespace());
    mailbox.create(&folder).expect("a folder");
    assert!(
        mailbox
            .folders()
            .expect("folders")
            .iter()
            .any(|found| found.name == folder)
    );

    let mail = |n: u32| {
        format!("From: jane@example.org\r\nMessage-ID: <{n}@example.org>\r\nSubject: {n}\r\n\r\n{n} \u{e4}\0\r\n").into_bytes()
    };
    let sent = fates(
        &mut *mailbox,
        to(
            &folder,
            (0..50).map(|n| outgoing(n, mail(n as u32))).collect(),
            false,
        ),
    );
    let examined = mailbox
        .examine(&folder)
        .expect("an answer")
        .expect("a folder");
    assert_eq!((examined.exists, examined.uid_next), (50, 51));
    assert!(
        examined.keeps("$Label1")
            && examined
                .permanent
                .contains(Flags::SEEN.union(Flags::ANSWERED))
    );
    for (n, (_, fate)) in (1..).zip(&sent) {
        assert_eq!(
            *fate,
            Fate::Stored {
                uid: Some((examined.uid_validity, n))
            }
        );
    }
    let mut index = Vec::new();
    mailbox
        .index(1, &mut |one| index.push(one))
        .expect("an index");
    assert_eq!(index.len(), 50);
    let first = &index[0];
    assert_eq!(
        (first.uid, first.size, first.flags),
        (1, mail(0).len() as u64, Flags::SEEN.union(Flags::FLAGGED))
    );
    assert_eq!(
        (first.keywords.as_slice(), first.date),
        (
            &["$Label1".to_string()][..],
            MailDate::from_imap("17-May-2009 12:34:56 +0200")
        )
    );
    assert!(String::from_utf8_lossy(&first.header).contains("Message-ID: <0@example.org>"));
    let mut back = Vec::new();
    assert!(body(&mut *mailbox, 50, &mut back).expect("a body"));
    assert_eq!(back, mail(49));
    mailbox
        .add_flags(&folder, &[7, 9], Flags::ANSWERED, &Keywords::default())
        .expect("flags");
    mailbox.leave().expect("left");
    mailbox.logout();
}

#[test]
fn our_own_client_is_told_of_every_limit_and_stays_in_step() {
    let practice = Practice::start(SMALL, None).expect("a server");
    let mut mailbox = practice.connector().connect().expect("a connection");
    let mailbox = &mut *mailbox;
    let inbox = MailboxName::inbox();
    let big = || outgoing(1, vec![b'x'; SMALL.message as usize + 1]);
    for cautious in [true, false] {
        let fates = fates(mailbox, to(&inbox, vec![big()], cautious));
        assert_eq!(
            class(&fates[0].1),
            Some(RefusalClass::TooBig),
            "cautious: {cautious}"
        );
    }
    let fate = fates(
        mailbox,
        to(
            &inbox,
            vec![outgoing(0, b"A: b\r\n\r\n".to_vec()), big()],
            false,
        ),
    );
    assert!(
        fate.iter()
            .all(|(_, fate)| class(fate) == Some(RefusalClass::TooBig)),
        "{fate:?}"
    );
    let nowhere = MailboxName::from_path(&["Nowhere".to_string()], mailbox.namespace());
    let fate = fates(
        mailbox,
        to(&nowhere, vec![outgoing(0, b"A: b\r\n\r\n".to_vec())], false),
    );
    assert_eq!(class(&fate[0].1), Some(RefusalClass::NoFolder));
    assert_eq!(practice.stats().messages, 0);

    let full = (0..10)
        .map(|n| outgoing(n, vec![b'x'; SMALL.message as usize]))
        .collect();
    assert!(
        fates(mailbox, to(&inbox, full, false))
            .iter()
            .all(|(_, fate)| class(fate).is_none())
    );
    let fate = fates(
        mailbox,
        to(&inbox, vec![outgoing(0, b"A: b\r\n\r\n".to_vec())], true),
    );
    assert_eq!(class(&fate[0].1), Some(RefusalClass::OverQuota));
    let quota = mailbox.quota().expect("an answer").expect("a quota");
    assert_eq!((quota.free(), practice.stats().messages), (0, 10));
}

#[test]
fn without_its_server_a_practice_connection_fails() {
    let practice = Practice::start(SMALL, None).expect("a server");
    let connect = practice.connector();
    let mut mailbox = connect.connect().expect("a connection");
    drop(practice);
    assert!(matches!(connect.connect(), Err(Error::NotReached { .. })));
    assert!(matches!(
        mailbox.folders(),
        Err(Error::ConnectionLost { .. })
    ));
}

#[test]
fn an_ordinary_client_can_sign_in_and_work() {
    let practice = Practice::start(SMALL, None).expect("a server");
    let story = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/imaplib_story.py"
    );
    if !python_is_here() {
        return;
    }
    let mut python = Command::new("python3")
        .args([story, &practice.port().to_string(), practice.user()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut stdin = python.stdin.take().expect("its input");
    // Where it ends early, its own words are of more use than a broken pipe.
    let _ = writeln!(stdin, "{}", practice.password());
    drop(stdin);
    let output = python.wait_with_output().expect("its end");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(told.contains("the story is told"));
    assert_eq!(practice.stats().messages, 2);
}
