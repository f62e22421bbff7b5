//! A run in a process of its own, so that it can be killed: the test binary started again, driving the public API.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spectrum_migrate::Error;
use spectrum_migrate::event::{Event, Observer};
use spectrum_migrate::mailbox::tls::TlsConnect;
use spectrum_migrate::mailbox::{Connect, Credentials};
use spectrum_migrate::settings::Endpoint;
use spectrum_migrate::source;
use spectrum_migrate::transfer::clock::{Clock, SystemClock};
use spectrum_migrate::transfer::journal::{FileDisk, Journal};
use spectrum_migrate::transfer::plan::Plan;
use spectrum_migrate::transfer::report::Verified;
use spectrum_migrate::transfer::{Choices, Job, Stop};

use super::faulty::{DiskFault, FaultyDisk, WRITES, prove};
use super::tamper::Tamper;

/// Names the file with the order; the child is an ordinary test that does nothing without it.
pub const ORDER: &str = "SPECTRUM_MIGRATE_TEST_ORDER";

/// Times go this much faster in a child, all but the quiet wait: only pauses between tries are shortened.
const FASTER: u32 = 8;

/// How long an APPEND may still arrive, in true time.
const QUIET: Duration = Duration::from_secs(1);

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
    let verified = copied
        .and_then(|()| job.verify(&mut plan))
        .and_then(|verified| job.repair(&mut plan, verified));
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
        fault: order.fault,
        source: order.source.clone(),
        fired: order.fired.clone(),
        synced: None,
        failed: None,
    };
    let (mut journal, past) = Journal::start(disk, path, account)?;
    job.copy_with(plan, &mut journal, &past)
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
