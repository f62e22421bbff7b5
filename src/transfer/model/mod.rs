//! Every fault at every point of a migration, against every kind of server: the real engine runs on a simulated disk
//! and talks to a simulated server over several connections, dies, starts again, and in the end everything has to be
//! there once.
//!
//! A run that fails is printed as `MODEL_RUN="<server> <seed> <faults>"`; with that in the environment
//! `everything_arrives_once_whatever_goes_wrong` runs it alone.

mod disk;
mod faults;
mod life;
mod line;
mod mail;
mod server;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::Depth;
use super::guards::Guards;
use faults::{Chance, Script};
use life::{Ending, Home, Way};
use server::{Habits, Traffic};

const AS_IT_IS: Way = Way {
    name: "as it is",
    guards: Guards::ALL,
    depth: Depth::Bytes,
    forgets: false,
};

/// What many migrations came to.
#[derive(Debug, Default)]
struct Sum {
    runs: usize,
    bad: usize,
    lost: usize,
    doubled: usize,
    /// How to repeat some of the bad ones.
    repeat: Vec<String>,
}

impl Sum {
    fn count(&mut self, ending: &Ending, name: impl FnOnce() -> String) {
        self.runs += 1;
        self.lost += ending.tally.lost;
        self.doubled += ending.tally.doubled;
        if ending.bad() {
            self.bad += 1;
            if self.repeat.len() < 10 {
                self.repeat.push(format!(
                    "MODEL_RUN=\"{}\": {:?} {}",
                    name(),
                    ending.tally,
                    ending.wrong.unwrap_or_default()
                ));
            }
        }
    }

    fn add(&mut self, other: Sum) {
        self.runs += other.runs;
        self.bad += other.bad;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.repeat.extend(other.repeat);
        self.repeat.truncate(10);
    }
}

/// Migrations that are run: against which servers, how many of the single faults, and how many random scripts of two
/// or three faults for each server.
struct Extent {
    servers: Vec<usize>,
    /// One in so many.
    singles: usize,
    several: usize,
}

/// Runs them, on two threads, and prints what they came to.
fn run(way: Way, extent: &Extent) -> Sum {
    let began = Instant::now();
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let home = Home::new(way);
                while let Some(server) = extent.servers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let part = against(&home, *server, extent);
                    sum.lock().unwrap().add(part);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    println!(
        "{:24} {:6} runs {:6} bad {:6} lost {:6} doubled   {:.1} s",
        way.name,
        sum.runs,
        sum.bad,
        sum.lost,
        sum.doubled,
        began.elapsed().as_secs_f32()
    );
    sum
}

fn against(home: &Home, server: usize, extent: &Extent) -> Sum {
    let habits = Habits::all()[server];
    let mut sum = Sum::default();
    let mut one = |seed: u64, script: Script| {
        let ending = home.migrate(habits, seed, script.clone());
        sum.count(&ending, || format!("{server} {seed} {}", script.text()));
        ending.points
    };
    // Each server has an order of its own in which it answers.
    let order = 1000 + server as u64;
    let points = one(order, Script::default());
    let singles = points.iter().enumerate();
    let singles = singles.flat_map(|(point, kinds)| (0..*kinds).map(move |fault| (point, fault)));
    for single in singles.step_by(extent.singles) {
        one(order, Script(vec![single]));
    }
    let mut chance = Chance::new(server as u64);
    for seed in 1..=extent.several as u64 {
        // A run with faults has more points than one without.
        let mut fault = |_| (chance.below(points.len() * 3 / 2), chance.below(128));
        let first = [0, 1].map(&mut fault);
        let third = seed.is_multiple_of(3).then(|| fault(2));
        one(seed, Script(first.into_iter().chain(third).collect()));
    }
    sum
}

/// The run that someone wants to see again.
fn wish() -> Option<(usize, u64, Script)> {
    let wish = std::env::var("MODEL_RUN").ok()?;
    let mut parts = wish.splitn(3, ' ');
    let server = parts.next()?.parse().ok()?;
    let seed = parts.next()?.parse().ok()?;
    Some((
        server,
        seed,
        Script::parse(parts.next().unwrap_or_default())?,
    ))
}

