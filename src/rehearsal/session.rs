//! One connection: reads a command, has it done, answers.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::answer::Reply;
use super::line::{Line, Link};
use super::parse::{Literal, Parser, Token, trailing};
use super::selected::Selected;
use super::sign_in::Account;
use super::store::Store;

/// A client that says nothing for so long is sent away (RFC 9051, 5.4: thirty minutes at least).
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// How often IDLE looks for news.
const GLANCE: Duration = Duration::from_millis(500);

/// Bytes of literals that a command other than APPEND may hold.
const LITERALS: u64 = 64 * 1024;

/// A refused literal that is sent all the same is read and thrown away, up to this size.
const PASSED_OVER: u64 = 8 << 30;

/// One connection.
pub(super) struct Session<'a, L> {
    pub(super) line: Line<L>,
    pub(super) store: &'a Store,
    pub(super) selected: Option<Selected>,
    pub(super) account: &'a Account,
    pub(super) signed_in: bool,
    /// Wrong passwords so far.
    pub(super) wrong: u32,
    pub(super) open: bool,
}

/// What a client sent as one command.
enum Sent {
    Whole(Vec<Token>),
    /// An APPEND up to its first literal: messages are too large to be tokens.
    Append(Parser, Option<Literal>),
    Wrong(&'static str),
}

impl<'a, L: Link> Session<'a, L> {
    pub(super) fn new(link: L, store: &'a Store, account: &'a Account) -> Session<'a, L> {
        Session {
            line: Line::new(link),
            store,
            selected: None,
            account,
            signed_in: false,
            wrong: 0,
            open: true,
        }
    }

