//! Questions to the person. Every question says what Enter does; being interrupted is being stopped.

use std::io::{self, BufRead};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;
use spectrum_migrate::Error;
use spectrum_migrate::safe::safe;

use super::args::Flags;
use super::failure::Failure;
use super::layout::wrap;
use super::print::Printer;

/// Longer than any password.
const LONGEST: usize = 1024;

/// Asks, where asking is allowed.
pub struct Asker {
    input: Option<Mutex<Box<dyn BufRead + Send>>>,
    /// Whether a person sits at a terminal: a password is not shown there.
    terminal: bool,
}

/// What a person says to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It is done.
    Done,
    /// More help is wanted.
    Help,
}

impl Asker {
    /// Asks on the terminal.
    pub fn terminal() -> Asker {
        Asker {
            terminal: true,
            ..Asker::reading(Box::new(io::BufReader::new(io::stdin())))
        }
    }

    /// Takes the answers from here.
    pub fn reading(input: Box<dyn BufRead + Send>) -> Asker {
        Asker {
            input: Some(Mutex::new(input)),
            terminal: false,
        }
    }

    /// Asks nothing.
    pub fn silent() -> Asker {
        Asker {
            input: None,
            terminal: false,
        }
    }

    /// Whether there is somebody to ask.
    pub fn allowed(&self) -> bool {
        self.input.is_some()
    }

    /// A line that the person types, without blanks at its ends.
    ///
    /// # Errors
    /// Stopped by the person, or the end of the input.
    pub fn line(&self, printer: &Printer, question: &str) -> Result<String, Failure> {
        let Some(input) = &self.input else {
            return Err(Error::Stopped.into());
        };
        printer.ask(&format!("{} ", wrap("", question)));
        let mut line = String::new();
        let read = input
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_line(&mut line);
        match read {
            // Ctrl-D, or a terminal that is gone: whoever could answer has left.
            Ok(0) | Err(_) => Err(Error::Stopped.into()),
            Ok(_) => {
                self.echo(printer, line.trim());
                Ok(line.trim().to_string())
            }
        }
    }

    /// A terminal shows what is typed; a script's answers are shown like that.
    fn echo(&self, printer: &Printer, answer: &str) {
        if !self.terminal {
            printer.say(&format!("> {answer}"));
        }
    }

    /// A yes or a no. `enter` says what Enter alone means, and the question tells the person.
    ///
    /// # Errors
    /// Stopped by the person.
    pub fn yes(&self, printer: &Printer, question: &str, enter: bool) -> Result<bool, Failure> {
        let answer = self.yes_or_quit(printer, question, enter)?;
        Ok(answer.unwrap_or(false))
    }

    /// The same where `q` is neither: `None`.
    ///
    /// # Errors
    /// Stopped by the person.
    pub fn yes_or_quit(
        &self,
        printer: &Printer,
        question: &str,
        enter: bool,
    ) -> Result<Option<bool>, Failure> {
        let hint = if enter {
            "[Y/n, Enter means yes]"
        } else {
            "[y/N, Enter means no]"
        };
        loop {
            let answer = self.line(printer, &format!("{question} {hint}"))?;
            match answer.to_lowercase().as_str() {
                "" => return Ok(Some(enter)),
                "y" | "yes" => return Ok(Some(true)),
                "n" | "no" => return Ok(Some(false)),
                "q" | "quit" => return Ok(None),
                _ => printer.say("Please type y for yes or n for no, then press Enter."),
            }
        }
    }

    /// The numbers of the chosen things among `count`; Enter means all of them.
    ///
    /// # Errors
    /// Stopped by the person.
    pub fn numbers(
        &self,
        printer: &Printer,
        question: &str,
        count: usize,
    ) -> Result<Vec<usize>, Failure> {
        loop {
            let answer = self.line(printer, question)?;
            if answer.is_empty() {
                return Ok((0..count).collect());
            }
            if matches!(answer.as_str(), "q" | "Q") {
                return Err(Error::Stopped.into());
            }
            match numbers(&answer, count) {
                Some(chosen) => return Ok(chosen),
                None => printer.say(&format!(
                    "Please type numbers from 1 to {count}, with blanks between them."
                )),
            }
        }
    }

