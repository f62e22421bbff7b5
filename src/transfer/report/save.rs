//! Reports on disk: beside the journal, one for people and one for programs, never overwritten.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Report;
use crate::error::Error;

/// What every file of a report is called at its beginning.
const NAME: &str = "report-";

/// A report that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The file for people.
    pub text: PathBuf,
    /// The file for programs: one line of JSON.
    pub json: PathBuf,
}

impl Report {
    /// The report as one line of JSON, as `--format json` prints it last.
    ///
    /// # Errors
    /// None that is known; a report that can't be written as JSON would be a bug.
    pub fn json_line(&self) -> Result<String, Error> {
        #[derive(serde::Serialize)]
        struct Line<'a> {
            v: u8,
            event: &'static str,
            #[serde(flatten)]
            report: &'a Report,
        }
        let line = Line {
            v: 1,
            event: "report",
            report: self,
        };
        serde_json::to_string(&line).map_err(|error| Error::Bug {
            detail: error.to_string(),
        })
    }

    /// Saves the report in the account's directory, with the words that people read.
    ///
    /// # Errors
    /// [`Error::Journal`] where it can't be written.
    pub fn save(&self, directory: &Path, text: &str) -> Result<Saved, Error> {
        // Colons are no part of a file name on Windows.
        let stem = format!("{NAME}{}", self.made.replace(':', "-"));
        let json = self.json_line()? + "\n";
        let fail = |path: &Path| {
            let path = path.to_path_buf();
            move |error: io::Error| Error::Journal {
                path,
                detail: error.to_string(),
            }
        };
        crate::transfer::journal::disk::make_private_dir(directory).map_err(fail(directory))?;
        for number in 1.. {
            let stem = if number == 1 {
                stem.clone()
            } else {
                format!("{stem}.{number}")
            };
            let saved = Saved {
                text: directory.join(format!("{stem}.txt")),
                json: directory.join(format!("{stem}.json")),
            };
            match write_new(&saved.json, json.as_bytes()) {
                Ok(()) => {
                    write_new(&saved.text, text.as_bytes()).map_err(fail(&saved.text))?;
                    return Ok(saved);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {}
                Err(error) => return Err(fail(&saved.json)(error)),
            }
        }
        Err(Error::Bug {
            detail: "no name for the report".into(),
        })
    }
}

/// The latest report of an account's directory, if there is one.
///
/// # Errors
/// [`Error::Journal`] where the directory can't be read.
pub fn latest(directory: &Path) -> Result<Option<Saved>, Error> {
    let fail = |error: io::Error| Error::Journal {
        path: directory.to_path_buf(),
        detail: error.to_string(),
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(fail)?,
    };
    let mut newest: Option<(std::time::SystemTime, PathBuf)> = None;
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(NAME) && name.ends_with(".json") {
            let when = entry
                .metadata()
                .and_then(|data| data.modified())
                .map_err(fail)?;
            let found = (when, entry.path());
            if newest.as_ref().is_none_or(|known| *known < found) {
                newest = Some(found);
            }
        }
    }
    Ok(newest.map(|(_, json)| Saved {
        text: json.with_extension("txt"),
        json,
    }))
}

/// A new file that only its owner can read: it names folders, files and the mailbox.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::report::Counts;

    fn report(made: &str) -> Report {
        Report {
            account: "jane@mail.example:993".into(),
            made: made.into(),
            read_anew: true,
            counts: Counts {
                found: 1,
                copied: 1,
                ..Counts::default()
            },
            elsewhere: 0,
            reasons: Default::default(),
            folders: Vec::new(),
            conversions: Default::default(),
            flags_added: 0,
            flags_refused: 0,
            tags_lost: Default::default(),
            server_changes: Vec::new(),
            exceptions: Vec::new(),
            verified: None,
            storage: None,
            sources_changed: Vec::new(),
        }
    }

    #[test]
    fn a_report_is_never_overwritten_and_the_latest_is_found() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("account");
        assert_eq!(latest(&directory).unwrap(), None);
        let first = report("2026-11-23T14:10:05Z")
            .save(&directory, "one")
            .unwrap();
        assert_eq!(latest(&directory).unwrap(), Some(first.clone()));
        let second = report("2026-11-23T14:10:05Z")
            .save(&directory, "two")
            .unwrap();
        assert_eq!(fs::read_to_string(&first.text).unwrap(), "one");
        assert_eq!(fs::read_to_string(&second.text).unwrap(), "two");
        assert!(latest(&directory).unwrap().is_some());
    }

    #[test]
    fn the_json_is_one_line_that_names_itself() {
        let line = report("now").json_line().unwrap();
        assert!(line.starts_with(r#"{"v":1,"event":"report","account":"#) && !line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["counts"]["copied"], 1);
    }
}
