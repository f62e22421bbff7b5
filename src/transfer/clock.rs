//! The time, as everything that waits sees it; a simulator puts its own in place.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock.
pub trait Clock: Sync {
    /// Time that never jumps, since an arbitrary beginning.
    fn now(&self) -> Duration;

    /// Seconds since 1970, by the computer's calendar: a hint, since people and networks set it.
    fn wall(&self) -> u64;

    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The computer's own clock.
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wall(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}
