//! What went wrong, in plain words and always in the same order: what happened, what it means for the mail, what
//! to do, details. Nothing here asks anybody to call a number.

mod engine;
mod reasons;

pub use engine::{sentence, words as error_words};
pub use reasons::{conversion, reason};

use std::fmt;

use serde::Serialize;

use super::failure::{Answer, Failure, Situation};
use super::layout::{clean, wrap};
use spectrum_migrate::amount::{count, messages};

/// A failure in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// A name for programs.
    pub kind: &'static str,
    /// What happened.
    pub what: String,
    /// What it means for the person's mail.
    pub meaning: String,
    /// What can be done, best first.
    #[serde(rename = "try")]
    pub tries: Vec<String>,
    /// For a helper: the words of the server or the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl Words {
    fn new(kind: &'static str, what: impl Into<String>, meaning: impl Into<String>) -> Words {
        Words {
            kind,
            what: what.into(),
            meaning: meaning.into(),
            tries: Vec::new(),
            details: None,
        }
    }

    fn tries<const N: usize>(mut self, tries: [&str; N]) -> Words {
        self.tries.extend(tries.into_iter().map(String::from));
        self
    }

    fn details(mut self, details: impl Into<String>) -> Words {
        let details = details.into();
        self.details = (!details.trim().is_empty()).then_some(details);
        self
    }
}

/// As it is shown on the screen.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", wrap("x  ", &clean(&self.what)))?;
        writeln!(f, "{}", wrap("   ", &clean(&self.meaning)))?;
        if !self.tries.is_empty() {
            writeln!(f, "   Try")?;
        }
        for one in &self.tries {
            writeln!(f, "{}", wrap("     - ", &clean(one)))?;
        }
        match &self.details {
            Some(details) => writeln!(f, "{}", wrap("   Details: ", &clean(details))),
            None => Ok(()),
        }
    }
}

/// What a failure means for the mail.
fn meaning(situation: Situation) -> String {
    match situation {
        Situation::Untouched => "Your mail is safe; nothing was changed.".into(),
        Situation::Copied { done: 0, .. } => {
            "Nothing was copied yet. Your old mail is untouched.".into()
        }
        Situation::Copied { done, of } if done >= of => format!(
            "{} are on the server and recorded. Your old mail is untouched.",
            messages(done)
        ),
        Situation::Copied { done, of } => format!(
            "{} of {} are on the server and recorded. The rest are still on this computer, untouched.",
            count(done),
            messages(of)
        ),
        Situation::Unchecked { done } => format!(
            "{} are on the server, but the copy is not checked yet. Your old mail is untouched.",
            messages(done)
        ),
    }
}

/// Any failure in words.
pub fn words(failure: &Failure) -> Words {
    match failure {
        Failure::Engine { error, situation } => engine::words(error, *situation),
        Failure::Missing(answers) => missing(answers),
        Failure::Mistyped { what, tries } => Words {
            tries: tries.clone(),
            ..Words::new("mistyped", what, "Nothing was changed.")
        },
        Failure::NotSpectrum(email) => Words::new(
            "not_spectrum",
            format!("{email} is not an address of Spectrum's"),
            meaning(Situation::Untouched),
        )
        .tries([
            "Look for a typing mistake. Spectrum's addresses end in charter.net, spectrum.net, twc.com, \
             roadrunner.com, rr.com, brighthouse.com or bresnan.net.",
            "If the mailbox is with another provider, give its mail server: --server HOST",
        ]),
        Failure::NothingFound => Words::new(
            "nothing_found",
            "No old mail that this program can read was found on this computer",
            "It can be there all the same: only the usual places were looked at. Nothing was changed.",
        )
        .tries([
            "If you know the file or the folder, name it: --source PATH",
            "Look in your mail program's account settings for the place where it keeps its mail.",
            "On another disk or an old computer? Connect it, or copy the folder here.",
        ]),
        Failure::NoReport(place) => Words::new(
            "no_report",
            "There is no report of an earlier run for this address",
            "Nothing was changed.",
        )
        .tries(["A report is kept after every copy. To see what would be copied: spectrum-migrate plan"])
        .details(format!("looked in {place}")),
        Failure::Unexpected(error) => Words::new(
            "unexpected",
            "Something went wrong that this program did not expect",
            "Nothing was deleted anywhere, and your old mail is untouched.",
        )
        .tries(["Run it again. What was copied is recorded and not sent twice."])
        .details(format!("{error:#}")),
    }
}

fn missing(answers: &[Answer]) -> Words {
    let mut words = Words::new(
        "missing_answers",
        "Questions cannot be asked here, and these answers are missing",
        "Nothing was changed.",
    );
    words.tries = answers
        .iter()
        .map(|answer| {
            let (flag, more) = answer.flag();
            format!("{flag} {more}")
        })
        .collect();
    words
}

/// The screen of a failure. Being stopped by the person is no failure to them.
pub fn screen(failure: &Failure) -> String {
    match failure {
        Failure::Engine {
            error: spectrum_migrate::Error::Stopped,
            situation,
        } => stopped(*situation),
        Failure::Missing(answers) => {
            let line = |answer: &Answer| {
                let (flag, more) = answer.flag();
                format!("  {flag:<24} {more}\n")
            };
            let lines: String = answers.iter().map(line).collect();
            format!(
                "spectrum-migrate: cannot ask questions here, and these answers are missing:\n{lines}"
            )
        }
        other => words(other).to_string(),
    }
}

fn stopped(situation: Situation) -> String {
    match situation {
        Situation::Untouched => "Stopped. Nothing was changed.\n".into(),
        Situation::Copied { done, of } => format!(
            "Stopped. {} of {} are on the server and recorded.\nTo go on:  spectrum-migrate copy\n",
            count(done),
            messages(of)
        ),
        Situation::Unchecked { done } => format!(
            "Stopped. {} are on the server, but the copy is not checked yet.\nTo check it:  spectrum-migrate verify\n",
            messages(done)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A screen with its exit code, as the tests of every screen show it.
    pub fn with_code(failure: &Failure) -> String {
        format!("{}exit {}\n", screen(failure), failure.exit().code())
    }

    #[test]
    fn missing_answers_are_named_all_at_once() {
        let all = [
            Answer::Email,
            Answer::Server,
            Answer::Password,
            Answer::Source,
            Answer::Yes,
        ];
        insta::assert_snapshot!(with_code(&Failure::Missing(all.to_vec())));
    }

    #[test]
    fn failures_outside_the_library_have_words() {
        let context = anyhow::anyhow!("disk full").context("the report cannot be written");
        let shown = [
            Failure::NotSpectrum("jane@exam\x1bple.org".into()),
            Failure::NothingFound,
            Failure::NoReport("/home/jane/.local/state/spectrum-migrate".into()),
            Failure::Unexpected(context),
        ];
        insta::assert_snapshot!(shown.iter().map(with_code).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_backtrace_is_never_shown() {
        let failure = Failure::Unexpected(anyhow::anyhow!("x"));
        assert!(!screen(&failure).contains("backtrace"));
    }

    #[test]
    fn programs_get_the_same_four_parts() {
        let words = words(&Failure::NotSpectrum("a@b".into()));
        let json = serde_json::to_value(&words).unwrap();
        let names: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(names, ["kind", "meaning", "try", "what"]);
    }
}
