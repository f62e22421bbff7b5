//! An IMAP server that breaks, stalls, lies and changes its mind as a script says, and knows what it really stored.
//!
//! It speaks real TLS over real sockets on loopback, one thread a connection, and ends when it is dropped.

mod append;
pub mod certificates;
mod deflate;
mod fetch;
mod folders;
mod link;
mod parse;
pub mod script;
mod session;
mod socket;
pub mod traits;
pub mod truth;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use certificates::{Certificates, Shown};
use link::Link;
use script::{Action, Fault, On, Script};
use session::{Session, base64};
use socket::Socket;
use spectrum_migrate::mailbox::Credentials;
use spectrum_migrate::settings::Endpoint;
use traits::Traits;
use truth::Truth;

/// What all connections of one server share.
pub struct Shared {
    pub traits: Traits,
    pub script: Script,
    pub truth: Truth,
    certificates: &'static Certificates,
    closing: AtomicBool,
    connections: AtomicUsize,
    /// Messages that will be stored although their connection broke.
    late: AtomicUsize,
}

impl Shared {
    fn too_many(&self) -> bool {
        self.connections.load(Ordering::SeqCst) > self.traits.most_connections
    }
}

/// A running server.
pub struct FaultServer {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

/// What it stored, and what it saw.
impl Deref for FaultServer {
    type Target = Truth;

    fn deref(&self) -> &Truth {
        &self.shared.truth
    }
}

impl FaultServer {
    /// Starts one, or says why there is none.
    ///
    /// # Panics
    /// Where `CI=true` promises one and there is none.
    pub fn start(traits: Traits, script: Vec<Fault>) -> Option<FaultServer> {
        FaultServer::start_on(0, traits, script)
    }

    /// Starts one on this port; 0 is any that is free.
    ///
    /// # Panics
    /// As [`FaultServer::start`], and where the port is taken.
    pub fn start_on(port: u16, traits: Traits, script: Vec<Fault>) -> Option<FaultServer> {
        let certificates = match Certificates::shared() {
            Ok(certificates) => certificates,
            Err(why) if std::env::var("CI").is_ok_and(|value| value == "true") => {
                panic!("no certificates: {why}")
            }
            Err(why) => {
                super::skip(&format!("no certificates: {why}"));
                return None;
            }
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            traits,
            script: Script::new(script),
            truth: Truth::new(),
            certificates,
            closing: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            late: AtomicUsize::new(0),
        });
        let ours = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &ours));
        Some(FaultServer {
            shared,
            port,
            accepting: Some(accepting),
        })
    }

    /// Where it listens.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::tls("localhost", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Of its only user.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            user: self.shared.traits.user.clone(),
            password: self.shared.traits.password.as_str().into(),
        }
    }

    /// The certificate of the authority that signed its own.
    pub fn ca_file(&self) -> &Path {
        self.shared.certificates.ca_file()
    }

    /// The faults that really happened, in their order.
    pub fn fired(&self) -> Vec<String> {
        self.shared.script.fired()
    }

    /// Waits until everything is stored that is stored late.
    pub fn wait_for_the_late(&self) {
        while self.shared.late.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// No more faults.
    pub fn heal(&self) {
        self.shared.script.heal();
    }

    /// What must be found nowhere: the password, as it is and as AUTHENTICATE sends it.
    pub fn secrets(&self) -> Vec<String> {
        let traits = &self.shared.traits;
        let plain = format!("\0{}\0{}", traits.user, traits.password);
        vec![
            traits.password.clone(),
            base64(plain.as_bytes()),
            base64(traits.password.as_bytes()),
        ]
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for tcp in listener.incoming() {
        if shared.closing() {
            return;
        }
        let Ok(tcp) = tcp else { continue };
        let shared = Arc::clone(shared);
        let serving = std::thread::Builder::new().spawn(move || {
            shared.connections.fetch_add(1, Ordering::SeqCst);
            let _ = serve(tcp, &shared);
            shared.connections.fetch_sub(1, Ordering::SeqCst);
        });
        drop(serving);
    }
}

fn serve(tcp: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let (nth, faults) = shared.script.begin(&On::Handshake);
    let mut shown = Shown::Good;
    for (_, action) in &faults {
        if let Action::Show(other) = action {
            shown = *other;
            shared.script.note(format!("Handshake#{nth} {action:?}"));
        }
    }
    let socket = Socket::new(tcp, shared, &faults);
    let acceptor = shared.certificates.acceptor(shown);
    if let Ok(link) = Link::open(shared, socket, acceptor) {
        let _ = Session::new(link, shared, shown == Shown::Good).run();
    }
    Ok(())
}
