//! What the upload core and its driver say to each other.

use std::time::Duration;

use crate::error::Error;
use crate::transfer::plan::Reason;

/// The numbers that the core goes by.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// Messages whose intents are written and synced together.
    pub window_messages: usize,
    /// Bytes of such a window.
    pub window_bytes: u64,
    /// Messages that go with one command at first; answers that come quickly make it more.
    pub first_batch: usize,
    /// Messages that go with one command at most; 1 where the server takes no more.
    pub batch_messages: usize,
    /// Bytes of such a batch.
    pub batch_bytes: u64,
    /// Commands outstanding on a connection.
    pub outstanding: usize,
    /// A message of at least this size goes alone, and waits for the server's word before its bytes are sent.
    pub cautious_from: u64,
    /// An APPEND whose connection broke has arrived after this time, or never will.
    pub quiet: Duration,
    /// Connections tried without any progress before the run gives up.
    pub attempts: u32,
    /// How long batches in flight may take when the person stops the run.
    pub grace: Duration,
    /// Connections at first: with two, one is at work while the other waits for the server's answers.
    pub first_lines: usize,
    /// Messages that are worth another one of these.
    pub worth_a_line: usize,
    /// Connections at most.
    pub most_lines: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            window_messages: 256,
            window_bytes: 4 << 20,
            first_batch: 8,
            batch_messages: 256,
            batch_bytes: 2 << 20,
            outstanding: 3,
            cautious_from: 1 << 20,
            quiet: Duration::from_secs(60),
            attempts: 8,
            grace: Duration::from_secs(10),
            first_lines: 2,
            worth_a_line: 8,
            most_lines: 8,
        }
    }
}

/// One of the connections that carry mail.
pub(crate) type Line = usize;

/// A message to send, known by its place in the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    /// The folder, by the driver's number.
    pub folder: u16,
    /// Bytes to send.
    pub size: u64,
    /// An earlier run left it in doubt; it may have arrived until this moment.
    pub doubt_until: Option<Duration>,
}

/// What the driver is to do next. Each is said once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open this connection, and tell [`Upload::connected`] or [`Upload::not_connected`].
    ///
    /// [`Upload::connected`]: super::Upload::connected
    /// [`Upload::not_connected`]: super::Upload::not_connected
    Connect { line: Line, attempt: u32 },
    /// Give this connection back; nothing is under way on it.
    Close(Line),
    /// Read these messages, write their intents, sync, and tell [`Upload::intended`](super::Upload::intended).
    Intend(Vec<u32>),
    /// Hand these messages of one folder over as one batch.
    Submit {
        line: Line,
        tasks: Vec<u32>,
        cautious: bool,
    },
    /// Create the folder, and tell [`Upload::folder_ready`] or [`Upload::folder_closed`].
    ///
    /// [`Upload::folder_ready`]: super::Upload::folder_ready
    /// [`Upload::folder_closed`]: super::Upload::folder_closed
    Create { line: Line, folder: u16 },
    /// Look for these messages of one folder on the server, and tell [`Upload::matched`](super::Upload::matched).
    Match {
        line: Line,
        folder: u16,
        tasks: Vec<u32>,
    },
    /// Wait until something comes in, or until this moment.
    Wait(Duration),
    /// It is over; [`Upload::finish`](super::Upload::finish) has the rest.
    Finish,
}

/// What became of a message, once and for all in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The server confirmed it: UIDVALIDITY and UID where told.
    Stored(Option<(u32, u32)>),
    /// In doubt, and found on the server under this UID.
    Found(u32),
    /// The server said no.
    Refused(Reason, String),
    /// Not sent, or in doubt.
    Waiting(Reason),
}

/// Why it is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Every message has its verdict.
    Done,
    /// The person stopped it.
    Stopped,
    /// It can't go on.
    Failed(Error),
}
