//! The only print functions: results on standard output, everything else on standard error, and nothing that
//! could move a cursor on either.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dialoguer::console::{self, Style};
use indicatif::ProgressBar;
use serde::Serialize;

use super::args::{Color, Flags, Format};
use super::layout::{clean, fit};

/// How things are shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Text or JSON.
    pub format: Format,
    /// For the ear: no redrawing, no tables.
    pub plain: bool,
    /// Whether a bar may be drawn and redrawn on standard error.
    pub bar: bool,
    /// More words.
    pub verbose: bool,
    /// Colour on standard output, and on standard error.
    pub color: (bool, bool),
}

impl Look {
    /// What the flags, the environment and the terminal come to.
    pub fn new(flags: &Flags) -> Look {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let plain = flags.plain || dumb;
        let color = match flags.color {
            Color::Always => (true, true),
            Color::Never => (false, false),
            Color::Auto => (console::colors_enabled(), console::colors_enabled_stderr()),
        };
        Look {
            format: flags.format,
            plain,
            bar: !plain && flags.format == Format::Text && io::stderr().is_terminal(),
            verbose: flags.verbose > 0,
            color,
        }
    }
}

/// Writes to the two outputs. Shared by the commands, the progress and the signal handler.
pub struct Printer {
    /// How things are shown.
    pub look: Look,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
    bar: Mutex<Option<ProgressBar>>,
    trouble: Mutex<Option<io::Error>>,
}

