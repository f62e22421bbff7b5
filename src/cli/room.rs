//! The room a command works in: where it prints, whom it asks, and what the signals say.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use super::args::Flags;
use super::print::{Look, Printer};
use super::prompt::Asker;
use super::signal::Signals;

/// Everything that has to do with the person at the terminal.
pub struct Room {
    /// Where it prints.
    pub printer: Arc<Printer>,
    /// Whom it asks.
    pub asker: Asker,
    /// Ctrl-C and SIGTERM.
    pub signals: Signals,
    /// Why no questions are asked, where nobody said that none should be.
    pub quiet_because: Option<&'static str>,
}

impl Room {
    /// The room that the program was started in. To be called before any thread is started.
    ///
    /// # Errors
    /// The system takes no signal handler.
    pub fn enter(flags: &Flags) -> anyhow::Result<Room> {
        super::layout::fit_screen();
        let printer = Arc::new(Printer::new(Look::new(flags)));
        let signals = Signals::listen(Arc::clone(&printer))?;
        let quiet_because = silence();
        let silent = flags.non_interactive || quiet_because.is_some();
        Ok(Room {
            printer,
            asker: if silent {
                Asker::silent()
            } else {
                Asker::terminal()
            },
            signals,
            quiet_because: quiet_because.filter(|_| !flags.non_interactive),
        })
    }

    /// Says, once, why nothing will be asked.
    pub fn explain_silence(&self) {
        if let Some(why) = self.quiet_because
            && !self.printer.json()
        {
            self.printer
                .say(&format!("No questions are asked, because {why}."));
        }
    }
}

fn silence() -> Option<&'static str> {
    let automatic = std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    if automatic {
        return Some("CI is set");
    }
    if !io::stdin().is_terminal() {
        return Some("standard input is not a terminal");
    }
    (!io::stderr().is_terminal()).then_some("standard error is not a terminal")
}

#[cfg(test)]
impl Room {
    /// A room without a terminal: what is printed can be read, and the answers are given.
    pub fn pretend(look: Look, answers: Option<&'static str>) -> (Room, super::print::Written) {
        let written = super::print::Written::default();
        let asker = answers.map_or_else(Asker::silent, |text| {
            Asker::reading(Box::new(text.as_bytes()))
        });
        let room = Room {
            printer: Arc::new(written.printer(look)),
            asker,
            signals: Signals::default(),
            quiet_because: None,
        };
        (room, written)
    }
}
