//! Mail that the server has: not sent again in its folder, copied where it is filed elsewhere, and only gaining marks.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::path::PathBuf;

use support::dovecot::{Dovecot, Options};
use support::{Person, python_is_here};

/// An mbox as Thunderbird writes one, with this status of its only message.
fn mbox(person: &Person<'_>, folder: &str, status: &str) -> PathBuf {
    let path = person.directory().join(folder);
    let text = format!(
        "From - Mon Jan  1 10:00:00 2018\nX-Mozilla-Status: {status}\nX-Mozilla-Status2: 00000000\n\
         X-Mozilla-Keys: $label1                                                                         \n\
         Message-ID: <1@example.org>\nFrom: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\n\
         Subject: the recipe\n\nTwo eggs.\n\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_message_in_its_folder_is_not_sent_and_gains_the_local_marks() {
    if !python_is_here() {
        return;
    }
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "marks");
    let unread = person.copy(&[&mbox(&person, "Inbox", "0000")], &[]);
    assert_eq!(
        (unread.code, unread.count("copied")),
        (Some(0), 1),
        "{}",
        unread.err
    );
    assert_eq!(person.mailbox()[0].flags, ["$label1"]);

    let starred = mbox(&person, "Inbox", "0005");
    let left = person.copy(&[&starred], &["--leave-flags"]);
    assert_eq!(
        (left.count("copied"), left.last()["flags_added"].as_u64()),
        (0, Some(0))
    );
    assert_eq!(person.mailbox()[0].flags, ["$label1"]);

    let added = person.copy(&[&starred], &[]);
    assert_eq!(
        (
            added.count("already_there"),
            added.last()["flags_added"].as_u64()
        ),
        (1, Some(1))
    );
    let there = person.mailbox();
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].flags, ["$label1", "\\Flagged", "\\Seen"]);

    // Nothing is ever taken away: the older, unread copy changes nothing.
    person.copy(&[&mbox(&person, "Inbox", "0000")], &[]);
    assert_eq!(person.mailbox(), there);
}

#[test]
fn a_message_that_is_elsewhere_is_filed_again_or_not_at_all() {
    if !python_is_here() {
        return;
    }
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let filed = Person::new(&server, "filed");
    filed.copy(&[&mbox(&filed, "Inbox", "0001")], &[]);
    let family = mbox(&filed, "Family", "0001");
    let once = filed.copy(&[&family], &["--once"]);
    assert_eq!(
        (once.count("copied"), once.count("already_there")),
        (0, 1),
        "{}",
        once.out
    );
    assert_eq!(once.last()["elsewhere"], 1);
    assert_eq!(filed.mailbox().len(), 1);

    let twice = filed.copy(&[&family], &[]);
    assert_eq!(
        (twice.count("copied"), twice.count("already_there")),
        (1, 0),
        "{}",
        twice.out
    );
    assert_eq!(twice.last()["elsewhere"], 1);
    let folders: Vec<String> = filed
        .mailbox()
        .into_iter()
        .map(|held| held.folder)
        .collect();
    assert_eq!(folders, ["Family", "INBOX"]);
}
