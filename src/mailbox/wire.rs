//! Our own reader and writer under `imap::Client`: time-outs, bounds, and a count of what was handed to the network.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::deflate::Deflate;
use super::heard::Heard;
use super::rate::{self, Rate};

/// A connection to a server: TLS in the program, a plain loopback one for the practice server only.
pub trait Stream: Read + Write + Send {
    /// The socket beneath, for its time-outs.
    fn tcp(&self) -> &TcpStream;
}

/// How long the server may be silent when it owes us something. RFC 9051 gives servers no limit;
/// sixty seconds are what mail programs wait.
pub const SILENCE: Duration = Duration::from_secs(60);

/// Longest line, literals not counted.
const LONGEST_LINE: usize = 64 * 1024;

/// Most bytes that wait unread; nobody asked for more.
const MOST_INPUT: usize = 4 * 1024 * 1024;

/// Bytes gathered before they are handed on.
const GATHERED: usize = 128 * 1024;

/// Most bytes handed on between two looks at what has come in. Were it much more, both sides could
/// end up writing with nobody reading.
const STEP: usize = 64 * 1024;

/// A connection that several owners share: `imap` has one clone, our own commands another. `Read` never gives
/// bytes beyond the next line end, so `imap`'s own buffer is empty whenever a command of its has returned.
pub struct Wire<S: Stream>(Arc<Mutex<Inner<S>>>);

impl<S: Stream> Clone for Wire<S> {
    fn clone(&self) -> Wire<S> {
        Wire(Arc::clone(&self.0))
    }
}

struct Inner<S> {
    stream: S,
    input: Vec<u8>,
    /// Up to where `input` was read.
    at: usize,
    output: Vec<u8>,
    /// Bytes accepted since the start, those in `output` included.
    put: u64,
    /// Of these, how many may have left. Counted before each write, since a failed one may have sent some.
    handed: u64,
    /// Both directions are compressed.
    deflate: Option<Deflate>,
    /// Whether the compressor holds something back.
    packing: bool,
    rate: Option<Rate>,
    /// The quickest answer so far.
    round_trip: Option<Duration>,
    heard: Heard,
    /// Why the connection is of no more use.
    lost: Option<String>,
}

impl<S: Stream> Wire<S> {
    /// A wire over a connection that is already secure.
    pub fn new(stream: S) -> io::Result<Wire<S>> {
        stream.tcp().set_read_timeout(Some(SILENCE))?;
        stream.tcp().set_write_timeout(Some(SILENCE))?;
        Ok(Wire(Arc::new(Mutex::new(Inner {
            stream,
            input: Vec::new(),
            at: 0,
            output: Vec::with_capacity(GATHERED),
            put: 0,
            handed: 0,
            deflate: None,
            packing: false,
            rate: None,
            round_trip: None,
            heard: Heard::default(),
            lost: None,
        }))))
    }

    fn lock(&self) -> MutexGuard<'_, Inner<S>> {
        // A panic of another owner leaves nothing half done that closing the connection does not end.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps to a rate from now on.
    pub(crate) fn set_rate(&self, rate: Option<Rate>) {
        self.lock().rate = rate;
    }

    /// Compresses both directions from now on. To be called straight after the server's OK to it; what came in after that
    /// is compressed already.
    pub(crate) fn start_deflate(&self) {
        let mut inner = self.lock();
        let packed = inner.unread().to_vec();
        inner.input.clear();
        inner.at = 0;
        inner.deflate = Some(Deflate::new(packed));
    }

    /// An answer took so long.
    pub(crate) fn note_round_trip(&self, took: Duration) {
        let mut inner = self.lock();
        inner.round_trip = Some(inner.round_trip.map_or(took, |before| before.min(took)));
    }

    /// What the quickest answer took.
    pub(crate) fn round_trip(&self) -> Duration {
        self.lock().round_trip.unwrap_or_default()
    }

    /// Accepts bytes to be sent; they leave when enough are gathered, or at [`Wire::send`].
    pub(crate) fn put(&self, bytes: &[u8]) -> io::Result<()> {
        self.lock().put(bytes)
    }

    /// Hands on everything that was put.
    pub(crate) fn send(&self) -> io::Result<()> {
        self.lock().send()
    }

    /// Bytes accepted since the start.
    pub(crate) fn accepted(&self) -> u64 {
        self.lock().put
    }

    /// How many of these may have left this computer.
    pub(crate) fn handed(&self) -> u64 {
        self.lock().handed
    }

