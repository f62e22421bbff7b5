//! Copies local mail into an IMAP mailbox, with nothing lost and nothing twice.
//!
//! A message comes from a [`source`] and goes to the [`mailbox`]; [`transfer`]
//! does the work. The command line is another crate, and the only one with a
//! terminal.
//!
//! Mail on this computer is only ever read. The one file of a mail program that can be changed, and
//! only when a person asks for it, is Thunderbird's settings: [`guide::change`].
//!
//! ```text
//!      flags, env ──────────► Choices       quota, folders, index
//!                                │  mailbox ──────────┐
//!      find ─► open ─► scan ─────┴──────────────────► plan ─► Plan      (a dry run stops here)
//!                                 mailbox ◄─ append ─ copy ⇄ Journal    (intent, then receipt)
//!                                 mailbox ─── index ─► verify ─► Report
//!      every stage emits Event ─► Observer ─► progress bar | plain lines | JSON lines
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr, clippy::exit)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)
)]

pub mod amount;
pub mod error;
pub mod event;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
pub mod header;
pub mod identity;
pub mod mailbox;
pub mod message;
pub mod rehearsal;
pub mod safe;
pub mod settings;
pub mod source;
pub mod transfer;
pub mod utf7;

pub use error::Error;
