//! Mail, names and files that mean harm: they reach neither the terminal, nor the protocol, nor other files, and end nothing.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use spectrum_migrate::safe::safe;
use spectrum_migrate::source;
use support::dovecot::{Dovecot, Options};
use support::sample::{hash, stored, walk};
use support::{Person, Run};

const ESCAPES: &str = "\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}gpj.exe\r\x08";

fn message(number: usize, subject: &str, body: &str) -> String {
    format!(
        "Message-ID: <{number}@example.org>\nFrom: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\n\
         Subject: {subject}\n\n{body}\n"
    )
}

fn mbox(message: &str) -> String {
    format!("From jane@example.org Mon Jan  1 10:00:00 2018\n{message}\n")
}

/// The hashes of what a person has on the server, over all folders.
fn arrived(server: &Dovecot, person: &Person<'_>) -> Vec<String> {
    let held = stored(&server.maildir(&person.name));
    held.into_values().map(|(_, hash)| hash).collect()
}

fn assert_harmless(run: &Run) {
    let said = format!("{}{}", run.out, run.err);
    let moves = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!said.contains(moves), "{said:?}");
}

/// Runs a command of the program with so much memory, in KiB, and no longer than this.
fn in_little_memory(command: &Command, kib: u64, limit: Duration) -> Run {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("ulimit -v {kib}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("CI")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = shell.spawn().unwrap();
    let end = Instant::now() + limit;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it takes longer than {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Run::of(&child.wait_with_output().unwrap())
}

#[test]
fn no_name_and_no_subject_reaches_the_terminal_as_it_is() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let mail = person.directory().join("Mail");
    fs::create_dir(&mail).unwrap();
    let named = mail.join(OsStr::from_bytes(format!("Work{ESCAPES}").as_bytes()));
    // The words of an encoded subject become escapes only when they are decoded.
    let coded = "=?utf-8?q?=1B]0;owned=07=1B[2J?=";
    fs::write(
        named,
        mbox(&message(1, coded, "text")) + &mbox(&message(2, ESCAPES, "text")),
    )
    .unwrap();
    // What can't be read is listed by its name.
    fs::write(mail.join("No\x1b[31mMail\nreally"), [0u8, 1, 2, 255]).unwrap();
    let broken = mail.join("link\x1b[5m");
    symlink(&broken, &broken).unwrap();
    let run = person.copy_in_words(&mail, &["-vvv"]);
    assert!(matches!(run.code, Some(0 | 3)), "{}\n{}", run.out, run.err);
    assert_harmless(&run);
    assert_harmless(&person.copy(&[&mail], &["-vvv"]));
    assert_harmless(&Run::of(
        &person.command("report").arg("-vvv").output().unwrap(),
    ));
    assert_eq!(arrived(&server, &person).len(), 2);
}

/// A folder's name becomes part of a command, and of a file's name.
#[test]
fn a_folder_name_is_no_command_and_no_path() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let mail = person.directory().join("Mail");
    let kept = mbox(&message(1, "kept", "text"));
    fs::create_dir(&mail).unwrap();
    fs::write(mail.join("Precious"), &kept).unwrap();
    person.copy(&[&mail], &[]).ends(0);
    fs::remove_file(mail.join("Precious")).unwrap();
    let names = [
        "a\"\r\nx DELETE \"Precious\"\r\n",
        "b\" {3+}",
        "c%*",
        "d\\",
        "a..b",
        "CON",
        "INBOX\"",
        "~root",
        "$(reboot)",
        "-rf",
        "\u{1f4e7} \u{fc}&-",
    ];
    for (number, name) in names.iter().enumerate() {
        fs::write(mail.join(name), mbox(&message(10 + number, "text", "text"))).unwrap();
    }
    let run = person.copy(&[&mail], &[]);
    assert!(matches!(run.code, Some(0 | 3)), "{}\n{}", run.out, run.err);
    run.assert_balanced();
    let there = arrived(&server, &person);
    assert!(
        there.contains(&hash(message(1, "kept", "text").as_bytes())),
        "a folder was deleted"
    );
    let lost = names.len() as u64 + 1 - there.len() as u64;
    assert_eq!(
        lost,
        run.count("refused") + run.count("damaged") + run.count("left_out")
    );
    // On this computer everything is where it was told to be.
    let inside = |path: &PathBuf| path.starts_with(person.directory().join("state"));
    let ours: Vec<PathBuf> = walk(person.directory())
        .into_iter()
        .filter(|path| {
            !path.starts_with(&mail) && !path.ends_with("Mail") && !path.ends_with("password")
        })
        .collect();
    assert!(ours.iter().all(inside), "{ours:?}");
}

#[test]
fn a_user_name_is_no_path() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let source = person.directory().join("Family");
    fs::write(&source, mbox(&message(1, "one", "text"))).unwrap();
    person.copy_in_words(&source, &["--user", "../../../../tmp/owned"]);
    let state = person.directory().join("state");
    for entry in fs::read_dir(&state).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.starts_with("account-") && !name.contains('/'),
            "{name}"
        );
    }
    assert!(!Path::new("/tmp/owned").exists());
}

