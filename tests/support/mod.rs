//! What the stories share: the program as its users start it, a person with a mailbox, and a reader that is not ours.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

pub mod authority;
#[cfg(unix)]
pub mod child;
pub mod dovecot;
pub mod fault_server;
#[cfg(unix)]
pub mod faulty;
pub mod figure;
#[cfg(unix)]
pub mod journals;
#[cfg(unix)]
pub mod local;
#[cfg(unix)]
pub mod odd;
#[cfg(unix)]
pub mod proxy;
#[cfg(unix)]
pub mod sample;
#[cfg(unix)]
pub mod setting;
#[cfg(unix)]
pub mod tamper;
#[cfg(unix)]
pub mod terminal;
#[cfg(unix)]
pub mod tls_server;
#[cfg(unix)]
pub mod trial;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use dovecot::Dovecot;
use serde_json::Value;

/// The program, without anything of this computer's settings.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_spectrum-migrate"));
    for name in ["EMAIL", "PASSWORD", "PASSWORD_FILE", "PLAIN"] {
        program.env_remove(format!("SPECTRUM_MIGRATE_{name}"));
    }
    // A helpdesk's script runs without it, too.
    program
        .env_remove("CI")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    program
}

/// What one run of the program came to.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: &Output) -> Run {
        Run {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// It ended with this exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    /// The last line of the JSON.
    pub fn last(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line)
            .unwrap_or_else(|_| panic!("no JSON at the end:\n{}\n{}", self.out, self.err))
    }

    pub fn count(&self, name: &str) -> u64 {
        let last = self.last();
        last["counts"][name]
            .as_u64()
            .unwrap_or_else(|| panic!("no count {name} in {last}\n{}", self.err))
    }

    /// `found` is the sum of the rest, in all and for every folder.
    pub fn assert_balanced(&self) {
        let report = self.last();
        let names = [
            "copied",
            "already_there",
            "merged",
            "left_out",
            "kept",
            "refused",
            "damaged",
            "waiting",
        ];
        let sum = |counts: &Value| -> u64 {
            names
                .iter()
                .map(|name| counts[*name].as_u64().unwrap())
                .sum()
        };
        assert_eq!(
            report["counts"]["found"],
            sum(&report["counts"]),
            "{report}"
        );
        for folder in report["folders"].as_array().unwrap() {
            assert_eq!(folder["found"], sum(folder), "{folder}");
        }
    }
}

/// One message as the reader that is not ours sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub folder: String,
    pub sha256: String,
    pub flags: Vec<String>,
    /// Seconds since 1970.
    pub date: i64,
}

/// Someone with a mailbox of their own on the server.
pub struct Person<'a> {
    server: &'a Dovecot,
    pub name: String,
    place: tempfile::TempDir,
}

impl<'a> Person<'a> {
    pub fn new(server: &'a Dovecot, name: &str) -> Person<'a> {
        let place = tempfile::tempdir().unwrap();
        let person = Person {
            server,
            name: format!("{name}@charter.net"),
            place,
        };
        person.write_password(server.password());
        person
    }

    /// Changes the password that the program is given.
    pub fn write_password(&self, password: &str) {
        let path = self.password_file();
        std::fs::write(&path, format!("{password}\n")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    fn password_file(&self) -> PathBuf {
        self.place.path().join("password")
    }

    /// A directory of this person's.
    pub fn directory(&self) -> &Path {
        self.place.path()
    }

    /// The port of this person's server.
    pub fn port(&self) -> String {
        self.server.endpoint().port.to_string()
    }

    /// A command of the program for this mailbox, which still needs to be told whom to trust.
    fn bare_command(&self, command: &str) -> Command {
        let mut program = program();
        program
            .arg(command)
            .args(["--non-interactive", "--yes"])
            .args(["--email", &self.name])
            .arg("--password-file")
            .arg(self.password_file())
            .arg("--state-dir")
            .arg(self.place.path().join("state"));
        program
    }

    /// A command of the program for this mailbox.
    pub fn command(&self, command: &str) -> Command {
        let mut program = self.bare_command(command);
        program
            .args(["--format", "json"])
            .args(["--server", &format!("localhost:{}", self.port())])
            .arg("--ca-file")
            .arg(self.server.ca_file());
        program
    }

    /// Copies a source, and says so in words.
    pub fn copy_in_words(&self, source: &Path, more: &[&str]) -> Run {
        let mut program = self.bare_command("copy");
        program
            .arg("--ca-file")
            .arg(self.server.ca_file())
            .arg("--source")
            .arg(source);
        if !more.contains(&"--server") {
            program.args(["--server", &format!("localhost:{}", self.port())]);
        }
        Run::of(&program.args(more).output().unwrap())
    }

    /// The same, with a server whose certificate nobody vouches for.
    pub fn copy_trusting_nobody_new(&self, source: &Path) -> Run {
        let mut program = self.bare_command("copy");
        program.args(["--server", &format!("localhost:{}", self.port())]);
        Run::of(&program.arg("--source").arg(source).output().unwrap())
    }

    /// Copies these sources, to the end.
    pub fn copy(&self, sources: &[&Path], more: &[&str]) -> Run {
        let mut program = self.command("copy");
        for source in sources {
            program.arg("--source").arg(source);
        }
        Run::of(&program.args(more).output().unwrap())
    }

    /// Starts a copy and leaves it running.
    pub fn start_copy(&self, source: &Path) -> Child {
        self.command("copy")
            .arg("--source")
            .arg(source)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Everything in the mailbox, read by Python's imaplib.
    pub fn mailbox(&self) -> Vec<Held> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/read_back.py");
        let output = Command::new("python3")
            .arg(script)
            .arg(self.port())
            .arg(&self.name)
            .arg(self.server.password())
            .arg(self.server.ca_file())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let held = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            let mut flags: Vec<String> = value["flags"]
                .as_array()
                .unwrap()
                .iter()
                .map(|flag| flag.as_str().unwrap().to_string())
                .filter(|flag| flag != "\\Recent")
                .collect();
            flags.sort();
            Held {
                folder: value["folder"].as_str().unwrap().into(),
                sha256: value["sha256"].as_str().unwrap().into(),
                flags,
                date: value["date"].as_i64().unwrap(),
            }
        };
        let mut all: Vec<Held> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(held)
            .collect();
        all.sort();
        all
    }
}

/// Says why a test is not made, where the test harness can't swallow it.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// Whether Python is here; a missing one is a failure in CI and a reason to skip elsewhere.
pub fn python_is_here() -> bool {
    let here = Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success());
    assert!(
        here || std::env::var_os("CI").is_none(),
        "python3 is needed in CI"
    );
    if !here {
        skip("python3 is not installed");
    }
    here
}

/// How often each value is there.
pub fn tally<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut tally = BTreeMap::new();
    for value in values {
        *tally.entry(value).or_default() += 1;
    }
    tally
}

/// The collection of real mail files, where it lies beside the project.
pub fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let here = path.join("MANIFEST.tsv").is_file();
    if !here {
        skip("the collection of real mail files is not here");
    }
    here.then_some(path)
}
