//! Everything that can go wrong, as a closed list: a new error without plain words and an exit code does not compile.

use std::fmt;
use std::path::PathBuf;

/// Whether trying the same thing again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Yes, after a pause; nobody need do anything.
    Soon,
    /// Yes, once a person has done something about it.
    AfterHelp,
    /// No.
    Never,
}

/// Why a secure connection was refused. We never go on without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insecure {
    /// The certificate is signed by nobody this computer trusts.
    UnknownIssuer,
    /// The certificate is for another name.
    WrongName,
    /// The certificate has run out, or is not valid yet.
    Expired,
    /// This computer has no list of trusted issuers at all.
    NoTrustStore,
    /// The server does not speak TLS 1.2 or later on this port.
    NoTls,
    /// Another reason; the detail has it.
    Other,
}

/// Why no mail can be read from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is nothing at this path.
    Missing,
    /// The computer does not let us read it.
    NotAllowed,
    /// It can be read, and holds no mail that we know.
    NotMail,
    /// It holds no message.
    Empty,
    /// Another program holds it, or it changed while it was read.
    Changed,
    /// The disk or the device reported an error.
    Device,
    /// Mail in a form that this program does not read (yet).
    Unsupported,
}

/// Everything that can go wrong.
#[derive(Debug)]
pub enum Error {
    /// The server cannot be reached, or does not answer.
    NotReached {
        /// `host:port`
        server: String,
        /// The system's words.
        detail: String,
    },
    /// No secure connection to the server.
    NotSecure {
        /// `host:port`
        server: String,
        /// Why.
        why: Insecure,
        /// The words of the TLS library.
        detail: String,
    },
    /// The server does not accept the user name and password.
    SignInRefused {
        /// `host:port`
        server: String,
        /// The server's words.
        detail: String,
    },
    /// The server took us, and then the line went dead or it hung up.
    ConnectionLost {
        /// `host:port`
        server: String,
        /// What was seen.
        detail: String,
    },
    /// The server said no to something that is needed, or answered in a way that makes no sense.
    ServerTrouble {
        /// What we asked for, in plain words.
        doing: String,
        /// The server's words.
        detail: String,
    },
    /// The mailbox on the server has no more room.
    MailboxFull {
        /// The server's words.
        detail: String,
    },
    /// A copy read back from the server is not what was sent.
    Altered {
        /// The folder on the server.
        folder: String,
        /// What differs.
        detail: String,
    },
    /// Another run holds the lock of this account.
    Busy {
        /// Its process number, where known.
        pid: Option<u32>,
    },
    /// The journal cannot be written or read; nothing is sent without it.
    Journal {
        /// The journal's file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// The disk has too little room for the storage folder; nothing was written.
    StorageFull {
        /// The folder.
        path: PathBuf,
        /// Bytes that it takes.
        needs: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The storage folder cannot be read or written.
    Storage {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// No mail can be read from a source.
    Source {
        /// Its path.
        path: PathBuf,
        /// Why.
        why: Unreadable,
        /// The system's words, or what was found there.
        detail: String,
    },
    /// A choice that cannot be carried out, such as a folder that is not there.
    Choice {
        /// What is wrong with it.
        detail: String,
    },
    /// The person stopped the run.
    Stopped,
    /// The program contradicts itself: its own mistake.
    Bug {
        /// What was found.
        detail: String,
    },
}

impl Error {
    /// Whether trying again can help, and who must do something first.
    pub fn retry(&self) -> Retry {
        match self {
            Error::NotReached { .. }
            | Error::ConnectionLost { .. }
            | Error::ServerTrouble { .. } => Retry::Soon,
            Error::NotSecure { .. }
            | Error::SignInRefused { .. }
            | Error::MailboxFull { .. }
            | Error::Busy { .. }
            | Error::Journal { .. }
            | Error::StorageFull { .. }
            | Error::Storage { .. }
            | Error::Source { .. }
            | Error::Choice { .. } => Retry::AfterHelp,
            Error::Altered { .. } | Error::Stopped | Error::Bug { .. } => Retry::Never,
        }
    }
}

/// A fragment for logs. What people read is made by the command line from the variant.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotReached { server, detail } => {
                write!(f, "{server} cannot be reached: {detail}")
            }
            Error::NotSecure { server, detail, .. } => {
                write!(f, "no secure connection to {server}: {detail}")
            }
            Error::SignInRefused { server, detail } => {
                write!(f, "{server} refused the sign-in: {detail}")
            }
            Error::ConnectionLost { server, detail } => {
                write!(f, "connection to {server} lost: {detail}")
            }
            Error::ServerTrouble { doing, detail } => write!(f, "{doing}: {detail}"),
            Error::MailboxFull { detail } => write!(f, "mailbox full: {detail}"),
            Error::Altered { folder, detail } => {
                write!(f, "the copy in {folder} differs: {detail}")
            }
            Error::Busy { pid: Some(pid) } => {
                write!(f, "another run is in progress (process {pid})")
            }
            Error::Busy { pid: None } => write!(f, "another run is in progress"),
            Error::Journal { path, detail } => write!(f, "journal {}: {detail}", path.display()),
            Error::StorageFull { path, needs, free } => write!(
                f,
                "storage folder {}: {needs} bytes needed, {free} free",
                path.display()
            ),
            Error::Storage { path, detail } => {
                write!(f, "storage folder {}: {detail}", path.display())
            }
            Error::Source { path, detail, .. } => write!(f, "{}: {detail}", path.display()),
            Error::Choice { detail } => f.write_str(detail),
            Error::Stopped => f.write_str("stopped"),
            Error::Bug { detail } => write!(f, "internal contradiction: {detail}"),
        }
    }
}

impl std::error::Error for Error {}
