//! Ten runs killed without warning at random moments, and one to the end: each message is on the server once.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest, Sha256};
use support::dovecot::{Dovecot, Options};
use support::{Person, python_is_here, tally};

const MESSAGES: usize = 3000;

fn mbox() -> (String, Vec<String>) {
    let mut mbox = String::new();
    let mut hashes = Vec::new();
    for number in 0..MESSAGES {
        let mut message = format!(
            "Message-ID: <{number}@example.org>\n\
             Date: Mon, 1 Jan 2018 10:00:00 +0000\nSubject: number {number}\n\n"
        );
        for line in 0..(number * 7919) % 300 {
            writeln!(
                message,
                "line {line} of the message with the number {number}"
            )
            .unwrap();
        }
        let uploaded = message.replace('\n', "\r\n");
        hashes.push(
            Sha256::digest(uploaded)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        );
        write!(
            mbox,
            "From jane@example.org Mon Jan  1 10:00:00 2018\n{message}\n"
        )
        .unwrap();
    }
    (mbox, hashes)
}

#[test]
fn each_message_is_on_the_server_once() {
    if !python_is_here() {
        return;
    }
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "killed");
    let (mbox, hashes) = mbox();
    let source = person.directory().join("Family");
    std::fs::write(&source, mbox).unwrap();
    let mut killed = 0;
    for _ in 0..10 {
        let mut run = person.start_copy(&source);
        let mut random = [0; 2];
        getrandom::fill(&mut random).unwrap();
        std::thread::sleep(Duration::from_millis(
            30 + u64::from(u16::from_le_bytes(random)) % 900,
        ));
        run.kill().unwrap();
        killed += usize::from(!run.wait().unwrap().success());
    }
    let last = person.copy(&[&source], &[]);
    assert_eq!(last.code, Some(0), "{}\n{}", last.out, last.err);
    last.assert_balanced();
    assert_eq!(
        last.count("copied") + last.count("already_there"),
        MESSAGES as u64
    );
    let there = tally(person.mailbox().into_iter().map(|held| held.sha256));
    assert_eq!(there, tally(hashes));
    assert!(
        killed > 0,
        "every run came to its end before it could be killed"
    );
}
