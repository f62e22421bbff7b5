//! Classes of faults, and what plays them: several scenarios at once, every one counted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::mail::Mail;
use crate::support::fault_server::FaultServer;
use crate::support::fault_server::script::{Action, At, Fault};
use crate::support::fault_server::traits::Traits;
use crate::support::fault_server::truth::Spoken;
use crate::support::figure::{ClassFigure, Figure};
use crate::survive::{Scenario, survive};
use crate::{mailbox, network, security, several, words};

/// How many of the faults of a class are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A sample, as large as fits into an ordinary `cargo test`.
    Quick,
    /// All of them.
    Full,
}

/// The faults of one class; empty where there can be no server.
type Cases = fn() -> Vec<Scenario>;

/// Scenarios of a class in a sample.
const SAMPLE: usize = 14;

/// All classes, by the rows of the matrix that they come from.
pub const CLASSES: &[(&str, Cases)] = &[
    (
        "N2 reset at every byte of an APPEND",
        network::resets_in_an_append,
    ),
    (
        "N2 reset at every byte of anything else",
        network::resets_elsewhere,
    ),
    (
        "N2 reset at every byte of a handshake",
        network::broken_handshakes,
    ),
    ("N2 two resets", network::two_resets),
    ("N2 several connections", several::connections),
    ("N2 a compressed line", several::compressed),
    (
        "N3 hanging up at every byte of an APPEND",
        network::hanging_up_in_an_append,
    ),
    (
        "N3 hanging up at every byte of anything else",
        network::hanging_up_elsewhere,
    ),
    ("N3 silence for more than a minute", network::silence),
    ("N4 stalls and trickles", network::stalls),
    ("N5 a clock that jumps", network::jumping_clocks),
    ("T1 a certificate that is not good", security::certificates),
    ("T2 no TLS, and garbage", security::garbage),
    ("P1 greetings", security::greetings),
    ("P2 sign-ins", security::sign_ins),
    ("P3 goodbyes", words::goodbyes),
    ("P4 a full mailbox", words::full_mailbox),
    ("P5 messages too large", words::too_large),
    ("P6 folders refused", words::folders_refused),
    ("P7 BAD", words::bad),
    ("P8 things nobody asked for", words::unasked),
    ("P9 wrong UIDs, and none", mailbox::wrong_uids),
    (
        "P10 stored otherwise, or not at all",
        mailbox::stored_otherwise,
    ),
    (
        "P11 the mailbox changes meanwhile",
        mailbox::changes_meanwhile,
    ),
    ("P12 stored late", mailbox::stored_late),
    ("P13 answers that can't be", mailbox::nonsense),
    ("C1 asked to stop", network::asked_to_stop),
];

