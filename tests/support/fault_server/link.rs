//! One connection as the server sees it: bytes counted in both directions, and broken where the script says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use native_tls::{HandshakeError, TlsAcceptor, TlsStream};

use super::Shared;
use super::deflate::Deflate;
use super::script::{Action, At};
use super::socket::{Socket, reset};

/// Between two looks at whether the server is to end.
const TICK: Duration = Duration::from_millis(50);

/// How long a client may take to hang up after we did.
const DRAIN: Duration = Duration::from_secs(5);

/// Longest line that is read.
const LONGEST_LINE: usize = 1 << 20;

/// Answers are sent in pieces of about this size.
const PIECE: usize = 64 * 1024;

/// The connection is over.
pub struct Ended;

enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

/// The connection.
pub struct Link {
    stream: Stream,
    shared: Arc<Shared>,
    input: Vec<u8>,
    at: usize,
    output: Vec<u8>,
    /// What goes wrong in this exchange.
    pub faults: Vec<(At, Action)>,
    /// Name and number of this exchange, for the record.
    pub name: String,
    /// Bytes of the command so far.
    pub asked: u64,
    /// Bytes of the answer so far.
    pub answered: u64,
    trickle: Option<Duration>,
    deflate: Option<Deflate>,
    pub plain: bool,
}

impl Link {
    /// Shakes hands, where there is something to shake hands with.
    pub fn open(
        shared: &Arc<Shared>,
        socket: Socket,
        acceptor: Option<&TlsAcceptor>,
    ) -> Result<Link, Ended> {
        let tcp = &socket.tcp;
        let ready = tcp
            .set_nodelay(true)
            .and_then(|()| tcp.set_read_timeout(Some(TICK)))
            .and_then(|()| tcp.set_write_timeout(Some(DRAIN)));
        ready.map_err(|_| Ended)?;
        let stream = match acceptor {
            None => Stream::Plain(socket),
            Some(acceptor) => {
                let mut shaking = acceptor.accept(socket);
                loop {
                    match shaking {
                        Ok(tls) => break Stream::Tls(Box::new(tls)),
                        Err(HandshakeError::WouldBlock(half)) if !shared.closing() => {
                            shaking = half.handshake();
                        }
                        Err(_) => return Err(Ended),
                    }
                }
            }
        };
        Ok(Link {
            plain: matches!(stream, Stream::Plain(_)),
            stream,
            shared: Arc::clone(shared),
            input: Vec::new(),
            at: 0,
            output: Vec::new(),
            faults: Vec::new(),
            name: String::new(),
            asked: 0,
            answered: 0,
            trickle: None,
            deflate: None,
        })
    }

    /// Another exchange begins.
    pub fn begin(&mut self) {
        self.faults.clear();
        self.name.clear();
        self.asked = 0;
        self.answered = 0;
        self.trickle = None;
    }

    fn fill(&mut self) -> Result<(), Ended> {
        if self.at == self.input.len() {
            self.input.clear();
            self.at = 0;
        }
        let mut fresh = [0; 16 * 1024];
        loop {
            let read = match &mut self.stream {
                Stream::Plain(socket) => socket.read(&mut fresh),
                Stream::Tls(tls) => tls.read(&mut fresh),
            };
            match read {
                Ok(0) => return Err(Ended),
                Ok(count) => {
                    let came = &fresh[..count];
                    match &mut self.deflate {
                        None => self.input.extend_from_slice(came),
                        Some(deflate) => deflate.unpack(came, &mut self.input).ok_or(Ended)?,
                    }
                    if self.at < self.input.len() {
                        return Ok(());
                    }
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                    ) =>
                {
                    if self.shared.closing() {
                        return Err(Ended);
                    }
                }
                Err(_) => return Err(Ended),
            }
        }
    }

    /// Both directions are compressed from now on.
    pub fn compress(&mut self) {
        self.deflate = Some(Deflate::new());
    }

    /// One byte of a command.
    pub fn byte(&mut self) -> Result<u8, Ended> {
        while self.at == self.input.len() {
            self.fill()?;
        }
        let byte = self.input[self.at];
        self.at += 1;
        self.asked += 1;
        self.reached_byte()?;
        Ok(byte)
    }

    /// Breaks, if this is where the script wants it.
    pub fn reached_byte(&mut self) -> Result<(), Ended> {
        while let Some(at) = self
            .faults
            .iter()
            .position(|(at, _)| matches!(at, At::Byte(k) if *k <= self.asked))
        {
            let (at, action) = self.faults.remove(at);
            self.perform(at, &action)?;
        }
        Ok(())
    }

