//! One signed-in connection: commands that `imap` runs for us, and commands over the wire with our own reader.
//!
//! `imap` signs in, lists, creates, subscribes, asks for quota and says goodbye. Everything that carries mail, or whose
//! answer `imap` would lose or panic on (EXAMINE with an untagged NO, FETCH, STORE, APPEND, NAMESPACE), goes over the wire.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::fetch::Input;
use super::guard::Guard;
use super::response::{Answer, Line, Status, line, literal_at_end};
use super::wire::{Stream, Wire};
use super::{Examined, MailboxName};
use crate::error::Error;

/// What is done with untagged data, without its `* `; `false` if it was not read and may be skipped.
pub(crate) type OnData<'a> = &'a mut dyn FnMut(&[u8], &mut dyn Input) -> io::Result<bool>;

/// A folder that is open at the moment.
pub(crate) struct Open {
    pub name: MailboxName,
    pub exists: u32,
    /// Opened with SELECT: never to be left by CLOSE, which expunges.
    pub selected: bool,
    /// The server lets nobody change it.
    pub read_only: bool,
}

pub(crate) struct Session<S: Stream> {
    /// `host:port`
    pub server: String,
    pub wire: Wire<S>,
    guard: Guard<S>,
    imap: imap::Session<Guard<S>>,
    /// What the server announced after the sign-in.
    pub announced: Vec<String>,
    pub open: Option<Open>,
    /// The flags that folders keep, once a SELECT of any connection of the run has told.
    pub kept: Arc<OnceLock<Examined>>,
    tags: u32,
}

impl<S: Stream> Session<S> {
    pub fn new(
        server: &str,
        wire: Wire<S>,
        guard: Guard<S>,
        imap: imap::Session<Guard<S>>,
    ) -> Session<S> {
        let server = server.to_string();
        Session {
            server,
            wire,
            guard,
            imap,
            announced: Vec::new(),
            open: None,
            kept: Arc::default(),
            tags: 0,
        }
    }

    /// Whether the server announced something.
    pub fn can(&self, ability: &str) -> bool {
        self.announced
            .iter()
            .any(|atom| atom.eq_ignore_ascii_case(ability))
    }

    /// Has `imap` run a command whose data begin with one of `wanted`. The inner error is the server's no.
    pub fn by_imap<T>(
        &mut self,
        doing: &str,
        wanted: &'static [&'static str],
        run: impl FnOnce(&mut imap::Session<Guard<S>>) -> imap::Result<T>,
    ) -> Result<Result<T, Answer>, Error> {
        self.guard.expect(wanted);
        let begun = Instant::now();
        match caught(&self.wire, doing, || run(&mut self.imap))? {
            Ok(value) => {
                self.wire.note_round_trip(begun.elapsed());
                Ok(Ok(value))
            }
            Err(error) => match self.guard.answer() {
                // The tagged line came: the connection is in step, whatever `imap` makes of the rest.
                Some(answer)
                    if !matches!(error, imap::Error::TagMismatch(_) | imap::Error::Io(_)) =>
                {
                    Ok(Err(answer))
                }
                _ => Err(self.lost(&error.to_string())),
            },
        }
    }

    /// Runs a command over the wire, and gives the server's answer, be it yes or no.
    pub fn ask(&mut self, command: &str, data: OnData<'_>) -> Result<Answer, Error> {
        let begun = Instant::now();
        let tag = self.send(command)?;
        let answer = self.receive(&tag, data)?;
        self.wire.note_round_trip(begun.elapsed());
        Ok(answer)
    }

    /// Sends a command and gives its tag. Its answer must be received before any command of `imap`'s.
    pub fn send(&mut self, command: &str) -> Result<String, Error> {
        if command.contains(['\r', '\n', '\0']) {
            return Err(Error::Bug {
                detail: "a command of more than one line".into(),
            });
        }
        self.tags += 1;
        let tag = format!("S{}", self.tags);
        let line = format!("{tag} {command}\r\n");
        self.wire
            .put(line.as_bytes())
            .and_then(|()| self.wire.send())
            .map_err(|error| self.lost(&error.to_string()))?;
        Ok(tag)
    }

    /// Reads up to the answer to a command.
    pub fn receive(&mut self, tag: &str, data: OnData<'_>) -> Result<Answer, Error> {
        self.read_answer(tag, data)
            .map_err(|error| self.lost(&error.to_string()))
    }

    fn read_answer(&self, own: &str, data: OnData<'_>) -> io::Result<Answer> {
        let mut input = &self.wire;
        loop {
            let raw = Input::line(&mut input)?;
            match line(&raw) {
                Line::Tagged(tag, answer) if tag == own.as_bytes() => {
                    self.wire.heard(|heard| heard.note(&raw));
                    return Ok(answer);
                }
                Line::Status(_) => self.wire.heard(|heard| heard.note(&raw)),
                Line::Data(told) => {
                    if !data(told, &mut input)? {
                        skip_literals(&raw, &mut input)?;
                    }
                }
                Line::Tagged(..) | Line::Continue | Line::Strange => {
                    self.wire.heard(|heard| heard.note(&raw));
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the server answered what makes no sense",
                    ));
                }
            }
        }
    }

    /// Ends a connection that is of no more use.
    pub fn lost(&self, detail: &str) -> Error {
        self.wire.close(detail);
        Error::ConnectionLost {
            server: self.server.clone(),
            detail: last_words(&self.wire, detail),
        }
    }
}

