//! The program as people start it, against a real server: what it prints where, and how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::authority::Certificate;
use support::dovecot::{Dovecot, Options};
use support::{Run, program};

const PASSWORD: &str = "canary-Xy7-bird";

/// A person with old mail, at a computer of their own.
struct Person {
    place: tempfile::TempDir,
    server: Dovecot,
}

impl Person {
    /// `None`, said aloud, where there is no Dovecot to test with.
    fn with(options: Options) -> Option<Person> {
        let server = Dovecot::start(options)?;
        let place = tempfile::tempdir().unwrap();
        let person = Person { place, server };
        std::fs::write(person.path("Family"), mbox(5)).unwrap();
        std::fs::write(person.path("password"), PASSWORD).unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(person.path("password"), private).unwrap();
        Some(person)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Run {
        let endpoint = self.server.endpoint();
        let mut program = program();
        program
            .args([
                "--email",
                "jane",
                "--server",
                &endpoint.address(),
                "--ca-file",
            ])
            .arg(self.server.ca_file())
            .arg("--state-dir")
            .arg(self.path("state"))
            .arg("--password-file")
            .arg(self.path("password"))
            .args(args);
        Run::of(&program.output().unwrap())
    }

    fn with_mail(&self, args: &[&str]) -> Run {
        let mail = self.path("Family");
        let mail = mail.to_str().unwrap();
        self.run(&[args, &["--source", mail]].concat())
    }
}

fn mbox(number: usize) -> String {
    let message = |n: usize| {
        format!(
            "From jane Mon Jan  5 10:00:00 2009\nMessage-ID: <{n}@x>\nFrom: jane@charter.net\n\
             Date: Mon, 5 Jan 2009 10:00:0{n} +0000\nSubject: Letter {n}\n\n{}\n\n",
            "All is well here. ".repeat(50)
        )
    };
    (0..number).map(message).collect()
}

fn ordinary() -> Option<Person> {
    Person::with(Options {
        password: PASSWORD,
        ..Options::default()
    })
}

fn wide(text: &str) -> Option<&str> {
    // Paths are not broken.
    text.lines()
        .find(|line| line.chars().count() > 80 && !line.contains('/'))
}

#[test]
fn from_check_to_report_in_plain_words() {
    let Some(jane) = ordinary() else { return };
    let check = jane.run(&["check"]).ends(0);
    assert!(
        check.out.contains("ok   Signed in as jane."),
        "{}",
        check.out
    );
    assert!(
        check.out.contains("Nothing has been changed."),
        "{}",
        check.out
    );

    let plan = jane.with_mail(&["plan"]).ends(0);
    assert!(
        plan.out.contains("Nothing has been changed yet."),
        "{}",
        plan.out
    );
    let dry_run = jane.with_mail(&["copy", "--dry-run", "--yes"]).ends(0);
    assert_eq!(plan.out, dry_run.out, "a dry run shows the plan");

    let unasked = jane.with_mail(&["copy"]).ends(14);
    assert_eq!(unasked.out, plan.out);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    assert!(
        unasked.err.contains("No questions are asked"),
        "{}",
        unasked.err
    );

    let verify = jane.with_mail(&["verify"]).ends(4);
    assert!(verify.out.contains("5   not tried yet"), "{}", verify.out);

    let copy = jane.with_mail(&["copy", "--yes"]).ends(0);
    assert!(
        copy.out
            .contains("ok   Every message is there: 5 of 5 (5 new, 0 already there)."),
        "{}",
        copy.out
    );
    assert!(
        copy.err.contains("finished Family: 5 copied"),
        "{}",
        copy.err
    );

    let again = jane.with_mail(&["--non-interactive", "--yes"]).ends(0);
    assert!(
        again.out.contains("(0 new, 5 already there)"),
        "{}",
        again.out
    );
    assert!(
        again.err.contains("Nothing has to be copied."),
        "{}",
        again.err
    );
    jane.with_mail(&["verify"]).ends(0);

    let report = jane.run(&["report"]).ends(0);
    assert!(
        report.out.contains("(0 new, 5 already there)"),
        "{}",
        report.out
    );
    for run in [&check, &plan, &unasked, &copy, &again, &report] {
        assert_eq!(wide(&run.out).or(wide(&run.err)), None);
    }
}

#[test]
fn programs_get_one_json_object_a_line_and_the_report_last() {
    let Some(jane) = ordinary() else { return };
    for (command, event) in [
        ("check", "check"),
        ("plan", "plan"),
        ("copy", "report"),
        ("report", "report"),
    ] {
        let run = jane
            .with_mail(&[command, "--yes", "--format", "json"])
            .ends(0);
        for line in run.out.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            assert!(line["v"] == 1 && line["event"].is_string(), "{line}");
        }
        assert_eq!(run.last()["event"], event);
    }
    let report = jane.run(&["report", "--format", "json"]).last();
    assert_eq!(
        (&report["counts"]["copied"], &report["verified"]["missing"]),
        (&5.into(), &0.into())
    );
}

