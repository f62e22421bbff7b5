//! A run in a process of its own, so that it can be killed: the test binary started again, driving the public API.

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spectrum_migrate::Error;
use spectrum_migrate::event::{Event, Observer};
use spectrum_migrate::mailbox::tls::TlsConnect;
use spectrum_migrate::mailbox::{Connect, Credentials};
use spectrum_migrate::settings::Endpoint;
use spectrum_migrate::source;
use spectrum_migrate::transfer::clock::{Clock, SystemClock};
use spectrum_migrate::transfer::journal::{Disk, FileDisk, Journal};
use spectrum_migrate::transfer::plan::Plan;
use spectrum_migrate::transfer::report::Verified;
use spectrum_migrate::transfer::{Choices, Job, Stop};

/// Names the file with the order; the child is an ordinary test that does nothing without it.
pub const ORDER: &str = "SPECTRUM_MIGRATE_TEST_ORDER";

/// Times go this much faster in a child, all but the quiet wait: only pauses between tries are shortened.
const FASTER: u32 = 8;

/// How long an APPEND may still arrive, in true time.
const QUIET: Duration = Duration::from_secs(1);

/// Writes and syncs of the journal so far.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub port: u16,
    pub user: String,
    pub ca_file: PathBuf,
    pub password_file: PathBuf,
    pub state: PathBuf,
    pub source: PathBuf,
    /// Where the child says how it went.
    pub outcome: PathBuf,
    /// A file that proves that the fault came.
    pub fired: PathBuf,
    pub fault: Option<DiskFault>,
    /// What someone does to the source between the plan and the copy.
    pub between: Option<Tamper>,
    /// No file may be larger than this.
    pub largest_file: Option<u64>,
    /// The computer's clock is off by so many seconds.
    pub clock_is_off: i64,
}

/// Something that happens at one of the journal's writes and syncs, counted from 0 over both.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DiskFault {
    pub at: u64,
    pub act: Act,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// SIGKILL, and nothing of the write is done.
    KillBefore,
    /// SIGKILL after half of the bytes.
    KillHalf,
    /// SIGKILL after it.
    KillAfter,
    /// Power is lost: of what was not synced this many thousandths are kept.
    PowerLoss(u16),
    /// The system's error of this number, now and ever after.
    Fail(i32),
    /// The source changes.
    Tamper(Tamper),
    /// It takes for ever.
    Hang,
}

/// What someone does to a source while it is read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Tamper {
    /// A message is added.
    Grow,
    /// The second half of the file is other mail.
    Rewrite,
    /// The same, of the same length and with the same headers.
    RewriteAlike,
    /// The first message is removed, in place.
    Compact,
    /// The same, with a new file under the old name.
    CompactByRename,
    /// The file is cut in the middle of a message.
    Truncate,
    /// It is gone.
    Remove,
}

/// How a run ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// The name of the error.
    pub error: Option<String>,
    pub detail: String,
    pub copied: u64,
    pub waiting: u64,
    pub refused: u64,
    pub damaged: u64,
    /// Whether the check found everything.
    pub clean: bool,
    /// Writes and syncs of the journal while copying.
    pub writes: u64,
}

impl Outcome {
    /// Nothing is left to do.
    pub fn well(&self) -> bool {
        self.error.is_none() && self.waiting == 0 && self.clean
    }
}

/// Does what the order says, if there is one.
pub fn run_if_ordered() {
    let Some(path) = std::env::var_os(ORDER) else {
        return;
    };
    let order: Order = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    limit_files(order.largest_file);
    let mut outcome = run(&order);
    outcome.writes = WRITES.load(Ordering::SeqCst);
    fs::write(&order.outcome, serde_json::to_vec(&outcome).unwrap()).unwrap();
}

fn limit_files(largest: Option<u64>) {
    if let Some(largest) = largest {
        use nix::sys::signal::{SigSet, Signal};
        use rustix::process::{Resource, Rlimit, setrlimit};
        // With the signal held back, the write that is too much returns an error, as on a full disk.
        let mut held_back = SigSet::empty();
        held_back.add(Signal::SIGXFSZ);
        held_back.thread_block().unwrap();
        let limit = Rlimit {
            current: Some(largest),
            maximum: Some(largest),
        };
        setrlimit(Resource::Fsize, limit).unwrap();
    }
}

fn run(order: &Order) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = try_run(order, &mut outcome) {
        let debug = format!("{error:?}");
        let name: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
        outcome.error = Some(name);
        outcome.detail = error.to_string();
        // As loud as it gets.
        let _ = writeln!(io::stderr(), "{debug}");
    }
    outcome
}

fn try_run(order: &Order, outcome: &mut Outcome) -> Result<(), Error> {
    let sources = [source::open(&order.source)?];
    let password = fs::read_to_string(&order.password_file).unwrap();
    let credentials = Credentials {
        user: order.user.clone(),
        password: password.trim_end().into(),
    };
    let endpoint = Endpoint::tls("localhost", order.port);
    let connect = TlsConnect::new(endpoint, credentials, Some(order.ca_file.clone()));
    let (choices, stop, clock) = (
        Choices::default(),
        Stop::default(),
        Hasty {
            clock: SystemClock::default(),
            off: order.clock_is_off,
        },
    );
    let job = Job {
        sources: &sources,
        connect: &connect,
        choices: &choices,
        state: &order.state,
        quiet: QUIET * FASTER,
        clock: &clock,
        stop: &stop,
        observer: &Loud,
    };
    let mut plan = job.plan()?;
    if let Some(tamper) = order.between {
        prove(&order.fired);
        tamper.act(&order.source);
    }
    let copied = copy(order, &job, &mut plan, &connect.account());
    let verified = match copied {
        Ok(()) => job.verify(&mut plan),
        Err(error) => Err(error),
    };
    let (verified, error) = match verified {
        Ok(verified) => (Some(verified), None),
        Err(error) => (None, Some(error)),
    };
    outcome.clean = verified.as_ref().is_some_and(Verified::clean);
    let report = job.report(&plan, verified)?;
    assert!(report.counts.balances(), "{report:?}");
    outcome.copied = report.counts.copied;
    outcome.waiting = report.counts.waiting;
    outcome.refused = report.counts.refused;
    outcome.damaged = report.counts.damaged;
    match error {
        Some(error) => Err(error),
        None => report.save(&order.state, &format!("{report:?}")).map(drop),
    }
}

