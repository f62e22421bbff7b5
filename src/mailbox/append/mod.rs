//! Sends messages with many commands under way at once, and tells what became of every one of them.
//!
//! Commands are never waited for one by one: with LITERAL+ and MULTIAPPEND a batch is one command without a pause
//! (RFC 7888, RFC 3502). The price is that a server which stops understanding in the middle may read mail as commands,
//! so at the first sign of that the connection is closed and nothing more is sent.

mod answers;
mod sending;
mod squeeze;
#[cfg(test)]
mod testing;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::response::{Line, Status, line};
use super::wire::{SILENCE, Stream, Wire};
use super::{Abilities, Batch, Broken, Fate, Literals, Outgoing, Ticket};
use crate::error::Error;
use sending::size;
use squeeze::Squeeze;

/// Largest literal that LITERAL- sends without waiting (RFC 7888, 5).
const MINUS: u64 = 4096;

/// Most commands under way. Their answers together are smaller than any network buffer, so the server can
/// always write them, even while we write too.
const MOST_FLYING: usize = 64;

/// Slowest line that is waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// How long answers are waited for after the server's goodbye.
const AFTER_BYE: Duration = Duration::from_secs(5);

/// Sends batches over a wire and gathers the answers.
pub(crate) struct Append<S: Stream> {
    wire: Wire<S>,
    server: String,
    literals: Literals,
    multiappend: bool,
    tags: u32,
    /// Submitted; no byte of it was sent.
    queue: VecDeque<Batch>,
    /// Begun to be sent, and not answered.
    flying: VecDeque<Flight>,
    settled: Vec<(Ticket, Fate)>,
    broken: Option<Broken>,
    /// Whether the caller knows that it broke.
    told: bool,
    /// By when the server must have said something.
    patience: Instant,
    /// When it said goodbye.
    bye: Option<Instant>,
    /// Whether the last command waits for its `+`.
    waiting: bool,
    /// Whether literals are out that nobody waited with, so that the server might take mail for commands,
    /// should it lose its way.
    exposed: bool,
    squeeze: Squeeze,
    /// Whether a connection of this run found that compressing pays.
    slow_line: Arc<AtomicBool>,
}

/// One command under way.
struct Flight {
    tag: String,
    tickets: Vec<Ticket>,
    bytes: u64,
    /// Bytes put on the wire before its first one.
    start: u64,
    /// Whether all of it was put on the wire.
    whole: bool,
    /// When that was.
    sent: Instant,
}

/// Why the connection is of no more use.
struct Trouble {
    /// The server may have read mail as commands.
    poisoned: bool,
    /// The line went dead; what came in before still counts.
    dead: bool,
    detail: String,
}

impl Trouble {
    fn dead(detail: impl Into<String>) -> Trouble {
        Trouble {
            poisoned: false,
            dead: true,
            detail: detail.into(),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::dead(error.to_string())
    }
}

impl<S: Stream> Append<S> {
    pub fn new(wire: Wire<S>, server: &str, abilities: &Abilities) -> Append<S> {
        Append {
            wire,
            server: server.into(),
            literals: abilities.literals,
            multiappend: abilities.multiappend,
            tags: 0,
            queue: VecDeque::new(),
            flying: VecDeque::new(),
            settled: Vec::new(),
            broken: None,
            told: false,
            patience: Instant::now(),
            bye: None,
            waiting: false,
            exposed: false,
            squeeze: Squeeze::new(abilities.compress, false),
            slow_line: Arc::default(),
        }
    }

    /// Shares with other connections what is learned of the line.
    pub fn share(&mut self, slow_line: Arc<AtomicBool>) {
        let announced = !matches!(self.squeeze, Squeeze::Never);
        self.squeeze = Squeeze::new(announced, slow_line.load(Ordering::Relaxed));
        self.slow_line = slow_line;
    }

    /// Whether something waits to be sent, and nothing is under way.
    pub fn is_about_to_send(&self) -> bool {
        self.flying.is_empty() && !self.queue.is_empty()
    }

