//! What goes wrong, and when.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::certificates::Shown;
use super::truth::Truth;

/// In which exchange.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum On {
    /// A new connection, its TLS handshake included.
    Handshake,
    /// The greeting.
    Greeting,
    /// This command, as `APPEND` or `UID FETCH`; AUTHENTICATE counts as LOGIN.
    Command(String),
}

/// Where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// After this many bytes of the command and its literals (of a handshake: of what the client sends).
    Byte(u64),
    /// Once the command line is there.
    Before,
    /// In place of, or before, the first `+`.
    BeforePlus,
    /// Once the command is there whole, and nothing is done yet.
    AfterLiteral,
    /// Once it is done, and nothing is said yet.
    AfterStore,
    /// After this many bytes of the answer.
    Answer(u64),
    /// After the answer.
    After,
}

/// What a server does to a message that it stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Another body.
    Body,
    /// A header field more.
    HeaderAdded,
    /// Another Subject.
    Subject,
}

/// What happens.
#[derive(Clone)]
pub enum Action {
    /// RST: nothing more is read or sent.
    Reset,
    /// The end, in good TLS manners.
    Fin,
    /// The end of the TCP connection without TLS knowing.
    BareFin,
    /// Silence, and then on as if nothing had been.
    Stall(Duration),
    /// From here on the answer comes byte by byte, each after this time.
    Trickle(Duration),
    /// These bytes, and then on.
    Inject(Vec<u8>),
    /// These bytes instead of the answer; `{tag}` is the tag.
    Instead(String),
    /// NO with this text, instead of doing it.
    No(String),
    /// BAD with this text; literals that are on their way are taken for commands.
    Bad(String),
    /// `* BYE` with this text, and the end.
    Bye(String),
    /// Done, and then a reset instead of an answer.
    StoreThenReset,
    /// A reset, and after this time it is done all the same.
    StoreLate(Duration),
    /// An OK, and the nth message of the command is not stored.
    DropSilently(usize),
    /// An OK, and of the nth message only this many bytes are stored.
    Truncate(usize, usize),
    /// An OK, and the nth message is stored in another form.
    Rewrite(usize, Rewrite),
    /// Every UID in APPENDUID is wrong: they are told in the opposite order.
    SwapUids,
    /// APPENDUID tells UIDs that do not exist.
    WrongUids,
    /// The order in which the messages of a command are stored is turned round.
    StoreBackwards,
    /// Everything gets a new UIDVALIDITY and new UIDs.
    BumpUidValidity,
    /// A handshake with this certificate.
    Show(Shown),
    /// Whatever a test thinks of: kill the client, or meddle with the mailbox as its owner.
    Call(Arc<dyn Fn(&Truth) + Send + Sync>),
}

impl Action {
    /// Calls back.
    pub fn call(with: impl Fn(&Truth) + Send + Sync + 'static) -> Action {
        Action::Call(Arc::new(with))
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail) = match self {
            Action::Reset => ("Reset", String::new()),
            Action::Fin => ("Fin", String::new()),
            Action::BareFin => ("BareFin", String::new()),
            Action::Stall(time) => ("Stall", format!("{time:?}")),
            Action::Trickle(time) => ("Trickle", format!("{time:?}")),
            Action::Inject(bytes) => ("Inject", String::from_utf8_lossy(bytes).into_owned()),
            Action::Instead(text) => ("Instead", text.clone()),
            Action::No(text) => ("No", text.clone()),
            Action::Bad(text) => ("Bad", text.clone()),
            Action::Bye(text) => ("Bye", text.clone()),
            Action::StoreThenReset => ("StoreThenReset", String::new()),
            Action::StoreLate(time) => ("StoreLate", format!("{time:?}")),
            Action::DropSilently(n) => ("DropSilently", n.to_string()),
            Action::Truncate(n, bytes) => ("Truncate", format!("{n}, {bytes}")),
            Action::Rewrite(n, kind) => ("Rewrite", format!("{n}, {kind:?}")),
            Action::SwapUids => ("SwapUids", String::new()),
            Action::WrongUids => ("WrongUids", String::new()),
            Action::StoreBackwards => ("StoreBackwards", String::new()),
            Action::BumpUidValidity => ("BumpUidValidity", String::new()),
            Action::Show(shown) => ("Show", format!("{shown:?}")),
            Action::Call(_) => ("Call", String::new()),
        };
        write!(f, "{name}({})", detail.escape_debug())
    }
}

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    pub on: On,
    /// Which of its kind, over all connections, from 1; 0 is every one.
    pub nth: u64,
    pub at: At,
    pub action: Action,
}

impl Fault {
    /// In the nth of these commands.
    pub fn command(name: &str, nth: u64, at: At, action: Action) -> Fault {
        Fault::new(On::Command(name.into()), nth, at, action)
    }

    pub fn new(on: On, nth: u64, at: At, action: Action) -> Fault {
        Fault {
            on,
            nth,
            at,
            action,
        }
    }
}

/// The script of a server, and how far it is.
#[derive(Default)]
pub struct Script {
    faults: Mutex<Vec<Fault>>,
    counts: Mutex<HashMap<On, u64>>,
    fired: Mutex<Vec<String>>,
}

impl Script {
    pub fn new(faults: Vec<Fault>) -> Script {
        Script {
            faults: Mutex::new(faults),
            ..Script::default()
        }
    }

    /// Another one of these begins: its number, and what goes wrong in it.
    pub fn begin(&self, on: &On) -> (u64, Vec<(At, Action)>) {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(on.clone()).or_default();
        *count += 1;
        let faults = self.faults.lock().unwrap();
        let now = |fault: &&Fault| fault.on == *on && (fault.nth == 0 || fault.nth == *count);
        let due = faults
            .iter()
            .filter(now)
            .map(|fault| (fault.at, fault.action.clone()));
        (*count, due.collect())
    }

    /// Everything is well from now on.
    pub fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    pub fn note(&self, what: String) {
        self.fired.lock().unwrap().push(what);
    }

    pub fn fired(&self) -> Vec<String> {
        self.fired.lock().unwrap().clone()
    }
}