fn copy(order: &Order, job: &Job<'_>, plan: &mut Plan, account: &str) -> Result<(), Error> {
    let disk = FileDisk::open(&order.state)?;
    let path = disk.path().to_path_buf();
    let disk = FaultyDisk {
        disk,
        path: path.clone(),
        order: order.clone(),
        synced: None,
        failed: None,
    };
    let (mut journal, past) = Journal::start(disk, path, account)?;
    job.copy_with(plan, &mut journal, &past)
}

/// A disk that works until it does not.
struct FaultyDisk {
    disk: FileDisk,
    path: PathBuf,
    order: Order,
    /// How much of the file is safe.
    synced: Option<u64>,
    failed: Option<i32>,
}

impl FaultyDisk {
    fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    /// What is to happen at this write or sync.
    fn act(&mut self) -> io::Result<Option<Act>> {
        let now = WRITES.fetch_add(1, Ordering::SeqCst);
        if self.synced.is_none() {
            self.synced = Some(self.length());
        }
        let act = self
            .order
            .fault
            .filter(|fault| fault.at == now)
            .map(|fault| fault.act);
        if act.is_some() {
            prove(&self.order.fired);
        }
        match act {
            Some(Act::Fail(number)) => self.failed = Some(number),
            Some(Act::KillBefore) => die(),
            Some(Act::Tamper(tamper)) => tamper.act(&self.order.source),
            Some(Act::Hang) => std::thread::sleep(Duration::from_secs(600)),
            _ => {}
        }
        match self.failed {
            Some(number) => Err(io::Error::from_raw_os_error(number)),
            None => Ok(act),
        }
    }

    fn lose_power(&self, thousandths: u16) -> ! {
        let (safe, all) = (self.synced.unwrap_or(0), self.length());
        let kept = safe + (all - safe) * u64::from(thousandths) / 1000;
        let file = fs::OpenOptions::new().write(true).open(&self.path).unwrap();
        file.set_len(kept).unwrap();
        die()
    }
}

impl Disk for FaultyDisk {
    fn reader(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.disk.reader()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.cut(length)
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.disk.set_aside()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.act()? {
            Some(Act::KillHalf) => {
                self.disk.append(&bytes[..bytes.len() / 2])?;
                die()
            }
            Some(Act::KillAfter) => {
                self.disk.append(bytes)?;
                die()
            }
            Some(Act::PowerLoss(kept)) => {
                self.disk.append(bytes)?;
                self.lose_power(kept)
            }
            _ => self.disk.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.act()? {
            Some(Act::PowerLoss(kept)) => self.lose_power(kept),
            Some(Act::KillHalf | Act::KillAfter) => {
                self.disk.sync()?;
                die()
            }
            _ => {}
        }
        self.disk.sync()?;
        self.synced = Some(self.length());
        Ok(())
    }
}

fn prove(path: &Path) {
    fs::write(path, "here").unwrap();
}

fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}

impl Tamper {
    /// Does it to the mbox `Family` of a source.
    pub fn act(self, source: &Path) {
        let path = source.join("Family");
        let Ok(mut content) = fs::read(&path) else {
            return;
        };
        let starts: Vec<usize> = memchr::memmem::find_iter(&content, b"From jane@").collect();
        match self {
            Tamper::Grow => content.extend(super::sample::mbox(&[super::sample::newcomer()])),
            Tamper::Rewrite | Tamper::RewriteAlike => {
                // In the texts only, or they would not be messages any more.
                let half = starts[starts.len() / 2];
                let lines: Vec<usize> = memchr::memmem::find_iter(&content, b"\nline ").collect();
                let word: &[u8] = if self == Tamper::Rewrite {
                    b"words"
                } else {
                    b"word"
                };
                for at in lines.into_iter().rev().filter(|at| *at > half) {
                    content.splice(at + 1..at + 5, word.iter().copied());
                }
            }
            Tamper::Compact | Tamper::CompactByRename => {
                content.drain(..starts[1]);
            }
            Tamper::Truncate => content.truncate(starts[starts.len() - 1] + 120),
            Tamper::Remove => return fs::remove_file(&path).unwrap(),
        }
        if self == Tamper::CompactByRename {
            let fresh = source.with_file_name("Family.new");
            fs::write(&fresh, content).unwrap();
            fs::rename(fresh, path).unwrap();
        } else {
            fs::write(path, content).unwrap();
        }
    }
}

/// The computer's clock, in a hurry.
struct Hasty {
    clock: SystemClock,
    off: i64,
}

impl Clock for Hasty {
    fn now(&self) -> Duration {
        self.clock.now() * FASTER
    }

    fn wall(&self) -> u64 {
        self.clock.wall().saturating_add_signed(self.off)
    }

    fn sleep(&self, time: Duration) {
        self.clock.sleep(time / FASTER);
    }
}

/// Says everything that the engine says.
struct Loud;

impl Observer for Loud {
    fn notice(&self, event: &Event) {
        // Its output may be a file on the disk that is full.
        let _ = writeln!(io::stderr(), "{event:?}");
    }
}