    /// Takes a batch. Never waits.
    pub fn submit(&mut self, batch: Batch) {
        if self.fits_one_command(&batch) {
            self.queue.push_back(batch);
            return;
        }
        let Batch {
            folder,
            messages,
            cautious,
        } = batch;
        for message in messages {
            self.queue.push_back(Batch {
                folder: folder.clone(),
                messages: vec![message],
                cautious,
            });
        }
    }

    fn fits_one_command(&self, batch: &Batch) -> bool {
        let several = batch.messages.len() > 1;
        // An empty message makes servers refuse the whole of a MULTIAPPEND (RFC 3502, 6.3.11). With LITERAL-
        // a refusal in place of a `+` would leave it open whether the rest of the command is still expected.
        let fine = |message: &Outgoing| {
            size(message) > 0 && (self.literals != Literals::Minus || size(message) <= MINUS)
        };
        !several || (self.multiappend && batch.messages.iter().all(fine))
    }

    /// Commands submitted and not settled, and one more while [`Append::settle`] has not told that the connection broke.
    pub fn in_flight(&self) -> usize {
        let untold = self.broken.is_some() && !self.told;
        self.queue.len() + self.flying.len() + usize::from(untold)
    }

    /// Sends what was submitted, and gives the fates that are known, after at most `wait` if there is none.
    pub fn settle(&mut self, wait: Duration) -> Result<Vec<(Ticket, Fate)>, Broken> {
        if self.broken.is_none()
            && let Err(trouble) = self.work(wait)
        {
            self.break_off(trouble);
        }
        // What is known comes first; that the connection broke can wait for the next call.
        if !self.settled.is_empty() {
            return Ok(std::mem::take(&mut self.settled));
        }
        match self.broken.take() {
            None => Ok(Vec::new()),
            Some(broken) => {
                self.told = true;
                self.broken = Some(Broken {
                    in_doubt: Vec::new(),
                    poisoned: broken.poisoned,
                    error: self.lost("it is closed"),
                });
                Err(broken)
            }
        }
    }

    /// Waits until nothing is under way. The fates are given by the next [`Append::settle`].
    pub fn finish(&mut self) -> Result<(), Error> {
        while self.broken.is_none() && self.queue.len() + self.flying.len() > 0 {
            let known = std::mem::take(&mut self.settled);
            let result = self.work(SILENCE);
            self.settled.splice(0..0, known);
            if let Err(trouble) = result {
                self.break_off(trouble);
            }
        }
        match &self.broken {
            None => Ok(()),
            Some(broken) => Err(self.lost(&broken.error.to_string())),
        }
    }

    fn work(&mut self, wait: Duration) -> Result<(), Trouble> {
        let limit = Instant::now() + wait;
        while let Some(batch) = self.queue.pop_front() {
            self.collect()?;
            if self.bye.is_some() {
                self.queue.push_front(batch);
                break;
            }
            if self.squeeze.is_wanted() {
                if !self.flying.is_empty() {
                    self.queue.push_front(batch);
                    break;
                }
                self.start_compressing()?;
            }
            while self.flying.len() >= MOST_FLYING {
                // An answer to what still lies here would never come.
                self.wire.send()?;
                self.await_answer(Instant::now() + SILENCE)?;
            }
            self.send(batch)?;
            // On a slow line the caller may want to stop meanwhile; the rest stays unsent until it asks again.
            if Instant::now() >= limit {
                break;
            }
        }
        if self.bye.is_none() {
            self.wire.send()?;
        }
        self.collect()?;
        while self.settled.is_empty() && !self.flying.is_empty() && Instant::now() < limit {
            self.await_answer(limit)?;
        }
        match self.wire.heard(|heard| heard.bye().map(str::to_string)) {
            Some(words) if self.bye.is_some() && self.flying.is_empty() => {
                Err(Trouble::dead(format!("the server hung up: {words}")))
            }
            _ => Ok(()),
        }
    }

    /// Asks the server to compress both directions (RFC 4978). Nothing is under way, and its answer is the next.
    fn start_compressing(&mut self) -> Result<(), Trouble> {
        self.squeeze = Squeeze::Never;
        self.wire.put(b"Z COMPRESS DEFLATE\r\n")?;
        self.wire.send()?;
        let limit = Instant::now() + SILENCE;
        loop {
            let raw = self.wire.line(limit)?;
            match line(&raw) {
                Line::Tagged(b"Z", answer) => {
                    if answer.status == Status::Ok {
                        self.wire.start_deflate();
                        self.squeeze = Squeeze::On;
                        self.slow_line.store(true, Ordering::Relaxed);
                    }
                    return Ok(());
                }
                _ => drop(self.take(&raw)?),
            }
        }
    }

