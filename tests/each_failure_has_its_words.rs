//! Each way a run can fail ends with its exit code and plain sentences, held here word for word.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use support::dovecot::{Dovecot, Options};
use support::{Person, Run, skip};

const MESSAGE: &str = "From jane@example.org Mon Jan  1 10:00:00 2018\nMessage-ID: <1@example.org>\n\
                       From: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\nSubject: one\n\nText.\n\n";

/// What people see when a run fails: its exit code, and what it says. Paths, ports and times are evened out.
fn said(person: &Person<'_>, run: &Run) -> String {
    let directory = fs::canonicalize(person.directory()).unwrap();
    let words = format!("{}{}", run.err, run.out)
        .replace(&directory.display().to_string(), "HERE")
        .replace(&person.directory().display().to_string(), "HERE")
        .replace(&person.port(), "PORT");
    let timeless = |line: &&str| !line.starts_with("Made on ") && !line.contains("report-");
    let lines: Vec<&str> = words.lines().filter(timeless).collect();
    format!("exit {}\n{}", run.code.unwrap(), lines.join("\n"))
}

/// The same without the details, which are the words of the system or a library and differ from one to the next.
fn without_details(words: &str) -> &str {
    words.split_once("\n   Details: ").unwrap().0
}

/// A server, a person, and a run of `copy` in plain text over a file of this content.
fn copying(options: Options, content: &[u8], more: &[&str]) -> Option<String> {
    let server = Dovecot::start(options)?;
    let person = Person::new(&server, "jane");
    let source = person.directory().join("Family");
    fs::write(&source, content).unwrap();
    Some(said(&person, &person.copy_in_words(&source, more)))
}

fn over(source: impl FnOnce(&Path) -> std::path::PathBuf) -> Option<String> {
    let server = Dovecot::start(Options::default())?;
    let person = Person::new(&server, "jane");
    let source = source(person.directory());
    Some(said(&person, &person.copy_in_words(&source, &[])))
}

#[test]
fn a_wrong_password() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    person.write_password("wrong");
    let source = person.directory().join("Family");
    fs::write(&source, MESSAGE).unwrap();
    let run = person.copy_in_words(&source, &[]);
    insta::assert_snapshot!(said(&person, &run));
}

#[test]
fn an_unknown_host() {
    let words = copying(
        Options::default(),
        MESSAGE.as_bytes(),
        &["--server", "mail.invalid"],
    );
    let Some(words) = words else { return };
    insta::assert_snapshot!(without_details(&words));
}

#[test]
fn an_untrusted_certificate() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let source = person.directory().join("Family");
    fs::write(&source, MESSAGE).unwrap();
    let words = said(&person, &person.copy_trusting_nobody_new(&source));
    insta::assert_snapshot!(without_details(&words));
}

#[test]
fn a_source_that_is_not_there() {
    let Some(words) = over(|place| place.join("no such file")) else {
        return;
    };
    insta::assert_snapshot!(words);
}

#[test]
fn a_source_that_may_not_be_read() {
    let Some(words) = over(|place| {
        let path = place.join("Private");
        fs::write(&path, MESSAGE).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
        path
    }) else {
        return;
    };
    if words.starts_with("exit 0") {
        skip("this user may read everything");
        return;
    }
    insta::assert_snapshot!(words);
}

#[test]
fn an_empty_source() {
    let Some(words) = over(|place| {
        let path = place.join("Empty");
        fs::create_dir(&path).unwrap();
        path
    }) else {
        return;
    };
    insta::assert_snapshot!(words);
}

#[test]
fn a_binary_file_offered_as_mail() {
    let Some(words) = over(|place| {
        let path = place.join("holiday.mbox");
        let picture = [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &[0x9c; 4096]].concat();
        fs::write(&path, picture).unwrap();
        path
    }) else {
        return;
    };
    insta::assert_snapshot!(words);
}

#[test]
fn a_full_mailbox() {
    let message =
        |number: u32| MESSAGE.replace("<1@", &format!("<{number}@")) + &"text\n".repeat(300);
    let mbox: String = (0..6).map(|number| message(number) + "\n").collect();
    let full = Options {
        quota: Some("4K"),
        ..Options::default()
    };
    let Some(words) = copying(full, mbox.as_bytes(), &[]) else {
        return;
    };
    insta::assert_snapshot!(words);
}

#[test]
fn a_message_over_the_limit() {
    let large = MESSAGE.replace("<1@", "<2@") + &"a long line of text\n".repeat(8000) + "\n";
    let limit = Options {
        largest: Some("100K"),
        ..Options::default()
    };
    let Some(words) = copying(limit, (MESSAGE.to_string() + &large).as_bytes(), &[]) else {
        return;
    };
    // Dovecot ends its answer with the time it took.
    let (start, end) = (words.find(" (0.").unwrap(), words.find(" secs)").unwrap());
    insta::assert_snapshot!(words.replace(&words[start..end + 6], ""));
}
