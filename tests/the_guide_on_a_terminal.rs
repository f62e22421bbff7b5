//! The guide on a real pseudo-terminal against Dovecot: from the welcome to the last page, left and taken up at every
//! step, for the eye and for the ear, and with Ctrl-C at every kind of question.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::dovecot::{Dovecot, Options};
use support::{corpus, terminal};

const CTRL_C: &str = "\x03";

/// Someone with Thunderbird mail on a computer, and a mailbox without any.
struct Jane<'a> {
    server: &'a Dovecot,
    name: &'static str,
    home: tempfile::TempDir,
}

impl<'a> Jane<'a> {
    fn new(server: &'a Dovecot, name: &'static str) -> Jane<'a> {
        let home = tempfile::tempdir().unwrap();
        let jane = Jane { server, name, home };
        jane.profile(&jane.home.path().join(".thunderbird"));
        jane
    }

    /// The profile of a POP account, made by hand.
    fn profile(&self, root: &Path) {
        let profile = root.join("abc.default");
        let mail = profile.join("Mail/pop.charter.net");
        std::fs::create_dir_all(&mail).unwrap();
        std::fs::write(
            root.join("profiles.ini"),
            "[Profile0]\nName=default\nIsRelative=1\nPath=abc.default\nDefault=1\n",
        )
        .unwrap();
        let prefs = [
            ("mail.accountmanager.accounts", "\"account1\""),
            ("mail.account.account1.server", "\"server1\""),
            ("mail.server.server1.type", "\"pop3\""),
            ("mail.server.server1.hostname", "\"pop.charter.net\""),
            (
                "mail.server.server1.userName",
                &format!("\"{}@charter.net\"", self.name),
            ),
            ("mail.server.server1.name", "\"My mail\""),
            (
                "mail.server.server1.directory-rel",
                "\"[ProfD]Mail/pop.charter.net\"",
            ),
        ];
        let lines: String = prefs
            .iter()
            .map(|(name, value)| format!("user_pref(\"{name}\", {value});\n"))
            .collect();
        std::fs::write(profile.join("prefs.js"), lines).unwrap();
        let letter = |folder: &str, number: u32| {
            format!(
                "From - Mon Jan  5 10:00:00 2009\nX-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n\
                 Message-ID: <{folder}{number}@x>\nFrom: jane@charter.net\nDate: Mon, 5 Jan 2009 10:00:00 +0000\n\
                 Subject: Letter {number}\n\nAll is well here.\n\n"
            )
        };
        for (folder, count) in [("Inbox", 5), ("Sent", 3), ("Family", 4)] {
            let text: String = (0..count).map(|number| letter(folder, number)).collect();
            std::fs::write(mail.join(folder), text).unwrap();
            std::fs::write(mail.join(format!("{folder}.msf")), "").unwrap();
        }
    }

    fn run(&self, steps: &Value, more: &[&str], environment: &[(&str, &str)]) -> Option<Value> {
        let server = self.server.endpoint().address();
        let ca_file = self.server.ca_file();
        let state = self.home.path().join("state");
        let email = format!("{}@charter.net", self.name);
        let mut args = vec![
            "--server",
            &server,
            "--user",
            self.name,
            "--email",
            &email,
            "--ca-file",
            ca_file.to_str().unwrap(),
            "--state-dir",
            state.to_str().unwrap(),
        ];
        args.extend(more);
        let home = self.home.path().to_str().unwrap();
        let mut all = vec![("HOME", home), ("XDG_CONFIG_HOME", home)];
        all.extend(environment);
        terminal::run(steps, &args, &all)
    }

    /// Messages on the server.
    fn copied(&self) -> usize {
        fn count(directory: PathBuf) -> usize {
            let Ok(entries) = std::fs::read_dir(directory) else {
                return 0;
            };
            let entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            let inside = |path: &PathBuf| match path.file_name().unwrap().to_str().unwrap() {
                "cur" | "new" => std::fs::read_dir(path).unwrap().count(),
                _ if path.is_dir() => count(path.clone()),
                _ => 0,
            };
            entries.iter().map(inside).sum()
        }
        count(self.server.maildir(self.name))
    }
}

/// Wherever the lines are broken.
fn says(seen: &Value, words: &str) -> bool {
    let shown = seen["shown"].as_str().unwrap().split_whitespace();
    shown.collect::<Vec<_>>().join(" ").contains(words)
}

