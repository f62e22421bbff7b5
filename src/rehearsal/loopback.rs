//! The one way to a mailbox without encryption: to the practice server, inside this computer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use secrecy::SecretString;

use super::Practice;
use crate::error::Error;
use crate::mailbox::imap::ImapMailbox;
use crate::mailbox::wire::Stream;
use crate::mailbox::{Connect, Credentials, Mailbox};

/// A connection to the practice server. Only [`PracticeConnect`] makes one, and that comes only from a
/// [`Practice`] that runs in this process: no choice and no name of a server leads to an unencrypted one.
pub struct Loopback(TcpStream);

impl Read for Loopback {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for Loopback {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Loopback {
    fn tcp(&self) -> &TcpStream {
        &self.0
    }
}

/// Makes connections to a practice server. They fail once that is dropped.
pub struct PracticeConnect {
    port: u16,
    user: String,
    password: SecretString,
}

impl PracticeConnect {
    pub(super) fn new(practice: &Practice) -> PracticeConnect {
        PracticeConnect {
            port: practice.port(),
            user: practice.user().into(),
            password: practice.password().into(),
        }
    }

    fn server(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn stream(&self) -> io::Result<Loopback> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_nodelay(true)?;
        Ok(Loopback(socket))
    }
}

impl Connect for PracticeConnect {
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error> {
        let server = self.server();
        let stream = self.stream().map_err(|error| Error::NotReached {
            server: server.clone(),
            detail: error.to_string(),
        })?;
        let credentials = Credentials {
            user: self.user.clone(),
            password: self.password.clone(),
        };
        Ok(Box::new(ImapMailbox::sign_in(
            stream,
            &server,
            &credentials,
        )?))
    }

    fn account(&self) -> String {
        format!("{}@{}", self.user, self.server())
    }
}