    /// The next line without its line end, once it is there, which must be before `limit`.
    pub(crate) fn line(&self, limit: Instant) -> io::Result<Vec<u8>> {
        let mut inner = self.lock();
        loop {
            if let Some(line) = inner.take_line()? {
                return Ok(line);
            }
            inner.fill(limit)?;
        }
    }

    /// The next line, if it has come in whole. Never waits.
    pub(crate) fn take_line(&self) -> io::Result<Option<Vec<u8>>> {
        self.lock().take_line()
    }

    /// Some bytes of a literal, at least one.
    pub(crate) fn some(&self, buffer: &mut [u8], limit: Instant) -> io::Result<usize> {
        let mut inner = self.lock();
        while inner.unread().is_empty() {
            inner.fill(limit)?;
        }
        Ok(inner.give(buffer, false))
    }

    /// Takes in what has arrived. Never waits; tells whether there was anything.
    pub(crate) fn look(&self) -> io::Result<bool> {
        self.lock().fill_ready()
    }

    /// Takes in what arrives, after waiting until `limit` at most; tells whether there was anything.
    pub(crate) fn wait(&self, limit: Instant) -> io::Result<bool> {
        let mut inner = self.lock();
        loop {
            if inner.fill_ready()? {
                return Ok(true);
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() || !inner.readable_within(left)? {
                return Ok(false);
            }
        }
    }

    /// Ends the connection at once; nothing that was put and not handed on is sent any more.
    pub(crate) fn close(&self, why: &str) {
        let _ = self.lock().lose(ErrorKind::NotConnected, why);
    }

    /// Why the connection is of no more use, if it is.
    pub(crate) fn lost(&self) -> Option<String> {
        self.lock().lost.clone()
    }

    /// Does something with what the server said.
    pub(crate) fn heard<T>(&self, with: impl FnOnce(&mut Heard) -> T) -> T {
        with(&mut self.lock().heard)
    }

    /// How long reads and writes may take from now on.
    pub(crate) fn set_silence(&self, silence: Duration) {
        let inner = self.lock();
        let _ = inner.stream.tcp().set_read_timeout(Some(silence));
        let _ = inner.stream.tcp().set_write_timeout(Some(silence));
    }

    /// Another handle on the socket beneath.
    pub(crate) fn socket(&self) -> io::Result<TcpStream> {
        self.lock().stream.tcp().try_clone()
    }

    /// The connection beneath, unless it is shared, or something came in that nobody has read.
    pub(crate) fn into_stream(self) -> Option<S> {
        let inner = Arc::into_inner(self.0)?
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (inner.unread().is_empty() && inner.output.is_empty() && inner.lost.is_none())
            .then_some(inner.stream)
    }
}

impl<S: Stream> Inner<S> {
    fn unread(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Moves unread bytes into `buffer`, at most up to the next line end if so wished.
    fn give(&mut self, buffer: &mut [u8], one_line: bool) -> usize {
        let unread = self.unread();
        let mut count = unread.len().min(buffer.len());
        if one_line && let Some(end) = memchr::memchr(b'\n', unread) {
            count = count.min(end + 1);
        }
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), unread.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        count
    }

    fn take_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(end) = memchr::memchr(b'\n', self.unread()) else {
            return if self.unread().len() > LONGEST_LINE {
                Err(self.line_too_long())
            } else {
                Ok(None)
            };
        };
        if end > LONGEST_LINE {
            return Err(self.line_too_long());
        }
        let line = self.unread().get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        self.at += end + 1;
        Ok(Some(line))
    }

    fn line_too_long(&mut self) -> io::Error {
        self.lose(
            ErrorKind::InvalidData,
            "the server sent a line that is much too long",
        )
    }

    /// Waits for more input.
    fn fill(&mut self, limit: Instant) -> io::Result<()> {
        self.usable()?;
        if Instant::now() >= limit {
            return Err(self.lose(ErrorKind::TimedOut, "the server took too long"));
        }
        match self.read() {
            Ok(_) => Ok(()),
            Err(error) if is_timeout(&error) => Err(self.lose(
                ErrorKind::TimedOut,
                "the server has not answered for a minute",
            )),
            Err(error) => Err(self.lose_by(&error)),
        }
    }

    fn fill_ready(&mut self) -> io::Result<bool> {
        self.usable()?;
        let read = self
            .stream
            .tcp()
            .set_nonblocking(true)
            .and_then(|()| self.read());
        let reset = self.stream.tcp().set_nonblocking(false);
        match read.and_then(|count| reset.map(|()| count)) {
            Ok(_) => Ok(true),
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(self.lose_by(&error)),
        }
    }

