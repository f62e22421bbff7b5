//! Row N2 once more, with several connections at once: a slow store and more mail make the program open them.

use std::time::Duration;

use crate::classes::{dice, takers};
use crate::mail::Mail;
use crate::support::fault_server::script::{Action, At, Fault, On};
use crate::support::fault_server::traits::Traits;
use crate::survive::Scenario;

pub fn connections() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let mut dice = dice();
    for traits in takers() {
        let slow = traits.slow(Duration::from_micros(1500), Duration::from_millis(1));
        let few = slow.clone().most_connections(2);
        for n in 0..60 {
            let faults = match n % 6 {
                0 => vec![in_an_append(&mut dice, Action::Reset)],
                1 => vec![stored(&mut dice, Action::StoreThenReset)],
                2 => vec![stored(
                    &mut dice,
                    Action::StoreLate(Duration::from_millis(60)),
                )],
                3 => vec![
                    in_an_append(&mut dice, Action::Reset),
                    stored(&mut dice, Action::StoreThenReset),
                    in_an_append(&mut dice, Action::Fin),
                ],
                4 => vec![
                    turned_away(&mut dice),
                    in_an_append(&mut dice, Action::Reset),
                ],
                _ => vec![
                    stored(&mut dice, Action::DropSilently(0)),
                    turned_away(&mut dice),
                ],
            };
            let traits: &Traits = if n % 4 == 3 { &few } else { &slow };
            let scenario = Scenario::new(move |_| faults.clone()).on(traits);
            cases.push(scenario.with(Mail::Many).quiet(Duration::from_secs(60)));
        }
    }
    cases
}

/// A store slow enough for the program to open several connections.
pub fn slow() -> Traits {
    let [_, singly, _] = takers();
    singly.slow(Duration::from_micros(1500), Duration::from_millis(1))
}

/// A server that compresses, and is slow enough for the program to want that.
pub fn compressing() -> Traits {
    Traits::default()
        .without("MULTIAPPEND")
        .with("COMPRESS=DEFLATE")
        .most_connections(1)
        .slow(Duration::from_millis(10), Duration::ZERO)
}

/// Row N2 on a compressed line, and everything that can happen to the wish for one.
pub fn compressed() -> Vec<Scenario> {
    let mut faults = Vec::new();
    for at in [
        At::Byte(3),
        At::Before,
        At::AfterStore,
        At::Answer(4),
        At::After,
    ] {
        for action in [Action::Reset, Action::Fin, Action::Bye("now".into())] {
            faults.push(Fault::command("COMPRESS", 1, at, action));
        }
    }
    for action in [
        Action::No("not today".into()),
        Action::Bad("what".into()),
        Action::Inject(b"* 7 EXISTS\r\n* OK [ALERT] hello\r\n".to_vec()),
    ] {
        faults.push(Fault::command("COMPRESS", 1, At::Before, action));
    }
    // After the OK both sides count on deflate; these bytes are none.
    let garbage = Action::Inject(vec![0xff; 40]);
    faults.push(Fault::command("COMPRESS", 1, At::After, garbage));
    for nth in (8..=92).step_by(7) {
        for k in [0, 70, 5_000, 19_800] {
            faults.push(Fault::command("APPEND", nth, At::Byte(k), Action::Reset));
        }
        for action in [Action::StoreThenReset, Action::DropSilently(0)] {
            faults.push(Fault::command("APPEND", nth, At::AfterLiteral, action));
        }
        faults.push(Fault::command("APPEND", nth, At::Answer(3), Action::Fin));
    }
    let scenario = |fault| Scenario::one(fault).on(&compressing()).with(Mail::Heavy);
    faults.into_iter().map(scenario).collect()
}

/// Which APPEND: there are few with MULTIAPPEND, and a fault that does not fire does not count.
fn some(dice: &mut dyn FnMut(u64) -> u64) -> u64 {
    1 + dice(8)
}

fn in_an_append(dice: &mut dyn FnMut(u64) -> u64, action: Action) -> Fault {
    let nth = some(dice);
    let at = match dice(3) {
        0 => At::Byte(dice(150)),
        1 => At::Answer(dice(30)),
        _ => At::AfterStore,
    };
    Fault::command("APPEND", nth, at, action)
}

fn stored(dice: &mut dyn FnMut(u64) -> u64, action: Action) -> Fault {
    Fault::command("APPEND", some(dice), At::AfterLiteral, action)
}

fn turned_away(dice: &mut dyn FnMut(u64) -> u64) -> Fault {
    let bye = Action::Bye("[LIMIT] too many connections".into());
    Fault::new(On::Greeting, 2 + dice(3), At::Before, bye)
}
