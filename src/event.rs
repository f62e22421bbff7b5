//! Everything the engine says while it works; the command line turns it into bars, plain lines or JSON.

use std::time::Duration;

use serde::Serialize;

/// The parts of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Connecting and signing in.
    Connect,
    /// Reading the sources.
    Read,
    /// Asking the server what it has.
    Compare,
    /// Sending.
    Copy,
    /// Checking what arrived.
    Verify,
    /// Keeping on this computer what did not go up.
    Keep,
}

/// One thing that happened. Texts from mail or server are raw here: whoever prints makes them safe.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage begins.
    Started {
        /// Which.
        stage: Stage,
        /// Messages to handle, where known.
        messages: Option<u64>,
        /// Bytes to handle, where known.
        bytes: Option<u64>,
    },
    /// A stage is over.
    Finished {
        /// Which.
        stage: Stage,
        /// Messages handled.
        messages: u64,
    },
    /// Work on a folder begins.
    FolderStarted {
        /// The stage.
        stage: Stage,
        /// The folder's name: the source's while reading, the server's afterwards.
        folder: String,
        /// Messages in it to handle.
        messages: u64,
        /// Bytes in it to handle.
        bytes: u64,
    },
    /// A folder is done.
    FolderFinished {
        /// The stage.
        stage: Stage,
        /// The folder's name.
        folder: String,
        /// Messages of it that were handled.
        messages: u64,
    },
    /// Some more of a stage is done.
    Progress {
        /// The stage.
        stage: Stage,
        /// Messages so far, in the whole stage.
        messages: u64,
        /// Bytes so far, in the whole stage.
        bytes: u64,
    },
    /// The server confirmed a message.
    Copied {
        /// The folder on the server.
        folder: String,
        /// The UID, where the server tells it (RFC 4315).
        uid: Option<u32>,
        /// Bytes of the message.
        bytes: u64,
        /// Messages copied so far in this run.
        done: u64,
        /// Messages this run wants to copy.
        total: u64,
    },
    /// The server did not take the name of a folder; it has a plainer one now.
    Renamed {
        /// The name it should have.
        wanted: String,
        /// The name it has.
        name: String,
    },
    /// The server refused a message for good.
    Refused {
        /// The folder on the server.
        folder: String,
        /// The server's words.
        detail: String,
    },
    /// The connection is gone; we will try again.
    Reconnecting {
        /// How long we wait.
        after: Duration,
        /// Which try this will be, from 1.
        attempt: u32,
        /// How many there will be at most.
        of: u32,
        /// What was seen.
        detail: String,
    },
    /// Connected again.
    Reconnected,
    /// Waiting until a message in doubt must have arrived, if it ever will.
    Settling {
        /// How long.
        wait: Duration,
        /// How many messages are in doubt.
        messages: u64,
    },
    /// The server asks that people be shown this (`[ALERT]`, RFC 9051, 7.1).
    Alert {
        /// The server's words.
        text: String,
    },
    /// Something worth knowing that stops nothing.
    Notice {
        /// In plain words.
        text: String,
    },
}

/// Whoever watches a run.
pub trait Observer: Sync {
    /// Called for each event, from any thread of the engine; must not block for long.
    fn notice(&self, event: &Event);
}

/// Watches nothing.
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Event) {}
}