    /// The rest of a line, without its end.
    pub fn line(&mut self) -> Result<Vec<u8>, Ended> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => break,
                byte => line.push(byte),
            }
            if line.len() > LONGEST_LINE {
                return Err(Ended);
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    /// A literal.
    pub fn literal(&mut self, size: u64) -> Result<Vec<u8>, Ended> {
        let mut literal = Vec::new();
        while (literal.len() as u64) < size {
            while self.at == self.input.len() {
                self.fill()?;
            }
            let next_fault = self.faults.iter().filter_map(|(at, _)| match at {
                At::Byte(k) => Some(k.saturating_sub(self.asked)),
                _ => None,
            });
            let most = next_fault.min().unwrap_or(u64::MAX).max(1);
            let left = (size - literal.len() as u64).min(most);
            let count = (self.input.len() - self.at).min(left as usize);
            literal.extend_from_slice(&self.input[self.at..self.at + count]);
            self.at += count;
            self.asked += count as u64;
            self.reached_byte()?;
        }
        Ok(literal)
    }

    /// Says something; it leaves with the next flush.
    pub fn say(&mut self, text: impl AsRef<[u8]>) -> Result<(), Ended> {
        self.output.extend_from_slice(text.as_ref());
        if self.output.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what was said, up to where the script wants it to break.
    pub fn flush(&mut self) -> Result<(), Ended> {
        let mut output = std::mem::take(&mut self.output);
        loop {
            let end = self.answered + output.len() as u64;
            let due = |(at, _): &(At, Action)| matches!(at, At::Answer(k) if *k <= end);
            let Some(next) = self.faults.iter().position(due) else {
                return self.send(&output);
            };
            let (at, action) = self.faults.remove(next);
            let At::Answer(k) = at else { continue };
            let part: Vec<u8> = output
                .drain(..(k.saturating_sub(self.answered)) as usize)
                .collect();
            self.send(&part)?;
            self.perform(at, &action)?;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        self.answered += bytes.len() as u64;
        match self.trickle {
            None => self.write(bytes),
            Some(pause) => {
                for byte in bytes {
                    self.pause(pause)?;
                    self.write(&[*byte])?;
                }
                Ok(())
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let packed = self.deflate.as_mut().map(|deflate| deflate.pack(bytes));
        let bytes = packed.as_deref().unwrap_or(bytes);
        let written = match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(bytes).and_then(|()| socket.flush()),
            Stream::Tls(tls) => tls.write_all(bytes).and_then(|()| tls.flush()),
        };
        written.map_err(|_| Ended)
    }

    fn pause(&self, time: Duration) -> Result<(), Ended> {
        let until = Instant::now() + time;
        loop {
            if self.shared.closing() {
                return Err(Ended);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    pub fn note(&self, at: At, action: &Action) {
        self.shared
            .script
            .note(format!("{} {at:?} {action:?}", self.name));
    }

    /// Does what concerns the connection alone, and what is done behind its back.
    pub fn perform(&mut self, at: At, action: &Action) -> Result<(), Ended> {
        self.note(at, action);
        // What was said before leaves before.
        let said = std::mem::take(&mut self.output);
        if !said.is_empty() {
            self.answered += said.len() as u64;
            self.write(&said)?;
        }
        match action {
            Action::Reset | Action::StoreThenReset => {
                reset(self.tcp());
                Err(Ended)
            }
            Action::Fin => {
                if let Stream::Tls(tls) = &mut self.stream {
                    let _ = tls.shutdown();
                }
                Err(self.hang_up())
            }
            Action::BareFin => Err(self.hang_up()),
            Action::Stall(time) => self.pause(*time),
            Action::Trickle(pause) => {
                self.trickle = Some(*pause);
                Ok(())
            }
            Action::Inject(bytes) => self.write(bytes),
            Action::Bye(text) => {
                self.write(format!("* BYE {text}\r\n").as_bytes())?;
                Err(self.hang_up())
            }
            Action::BumpUidValidity => {
                self.shared.truth.bump_uid_validity();
                Ok(())
            }
            Action::Call(with) => {
                with(&self.shared.truth);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(socket) => &socket.tcp,
            Stream::Tls(tls) => &tls.get_ref().tcp,
        }
    }

    /// Sends a FIN, and reads until the client hangs up: closing with bytes unread would be a reset.
    pub fn hang_up(&mut self) -> Ended {
        let mut tcp = self.tcp();
        let _ = tcp.shutdown(Shutdown::Write);
        let limit = Instant::now() + DRAIN;
        let mut scrap = [0; 16 * 1024];
        while Instant::now() < limit && !self.shared.closing() {
            match tcp.read(&mut scrap) {
                Ok(0) => break,
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    break;
                }
                _ => {}
            }
        }
        Ended
    }
}

impl Shared {
    pub fn closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }
}
