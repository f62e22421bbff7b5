//! Takes connections, one thread each, never too many, and ends all of them when the server is dropped.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::session::Session;
use super::sign_in::Account;
use super::store::Store;

/// Connections at one time. Mail programs open about five, a copy four.
pub(super) const MOST: usize = 24;

/// A client that does not read its answers for so long is gone.
const WRITING: Duration = Duration::from_secs(120);

/// The listener and all connections it took.
pub(super) struct Connections {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    stopping: AtomicBool,
    /// A handle on every open socket, by which it can be shut down from outside.
    open: Mutex<HashMap<u64, TcpStream>>,
    store: Arc<Store>,
    account: Arc<Account>,
}

impl Connections {
    /// Listens on loopback. Returns the port too.
    pub(super) fn start(
        port: u16,
        store: Arc<Store>,
        account: Arc<Account>,
    ) -> io::Result<(Connections, u16)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            stopping: AtomicBool::new(false),
            open: Mutex::default(),
            store,
            account,
        });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("practice".into());
        let handle = thread.spawn(move || listen(&listener, &for_thread))?;
        let connections = Connections {
            address,
            shared,
            listener: Some(handle),
        };
        Ok((connections, address.port()))
    }

    /// Connections that are open.
    pub(super) fn count(&self) -> usize {
        self.shared.open().len()
    }

    /// Where it listens.
    #[cfg(test)]
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // The listener waits for a connection; this one wakes it. Where none can be made it can't be waited for.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(2));
        if let (Ok(_), Some(listener)) = (woken, self.listener.take()) {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (number, socket) in (0u64..).zip(listener.incoming()) {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        threads.retain(|thread| !thread.is_finished());
        match socket.and_then(|socket| begin(socket, number, shared)) {
            Ok(thread) => threads.extend(thread),
            // One connection that fails is no reason to stop; if all do, not so fast.
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
    for socket in shared.open().values() {
        let _ = socket.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Starts the thread of a connection, or sends the client away.
fn begin(
    mut socket: TcpStream,
    number: u64,
    shared: &Arc<Shared>,
) -> io::Result<Option<JoinHandle<()>>> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(WRITING))?;
    if shared.open().len() >= MOST {
        socket.write_all(b"* BYE [UNAVAILABLE] too many connections\r\n")?;
        return Ok(None);
    }
    shared.open().insert(number, socket.try_clone()?);
    let for_thread = Arc::clone(shared);
    let thread = thread::Builder::new().name("practice client".into());
    let spawned = thread.spawn(move || {
        let _open = Open {
            shared: &for_thread,
            number,
        };
        Session::new(socket, &for_thread.store, &for_thread.account).run();
    });
    if spawned.is_err() {
        shared.open().remove(&number);
    }
    spawned.map(Some)
}

/// Takes a connection off the list when its thread ends, however it ends.
struct Open<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(socket) = self.shared.open().remove(&self.number) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
