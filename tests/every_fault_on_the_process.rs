//! Every fault that a process, its disk and its sources can meet: each message is on the server once, all the same.
//!
//! A spread of them in every test run; all of them by
//! `cargo test --test every_fault_on_the_process -- --ignored --nocapture`.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

use support::child;
use support::dovecot::{Dovecot, Options};
use support::faulty::{Act, DiskFault};
use support::figure::Figure;
use support::local;
use support::proxy::{Cut, Place, Way};
use support::setting::{Fault, PASSWORD};
use support::tamper::Tamper;
use support::trial::{Result, Start, Trial, run_all};

/// Started again by the others as a child; does nothing by itself.
#[test]
fn the_child_of_the_other_tests() {
    child::run_if_ordered();
}

#[test]
fn a_spread_of_faults_costs_no_message() {
    let Some(figure) = all(&Share {
        spread: 1,
        whole: false,
    }) else {
        return;
    };
    figure.assert_all_survived();
}

#[test]
#[ignore = "takes the better part of an hour"]
fn no_fault_costs_a_message() {
    let Some(figure) = all(&Share {
        spread: 30,
        whole: true,
    }) else {
        return;
    };
    figure.assert_all_survived();
    assert!(figure.total().fired >= 1200, "{:?}", figure.total());
}

/// How many of the faults are tried.
struct Share {
    /// Cuts for each connection and way.
    spread: u64,
    /// Every write of the journal, and what takes a minute each.
    whole: bool,
}

fn all(share: &Share) -> Option<Figure> {
    let server = Dovecot::start(Options {
        password: PASSWORD,
        ..Options::default()
    })?;
    let begin = Instant::now();
    let figure = Mutex::new(Figure::default());
    let note = |class: &str, what: &str, result: &Result| {
        if !result.wrong.is_empty() {
            eprintln!("{class}: {what}: {:?}", result.wrong);
        }
        figure.lock().unwrap().class(class).add(&result.figure);
    };
    let patient = Dovecot::start(Options {
        password: PASSWORD,
        capability: Some("IMAP4rev1 UIDPLUS NAMESPACE SPECIAL-USE UNSELECT AUTH=PLAIN"),
        ..Options::default()
    })?;
    for (server, trials) in [
        (&server, trials(&server, share)),
        (&patient, several_connections(&patient, share)),
    ] {
        let trials = if share.whole {
            trials
        } else {
            two_of_each(trials)
        };
        run_all(server, &trials, 6, |trial, result| {
            note(trial.class, &format!("{trial:?}"), &result);
        });
    }
    local::run_all(&server, share.whole, &note);
    if share.whole {
        // Most of their time is the minute that the program waits for mail in doubt.
        let shipped = shipped(&server);
        run_all(&server, &shipped, 12, |trial, result| {
            note(trial.class, &format!("{trial:?}"), &result);
        });
    }
    let figure = figure.into_inner().unwrap();
    figure.print();
    println!("in {:?}", begin.elapsed());
    if share.whole {
        figure.save();
    }
    Some(figure)
}

/// How a run is that nothing happens to.
fn quiet_run(server: &Dovecot, start: Start, shipped: bool) -> Result {
    let trial = Trial {
        class: "",
        start,
        fault: Fault::None,
        shipped,
    };
    let result = trial.run(server);
    assert!(result.wrong.is_empty(), "without a fault: {result:?}");
    println!(
        "{start:?}: {} journal writes, bytes of each connection {:?}",
        result.writes, result.counts
    );
    result
}

const WIRE: [(&str, Way, Cut); 6] = [
    (
        "N2 reset, on the way to the server",
        Way::ToServer,
        Cut::Reset,
    ),
    (
        "N2 reset, on the way to the client",
        Way::ToClient,
        Cut::Reset,
    ),
    ("N3 end, on the way to the server", Way::ToServer, Cut::End),
    ("N3 end, on the way to the client", Way::ToClient, Cut::End),
    (
        "C3 killed, on the way to the server",
        Way::ToServer,
        Cut::Kill,
    ),
    (
        "C3 killed, on the way to the client",
        Way::ToClient,
        Cut::Kill,
    ),
];