    /// Waits for something to come in, until `limit` or until the server has been silent for too long.
    fn await_answer(&mut self, limit: Instant) -> Result<(), Trouble> {
        let patience = self.deadline();
        let came = self.wire.wait(limit.min(patience))?;
        self.take_lines()?;
        if !came && Instant::now() >= patience {
            return Err(Trouble::dead("the server has not answered in time"));
        }
        Ok(())
    }

    /// Reads what has come in. Never waits.
    fn collect(&mut self) -> Result<(), Trouble> {
        self.wire.look()?;
        self.take_lines()?;
        Ok(())
    }

    /// By when the server must have said something.
    fn deadline(&self) -> Instant {
        self.bye.map_or(self.patience, |bye| bye + AFTER_BYE)
    }

    /// Gives the server time for what is under way.
    fn be_patient(&mut self) {
        let bytes: u64 = self.flying.iter().map(|flight| flight.bytes).sum();
        self.patience = Instant::now() + SILENCE + Duration::from_secs(bytes / SLOWEST);
    }

    /// Closes the connection, and sorts what was under way into sent and not sent.
    fn break_off(&mut self, trouble: Trouble) {
        let salvaged = if trouble.dead {
            self.take_lines()
        } else {
            Ok(false)
        };
        let trouble = salvaged
            .err()
            .filter(|worse| worse.poisoned)
            .unwrap_or(trouble);
        self.wire.close(&trouble.detail);
        let handed = self.wire.handed();
        let in_doubt = self
            .flying
            .drain(..)
            .filter(|flight| handed > flight.start)
            .flat_map(|flight| flight.tickets)
            .collect();
        self.queue.clear();
        let bye = self.wire.heard(|heard| heard.bye().map(str::to_string));
        let detail = match bye {
            Some(words) if !trouble.detail.contains(&words) => {
                format!("{} (its last words: {words})", trouble.detail)
            }
            _ => trouble.detail,
        };
        self.broken = Some(Broken {
            in_doubt,
            poisoned: trouble.poisoned,
            error: self.lost(&detail),
        });
    }

