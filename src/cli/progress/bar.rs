//! Progress as three lines that are redrawn in a terminal: what, how far, and how to stop.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dialoguer::console::{measure_text_width, truncate_str};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spectrum_migrate::amount::{messages, percent, size};
use spectrum_migrate::event::{Event, Observer, Stage};

use super::doing;
use super::eta::Eta;
use super::talk::{Talk, of};
use crate::cli::layout::{WIDTH, folder as folder_name};
use crate::cli::print::Printer;

/// Places inside the brackets.
const BAR: usize = 28;

/// Draws a bar.
pub struct Bar {
    printer: Arc<Printer>,
    began: Instant,
    state: Mutex<State>,
}

impl Bar {
    /// An observer that draws on standard error.
    pub fn new(printer: Arc<Printer>) -> Bar {
        let state = State {
            talk: Talk::new(printer.look.verbose),
            ..State::default()
        };
        Bar {
            printer,
            began: Instant::now(),
            state: Mutex::new(state),
        }
    }

    fn show(&self, state: &mut State) {
        let bar = state.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
            bar.set_style(
                ProgressStyle::with_template("{msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar()),
            );
            self.printer.attach(Some(bar.clone()));
            bar
        });
        let screen = state.drawn.screen();
        if screen != bar.message() {
            bar.set_message(screen);
        }
    }

    fn clear(&self, state: &mut State) {
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
            self.printer.attach(None);
        }
    }
}

impl Observer for Bar {
    fn notice(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = state.talk.line(event) {
            self.printer.say(&line);
        }
        if is_sign_in(event) {
            return;
        }
        if let Event::Finished {
            stage,
            messages: number,
        } = event
        {
            self.clear(&mut state);
            self.printer
                .say(&format!("{} ... {}", doing(*stage), messages(*number)));
        } else if state.drawn.take(event, self.began.elapsed()) {
            self.show(&mut state);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = state.bar.take();
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.printer.attach(None);
        }
    }
}

#[derive(Default)]
struct State {
    talk: Talk,
    drawn: Drawn,
    bar: Option<ProgressBar>,
}

/// What stands on the screen.
#[derive(Default)]
struct Drawn {
    stage: Option<Stage>,
    folder: String,
    messages: u64,
    total: Option<u64>,
    bytes: u64,
    total_bytes: Option<u64>,
    eta: Eta,
    left: Option<Duration>,
}

impl Drawn {
    /// Takes in an event; whether the screen has to change.
    fn take(&mut self, event: &Event, now: Duration) -> bool {
        match event {
            Event::Started {
                stage,
                messages,
                bytes,
            } => {
                *self = Drawn {
                    stage: Some(*stage),
                    total: *messages,
                    total_bytes: *bytes,
                    ..Drawn::default()
                };
                self.eta.progress(now, 0);
            }
            Event::FolderStarted { folder, .. } => self.folder = folder_name(folder),
            Event::Progress { stage, .. } if *stage == Stage::Copy => return false,
            Event::Progress {
                messages, bytes, ..
            } => {
                self.messages = *messages;
                self.bytes = *bytes;
                self.eta.progress(now, self.bytes);
            }
            Event::Copied {
                folder,
                bytes,
                done,
                total,
                ..
            } => {
                self.folder = folder_name(folder);
                self.messages = *done;
                self.total = Some(*total);
                self.bytes += bytes;
                self.eta.progress(now, self.bytes);
            }
            Event::Reconnecting { .. } => self.eta.pause(),
            _ => return false,
        }
        self.left = self
            .total_bytes
            .and_then(|total| self.eta.left(self.bytes, total));
        true
    }

    fn screen(&self) -> String {
        let Some(stage) = self.stage else {
            return String::new();
        };
        let far = match self.total {
            Some(total) => format!("{} messages", of(self.messages, total)),
            None => messages(self.messages),
        };
        let name = if self.folder.is_empty() {
            doing(stage).into()
        } else {
            format!("{}   {}", doing(stage), self.folder)
        };
        let first = ends(&name, &far);
        match self.part() {
            Some((done, whole)) => {
                format!("{first}\n{}\nCtrl-C stops safely.", self.gauge(done, whole))
            }
            None => format!("{first}\nCtrl-C stops safely."),
        }
    }