impl Printer {
    /// A printer to the program's own outputs.
    pub fn new(look: Look) -> Printer {
        Printer::to(look, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    fn to(look: Look, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Printer {
        Printer {
            look,
            out: Mutex::new(out),
            err: Mutex::new(err),
            bar: Mutex::new(None),
            trouble: Mutex::new(None),
        }
    }

    /// Whether results are JSON lines.
    pub fn json(&self) -> bool {
        self.look.format == Format::Json
    }

    /// A result for people, on standard output. Not shown where results are JSON.
    pub fn result(&self, text: &str) {
        if !self.json() {
            self.write_out(&finished(text, self.look.color.0));
        }
    }

    /// A file written for a machine (a manual page, completions), on standard output, byte for byte.
    pub fn file(&self, bytes: &[u8]) {
        self.keep_trouble(lock(&self.out).write_all(bytes));
    }

    /// A result for programs, on standard output: one line, `{"v":1,"event":…}`.
    pub fn event<T: Serialize>(&self, event: &str, fields: &T) {
        #[derive(Serialize)]
        struct Line<'a, T> {
            v: u8,
            event: &'a str,
            #[serde(flatten)]
            fields: &'a T,
        }
        self.line(&Line {
            v: 1,
            event,
            fields,
        });
    }

    /// The same for a value that says itself which event it is.
    pub fn tagged<T: Serialize>(&self, value: &T) {
        #[derive(Serialize)]
        struct Line<'a, T> {
            v: u8,
            #[serde(flatten)]
            value: &'a T,
        }
        self.line(&Line { v: 1, value });
    }

    /// A line for programs that is complete as it is.
    pub fn line<T: Serialize>(&self, line: &T) {
        if !self.json() {
            return;
        }
        match serde_json::to_string(line) {
            Ok(text) => self.write_out(&(json_safe(&text) + "\n")),
            Err(error) => self.keep_trouble(Err(error.into())),
        }
    }

    /// Something for the person, on standard error.
    pub fn say(&self, text: &str) {
        self.write_err(&finished(text, self.look.color.1));
    }

    /// A question, on standard error; the answer stands on the same line.
    pub fn ask(&self, text: &str) {
        self.write_err(&harmless(text));
    }

    /// The bar that stands on the screen from now on; what is said appears above it.
    pub fn attach(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }

    /// What went wrong with standard output, once. A reader that went away early is nothing wrong.
    pub fn trouble(&self) -> Option<io::Error> {
        lock(&self.trouble).take()
    }

    fn write_out(&self, text: &str) {
        let mut out = lock(&self.out);
        self.keep_trouble(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    fn write_err(&self, text: &str) {
        let bar = lock(&self.bar).clone();
        let write = || {
            let mut err = lock(&self.err);
            // Nobody can be told that nobody can be told.
            let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        };
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn keep_trouble(&self, result: io::Result<()>) {
        if let Err(error) = result
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            lock(&self.trouble).get_or_insert(error);
        }
    }
}

/// Whoever panicked while printing left nothing half done that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes every line harmless, colours the marks, and ends the last line.
fn finished(text: &str, color: bool) -> String {
    let harmless = fit(&harmless(text));
    let lines = harmless
        .lines()
        .map(|line| if color { paint(line) } else { line.to_string() });
    lines.map(|line| line + "\n").collect()
}

/// Line ends stay; any other control character, and what turns the direction of writing, becomes visible.
fn harmless(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// JSON writes some controls as they are; inside its strings they can be written as numbers.
fn json_safe(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if c.is_control() || turns {
            shown.push_str(&format!("\\u{:04x}", c as u32));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Colours the mark at the beginning of a line; the word itself says the same.
fn paint(line: &str) -> String {
    let marks = [
        ("ok  ", Style::new().green()),
        ("!   ", Style::new().yellow()),
        ("x  ", Style::new().red()),
    ];
    for (mark, style) in marks {
        if let Some(rest) = line.strip_prefix(mark) {
            return format!("{}{rest}", style.force_styling(true).apply_to(mark));
        }
    }
    line.to_string()
}

/// What was written to the two outputs of a printer.
#[cfg(test)]
#[derive(Clone, Default)]
pub struct Written {
    out: Pipe,
    err: Pipe,
    both: Pipe,
}

#[cfg(test)]
#[derive(Clone, Default)]
struct Pipe(std::sync::Arc<Mutex<Vec<u8>>>);

/// Writes to both, as two outputs write to one terminal.
#[cfg(test)]
struct Tee(Pipe, Pipe);

#[cfg(test)]
impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        self.1.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Written {
    /// A printer that writes here.
    pub fn printer(&self, look: Look) -> Printer {
        let with = |pipe: &Pipe| Box::new(Tee(pipe.clone(), self.both.clone()));
        Printer::to(look, with(&self.out), with(&self.err))
    }

    /// Standard output.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&lock(&self.out.0)).into_owned()
    }

    /// What a terminal would show.
    pub fn both(&self) -> String {
        String::from_utf8_lossy(&lock(&self.both.0)).into_owned()
    }

    /// Standard error.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&lock(&self.err.0)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json_look() -> Look {
        Look {
            format: Format::Json,
            ..Look::default()
        }
    }

    #[test]
    fn results_and_talk_go_to_different_outputs() {
        let written = Written::default();
        let printer = written.printer(Look::default());
        printer.result("a result");
        printer.say("ok   Signed in");
        printer.event("ignored", &serde_json::json!({}));
        assert_eq!(
            (written.out().as_str(), written.err().as_str()),
            ("a result\n", "ok   Signed in\n")
        );
    }

    #[test]
    fn json_lines_have_a_version_and_an_event_and_stand_alone() {
        let written = Written::default();
        let printer = written.printer(json_look());
        printer.result("not shown");
        printer.event("report", &serde_json::json!({"folder": "a\u{202e}b\u{9b}"}));
        assert_eq!(
            written.out(),
            "{\"v\":1,\"event\":\"report\",\"folder\":\"a\\u202eb\\u009b\"}\n"
        );
    }

    #[test]
    fn colour_adds_nothing_that_words_do_not_say() {
        let written = Written::default();
        let printer = written.printer(Look {
            color: (true, true),
            ..Look::default()
        });
        printer.say("ok   Signed in\n!    Look\nx  No");
        assert!(written.err().contains("\x1b[32m"));
        assert_eq!(
            console::strip_ansi_codes(&written.err()),
            "ok   Signed in\n!    Look\nx  No\n"
        );
    }

    #[test]
    fn a_reader_that_goes_away_is_no_trouble_and_a_full_disk_is() {
        struct Failing(io::ErrorKind);
        impl Write for Failing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for (kind, trouble) in [
            (io::ErrorKind::BrokenPipe, false),
            (io::ErrorKind::StorageFull, true),
        ] {
            let printer = Printer::to(
                Look::default(),
                Box::new(Failing(kind)),
                Box::new(io::sink()),
            );
            printer.result("x");
            assert_eq!(printer.trouble().is_some(), trouble, "{kind}");
        }
    }

    proptest! {
        #[test]
        fn nothing_printed_contains_control_characters(text in any::<String>()) {
            for look in [Look::default(), json_look()] {
                let written = Written::default();
                let printer = written.printer(look);
                printer.result(&text);
                printer.say(&text);
                printer.ask(&text);
                printer.event("event", &serde_json::json!({"text": text}));
                for shown in [written.out(), written.err()] {
                    let moves = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
                    prop_assert!(!shown.chars().any(|c| c != '\n' && moves(c)), "{:?}", shown);
                }
            }
        }

        #[test]
        fn json_stays_the_same_json(text in any::<String>()) {
            let written = Written::default();
            written.printer(json_look()).event("event", &serde_json::json!({"text": text}));
            let back: serde_json::Value = serde_json::from_str(written.out().trim_end()).unwrap();
            prop_assert_eq!(back.get("text").and_then(|v| v.as_str()), Some(text.as_str()));
        }
    }
}