#[test]
fn each_way_to_fail_has_its_exit_code_and_changes_nothing() {
    let Some(jane) = ordinary() else { return };
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::write(jane.path("wrong"), "wrong").unwrap();
    std::fs::set_permissions(jane.path("wrong"), private).unwrap();
    let wrong = jane.path("wrong");
    let endpoint = jane.server.endpoint().address();
    let mut refused = program();
    refused.args([
        "check",
        "--email",
        "jane",
        "--format",
        "json",
        "--server",
        &endpoint,
        "--ca-file",
    ]);
    refused
        .arg(jane.server.ca_file())
        .arg("--password-file")
        .arg(wrong);
    let refused = Run::of(&refused.output().unwrap()).ends(12);
    let last = refused.last();
    assert_eq!(
        (&last["event"], &last["code"], &last["kind"]),
        (&"error".into(), &12.into(), &"sign_in_refused".into())
    );

    jane.with_mail(&["plan", "--skip", "Famly"]).ends(2);
    jane.with_mail(&["plan", "--into", "Trash"]).ends(2);
    jane.run(&["plan", "--source", "/nowhere/at/all"]).ends(20);
    let nothing = Run::of(&program().arg("copy").output().unwrap()).ends(14);
    assert!(
        nothing.err.contains("--email") && nothing.err.contains("--source"),
        "{}",
        nothing.err
    );
    let password = program().args(["copy", "--password", "x"]).output();
    Run::of(&password.unwrap()).ends(2);
    assert!(
        !jane.path("state").exists() || std::fs::read_dir(jane.path("state")).unwrap().count() == 0
    );
}

#[test]
fn a_certificate_that_is_not_right_stops_everything() {
    for certificate in [Certificate::OtherName, Certificate::Expired] {
        let Some(jane) = Person::with(Options {
            certificate,
            password: PASSWORD,
            ..Options::default()
        }) else {
            return;
        };
        let run = jane.with_mail(&["copy", "--yes"]).ends(11);
        assert!(
            !run.err.to_lowercase().contains("anyway") && run.err.contains("password was"),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_full_mailbox_says_how_much_arrived_and_how_to_go_on() {
    let Some(jane) = Person::with(Options {
        quota: Some("3K"),
        password: PASSWORD,
        ..Options::default()
    }) else {
        return;
    };
    let run = jane
        .with_mail(&["copy", "--yes", "--format", "json"])
        .ends(13);
    let report = run
        .out
        .lines()
        .rev()
        .find(|line| line.contains("\"event\":\"report\""))
        .unwrap();
    let report: Value = serde_json::from_str(report).unwrap();
    let count = |name: &str| report["counts"][name].as_u64().unwrap();
    assert_eq!((count("found"), count("copied") + count("waiting")), (5, 5));
    assert!(count("waiting") > 0);
}

#[test]
fn the_password_is_in_no_file_and_no_output() {
    let Some(jane) = ordinary() else { return };
    let copy = jane.with_mail(&["copy", "--yes", "-v"]).ends(0);
    let json = jane
        .with_mail(&["copy", "--yes", "-v", "--format", "json"])
        .ends(0);
    for text in [&copy.out, &copy.err, &json.out, &json.err] {
        assert!(!text.contains(PASSWORD));
    }
    assert!(files(&jane.path("state")) >= 2, "a journal and a report");
}

/// Looks for the password in every file, and counts them.
fn files(directory: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += files(&path);
        } else {
            let content = std::fs::read(&path).unwrap();
            assert!(
                !String::from_utf8_lossy(&content).contains(PASSWORD),
                "{}",
                path.display()
            );
            count += 1;
        }
    }
    count
}
