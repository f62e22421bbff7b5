//! One fault: a fresh mailbox, a run with the fault, runs until one ends well, one more, and the truth read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::child::{Act, DiskFault, ORDER, Order, Outcome, Tamper};
use super::dovecot::Dovecot;
use super::figure::ClassFigure;
use super::proxy::{Place, Proxy};
use super::sample::{self, Key};

/// The password of every user; it must be nowhere afterwards.
pub const PASSWORD: &str = "canary-Xy7-bird";

/// How a trial begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing was copied before.
    Fresh,
    /// A part was copied before, and there is a journal.
    GoingOn,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// On the wire.
    Wire(Place),
    /// At a write or a sync of the journal.
    Disk(DiskFault),
    /// Someone changes the source between the plan and the copy.
    Between(Tamper),
    /// No file may be larger than this: a full disk.
    FullDisk(u64),
    /// At a write of the journal, by a computer whose clock is off by so many seconds.
    Skewed(DiskFault, i64),
    /// Nothing, to see how it is without.
    None,
}

/// One fault and where it comes.
#[derive(Clone, Debug)]
pub struct Trial {
    pub class: &'static str,
    pub start: Start,
    pub fault: Fault,
    /// With the program itself, and not with a child that drives its library.
    pub shipped: bool,
}

/// What a trial came to.
#[derive(Debug, Default)]
pub struct Result {
    pub figure: ClassFigure,
    /// What was not as it should be.
    pub wrong: Vec<String>,
    /// Bytes of each connection of the run with the fault.
    pub counts: Vec<[u64; 2]>,
    /// Writes and syncs of its journal.
    pub writes: u64,
}

/// A person in a trial: a mailbox, a computer, and the proxy between them.
pub struct Setting<'a> {
    server: &'a Dovecot,
    pub user: String,
    pub place: tempfile::TempDir,
    pub proxy: Proxy,
}

static USERS: AtomicUsize = AtomicUsize::new(0);

