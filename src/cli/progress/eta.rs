//! How long it still takes: by bytes, smoothed, and only once something can be said.

use std::time::Duration;

/// Nothing is said before this.
const EARLIEST: Duration = Duration::from_secs(5);

/// Shorter times say nothing about the rate.
const SAMPLE: Duration = Duration::from_secs(1);

/// What was long ago counts less and less, with this time in seconds.
const MEMORY: f64 = 30.0;

/// An estimate that is fed with what is done.
#[derive(Default)]
pub struct Eta {
    last: Option<(Duration, u64)>,
    rate: Option<f64>,
    worked: Duration,
}

impl Eta {
    /// So many bytes are done at this moment.
    pub fn progress(&mut self, now: Duration, bytes: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, bytes));
            return;
        };
        let passed = now.saturating_sub(then);
        if passed < SAMPLE {
            return;
        }
        let seconds = passed.as_secs_f64();
        let sample = bytes.saturating_sub(before) as f64 / seconds;
        // The first samples count in full, so that a slow start is soon forgotten.
        let worked = self.worked.as_secs_f64() + seconds;
        let weight = (1.0 - (-seconds / MEMORY).exp()).max(seconds / worked);
        self.rate = Some(
            self.rate
                .map_or(sample, |rate| rate + (sample - rate) * weight),
        );
        self.worked += passed;
        self.last = Some((now, bytes));
    }

    /// The work stands still; the time until it goes on does not count.
    pub fn pause(&mut self) {
        self.last = None;
    }

    /// The time to the end, if there is any and it can be told.
    pub fn left(&self, done: u64, total: u64) -> Option<Duration> {
        if done >= total {
            return None;
        }
        let too_early = self.worked < EARLIEST || u128::from(done) * 100 < u128::from(total);
        let rate = self.rate.filter(|rate| *rate >= 1.0 && !too_early)?;
        Duration::try_from_secs_f64(total.saturating_sub(done) as f64 / rate).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn steady(seconds: u64, rate: u64) -> Eta {
        let mut eta = Eta::default();
        (0..=seconds).for_each(|second| eta.progress(at(second), second * rate));
        eta
    }

    #[test]
    fn nothing_is_said_in_the_first_five_seconds_or_the_first_percent() {
        assert_eq!(steady(4, 100).left(400, 1_000), None);
        assert_eq!(steady(60, 1_000).left(60_000, 60_000_000), None);
        assert!(steady(6, 100).left(600, 1_000).is_some());
    }

    #[test]
    fn a_steady_rate_tells_the_time() {
        let left = steady(100, 1_000).left(100_000, 1_000_000).unwrap();
        assert!((left.as_secs_f64() - 900.0).abs() < 1.0, "{left:?}");
    }

    #[test]
    fn a_pause_does_not_count_and_the_rate_after_it_does() {
        let mut eta = steady(60, 1_000);
        eta.pause();
        for second in 600..=720 {
            eta.progress(at(second), 60_000 + (second - 600) * 100);
        }
        let left = eta.left(72_000, 100_000).unwrap();
        assert!(left > at(200) && left < at(300), "{left:?}");
    }

    #[test]
    fn one_fast_second_changes_little() {
        let mut eta = steady(60, 1_000);
        eta.progress(at(61), 160_000);
        let left = eta.left(160_000, 1_000_000).unwrap();
        assert!(left > at(150), "{left:?}");
    }

    proptest! {
        #[test]
        fn it_is_never_negative_and_never_panics(steps in proptest::collection::vec((any::<u32>(), any::<u64>(), any::<bool>()), 0..20), total in any::<u64>()) {
            let mut eta = Eta::default();
            for (seconds, bytes, pause) in steps {
                if pause { eta.pause() }
                eta.progress(at(seconds.into()), bytes);
                let _ = eta.left(bytes, total);
            }
            prop_assert!(eta.left(total, total).is_none());
        }
    }
}
