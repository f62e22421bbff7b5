//! What can go wrong and where: every step of a run is a point, and a script says at which points what happens.

/// How far the thing at hand gets before the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing of it happens.
    Nothing,
    /// All of it happens, and nobody hears of it.
    All,
    /// It happens later, when whoever wanted it has given up.
    Late,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process ends; what it wrote stays in the system's memory.
    Kill(Reach),
    /// The power fails; of what was not synced only a piece is on the disk.
    Power(Reach),
    /// The connection breaks.
    Reset(Reach),
    /// The disk reports an error.
    DiskError,
    /// The server asks for patience.
    Later,
    /// The server confirms a batch and drops a message of it.
    Drops,
}

use Fault::{DiskError, Drops, Kill, Later, Power, Reset};
use Reach::{All, Late, Nothing};

/// What can happen at each kind of point.
pub(super) const WRITE: &[Fault] = &[Kill(Nothing), Power(Nothing), DiskError];
pub(super) const SYNC: &[Fault] = &[Kill(Nothing), Power(Nothing), Power(All), DiskError];
pub(super) const QUESTION: &[Fault] = &[Kill(Nothing), Power(Nothing), Reset(Nothing)];
pub(super) const CHANGE: &[Fault] = &[
    Kill(Nothing),
    Kill(All),
    Power(Nothing),
    Reset(Nothing),
    Reset(All),
];
pub(super) const SUBMIT: &[Fault] = &[Kill(Nothing), Power(Nothing), Reset(Nothing)];
pub(super) const SETTLE: &[Fault] = &[
    Kill(Nothing),
    Kill(All),
    Kill(Late),
    Power(Nothing),
    Power(All),
    Power(Late),
    Reset(Nothing),
    Reset(All),
    Reset(Late),
    Later,
    Drops,
];

/// What goes wrong in a run: the number of the point, and which of the faults that can happen there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script(pub Vec<(usize, usize)>);

impl Script {
    /// As a person writes it: `12.3 40.0`.
    pub fn parse(text: &str) -> Option<Script> {
        let one = |part: &str| {
            let (point, fault) = part.split_once('.')?;
            Some((point.parse().ok()?, fault.parse().ok()?))
        };
        text.split_whitespace()
            .map(one)
            .collect::<Option<_>>()
            .map(Script)
    }

    /// The same the other way round.
    pub fn text(&self) -> String {
        let one = |(point, fault): &(usize, usize)| format!("{point}.{fault}");
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// The points that were passed, and the script.
#[derive(Debug, Default)]
pub(super) struct Faults {
    script: Script,
    /// Of each point that was passed, how many faults can happen there.
    pub passed: Vec<usize>,
    /// Faults that happened.
    pub happened: usize,
    /// No more faults.
    pub over: bool,
}

impl Faults {
    pub fn new(script: Script) -> Faults {
        Faults {
            script,
            ..Faults::default()
        }
    }

    /// A point is passed: what goes wrong there.
    pub fn pass(&mut self, kinds: &[Fault]) -> Option<Fault> {
        if self.over {
            return None;
        }
        let point = self.passed.len();
        self.passed.push(kinds.len());
        let (_, fault) = self.script.0.iter().find(|(at, _)| *at == point)?;
        self.happened += 1;
        kinds.get(fault % kinds.len()).copied()
    }
}

/// Chance that can be repeated (splitmix64).
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