impl<'a> Setting<'a> {
    /// With the whole source, and a mailbox that holds a little.
    pub fn new(server: &'a Dovecot) -> Setting<'a> {
        let number = USERS.fetch_add(1, Ordering::SeqCst);
        let place = tempfile::tempdir().unwrap();
        let setting = Setting {
            server,
            user: format!("jane{number}"),
            proxy: Proxy::start(server.endpoint().port),
            place,
        };
        sample::fill(&setting.maildir());
        sample::write(&setting.path("Mail"));
        fs::write(setting.path("password"), PASSWORD).unwrap();
        private(&setting.path("password"));
        setting
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn maildir(&self) -> PathBuf {
        self.server.maildir(&self.user)
    }

    /// What the mailbox holds now.
    pub fn stored(&self) -> BTreeMap<String, Key> {
        sample::stored(&self.maildir())
    }

    /// The directory of the journal.
    pub fn state(&self) -> PathBuf {
        let account = format!("{}@localhost:{}", self.user, self.proxy.port());
        spectrum_migrate::transfer::journal::account_dir(&self.path("state"), &account)
    }

    /// The program's command line for this person.
    pub fn program(&self, command: &str) -> Command {
        self.program_with(command, &self.path("state"))
    }

    /// The same with another place for the journal.
    pub fn program_with(&self, command: &str, state: &Path) -> Command {
        let mut program = super::program();
        program
            .args([command, "--non-interactive", "--yes", "-vvv"])
            .args(["--format", "json", "--email", &self.user])
            .args(["--server", &format!("localhost:{}", self.proxy.port())])
            .arg("--ca-file")
            .arg(self.server.ca_file())
            .arg("--password-file")
            .arg(self.path("password"))
            .arg("--state-dir")
            .arg(state)
            .arg("--source")
            .arg(self.path("Mail"));
        program
    }

    /// The order for a child.
    pub fn order(&self, fault: &Fault) -> Order {
        Order {
            port: self.proxy.port(),
            user: self.user.clone(),
            ca_file: self.server.ca_file(),
            password_file: self.path("password"),
            state: self.state(),
            source: self.path("Mail"),
            outcome: self.path("outcome"),
            fired: self.path("fired"),
            fault: match fault {
                Fault::Disk(fault) | Fault::Skewed(fault, _) => Some(*fault),
                _ => None,
            },
            clock_is_off: match fault {
                Fault::Skewed(_, seconds) => *seconds,
                _ => 0,
            },
            between: match fault {
                Fault::Between(tamper) => Some(*tamper),
                _ => None,
            },
            largest_file: match fault {
                Fault::FullDisk(size) => Some(*size),
                _ => None,
            },
        }
    }

    /// How a child is started.
    pub fn child_command(&self, order: &Order) -> Command {
        let _ = fs::remove_file(&order.outcome);
        fs::write(self.path("order"), serde_json::to_vec(order).unwrap()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "the_child_of_the_other_tests", "--nocapture"])
            .env(ORDER, self.path("order"));
        command
    }

    /// Runs a child with a fault, and gives what it said in the end; nothing if it was killed.
    pub fn child(&self, fault: &Fault) -> Option<Outcome> {
        let order = self.order(fault);
        self.wait(self.child_command(&order), Duration::from_secs(90));
        let outcome = fs::read(&order.outcome).ok()?;
        serde_json::from_slice(&outcome).ok()
    }

    /// Runs the program, and gives what its report said.
    pub fn shipped(&self) -> Option<Outcome> {
        let code = self.wait(self.program("copy"), Duration::from_secs(240))?;
        let out = fs::read_to_string(self.newest("out")).unwrap();
        let line = |event: &str| {
            out.lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .find(|line| line["event"] == event)
        };
        let report = line("report").unwrap_or_default();
        let count = |name: &str| report["counts"][name].as_u64().unwrap_or_default();
        let error = line("error").map(|error| error["kind"].to_string());
        Some(Outcome {
            error: error.or((code != 0 && code != 3).then(|| format!("exit {code}"))),
            copied: count("copied"),
            waiting: count("waiting"),
            refused: count("refused"),
            damaged: count("damaged"),
            clean: code == 0 || code == 3,
            ..Outcome::default()
        })
    }

    fn newest(&self, kind: &str) -> PathBuf {
        let number = (0u32..).find(|n| !self.path(&format!("{kind}.{n}")).exists());
        self.path(&format!("{kind}.{}", number.unwrap().saturating_sub(1)))
    }

    /// Starts a process that the proxy may end, waits for it, and gives its exit code. What it says is kept.
    pub fn wait(&self, mut command: Command, limit: Duration) -> Option<i32> {
        let number = (0u32..)
            .find(|n| !self.path(&format!("out.{n}")).exists())
            .unwrap();
        let file = |kind: &str| File::create(self.path(&format!("{kind}.{number}"))).unwrap();
        command.stdout(file("out")).stderr(file("err"));
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        self.note_command_line(&child);
        let shared = self.proxy.child();
        *shared.lock().unwrap() = Some(child);
        let limit = Instant::now() + limit;
        loop {
            let mut child = shared.lock().unwrap();
            if let Some(running) = child.as_mut() {
                if let Some(status) = running.try_wait().unwrap() {
                    *child = None;
                    return status.code();
                }
                if Instant::now() > limit {
                    let _ = running.kill();
                    let _ = running.wait();
                    *child = None;
                    fs::write(self.path("hung"), "").unwrap();
                    return None;
                }
            }
            drop(child);
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    /// Others can read how a process was started.
    fn note_command_line(&self, child: &Child) {
        if let Ok(line) = fs::read(format!("/proc/{}/cmdline", child.id())) {
            fs::write(self.path("cmdline"), line).unwrap();
        }
    }

    /// What the last process said, both ways.
    pub fn said(&self) -> String {
        let read = |kind| fs::read_to_string(self.newest(kind)).unwrap_or_default();
        read("err") + &read("out")
    }

    fn panicked(&self) -> bool {
        let said = |path: &PathBuf| {
            fs::read_to_string(path).is_ok_and(|text| text.contains("panicked at"))
        };
        (0u32..)
            .map(|number| self.path(&format!("err.{number}")))
            .take_while(|path| path.exists())
            .any(|path| said(&path))
    }

    /// The files in which the password is, but for the one that it was put into.
    pub fn leaks(&self) -> Vec<PathBuf> {
        let secret = PASSWORD.as_bytes();
        // As PLAIN sends it, whatever the user's name does to the alignment.
        let coded = [
            b"Y2FuYXJ5LVh5Ny1iaXJk".as_slice(),
            b"NhbmFyeS1YeTctYmlyZ",
            b"jYW5hcnktWHk3LWJpcm",
        ];
        let has = |path: &Path| {
            let content = fs::read(path).unwrap_or_default();
            let holds = |what: &[u8]| memchr::memmem::find(&content, what).is_some();
            holds(secret) || coded.iter().any(|what| holds(what))
        };
        sample::walk(self.place.path())
            .into_iter()
            .filter(|path| path.is_file() && !path.ends_with("password") && has(path))
            .collect()
    }
}

impl Trial {
    /// Makes the trial.
    pub fn run(&self, server: &Dovecot) -> Result {
        let setting = Setting::new(server);
        let mut may = sample::was_there();
        if self.start == Start::GoingOn {
            sample::write_part(&setting.path("Mail"));
            let first = setting.child(&Fault::None);
            assert!(first.is_some_and(|outcome| outcome.well()), "no good start");
            sample::write(&setting.path("Mail"));
        }
        may.extend(sample::wanted(&setting.path("Mail")));
        let before: BTreeSet<String> = setting.stored().into_keys().collect();

        setting.proxy.arm(match self.fault {
            Fault::Wire(place) => Some(place),
            _ => None,
        });
        let outcome = if self.shipped {
            setting.shipped()
        } else {
            setting.child(&self.fault)
        };
        let mut result = Result {
            counts: setting.proxy.counts(),
            writes: outcome.as_ref().map_or(0, |outcome| outcome.writes),
            ..Result::default()
        };
        let fired = match &self.fault {
            Fault::Wire(_) => setting.proxy.fired(),
            Fault::None => true,
            Fault::FullDisk(_) => outcome.as_ref().is_some_and(|o| o.error.is_some()),
            _ => setting.path("fired").exists(),
        };
        setting.proxy.arm(None);
        self.look_at_the_run(outcome.as_ref(), &mut result);
        result.wrong.extend(unannounced(&setting, &before));
        if removes(&self.fault) {
            sample::write(&setting.path("Mail"));
        }
        finish(&setting, self.shipped, &may, fired, &mut result);
        result
    }

    /// A journal that can't be written ends the run, and says so.
    fn look_at_the_run(&self, outcome: Option<&Outcome>, result: &mut Result) {
        let failing = matches!(
            self.fault,
            Fault::Disk(DiskFault {
                act: Act::Fail(_),
                ..
            }) | Fault::FullDisk(_)
        );
        if failing && outcome.is_some_and(|o| o.error.as_deref() != Some("Journal")) {
            result
                .wrong
                .push(format!("the journal failed: {outcome:?}"));
        }
    }
}

/// The source is put back, or it could not be copied.
fn removes(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Between(Tamper::Remove)
            | Fault::Disk(DiskFault {
                act: Act::Tamper(Tamper::Remove),
                ..
            })
    )
}

/// Runs until one ends well, once more, and compares. `may` are the messages that may be there, each once; those of
/// the source as it is now, and those from before, must be.
pub fn finish(
    setting: &Setting<'_>,
    shipped: bool,
    may: &BTreeMap<Key, usize>,
    fired: bool,
    result: &mut Result,
) {
    let run = || {
        if shipped {
            setting.shipped()
        } else {
            setting.child(&Fault::None)
        }
    };
    let mut last = None;
    for _ in 0..5 {
        last = run();
        if last.as_ref().is_some_and(Outcome::well) {
            break;
        }
    }
    if !last.as_ref().is_some_and(Outcome::well) {
        result.wrong.push(format!("no run ends well: {last:?}"));
    }
    let there = setting.stored();
    let again = run();
    if !again
        .as_ref()
        .is_some_and(|again| again.well() && again.copied == 0)
    {
        result.wrong.push(format!("one run more: {again:?}"));
    }
    let now = setting.stored();
    if now.keys().ne(there.keys()) {
        result.wrong.push("one run more changed the mailbox".into());
    }
    if setting.path("hung").exists() {
        result.wrong.push("a run did not end".into());
    }
    if setting.panicked() {
        result.wrong.push("a run panicked".into());
    }
    compare(setting, may, &now, result);
    let leaks = setting.leaks();
    result.figure.leaked = leaks.len() as u64;
    result.figure.injected = 1;
    result.figure.fired = u64::from(fired);
    let figure = &result.figure;
    if figure.lost + figure.duplicated + figure.altered + figure.leaked > 0 {
        result.wrong.push(format!("{figure:?} {leaks:?}"));
    }
    result.figure.survived = u64::from(fired && result.wrong.is_empty());
}

fn compare(
    setting: &Setting<'_>,
    may: &BTreeMap<Key, usize>,
    stored: &BTreeMap<String, Key>,
    result: &mut Result,
) {
    let mut must = sample::was_there();
    must.extend(sample::wanted(&setting.path("Mail")));
    let there = super::tally(stored.values().cloned());
    let many = |key: &Key| there.get(key).copied().unwrap_or(0);
    result.figure.lost = must.keys().filter(|key| many(key) == 0).count() as u64;
    for (key, count) in &there {
        if must.contains_key(key) || may.contains_key(key) {
            result.figure.duplicated += *count as u64 - 1;
        } else {
            result.figure.altered += *count as u64;
        }
    }
}

/// Messages that came to the server without their intent in the journal.
fn unannounced(setting: &Setting<'_>, before: &BTreeSet<String>) -> Vec<String> {
    let journal = fs::read_to_string(setting.state().join("journal.jsonl")).unwrap_or_default();
    let mut numbers = BTreeMap::new();
    let mut announced = BTreeSet::new();
    for line in journal.lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        match line["k"].as_str() {
            Some("item") => {
                // At least half of the hash is there.
                let hash = line["hu"].as_str().unwrap()[..32].to_string();
                numbers.insert(line["i"].as_u64(), hash);
            }
            Some("intent") => {
                for number in line["i"].as_array().unwrap() {
                    announced.extend(numbers.get(&number.as_u64()).cloned());
                }
            }
            _ => {}
        }
    }
    setting
        .stored()
        .into_iter()
        .filter(|(file, (_, hash))| !before.contains(file) && !announced.contains(&hash[..32]))
        .map(|(file, _)| format!("{file} was sent without an intent"))
        .collect()
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Makes trials, several at a time, and calls back with each.
pub fn run_all(
    server: &Dovecot,
    trials: &[Trial],
    at_once: usize,
    each: impl Fn(&Trial, Result) + Sync,
) {
    let next = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let next = next.clone();
            let each = &each;
            scope.spawn(move || {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::SeqCst)) {
                    each(trial, trial.run(server));
                }
            });
        }
    });
}
