//! The parts of the tests' support that the fault server needs.
#![allow(dead_code, clippy::unwrap_used)]

#[path = "../support/authority.rs"]
pub mod authority;
#[path = "../support/fault_server/mod.rs"]
pub mod fault_server;

/// Says why there is no server.
pub fn skip(why: &str) {
    eprintln!("{why}");
}
