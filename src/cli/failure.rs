//! Why a command ends without having done what was asked, and its exit code.

use spectrum_migrate::Error;

use super::exit::Exit;

/// How far a run was when it failed: what the person needs to know about their mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Situation {
    /// Nothing was sent, nothing is changed.
    #[default]
    Untouched,
    /// Some mail is on the server.
    Copied {
        /// Messages on the server, those that were there before included.
        done: u64,
        /// Messages that should be there.
        of: u64,
    },
    /// Everything was sent, and the check did not come to an end.
    Unchecked {
        /// Messages on the server.
        done: u64,
    },
}

/// An answer that is missing where nobody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Whose mailbox.
    Email,
    /// On which server, where the address does not tell.
    Server,
    /// The password.
    Password,
    /// Where the old mail is.
    Source,
    /// That the plan is accepted.
    Yes,
}

impl Answer {
    /// The flag that gives it, and what else does.
    pub fn flag(self) -> (&'static str, &'static str) {
        match self {
            Answer::Email => ("--email ADDRESS", "or SPECTRUM_MIGRATE_EMAIL"),
            Answer::Server => ("--server HOST", "(this address does not tell its server)"),
            Answer::Password => ("--password-stdin", "or SPECTRUM_MIGRATE_PASSWORD_FILE"),
            Answer::Source => ("--source PATH", "(can be repeated)"),
            Answer::Yes => ("--yes", "(accepts the plan above)"),
        }
    }
}

/// Why a command ends early.
#[derive(Debug)]
pub enum Failure {
    /// The library says so.
    Engine {
        /// What went wrong.
        error: Error,
        /// How far it was.
        situation: Situation,
    },
    /// The command line is not understood.
    Mistyped {
        /// What is wrong with it.
        what: String,
        /// What was probably meant.
        tries: Vec<String>,
    },
    /// Answers are missing, and nobody can be asked.
    Missing(Vec<Answer>),
    /// The address is none of Spectrum's, and no server was named.
    NotSpectrum(String),
    /// No old mail was found on this computer.
    NothingFound,
    /// No report was kept here yet.
    NoReport(String),
    /// Something of this computer's that no person can be expected to know.
    Unexpected(anyhow::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Engine {
            error,
            situation: Situation::Untouched,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Unexpected(error)
    }
}

impl Failure {
    /// The library's error, with how far the run was.
    pub fn at(error: Error, situation: Situation) -> Failure {
        Failure::Engine { error, situation }
    }

    /// The same, where the mailbox was a pretend one: nothing of what was copied is left.
    pub fn of_practice(self) -> Failure {
        match self {
            Failure::Engine { error, .. } => Failure::from(error),
            other => other,
        }
    }

    /// Its exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Engine { error, .. } => Exit::from(error),
            Failure::Missing(_) => Exit::Missing,
            Failure::NothingFound => Exit::NoMail,
            Failure::Mistyped { .. } | Failure::NotSpectrum(_) | Failure::NoReport(_) => {
                Exit::Usage
            }
            Failure::Unexpected(_) => Exit::Bug,
        }
    }

    /// Whether it only means that the person stopped the run.
    pub fn is_stop(&self) -> bool {
        matches!(
            self,
            Failure::Engine {
                error: Error::Stopped,
                ..
            }
        )
    }
}
