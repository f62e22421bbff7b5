//! A place for a connection between two uses: signing in takes several round trips, and every stage of a run needs one.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::imap::ImapMailbox;
use super::wire::Stream;

/// A connection that waited no longer than this is taken as good; after that it is asked first.
const FRESH: Duration = Duration::from_secs(10);

/// One waiting connection, at most.
pub(crate) struct Lot<S: Stream>(Mutex<Option<(Instant, ImapMailbox<S>)>>);

impl<S: Stream> Lot<S> {
    /// Empty.
    pub fn new() -> Arc<Lot<S>> {
        Arc::new(Lot(Mutex::new(None)))
    }

    /// The waiting connection, if there is one that still works.
    pub fn take(&self) -> Option<ImapMailbox<S>> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (since, mut mailbox) = waiting?;
        (since.elapsed() < FRESH || mailbox.answers()).then_some(mailbox)
    }

    /// Lets a connection wait; gives it back where another waits already.
    fn put(&self, mailbox: ImapMailbox<S>) -> Option<ImapMailbox<S>> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_some() {
            return Some(mailbox);
        }
        *place = Some((Instant::now(), mailbox));
        None
    }
}

/// Whoever closes the place says goodbye for the connection in it.
impl<S: Stream> Drop for Lot<S> {
    fn drop(&mut self) {
        if let Some((_, mailbox)) = self.take_out() {
            mailbox.say_goodbye();
        }
    }
}

impl<S: Stream> Lot<S> {
    fn take_out(&mut self) -> Option<(Instant, ImapMailbox<S>)> {
        self.0
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Lets a connection wait in its place, if that is still there and empty.
pub(crate) fn wait_in<S: Stream>(
    place: &Weak<Lot<S>>,
    mailbox: ImapMailbox<S>,
) -> Option<ImapMailbox<S>> {
    match place.upgrade() {
        Some(lot) => lot.put(mailbox),
        None => Some(mailbox),
    }
}
