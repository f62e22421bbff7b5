//! The socket beneath a connection: it can break inside the TLS handshake, and reset.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;

use super::Shared;
use super::script::{Action, At};

/// The socket under TLS, which may break inside the handshake.
pub struct Socket {
    pub tcp: TcpStream,
    /// Bytes until the handshake breaks, for each direction, and how.
    read: Option<(u64, Action)>,
    write: Option<(u64, Action)>,
    shared: Arc<Shared>,
}

impl Socket {
    /// A socket that breaks where these faults of the handshake say.
    pub fn new(tcp: TcpStream, shared: &Arc<Shared>, faults: &[(At, Action)]) -> Socket {
        let mut socket = Socket {
            tcp,
            read: None,
            write: None,
            shared: Arc::clone(shared),
        };
        for (at, action) in faults {
            match at {
                At::Byte(k) => socket.read = Some((*k, action.clone())),
                At::Answer(k) => socket.write = Some((*k, action.clone())),
                _ => {}
            }
        }
        socket
    }

    fn broken(&mut self, action: &Action) -> io::Error {
        match action {
            Action::Reset => reset(&self.tcp),
            _ => drop(self.tcp.shutdown(Shutdown::Write)),
        }
        self.shared.script.note(format!("Handshake {action:?}"));
        io::ErrorKind::ConnectionAborted.into()
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((left, action)) = self.read.clone() else {
            return self.tcp.read(buffer);
        };
        if left == 0 {
            return Err(self.broken(&action));
        }
        let most = buffer.len().min(left as usize);
        let count = self.tcp.read(&mut buffer[..most])?;
        self.read = Some((left - count as u64, action));
        Ok(count)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some((left, action)) = self.write.clone() else {
            return self.tcp.write(bytes);
        };
        if left == 0 {
            return Err(self.broken(&action));
        }
        let most = bytes.len().min(left as usize);
        let count = self.tcp.write(&bytes[..most])?;
        self.write = Some((left - count as u64, action));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// The next close is a reset.
pub fn reset(tcp: &TcpStream) {
    let _ = SockRef::from(tcp).set_linger(Some(Duration::ZERO));
}
