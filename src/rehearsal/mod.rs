//! A practice IMAP server with Spectrum's limits, in this process.
//!
//! A person, or whoever helps them, can have the whole copy done to a mailbox that does not matter, and look
//! at the result with an ordinary mail program, before the real one is touched. The server listens on this
//! computer's own loopback address and nowhere else, lets nobody in without a password that is made anew each
//! time, and forgets everything when it is dropped: messages lie in one temporary file that the system deletes.
//!
//! What it is: IMAP4rev1 (RFC 3501) with what a copy uses (LITERAL+, MULTIAPPEND, UIDPLUS, APPENDLIMIT, QUOTA,
//! SPECIAL-USE, NAMESPACE) and what Thunderbird, mutt, Apple Mail, mbsync or Python's imaplib need besides to
//! show mail, search it, mark it and move it. It keeps every byte as it came, takes all messages of a command or
//! none, and says no where Spectrum says that it says no: to a message above 25 MB and a mailbox above 5 GB.
//!
//! What it is not: Spectrum's server, whose abilities nobody has published; so a rehearsal proves the
//! files, the plan and the program, and not the server. It is no server for anything else either: it knows one
//! user, no encryption (nothing leaves the computer), no network, and nothing of it outlives the process. It
//! searches raw bytes, tells a client nothing of flags that another one changed until the folder is opened
//! again, and refuses to delete or rename folders.
//!
//! ```text
//! connections ─► session ─┬─ line, parse        what the client says, with bounds on everything
//!                         ├─ sign_in            the one user and the password of this run
//!                         ├─ append             messages into the spool, all or none
//!                         ├─ folders, selected  LIST, CREATE, STATUS, SELECT, news
//!                         └─ messages           FETCH (section, structure, body, envelope), SEARCH, STORE, COPY
//!                store (folders and marks in memory) ─► spool (bytes in a temporary file)
//! ```

mod answer;
mod append;
mod body;
mod connections;
mod envelope;
mod fetch;
mod folders;
mod line;
mod loopback;
mod marks;
mod media;
mod messages;
mod parse;
mod pattern;
mod sample;
mod search;
mod section;
mod selected;
mod session;
mod sets;
mod sign_in;
mod spool;
mod store;
mod structure;
#[cfg(test)]
mod testing;

use std::io;
use std::sync::Arc;

use crate::error::Error;
use crate::settings::{MAILBOX_LIMIT, MESSAGE_LIMIT};
use connections::Connections;
use sign_in::Account;
use store::Store;

pub use loopback::{Loopback, PracticeConnect};
pub use sample::{SAMPLE_MESSAGES, sample};

/// Who signs in to the practice server.
pub const USER: &str = "practice@charter.net";

/// What a password is made of: thirty-two characters that nobody takes for one another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// How much the practice server takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One message; announced as APPENDLIMIT (RFC 7889).
    pub message: u64,
    /// The whole mailbox; announced as QUOTA (RFC 9208).
    pub mailbox: u64,
}

/// What Spectrum's support pages say ([`crate::settings`]).
impl Default for Limits {
    fn default() -> Self {
        Limits {
            message: MESSAGE_LIMIT,
            mailbox: MAILBOX_LIMIT,
        }
    }
}

/// What the practice mailbox holds, and what came of the connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Folders, the five of a new mailbox included.
    pub folders: usize,
    /// Messages in all of them.
    pub messages: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Connections that are open.
    pub connections: usize,
}

/// A practice server that runs until it is dropped.
pub struct Practice {
    port: u16,
    account: Arc<Account>,
    store: Arc<Store>,
    connections: Connections,
}

