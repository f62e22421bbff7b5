//! How much is sent at once: grows while that makes it faster, and shrinks when the server is slow or says so.
//!
//! A server may spend its time on every command, on every message or on every byte, and only trying tells. So batches
//! begin small and double while their answers come quickly, and connections are added as long as together they carry
//! noticeably more than before.

use std::time::Duration;

use super::terms::Policy;

/// What a message costs besides its bytes, in bytes: with it, small and large messages give comparable rates.
const PER_MESSAGE: u64 = 16 * 1024;

/// A batch that the server takes in this time may be twice as large.
const QUICK: Duration = Duration::from_millis(60);

/// No batch becomes larger than so many times one that was quick.
const FASTEST_GROWTH: u128 = 8;

/// A batch that takes it longer than this should be half as large.
const SLOW: Duration = Duration::from_millis(200);

/// How long a rate is measured before it is believed.
const EPOCH: Duration = Duration::from_millis(300);

/// More connections have to carry this many times as much, or they are given back.
const WORTH: f64 = 1.2;

/// What of the best rate is still no reason to try with fewer connections.
const SLACKENED: f64 = 0.5;

/// After so many broken connections no more are added.
const SLIPS: u32 = 3;

/// Connections are not added for less than this much work.
const WORTH_CONNECTING: Duration = Duration::from_millis(1500);

/// The pace of an upload.
#[derive(Debug)]
pub(crate) struct Pace {
    batch: usize,
    batch_limit: usize,
    lines: usize,
    most: usize,
    /// Where to go back to if more connections turn out not to pay, and what fewer of them carried.
    trial: Option<(usize, f64)>,
    /// More were tried, and did not pay.
    enough: bool,
    /// Connections that broke.
    slips: u32,
    best: f64,
    epoch: Option<Epoch>,
}

/// How many times as large a batch may be that the server took in this time: at least twice.
fn growth(took: Duration) -> usize {
    let times = QUICK.as_millis() / took.as_millis().max(1);
    times.clamp(2, FASTEST_GROWTH) as usize
}

/// What was carried since a moment.
#[derive(Debug)]
struct Epoch {
    since: Duration,
    work: u64,
    answers: usize,
}

impl Pace {
    /// The pace to begin with.
    pub fn new(policy: &Policy, messages: usize) -> Pace {
        let most = policy.most_lines.max(1);
        let worth = messages.div_ceil(policy.worth_a_line.max(1));
        Pace {
            batch: policy.first_batch.clamp(1, policy.batch_messages),
            batch_limit: policy.batch_messages,
            lines: policy.first_lines.min(worth).clamp(1, most),
            most,
            trial: None,
            enough: false,
            slips: 0,
            best: 0.0,
            epoch: None,
        }
    }

    /// Connections that there should be.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Messages that should go with one command.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// A batch was settled; the server took `took` for it alone. `left` is what is still to be sent, `up` how many
    /// connections there are.
    pub fn settled(
        &mut self,
        messages: usize,
        bytes: u64,
        took: Duration,
        now: Duration,
        left: (usize, u64),
        up: usize,
    ) {
        if took < QUICK {
            let larger = messages.saturating_mul(growth(took)).min(self.batch_limit);
            self.batch = self.batch.max(larger);
        } else if messages > 1 && took > SLOW {
            self.batch = (self.batch / 2).max(1);
        }
        let Some(epoch) = &mut self.epoch else {
            self.epoch = (up >= self.lines).then_some(Epoch {
                since: now,
                work: 0,
                answers: 0,
            });
            return;
        };
        epoch.work += work(messages, bytes);
        epoch.answers += 1;
        let length = now.saturating_sub(epoch.since);
        if length < EPOCH || epoch.answers < 4 * self.lines {
            return;
        }
        let rate = epoch.work as f64 / length.as_secs_f64();
        self.epoch = None;
        self.judge(rate, work(left.0, left.1) as f64 / rate.max(1.0));
    }

    fn judge(&mut self, rate: f64, seconds_left: f64) {
        self.best = self.best.max(rate);
        if let Some((fewer, before)) = self.trial.take()
            && rate < before * WORTH
        {
            self.lines = fewer;
            self.enough = true;
            return;
        }
        if rate < self.best * SLACKENED && self.lines > 1 {
            // The server got slower under the load, or others need it.
            self.lines -= 1;
            self.enough = true;
            self.best = rate;
        } else if !self.enough
            && self.lines < self.most
            && seconds_left > WORTH_CONNECTING.as_secs_f64()
        {
            self.trial = Some((self.lines, rate));
            self.lines = (self.lines * 2).min(self.most);
        }
    }

    /// The server takes no more than this many connections, or wants fewer.
    pub fn at_most(&mut self, lines: usize) {
        self.most = lines.max(1);
        self.lines = self.lines.min(self.most);
        self.trial = None;
        self.epoch = None;
    }

    /// A connection broke: perhaps there were too many of them.
    pub fn slipped(&mut self) {
        self.slips += 1;
        self.enough |= self.slips >= SLIPS;
        self.lines = self.lines.saturating_sub(1).max(1);
        self.trial = None;
        self.epoch = None;
    }

    /// The server asks for patience.
    pub fn ease(&mut self) {
        self.at_most(self.lines / 2);
        self.batch = (self.batch / 2).max(1);
    }
}

fn work(messages: usize, bytes: u64) -> u64 {
    bytes + messages as u64 * PER_MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that takes `per_command` and `per_message`, on each of its connections but at most `parallel` of them.
    fn upload(per_command: u64, per_message: u64, parallel: usize) -> (Pace, Duration) {
        let policy = Policy::default();
        let mut pace = Pace::new(&policy, 2000);
        let mut now = Duration::from_secs(1);
        let mut left = 2000usize;
        while left > 0 {
            let lines = pace.lines();
            let batch = pace.batch().min(left);
            let took = Duration::from_millis(per_command + per_message * batch as u64);
            now += took / lines.min(parallel) as u32;
            left -= batch;
            let took = took * lines as u32 / lines.min(parallel) as u32;
            pace.settled(
                batch,
                batch as u64 * 5000,
                took,
                now,
                (left, left as u64 * 5000),
                lines,
            );
        }
        (pace, now)
    }

    #[test]
    fn a_server_that_is_slow_with_every_message_gets_more_connections_and_small_batches() {
        let (pace, took) = upload(0, 30, 8);
        assert_eq!(pace.lines(), 8);
        assert!(pace.batch() <= 8, "{}", pace.batch());
        assert!(took < Duration::from_secs(12), "{took:?} of 60 s with one");
    }

    #[test]
    fn a_server_that_gains_nothing_gets_no_more_connections_but_large_batches() {
        let (pace, _) = upload(5, 1, 1);
        assert_eq!(pace.lines(), Policy::default().first_lines);
        assert!(pace.batch() >= 32, "{}", pace.batch());
    }

    #[test]
    fn a_server_that_wants_fewer_connections_is_obeyed() {
        let (mut pace, _) = upload(0, 30, 8);
        pace.at_most(2);
        assert_eq!(pace.lines(), 2);
        pace.ease();
        assert_eq!(pace.lines(), 1);
        let now = Duration::from_secs(1000);
        for n in 0..100u64 {
            let now = now + Duration::from_millis(100 * n);
            pace.settled(8, 1 << 20, SLOW, now, (10_000, 1 << 30), 1);
        }
        assert_eq!(pace.lines(), 1);
    }
}
