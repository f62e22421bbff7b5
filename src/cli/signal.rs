//! Ctrl-C, SIGTERM and a terminal that is closed: the first asks the run to stop and what is on its way to arrive, the second ends it at once.
//! Whatever ends the program, the terminal is left as it was found.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use spectrum_migrate::transfer::Stop;

use super::exit::Exit;
use super::print::Printer;

/// What was heard so far, and what it means now.
#[derive(Clone, Default)]
pub struct Signals {
    stop: Stop,
    working: Arc<AtomicBool>,
    heard: Arc<AtomicU8>,
    /// What is said to whoever leaves at a question; `None`: that nothing was changed.
    farewell: Arc<Mutex<Option<String>>>,
}

/// What the handler has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// Nothing is under way: leave now.
    Leave,
    /// Let what is on its way arrive.
    Finish,
    /// Asked twice: leave now, whatever is under way.
    Abandon,
}

impl Signals {
    /// Listens from now on. To be called before any other thread is started.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen(printer: Arc<Printer>) -> anyhow::Result<Signals> {
        let signals = Signals::default();
        let terminal = Terminal::remember();
        let listening = signals.clone();
        listen(move |exit| match listening.heard(exit) {
            Reaction::Finish => {
                printer
                    .say("\nStopping: what is on its way may still arrive (10 seconds at most).");
                printer.say("Press Ctrl-C again to stop at once; nothing is lost by it.");
            }
            reaction => {
                terminal.restore();
                printer.say(&match reaction {
                    Reaction::Leave => format!("\n{}", listening.farewell()),
                    _ => "\nStopped at once. What was copied is recorded; run it again to go on."
                        .into(),
                });
                std::process::exit(exit.code().into());
            }
        })?;
        Ok(signals)
    }

    /// The wish to stop, as the library knows it.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// From now on a signal lets the work under way come to a good end.
    pub fn begin_work(&self) {
        self.working.store(true, Ordering::SeqCst);
    }

    /// From now on a signal leaves at once: a question is being asked.
    pub fn end_work(&self) {
        self.working.store(false, Ordering::SeqCst);
    }

    /// From now on this is said to whoever leaves at a question.
    pub fn say_at_leaving(&self, words: &str) {
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.into());
    }

    fn farewell(&self) -> String {
        let words = self.farewell.lock().unwrap_or_else(PoisonError::into_inner);
        words
            .clone()
            .unwrap_or_else(|| "Stopped. Nothing was changed.".into())
    }

    /// The exit code of a run that was stopped.
    pub fn exit(&self) -> Exit {
        if self.heard.load(Ordering::SeqCst) == Exit::Terminated.code() {
            Exit::Terminated
        } else {
            Exit::Interrupted
        }
    }

    fn heard(&self, exit: Exit) -> Reaction {
        self.heard.store(exit.code(), Ordering::SeqCst);
        let again = self.stop.asked();
        self.stop.ask();
        match (self.working.load(Ordering::SeqCst), again) {
            (false, _) => Reaction::Leave,
            (true, false) => Reaction::Finish,
            (true, true) => Reaction::Abandon,
        }
    }
}

/// The signals are blocked in every thread but the one that waits for them, which so learns which it was. SIGHUP
/// comes when the window of the terminal is closed: the run is still to come to a good end.
#[cfg(unix)]
fn listen(mut react: impl FnMut(Exit) + Send + 'static) -> anyhow::Result<()> {
    use nix::sys::signal::{SigSet, Signal};
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGHUP);
    signals.thread_block()?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            loop {
                match signals.wait() {
                    Ok(Signal::SIGTERM | Signal::SIGHUP) => react(Exit::Terminated),
                    Ok(_) => react(Exit::Interrupted),
                    Err(_) => return,
                }
            }
        })?;
    Ok(())
}

/// Ctrl-C, and closing the window; Windows tells no difference.
#[cfg(not(unix))]
fn listen(mut react: impl FnMut(Exit) + Send + 'static) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(move || react(Exit::Interrupted))?)
}

/// The terminal as it was at the start: a password prompt switches its echo off, a list hides its cursor.
struct Terminal {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn remember() -> Terminal {
        Terminal {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            // Nothing more can be done on the way out.
            let _ = rustix::termios::tcsetattr(
                std::io::stdin(),
                rustix::termios::OptionalActions::Now,
                modes,
            );
        }
        let term = dialoguer::console::Term::stderr();
        if term.is_term() {
            let _ = term.show_cursor();
        }
    }
}

/// A crash must not leave the password in a file.
pub fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        // A system that refuses has a rule of its own about it.
        let _ = setrlimit(Resource::Core, none);
    }
    // The same for systems that hand a crash to a program instead; and other programs of the same user can't read
    // this one's memory.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_a_question_the_first_signal_leaves() {
        let signals = Signals::default();
        assert_eq!(signals.heard(Exit::Interrupted), Reaction::Leave);
        assert_eq!(signals.exit(), Exit::Interrupted);
    }

    #[test]
    fn at_work_the_first_signal_asks_and_the_second_leaves() {
        let signals = Signals::default();
        signals.begin_work();
        assert!(!signals.stop().asked());
        assert_eq!(signals.heard(Exit::Terminated), Reaction::Finish);
        assert!(signals.stop().asked());
        assert_eq!(signals.exit(), Exit::Terminated);
        assert_eq!(signals.heard(Exit::Interrupted), Reaction::Abandon);
        assert_eq!(signals.exit(), Exit::Interrupted);
    }
}