/// Plays a class, and takes its counts into the figure.
pub fn play(figure: &Mutex<Figure>, name: &str, effort: Effort) {
    let (_, cases) = CLASSES.iter().find(|(own, _)| *own == name).unwrap();
    // Says why, where there can be none.
    if FaultServer::start(Traits::default(), Vec::new()).is_none() {
        return;
    }
    let start = Instant::now();
    let scenarios = match effort {
        Effort::Quick => sample(cases()),
        Effort::Full => cases(),
    };
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let counts = Mutex::new(ClassFigure::default());
    // Much of a run is waiting.
    let threads = 3.max(scenarios.iter().map(|one| one.at_once).max().unwrap_or(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let (count, failure) = played(scenario);
                    counts.lock().unwrap().add(&count);
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    let failures = failures.into_inner().unwrap();
    // All of them in a line each, and the story of the first.
    for (n, (line, story)) in failures.iter().enumerate().take(50) {
        println!("not survived, {name}: {line}");
        if n == 0 {
            println!("{story}");
        }
    }
    println!(
        "{name}: {} of {} in {:.1} s",
        counts.survived,
        counts.fired,
        start.elapsed().as_secs_f32()
    );
    if !scenarios.is_empty() {
        figure.lock().unwrap().class(name).add(&counts);
    }
}

/// A few of them, from all over the list; never those that take minutes.
fn sample(mut all: Vec<Scenario>) -> Vec<Scenario> {
    all.retain(|scenario| !scenario.takes_minutes);
    let mut at = 0;
    let mut few = Vec::new();
    // With much mail each takes several times as long.
    let much = |one: &Scenario| matches!(one.mail, Mail::Many | Mail::Heavy);
    let most = if all.iter().all(much) { 4 } else { SAMPLE };
    if most == SAMPLE {
        all.retain(|one| !much(one));
    }
    while few.len() < most && !all.is_empty() {
        // Steps of this size never fall in with a pattern of the list.
        at = (at + all.len() * 5 / 8 + 1) % all.len();
        few.push(all.swap_remove(at));
    }
    few
}

/// Plays one scenario; where it is not survived also says why, in a line and in full.
fn played(scenario: &Scenario) -> (ClassFigure, Option<(String, String)>) {
    let mut count = ClassFigure {
        injected: 1,
        ..ClassFigure::default()
    };
    let Some(outcome) = survive(scenario).filter(|outcome| !outcome.fired.is_empty()) else {
        return (count, None);
    };
    count.fired = 1;
    count.lost = outcome.difference.lost;
    count.duplicated = outcome.difference.duplicated;
    count.altered = outcome.difference.altered;
    count.leaked = outcome.leaked;
    let failure = outcome.failure().map(|why| {
        let abilities = scenario.traits.capabilities.join(" ");
        (
            format!("{why}; fired: {} ({abilities})", outcome.fired.join("; ")),
            outcome.said,
        )
    });
    count.survived = u64::from(failure.is_none());
    (count, failure)
}

/// Servers that take an APPEND in different ways: all at once, one by one, and each after a `+`.
pub fn takers() -> [Traits; 3] {
    let all = Traits::default();
    let singly = all.clone().without("MULTIAPPEND");
    let waiting = singly.clone().without("LITERAL+").without("UIDPLUS");
    [all, singly, waiting]
}

/// All exchanges of a run in which nothing goes wrong; empty where there can be no server.
pub fn transcript(traits: &Traits) -> Vec<Spoken> {
    static KNOWN: Mutex<BTreeMap<String, Vec<Spoken>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let make = || {
        let clean = Scenario::new(|_| Vec::new()).on(traits);
        survive(&clean).map_or_else(Vec::new, |outcome| {
            assert_eq!(outcome.runs, Some(1), "{}", outcome.said);
            outcome.spoken
        })
    };
    known
        .entry(traits.capabilities.join(" "))
        .or_insert_with(make)
        .clone()
}

/// Numbers below a bound that look random and are the same each time.
pub fn dice() -> impl FnMut(u64) -> u64 {
    let mut seed: u64 = 0x5eed;
    move |sides| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % sides.max(1)
    }
}

/// One scenario for each place at which this can be done to an exchange: at every nth byte in both directions.
pub fn everywhere(traits: &Traits, spoken: &Spoken, step: usize, action: &Action) -> Vec<Scenario> {
    let asked = (0..=spoken.asked).step_by(step).map(At::Byte);
    let answered = (0..=spoken.answered).step_by(step).map(At::Answer);
    let mut places: Vec<At> = asked.chain(answered).collect();
    // The last byte of either is never left out.
    places.extend([At::Byte(spoken.asked), At::Answer(spoken.answered)]);
    places.dedup();
    places
        .into_iter()
        .map(|at| at_one(traits, spoken, at, action))
        .collect()
}

/// A scenario in which this is done at one place of an exchange.
pub fn at_one(traits: &Traits, spoken: &Spoken, at: At, action: &Action) -> Scenario {
    let fault = Fault::command(&spoken.command, spoken.nth, at, action.clone());
    Scenario::one(fault).on(traits)
}