    /// One of `count` things, by its number; Enter means `enter`. Counted from 0.
    ///
    /// # Errors
    /// Stopped by the person.
    pub fn choice(
        &self,
        printer: &Printer,
        question: &str,
        count: usize,
        enter: usize,
    ) -> Result<usize, Failure> {
        let asked = format!("{question} [Enter means {}, q stops]", enter + 1);
        loop {
            let answer = self.line(printer, &asked)?;
            match answer.as_str() {
                "" => return Ok(enter),
                "q" | "Q" => return Err(Error::Stopped.into()),
                _ => {}
            }
            match answer.parse::<usize>() {
                Ok(number) if (1..=count).contains(&number) => return Ok(number - 1),
                _ => printer.say(&format!(
                    "Please type a number from 1 to {count}, then press Enter."
                )),
            }
        }
    }

    /// Whether a step is done, or more help is wanted.
    ///
    /// # Errors
    /// Stopped by the person.
    pub fn done(&self, printer: &Printer, help: bool) -> Result<Word, Failure> {
        let asked = if help {
            "Done? [Enter means yes, s shows more help, q stops here]"
        } else {
            "Done? [Enter means yes, q stops here]"
        };
        loop {
            match self.line(printer, asked)?.to_lowercase().as_str() {
                "" | "y" | "yes" => return Ok(Word::Done),
                "s" | "help" | "?" if help => return Ok(Word::Help),
                "q" | "quit" | "n" | "no" => return Err(Error::Stopped.into()),
                _ => printer.say("Please press Enter when it is done, or type q to stop here."),
            }
        }
    }

    /// The password, typed without being shown.
    ///
    /// # Errors
    /// Stopped by the person, or no terminal that could hide it.
    pub fn password(&self, printer: &Printer, user: &str) -> Result<SecretString, Failure> {
        let prompt = format!(
            "Password for {} (nothing will appear as you type)",
            safe(user)
        );
        if !self.terminal {
            return self.line(printer, &prompt).map(SecretString::from);
        }
        if printer.look.plain {
            return typed_unseen(printer, &prompt);
        }
        match dialoguer::Password::new()
            .with_prompt(prompt)
            .report(false)
            .interact()
        {
            Ok(password) => Ok(SecretString::from(password)),
            Err(dialoguer::Error::IO(error)) if error.kind() == io::ErrorKind::Interrupted => {
                Err(Error::Stopped.into())
            }
            Err(dialoguer::Error::IO(error)) => Err(anyhow::Error::new(error)
                .context("the password cannot be asked for")
                .into()),
        }
    }
}

/// The same without any redrawing, for terminals that can't and for people who listen.
fn typed_unseen(printer: &Printer, prompt: &str) -> Result<SecretString, Failure> {
    printer.ask(&format!("{}: ", wrap("", prompt)));
    let read = dialoguer::console::Term::stderr().read_secure_line();
    printer.say("\n");
    match read {
        Ok(password) => Ok(SecretString::from(password)),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Stopped.into()),
        Err(error) => Err(anyhow::Error::new(error)
            .context("the password cannot be asked for")
            .into()),
    }
}

/// `1 3`, `1,3`, `1-3`: places in a list, counted from 0, each once.
pub(super) fn numbers(answer: &str, count: usize) -> Option<Vec<usize>> {
    let mut chosen = Vec::new();
    for part in answer
        .split([' ', ',', ';'])
        .filter(|part| !part.is_empty())
    {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        if from == 0 || from > to || to > count {
            return None;
        }
        chosen.extend((from - 1)..to);
    }
    chosen.sort_unstable();
    chosen.dedup();
    (!chosen.is_empty()).then_some(chosen)
}

/// The password that the flags or the environment give; `None` where they give none.
///
/// # Errors
/// A file that others can read, or that can't be read.
pub fn given_password(flags: &Flags) -> Result<Option<SecretString>, Failure> {
    if flags.password_stdin {
        let read = first_line(io::stdin().lock());
        return read
            .map(Some)
            .map_err(|error| choice(format!("--password-stdin: {error}")));
    }
    if let Some(path) = &flags.password_file {
        return password_file(path).map(Some);
    }
    let given = std::env::var("SPECTRUM_MIGRATE_PASSWORD")
        .ok()
        .filter(|text| !text.is_empty());
    Ok(given.map(SecretString::from))
}

fn choice(detail: String) -> Failure {
    Error::Choice { detail }.into()
}

