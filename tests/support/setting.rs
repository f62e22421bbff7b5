//! A person in a trial: a mailbox, a computer, the proxy between them, and the runs on it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::child::{ORDER, Order, Outcome};
use super::dovecot::Dovecot;
use super::faulty::DiskFault;
use super::proxy::{Place, Proxy};
use super::sample::{self, Key};
use super::tamper::Tamper;

/// The password of every user; it must be nowhere afterwards.
pub const PASSWORD: &str = "canary-Xy7-bird";

/// Certificates that the computer trusts: none. To read them for each connection takes most of the time of a run.
const NO_OTHERS: &str = "/dev/null";

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
            .env("SSL_CERT_FILE", NO_OTHERS)
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
            .env(ORDER, self.path("order"))
            .env("SSL_CERT_FILE", NO_OTHERS);
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

    /// Whether any of them panicked.
    pub fn panicked(&self) -> bool {
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

/// Thousands of mailboxes at the end of a test take minutes to remove.
impl Drop for Setting<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.maildir());
    }
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