    /// Whether something arrives in time. It is only peeked at: on Windows a read that timed out may have
    /// taken bytes with it, and the connection would be of no more use.
    fn readable_within(&mut self, wait: Duration) -> io::Result<bool> {
        let tcp = self.stream.tcp();
        let wait = wait.max(Duration::from_millis(1));
        let peeked = tcp
            .set_read_timeout(Some(wait))
            .and_then(|()| tcp.peek(&mut [0]));
        let reset = tcp.set_read_timeout(Some(SILENCE));
        match peeked.and_then(|count| reset.map(|()| count)) {
            Ok(_) => Ok(true),
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(self.lose_by(&error)),
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        // What was read is given up now and then, so that a long answer does not stay in memory.
        if self.at >= STEP || self.at == self.input.len() {
            self.input.drain(..self.at.min(self.input.len()));
            self.at = 0;
        }
        if self.unread().len() > MOST_INPUT {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "the server sends without being asked",
            ));
        }
        if let Some(deflate) = &mut self.deflate
            && deflate.unpack(&mut self.input)?
        {
            return Ok(self.input.len());
        }
        let mut fresh = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut fresh) {
                Ok(0) => {
                    return Err(io::Error::new(
                        ErrorKind::UnexpectedEof,
                        "the server hung up",
                    ));
                }
                Ok(count) => {
                    let fresh = fresh.get(..count).unwrap_or_default();
                    match &mut self.deflate {
                        None => self.input.extend_from_slice(fresh),
                        Some(deflate) => {
                            deflate.came(fresh);
                            deflate.unpack(&mut self.input)?;
                        }
                    }
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.usable()?;
        for part in bytes.chunks(STEP) {
            self.output.extend_from_slice(part);
            self.put += part.len() as u64;
            if self.output.len() >= GATHERED {
                self.hand_on()?;
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        self.hand_on()?;
        if std::mem::take(&mut self.packing)
            && let Some(mut deflate) = self.deflate.take()
        {
            let packed = deflate.pack(&[], true, &mut |part| self.write(part));
            self.deflate = Some(deflate);
            packed?;
        }
        self.stream.flush().map_err(|error| self.lose_by(&error))
    }

    fn hand_on(&mut self) -> io::Result<()> {
        self.usable()?;
        let mut output = std::mem::take(&mut self.output);
        match self.deflate.take() {
            None => {
                for part in output.chunks(STEP) {
                    self.fill_ready()?;
                    self.handed += part.len() as u64;
                    self.write(part)?;
                }
            }
            Some(mut deflate) => {
                // What the compressor has may leave at any time.
                self.handed += output.len() as u64;
                self.packing |= !output.is_empty();
                let mut packed = Ok(());
                for part in output.chunks(STEP) {
                    packed = packed
                        .and_then(|()| deflate.pack(part, false, &mut |bytes| self.write(bytes)));
                }
                self.deflate = Some(deflate);
                packed?;
                self.fill_ready()?;
            }
        }
        output.clear();
        self.output = output;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(limit) = self.rate.clone() else {
            return self
                .stream
                .write_all(bytes)
                .map_err(|error| self.lose_by(&error));
        };
        for part in bytes.chunks(rate::PART) {
            limit.wait(part.len());
            self.stream
                .write_all(part)
                .map_err(|error| self.lose_by(&error))?;
        }
        Ok(())
    }

    fn usable(&self) -> io::Result<()> {
        match &self.lost {
            None => Ok(()),
            Some(why) => Err(io::Error::new(ErrorKind::NotConnected, why.clone())),
        }
    }

    fn lose_by(&mut self, error: &io::Error) -> io::Error {
        if is_timeout(error) {
            return self.lose(
                ErrorKind::TimedOut,
                "the server has not taken what was sent for a minute",
            );
        }
        self.lose(error.kind(), &error.to_string())
    }

    fn lose(&mut self, kind: ErrorKind, why: &str) -> io::Error {
        if self.lost.is_none() {
            self.lost = Some(why.into());
            let _ = self.stream.tcp().shutdown(Shutdown::Both);
        }
        self.output.clear();
        io::Error::new(kind, why)
    }
}

/// A stalled peer shows as `WouldBlock` on Unix and as `TimedOut` on Windows.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

impl<S: Stream> Read for Wire<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut inner = self.lock();
        while inner.unread().is_empty() {
            inner.fill(Instant::now() + SILENCE)?;
        }
        Ok(inner.give(buffer, true))
    }
}

