//! Hands that do one thing after the other, in an order that `choose` gives: for tests and simulations, where nothing
//! may depend on how threads happen to run.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::crew::{Crew, Heard, Reading, read};
use crate::mailbox::{Batch, Connect, Mailbox};
use crate::source::Source;
use crate::transfer::upload::Line;

/// The hands.
pub(crate) struct Inline<'a> {
    connect: &'a dyn Connect,
    sources: &'a [Box<dyn Source>],
    lines: BTreeMap<Line, Box<dyn Mailbox>>,
    queue: VecDeque<Heard>,
    /// Which of so many connections gets on next.
    choose: Box<dyn FnMut(usize) -> usize + 'a>,
}

impl<'a> Inline<'a> {
    pub fn new(
        connect: &'a dyn Connect,
        sources: &'a [Box<dyn Source>],
        choose: Box<dyn FnMut(usize) -> usize + 'a>,
    ) -> Inline<'a> {
        Inline {
            connect,
            sources,
            lines: BTreeMap::new(),
            queue: VecDeque::new(),
            choose,
        }
    }

    fn flying(&self) -> Vec<Line> {
        let lines = self.lines.iter();
        lines
            .filter(|(_, mailbox)| mailbox.in_flight() > 0)
            .map(|(line, _)| *line)
            .collect()
    }
}

impl Crew for Inline<'_> {
    fn open(&mut self, line: Line) {
        let opened = self.connect.connect().map(|mailbox| {
            self.lines.insert(line, mailbox);
        });
        self.queue.push_back(Heard::Opened(line, opened));
    }

    fn give(&mut self, line: Line, mailbox: Box<dyn Mailbox>) {
        self.lines.insert(line, mailbox);
    }

    fn take(&mut self, line: Line) -> Option<Box<dyn Mailbox>> {
        self.lines.remove(&line)
    }

    fn submit(&mut self, line: Line, batch: Batch) {
        if let Some(mailbox) = self.lines.get_mut(&line) {
            mailbox.submit(batch);
        }
    }

    fn cut(&mut self, line: Line) {
        self.lines.remove(&line);
    }

    fn read(&mut self, messages: Vec<Reading>) {
        let contents = messages
            .iter()
            .map(|one| (one.task, read(self.sources, one)));
        let read = Heard::Read(contents.collect());
        self.queue.push_back(read);
    }

    fn next(&mut self, _: Duration) -> Option<Heard> {
        let flying = self.flying();
        let choices = flying.len() + usize::from(!self.queue.is_empty());
        if choices == 0 {
            return None;
        }
        let chosen = (self.choose)(choices) % choices;
        let Some(line) = flying.get(chosen).copied() else {
            return self.queue.pop_front();
        };
        match self.lines.get_mut(&line)?.settle(Duration::ZERO) {
            Ok(fates) => Some(Heard::Fates(line, fates)),
            Err(broken) => {
                self.lines.remove(&line);
                Some(Heard::Broken(line, broken))
            }
        }
    }

    fn is_busy(&self) -> bool {
        !self.queue.is_empty() || !self.flying().is_empty()
    }
}
