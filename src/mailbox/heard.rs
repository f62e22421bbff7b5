//! What the server said to people: its last words for error messages, alerts, and its goodbye.

use std::collections::VecDeque;

use secrecy::{ExposeSecret, SecretString};

use super::response::{Line, Status, line};

/// Lines kept for error messages.
const KEPT: usize = 8;

/// Longest text kept of a line, in characters.
const LONGEST: usize = 300;

/// Most alerts kept until someone asks for them.
const MOST_ALERTS: usize = 20;

#[derive(Default)]
pub(crate) struct Heard {
    words: VecDeque<String>,
    alerts: Vec<String>,
    bye: Option<String>,
    capabilities: Vec<String>,
    secrets: Vec<SecretString>,
}

impl Heard {
    /// Texts that are never kept, for servers that repeat the sign-in line in their answer.
    pub fn hide(&mut self, secrets: Vec<SecretString>) {
        self.secrets = secrets;
    }

    /// Takes note of a line that the server sent, without its line end.
    pub fn note(&mut self, raw: &[u8]) {
        match line(raw) {
            Line::Tagged(_, answer) | Line::Status(answer) => {
                let text = self.presentable(&answer.words);
                if answer.is_code("ALERT") && self.alerts.len() < MOST_ALERTS {
                    self.alerts.push(text.clone());
                }
                if answer.is_code("CAPABILITY") {
                    self.capabilities = atoms(answer.arguments().as_bytes());
                }
                if answer.status == Status::Bye {
                    self.bye = Some(text.clone());
                }
                self.keep(text);
            }
            Line::Data(data) => {
                if let Some(rest) = strip_word(data, b"CAPABILITY ") {
                    self.capabilities = atoms(rest);
                }
            }
            Line::Continue => {}
            Line::Strange => {
                let text = self.presentable(&String::from_utf8_lossy(raw));
                self.keep(text);
            }
        }
    }

    /// The last thing said.
    pub fn last(&self) -> Option<&str> {
        self.words.back().map(String::as_str)
    }

    /// What it said when it hung up.
    pub fn bye(&self) -> Option<&str> {
        self.bye.as_deref()
    }

    /// What it asked to be shown to people since the last call.
    pub fn take_alerts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.alerts)
    }

    /// What it last announced that it can do; empty afterwards.
    pub fn take_capabilities(&mut self) -> Vec<String> {
        std::mem::take(&mut self.capabilities)
    }

    fn keep(&mut self, text: String) {
        if self.words.len() == KEPT {
            self.words.pop_front();
        }
        self.words.push_back(text);
    }

    fn presentable(&self, text: &str) -> String {
        let mut text = text.to_string();
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if !secret.is_empty() {
                text = text.replace(secret, "[hidden]");
            }
        }
        text.chars().take(LONGEST).collect()
    }
}

fn atoms(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    text.split_ascii_whitespace()
        .take(500)
        .map(str::to_string)
        .collect()
}

/// What follows a word in capitals, whatever its case on the wire.
pub(crate) fn strip_word<'a>(data: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = data.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_and_goodbyes_are_kept() {
        let mut heard = Heard::default();
        heard.note(b"* OK [ALERT] 95% full");
        heard.note(b"* 23 EXISTS");
        heard.note(b"* BYE shutting down");
        assert_eq!(heard.take_alerts(), ["[ALERT] 95% full"]);
        assert_eq!(heard.take_alerts(), [""; 0]);
        assert_eq!(heard.bye(), Some("shutting down"));
        assert_eq!(heard.last(), Some("shutting down"));
    }

    #[test]
    fn capabilities_are_found_in_data_and_in_codes() {
        let mut heard = Heard::default();
        heard.note(b"* capability IMAP4rev2 Literal+");
        assert_eq!(heard.take_capabilities(), ["IMAP4rev2", "Literal+"]);
        heard.note(b"a1 OK [CAPABILITY IMAP4rev1 UIDPLUS] signed in");
        assert_eq!(heard.take_capabilities(), ["IMAP4rev1", "UIDPLUS"]);
    }

    #[test]
    fn a_password_that_the_server_repeats_is_not_kept() {
        let mut heard = Heard::default();
        heard.hide(vec!["hunter2".into(), "".into()]);
        heard.note(b"a1 BAD unknown: LOGIN jane hunter2");
        assert_eq!(heard.last(), Some("unknown: LOGIN jane [hidden]"));
    }

    #[test]
    fn a_talkative_server_fills_no_memory() {
        let mut heard = Heard::default();
        for _ in 0..1000 {
            heard.note(&[b"* NO [ALERT] ".as_slice(), &[b'x'; 5000]].concat());
        }
        assert_eq!(heard.words.len(), KEPT);
        assert_eq!(heard.alerts.len(), MOST_ALERTS);
        assert_eq!(heard.last().map(str::len), Some(LONGEST));
    }
}
