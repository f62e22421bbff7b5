//! Everything outside the process: the time, the disk, the server, and the faults that befall them.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::Platter;
use super::faults::{Chance, Faults, Script};
use super::server::{Habits, Server};
use crate::transfer::clock::Clock;

/// What a dying process unwinds with.
pub(super) struct Killed;

/// Clones are the same world.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<Inner>>);

pub(super) struct Inner {
    pub now: Duration,
    pub platter: Platter,
    pub server: Server,
    pub faults: Faults,
    /// The order of things, the same whatever goes wrong.
    pub order: Chance,
    /// What exactly goes wrong.
    pub chance: Chance,
}

impl World {
    pub fn new(habits: Habits, seed: u64, script: Script) -> World {
        let fate = script.0.iter().fold(seed, |sum, (point, fault)| {
            sum * 31 + (point * 16 + fault) as u64
        });
        World(Arc::new(Mutex::new(Inner {
            now: Duration::from_secs(1000),
            platter: Platter::default(),
            server: Server::new(habits),
            faults: Faults::new(script),
            order: Chance::new(seed),
            chance: Chance::new(fate),
        })))
    }

    /// A process may have died while it looked.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process ends here: every connection with it, and without power what was not synced.
    pub fn die(&self, power: bool) -> ! {
        let mut inner = self.lock();
        inner.hang_up_all();
        if power {
            inner.forget_unsynced();
        }
        // Someone starts it again, sooner or later.
        let pause = [0, 2, 30, 70];
        let after = pause.get(inner.chance.below(pause.len())).copied();
        inner.now += Duration::from_secs(after.unwrap_or_default());
        drop(inner);
        resume_unwind(Box::new(Killed))
    }
}

impl Inner {
    pub fn forget_unsynced(&mut self) {
        let Inner {
            platter, chance, ..
        } = self;
        platter.lose_power(chance);
    }

    /// Time passes, and what is late arrives.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        self.server.land(self.now);
    }
}

impl Clock for World {
    fn now(&self) -> Duration {
        self.lock().now
    }

    fn wall(&self) -> u64 {
        1_795_440_000 + self.lock().now.as_secs()
    }

    fn sleep(&self, time: Duration) {
        self.lock().pass(time);
    }
}
