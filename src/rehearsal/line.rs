//! The server's end of a connection: lines and literals in, buffered answers out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No command line may be longer, in bytes.
pub(super) const LINE_LIMIT: usize = 64 * 1024;

/// Bytes read or written at a time.
const PIECE: usize = 64 * 1024;

/// What a session needs of its socket.
pub(super) trait Link: Read + Write {
    /// How long a read may wait before it fails with `TimedOut` or `WouldBlock`.
    fn set_patience(&mut self, wait: Duration) -> io::Result<()>;
}

impl Link for TcpStream {
    fn set_patience(&mut self, wait: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(wait))
    }
}

/// A connection read by lines and literals. Answers are gathered, and sent before the next wait for the client.
pub(super) struct Line<L> {
    link: L,
    piece: Box<[u8]>,
    input: Vec<u8>,
    /// Bytes of `input` already taken.
    taken: usize,
    output: Vec<u8>,
}

impl<L: Link> Line<L> {
    pub(super) fn new(link: L) -> Line<L> {
        Line {
            link,
            piece: vec![0; PIECE].into(),
            input: Vec::new(),
            taken: 0,
            output: Vec::new(),
        }
    }

    /// See [`Link::set_patience`].
    pub(super) fn set_patience(&mut self, wait: Duration) -> io::Result<()> {
        self.link.set_patience(wait)
    }

    /// The next line, without its end. After a time-out what had come of it is still there.
    ///
    /// # Errors
    /// The connection is over, or the line is longer than [`LINE_LIMIT`] (`InvalidData`).
    pub(super) fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let waiting = self.waiting();
            let end = memchr::memchr(b'\n', waiting);
            if end.unwrap_or(waiting.len()) > LINE_LIMIT {
                return Err(io::Error::new(ErrorKind::InvalidData, "line too long"));
            }
            if let Some(end) = end {
                let line = waiting.get(..end).unwrap_or_default();
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.taken += end + 1;
                return Ok(line);
            }
            self.fill()?;
        }
    }

    /// Hands over the next `size` bytes in pieces, whatever they hold.
    pub(super) fn literal(&mut self, size: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
        let mut left = size;
        while left > 0 {
            if self.waiting().is_empty() {
                self.fill()?;
            }
            let waiting = self.waiting();
            let length =
                usize::try_from(left).map_or(waiting.len(), |left| left.min(waiting.len()));
            take(waiting.get(..length).unwrap_or_default());
            self.taken += length;
            left -= length as u64;
        }
        Ok(())
    }

    /// Gathers bytes of an answer.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(bytes);
        if self.output.len() >= PIECE {
            self.flush()?;
        }
        Ok(())
    }

    /// Sends what was gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.link.write_all(&self.output)?;
            self.output.clear();
        }
        self.link.flush()
    }

    fn waiting(&self) -> &[u8] {
        self.input.get(self.taken..).unwrap_or_default()
    }

    fn fill(&mut self) -> io::Result<()> {
        // The client may be waiting for exactly this before it says more.
        self.flush()?;
        self.input.drain(..self.taken.min(self.input.len()));
        self.taken = 0;
        let got = loop {
            match self.link.read(&mut self.piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if got == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.input
            .extend_from_slice(self.piece.get(..got).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::testing::Script;

    #[test]
    fn lines_and_literals_come_as_they_were_sent() {
        let mut line = Line::new(Script::new(b"a one\r\nb two\n12345\n6c\r\n"));
        assert_eq!(line.line().unwrap(), b"a one");
        assert_eq!(line.line().unwrap(), b"b two");
        let mut literal = Vec::new();
        line.literal(7, |piece| literal.extend_from_slice(piece))
            .unwrap();
        assert_eq!(literal, b"12345\n6");
        assert_eq!(line.line().unwrap(), b"c");
        assert_eq!(line.line().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_line_without_an_end_is_not_kept_forever() {
        let mut line = Line::new(Script::new(&vec![b'x'; LINE_LIMIT * 3]));
        assert_eq!(line.line().unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(line.input.len() <= LINE_LIMIT + 2 * PIECE);
    }

    #[test]
    fn a_literal_that_breaks_off_is_an_error() {
        let mut line = Line::new(Script::new(b"123"));
        assert!(line.literal(4, |_| ()).is_err());
    }
}
