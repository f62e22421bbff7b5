//! What no run can mend, and whether these tests would notice anything at all.

use std::time::Duration;

use crate::mail::{Difference, Mail};
use crate::several::{compressing, slow};
use crate::support::fault_server::script::{Action, At, Fault};
use crate::support::fault_server::traits::Traits;
use crate::survive::{Outcome, Scenario, survive};

/// One message is refused for its size, and the others are there once.
fn all_but_the_big_one(outcome: &Outcome) {
    let report = outcome.first.as_ref().unwrap();
    assert_eq!(
        (report.counts.refused, report.counts.copied),
        (1, 5),
        "{}",
        outcome.said
    );
    let only_one_lost = Difference {
        lost: 1,
        ..Difference::default()
    };
    assert_eq!(outcome.difference, only_one_lost);
    assert_eq!(outcome.appended_afterwards, 0);
}

#[test]
fn a_message_too_large_for_the_server_is_refused_and_the_rest_goes_on() {
    for announced in [true, false] {
        let mut traits = Traits::default().largest(500_000);
        if announced {
            traits = traits.with("APPENDLIMIT");
        }
        let clean = Scenario::new(|_| Vec::new()).on(&traits);
        let Some(outcome) = survive(&clean.with(Mail::WithABigOne)) else {
            return;
        };
        all_but_the_big_one(&outcome);
        let tried = outcome.spoken.iter().any(|one| one.asked > 1_000_000);
        assert!(!tried, "its bytes were sent, although they were not wanted");
    }
}

/// The other way round: with no quiet time at all a message that is stored late comes twice, and it shows.
#[test]
fn without_the_quiet_time_these_tests_see_a_message_twice() {
    let late = Action::StoreLate(Duration::from_millis(400));
    let fault = Fault::command("APPEND", 1, At::AfterLiteral, late);
    let hasty = Scenario::one(fault).quiet(Duration::from_millis(1));
    let Some(outcome) = survive(&hasty) else {
        return;
    };
    assert!(outcome.difference.duplicated > 0, "{}", outcome.said);
    assert!(outcome.failure().is_some());
}

/// Else the class of compressed lines would prove nothing.
#[test]
fn a_slow_line_makes_the_program_compress() {
    let clean = Scenario::new(|_| Vec::new()).on(&compressing());
    let Some(outcome) = survive(&clean.with(Mail::Heavy)) else {
        return;
    };
    assert_eq!(outcome.failure(), None, "{}", outcome.said);
    let compressed = outcome.spoken.iter().any(|one| one.command == "COMPRESS");
    assert!(compressed, "{:?}", outcome.spoken);
}

/// Else the class of several connections would prove nothing.
#[test]
fn a_slow_store_makes_the_program_open_several_connections() {
    let clean = Scenario::new(|_| Vec::new()).on(&slow());
    let Some(outcome) = survive(&clean.with(Mail::Many)) else {
        return;
    };
    assert_eq!(outcome.failure(), None, "{}", outcome.said);
    println!("{} connections", outcome.credentials_of_first);
    assert!(outcome.credentials_of_first > 2);
}
