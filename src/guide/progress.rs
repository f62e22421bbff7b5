//! Where a person stands in the guide, kept between two sittings. The password is never part of it, and neither is a
//! proof: whoever comes back later has everything verified again before steps 4 and 6 open.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::change::Applied;
use super::gate::Gate;
use super::program::MailProgram;
use super::step::Step;

/// The file's name, in the directory where the journals are.
const FILE: &str = "guide.json";

/// Largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The answers given so far, and the steps done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The version of this format.
    pub version: u32,
    /// The email address.
    pub email: Option<String>,
    /// The mail program.
    pub program: Option<MailProgram>,
    /// The places whose mail is copied.
    pub sources: Vec<PathBuf>,
    /// The places whose mail the person does not want.
    pub unwanted: Vec<PathBuf>,
    /// Whether mail that is in another folder on the server already stays there; `None`: not asked yet.
    pub once: Option<bool>,
    /// Where mail is kept that can't go up.
    pub storage: Option<PathBuf>,
    /// How many messages lie in the storage folder only.
    pub kept: u64,
    /// The receipt that was written last.
    pub receipt: Option<PathBuf>,
    /// Whether it tells of a complete verification.
    pub proved: bool,
    /// What was changed in mail programs, to put it back.
    pub changed: Vec<Applied>,
    /// The steps that are done, in the order in which they were done.
    pub done: Vec<Done>,
    /// The messages copied, and those to copy, when it was last stopped in step 5.
    pub copied: Option<(u64, u64)>,
    /// When something was last noted, as `2026-11-25T14:10:05Z`.
    pub when: Option<jiff::Timestamp>,
}

/// A step that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The step.
    pub step: Step,
    /// How that is known.
    pub gate: Gate,
    /// Since when.
    pub when: jiff::Timestamp,
}

impl Progress {
    /// What was noted in this directory; `None` if nothing was, or nothing that can be understood.
    pub fn load(directory: &Path) -> Option<Progress> {
        let path = directory.join(FILE);
        if fs::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        let progress: Progress = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        (progress.version == VERSION).then_some(progress)
    }

    /// Notes it. A crash leaves the old note or the new one.
    ///
    /// # Errors
    /// The directory can't be written to.
    pub fn save(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        let noted = Progress {
            version: VERSION,
            when: Some(jiff::Timestamp::now()),
            ..self.clone()
        };
        serde_json::to_writer_pretty(&mut file, &noted)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(directory.join(FILE))?;
        Ok(())
    }

    /// How a step was done, if it is.
    pub fn gate(&self, step: Step) -> Option<&Gate> {
        let done = self.done.iter().find(|done| done.step == step);
        done.map(|done| &done.gate)
    }

    /// Notes that a step is done; one that was done before is done anew.
    pub fn finish(&mut self, step: Step, gate: Gate) {
        self.done.retain(|done| done.step != step);
        let when = jiff::Timestamp::now();
        self.done.push(Done { step, gate, when });
    }

    /// The first step, in the order of the guide, that is not done.
    pub fn next_step(&self) -> Option<Step> {
        let open = |step: &&Step| self.gate(**step).is_none();
        Step::ORDER.iter().find(open).copied()
    }

    /// Whether anything was answered at all.
    pub fn has_begun(&self) -> bool {
        self.email.is_some() || self.program.is_some()
    }
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Progress {
        let mut progress = Progress {
            version: VERSION,
            email: Some("jane@charter.net".into()),
            program: Some(MailProgram::Thunderbird),
            sources: vec!["old mail".into()],
            once: Some(true),
            ..Progress::default()
        };
        progress.finish(Step::Leave, Gate::Checked("it is ticked".into()));
        progress.finish(Step::Stop, Gate::Told);
        progress
    }

    #[test]
    fn it_is_taken_up_where_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Progress::load(dir.path()), None);
        let progress = begun();
        progress.save(dir.path()).unwrap();
        let loaded = Progress::load(dir.path()).unwrap();
        assert!(loaded.when.is_some());
        let loaded = Progress {
            when: None,
            ..loaded
        };
        assert_eq!(loaded, progress);
        assert_eq!(loaded.next_step(), Some(Step::Create));
    }

    #[test]
    fn what_can_not_be_understood_is_no_progress() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "{", "[]", "{\"version\":9}", "{\"password\":\"x\"}"] {
            fs::write(dir.path().join(FILE), text).unwrap();
            assert_eq!(Progress::load(dir.path()), None, "{text}");
        }
    }

    #[test]
    fn a_step_done_again_counts_once() {
        let mut progress = begun();
        progress.finish(Step::Leave, Gate::Told);
        assert_eq!(progress.gate(Step::Leave), Some(&Gate::Told));
        assert_eq!(progress.done.len(), 2);
        for step in Step::ORDER {
            progress.finish(step, Gate::Told);
        }
        assert_eq!(progress.next_step(), None);
    }
}
