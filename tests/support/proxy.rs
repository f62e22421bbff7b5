//! A proxy on loopback that counts bytes, and cuts a connection or ends a process after a given one.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What happens after the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both ends get a reset.
    Reset,
    /// Both ends get an orderly end.
    End,
    /// The child gets a SIGKILL, and then both ends an orderly end.
    Kill,
    /// The child gets a signal that it can hear (by number), and the connection goes on.
    Signal(i32),
}

/// A place in the conversation, and what happens there.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Which connection, from 0, counted since the proxy was armed; all of them together if none is named.
    pub connection: Option<usize>,
    pub way: Way,
    /// So many bytes pass, and none after them.
    pub after: u64,
    pub cut: Cut,
}

/// A child that several threads may end; never one that was waited for already.
pub type Shared = Arc<Mutex<Option<Child>>>;

#[derive(Default)]
struct State {
    armed: Option<Place>,
    fired: bool,
    /// Bytes of each connection since the proxy was armed: to the server, to the client.
    counts: Vec<[u64; 2]>,
}

/// The proxy. It passes bytes on as they are, so TLS goes through it.
pub struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
    child: Shared,
    over: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy in front of a port on loopback.
    pub fn start(to: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (state, child) = (Arc::new(Mutex::new(State::default())), Shared::default());
        let over = Arc::new(AtomicBool::new(false));
        let (for_all, to_kill, ended) = (state.clone(), child.clone(), over.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", to)))
                else {
                    continue;
                };
                let number = {
                    let mut state = for_all.lock().unwrap();
                    state.counts.push([0; 2]);
                    state.counts.len() - 1
                };
                let reset = Arc::new(AtomicBool::new(false));
                for way in [Way::ToServer, Way::ToClient] {
                    let line = Line {
                        number,
                        way,
                        client: client.try_clone().unwrap(),
                        server: server.try_clone().unwrap(),
                        state: for_all.clone(),
                        reset: reset.clone(),
                        child: to_kill.clone(),
                    };
                    std::thread::spawn(move || line.pass());
                }
            }
        });
        Proxy {
            port,
            state,
            child,
            over,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on connections are counted from 0, and one of them is cut here.
    pub fn arm(&self, place: Option<Place>) {
        *self.state.lock().unwrap() = State {
            armed: place,
            ..State::default()
        };
    }

    /// Whether the conversation came to the place.
    pub fn fired(&self) -> bool {
        self.state.lock().unwrap().fired
    }

    /// Bytes of each connection since the proxy was armed: to the server, to the client.
    pub fn counts(&self) -> Vec<[u64; 2]> {
        self.state.lock().unwrap().counts.clone()
    }

    /// Where the child is put that a cut ends.
    pub fn child(&self) -> &Shared {
        &self.child
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, which sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One way of one connection.
struct Line {
    number: usize,
    way: Way,
    client: TcpStream,
    server: TcpStream,
    state: Arc<Mutex<State>>,
    child: Shared,
    /// The connection ends with a reset: nobody may say an orderly goodbye any more.
    reset: Arc<AtomicBool>,
}

impl Line {
    fn pass(self) {
        let (mut from, mut to) = match self.way {
            Way::ToServer => (&self.client, &self.server),
            Way::ToClient => (&self.server, &self.client),
        };
        let mut buffer = [0; 16 * 1024];
        loop {
            // A cut after no byte at all comes before anything is read.
            if let Some((cut, 0)) = self.pending() {
                if self.fire(cut) {
                    return;
                }
                continue;
            }
            let Ok(read @ 1..) = from.read(&mut buffer) else {
                break;
            };
            let mut rest = &buffer[..read];
            while !rest.is_empty() {
                let pending = self.pending();
                let most = pending.map_or(u64::MAX, |(_, left)| left);
                let count = rest.len().min(usize::try_from(most).unwrap_or(usize::MAX));
                if to.write_all(&rest[..count]).is_err() {
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
                self.count(count);
                rest = &rest[count..];
                if let Some((cut, 0)) = self.pending()
                    && self.fire(cut)
                {
                    return;
                }
            }
        }
        if !self.reset.load(Ordering::SeqCst) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// What is to happen on this line, and after how many more bytes.
    fn pending(&self) -> Option<(Cut, u64)> {
        let state = self.state.lock().unwrap();
        let here = |place: &Place| place.connection.is_none_or(|number| number == self.number);
        let place = state
            .armed
            .filter(|place| !state.fired && here(place) && place.way == self.way)?;
        let passed: u64 = match place.connection {
            Some(number) => state.counts.get(number)?[self.way as usize],
            None => state
                .counts
                .iter()
                .map(|count| count[self.way as usize])
                .sum(),
        };
        Some((place.cut, place.after.saturating_sub(passed)))
    }

    fn count(&self, bytes: usize) {
        let mut state = self.state.lock().unwrap();
        if let Some(counts) = state.counts.get_mut(self.number) {
            counts[self.way as usize] += bytes as u64;
        }
    }

    /// Whether the connection is over by it.
    fn fire(&self, cut: Cut) -> bool {
        if std::mem::replace(&mut self.state.lock().unwrap().fired, true) {
            return false;
        }
        match cut {
            Cut::Reset => {
                // What was passed on is on its way already; a reset must not overtake it.
                std::thread::sleep(Duration::from_millis(2));
                self.reset.store(true, Ordering::SeqCst);
                for end in [&self.client, &self.server] {
                    reset_when_closed(end);
                    // Wakes the thread of the other way, which then lets go of both.
                    let _ = end.shutdown(Shutdown::Read);
                }
                return true;
            }
            Cut::End => {}
            Cut::Kill => self.with_child(|child| {
                let _ = child.kill();
                let _ = child.wait();
            }),
            Cut::Signal(number) => {
                self.with_child(|child| signal(child, number));
                return false;
            }
        }
        for end in [&self.client, &self.server] {
            let _ = end.shutdown(Shutdown::Both);
        }
        true
    }

    /// The child is put in place right after it was started.
    fn with_child(&self, act: impl FnOnce(&mut Child)) {
        for _ in 0..1000 {
            if let Some(child) = self.child.lock().unwrap().as_mut() {
                return act(child);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Sends a signal to a child that was not waited for.
pub fn signal(child: &Child, number: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = Pid::from_raw(child.id() as i32);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(number)) {
        let _ = kill_process(pid, signal);
    }
}

/// With no time to linger, closing sends a reset.
fn reset_when_closed(end: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(end, Some(Duration::ZERO));
}
