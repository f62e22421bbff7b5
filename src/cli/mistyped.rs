//! A command line that is not understood, in the same words as every other failure.

use std::error::Error;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::{Flags, Format};
use super::failure::Failure;
use super::words::sentence;

const HELP: &str = "spectrum-migrate --help lists every command and option.";

/// What was typed wrong, and what was probably meant.
pub fn failure(error: &clap::Error) -> Failure {
    let typed = text(error, ContextKind::InvalidArg);
    let (what, mut tries) = match error.kind() {
        ErrorKind::InvalidSubcommand => no_command(error),
        ErrorKind::UnknownArgument => unknown(error, &typed),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => bad_value(error, &typed),
        ErrorKind::ArgumentConflict => (format!("{typed} stands there twice"), Vec::new()),
        _ => (
            "The command line is not understood".into(),
            vec![first_line(error)],
        ),
    };
    tries.push(HELP.into());
    Failure::Mistyped { what, tries }
}

/// The flags that say how a failure is shown, as far as they can be told where not all is understood.
pub fn flags(words: impl Iterator<Item = std::ffi::OsString>) -> Flags {
    let words: Vec<_> = words.collect();
    let two = |pair: &[_]| matches!(pair, [flag, value] if flag == "--format" && value == "json");
    let json = words.iter().any(|word| word == "--format=json") || words.windows(2).any(two);
    Flags {
        format: if json { Format::Json } else { Format::Text },
        plain: words.iter().any(|word| word == "--plain"),
        ..Flags::default()
    }
}

fn no_command(error: &clap::Error) -> (String, Vec<String>) {
    let typed = text(error, ContextKind::InvalidSubcommand);
    let meant = suggestions(error, ContextKind::SuggestedSubcommand);
    let meant = meant.map(|name| format!("Did you mean spectrum-migrate {name}?"));
    (format!("There is no command {typed}"), meant.collect())
}

fn unknown(error: &clap::Error, typed: &str) -> (String, Vec<String>) {
    if typed == "--password" {
        let what = "A password is never typed on the command line, where others could see it";
        let tries = [
            "Leave it out: the program asks for it, and nothing appears as you type.",
            "In a script: --password-file FILE or --password-stdin",
        ];
        return (what.into(), tries.map(String::from).into());
    }
    if typed.starts_with('-') {
        let meant = suggestions(error, ContextKind::SuggestedArg);
        let meant = meant.map(|flag| format!("Did you mean {flag}?"));
        return (format!("There is no option {typed}"), meant.collect());
    }
    let tries = if typed.contains('@') {
        format!("Is it your email address? Write --email {typed}")
    } else {
        format!("Is it a file or folder with old mail? Write --source \"{typed}\"")
    };
    let what = format!("It is not clear what {typed} is meant to be");
    (what, vec![tries])
}

fn bad_value(error: &clap::Error, flag: &str) -> (String, Vec<String>) {
    let typed = text(error, ContextKind::InvalidValue);
    let what = if typed.is_empty() {
        format!("Something is missing after {flag}")
    } else {
        format!("{typed} cannot stand after {flag}")
    };
    let possible: Vec<String> = suggestions(error, ContextKind::ValidValue).collect();
    let tries = match error.source() {
        Some(why) => vec![format!("{}.", sentence(&why.to_string()))],
        None if possible.is_empty() => Vec::new(),
        None => vec![format!("Possible: {}", possible.join(", "))],
    };
    (what, tries)
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    suggestions(error, kind).next().unwrap_or_default()
}

fn suggestions(error: &clap::Error, kind: ContextKind) -> impl Iterator<Item = String> {
    let found = match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(all)) => all.clone(),
        _ => Vec::new(),
    };
    found.into_iter().take(8)
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use crate::cli::layout::clean;
    use crate::cli::words;
    use clap::Parser;

    fn shown(line: &str) -> String {
        let typed = std::iter::once("spectrum-migrate").chain(line.split_whitespace());
        let failure = failure(&Cli::try_parse_from(typed).unwrap_err());
        let screen = words::screen(&failure);
        assert!(
            screen.lines().all(|line| line.chars().count() <= 80),
            "{screen}"
        );
        format!(
            "$ {}\n{screen}exit {}\n",
            clean(line),
            failure.exit().code()
        )
    }

    #[test]
    fn what_is_mistyped_is_told_in_plain_words_with_what_was_meant() {
        let lines = [
            "fnid",
            "xyz",
            "plan jane@charter.net",
            "rehearse Mail/Inbox",
            "copy --password hunter2",
            "copy --password=hunter2",
            "copy --sorce x",
            "settings --email",
            "rehearse --since 01/02/2010",
            "rehearse --map Inbox",
            "check --server localhost:many",
            "find --format xml",
            "find --format json --format text",
            "plan \x1b[2J",
        ];
        insta::assert_snapshot!(lines.map(shown).join("\n"));
    }

    #[test]
    fn a_script_that_wants_json_gets_its_mistakes_as_json() {
        let format = |line: &str| flags(line.split_whitespace().map(Into::into)).format;
        assert_eq!(format("spectrum-migrate fnid --format json"), Format::Json);
        assert_eq!(format("spectrum-migrate --format=json fnid"), Format::Json);
        assert_eq!(format("spectrum-migrate fnid json"), Format::Text);
    }
}
