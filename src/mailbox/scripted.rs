//! A server for tests that says exactly what a script tells it to, and keeps every line that it was sent.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Credentials;
use super::session::Session;
use super::sign_in::sign_in;
use super::wire::Stream;

/// A plain connection over loopback.
pub(crate) struct Plain(pub TcpStream);

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Plain {
    fn tcp(&self) -> &TcpStream {
        &self.0
    }
}

/// Two ends of a connection.
pub(crate) fn pair() -> (Plain, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    theirs
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    (Plain(ours), theirs)
}

/// The server's side of a script.
pub(crate) struct Server {
    reader: BufReader<TcpStream>,
    /// Every line and literal that came in.
    pub log: Vec<String>,
}

impl Server {
    /// Says something as it stands.
    pub fn say(&mut self, text: impl AsRef<[u8]>) {
        // The other side may have hung up already: that is for the test to see.
        let _ = self.reader.get_mut().write_all(text.as_ref());
    }

    /// The next line, without its line end; empty when the other side has hung up.
    pub fn line(&mut self) -> String {
        let mut raw = Vec::new();
        let _ = self.reader.read_until(b'\n', &mut raw);
        let line = String::from_utf8_lossy(&raw)
            .trim_end_matches(['\r', '\n'])
            .to_string();
        if !raw.is_empty() {
            self.log.push(line.clone());
        }
        line
    }

    /// The next bytes; fewer when the other side has hung up.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut raw = Vec::new();
        let _ = (&mut self.reader).take(count as u64).read_to_end(&mut raw);
        self.log.push(String::from_utf8_lossy(&raw).into_owned());
        raw
    }

    /// Reads a command and answers it; `{tag}` stands for its tag. Gives the command without its tag.
    pub fn answer(&mut self, reply: &str) -> String {
        let line = self.line();
        let (tag, command) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        self.say(reply.replace("{tag}", tag));
        command.to_string()
    }

    /// Greets, and answers a sign-in with LOGIN.
    pub fn sign_in(&mut self, capabilities: &str) {
        self.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n");
        self.answer("{tag} OK welcome\r\n");
        self.answer(&format!(
            "* CAPABILITY IMAP4rev1 {capabilities}\r\n{{tag}} OK done\r\n"
        ));
    }

    /// Waits until the other side hangs up; what it sends meanwhile is kept.
    pub fn until_closed(&mut self) {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        if !rest.is_empty() {
            self.log.push(String::from_utf8_lossy(&rest).into_owned());
        }
    }
}

/// Starts a server on one connection; its log is what the thread gives.
pub(crate) fn serve(
    script: impl FnOnce(&mut Server) + Send + 'static,
) -> (Plain, JoinHandle<Vec<String>>) {
    let (ours, theirs) = pair();
    let thread = std::thread::spawn(move || {
        let mut server = Server {
            reader: BufReader::new(theirs),
            log: Vec::new(),
        };
        script(&mut server);
        server.log
    });
    (ours, thread)
}

/// A signed-in connection to a server that goes on with a script; its log begins there.
pub(crate) fn signed_in(
    capabilities: &'static str,
    script: impl FnOnce(&mut Server) + Send + 'static,
) -> (Session<Plain>, JoinHandle<Vec<String>>) {
    let (ours, server) = serve(move |server| {
        server.sign_in(capabilities);
        server.log.clear();
        script(server);
    });
    let credentials = Credentials {
        user: "jane".into(),
        password: "secret".into(),
    };
    (sign_in(ours, "localhost:1", &credentials).unwrap(), server)
}

/// An answer to EXAMINE.
pub(crate) const OPENED: &str = "* FLAGS (\\Seen \\Deleted $Old)\r\n* OK [PERMANENTFLAGS (\\Seen \\Flagged \\Deleted \\*)] kept\r\n\
    * 3 EXISTS\r\n* NO [ALERT] nearly full\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 10] x\r\n{tag} OK [READ-ONLY] done\r\n";
