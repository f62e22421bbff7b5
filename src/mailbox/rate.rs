//! A limit on what is sent, for people who share the line: all connections of a run together keep to it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What may be sent at once after a pause, in seconds of the rate.
const SAVED: f64 = 0.25;

/// Bytes that go at once under a limit.
pub(crate) const PART: usize = 8 * 1024;

/// So many bytes a second. Clones share them.
#[derive(Clone, Debug)]
pub struct Rate(Arc<Mutex<Bucket>>);

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    /// When everything taken so far is paid for.
    paid: Instant,
}

impl Rate {
    /// At most so many bytes a second, at least 1024.
    pub fn new(bytes_per_second: u64) -> Rate {
        Rate(Arc::new(Mutex::new(Bucket {
            per_second: bytes_per_second.max(1024) as f64,
            paid: Instant::now(),
        })))
    }

    /// Takes bytes, and says how long to wait before they may be sent.
    fn take(&self, bytes: usize, now: Instant) -> Duration {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now
            .checked_sub(Duration::from_secs_f64(SAVED))
            .unwrap_or(now);
        let start = bucket.paid.max(earliest);
        bucket.paid = start + Duration::from_secs_f64(bytes as f64 / bucket.per_second);
        start.saturating_duration_since(now)
    }

    /// Waits until so many bytes may be sent.
    pub(crate) fn wait(&self, bytes: usize) {
        std::thread::sleep(self.take(bytes, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_the_rate() {
        let rate = Rate::new(10_000);
        let other = rate.clone();
        let now = Instant::now() + Duration::from_secs(1);
        let waits: Vec<u128> = [&rate, &other, &rate, &other]
            .iter()
            .map(|rate| rate.take(5000, now).as_millis())
            .collect();
        assert_eq!(
            waits,
            [0, 250, 750, 1250],
            "a quarter of a second was saved up"
        );
        let later = now + Duration::from_secs(60);
        assert_eq!(rate.take(5000, later), Duration::ZERO, "and never more");
        assert_eq!(other.take(1, later), Duration::from_millis(250));
    }
}
