//! How the guide knows that a step is done: the person says so, we looked, or everything was verified.

use serde::{Deserialize, Serialize};

use super::program::MailProgram;
use super::words::Page;
use crate::transfer::report::Proof;

/// How sure it is that a step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how", content = "what")]
pub enum Gate {
    /// The person says so.
    Told,
    /// We looked; with what was seen, in a sentence.
    Checked(String),
    /// All mail was read back and compared.
    Verified,
}

/// What may be shown only after a complete verification: how to take out the old account, and how to delete its mailbox.
/// It can't be made without a [`Proof`], and no proof outlives the run that gave it.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    program: MailProgram,
}

impl Opened {
    /// Opens steps 4 and 6.
    pub fn by(_: Proof, program: MailProgram) -> Opened {
        Opened { program }
    }

    /// Step 4, in this mail program.
    pub fn remove(self) -> Page {
        self.program.words().remove
    }

    /// Step 6, in this mail program.
    pub fn delete(self) -> Page {
        self.program.words().delete
    }
}
