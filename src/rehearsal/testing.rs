//! A connection in memory, for the tests of the practice server.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Limits;
use super::line::Link;
use super::session::Session;
use super::sign_in::Account;
use super::store::Store;

/// A client that says what it was told to, in small pieces, and remembers the answers.
pub(super) struct Script {
    says: Vec<u8>,
    at: usize,
    pub(super) heard: Arc<Mutex<Vec<u8>>>,
}

impl Script {
    pub(super) fn new(says: &[u8]) -> Script {
        Script {
            says: says.to_vec(),
            at: 0,
            heard: Arc::default(),
        }
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Pieces of changing size, so that nothing depends on where they are cut.
        let size = (self.at % 7 + 1) * (1 + self.at / 512);
        let rest = &self.says[self.at..];
        let size = size.min(rest.len()).min(into.len());
        into[..size].copy_from_slice(&rest[..size]);
        self.at += size;
        Ok(size)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Link for Script {
    fn set_patience(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

/// Limits that a test reaches with a few bytes.
pub(super) const SMALL: Limits = Limits {
    message: 1000,
    mailbox: 3000,
};

/// A store with small limits.
pub(super) fn small_store() -> Store {
    Store::new(SMALL).unwrap()
}

/// Everything that the server answers to these bytes, from a client not signed in.
pub(super) fn answers_to(store: &Store, says: &[u8]) -> Vec<u8> {
    let script = Script::new(says);
    let heard = Arc::clone(&script.heard);
    let account = Account::new("jane", "secret".into());
    Session::new(script, store, &account).run();
    let heard = heard.lock().unwrap();
    heard.clone()
}

/// What the server answers to these bytes after signing in, as text, greeting and sign-in left out.
pub(super) fn talk(store: &Store, says: impl AsRef<[u8]>) -> String {
    let says = [b"login LOGIN jane secret\r\n", says.as_ref()].concat();
    let heard = String::from_utf8_lossy(&answers_to(store, &says)).into_owned();
    let (_, after) = heard.split_once("login OK ").expect("signed in");
    after.split_once("\r\n").expect("a line").1.into()
}

/// An APPEND to INBOX of a message with these words, without waiting.
pub(super) fn append(words: &str) -> String {
    append_raw(&format!("Subject: {words}\r\n\r\n{words}\r\n"))
}

/// An APPEND to INBOX of these bytes, without waiting.
pub(super) fn append_raw(message: &str) -> String {
    format!("app APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len())
}