fn every_server() -> Vec<usize> {
    (0..Habits::all().len()).collect()
}

/// Servers that differ in everything, and of the single faults one in so many.
fn some() -> Extent {
    Extent {
        servers: vec![0, 7, 18, 29],
        singles: 3,
        several: 40,
    }
}

fn without(name: &'static str, guards: Guards) -> Way {
    Way {
        name,
        guards,
        ..AS_IT_IS
    }
}

#[test]
fn everything_arrives_once_whatever_goes_wrong() {
    if let Some((server, seed, script)) = wish() {
        let ending = Home::new(AS_IT_IS).migrate(Habits::all()[server], seed, script);
        assert!(!ending.bad(), "{:?} {:?}", ending.tally, ending.wrong);
        return;
    }
    let extent = Extent {
        servers: every_server(),
        singles: 1,
        several: 300,
    };
    let sum = run(AS_IT_IS, &extent);
    assert_eq!(sum.bad, 0, "{:#?}", sum.repeat);
    assert!(sum.runs >= 25_000, "{}", sum.runs);
}

#[test]
fn everything_arrives_once_where_header_fields_are_enough() {
    let way = Way {
        name: "checked by headers",
        depth: Depth::Headers,
        ..AS_IT_IS
    };
    let sum = run(way, &some());
    assert_eq!(sum.bad, 0, "{:#?}", sum.repeat);
}

#[test]
fn everything_arrives_once_without_a_journal_for_who_waits_before_starting_again() {
    let way = Way {
        name: "journal always gone",
        forgets: true,
        ..AS_IT_IS
    };
    let sum = run(way, &some());
    assert_eq!(sum.bad, 0, "{:#?}", sum.repeat);
}

#[test]
fn without_syncing_the_intents_mail_arrives_twice() {
    let guards = Guards {
        sync: false,
        ..Guards::ALL
    };
    let sum = run(without("intents not synced", guards), &some());
    assert!(sum.doubled > 0, "{sum:?}");
}

#[test]
fn without_the_quiet_time_mail_arrives_twice() {
    let guards = Guards {
        quiet: false,
        ..Guards::ALL
    };
    let sum = run(without("no quiet time", guards), &some());
    assert!(sum.doubled > 0, "{sum:?}");
}

#[test]
fn without_the_check_mail_that_a_server_dropped_is_lost() {
    let guards = Guards {
        verify: false,
        ..Guards::ALL
    };
    let sum = run(without("no check at the end", guards), &some());
    assert!(sum.lost > 0, "{sum:?}");
}

#[test]
fn without_looking_at_contents_mail_with_equal_headers_is_lost() {
    let guards = Guards {
        sure: false,
        ..Guards::ALL
    };
    let extent = Extent {
        servers: vec![0],
        singles: 10,
        several: 0,
    };
    // A check of the whole content would notice, and repair it: two guards stand here. By headers, one is left.
    let way = Way {
        depth: Depth::Headers,
        ..without("header fields decide", guards)
    };
    let sum = run(way, &extent);
    assert!(sum.lost > 0, "{sum:?}");
}

#[test]
fn a_migration_goes_over_several_connections_in_batches_that_overtake_each_other() {
    let home = Home::new(AS_IT_IS);
    let mut most = Traffic::default();
    for (server, habits) in (0..).zip(Habits::all()) {
        let traffic = home.migrate(habits, server, Script::default()).traffic;
        assert!(traffic.lines >= 2, "{habits:?} {traffic:?}");
        assert!(traffic.outstanding >= 2, "{habits:?} {traffic:?}");
        assert_eq!(traffic.batch > 1, habits.multiappend, "{habits:?}");
        most.lines = most.lines.max(traffic.lines);
        most.batch = most.batch.max(traffic.batch);
        most.overtaken += traffic.overtaken;
    }
    assert!(most.lines >= 3 && most.overtaken > 50, "{most:?}");
}
