//! Why a message has the outcome it has: a closed list.

use serde::Serialize;

/// Why a message has the outcome it has. Closed, and the same words in the JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Left out: the mail program had marked it as deleted or moved.
    Deleted,
    /// Left out: a record that a program keeps for itself, no mail.
    Internal,
    /// Left out: its folder was skipped by choice.
    Skipped,
    /// Left out: older than `--since`.
    TooOld,
    /// Left out: newer than `--until`.
    TooNew,
    /// Left out: copied and verified by an earlier run, and removed on the server since. It is not brought back.
    RemovedSince,
    /// Already there: in its folder on the server.
    InFolder,
    /// Already there: in another folder on the server (`--once`).
    InOtherFolder,
    /// Merged: the same message was found more than once for this folder.
    Identical,
    /// Refused: too large for the server.
    TooBig,
    /// Refused: the server does not take mail in that folder.
    NotAllowed,
    /// Refused: the server can't take these bytes.
    Syntax,
    /// Refused: the server gave another reason.
    ServerSaidNo,
    /// Damaged: see the listing.
    Unreadable,
    /// Damaged: it changed between the plan and the sending.
    Changed,
    /// Waiting: the mailbox is full.
    Full,
    /// Waiting: sent, and the answer never came; looked up at the next run before anything is sent again.
    InDoubt,
    /// Waiting: not tried yet.
    NotTried,
}
