//! Every fault on the wire is survived: nothing lost, nothing twice, nothing altered, no password written anywhere.
#![allow(missing_docs, dead_code, clippy::unwrap_used)]

mod clock;
mod mail;
#[path = "../support/mod.rs"]
mod support;
mod survive;

use survive::{Scenario, survive};

#[test]
fn t() {
    for _ in 0..3 {
        let start = std::time::Instant::now();
        let outcome = survive(&Scenario::new(|_| Vec::new())).unwrap();
        println!("{:?}", start.elapsed());
        println!("{}", outcome.said);
        for s in &outcome.spoken {
            println!("{s:?}");
        }
        println!(
            "{:?} {:?} {:?}",
            outcome.failure(),
            outcome.runs,
            outcome.poison
        );
    }
}
