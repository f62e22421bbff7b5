//! Stories about the storage folder, told by the whole program against Dovecot: what the server does not take is on this
//! computer at the end, once, and the run ends well.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use spectrum_migrate::source::open;
use support::Person;
use support::dovecot::{Dovecot, Options};

fn message(number: usize, lines: usize) -> String {
    format!(
        "From jane@example.org Mon Jan  1 10:00:00 2018\nMessage-ID: <{number}@example.org>\n\
         From: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\nSubject: {number}\n\n{}\n",
        ">From me, some text\n".repeat(lines)
    )
}

/// The names in a folder, sorted, and the number of messages in its mbox files.
fn found(folder: &Path) -> (Vec<String>, usize) {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let mboxes = names.iter().filter(|name| name.ends_with(".mbox"));
    let messages = mboxes.map(|name| open(&folder.join(name)).unwrap().scan().unwrap().count());
    let messages = messages.sum();
    (names, messages)
}

/// Two runs of `copy` with a storage folder, over a file of these messages; so many are kept, and more than none copied.
fn keeps(options: Options, mail: &[String], kept: impl Fn(usize) -> bool) {
    let Some(server) = Dovecot::start(options) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let source = person.directory().join("Family");
    fs::write(&source, mail.concat()).unwrap();
    let folder = person.directory().join("kept mail");
    let flags = ["--storage-folder", folder.to_str().unwrap()];

    let run = person.copy_in_words(&source, &[]);
    assert!(
        [3, 13].contains(&run.code.unwrap()),
        "{}{}",
        run.err,
        run.out
    );
    assert!(!folder.exists());

    let run = person.copy_in_words(&source, &flags);
    assert_eq!(run.code, Some(0), "{}{}", run.err, run.out);
    assert!(run.out.contains("Kept on this computer"), "{}", run.out);
    let (names, messages) = found(&folder);
    assert_eq!(names, ["Family.mbox", "index.txt"]);
    assert!(kept(messages), "{messages}");
    let before = fs::read(folder.join("Family.mbox")).unwrap();

    let run = person.copy_in_words(&source, &flags);
    assert_eq!(run.code, Some(0), "{}{}", run.err, run.out);
    assert_eq!(found(&folder), (names, messages));
    assert_eq!(fs::read(folder.join("Family.mbox")).unwrap(), before);
}

#[test]
fn what_finds_no_room_in_the_mailbox() {
    let mail: Vec<String> = (0..6).map(|number| message(number, 100)).collect();
    let full = Options {
        quota: Some("4K"),
        ..Options::default()
    };
    keeps(full, &mail, |messages| (1..6).contains(&messages));
}

#[test]
fn what_is_larger_than_the_server_takes() {
    let mail = [message(1, 3), message(2, 9_000), message(3, 3)];
    let limit = Options {
        largest: Some("100K"),
        ..Options::default()
    };
    keeps(limit, &mail, |messages| messages == 1);
}

#[test]
fn a_folder_that_cannot_be_the_storage_folder_is_said_before_anything_is_copied() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let mail = person.directory().join("mail");
    fs::create_dir(&mail).unwrap();
    fs::write(mail.join("Family.mbox"), message(1, 3)).unwrap();
    let inside = mail.join("kept");
    let run = person.copy_in_words(&mail, &["--storage-folder", inside.to_str().unwrap()]);
    assert_eq!(run.code, Some(2), "{}{}", run.err, run.out);
    assert!(run.err.contains("storage folder"), "{}", run.err);
    assert!(!inside.exists());
}