/// Whoever can write into the directory of the journal must not make us write elsewhere.
#[test]
fn a_link_in_the_place_of_the_journal_or_its_lock_is_not_followed() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    for name in ["journal.jsonl", "lock"] {
        let person = Person::new(&server, &format!("jane-{}", name.len()));
        let source = person.directory().join("Family");
        fs::write(&source, mbox(&message(1, "one", "text"))).unwrap();
        person.copy(&[&source], &[]).ends(0);
        let path = walk(&person.directory().join("state"))
            .into_iter()
            .find(|path| path.ends_with(name))
            .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let victim = person.directory().join("victim");
        fs::write(&victim, "precious").unwrap();
        fs::remove_file(&path).unwrap();
        symlink(&victim, &path).unwrap();
        person.copy(&[&source], &[]).ends(16);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }
}

#[test]
fn a_pipe_or_a_device_in_a_maildir_is_never_waited_for() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let mail = person.directory().join("Maildir");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(mail.join(part)).unwrap();
    }
    fs::write(mail.join("cur/1.a.b:2,S"), message(1, "one", "text")).unwrap();
    let pipe = mail.join("cur/2.a.b:2,S");
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
    symlink("/dev/zero", mail.join("cur/3.a.b:2,S")).unwrap();
    symlink("/etc/passwd", mail.join("cur/4.a.b:2,S")).unwrap();
    let mut command = person.command("copy");
    command.arg("--source").arg(&mail);
    let run = in_little_memory(&command, 4_000_000, Duration::from_secs(30)).ends(3);
    assert_eq!((run.count("copied"), run.count("damaged")), (1, 3));
}

/// A reader that calls itself for each part ends with its stack; ours reads no parts at all.
#[test]
fn deep_nesting_and_very_many_parts_arrive_as_they_are_in_little_memory() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "jane");
    let forwarded = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let nested: String = (0..200_000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"))
        .collect();
    let headers = |kind: &str, number: usize| {
        format!(
            "Message-ID: <{number}@example.org>\nFrom: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\n\
             Subject: {number}\nMIME-Version: 1.0\n{kind}"
        )
    };
    let messages = [
        headers("", 1) + &forwarded + "end\n",
        headers("", 2) + &nested + "end\n",
        headers("Content-Type: multipart/mixed; boundary=b\n\n", 3)
            + &"--b\n\n".repeat(1_000_000)
            + "--b--\n",
        headers("", 4) + &format!("X-Long: {}\n\ntext\n", "x".repeat(8 << 20)),
        headers("", 5) + &"X-Many: field\n".repeat(300_000) + "\ntext\n",
        headers("", 6) + "\n" + &"x".repeat(8 << 20) + "\n",
        headers("", 7) + &format!("References: {}\n\ntext\n", "<a@b> ".repeat(500_000)),
        headers("", 8) + &format!("Subject: {}\n\ntext\n", "=?utf-8?b?w7w=?= ".repeat(200_000)),
    ];
    let source = person.directory().join("Family");
    let content: String = messages.iter().map(|message| mbox(message)).collect();
    fs::write(&source, content).unwrap();
    let mut command = person.command("copy");
    command.arg("--source").arg(&source);
    // The program itself needs about 60 MB of addresses; the largest message here has 8.
    let run = in_little_memory(&command, 400_000, Duration::from_secs(120));
    let run = run.ends(0);
    assert_eq!(run.count("copied"), messages.len() as u64);
    let mut there = arrived(&server, &person);
    let mut sent: Vec<String> = messages
        .iter()
        .map(|message| hash(message.as_bytes()))
        .collect();
    there.sort();
    sent.sort();
    assert_eq!(there, sent);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The one function through which all text of others is shown.
    #[test]
    fn no_text_moves_the_cursor(text in any::<String>(), at in any::<prop::sample::Index>()) {
        let mut hostile: Vec<char> = text.chars().collect();
        hostile.splice(at.index(hostile.len() + 1)..at.index(hostile.len() + 1), ESCAPES.chars());
        let shown = safe(&hostile.into_iter().collect::<String>());
        prop_assert!(shown.bytes().all(|byte| byte >= 0x20 && byte != 0x7f));
        let moves = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        prop_assert!(!shown.contains(moves));
    }

    /// Whatever a file holds, reading it ends, and no message is promised to be of another size than it is.
    #[test]
    fn any_file_is_read_to_its_end(
        lines in proptest::collection::vec(
            prop_oneof![
                4 => Just(b"From jane@example.org Mon Jan  1 10:00:00 2018".to_vec()),
                2 => Just(b"Content-Type: multipart/mixed; boundary=b".to_vec()),
                2 => Just(b"--b".to_vec()),
                2 => Just(b"Content-Length: 99999999999999999999".to_vec()),
                2 => Just(b"X-Mozilla-Status: 0009".to_vec()),
                2 => Just(Vec::new()),
                3 => proptest::collection::vec(any::<u8>(), 0..60),
            ],
            0..40
        ),
        ending in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    ) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("Family");
        fs::write(&path, lines.join(ending.as_bytes())).unwrap();
        let Ok(source) = source::open(&path) else { return Ok(()) };
        for item in source.scan().unwrap().flatten() {
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut source.open(&item).unwrap(), &mut content).unwrap();
            prop_assert_eq!(content.len() as u64, item.size);
        }
    }
}