    /// Serves the client until it leaves, one way or another.
    pub(super) fn run(mut self) {
        let farewell = match self.serve() {
            Ok(()) => return,
            Err(error) => match error.kind() {
                ErrorKind::InvalidData => "* BYE that is more than I can read\r\n",
                ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                    "* BYE nothing was said for too long\r\n"
                }
                _ => return,
            },
        };
        // If this fails too, nobody is left to hear it.
        let _ = self.line.send(farewell.as_bytes());
        let _ = self.line.flush();
    }

    fn serve(&mut self) -> io::Result<()> {
        self.line.set_patience(PATIENCE)?;
        let greeting = format!(
            "* OK [CAPABILITY {}] practice server: nothing here is kept\r\n",
            self.capabilities()
        );
        self.line.send(greeting.as_bytes())?;
        while self.open {
            let line = self.line.line()?;
            if !line.is_empty() {
                self.command(&line)?;
            }
        }
        self.line.flush()
    }

    fn command(&mut self, line: &[u8]) -> io::Result<()> {
        let tag = tag_of(line);
        let (reply, expunges) = match self.sent(line)? {
            Sent::Wrong(why) => (Reply::bad(why), false),
            Sent::Append(_, literal) if !self.signed_in => {
                self.pass_over(literal)?;
                (Reply::bad("please sign in first"), false)
            }
            Sent::Append(parser, literal) => (self.append(parser, literal)?, true),
            Sent::Whole(tokens) => self.whole(&tokens)?,
        };
        self.news(expunges)?;
        self.line.send(reply.line(&tag).as_bytes())
    }

    /// Reads on until the command is whole.
    fn sent(&mut self, line: &[u8]) -> io::Result<Sent> {
        let mut parser = Parser::default();
        let mut read = parser.line(line);
        if let (Ok(literal), [_, name, ..]) = (read, parser.so_far())
            && name.word().as_deref() == Some("APPEND")
        {
            return Ok(Sent::Append(parser, literal));
        }
        let mut line = line.to_vec();
        let mut held = 0u64;
        loop {
            let literal = match read {
                Ok(None) => break,
                Ok(Some(literal)) => literal,
                Err(why) => {
                    self.pass_over(trailing(&line))?;
                    return Ok(Sent::Wrong(why.0));
                }
            };
            held = held.saturating_add(literal.size);
            if held > LITERALS {
                self.pass_over(Some(literal))?;
                return Ok(Sent::Wrong("that is too long"));
            }
            parser.literal(self.small_literal(literal)?);
            line = self.line.line()?;
            read = parser.line(&line);
        }
        Ok(parser
            .take()
            .map_or_else(|why| Sent::Wrong(why.0), Sent::Whole))
    }

    /// Reads a literal into memory, whose size has been looked at.
    pub(super) fn small_literal(&mut self, literal: Literal) -> io::Result<Vec<u8>> {
        self.go_ahead(literal)?;
        let mut bytes = Vec::new();
        self.line
            .literal(literal.size, |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }

    /// Asks for a literal whose sender waits.
    pub(super) fn go_ahead(&mut self, literal: Literal) -> io::Result<()> {
        if literal.waits {
            self.line.send(b"+ go ahead\r\n")
        } else {
            Ok(())
        }
    }

    /// Reads what comes of a command that has failed, so that none of it is taken for another command.
    /// A client that waits for our `+` sends nothing more once it has heard NO or BAD.
    pub(super) fn pass_over(&mut self, mut literal: Option<Literal>) -> io::Result<()> {
        while let Some(Literal { size, waits: false }) = literal {
            if size > PASSED_OVER {
                return Err(io::Error::new(ErrorKind::InvalidData, "literal too long"));
            }
            self.line.literal(size, |_| ())?;
            literal = trailing(&self.line.line()?);
        }
        Ok(())
    }

    /// Does a command. The second value says whether the client may hear of expunged messages now.
    fn whole(&mut self, tokens: &[Token]) -> io::Result<(Reply, bool)> {
        let [_, name, args @ ..] = tokens else {
            return Ok((Reply::bad("a command is missing"), false));
        };
        let Some(name) = name.word() else {
            return Ok((Reply::bad("that is no command"), false));
        };
        if let Some(reply) = self.anyone(&name, args)? {
            return Ok((reply, self.signed_in));
        }
        if !self.signed_in {
            return Ok((Reply::bad("please sign in first"), false));
        }
        match (name.as_str(), args) {
            ("UID", [name, args @ ..]) => {
                let name = name.word().unwrap_or_default();
                Ok((self.on_messages(&name, args, true)?, true))
            }
            ("FETCH" | "STORE" | "SEARCH", _) => Ok((self.on_messages(&name, args, false)?, false)),
            ("COPY" | "MOVE", _) => Ok((self.on_messages(&name, args, false)?, true)),
            _ => Ok((self.on_folders(&name, args)?, true)),
        }
    }

    /// What a client may do before it has signed in.
    fn anyone(&mut self, name: &str, args: &[Token]) -> io::Result<Option<Reply>> {
        Ok(Some(match name {
            "CAPABILITY" => {
                let line = format!("* CAPABILITY {}\r\n", self.capabilities());
                self.line.send(line.as_bytes())?;
                Reply::ok("that is all")
            }
            "NOOP" => Reply::ok("nothing done"),
            "ID" => {
                self.line
                    .send(b"* ID (\"name\" \"spectrum-migrate practice server\")\r\n")?;
                Reply::ok("pleased to meet you")
            }
            "LOGOUT" => {
                self.open = false;
                self.line.send(b"* BYE goodbye\r\n")?;
                Reply::ok("goodbye")
            }
            "LOGIN" | "AUTHENTICATE" if self.signed_in => Reply::bad("you are signed in already"),
            "LOGIN" => self.login(args)?,
            "AUTHENTICATE" => self.authenticate(args)?,
            _ => return Ok(None),
        }))
    }

    /// Waits for the client's DONE, and tells it meanwhile what happens in its folder (RFC 2177).
    pub(super) fn idle(&mut self) -> io::Result<Reply> {
        self.line.send(b"+ waiting\r\n")?;
        self.line.set_patience(GLANCE)?;
        let mut glances = PATIENCE.as_millis() / GLANCE.as_millis();
        let said = loop {
            match self.line.line() {
                Err(error)
                    if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
                        && glances > 0 =>
                {
                    glances -= 1;
                    self.news(true)?;
                    self.line.flush()?;
                }
                other => break other?,
            }
        };
        self.line.set_patience(PATIENCE)?;
        if said.eq_ignore_ascii_case(b"DONE") {
            Ok(Reply::ok("welcome back"))
        } else {
            Ok(Reply::bad("DONE was expected"))
        }
    }

    pub(super) fn capabilities(&self) -> String {
        format!(
            "IMAP4rev1 LITERAL+ MULTIAPPEND UIDPLUS MOVE NAMESPACE QUOTA QUOTA=RES-STORAGE SPECIAL-USE \
             UNSELECT ID CHILDREN IDLE ENABLE AUTH=PLAIN SASL-IR APPENDLIMIT={}",
            self.store.limits.message
        )
    }
}