    /// How much of how much: bytes where they are known, messages where not.
    fn part(&self) -> Option<(u64, u64)> {
        let bytes = self
            .total_bytes
            .filter(|total| *total > 0)
            .map(|total| (self.bytes, total));
        bytes.or(self
            .total
            .filter(|total| *total > 0)
            .map(|total| (self.messages, total)))
    }

    fn gauge(&self, done: u64, whole: u64) -> String {
        let percent = percent(done, whole);
        let filled = usize::try_from(percent).unwrap_or(100) * BAR / 100;
        let arrow = if filled < BAR { ">" } else { "" };
        let bar = format!("[{:<BAR$}] {percent:>3}%", "=".repeat(filled) + arrow);
        let bytes = self
            .total_bytes
            .map(|total| format!("   {} of {}", size(self.bytes.min(total)), size(total)));
        let left = self.left.map(|left| format!("   {} left", short(left)));
        [Some(bar), bytes, left].into_iter().flatten().collect()
    }
}

/// Whoever signed in first has said so; the connections after it are the engine's own business.
fn is_sign_in(event: &Event) -> bool {
    matches!(
        event,
        Event::Started {
            stage: Stage::Connect,
            ..
        } | Event::Finished {
            stage: Stage::Connect,
            ..
        }
    )
}

/// A time to come, in the little room that is left on the line.
fn short(left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    match minutes {
        0..3 => "a few minutes".into(),
        3..90 => format!("{minutes} min"),
        90..2880 => format!("{} hours", minutes.div_ceil(60)),
        _ => format!("{} days", minutes.div_ceil(1440)),
    }
}

/// Two texts at the ends of a line; the first gives way.
fn ends(left: &str, right: &str) -> String {
    let room = (WIDTH - 1).saturating_sub(measure_text_width(right) + 2);
    let left = truncate_str(left, room, "…");
    let blanks = " ".repeat(room.saturating_sub(measure_text_width(&left)) + 2);
    format!("{left}{blanks}{right}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn half_way(folder: &str) -> Drawn {
        let mut drawn = Drawn::default();
        let started = Event::Started {
            stage: Stage::Copy,
            messages: Some(8_398),
            bytes: Some(2_300_000_000),
        };
        drawn.take(&started, Duration::ZERO);
        for second in 1..=862 {
            let event = Event::Copied {
                folder: folder.into(),
                uid: None,
                bytes: 1_000_000,
                done: second * 3,
                total: 8_398,
            };
            drawn.take(&event, Duration::from_secs(second));
        }
        drawn
    }

    #[test]
    fn the_bar_says_what_how_far_and_how_to_stop() {
        insta::assert_snapshot!(half_way("Sent").screen());
    }

    #[test]
    fn a_stage_of_unknown_length_has_no_bar() {
        let mut drawn = Drawn::default();
        drawn.take(
            &Event::Started {
                stage: Stage::Compare,
                messages: None,
                bytes: None,
            },
            Duration::ZERO,
        );
        drawn.take(
            &Event::Progress {
                stage: Stage::Compare,
                messages: 1_840,
                bytes: 0,
            },
            Duration::ZERO,
        );
        insta::assert_snapshot!(drawn.screen());
    }

    #[test]
    fn the_bar_is_full_only_at_the_end() {
        let mut drawn = Drawn {
            stage: Some(Stage::Verify),
            total: Some(1_000),
            messages: 999,
            ..Drawn::default()
        };
        assert!(drawn.screen().contains(" 99%"));
        drawn.messages = 1_000;
        assert!(
            drawn
                .screen()
                .contains(&format!("[{}] 100%", "=".repeat(BAR)))
        );
    }

    proptest! {
        #[test]
        fn no_folder_name_makes_it_wider_or_moves_the_cursor(folder in any::<String>()) {
            let screen = half_way(&folder).screen();
            prop_assert_eq!(screen.lines().count(), 3);
            prop_assert!(screen.lines().all(|line| measure_text_width(line) <= WIDTH));
            prop_assert!(screen.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
