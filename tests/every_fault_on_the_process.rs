//! Every fault that a process, its disk and its sources can meet: each message is on the server once, all the same.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::child;
use support::dovecot::{Dovecot, Options};
use support::trial::{Fault, PASSWORD, Start, Trial};

/// Started again by the others as a child; does nothing by itself.
#[test]
fn the_child_of_the_other_tests() {
    child::run_if_ordered();
}

fn server() -> Option<Dovecot> {
    Dovecot::start(Options {
        password: PASSWORD,
        ..Options::default()
    })
}

#[test]
fn without_a_fault() {
    let Some(server) = server() else { return };
    for shipped in [false, true] {
        for start in [Start::Fresh, Start::GoingOn] {
            let begin = std::time::Instant::now();
            let trial = Trial {
                class: "none",
                start,
                fault: Fault::None,
                shipped,
            };
            let result = trial.run(&server);
            println!("{shipped} {start:?} {:?} {result:?}", begin.elapsed());
            assert!(result.wrong.is_empty());
        }
    }
}