/// The server said no.
pub(crate) fn refused(doing: &str, answer: &Answer) -> Error {
    let words = if answer.words.is_empty() {
        answer.status.name()
    } else {
        &answer.words
    };
    if answer.status == Status::No && answer.class() == super::RefusalClass::OverQuota {
        return Error::MailboxFull {
            detail: words.into(),
        };
    }
    Error::ServerTrouble {
        doing: doing.into(),
        detail: words.into(),
    }
}

/// Runs something of `imap`'s. Should it panic, the connection is closed: nobody knows where it stands.
pub(crate) fn caught<S: Stream, T>(
    wire: &Wire<S>,
    doing: &str,
    run: impl FnOnce() -> T,
) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
        wire.close("the server's answer can't be read");
        let detail = last_words(wire, "the server's answer can't be read");
        Error::ServerTrouble {
            doing: doing.into(),
            detail,
        }
    })
}

/// Why the connection ended, with what the server said to it.
pub(crate) fn last_words<S: Stream>(wire: &Wire<S>, detail: &str) -> String {
    let why = wire.lost().unwrap_or_else(|| detail.to_string());
    wire.heard(|heard| match (heard.bye(), heard.last()) {
        (Some(bye), _) => format!("{why} (its last words: {bye})"),
        (None, Some(last)) if !last.is_empty() => format!("{why} (the last answer: {last})"),
        _ => why,
    })
}

fn skip_literals(raw: &[u8], input: &mut dyn Input) -> io::Result<()> {
    let mut next = literal_at_end(raw);
    while let Some(mut left) = next {
        let mut scrap = [0; 8192];
        while left > 0 {
            let most = usize::try_from(left)
                .unwrap_or(scrap.len())
                .min(scrap.len());
            let count = input.some(scrap.get_mut(..most).unwrap_or_default(), left)?;
            left = left.saturating_sub(count as u64);
        }
        next = literal_at_end(&input.line()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Plain, Server, signed_in};
    use super::*;

    fn session(script: impl FnOnce(&mut Server) + Send + 'static) -> Session<Plain> {
        let (session, _) = signed_in("", |server| {
            script(server);
            server.until_closed();
        });
        session
    }

    #[test]
    fn a_command_is_one_line() {
        let mut session = session(|_| {});
        for command in ["NOOP\r\nS2 DELETE Archive", "a\nb", "a\0"] {
            assert!(matches!(session.send(command), Err(Error::Bug { .. })));
        }
    }

    #[test]
    fn a_panic_of_imap_closes_the_connection_and_nothing_else() {
        let mut session = session(|_| {});
        let result: Result<Result<(), Answer>, Error> =
            session.by_imap("test", &[], |_| panic!("on purpose"));
        assert!(matches!(result, Err(Error::ServerTrouble { .. })));
        assert!(matches!(
            session.ask("NOOP", &mut |_, _| Ok(false)),
            Err(Error::ConnectionLost { .. })
        ));
    }

    #[test]
    fn an_answer_to_a_command_that_was_never_given_ends_the_connection() {
        for said in [
            "S9 OK done\r\n",
            "a7 OK done\r\n",
            "+ go\r\n",
            "rubbish\r\n",
        ] {
            let mut session = session(move |server| {
                server.answer(said);
            });
            let result = session.ask("NOOP", &mut |_, _| Ok(false));
            assert!(
                matches!(result, Err(Error::ConnectionLost { .. })),
                "{said}"
            );
        }
    }

    #[test]
    fn commands_of_both_kinds_follow_each_other() {
        let mut session = session(|server| {
            server.answer(
                "* X-ODD {3}\r\na\r\n rest {1}\r\nb\r\n{tag} NO [X] not today\r\n* 4 EXISTS\r\n",
            );
            server.answer("* 5 EXISTS\r\n{tag} NO [OVERQUOTA] full\r\n");
            server.answer("{tag} OK\r\n");
        });
        assert_eq!(
            session.ask("NOOP", &mut |_, _| Ok(false)).unwrap().words,
            "[X] not today"
        );
        let answer = session
            .by_imap("create", &[], |imap| imap.create("x"))
            .unwrap()
            .unwrap_err();
        assert!(
            matches!(refused("create", &answer), Error::MailboxFull { detail } if detail == "[OVERQUOTA] full")
        );
        assert_eq!(
            session.ask("NOOP", &mut |_, _| Ok(false)).unwrap().status,
            Status::Ok
        );
    }
}
