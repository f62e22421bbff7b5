//! The hands of the upload: everything slow is done by them, and the driver only hears what came of it. In the program
//! they are threads; a simulator has hands that do one thing after the other, in any order it likes.

use std::io::Read;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::learn::{Lesson, Question};
use crate::error::Error;
use crate::mailbox::{Batch, Broken, Fate, Mailbox, Ticket};
use crate::message::Item;
use crate::source::Source;
use crate::transfer::plan::Reason;
use crate::transfer::upload::Line;

/// A message to be read for sending.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The core's number for it.
    pub task: u32,
    /// Index of its source.
    pub source: u16,
    /// The message.
    pub item: Item,
    /// Whether its bytes are to be held; a large one is read again while it is sent.
    pub hold: bool,
}

/// What reading came to: the hash of all bytes, and the bytes where they are to be held.
pub(crate) type Content = Result<([u8; 32], Option<Vec<u8>>), (Reason, String)>;

/// What came of something.
pub(crate) enum Heard {
    /// A connection was opened, or not.
    Opened(Line, Result<(), Error>),
    /// The fates of messages.
    Fates(Line, Vec<(Ticket, Fate)>),
    /// A connection broke.
    Broken(Line, Broken),
    /// Messages were read.
    Read(Vec<(u32, Content)>),
    /// The server asks that people be shown this.
    Alert(String),
    /// A message was read back.
    Learned(Lesson),
}

/// Whoever does the slow things.
pub(crate) trait Crew {
    /// Opens a connection; [`Heard::Opened`] tells how that went.
    fn open(&mut self, line: Line);

    /// Takes over a connection that is there.
    fn give(&mut self, line: Line, mailbox: Box<dyn Mailbox>);

    /// Gives a connection back, with which nothing is under way.
    fn take(&mut self, line: Line) -> Option<Box<dyn Mailbox>>;

    /// Sends a batch; [`Heard::Fates`] or [`Heard::Broken`] follow.
    fn submit(&mut self, line: Line, batch: Batch);

    /// Ends a connection, with whatever is under way on it.
    fn cut(&mut self, line: Line);

    /// Reads messages; [`Heard::Read`] follows.
    fn read(&mut self, messages: Vec<Reading>);

    /// Reads a message back, if nothing more important is to be done; [`Heard::Learned`] follows.
    fn learn(&mut self, _: Question) {}

    /// The next thing that came in. Waits, if anything is under way at all, but at most so long.
    fn next(&mut self, wait: Duration) -> Option<Heard>;

    /// Whether anything is under way.
    fn is_busy(&self) -> bool;
}

/// Reads a message to the end and makes sure that it is still the one that was planned.
pub(crate) fn read(sources: &[Box<dyn Source>], reading: &Reading) -> Content {
    let unreadable = |detail: String| (Reason::Unreadable, detail);
    let item = &reading.item;
    let source = sources
        .get(reading.source as usize)
        .ok_or_else(|| unreadable("its source is gone".into()))?;
    let mut bytes = Vec::with_capacity(if reading.hold { item.size as usize } else { 0 });
    let mut hash = Sha256::new();
    let read = source.open(item).and_then(|mut reader| {
        if reading.hold {
            // One byte more would show that it grew.
            (&mut reader).take(item.size + 1).read_to_end(&mut bytes)?;
            hash.update(&bytes);
        } else {
            let mut part = vec![0; 64 * 1024];
            loop {
                match reader.read(&mut part)? {
                    0 => break,
                    count => hash.update(part.get(..count).unwrap_or_default()),
                }
            }
        }
        Ok(())
    });
    read.map_err(|error| unreadable(error.to_string()))?;
    let hash: [u8; 32] = hash.finalize().into();
    if !hash.starts_with(&item.identity.bytes.0) {
        let detail = "it is not the message any more that was found at first";
        return Err((Reason::Changed, detail.into()));
    }
    Ok((hash, reading.hold.then_some(bytes)))
}