/// Has the settings changed, and then Enter to everything, and the password.
fn whole() -> Vec<Value> {
    vec![
        json!(["Start?", "\n", 0]),
        json!(["Its number:", "\n", 0]),
        json!(["steps 1 and 2 in", "y\n", 0]),
        json!(["Change these lines?", "y\n", 0]),
        json!(["Step 2 is done", "", 0]),
        json!(["your Documents?", "\n", 0]),
        json!(["as you type", "secret\n", 0.3]),
        json!(["Done?", "\n", 0]),
        json!(["Which ones?", "\n", 0]),
        json!(["Copy now?", "\n", 0]),
        json!(["Done?", "\n", 0]),
        json!(["old files?", "d\n", 0]),
    ]
}

fn assert_done(seen: &Value, jane: &Jane<'_>) {
    assert_eq!(seen["status"], 0, "{}", seen["shown"]);
    for words in ["identical", "Remove message data", "All six steps are done"] {
        assert!(says(seen, words), "{words}: {}", seen["shown"]);
    }
    assert_eq!(jane.copied(), 12, "{}", seen["shown"]);
}

#[test]
fn from_the_welcome_to_the_last_page() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let jane = Jane::new(&server, "jane");
    let Some(seen) = jane.run(&json!(whole()), &[], &[]) else {
        return;
    };
    assert_done(&seen, &jane);
    assert!(!says(&seen, "secret"), "{}", seen["shown"]);
    // What the guide changed in Thunderbird: five lines more, everything else as it was, and the old file beside it.
    let profile = jane.home.path().join(".thunderbird/abc.default");
    let before = std::fs::read_dir(&profile)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".backup"))
        .unwrap();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let (before, after) = (read(&before), read(&profile.join("prefs.js")));
    let kept: Vec<&str> = after.lines().filter(|line| before.contains(line)).collect();
    assert_eq!(kept, before.lines().collect::<Vec<_>>());
    assert!(after.contains("server1.leave_on_server\", true"), "{after}");
    assert!(after.contains("server1.check_new_mail\", false"), "{after}");
    assert_eq!(after.lines().count(), before.lines().count() + 2, "{after}");
}

#[test]
fn what_was_changed_in_thunderbird_is_put_back_to_the_byte() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let jane = Jane::new(&server, "back");
    let prefs = jane.home.path().join(".thunderbird/abc.default/prefs.js");
    let before = std::fs::read(&prefs).unwrap();
    let steps = json!([
        ["Start?", "\n", 0],
        ["Its number:", "\n", 0],
        ["steps 1 and 2 in", "y\n", 0],
        ["Change these lines?", "y\n", 0],
        ["your Documents?", CTRL_C, 0.2],
    ]);
    if jane.run(&steps, &[], &[]).is_none() {
        return;
    }
    assert_ne!(std::fs::read(&prefs).unwrap(), before);
    let steps = json!([
        ["Your choice", "3\n", 0],
        ["Put these lines back?", "\n", 0]
    ]);
    let seen = jane.run(&steps, &[], &[]).unwrap();
    assert!(says(&seen, "as they were before"), "{}", seen["shown"]);
    assert_eq!(std::fs::read(&prefs).unwrap(), before);
}

