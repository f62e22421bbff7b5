//! What is said besides the numbers: a dropped connection, a wait, the server's own words. Each of them once.

use spectrum_migrate::amount::{count, duration, messages};
use spectrum_migrate::event::Event;

use crate::cli::layout::clean;

/// Remembers what was said already.
#[derive(Default)]
pub struct Talk {
    verbose: bool,
    down: bool,
    settling: bool,
}

impl Talk {
    /// Says more if `verbose`.
    pub fn new(verbose: bool) -> Talk {
        Talk {
            verbose,
            ..Talk::default()
        }
    }

    /// The line for an event, if it is worth one now.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Reconnecting {
                after,
                attempt,
                of,
                detail,
            } => {
                let first = !std::mem::replace(&mut self.down, true);
                let again = format!(
                    "Trying again in {} (try {attempt} of {of}).",
                    duration(*after)
                );
                if self.verbose {
                    return Some(format!(
                        "The connection dropped. {again} Details: {}",
                        clean(detail)
                    ));
                }
                // One calm line, and then nothing until it works or is given up.
                first.then(|| format!("The connection dropped. {again}"))
            }
            Event::Reconnected => {
                self.settling = false;
                std::mem::take(&mut self.down).then(|| "Connected again. Carrying on.".into())
            }
            Event::Settling {
                wait,
                messages: number,
            } => {
                let first = !std::mem::replace(&mut self.settling, true);
                first.then(|| {
                    format!(
                        "Waiting {}: {} on the way when the connection dropped, and may still arrive.",
                        duration(*wait),
                        if *number == 1 { "1 message was".into() } else { format!("{} were", messages(*number)) },
                    )
                })
            }
            Event::Alert { text } => Some(format!("The mail server says: {}", clean(text))),
            Event::Notice { text } => Some(clean(text)),
            Event::Refused { folder, detail } if self.verbose => Some(format!(
                "!    Not taken by the server, for {}: {}",
                clean(folder),
                clean(detail)
            )),
            Event::Copied { .. } => {
                self.settling = false;
                None
            }
            _ => None,
        }
    }
}

/// `1,204 of 8,398`.
pub fn of(done: u64, total: u64) -> String {
    format!("{} of {}", count(done), count(total))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn dropped(attempt: u32) -> Event {
        Event::Reconnecting {
            after: Duration::from_secs(8),
            attempt,
            of: 8,
            detail: "time\x1bout".into(),
        }
    }

    #[test]
    fn a_dropped_connection_is_one_calm_line_until_it_works_again() {
        let mut talk = Talk::new(false);
        let said: Vec<String> = [
            dropped(1),
            dropped(2),
            dropped(3),
            Event::Reconnected,
            Event::Reconnected,
            dropped(1),
        ]
        .iter()
        .filter_map(|event| talk.line(event))
        .collect();
        let line = "The connection dropped. Trying again in 8 seconds (try 1 of 8).";
        assert_eq!(said, [line, "Connected again. Carrying on.", line]);
    }

    #[test]
    fn whoever_asks_for_more_gets_every_try_and_the_reasons() {
        let mut talk = Talk::new(true);
        assert_eq!(
            [dropped(1), dropped(2)]
                .iter()
                .filter_map(|event| talk.line(event))
                .count(),
            2
        );
        let refused = Event::Refused {
            folder: "Sent".into(),
            detail: "NO too\r\nbig".into(),
        };
        assert_eq!(
            talk.line(&refused).unwrap(),
            "!    Not taken by the server, for Sent: NO too\\x0d\\x0abig"
        );
        assert_eq!(Talk::new(false).line(&refused), None);
    }

    #[test]
    fn a_wait_for_messages_in_doubt_is_explained_once() {
        let mut talk = Talk::new(false);
        let settling = |messages| Event::Settling {
            wait: Duration::from_secs(60),
            messages,
        };
        assert_eq!(
            talk.line(&settling(1)).unwrap(),
            "Waiting 1 minute: 1 message was on the way when the connection dropped, and may still arrive."
        );
        assert_eq!(talk.line(&settling(1)), None);
    }
}
