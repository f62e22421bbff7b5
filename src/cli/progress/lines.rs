//! Progress as plain lines, for logs and screen readers: one when a folder starts and ends, and at most one every
//! thirty seconds between.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use spectrum_migrate::amount::{about, count, messages, percent, size};
use spectrum_migrate::event::{Event, Observer, Stage};

use super::eta::Eta;
use super::talk::{Talk, of};
use super::{doing, done};
use crate::cli::layout::folder as folder_name;
use crate::cli::print::Printer;

/// Between two lines that only say how far it is.
const EVERY: Duration = Duration::from_secs(30);

/// Writes lines.
pub struct Lines {
    printer: Arc<Printer>,
    began: Instant,
    state: Mutex<State>,
}

impl Lines {
    /// An observer that writes there.
    pub fn new(printer: Arc<Printer>) -> Lines {
        let state = State {
            talk: Talk::new(printer.look.verbose),
            ..State::default()
        };
        Lines {
            printer,
            began: Instant::now(),
            state: Mutex::new(state),
        }
    }
}

impl Observer for Lines {
    fn notice(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for line in state.lines(event, self.began.elapsed()) {
            self.printer.say(&line);
        }
    }
}

#[derive(Default)]
struct State {
    talk: Talk,
    eta: Eta,
    total: (Option<u64>, Option<u64>),
    bytes: u64,
    folder: Option<(String, u64)>,
    said: Duration,
}

impl State {
    fn lines(&mut self, event: &Event, now: Duration) -> Vec<String> {
        let mut lines: Vec<String> = self.talk.line(event).into_iter().collect();
        match event {
            // Whoever signed in first has said so; the connections after it are the engine's own business.
            Event::Started {
                stage: Stage::Connect,
                ..
            }
            | Event::Finished {
                stage: Stage::Connect,
                ..
            } => {}
            Event::Started {
                stage,
                messages,
                bytes,
            } => {
                self.total = (*messages, *bytes);
                self.eta = Eta::default();
                self.eta.progress(now, 0);
                self.bytes = 0;
                self.said = now;
                lines.push(started(*stage, *messages, *bytes));
            }
            Event::FolderStarted {
                stage: Stage::Copy,
                folder,
                messages: number,
                bytes,
            } => {
                lines.extend(self.folder_ends());
                lines.push(format!(
                    "copying {}: {}, {}",
                    folder_name(folder),
                    messages(*number),
                    size(*bytes)
                ));
                self.folder = Some((folder.clone(), 0));
            }
            Event::FolderFinished {
                stage: Stage::Copy, ..
            } => lines.extend(self.folder_ends()),
            Event::Copied {
                folder,
                bytes,
                done,
                total,
                ..
            } => {
                lines.extend(self.copied(folder));
                self.bytes += bytes;
                self.eta.progress(now, self.bytes);
                lines.extend(self.now_and_then(Stage::Copy, *done, Some(*total), now));
            }
            // Copying tells of every message by itself.
            Event::Progress {
                stage: Stage::Copy, ..
            } => {}
            Event::Progress {
                stage,
                messages,
                bytes,
            } => {
                self.bytes = *bytes;
                self.eta.progress(now, *bytes);
                lines.extend(self.now_and_then(*stage, *messages, self.total.0, now));
            }
            Event::Finished {
                stage,
                messages: number,
            } => {
                lines.extend(self.folder_ends());
                lines.push(format!("{} {}", messages(*number), done(*stage)));
            }
            Event::Reconnecting { .. } => self.eta.pause(),
            _ => {}
        }
        lines
    }

    fn copied(&mut self, folder: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self
            .folder
            .as_ref()
            .is_none_or(|(current, _)| current != folder)
        {
            lines.extend(self.folder_ends());
            lines.push(format!("copying {}", folder_name(folder)));
            self.folder = Some((folder.into(), 0));
        }
        if let Some((_, number)) = &mut self.folder {
            *number += 1;
        }
        lines
    }

    fn folder_ends(&mut self) -> Option<String> {
        let (folder, number) = self.folder.take()?;
        Some(format!(
            "finished {}: {} copied",
            folder_name(&folder),
            count(number)
        ))
    }

    fn now_and_then(
        &mut self,
        stage: Stage,
        number: u64,
        total: Option<u64>,
        now: Duration,
    ) -> Option<String> {
        if now.saturating_sub(self.said) < EVERY {
            return None;
        }
        self.said = now;
        let far = total.map_or_else(|| messages(number), |total| of(number, total));
        let mut line = format!("{far} {}", done(stage));
        if let Some(bytes) = self.total.1.filter(|bytes| *bytes > 0) {
            line.push_str(&format!(", {} percent", percent(self.bytes, bytes)));
            if let Some(left) = self.eta.left(self.bytes, bytes) {
                line.push_str(&format!(", {} left", about(left)));
            }
        }
        Some(line)
    }
}

fn started(stage: Stage, number: Option<u64>, bytes: Option<u64>) -> String {
    let many = number
        .map(messages)
        .into_iter()
        .chain(bytes.map(size))
        .collect::<Vec<_>>()
        .join(", ");
    if many.is_empty() {
        doing(stage).into()
    } else {
        format!("{}: {many}", doing(stage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(folder: &str, done: u64) -> Event {
        Event::Copied {
            folder: folder.into(),
            uid: None,
            bytes: 1_000_000,
            done,
            total: 300,
        }
    }

    #[test]
    fn a_copy_read_aloud() {
        let mut state = State::default();
        let mut said = Vec::new();
        let mut notice =
            |event: Event, seconds| said.extend(state.lines(&event, Duration::from_secs(seconds)));
        notice(
            Event::Started {
                stage: Stage::Read,
                messages: None,
                bytes: Some(2_000_000_000),
            },
            0,
        );
        notice(
            Event::Progress {
                stage: Stage::Read,
                messages: 1_204,
                bytes: 280_000_000,
            },
            31,
        );
        notice(
            Event::Finished {
                stage: Stage::Read,
                messages: 300,
            },
            40,
        );
        notice(
            Event::Started {
                stage: Stage::Copy,
                messages: Some(300),
                bytes: Some(300_000_000),
            },
            40,
        );
        for done in 1..=100 {
            notice(copied("Inbox", done), 40 + done);
        }
        for done in 101..=300 {
            notice(copied("Sent\x1b[2J", done), 40 + done);
        }
        notice(
            Event::Finished {
                stage: Stage::Copy,
                messages: 300,
            },
            340,
        );
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn at_most_one_line_every_thirty_seconds_says_how_far_it_is() {
        let mut state = State::default();
        let mut lines = 0;
        for second in 0..300 {
            lines += state
                .lines(&copied("Inbox", second), Duration::from_secs(second))
                .len();
        }
        assert_eq!(lines, 1 + 9);
    }

    #[test]
    fn folders_that_announce_themselves_are_not_announced_twice() {
        let mut state = State::default();
        let events = [
            Event::FolderStarted {
                stage: Stage::Copy,
                folder: "Inbox".into(),
                messages: 1,
                bytes: 1_000_000,
            },
            copied("Inbox", 1),
            Event::FolderFinished {
                stage: Stage::Copy,
                folder: "Inbox".into(),
                messages: 1,
            },
        ];
        let said: Vec<String> = events
            .iter()
            .flat_map(|event| state.lines(event, Duration::ZERO))
            .collect();
        assert_eq!(
            said,
            ["copying Inbox: 1 message, 1 MB", "finished Inbox: 1 copied"]
        );
    }
}