    fn lost(&self, detail: &str) -> Error {
        Error::ConnectionLost {
            server: self.server.clone(),
            detail: detail.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::Server;
    use super::super::{Literals, RefusalClass};
    use super::testing::{append, batch, broken, fates, message, refused, stored};
    use super::*;

    #[test]
    fn without_multiappend_every_message_is_a_command_of_its_own() {
        let (mut append, server) = append(Literals::Plus, false, |server| {
            for _ in 0..2 {
                server.line();
                server.bytes(1);
                server.line();
            }
            server.say("B1 OK\r\nB2 NO [OVERQUOTA] full\r\n");
        });
        append.submit(batch(vec![message(1, "a"), message(2, "b")], false));
        assert_eq!(append.in_flight(), 2);
        let mut all = fates(&mut append);
        while all.len() < 2 {
            all.extend(fates(&mut append));
        }
        assert_eq!(
            all,
            [
                stored(1, None),
                refused(2, RefusalClass::OverQuota, "[OVERQUOTA] full", false)
            ]
        );
        assert_eq!(server.join().unwrap()[3], "B2 APPEND \"a\\\"b\" {1+}");
    }

    #[test]
    fn more_commands_than_may_be_under_way_are_all_sent_before_anyone_waits() {
        let many = 3 * MOST_FLYING as u64;
        let (mut append, _server) = append(Literals::Plus, false, move |server| {
            for number in 1..=many {
                server.line();
                server.bytes(1);
                server.line();
                server.say(format!("B{number} OK\r\n"));
            }
        });
        append.submit(batch(
            (1..=many).map(|ticket| message(ticket, "a")).collect(),
            false,
        ));
        let begun = Instant::now();
        let mut settled = 0;
        while settled < many {
            settled += fates(&mut append).len() as u64;
        }
        assert!(begun.elapsed() < SILENCE / 2, "{:?}", begun.elapsed());
    }

    #[test]
    fn an_empty_message_never_travels_with_others() {
        let (mut append, _server) = append(Literals::Plus, true, Server::until_closed);
        append.submit(batch(
            vec![message(1, "a"), message(2, ""), message(3, "c")],
            false,
        ));
        assert_eq!(append.in_flight(), 3);
    }

    #[test]
    fn nothing_more_is_sent_once_the_server_has_lost_its_way() {
        let (mut append, server) = append(Literals::Plus, true, |server| {
            server.line();
            server.say("B1 BAD no\r\n");
            server.until_closed();
        });
        append.submit(batch(vec![message(1, "a")], false));
        assert!(broken(&mut append).1);
        append.submit(batch(vec![message(2, "never sent")], false));
        let (in_doubt, ..) = broken(&mut append);
        assert!(in_doubt.is_empty(), "{in_doubt:?}");
        drop(append);
        assert!(!server.join().unwrap().concat().contains("never sent"));
    }

    #[test]
    fn what_was_answered_before_the_line_went_dead_counts_and_the_rest_is_in_doubt() {
        let (mut append, _server) = append(Literals::Plus, true, |server| {
            server.line();
            server.bytes(1);
            server.line();
            server.line();
            server.say("B1 OK\r\n* BYE shutting down\r\n");
        });
        append.submit(batch(vec![message(1, "a")], false));
        append.submit(batch(vec![message(2, "b"), message(3, "c")], false));
        assert_eq!(fates(&mut append), [stored(1, None)]);
        let (in_doubt, poisoned, detail) = broken(&mut append);
        assert_eq!((in_doubt, poisoned), (vec![2, 3], false));
        assert!(detail.contains("shutting down"), "{detail}");
    }

    #[test]
    fn a_message_of_which_no_byte_left_is_not_in_doubt() {
        let (mut append, _server) = append(Literals::Synchronising, false, |server| {
            server.line();
        });
        append.submit(batch(vec![message(1, "a")], false));
        append.submit(batch(vec![message(2, "b")], false));
        assert_eq!(broken(&mut append).0, [1]);
    }

    #[test]
    fn settling_waits_no_longer_than_it_may() {
        let (mut append, _server) = append(Literals::Plus, true, Server::until_closed);
        append.submit(batch(vec![message(1, "a")], false));
        let begun = Instant::now();
        assert!(append.settle(Duration::from_millis(50)).unwrap().is_empty());
        assert!(begun.elapsed() < Duration::from_secs(3));
        assert_eq!(append.in_flight(), 1);
        append.patience = Instant::now();
        let (in_doubt, _, detail) = broken(&mut append);
        assert_eq!(in_doubt, [1]);
        assert!(detail.contains("has not answered"), "{detail}");
    }

    #[test]
    fn sending_takes_no_longer_than_it_may_but_for_the_message_it_has_begun() {
        let (mut append, _server) = append(Literals::Plus, true, |server| {
            server.line();
            std::thread::sleep(Duration::from_millis(200));
            server.say("+\r\n");
            server.bytes(1);
            server.line();
            server.say("B1 OK\r\n");
            server.line();
            server.say("+\r\n");
            server.bytes(1);
            server.line();
            server.say("B2 OK\r\n");
        });
        append.submit(batch(vec![message(1, "a")], true));
        append.submit(batch(vec![message(2, "b")], true));
        append.settle(Duration::from_millis(50)).unwrap();
        assert_eq!(append.queue.len(), 1);
        append.finish().unwrap();
        assert_eq!(append.in_flight(), 0);
    }

    #[test]
    fn finishing_keeps_the_fates_for_later() {
        let (mut append, _server) = append(Literals::Plus, true, |server| {
            for n in 1..=2 {
                server.line();
                server.bytes(1);
                server.line();
                server.say(format!("B{n} OK\r\n"));
            }
        });
        append.submit(batch(vec![message(1, "a")], false));
        append.submit(batch(vec![message(2, "b")], false));
        append.finish().unwrap();
        assert_eq!(fates(&mut append), [stored(1, None), stored(2, None)]);
    }
}