/// Whether the flags or the environment give a password, without reading it.
pub fn has_password(flags: &Flags) -> bool {
    flags.password_stdin
        || flags.password_file.is_some()
        || std::env::var_os("SPECTRUM_MIGRATE_PASSWORD").is_some_and(|text| !text.is_empty())
}

fn password_file(path: &Path) -> Result<SecretString, Failure> {
    let named = |detail: String| choice(format!("the password file {}: {detail}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| named(error.to_string()))?;
    let meta = file.metadata().map_err(|error| named(error.to_string()))?;
    if meta.is_file() && others_can_read(&meta) {
        return Err(named(
            "other users of this computer can read it, so it was not used. Make it private first: \
             chmod 600 and its name"
                .into(),
        ));
    }
    first_line(io::BufReader::new(file)).map_err(|error| named(error.to_string()))
}

#[cfg(unix)]
fn others_can_read(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

/// Files in a Windows profile are private unless somebody shared them; the mode bits say nothing there.
#[cfg(not(unix))]
fn others_can_read(_: &std::fs::Metadata) -> bool {
    false
}

/// The first line without its end; blanks belong to the password.
fn first_line(input: impl BufRead) -> io::Result<SecretString> {
    let mut line = String::with_capacity(LONGEST);
    input.take(LONGEST as u64).read_line(&mut line)?;
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    if line.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "there is no password on its first line",
        ));
    }
    Ok(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::print::{Look, Written};
    use secrecy::ExposeSecret;

    fn asker(answers: &'static str) -> Asker {
        Asker::reading(Box::new(answers.as_bytes()))
    }

    #[test]
    fn every_yes_or_no_question_says_what_enter_does() {
        let written = Written::default();
        let printer = written.printer(Look::default());
        assert!(asker("\n").yes(&printer, "Copy them now?", true).unwrap());
        assert!(
            !asker("\n")
                .yes(&printer, "Send the password there?", false)
                .unwrap()
        );
        assert!(asker("what\nYES\n").yes(&printer, "Again?", false).unwrap());
        insta::assert_snapshot!(written.err());
    }

    #[test]
    fn the_end_of_the_input_stops_the_run() {
        let printer = Written::default().printer(Look::default());
        assert!(
            asker("")
                .yes(&printer, "Copy?", true)
                .unwrap_err()
                .is_stop()
        );
        assert!(
            Asker::silent()
                .line(&printer, "Who?")
                .unwrap_err()
                .is_stop()
        );
    }

    #[test]
    fn numbers_are_taken_in_any_common_way() {
        assert_eq!(numbers("1 3", 4), Some(vec![0, 2]));
        assert_eq!(numbers("3,1;1", 4), Some(vec![0, 2]));
        assert_eq!(numbers("2-4", 4), Some(vec![1, 2, 3]));
        for wrong in ["0", "5", "a", "3-2", "-", ","] {
            assert_eq!(numbers(wrong, 4), None, "{wrong}");
        }
    }

    #[test]
    fn enter_chooses_everything_that_was_found() {
        let printer = Written::default().printer(Look::default());
        assert_eq!(
            asker("\n").numbers(&printer, "Which?", 3).unwrap(),
            [0, 1, 2]
        );
        assert_eq!(asker("9\n2\n").numbers(&printer, "Which?", 3).unwrap(), [1]);
        assert!(
            asker("q\n")
                .numbers(&printer, "Which?", 3)
                .unwrap_err()
                .is_stop()
        );
    }

    #[test]
    fn a_password_is_the_first_line_with_its_blanks() {
        let read = |text: &str| {
            first_line(text.as_bytes()).map(|secret| secret.expose_secret().to_string())
        };
        assert_eq!(read(" correct horse \r\nnext").unwrap(), " correct horse ");
        assert_eq!(read("einfach").unwrap(), "einfach");
        assert!(read("").is_err() && read("\n").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "secret\n").unwrap();
        let mode =
            |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        let refused = password_file(&path).unwrap_err();
        assert_eq!(refused.exit(), crate::cli::exit::Exit::Usage);
        assert!(crate::cli::words::screen(&refused).contains("chmod 600"));
        mode(0o600);
        assert_eq!(password_file(&path).unwrap().expose_secret(), "secret");
        assert!(password_file(&dir.path().join("missing")).is_err());
    }
}
