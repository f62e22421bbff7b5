//! What `imap` gets to see: answers that it can read, and none that make it panic or lose its place.
//!
//! `imap` 3.0.0-alpha.15 takes an untagged line it does not expect for a failure, reads 8-bit words and unknown data
//! as a goodbye, and drops the server's words. So it is given only the data that its command asked for, each checked
//! with its own parser, and a plain tagged line; the real words are kept here.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::heard::strip_word;
use super::response::{Answer, Line, line, literal_at_end};
use super::wire::{Stream, Wire};

/// Longest time that one command may take, however much the server talks.
const LONGEST: Duration = Duration::from_secs(300);

/// Most bytes that one command may bring.
const MOST: usize = 32 * 1024 * 1024;

/// Longest literal in data that `imap` is given: folder names.
const LONGEST_LITERAL: u64 = 16 * 1024;

/// A clone of this is the stream of `imap::Client`, another stays with us.
pub(crate) struct Guard<S: Stream> {
    wire: Wire<S>,
    state: Arc<Mutex<State>>,
}

impl<S: Stream> Clone for Guard<S> {
    fn clone(&self) -> Guard<S> {
        Guard {
            wire: self.wire.clone(),
            state: Arc::clone(&self.state),
        }
    }
}

struct State {
    /// The data that the command of the moment is about (`LIST `), or `+`.
    wanted: &'static [&'static str],
    /// Whether the next line is the greeting.
    greeting: bool,
    answer: Option<Answer>,
    limit: Instant,
    room: usize,
    out: Vec<u8>,
    at: usize,
}

impl<S: Stream> Guard<S> {
    /// A guard before the greeting.
    pub fn new(wire: Wire<S>) -> Guard<S> {
        let state = State {
            wanted: &[],
            greeting: true,
            answer: None,
            limit: Instant::now() + LONGEST,
            room: MOST,
            out: Vec::new(),
            at: 0,
        };
        Guard {
            wire,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Makes ready for a command of `imap`.
    pub fn expect(&self, wanted: &'static [&'static str]) {
        let mut state = self.lock();
        state.wanted = wanted;
        state.answer = None;
        state.limit = Instant::now() + LONGEST;
        state.room = MOST;
    }

    /// What the server answered to the command, if it did.
    pub fn answer(&self) -> Option<Answer> {
        self.lock().answer.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next thing that `imap` may see.
    fn next(&self, state: &mut State) -> io::Result<Vec<u8>> {
        loop {
            let raw = self.wire.line(state.limit)?;
            state.room = state
                .room
                .checked_sub(raw.len())
                .ok_or_else(|| self.refuse("the server answers without end"))?;
            self.wire.heard(|heard| heard.note(&raw));
            if std::mem::take(&mut state.greeting) {
                return Ok([&raw, b"\r\n".as_slice()].concat());
            }
            match line(&raw) {
                Line::Tagged(tag, answer) => {
                    let plain = [tag, b" ", answer.status.name().as_bytes(), b" -\r\n"].concat();
                    state.answer = Some(answer);
                    return Ok(plain);
                }
                Line::Continue if state.wanted.contains(&"+") => return Ok(b"+\r\n".to_vec()),
                Line::Continue | Line::Strange => {
                    return Err(self.refuse("the server answered what makes no sense"));
                }
                Line::Status(_) => {}
                Line::Data(data) => {
                    let wanted = state
                        .wanted
                        .iter()
                        .any(|word| strip_word(data, word.as_bytes()).is_some());
                    let whole = self.without_literals(&raw, state)?;
                    if wanted && matches!(imap_proto::parser::parse_response(&whole), Ok((b"", _)))
                    {
                        return Ok(whole);
                    }
                }
            }
        }
    }

    /// Reads the rest of a response, and makes quoted strings of its literals: `imap` gives names away without
    /// telling which of the two they were, and only one of them has escapes.
    fn without_literals(&self, raw: &[u8], state: &mut State) -> io::Result<Vec<u8>> {
        let mut whole = raw.to_vec();
        while let Some(length) = literal_at_end(&whole) {
            if length > LONGEST_LITERAL {
                return Err(self.refuse("the server sends a name that is much too long"));
            }
            let mut literal = vec![0; length as usize];
            let mut filled = 0;
            while let Some(rest) = literal.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                filled += self.wire.some(rest, state.limit)?;
            }
            let start = whole
                .iter()
                .rposition(|byte| *byte == b'{')
                .unwrap_or(whole.len());
            whole.truncate(start);
            whole.push(b'"');
            for byte in literal {
                if byte == b'"' || byte == b'\\' {
                    whole.push(b'\\');
                }
                whole.push(byte);
            }
            whole.push(b'"');
            whole.extend(self.wire.line(state.limit)?);
            let size = whole.len();
            state.room = state
                .room
                .checked_sub(size)
                .ok_or_else(|| self.refuse("the server answers without end"))?;
        }
        whole.extend(b"\r\n");
        Ok(whole)
    }

    fn refuse(&self, why: &str) -> io::Error {
        self.wire.close(why);
        io::Error::new(ErrorKind::InvalidData, why)
    }
}

impl<S: Stream> Read for Guard<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut state = self.lock();
        if state.at >= state.out.len() {
            state.out = self.next(&mut state)?;
            state.at = 0;
        }
        let rest = state.out.get(state.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        state.at += count;
        Ok(count)
    }
}