fn trials(server: &Dovecot, share: &Share) -> Vec<Trial> {
    let mut trials = Vec::new();
    for start in [Start::Fresh, Start::GoingOn] {
        let quiet = quiet_run(server, start, false);
        let add = |class, fault| Trial {
            class,
            start,
            fault,
            shipped: false,
        };
        for (class, way, cut) in WIRE {
            let places = places(&quiet.counts, share.spread * 2, way, cut);
            trials.extend(places.map(|place| add(class, Fault::Wire(place))));
        }
        let writes: Vec<u64> = some(quiet.writes, share.whole, 4);
        for at in &writes {
            for (class, act) in [
                ("C3 killed before a journal write", Act::KillBefore),
                ("C3 killed within a journal write", Act::KillHalf),
                ("C3 killed after a journal write", Act::KillAfter),
                ("C3 power loss, nothing kept", Act::PowerLoss(0)),
                (
                    "C3 power loss, some kept",
                    Act::PowerLoss((at * 7919 % 1000) as u16),
                ),
                ("L2 the disk is full (ENOSPC)", Act::Fail(28)),
                ("L2 the disk is broken (EIO)", Act::Fail(5)),
            ] {
                trials.push(add(class, Fault::Disk(DiskFault { at: *at, act })));
            }
        }
        for at in some(quiet.writes, share.whole, 1) {
            for (class, off) in [
                ("C4 the clock is years ahead", 300_000_000),
                ("C4 the clock is years behind", -300_000_000),
            ] {
                let fault = DiskFault {
                    at,
                    act: Act::KillAfter,
                };
                trials.push(add(class, Fault::Skewed(fault, off)));
            }
        }
        let sizes = if share.whole {
            vec![300, 900, 1500, 2500, 3500, 4500]
        } else {
            vec![1500]
        };
        trials.extend(
            sizes
                .into_iter()
                .map(|size| add("L2 no room for a larger file", Fault::FullDisk(size))),
        );
        for (class, tamper) in [
            ("S1 the source grows", Tamper::Grow),
            ("S2 the source is rewritten", Tamper::Rewrite),
            ("S2 the source is compacted in place", Tamper::Compact),
            (
                "S2 the source is compacted by a new file",
                Tamper::CompactByRename,
            ),
            ("S2 the source is cut off", Tamper::Truncate),
            ("S3 the source is gone", Tamper::Remove),
        ] {
            trials.push(add(class, Fault::Between(tamper)));
            for at in some(quiet.writes, share.whole, 1) {
                let act = Act::Tamper(tamper);
                trials.push(add(class, Fault::Disk(DiskFault { at, act })));
            }
        }
    }
    trials
}

/// The second and the last but one of each class: one of each start, and not quite at the ends.
fn two_of_each(trials: Vec<Trial>) -> Vec<Trial> {
    let mut few = Vec::new();
    let classes: BTreeSet<&str> = trials.iter().map(|trial| trial.class).collect();
    for class in classes {
        let all: Vec<&Trial> = trials.iter().filter(|trial| trial.class == class).collect();
        few.push(all[1.min(all.len() - 1)].clone());
        if all.len() > 3 {
            few.push(all[all.len() - 2].clone());
        }
    }
    few
}

/// With the program as it is shipped: over the whole conversation, and less often where it then waits a minute.
fn shipped(server: &Dovecot) -> Vec<Trial> {
    let quiet = quiet_run(server, Start::Fresh, true);
    let mut trials = Vec::new();
    for (class, way, cut) in [
        ("N2 reset, the program itself", Way::ToServer, Cut::Reset),
        ("N2 reset, the program itself", Way::ToClient, Cut::Reset),
        ("C3 killed, the program itself", Way::ToServer, Cut::Kill),
        ("C3 killed, the program itself", Way::ToClient, Cut::Kill),
    ] {
        for place in places(&quiet.counts, 12, way, cut) {
            let fault = Fault::Wire(place);
            trials.push(Trial {
                class,
                start: Start::Fresh,
                fault,
                shipped: true,
            });
        }
    }
    trials
}

/// With a server that has every message asked for, so that several connections carry the mail at once.
fn several_connections(server: &Dovecot, share: &Share) -> Vec<Trial> {
    let start = Start::Much;
    let quiet = quiet_run(server, start, false);
    assert!(quiet.counts.len() > 2, "{:?}", quiet.counts);
    let add = |class, fault| Trial {
        class,
        start,
        fault,
        shipped: false,
    };
    let mut trials = Vec::new();
    for (_, way, cut) in WIRE {
        let class = match cut {
            Cut::Kill => "C3 killed, several connections",
            _ => "N2 reset or end, several connections",
        };
        let places = places(&quiet.counts, share.spread, way, cut);
        trials.extend(places.map(|place| add(class, Fault::Wire(place))));
    }
    let every = if share.whole { 40 } else { 2 };
    for at in some(quiet.writes, false, every) {
        for act in [Act::KillHalf, Act::KillAfter, Act::PowerLoss(500)] {
            let class = "C3 killed at a journal write, several connections";
            trials.push(add(class, Fault::Disk(DiskFault { at, act })));
        }
    }
    trials
}

/// Places spread over the whole conversation, on whichever connection a byte goes; every third one is in its beginning,
/// the handshake and the sign-in.
fn places(counts: &[[u64; 2]], number: u64, way: Way, cut: Cut) -> impl Iterator<Item = Place> {
    const BEGINNING: u64 = 3000;
    let all: u64 = counts.iter().map(|count| count[way as usize]).sum();
    // The last bytes differ a little from one run to the next.
    let all = all.saturating_sub(60);
    (0..number).map(move |n| {
        let range = if n % 3 == 2 { all.min(BEGINNING) } else { all };
        let step = (range / number).max(1);
        Place {
            connection: None,
            way,
            after: n * step + n * 37 % step,
            cut,
        }
    })
}

/// All numbers below one, or a few of them.
fn some(all: u64, whole: bool, few: u64) -> Vec<u64> {
    if whole {
        (0..all).collect()
    } else {
        (0..few).map(|n| (all * (2 * n + 1)) / (2 * few)).collect()
    }
}
