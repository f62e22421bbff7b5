//! One server, one fault, and runs of the program's public API until everything is well, or five of them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spectrum_migrate::error::Error;
use spectrum_migrate::event::{Event, Observer};
use spectrum_migrate::mailbox::tls::TlsConnect;
use spectrum_migrate::source::{self, Source};
use spectrum_migrate::transfer::report::Report;
use spectrum_migrate::transfer::{Choices, Job, Stop};

use crate::clock::FastClock;
use crate::mail::{self, Difference, FOLDER, Mail};
use crate::support::fault_server::FaultServer;
use crate::support::fault_server::script::Fault;
use crate::support::fault_server::traits::Traits;
use crate::support::fault_server::truth::Spoken;

/// Runs until everything is well, at most.
const MOST_RUNS: u32 = 5;

/// What a fault can lay its hands on in the program.
#[derive(Clone)]
pub struct Hands {
    /// Of the first run.
    pub stop: Stop,
    pub clock: Arc<FastClock>,
}

type Faults = dyn Fn(&Hands) -> Vec<Fault> + Send + Sync;
type Judge = dyn Fn(&Outcome) -> Result<(), String> + Send + Sync;

/// What goes wrong, with which server and which mail.
pub struct Scenario {
    pub traits: Traits,
    pub mail: Mail,
    /// How long, by the fast clock, an APPEND whose connection broke may still arrive.
    pub quiet: Duration,
    pub faults: Box<Faults>,
    /// What has to hold besides.
    pub judge: Option<Box<Judge>>,
    /// Copies that the server spoiled, and messages that their owner deleted after they were checked.
    pub spoiled: u64,
    pub deleted: u64,
    /// Whether everything is well after the first run.
    pub heals: bool,
    /// Whether the server may take mail for commands: it lost its way while literals were under way.
    pub may_poison: bool,
    /// Whether it waits as long as the program waits for a server that says nothing.
    pub takes_minutes: bool,
    /// Scenarios of this kind that may be under way at once, since they mostly wait; 0 for the usual.
    pub at_once: usize,
}

impl Scenario {
    pub fn new(faults: impl Fn(&Hands) -> Vec<Fault> + Send + Sync + 'static) -> Scenario {
        Scenario {
            traits: Traits::default(),
            mail: Mail::Tricky,
            quiet: Duration::from_secs(1),
            faults: Box::new(faults),
            judge: None,
            spoiled: 0,
            deleted: 0,
            heals: false,
            may_poison: false,
            takes_minutes: false,
            at_once: 0,
        }
    }

    pub fn one(fault: Fault) -> Scenario {
        Scenario::new(move |_| vec![fault.clone()])
    }

    pub fn on(mut self, traits: &Traits) -> Scenario {
        self.traits = traits.clone();
        self
    }

    pub fn with(mut self, mail: Mail) -> Scenario {
        self.mail = mail;
        self
    }

    pub fn quiet(mut self, time: Duration) -> Scenario {
        self.quiet = time;
        self
    }

    pub fn judged(
        mut self,
        judge: impl Fn(&Outcome) -> Result<(), String> + Send + Sync + 'static,
    ) -> Scenario {
        self.judge = Some(Box::new(judge));
        self
    }
}

/// What became of it.
pub struct Outcome {
    /// The faults that happened.
    pub fired: Vec<String>,
    /// How the first run ended, and how often a password had been sent by then.
    pub first: Result<Report, Error>,
    pub credentials_of_first: u64,
    /// Runs until everything was well; `None` if it never was.
    pub runs: Option<u32>,
    /// Messages that a run appended after everything was well.
    pub appended_afterwards: u64,
    pub difference: Difference,
    pub leaked: u64,
    /// How often the password went over a connection that was not secure.
    pub given_away: u64,
    /// Lines of mail that the server took for commands.
    pub poison: Vec<String>,
    /// All exchanges of the first run.
    pub spoken: Vec<Spoken>,
    /// Events and errors, for whoever looks for a reason.
    pub said: String,
    /// What the judge said.
    pub judged: Result<(), String>,
}

impl Outcome {
    /// Why this is no survival, if it is none.
    pub fn failure(&self) -> Option<String> {
        let mut why = Vec::new();
        if self.runs.is_none() {
            why.push("never well".to_string());
        }
        if self.appended_afterwards > 0 {
            why.push(format!(
                "a run too many appended {}",
                self.appended_afterwards
            ));
        }
        if self.difference != Difference::default() {
            why.push(format!("{:?}", self.difference));
        }
        if self.leaked > 0 {
            why.push(format!("password in {} places", self.leaked));
        }
        if self.given_away > 0 {
            why.push("password given away".into());
        }
        if let Err(words) = &self.judged {
            why.push(words.clone());
        }
        (!why.is_empty()).then(|| why.join(", "))
    }
}