impl<S: Stream> Write for Guard<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wire.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.send()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Plain, serve};
    use super::*;
    use proptest::prelude::*;

    type Client = imap::Client<Guard<Plain>>;

    /// A client that has read its greeting, of a server that answers one command after the other, and hangs up.
    fn client(answers: Vec<Vec<u8>>) -> (Client, Guard<Plain>) {
        let (ours, _) = serve(move |server| {
            server.say("* OK hello\r\n");
            for answer in answers {
                server.line();
                server.say(answer);
            }
        });
        let guard = Guard::new(Wire::new(ours).unwrap());
        let mut client = imap::Client::new(guard.clone());
        assert_eq!(client.read_greeting().unwrap(), b"* OK hello\r\n");
        (client, guard)
    }

    #[test]
    fn lines_that_confuse_imap_do_not_reach_it() {
        // Each of these is a failure, a panic or a goodbye to `imap` alone.
        let said = [
            b"* 23 EXISTS\r\n* X-NEW-THING (a b c\r\n* NO [ALERT] near quota\r\n* ENABLED X\r\n* VANISHED 5:7\r\n".as_slice(),
            b"* LIST () \"/\" Other\r\n* BYE shutting down\r\n* STATUS x (SIZE 5)\r\n* LIST () \"/\" {3}\r\na\"b\r\n",
            b"a1 OK [X-FOO bar] bienvenue \xe9\r\n",
        ];
        let (client, guard) = client(vec![said.concat()]);
        guard.expect(&[]);
        assert!(client.login("jane", "secret").is_ok());
        assert_eq!(
            guard.answer().unwrap().words,
            "[X-FOO bar] bienvenue \u{fffd}"
        );
        assert_eq!(
            guard.wire.heard(|heard| heard.take_alerts()),
            ["[ALERT] near quota"]
        );
        assert_eq!(
            guard
                .wire
                .heard(|heard| heard.bye().map(str::to_string))
                .as_deref(),
            Some("shutting down")
        );
    }

    #[test]
    fn the_words_of_a_refusal_are_kept() {
        let (client, guard) = client(vec![
            b"a1 NO [AUTHENTICATIONFAILED] D\xe9sol\xe9\r\n".to_vec(),
        ]);
        guard.expect(&[]);
        let refused = client.login("jane", "secret").err().map(|(error, _)| error);
        assert!(matches!(refused, Some(imap::Error::No(_))));
        assert_eq!(
            guard.answer().unwrap().words,
            "[AUTHENTICATIONFAILED] D\u{fffd}sol\u{fffd}"
        );
    }

    #[test]
    fn names_in_literals_come_as_quoted_ones_and_unreadable_ones_not_at_all() {
        let said = [
            b"* LIST (\\HasChildren) \"/\" \"a\\\"b\"\r\n* LIST () \"/\" {5}\r\nc\"\\ d\r\n".as_slice(),
            b"* LIST () \"/\" \"caf\xe9\"\r\n* LIST (\\Sent) \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n",
            b"* LIST () NIL INBOX\r\na2 OK\r\n",
        ];
        let (client, guard) = client(vec![b"a1 OK\r\n".to_vec(), said.concat()]);
        guard.expect(&[]);
        let mut session = client
            .login("jane", "secret")
            .map_err(|(error, _)| error)
            .unwrap();
        guard.expect(&["LIST "]);
        let names = session.list(None, Some("\"*\"")).unwrap();
        let names: Vec<&str> = names.iter().map(|name| name.name()).collect();
        assert_eq!(names, ["a\\\"b", "c\\\"\\\\ d", "INBOX"]);
    }

    #[test]
    fn a_server_that_never_ends_fills_no_memory() {
        let (client, guard) = client(vec![b"* 1 EXISTS\r\n* 2 EXISTS\r\n* 3 EXISTS\r\n".to_vec()]);
        guard.expect(&[]);
        guard.lock().room = 20;
        assert!(client.login("jane", "secret").is_err());
        assert!(guard.wire.lost().is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_a_server_says_makes_imap_panic(first in speech(), second in speech()) {
            let (client, guard) = client(vec![first, [b"a1 OK\r\n", second.as_slice()].concat()]);
            guard.wire.set_silence(Duration::from_millis(30));
            guard.expect(&["CAPABILITY "]);
            if let Ok(mut session) = client.login("jane", "secret") {
                guard.expect(&["LIST "]);
                let _ = session.list(None, Some("\"*\""));
            }
        }
    }

    fn speech() -> impl Strategy<Value = Vec<u8>> {
        let words = vec![
            "* ",
            "a1 ",
            "a2 ",
            "OK ",
            "NO ",
            "BAD ",
            "BYE ",
            "[ALERT] ",
            "[UIDNEXT x] ",
            "[APPENDUID 1] ",
            "LIST () ",
            "\"/\" ",
            "NIL ",
            "{3}",
            "\r\n",
            "\n",
            "FETCH (",
            "CAPABILITY ",
            "IMAP4rev1 ",
            "5 ",
            "EXISTS",
            "+ ",
            "\"",
            "(",
            ")",
            "é",
            "a1 OK\r\n",
        ];
        proptest::collection::vec(proptest::sample::select(words), 0..40)
            .prop_map(|words| words.concat().into_bytes())
    }
}
