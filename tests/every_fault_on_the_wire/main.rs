//! Every fault on the wire is survived: nothing lost, nothing twice, nothing altered, no password written anywhere.
//!
//! Each test here plays a sample of its class. All of it, with a table and `target/faults.json`:
//! `cargo test --test every_fault_on_the_wire -- --ignored --nocapture`. Every connection reads the
//! certificates that the computer trusts; `SSL_CERT_FILE=/dev/null` spares that, which makes it three times as fast.
#![allow(missing_docs, clippy::unwrap_used)]

mod classes;
mod clock;
mod limits;
mod mail;
mod mailbox;
mod network;
mod security;
mod several;
#[path = "../support/mod.rs"]
mod support;
mod survive;
mod words;

use std::sync::Mutex;

use classes::{CLASSES, Effort, play};
use support::figure::Figure;

fn quick(names: &[&str]) {
    let figure = Mutex::default();
    for (name, _) in CLASSES {
        if names.iter().any(|prefix| name.starts_with(prefix)) {
            play(&figure, name, Effort::Quick);
        }
    }
    figure.into_inner().unwrap().assert_all_survived();
}

#[test]
fn a_line_that_breaks_while_mail_is_sent_costs_nothing() {
    quick(&[
        "N2 reset at every byte of an APPEND",
        "N3 hanging up at every byte of an APPEND",
    ]);
}

#[test]
fn a_line_that_breaks_anywhere_else_costs_nothing() {
    quick(&[
        "N2 reset at every byte of anything else",
        "N2 reset at every byte of a handshake",
        "N2 two",
        "N2 several",
        "N2 a compressed",
        "N3 hanging up at every byte of anything else",
    ]);
}

#[test]
fn a_slow_server_a_jumping_clock_and_a_stop_cost_nothing() {
    quick(&["N4", "N5", "C1"]);
}

#[test]
fn nobody_gets_the_password_who_should_not_have_it() {
    quick(&["T1", "T2", "P1 ", "P2 "]);
}

#[test]
fn a_server_that_says_no_costs_nothing() {
    quick(&["P3", "P4", "P5", "P6", "P7"]);
}

#[test]
fn what_nobody_asked_for_is_ignored() {
    quick(&["P8", "P13"]);
}

#[test]
fn a_server_that_stores_otherwise_than_it_says_is_found_out() {
    quick(&["P9", "P10", "P11", "P12"]);
}

#[test]
#[ignore = "takes minutes; see the top of this file"]
fn every_fault_of_every_class_is_survived() {
    let figure = Mutex::default();
    for (name, _) in CLASSES {
        play(&figure, name, Effort::Full);
    }
    let figure: Figure = figure.into_inner().unwrap();
    figure.print();
    figure.save();
    figure.assert_all_survived();
}
