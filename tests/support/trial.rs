//! One fault: a fresh mailbox, a run with the fault, runs until one ends well, one more, and the truth read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::child::Outcome;
use super::dovecot::Dovecot;
use super::faulty::{Act, DiskFault};
use super::figure::ClassFigure;
use super::sample::{self, Key};
use super::setting::{Fault, Setting};
use super::tamper::Tamper;

/// How a trial begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing was copied before.
    Fresh,
    /// A part was copied before, and there is a journal.
    GoingOn,
    /// Nothing was copied before, and there is more mail.
    Much,
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
        if self.start == Start::Much {
            sample::write_archive(&setting.path("Mail"));
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

/// Makes trials, several at a time, and calls back with each.
pub fn run_all(
    server: &Dovecot,
    trials: &[Trial],
    at_once: usize,
    each: impl Fn(&Trial, Result) + Sync,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::SeqCst)) {
                    each(trial, trial.run(server));
                }
            });
        }
    });
}