/// Remembers everything that is said.
#[derive(Default)]
struct Ears(Mutex<String>);

impl Observer for Ears {
    fn notice(&self, event: &Event) {
        let _ = writeln!(self.0.lock().unwrap(), "{event:?}");
    }
}

/// Plays a scenario to its end. `None` where there can be no server.
pub fn survive(scenario: &Scenario) -> Option<Outcome> {
    let hands = Hands {
        stop: Stop::default(),
        clock: Arc::new(FastClock::new()),
    };
    let server = FaultServer::start(scenario.traits.clone(), (scenario.faults)(&hands))?;
    scenario.mail.put_before(&server);
    let place = tempfile::tempdir().unwrap();
    let state = place.path().join("state");
    let source = place.path().join(FOLDER);
    scenario.mail.write(&source);
    let ears = Ears::default();
    let run = |stop: &Stop| {
        run(
            &server,
            &state,
            &source,
            scenario.quiet,
            &hands.clock,
            stop,
            &ears,
        )
    };

    let first = run(&hands.stop);
    let (credentials_of_first, spoken) = (server.credentials_sent(), server.spoken());
    if scenario.heals {
        server.heal();
    }
    let mut runs = is_well(&first).then_some(1);
    let mut count = 1;
    while runs.is_none() && count < MOST_RUNS {
        count += 1;
        runs = is_well(&run(&Stop::default())).then_some(count);
    }
    // Whoever says that everything is there must be right at that moment.
    let lost_then = mail::compare(scenario.mail, &server, FOLDER).lost;
    let untrue = runs.is_some() && lost_then > scenario.deleted;
    server.wait_for_the_late();
    let fired = server.fired();
    let before = server.appended();
    let _ = run(&Stop::default());

    let mut difference = mail::compare(scenario.mail, &server, FOLDER);
    difference.altered = difference.altered.saturating_sub(scenario.spoiled);
    difference.lost = difference.lost.saturating_sub(scenario.deleted);
    let said = ears.0.into_inner().unwrap();
    let mut outcome = Outcome {
        fired,
        first,
        credentials_of_first,
        runs,
        appended_afterwards: server.appended() - before,
        difference,
        leaked: leaked(&server.secrets(), &state, &said),
        given_away: server.given_away(),
        poison: server.poison(),
        spoken,
        said,
        judged: Ok(()),
    };
    if let Some(judge) = &scenario.judge {
        outcome.judged = judge(&outcome);
    }
    if untrue {
        outcome.judged = Err(format!("said to be complete, and {lost_then} are lost"));
    }
    if !outcome.poison.is_empty() && !scenario.may_poison {
        outcome.judged = Err(format!("taken for commands: {:?}", outcome.poison));
    }
    Some(outcome)
}

/// Everything was done, and found to be there.
fn is_well(run: &Result<Report, Error>) -> bool {
    run.as_ref().is_ok_and(|report| {
        let counts = &report.counts;
        let checked = report
            .verified
            .as_ref()
            .is_some_and(|verified| verified.clean());
        checked && counts.waiting == 0 && counts.refused == 0 && counts.damaged == 0
    })
}

fn run(
    server: &FaultServer,
    state: &Path,
    source: &Path,
    quiet: Duration,
    clock: &FastClock,
    stop: &Stop,
    ears: &Ears,
) -> Result<Report, Error> {
    let sources: Vec<Box<dyn Source>> = vec![source::open(source)?];
    let connect = TlsConnect::new(
        server.endpoint(),
        server.credentials(),
        Some(server.ca_file().into()),
    );
    let job = Job {
        sources: &sources,
        connect: &connect,
        choices: &Choices::default(),
        state,
        quiet,
        clock,
        stop,
        observer: ears,
    };
    let result = stages(&job);
    let said = match &result {
        Ok(report) => format!("ended: {:?} {:?}", report.counts, report.verified),
        Err(error) => format!("ended: {error} ({error:?})"),
    };
    let _ = writeln!(ears.0.lock().unwrap(), "{said}");
    result
}

/// The stages of one run.
fn stages(job: &Job<'_>) -> Result<Report, Error> {
    let mut plan = job.plan()?;
    job.copy(&mut plan)?;
    let verified = job.verify(&mut plan)?;
    let verified = job.repair(&mut plan, verified)?;
    job.report(&plan, Some(verified))
}

/// In how many places a secret stands.
fn leaked(secrets: &[String], state: &Path, said: &str) -> u64 {
    let holds = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        secrets.iter().any(|secret| text.contains(secret.as_str()))
    };
    let mut places = u64::from(holds(said.as_bytes()));
    let mut open = vec![state.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                places += u64::from(std::fs::read(path).is_ok_and(|bytes| holds(&bytes)));
            }
        }
    }
    places
}
