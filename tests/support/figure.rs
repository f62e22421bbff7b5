//! The figure: how many faults were injected, how many fired, and what became of the mail, class by class.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What became of the mail under the faults of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFigure {
    /// Faults asked for.
    pub injected: u64,
    /// Faults of which the record shows that they happened. Only these count.
    pub fired: u64,
    /// Fired faults after which everything was right.
    pub survived: u64,
    /// Wanted messages that are nowhere on the server.
    pub lost: u64,
    /// Copies beyond what was wanted.
    pub duplicated: u64,
    /// Copies that differ from the original beyond the declared conversions.
    pub altered: u64,
    /// Places where a password was found.
    pub leaked: u64,
}

impl ClassFigure {
    /// Takes another's counts in.
    pub fn add(&mut self, other: &ClassFigure) {
        self.injected += other.injected;
        self.fired += other.fired;
        self.survived += other.survived;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.altered += other.altered;
        self.leaked += other.leaked;
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<44} {:>8} {:>7} {:>8} {:>5} {:>5} {:>7} {:>6}",
            self.injected,
            self.fired,
            self.survived,
            self.lost,
            self.duplicated,
            self.altered,
            self.leaked
        )
    }
}

/// All classes of one test binary.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figure {
    classes: BTreeMap<String, ClassFigure>,
}

impl Figure {
    /// The counts of one class, made at first use.
    pub fn class(&mut self, name: &str) -> &mut ClassFigure {
        self.classes.entry(name.into()).or_default()
    }

    /// Takes another figure in, class by class.
    pub fn add(&mut self, other: &Figure) {
        for (name, class) in &other.classes {
            self.class(name).add(class);
        }
    }

    /// All classes together.
    pub fn total(&self) -> ClassFigure {
        let mut total = ClassFigure::default();
        for class in self.classes.values() {
            total.add(class);
        }
        total
    }

    /// Prints a table.
    pub fn print(&self) {
        println!(
            "{:<44} {:>8} {:>7} {:>8} {:>5} {:>5} {:>7} {:>6}",
            "class", "injected", "fired", "survived", "lost", "twice", "altered", "leaked"
        );
        for (name, class) in &self.classes {
            println!("{}", class.row(name));
        }
        println!("{}", self.total().row("in all"));
    }

    /// Puts these classes into `faults.json` in the target directory; classes of other binaries stay.
    pub fn save(&self) {
        let path = target().join("faults.json");
        // Two test binaries may end at the same moment.
        let lock = File::create(path.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let mut all: Figure = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        for (name, class) in &self.classes {
            all.classes.insert(name.clone(), *class);
        }
        fs::write(&path, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
    }

    /// Fails unless every class fired, and every fault that fired was survived.
    pub fn assert_all_survived(&self) {
        let mut wrong = Vec::new();
        for (name, class) in &self.classes {
            let bad = class.lost + class.duplicated + class.altered + class.leaked;
            if class.fired == 0 || class.survived != class.fired || bad > 0 {
                wrong.push(format!("{name}: {class:?}"));
            }
        }
        assert!(wrong.is_empty(), "not survived:\n{}", wrong.join("\n"));
    }
}

/// The target directory this test runs from.
fn target() -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_spectrum-migrate"));
    // target/<profile>/spectrum-migrate
    built.ancestors().nth(2).unwrap().to_path_buf()
}