impl Practice {
    /// Starts a server with an empty mailbox on this port of 127.0.0.1, or on any that is free.
    ///
    /// # Errors
    /// [`Error::Choice`] where the port can't be had, [`Error::ServerTrouble`] where anything else fails.
    pub fn start(limits: Limits, port: Option<u16>) -> Result<Practice, Error> {
        let password = password().map_err(trouble)?;
        let account = Arc::new(Account::new(USER, password));
        let store = Arc::new(Store::new(limits).map_err(trouble)?);
        let started =
            Connections::start(port.unwrap_or(0), Arc::clone(&store), Arc::clone(&account));
        let (connections, taken) = started.map_err(|error| match port {
            Some(port) => Error::Choice {
                detail: format!("port {port} of this computer can't be used: {error}"),
            },
            None => trouble(error),
        })?;
        Ok(Practice {
            port: taken,
            account,
            store,
            connections,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user name.
    pub fn user(&self) -> &str {
        self.account.user()
    }

    /// The password, which holds for this server only. It may be shown to the person.
    pub fn password(&self) -> &str {
        self.account.password()
    }

    /// What it takes.
    pub fn limits(&self) -> Limits {
        self.store.limits
    }

    /// What it holds at this moment.
    pub fn stats(&self) -> Stats {
        let state = self.store.state();
        Stats {
            folders: state.folders.len(),
            messages: state
                .folders
                .values()
                .map(|folder| folder.messages.len() as u64)
                .sum(),
            bytes: state.used,
            connections: self.connections.count(),
        }
    }

    /// How the copy reaches this server.
    pub fn connector(&self) -> PracticeConnect {
        PracticeConnect::new(self)
    }
}

fn trouble(error: io::Error) -> Error {
    Error::ServerTrouble {
        doing: "starting the practice server".into(),
        detail: error.to_string(),
    }
}

/// Twenty characters: a hundred bits, for other users of the same computer can reach the port.
fn password() -> io::Result<String> {
    let mut random = [0; 20];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let letter = |byte: &u8| {
        LETTERS
            .get(usize::from(byte & 31))
            .map(|letter| char::from(*letter))
    };
    Ok(random.iter().filter_map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    struct Client(BufReader<TcpStream>);

    impl Client {
        fn new(practice: &Practice) -> Client {
            let socket = TcpStream::connect(("127.0.0.1", practice.port())).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            Client(BufReader::new(socket))
        }

        fn signed_in(practice: &Practice) -> Client {
            let mut client = Client::new(practice);
            client.say(&format!(
                "a LOGIN {} {}\r\n",
                practice.user(),
                practice.password()
            ));
            client.until("a OK");
            client
        }

        fn say(&mut self, words: &str) {
            self.0.get_mut().write_all(words.as_bytes()).unwrap();
        }

        /// Reads up to the line that begins so, and returns everything.
        fn until(&mut self, start: &str) -> String {
            let mut all = String::new();
            loop {
                let mut line = String::new();
                assert!(
                    self.0.read_line(&mut line).unwrap() > 0,
                    "closed after {all}"
                );
                all.push_str(&line);
                if line.starts_with(start) {
                    return all;
                }
            }
        }
    }

    fn practice() -> Practice {
        Practice::start(testing::SMALL, None).unwrap()
    }

    #[test]
    fn every_server_has_a_password_of_its_own() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_ne!(one, other);
        assert!(one.len() == 20 && one.bytes().all(|byte| LETTERS.contains(&byte)));
    }

    #[test]
    fn it_listens_on_loopback_only() {
        let practice = practice();
        let address = practice.connections.address();
        assert!(address.ip().is_loopback() && address.port() == practice.port());
    }

    #[test]
    fn a_port_that_is_taken_is_the_persons_choice_to_change() {
        let practice = practice();
        let again = Practice::start(Limits::default(), Some(practice.port()));
        assert!(matches!(again, Err(Error::Choice { .. })));
    }

    #[test]
    fn mail_is_taken_counted_and_told_to_whoever_waits() {
        let practice = practice();
        let mut waiting = Client::signed_in(&practice);
        waiting.say("b SELECT INBOX\r\nc IDLE\r\n");
        waiting.until("+ ");
        let mut sender = Client::signed_in(&practice);
        sender.say("b APPEND INBOX {3+}\r\none\r\n");
        sender.until("b OK [APPENDUID");
        assert!(waiting.until("* 1 EXISTS").contains("* 1 EXISTS"));
        waiting.say("DONE\r\n");
        waiting.until("c OK");
        let stats = practice.stats();
        assert_eq!(
            (
                stats.folders,
                stats.messages,
                stats.bytes,
                stats.connections
            ),
            (5, 1, 3, 2)
        );
    }

    #[test]
    fn dropping_it_ends_every_connection_at_once() {
        let practice = practice();
        let mut clients: Vec<Client> = (0..3).map(|_| Client::signed_in(&practice)).collect();
        clients[0].say("b IDLE\r\n");
        clients[0].until("+ ");
        clients[1].say("b APPEND INBOX {900+}\r\nhalf of");
        let start = Instant::now();
        drop(practice);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
        for client in &mut clients {
            let mut rest = Vec::new();
            // Closed, in whichever way the system says it.
            let _ = client.0.read_to_end(&mut rest);
            assert!(client.0.get_mut().write_all(&[b'x'; 1_000_000]).is_err());
        }
    }

    #[test]
    fn there_are_never_too_many_connections() {
        let practice = practice();
        let mut clients: Vec<Client> = (0..connections::MOST)
            .map(|_| Client::new(&practice))
            .collect();
        clients
            .iter_mut()
            .for_each(|client| drop(client.until("* OK")));
        Client::new(&practice).until("* BYE");
        clients.pop();
        let start = Instant::now();
        while practice.stats().connections == connections::MOST
            && start.elapsed() < Duration::from_secs(10)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        Client::signed_in(&practice);
    }
}
