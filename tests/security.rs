//! What the program promises about a password and a connection, each promise held against the threat it answers.
//!
//! | threat | held by |
//! |---|---|
//! | password in the command line | here |
//! | password in output, journal, report, `Debug`, core dump | here; after every fault: every_fault_on_the_process.rs |
//! | one wrong password tried again and again | here; src/mailbox/sign_in.rs |
//! | passwords that are no ASCII, or have quotes | here; tests/imap_mailbox.rs |
//! | no or a bad certificate, old TLS, a greeting that skips the sign-in | here; tests/imap_mailbox.rs, src/mailbox/tls.rs |
//! | STARTTLS stripped or injected into (SMTP) | src/mailbox/smtp.rs, tests/outgoing.rs |
//! | a panic, a backtrace | here; src/mailbox/session.rs, src/cli/mod.rs |
//! | text, names, paths, links, nesting and size of mail that mean harm | tests/hostile_mail.rs |
//! | text, names and numbers of a server that mean harm | src/safe.rs, src/mailbox/{name,wire,fetch,response}.rs |
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use spectrum_migrate::mailbox::Credentials;
use support::authority::Certificate;
use support::dovecot::{Dovecot, Options};
use support::proxy::Proxy;
use support::sample::walk;
use support::tls_server::TlsServer;
use support::{Person, Run, program};

const CANARY: &str = "canary-Xy7-bird";

const MESSAGE: &str = "From jane@example.org Mon Jan  1 10:00:00 2018\nMessage-ID: <1@example.org>\n\
                       From: jane@example.org\nDate: Mon, 1 Jan 2018 10:00:00 +0000\nSubject: one\n\nText.\n\n";

fn server(password: &'static str) -> Option<Dovecot> {
    Dovecot::start(Options {
        password,
        ..Options::default()
    })
}

/// A source of one message.
fn mail(person: &Person<'_>) -> std::path::PathBuf {
    let source = person.directory().join("Family");
    fs::write(&source, MESSAGE).unwrap();
    source
}