impl<S: Stream> Write for Wire<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Plain, pair};
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    fn wire() -> (Wire<Plain>, TcpStream) {
        let (ours, theirs) = pair();
        (Wire::new(ours).unwrap(), theirs)
    }

    #[test]
    fn reading_never_goes_beyond_a_line() {
        let (mut wire, mut server) = wire();
        server
            .write_all(b"* 1 EXISTS\r\n* 2 EXISTS\r\na1 OK done\r\n")
            .unwrap();
        let mut buffer = [0; 100];
        let count = wire.read(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], b"* 1 EXISTS\r\n");
        assert_eq!(wire.line(soon()).unwrap(), b"* 2 EXISTS");
        assert_eq!(wire.take_line().unwrap().unwrap(), b"a1 OK done");
        assert_eq!(wire.take_line().unwrap(), None);
    }

    #[test]
    fn bytes_that_were_not_handed_on_never_leave() {
        let (wire, mut server) = wire();
        wire.put(b"B1 NOOP\r\n").unwrap();
        assert_eq!((wire.accepted(), wire.handed()), (9, 0));
        wire.send().unwrap();
        assert_eq!(wire.handed(), 9);
        wire.put(b"B2 NOOP\r\n").unwrap();
        wire.close("enough");
        assert_eq!(wire.handed(), 9);
        assert!(wire.send().is_err() && wire.put(b"x").is_err() && wire.look().is_err());
        assert_eq!(wire.lost().as_deref(), Some("enough"));
        let mut got = Vec::new();
        server.read_to_end(&mut got).unwrap();
        assert_eq!(got, b"B1 NOOP\r\n");
    }

    #[test]
    fn waiting_ends_in_time_and_harms_nothing() {
        let (wire, mut server) = wire();
        let begun = Instant::now();
        assert!(!wire.wait(begun + Duration::from_millis(60)).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(50));
        server.write_all(b"* OK\r\n").unwrap();
        assert!(wire.wait(soon()).unwrap());
        assert_eq!(wire.line(soon()).unwrap(), b"* OK");
        assert!(!wire.look().unwrap());
    }

    #[test]
    fn a_long_answer_does_not_stay_in_memory() {
        let (wire, mut server) = wire();
        let writer = std::thread::spawn(move || {
            for _ in 0..20_000 {
                server
                    .write_all(b"* 1 FETCH (UID 5 RFC822.SIZE 17 FLAGS ())\r\n")
                    .unwrap();
            }
            server
        });
        for _ in 0..20_000 {
            wire.line(soon()).unwrap();
            assert!(wire.lock().input.len() <= STEP + 64 * 1024);
        }
        writer.join().unwrap();
    }

    #[test]
    fn a_silent_server_is_a_lost_connection() {
        let (mut wire, _server) = wire();
        wire.set_silence(Duration::from_millis(50));
        assert_eq!(
            wire.read(&mut [0; 10]).unwrap_err().kind(),
            ErrorKind::TimedOut
        );
        assert!(wire.lost().is_some());
    }

    #[test]
    fn a_line_that_trickles_for_ever_is_given_up() {
        let (wire, mut server) = wire();
        server.write_all(b"* OK").unwrap();
        let past = Instant::now();
        assert_eq!(wire.line(past).unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let (wire, mut server) = wire();
        let writer = std::thread::spawn(move || {
            let _ = server.write_all(&[b'x'; 200_000]);
            server
        });
        assert_eq!(
            wire.line(soon()).unwrap_err().kind(),
            ErrorKind::InvalidData
        );
        writer.join().unwrap();
    }

    #[test]
    fn a_server_that_hangs_up_is_a_lost_connection() {
        let (wire, server) = wire();
        drop(server);
        assert_eq!(
            wire.line(soon()).unwrap_err().kind(),
            ErrorKind::UnexpectedEof
        );
        assert_eq!(wire.lost().as_deref(), Some("the server hung up"));
    }

    #[test]
    fn two_sides_that_write_at_once_do_not_block_each_other() {
        let (wire, mut server) = wire();
        let echo = std::thread::spawn(move || {
            let mut buffer = [0; 1000];
            let mut total = 0;
            while total < 3_000_000 {
                let count = server.read(&mut buffer).unwrap();
                total += count;
                // An answer nearly as large as what was sent, before anything more is read.
                server
                    .write_all(&[b"* ", &[b'y'; 900][..], b"\r\n"].concat())
                    .unwrap();
            }
        });
        for _ in 0..300 {
            wire.put(&[b'x'; 10_000]).unwrap();
            while wire.take_line().unwrap().is_some() {}
        }
        wire.send().unwrap();
        drop(wire);
        let _ = echo.join();
    }
}
