//! The hands of the program: a thread for each connection, and one that reads ahead.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::Scope;
use std::time::Duration;

use super::crew::{Crew, Heard, Reading, read};
use super::learn::{Learner, Question};
use crate::mailbox::{Batch, Connect, Hangup, Mailbox};
use crate::source::Source;
use crate::transfer::upload::Line;

/// How long answers are waited for before looking whether there is more to send.
const LOOK: Duration = Duration::from_millis(5);

/// Threads that live no longer than `'s`.
pub(crate) struct Threads<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    connect: &'e dyn Connect,
    lines: HashMap<Line, OneLine>,
    sources: &'e [Box<dyn Source>],
    reader: Sender<Vec<Reading>>,
    /// Whoever reads messages back; started with the first.
    learner: Option<Sender<Question>>,
    heard: Receiver<(Heard, Option<Hangup>)>,
    tell: Sender<(Heard, Option<Hangup>)>,
    /// Things asked for and not heard of yet.
    opening: usize,
    reading: usize,
    learning: usize,
}

struct OneLine {
    orders: Sender<Order>,
    hangup: Option<Hangup>,
    flying: usize,
}

enum Order {
    Submit(Batch),
    Return(Sender<Box<dyn Mailbox>>),
}

type Tell = Sender<(Heard, Option<Hangup>)>;

impl<'s, 'e> Threads<'s, 'e> {
    /// No connection yet, and a reader.
    pub fn new(
        scope: &'s Scope<'s, 'e>,
        connect: &'e dyn Connect,
        sources: &'e [Box<dyn Source>],
    ) -> Threads<'s, 'e> {
        let (tell, heard) = channel();
        let (reader, orders) = channel::<Vec<Reading>>();
        let back: Tell = tell.clone();
        scope.spawn(move || {
            for messages in orders {
                let contents = messages.iter().map(|one| (one.task, read(sources, one)));
                if back.send((Heard::Read(contents.collect()), None)).is_err() {
                    return;
                }
            }
        });
        Threads {
            scope,
            connect,
            lines: HashMap::new(),
            sources,
            reader,
            learner: None,
            heard,
            tell,
            opening: 0,
            reading: 0,
            learning: 0,
        }
    }

    fn line(&mut self, line: Line, hangup: Option<Hangup>) -> (Receiver<Order>, Tell) {
        let (orders, receiver) = channel();
        let one = OneLine {
            orders,
            hangup,
            flying: 0,
        };
        self.lines.insert(line, one);
        (receiver, self.tell.clone())
    }

    fn note(&mut self, heard: &Heard, hangup: Option<Hangup>) {
        match heard {
            Heard::Opened(line, result) => {
                self.opening = self.opening.saturating_sub(1);
                match self.lines.get_mut(line) {
                    Some(one) if result.is_ok() => one.hangup = hangup,
                    _ => drop(self.lines.remove(line)),
                }
            }
            Heard::Fates(line, fates) => {
                if let Some(one) = self.lines.get_mut(line) {
                    one.flying = one.flying.saturating_sub(fates.len());
                }
            }
            Heard::Broken(line, _) => drop(self.lines.remove(line)),
            Heard::Read(_) => self.reading = self.reading.saturating_sub(1),
            Heard::Learned(_) => self.learning = self.learning.saturating_sub(1),
            Heard::Alert(_) => {}
        }
    }
}

impl Crew for Threads<'_, '_> {
    fn open(&mut self, line: Line) {
        self.opening += 1;
        let (orders, tell) = self.line(line, None);
        let connect = self.connect;
        self.scope.spawn(move || match connect.connect() {
            Ok(mailbox) => {
                let hangup = mailbox.hangup();
                if tell.send((Heard::Opened(line, Ok(())), hangup)).is_ok() {
                    work(line, mailbox, &orders, &tell);
                }
            }
            Err(error) => drop(tell.send((Heard::Opened(line, Err(error)), None))),
        });
    }

    fn give(&mut self, line: Line, mailbox: Box<dyn Mailbox>) {
        let (orders, tell) = self.line(line, mailbox.hangup());
        self.scope
            .spawn(move || work(line, mailbox, &orders, &tell));
    }

    fn take(&mut self, line: Line) -> Option<Box<dyn Mailbox>> {
        let one = self.lines.remove(&line)?;
        let (back, mailbox) = channel();
        one.orders.send(Order::Return(back)).ok()?;
        mailbox.recv().ok()
    }

    fn submit(&mut self, line: Line, batch: Batch) {
        if let Some(one) = self.lines.get_mut(&line) {
            one.flying += batch.messages.len();
            // If its thread is gone, it has said why, or is about to.
            let _ = one.orders.send(Order::Submit(batch));
        }
    }

    fn cut(&mut self, line: Line) {
        if let Some(hangup) = self.lines.remove(&line).and_then(|one| one.hangup) {
            hangup();
        }
    }

    fn read(&mut self, messages: Vec<Reading>) {
        self.reading += 1;
        let _ = self.reader.send(messages);
    }

    fn learn(&mut self, question: Question) {
        let (scope, connect, sources) = (self.scope, self.connect, self.sources);
        let tell = self.tell.clone();
        let learner = self.learner.get_or_insert_with(|| {
            let (learner, questions) = channel::<Question>();
            scope.spawn(move || {
                let mut learner = Learner::new(connect, sources);
                // All that wait are asked at once: the way to the server and back is what takes long.
                while let Ok(first) = questions.recv() {
                    let waiting: Vec<Question> =
                        std::iter::once(first).chain(questions.try_iter()).collect();
                    for lesson in learner.learn(&waiting) {
                        let _ = tell.send((Heard::Learned(lesson), None));
                    }
                }
                learner.close();
            });
            learner
        });
        self.learning += usize::from(learner.send(question).is_ok());
    }

    fn next(&mut self, wait: Duration) -> Option<Heard> {
        match self.heard.recv_timeout(wait) {
            Ok((heard, hangup)) => {
                self.note(&heard, hangup);
                Some(heard)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    fn is_busy(&self) -> bool {
        let waiting = self.opening + self.reading + self.learning > 0;
        waiting || self.lines.values().any(|one| one.flying > 0)
    }
}

/// A connection's life: orders out, fates back.
fn work(line: Line, mut mailbox: Box<dyn Mailbox>, orders: &Receiver<Order>, tell: &Tell) {
    // Messages handed over whose fate was not told.
    let mut owed = 0usize;
    loop {
        let order = if owed == 0 {
            match orders.recv() {
                Ok(order) => Some(order),
                Err(_) => return mailbox.logout(),
            }
        } else {
            match orders.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return,
            }
        };
        match order {
            Some(Order::Submit(batch)) => {
                owed += batch.messages.len();
                mailbox.submit(batch);
                continue;
            }
            Some(Order::Return(back)) => {
                let _ = back.send(mailbox);
                return;
            }
            None => {}
        }
        let settled = mailbox.settle(LOOK);
        for text in mailbox.alerts() {
            let _ = tell.send((Heard::Alert(text), None));
        }
        match settled {
            Ok(fates) if fates.is_empty() => {}
            Ok(fates) => {
                owed = owed.saturating_sub(fates.len());
                let _ = tell.send((Heard::Fates(line, fates), None));
            }
            Err(broken) => return drop(tell.send((Heard::Broken(line, broken), None))),
        }
    }
}
