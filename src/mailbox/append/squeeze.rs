//! Whether to compress what is sent: only where the line is slower than the compressor, and only measuring tells.

use std::time::{Duration, Instant};

use crate::mailbox::deflate::trial;

/// Bytes over which a rate is measured. The best of several counts: a server that was slow for a moment is no slow line.
const PIECE: u64 = 256 * 1024;

/// Bytes that must have been answered for before the line is judged, or the time that they may take.
const ENOUGH: u64 = 4 * 1024 * 1024;
const LONG_ENOUGH: Duration = Duration::from_millis(500);

/// Bytes of mail that the compressor is tried with.
const SAMPLE: usize = 64 * 1024;

/// The line must be slower than this share of the compressor's speed.
const WORTH: f64 = 0.25;

/// And slower than this, in bytes a second (100 Mbit): on a faster one the server's own work is what takes the time.
const FAST: f64 = 12.5e6;

/// Less than this must be left of the bytes.
const SMALLER: f64 = 0.95;

/// The judgement, as far as it has come.
#[derive(Debug)]
pub(super) enum Squeeze {
    /// Not to be had, or not worth it.
    Never,
    /// Being judged.
    Watching(Watch),
    /// To be started as soon as nothing is under way.
    Wanted,
    /// Started.
    On,
}

#[derive(Debug, Default)]
pub(super) struct Watch {
    sample: Vec<u8>,
    /// Of the piece being measured.
    bytes: u64,
    time: Duration,
    /// Of all that were measured.
    all_bytes: u64,
    all_time: Duration,
    /// The best rate of a piece, in bytes a second.
    best: f64,
    settled: Option<Instant>,
}

impl Squeeze {
    /// Where the server can, and an earlier connection found that it pays, at once.
    pub fn new(announced: bool, known_to_pay: bool) -> Squeeze {
        match (announced, known_to_pay) {
            (false, _) => Squeeze::Never,
            (true, true) => Squeeze::Wanted,
            (true, false) => Squeeze::Watching(Watch::default()),
        }
    }

    /// Some bytes of mail, to try the compressor with.
    pub fn sample(&mut self, bytes: &[u8]) {
        if let Squeeze::Watching(watch) = self {
            let room = SAMPLE.saturating_sub(watch.sample.len());
            watch
                .sample
                .extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        }
    }

    /// A command of so many bytes, sent at that moment, was answered now. `round_trip` is what an answer takes at least.
    pub fn answered(&mut self, bytes: u64, sent: Instant, round_trip: Duration, now: Instant) {
        let Squeeze::Watching(watch) = self else {
            return;
        };
        // The line and the server worked on it from when it could arrive, or from when they were done with the one before.
        let begun = watch
            .settled
            .map_or(sent + round_trip, |before| before.max(sent + round_trip));
        watch.time += now.saturating_duration_since(begun);
        watch.bytes += bytes;
        watch.settled = Some(now);
        let long_enough = watch.all_time + watch.time >= LONG_ENOUGH;
        if watch.bytes < PIECE && !long_enough {
            return;
        }
        let rate = watch.bytes as f64 / watch.time.as_secs_f64().max(1e-6);
        watch.best = watch.best.max(rate);
        watch.all_bytes += std::mem::take(&mut watch.bytes);
        watch.all_time += std::mem::take(&mut watch.time);
        let enough = watch.all_bytes >= ENOUGH || long_enough;
        if !enough || watch.sample.len() < SAMPLE / 4 {
            return;
        }
        let line = watch.best;
        let (speed, left) = trial(&watch.sample);
        *self = if line < (speed * WORTH).min(FAST) && left < SMALLER {
            Squeeze::Wanted
        } else {
            Squeeze::Never
        };
    }

    /// Whether it is to be started now.
    pub fn is_wanted(&self) -> bool {
        matches!(self, Squeeze::Wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes_a_second: u64, round_trip: Duration) -> bool {
        let mut squeeze = Squeeze::new(true, false);
        squeeze.sample(&"all sorts of mail, mostly text. ".repeat(4000).into_bytes());
        let begun = Instant::now();
        let batch = 100_000;
        for n in 1..=50u32 {
            let took = Duration::from_secs_f64(f64::from(n * batch) / bytes_a_second as f64);
            squeeze.answered(
                u64::from(batch),
                begun,
                round_trip,
                begun + round_trip + took,
            );
        }
        squeeze.is_wanted()
    }

    #[test]
    fn a_slow_line_is_worth_compressing_for_and_a_long_one_is_not() {
        assert!(judged(100_000, Duration::from_millis(20)));
        assert!(!judged(u64::MAX, Duration::from_millis(300)));
    }

    #[test]
    fn a_server_that_is_slow_now_and_then_is_no_slow_line() {
        let mut squeeze = Squeeze::new(true, false);
        squeeze.sample(&"all sorts of mail, mostly text. ".repeat(4000).into_bytes());
        let begun = Instant::now();
        let mut took = Duration::ZERO;
        for n in 0..6u64 {
            took += Duration::from_micros(if n == 2 { 100 } else { 150_000 });
            squeeze.answered(300_000, begun, Duration::ZERO, begun + took);
        }
        assert!(!squeeze.is_wanted());
    }

    #[test]
    fn only_a_server_that_can_is_asked() {
        assert!(!Squeeze::new(false, true).is_wanted());
        assert!(Squeeze::new(true, true).is_wanted());
    }
}
