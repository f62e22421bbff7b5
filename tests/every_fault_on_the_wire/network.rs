//! Rows N2 to N5 and C1: the line breaks, falls silent or crawls, the clock jumps, the person stops.

use std::time::Duration;

use crate::classes::{at_one, dice, everywhere, takers, transcript};
use crate::support::fault_server::script::{Action, At, Fault, On};
use crate::support::fault_server::traits::Traits;
use crate::support::fault_server::truth::Spoken;
use crate::survive::Scenario;

pub fn resets_in_an_append() -> Vec<Scenario> {
    in_an_append(&[(Action::Reset, 1)])
}

pub fn hanging_up_in_an_append() -> Vec<Scenario> {
    in_an_append(&[(Action::Fin, 1), (Action::BareFin, 2)])
}

/// At every nth byte.
fn in_an_append(actions: &[(Action, usize)]) -> Vec<Scenario> {
    let mut cases = Vec::new();
    for (n, traits) in takers().iter().enumerate() {
        let appends: Vec<Spoken> = of(&transcript(traits), "APPEND");
        for spoken in &appends {
            for (action, step) in actions {
                // The batch is tried at every byte, its siblings at every third.
                let thin = if n == 0 { 1 } else { 3 };
                cases.extend(everywhere(traits, spoken, step * thin, action));
            }
        }
    }
    cases
}

fn of(spoken: &[Spoken], command: &str) -> Vec<Spoken> {
    let wanted = spoken.iter().filter(|one| one.command == command);
    wanted.cloned().collect()
}

pub fn resets_elsewhere() -> Vec<Scenario> {
    elsewhere(3, &Action::Reset)
}

pub fn hanging_up_elsewhere() -> Vec<Scenario> {
    let mut cases = elsewhere(11, &Action::Fin);
    cases.extend(elsewhere(17, &Action::BareFin));
    cases
}

fn elsewhere(step: usize, action: &Action) -> Vec<Scenario> {
    let traits = Traits::default();
    let spoken = transcript(&traits);
    let other = spoken.iter().filter(|one| one.command != "APPEND");
    let mut cases: Vec<Scenario> = other
        .flat_map(|one| everywhere(&traits, one, step, action))
        .collect();
    if !spoken.is_empty() {
        for nth in 1..=3 {
            for k in [0, 3, 12] {
                let fault = Fault::new(On::Greeting, nth, At::Answer(k), action.clone());
                cases.push(Scenario::one(fault));
            }
        }
    }
    cases
}

/// Handshakes with TLS 1.3 have about 300 bytes one way and 1200 the other; later bytes break what follows.
pub fn broken_handshakes() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for action in [Action::Reset, Action::BareFin] {
        for nth in 1..=3 {
            let asked = (0..1200).step_by(13).map(At::Byte);
            let answered = (0..3000).step_by(13).map(At::Answer);
            for at in asked.chain(answered) {
                let fault = Fault::new(On::Handshake, nth, at, action.clone());
                cases.push(Scenario::one(fault));
            }
        }
    }
    cases
}

/// Pairs at places that look random and are the same each time.
pub fn two_resets() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for traits in takers() {
        let spoken = transcript(&traits);
        if spoken.is_empty() {
            return cases;
        }
        let mut dice = dice();
        for _ in 0..150 {
            let mut fault = |append: bool| {
                let appends = of(&spoken, "APPEND");
                let from = if append { &appends } else { &spoken };
                let one = &from[dice(from.len() as u64) as usize];
                let at = match dice(3) {
                    0 => At::Byte(dice(one.asked)),
                    1 => At::Answer(dice(one.answered)),
                    _ => At::AfterStore,
                };
                // The second of a kind may be the one that comes when the first was broken.
                Fault::command(&one.command, one.nth + dice(2), at, Action::Reset)
            };
            let faults = vec![fault(true), fault(false), fault(true)];
            cases.push(Scenario::new(move |_| faults.clone()).on(&traits));
        }
    }
    cases
}