/// Runs `copy` against any port on this computer, trusting this authority.
fn copy_from(place: &Path, port: u16, ca_file: &Path, more: &[&str]) -> Run {
    use std::os::unix::fs::PermissionsExt;
    fs::write(place.join("Family"), MESSAGE).unwrap();
    fs::write(place.join("password"), CANARY).unwrap();
    fs::set_permissions(place.join("password"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut program = program();
    program
        .args([
            "copy",
            "--yes",
            "--non-interactive",
            "-vvv",
            "--email",
            "jane@charter.net",
        ])
        .args(["--server", &format!("localhost:{port}")])
        .arg("--ca-file")
        .arg(ca_file)
        .arg("--password-file")
        .arg(place.join("password"))
        .arg("--state-dir")
        .arg(place.join("state"))
        .arg("--source")
        .arg(place.join("Family"))
        .args(more);
    Run::of(&program.output().unwrap())
}

#[test]
fn no_flag_takes_a_password_and_none_switches_a_check_off() {
    for flag in [
        "--password=x",
        "--pass=x",
        "--password-env=x",
        "--insecure",
        "--no-verify",
        "--accept-invalid-certs",
        "--no-tls",
        "--plaintext",
        "-k",
    ] {
        let run = Run::of(&program().args(["copy", flag]).output().unwrap());
        run.ends(2);
    }
    let help = Run::of(&program().arg("--help").output().unwrap())
        .ends(0)
        .out;
    for word in ["insecure", "unverified", "without TLS", "--password "] {
        assert!(!help.contains(word), "{word}");
    }
}

/// Every user of a computer can read how a process was started, and its limits.
#[test]
fn a_run_shows_others_no_password_and_leaves_no_core_dump() {
    if !Path::new("/proc/self/cmdline").exists() {
        support::skip("there is no /proc here");
        return;
    }
    let Some(silent) = TlsServer::start(Certificate::Good, &[], b"") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    // It waits for a greeting, and can be looked at.
    let mut run = program()
        .args(["check", "--email", "jane@charter.net"])
        .args(["--server", &format!("localhost:{}", silent.port)])
        .arg("--ca-file")
        .arg(silent.ca_file())
        .arg("--password-stdin")
        .stdin(Stdio::piped())
        .current_dir(place.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    use std::io::Write as _;
    writeln!(run.stdin.take().unwrap(), "{CANARY}").unwrap();
    let of_process = |name: &str| fs::read(format!("/proc/{}/{name}", run.id())).unwrap();
    let limit = Instant::now() + Duration::from_secs(5);
    let no_core = loop {
        let limits = String::from_utf8(of_process("limits")).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let none = core
            .unwrap()
            .split_whitespace()
            .filter(|word| *word == "0")
            .count()
            == 2;
        if none || Instant::now() > limit {
            break none;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(no_core);
    // Linux gives what is in memory, and the environment, to root alone then.
    let owner = fs::metadata(format!("/proc/{}/mem", run.id())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 0);
    for name in ["cmdline", "environ"] {
        // Where another user may not look at all, there is nothing to find.
        let shown = fs::read(format!("/proc/{}/{name}", run.id())).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&shown).contains(CANARY), "{name}");
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn a_password_is_in_no_output_and_no_file_however_a_run_ends() {
    let Some(server) = server(CANARY) else { return };
    let person = Person::new(&server, "jane");
    let source = mail(&person);
    let nowhere = person.directory().join("no such file");
    let mut said = String::new();
    for (source, more) in [
        (&source, vec!["-vvv"]),
        (&source, vec!["-vvv", "--format", "json"]),
        (&nowhere, vec!["-vvv"]),
        (&source, vec!["-vvv", "--skip", "Nobody"]),
        (&source, vec!["-vvv", "--server", "mail.invalid"]),
        (&source, vec!["-vvv", "--server", "localhost:1"]),
    ] {
        let run = person.copy_in_words(source, &more);
        said += &format!("{}{}", run.out, run.err);
    }
    let untrusted = person.copy_trusting_nobody_new(&source);
    said += &format!("{}{}", untrusted.out, untrusted.err);
    person.write_password("wrong-Zq4-heron");
    let refused = person.copy_in_words(&source, &["-vvv"]).ends(12);
    said += &format!("{}{}", refused.out, refused.err);
    let state = person.directory().join("state");
    let files: Vec<_> = walk(&state)
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    assert!(files.len() >= 3, "a journal and reports: {files:?}");
    for path in files {
        said += &String::from_utf8_lossy(&fs::read(path).unwrap());
    }
    // As it is, as PLAIN sends it, and a part of it.
    for secret in [
        CANARY,
        "Y2FuYXJ5LVh5Ny1iaXJk",
        "NhbmFyeS1YeTctYmlyZ",
        "jYW5hcnktWHk3LWJpcm",
        "Xy7",
        "Zq4",
    ] {
        assert!(!said.contains(secret), "{secret}");
    }
}

#[test]
fn credentials_are_not_shown_by_debug() {
    let credentials = Credentials {
        user: "jane".into(),
        password: CANARY.into(),
    };
    let shown = format!("{:?} {:#?}", credentials.password, credentials.password);
    assert!(
        shown.contains("REDACTED") && !shown.contains("Xy7"),
        "{shown}"
    );
}

/// Servers lock accounts after a few wrong passwords.
#[test]
fn a_wrong_password_is_sent_once_for_each_time_a_person_asks() {
    let Some(server) = server("right") else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(server.endpoint().port);
    for asked in 1..=2 {
        copy_from(place.path(), proxy.port(), &server.ca_file(), &[]).ends(12);
        assert_eq!(proxy.counts().len(), asked);
    }
}

#[test]
fn a_password_of_any_characters_signs_in() {
    for password in ["quo\"te-back\\slash{3+}", "gehëim€Пароль", "*()]&~/+-"] {
        let Some(server) = server(password) else {
            return;
        };
        let person = Person::new(&server, "jane");
        person.copy_in_words(&mail(&person), &[]).ends(0);
    }
}

#[test]
fn a_connection_that_is_not_secure_gets_no_byte_of_ours() {
    let cases: [(&str, Certificate, &[&str], bool); 5] = [
        ("another name", Certificate::OtherName, &[], true),
        ("expired", Certificate::Expired, &[], true),
        ("unknown authority", Certificate::Good, &[], false),
        (
            "TLS 1.1",
            Certificate::Good,
            &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            true,
        ),
        (
            "TLS 1.0",
            Certificate::Good,
            &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
            true,
        ),
    ];
    for (what, certificate, options, trusted) in cases {
        let Some(server) = TlsServer::start(certificate, options, b"* OK hello\r\n") else {
            return;
        };
        let place = tempfile::tempdir().unwrap();
        let other = TlsServer::start(Certificate::Good, &[], b"").unwrap();
        let ca_file = if trusted {
            server.ca_file()
        } else {
            other.ca_file()
        };
        let run = copy_from(place.path(), server.port, &ca_file, &[]).ends(11);
        let said = run.err.to_lowercase();
        assert!(
            !said.contains("anyway") && !said.contains("[y/n]"),
            "{what}: {said}"
        );
        assert_eq!(server.heard(), "", "{what}");
    }
}

/// To sign in again on a connection that claims to be signed in would help whoever is on the way.
#[test]
fn a_greeting_that_skips_the_sign_in_gets_no_password_and_no_mail() {
    let greetings: [&[u8]; 4] = [
        b"* PREAUTH welcome\r\n",
        b"* BYE \x1b]0;owned\x07\x1b[2J\xc2\x9b1m go away\r\n",
        b"220 mail.example ESMTP\r\n",
        b"\x00\xff\xfe\x1b[31m\r\n",
    ];
    for greeting in greetings {
        let Some(server) = TlsServer::start(Certificate::Good, &[], greeting) else {
            return;
        };
        let place = tempfile::tempdir().unwrap();
        let run = copy_from(place.path(), server.port, &server.ca_file(), &[]);
        assert!(
            run.code.is_some_and(|code| code != 0 && code != 101),
            "{}",
            run.err
        );
        let heard = server.heard();
        for word in ["LOGIN", "AUTHENTICATE", "APPEND", CANARY] {
            assert!(!heard.contains(word), "{heard}");
        }
        // What the server says is shown without its power over the terminal.
        let said = run.out + &run.err;
        assert!(
            !said.chars().any(|c| c.is_control() && c != '\n'),
            "{said:?}"
        );
    }
}

/// A backtrace helps who wrote the program, and frightens everybody else.
#[test]
fn no_failure_shows_a_backtrace_and_all_are_the_same_with_one_asked_for() {
    let failures: [&[&str]; 4] = [
        &["copy", "--email", "jane@example.org"],
        &[
            "plan",
            "--source",
            "/nowhere/at/all",
            "--email",
            "jane@charter.net",
            "--server",
            "localhost:1",
        ],
        &[
            "report",
            "--state-dir",
            "/nowhere",
            "--email",
            "jane@charter.net",
        ],
        &["--nonsense"],
    ];
    for arguments in failures {
        let said = |backtrace: &str| {
            let mut program: Command = program();
            let output = program
                .args(arguments)
                .env("RUST_BACKTRACE", backtrace)
                .env("SPECTRUM_MIGRATE_PASSWORD", CANARY)
                .output();
            let run = Run::of(&output.unwrap());
            assert!(run.code.is_some_and(|code| code != 0 && code != 101));
            run.out + &run.err
        };
        let (without, with) = (said("0"), said("full"));
        assert_eq!(without, with);
        assert!(
            !with.to_lowercase().contains("backtrace") && !with.contains(".rs:"),
            "{with}"
        );
        assert!(!with.contains(CANARY), "{with}");
    }
}

/// What one message does must not end the run: that needs panics that unwind.
#[test]
fn a_release_unwinds_and_its_dependencies_are_pinned() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("panic ="), "a panic has to unwind");
    assert!(root.join("Cargo.lock").is_file());
    let checks = fs::read_to_string(root.join(".ci/run")).unwrap();
    assert!(checks.contains("cargo deny") && checks.contains("--locked"));
}
