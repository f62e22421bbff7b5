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