#[test]
fn it_can_be_heard_and_it_fits_a_narrow_screen() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let ear = Jane::new(&server, "ear");
    let Some(seen) = ear.run(&json!(whole()), &["--plain"], &[("TERM", "dumb")]) else {
        return;
    };
    assert_done(&seen, &ear);
    let shown = seen["shown"].as_str().unwrap();
    assert!(!shown.contains('\x1b'), "{shown}");

    let narrow = Jane::new(&server, "narrow");
    let seen = narrow
        .run(&json!(whole()), &["--plain"], &[("TERMINAL_COLUMNS", "40")])
        .unwrap();
    assert_done(&seen, &narrow);
    let shown = seen["shown"].as_str().unwrap();
    let shown = shown.replace("\x1b[32m", "").replace("\x1b[33m", "");
    let shown = shown.replace("\x1b[0m", "");
    let long: Vec<&str> = shown
        .lines()
        .map(|line| line.trim_end())
        .filter(|line| line.chars().count() > 40 && line.contains(' '))
        // A path and a setting are one word each, however long.
        .filter(|line| !line.contains(narrow.home.path().to_str().unwrap()))
        .filter(|line| !line.contains("user_pref("))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn it_is_left_at_every_step_and_taken_up_there() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let jane = Jane::new(&server, "leaving");
    // Each sitting goes on where the last one stopped, and stops at the next question but one.
    let sittings = [
        json!([["Start?", "\n", 0], ["Its number:", CTRL_C, 0.2]]),
        json!([
            ["Your choice", "\n", 0],
            ["Its number:", "\n", 0],
            ["steps 1 and 2 in", "\n", 0],
            ["Done?", "\n", 0],
            ["Go on all", "y\n", 0],
            ["Done?", CTRL_C, 0.2],
        ]),
        json!([
            ["step 2", "", 0],
            ["Your choice", "\n", 0],
            ["steps 1 and 2 in", "\n", 0],
            ["Done?", "\n", 0],
            ["Go on all", "y\n", 0],
            ["your Documents?", "\n", 0],
            ["as you type", CTRL_C, 0.3],
        ]),
        json!([
            ["step 3", "", 0],
            ["Your choice", "\n", 0],
            ["your Documents?", "\n", 0],
            ["as you type", "secret\n", 0.3],
            ["Done?", "\n", 0],
            ["Which ones?", CTRL_C, 0.2],
        ]),
        json!([
            ["step 5", "", 0],
            ["Your choice", "\n", 0],
            ["Which ones?", "\n", 0],
            ["as you type", "secret\n", 0.3],
            ["Copy now?", CTRL_C, 0.2],
        ]),
        json!([
            ["Your choice", "\n", 0],
            ["as you type", "secret\n", 0.3],
            ["Copy now?", "\n", 0],
            ["Done?", CTRL_C, 0.2],
        ]),
    ];
    for steps in &sittings {
        let Some(seen) = jane.run(steps, &[], &[]) else {
            return;
        };
        assert_eq!(seen["status"], 130, "{}", seen["shown"]);
        assert!(says(&seen, "Your answers are kept"), "{}", seen["shown"]);
    }
    // Step 4 was open, and that is gone with the sitting: everything is compared again first.
    let steps = json!([
        ["step 4", "", 0],
        ["Your choice", "\n", 0],
        ["Step 4 is about removing", "", 0],
        ["as you type", "secret\n", 0.3],
        ["identical", "", 0],
        ["Done?", "\n", 0],
        ["old files?", "d\n", 0],
    ]);
    let seen = jane.run(&steps, &[], &[]).unwrap();
    assert_done(&seen, &jane);
}

#[test]
fn ctrl_c_at_every_kind_of_question_leaves_the_terminal_as_it_was() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let all = whole();
    for stop in (0..all.len()).filter(|at| all[*at][1] != "") {
        let jane = Jane::new(&server, format!("stopping{stop}").leak());
        let mut steps: Vec<Value> = all[..=stop].to_vec();
        steps[stop][1] = json!(CTRL_C);
        steps[stop][2] = json!(0.3);
        let Some(seen) = jane.run(&json!(steps), &[], &[]) else {
            return;
        };
        assert_eq!(seen["status"], 130, "{}", seen["shown"]);
        assert!(says(&seen, "Stopped"), "{}", seen["shown"]);
    }
}

#[test]
fn ctrl_c_while_it_copies_ends_well_and_says_how_to_come_back() {
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let jane = Jane::new(&server, "busy");
    let text = "All is well here.\n".repeat(500);
    let letter = |number: u32| {
        format!(
            "From - Mon Jan  5 10:00:00 2009\nMessage-ID: <busy{number}@x>\nSubject: Letter\n\n{text}\n"
        )
    };
    let profile = jane.home.path().join(".thunderbird/abc.default");
    let letters: String = (0..8_000).map(letter).collect();
    std::fs::write(profile.join("Mail/pop.charter.net/Busy"), letters).unwrap();
    let mut steps = whole();
    steps.truncate(10);
    steps.push(json!(["Copying", CTRL_C, 0.2]));
    let Some(seen) = jane.run(&json!(steps), &[], &[]) else {
        return;
    };
    assert_eq!(seen["status"], 130, "{}", seen["shown"]);
    for words in [
        "not tried yet",
        "Your answers are kept",
        "another day: spectrum-migrate",
    ] {
        assert!(says(&seen, words), "{words}: {}", seen["shown"]);
    }
    assert!(!says(&seen, "spectrum-migrate copy"), "{}", seen["shown"]);
}

#[test]
fn the_public_thunderbird_profile_goes_from_the_welcome_to_the_last_page() {
    let Some(profile) = corpus().map(|corpus| corpus.join("thunderbird/thunderbird-public")) else {
        return;
    };
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let jane = Jane::new(&server, "public");
    // With a place named, only the other one that is here is asked about.
    let mut steps = whole();
    for step in &mut steps {
        if step[0] == "Which ones?" {
            *step = json!(["There is more mail", "\n", 0.3]);
        }
    }
    let source = profile.to_str().unwrap();
    let Some(seen) = jane.run(&json!(steps), &["--source", source], &[]) else {
        return;
    };
    assert!(says(&seen, "All six steps are done"), "{}", seen["shown"]);
}
