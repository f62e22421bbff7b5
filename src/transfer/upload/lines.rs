//! The connections as the core sees them: which are there, and which batches are under way on each.

use std::time::Duration;

use super::terms::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not wanted.
    Off,
    /// To be opened again at this moment.
    Down {
        at: Duration,
    },
    Opening,
    Up,
}

/// A batch under way.
#[derive(Debug)]
pub(super) struct Flight {
    /// Its messages that are not settled.
    tasks: Vec<u32>,
    /// Messages it had.
    pub messages: usize,
    /// Bytes it had.
    pub bytes: u64,
    /// When it was handed over.
    pub since: Duration,
}

#[derive(Debug)]
struct One {
    state: State,
    flying: Vec<Flight>,
    /// When the last batch was settled.
    settled: Duration,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Lines(Vec<One>);

impl Lines {
    /// The first is there, the others are not wanted yet.
    pub fn new(most: usize) -> Lines {
        let one = |line| One {
            state: if line == 0 { State::Up } else { State::Off },
            flying: Vec::new(),
            settled: Duration::ZERO,
        };
        Lines((0..most.max(1)).map(one).collect())
    }

    fn count(&self, which: impl Fn(State) -> bool) -> usize {
        self.0.iter().filter(|one| which(one.state)).count()
    }

    pub fn up(&self) -> usize {
        self.count(|state| state == State::Up)
    }

    pub fn up_or_opening(&self) -> usize {
        self.count(|state| matches!(state, State::Up | State::Opening))
    }

    /// Connections besides this one that are there.
    pub fn others(&self, line: Line) -> usize {
        let up = |(at, one): &(usize, &One)| *at != line && one.state == State::Up;
        self.0.iter().enumerate().filter(up).count()
    }

    /// Batches under way.
    pub fn flying(&self) -> usize {
        self.0.iter().map(|one| one.flying.len()).sum()
    }

    /// When the next connection may be tried again.
    pub fn due(&self) -> Option<Duration> {
        let due = |one: &One| match one.state {
            State::Down { at } => Some(at),
            _ => None,
        };
        self.0.iter().filter_map(due).min()
    }

    /// A connection to open now; one that broke first. With none there and none due there is only waiting.
    pub fn next_to_open(&mut self, now: Duration) -> Option<Line> {
        let opening = self.count(|state| state == State::Opening) > 0;
        let down = |one: &One| matches!(one.state, State::Down { .. });
        let due = |one: &One| matches!(one.state, State::Down { at } if at <= now);
        let line = match self.0.iter().position(due) {
            Some(line) => line,
            None if self.up() == 0 && (opening || self.0.iter().any(down)) => return None,
            None => self.0.iter().position(|one| one.state == State::Off)?,
        };
        self.set(line, State::Opening);
        Some(line)
    }

    /// The connection with the fewest batches under way, if that are fewer than `most`.
    pub fn with_room(&self, most: usize) -> Option<Line> {
        let up = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, one)| one.state == State::Up);
        up.filter(|(_, one)| one.flying.len() < most)
            .min_by_key(|(_, one)| one.flying.len())
            .map(|(line, _)| line)
    }

    /// A connection without any batch under way.
    pub fn idle(&self) -> Option<Line> {
        let idle = |one: &One| one.state == State::Up && one.flying.is_empty();
        self.0.iter().position(idle)
    }

    /// The last idle connection, which is not wanted any more.
    pub fn give_back(&mut self) -> Option<Line> {
        let idle = |one: &One| one.state == State::Up && one.flying.is_empty();
        let line = self.0.iter().rposition(idle)?;
        self.set(line, State::Off);
        Some(line)
    }

    /// Connections with a batch under way.
    pub fn busy(&self) -> Vec<Line> {
        let busy = |(_, one): &(usize, &One)| !one.flying.is_empty();
        self.0
            .iter()
            .enumerate()
            .filter(busy)
            .map(|(line, _)| line)
            .collect()
    }

    pub fn submitted(&mut self, line: Line, tasks: Vec<u32>, bytes: u64, now: Duration) {
        if let Some(one) = self.0.get_mut(line) {
            one.flying.push(Flight {
                messages: tasks.len(),
                tasks,
                bytes,
                since: now,
            });
        }
    }

    /// A message is under way no more; its batch, if it was the last one of it.
    pub fn land(&mut self, id: u32) -> Option<Flight> {
        for one in &mut self.0 {
            let holds = |flight: &Flight| flight.tasks.contains(&id);
            let Some(at) = one.flying.iter().position(holds) else {
                continue;
            };
            let flight = one.flying.get_mut(at)?;
            flight.tasks.retain(|other| *other != id);
            return if flight.tasks.is_empty() {
                Some(one.flying.remove(at))
            } else {
                None
            };
        }
        None
    }

    /// How long the server took for a batch alone, not counting the time in which it was busy with the one before.
    pub fn took(&mut self, line: Line, since: Duration, now: Duration) -> Duration {
        let Some(one) = self.0.get_mut(line) else {
            return Duration::ZERO;
        };
        let before = std::mem::replace(&mut one.settled, now);
        now.saturating_sub(since.max(before))
    }

    pub fn connected(&mut self, line: Line) {
        self.set(line, State::Up);
    }

    pub fn down(&mut self, line: Line, at: Duration) {
        self.set(line, State::Down { at });
    }

    pub fn switch_off(&mut self, line: Line) {
        self.set(line, State::Off);
    }

    /// The connection is gone; the messages that were under way on it.
    pub fn crash(&mut self, line: Line) -> Vec<u32> {
        let flying = self
            .0
            .get_mut(line)
            .map(|one| std::mem::take(&mut one.flying));
        let tasks = flying.into_iter().flatten().flat_map(|flight| flight.tasks);
        tasks.collect()
    }

    fn set(&mut self, line: Line, state: State) {
        if let Some(one) = self.0.get_mut(line) {
            one.state = state;
        }
    }
}