/// The tag of a command, or `*` where it has none that could be repeated.
fn tag_of(line: &[u8]) -> String {
    let tag = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"(){%*\"\\+".contains(byte);
    let fits = !tag.is_empty() && tag.len() <= 100 && tag.iter().all(plain);
    if fits {
        String::from_utf8_lossy(tag).into_owned()
    } else {
        "*".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::testing::{SMALL, answers_to, append, small_store, talk};
    use proptest::prelude::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn inbox_holds(store: &Store) -> usize {
        let state = store.state();
        state.folders[&crate::mailbox::MailboxName::inbox()]
            .messages
            .len()
    }

    #[test]
    fn nothing_is_told_or_taken_before_the_sign_in() {
        let store = small_store();
        let said = format!(
            "1 LIST \"\" *\r\n2 SELECT INBOX\r\n{}3 NOOP\r\n",
            append("x LOGOUT")
        );
        let heard = text(&answers_to(&store, said.as_bytes()));
        for line in ["1 BAD", "2 BAD", "app BAD", "3 OK"] {
            assert!(heard.contains(&format!("\r\n{line} ")), "{heard}");
        }
        assert_eq!(heard.lines().count(), 5, "{heard}");
        assert_eq!(inbox_holds(&store), 0);
    }

    #[test]
    fn mail_in_a_wrong_command_is_never_taken_for_commands() {
        let store = small_store();
        let evil = "x1 CREATE Evil\r\nx2 LOGOUT\r\n";
        let size = evil.len();
        let heard = talk(
            &store,
            format!(
                "a FROB ((x {{{size}+}}\r\n{evil} {{{size}+}}\r\n{evil}\r\n\
                 b CREATE {{70000+}}\r\n{} {{{size}+}}\r\n{evil}\r\n\
                 c APPEND INBOX (\\Recent) {{{size}+}}\r\n{evil} {{{size}+}}\r\n{evil}\r\nd NOOP\r\n",
                "y".repeat(70000)
            ),
        );
        let lines: Vec<&str> = heard
            .lines()
            .map(|line| line.split_once(' ').unwrap().0)
            .collect();
        assert_eq!(lines, ["a", "b", "c", "d"], "{heard}");
        assert!(heard.contains("a BAD") && heard.contains("b BAD") && heard.contains("c BAD"));
    }

    #[test]
    fn a_line_or_a_literal_beyond_all_bounds_ends_the_connection() {
        let heard = talk(&small_store(), vec![b'x'; 200_000]);
        assert!(
            heard.ends_with("* BYE that is more than I can read\r\n"),
            "{heard}"
        );
        let heard = talk(
            &small_store(),
            "a CREATE {99999999999999999999+}\r\nb LOGOUT\r\n",
        );
        assert!(heard.starts_with("* BYE"), "{heard}");
    }

    #[test]
    fn a_client_that_waits_is_refused_before_it_sends() {
        let heard = talk(&small_store(), "a CREATE {70000}\r\nb NOOP\r\n");
        assert!(
            heard.starts_with("a BAD") && heard.contains("b OK") && !heard.contains('+'),
            "{heard}"
        );
    }

    #[test]
    fn the_capabilities_tell_the_limit_of_a_message() {
        let heard = talk(&small_store(), "a CAPABILITY\r\n");
        assert!(heard.contains(&format!("APPENDLIMIT={}\r\n", SMALL.message)));
    }

    #[test]
    fn idle_ends_with_done() {
        let heard = talk(
            &small_store(),
            "a SELECT INBOX\r\nb IDLE\r\nDONE\r\nc NOOP\r\n",
        );
        assert!(heard.contains("+ waiting\r\nb OK"), "{heard}");
        assert!(heard.contains("c OK"));
    }

    fn half_sensible() -> impl Strategy<Value = Vec<u8>> {
        let words = [
            "a ",
            "APPEND ",
            "INBOX ",
            "\"\" ",
            "(",
            ")",
            "\\Seen ",
            "{3+}\r\n",
            "{3}\r\n",
            "abc",
            "\r\n",
            "\r\n",
            "UID ",
            "FETCH ",
            "1:* ",
            "BODY[1.2.HEADER] ",
            "BODY[]<0.5> ",
            "ENVELOPE ",
            "BODYSTRUCTURE ",
            "SEARCH ",
            "NOT ",
            "OR ",
            "TEXT ",
            "SELECT ",
            "STORE ",
            "+FLAGS ",
            "\\Deleted ",
            "EXPUNGE",
            "COPY ",
            "LIST ",
            "*",
            "%",
            "STATUS ",
            "CREATE ",
            "IDLE\r\n",
            "DONE\r\n",
            "\"17-Jul-1996 02:44:25 -0700\" ",
            "HEADER ",
            "SINCE ",
            "1-Feb-1994 ",
        ];
        let piece = prop_oneof![
            9 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 1..4),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn no_client_can_stop_the_server(said in half_sensible()) {
            let store = small_store();
            talk(&store, format!("{}s SELECT INBOX\r\n", append("one")));
            let said = [b"s SELECT INBOX\r\n".as_slice(), &said].concat();
            talk(&store, &said);
            // The store is still as good as new, whatever was said.
            let heard = talk(&store, "a SELECT INBOX\r\nb FETCH 1:* (UID)\r\n");
            prop_assert!(heard.contains("a OK") && heard.contains("b OK"), "{}", heard);
        }

        #[test]
        fn any_bytes_end(said in proptest::collection::vec(any::<u8>(), 0..400)) {
            answers_to(&small_store(), &said);
        }
    }
}