/// Each takes as long as the program waits for a server, so they wait together.
pub fn silence() -> Vec<Scenario> {
    let long = Action::Stall(Duration::from_secs(75));
    let [all, _, waiting] = takers();
    let place = |traits: &Traits, command: &str, nth, at| {
        let mut scenario = Scenario::one(Fault::command(command, nth, at, long.clone())).on(traits);
        scenario.takes_minutes = true;
        scenario.at_once = 16;
        scenario
    };
    vec![
        place(&all, "APPEND", 1, At::Before),
        place(&all, "APPEND", 1, At::Byte(300)),
        place(&all, "APPEND", 1, At::AfterLiteral),
        place(&all, "APPEND", 1, At::AfterStore),
        place(&all, "APPEND", 1, At::Answer(9)),
        place(&waiting, "APPEND", 2, At::BeforePlus),
        place(&waiting, "APPEND", 2, At::AfterStore),
        place(&all, "LIST", 1, At::Answer(20)),
        place(&all, "EXAMINE", 1, At::Before),
        place(&all, "UID FETCH", 2, At::Answer(100)),
        place(&all, "UID FETCH", 5, At::Answer(500)),
        place(&all, "LOGIN", 1, At::AfterStore),
    ]
}

const POINTS: [At; 5] = [
    At::Before,
    At::AfterLiteral,
    At::AfterStore,
    At::Answer(5),
    At::After,
];

pub fn stalls() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let stall = Action::Stall(Duration::from_millis(150));
    let trickle = Action::Trickle(Duration::from_micros(500));
    for traits in takers() {
        for one in &transcript(&traits) {
            for at in POINTS {
                cases.push(at_one(&traits, one, at, &stall).judged(at_the_first_try));
            }
            cases.push(at_one(&traits, one, At::Before, &trickle).judged(at_the_first_try));
            if one.command == "APPEND" {
                let middle = At::Byte(one.asked / 2);
                cases.push(at_one(&traits, one, middle, &stall).judged(at_the_first_try));
                cases.push(at_one(&traits, one, At::BeforePlus, &stall).judged(at_the_first_try));
            }
        }
    }
    cases
}

/// What is slow is no failure.
pub fn at_the_first_try(outcome: &crate::survive::Outcome) -> Result<(), String> {
    match outcome.runs {
        Some(1) => Ok(()),
        other => Err(format!("took {other:?} runs")),
    }
}

/// The calendar is set while a message is on its way, and the line breaks.
pub fn jumping_clocks() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for by in [7200, -7200, 400_000_000] {
        for traits in takers() {
            for k in [30, 200, 600] {
                for (at, action) in [
                    (At::Byte(k), Action::Reset),
                    (At::AfterLiteral, Action::StoreThenReset),
                    (
                        At::AfterLiteral,
                        Action::StoreLate(Duration::from_millis(60)),
                    ),
                ] {
                    let scenario = Scenario::new(move |hands| {
                        let clock = hands.clock.clone();
                        let jump = Action::call(move |_| clock.set_by(by));
                        vec![
                            Fault::command("APPEND", 1, At::Byte(k / 2), jump),
                            Fault::command("APPEND", 1, at, action.clone()),
                        ]
                    });
                    cases.push(scenario.on(&traits).quiet(Duration::from_secs(60)));
                }
            }
        }
    }
    cases
}

pub fn asked_to_stop() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for traits in takers() {
        for one in transcript(&traits) {
            let mut places = vec![At::Before, At::AfterStore];
            if one.command == "APPEND" {
                places.extend([
                    At::Byte(0),
                    At::Byte(one.asked / 2),
                    At::AfterLiteral,
                    At::After,
                ]);
            }
            for at in places {
                let one = one.clone();
                let scenario = Scenario::new(move |hands| {
                    let stop = hands.stop.clone();
                    let ask = Action::call(move |_| stop.ask());
                    vec![Fault::command(&one.command, one.nth, at, ask)]
                });
                cases.push(scenario.on(&traits));
            }
        }
    }
    cases
}
