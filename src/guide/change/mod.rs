//! Steps 1 and 2 done for the person, in Thunderbird's `prefs.js`: shown first, backed up, and put back on request.
//!
//! This is the only place in the program that changes a file of a mail program, and it never
//! touches mail: the rule that sources are opened read-only holds without exception. The
//! program must be closed, a backup lies beside the file before anything is written, and only
//! preferences of the one account are changed.

mod lines;
mod replace;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::evidence::{Family, PopAccount, Server};
use crate::source::thunderbird::prefs::Prefs;
use crate::source::walk;
pub use lines::LineChange;
use lines::Wish;

/// Steps 1 and 2, as switches: the preference, and what it shall be.
const WANTED: [(&str, bool); 6] = [
    ("leave_on_server", true),
    ("delete_by_age_from_server", false),
    ("delete_mail_left_on_server", false),
    ("login_at_startup", false),
    ("check_new_mail", false),
    // Mail of an account that is deferred to another is fetched along with that one's.
    ("defer_get_new_mail", false),
];

/// Why nothing was changed.
#[derive(Debug)]
pub enum Refused {
    /// Only the settings of Thunderbird and its relatives can be changed.
    OtherProgram,
    /// Everything is as it shall be.
    NothingToChange,
    /// The program is running, and would write its own settings over ours.
    Running {
        /// Its lock.
        lock: PathBuf,
    },
    /// The file is not the one that the change was made for.
    ChangedMeanwhile,
    /// The file is not as the program writes it, so that we don't dare.
    Unclear {
        /// What was found.
        detail: String,
    },
    /// The person's own `user.js` sets one of the preferences at each start of the program.
    UserFile {
        /// Its path.
        path: PathBuf,
        /// The preference.
        name: String,
    },
    /// The computer did not let us.
    System {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// A fragment for logs.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::OtherProgram => f.write_str("settings of this program can't be changed"),
            Refused::NothingToChange => f.write_str("nothing to change"),
            Refused::Running { lock } => {
                write!(f, "the mail program is running: {}", lock.display())
            }
            Refused::ChangedMeanwhile => f.write_str("the settings changed meanwhile"),
            Refused::Unclear { detail } => write!(f, "the settings are not clear: {detail}"),
            Refused::UserFile { path, name } => {
                write!(f, "{} sets {name} again at each start", path.display())
            }
            Refused::System { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for Refused {}

/// A change that was worked out, and not made yet.
#[derive(Clone, Debug)]
pub struct Change {
    settings: PathBuf,
    key: String,
    names: Vec<String>,
    before: Vec<u8>,
    after: Vec<u8>,
    lines: Vec<LineChange>,
}

/// A change that was made: what [`back`] needs. It can be kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The file that was changed.
    pub settings: PathBuf,
    /// The file as it was before.
    pub backup: PathBuf,
    /// How the settings call the account.
    pub key: String,
    /// The preferences that were changed.
    pub names: Vec<String>,
}

/// Works out what steps 1 and 2 change in the settings of an account.
///
/// # Errors
/// Where the settings are another program's, or are not clear enough to be changed.
pub fn steps_one_and_two(account: &PopAccount) -> Result<Change, Refused> {
    if account.family != Family::Thunderbird {
        return Err(Refused::OtherProgram);
    }
    let settings = account.settings.clone();
    let before = replace::read(&settings)?;
    let prefs = Prefs::parse(&before);
    let server = Server {
        prefs: &prefs,
        key: &account.key,
    };
    let plain = !account.key.is_empty() && account.key.chars().all(|c| c.is_ascii_alphanumeric());
    if !plain || server.get("type") != Some("pop3") {
        let detail = format!("no POP account {} in it", account.key);
        return Err(Refused::Unclear { detail });
    }
    let wishes: Vec<Wish> = (WANTED.iter())
        .filter(|(field, on)| server.is_on(field) != *on)
        .map(|(field, on)| (preference(&account.key, field), Some(on.to_string())))
        .collect();
    unless_overruled(&settings, &account.key)?;
    Change::new(settings, account.key.clone(), before, &wishes)
}

/// Works out how to take a change back. If the file is still as the change left it, it becomes
/// what it was, byte for byte; else only the preferences that were changed get their old values.
///
/// # Errors
/// Where the backup is gone, or the settings are not clear enough to be changed.
pub fn back(applied: &Applied) -> Result<Change, Refused> {
    let before = replace::read(&applied.settings)?;
    let old = replace::read(&applied.backup)?;
    let unclear = |detail| Refused::Unclear { detail };
    let mut wishes = Vec::new();
    for name in &applied.names {
        let ours = (WANTED.iter()).any(|(field, _)| *name == preference(&applied.key, field));
        if !ours {
            return Err(unclear(format!("{name} is not of this account")));
        }
        wishes.push((name.clone(), lines::value(&old, name).map_err(unclear)?));
    }
    let key = applied.key.clone();
    let mut change = Change::new(applied.settings.clone(), key, before, &wishes)?;
    let made: Vec<Wish> = (applied.names.iter())
        .filter_map(|name| {
            let field = name.rsplit('.').next()?;
            let (_, on) = WANTED.iter().find(|(own, _)| *own == field)?;
            Some((name.clone(), Some(on.to_string())))
        })
        .collect();
    if lines::edit(&old, &made).is_ok_and(|(made, _)| made == change.before) {
        change.after = old;
    }
    Ok(change)
}

impl Change {
    fn new(
        settings: PathBuf,
        key: String,
        before: Vec<u8>,
        wishes: &[Wish],
    ) -> Result<Change, Refused> {
        let unclear = |detail| Refused::Unclear { detail };
        let (after, lines) = lines::edit(&before, wishes).map_err(unclear)?;
        // What the program will read, and not only what we meant to write.
        for (name, value) in wishes {
            if lines::value(&after, name).map_err(unclear)? != *value {
                return Err(unclear(format!("{name} would not change")));
            }
        }
        let names = wishes.iter().map(|(name, _)| name.clone()).collect();
        Ok(Change {
            settings,
            key,
            names,
            before,
            after,
            lines,
        })
    }

    /// The lines that change, to be shown before anything is written; none: nothing to do.
    pub fn lines(&self) -> &[LineChange] {
        &self.lines
    }

    /// The file that changes.
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    /// Makes the change. The backup's name has the date in it.
    ///
    /// # Errors
    /// Where the program is running, or the file changed since the change was worked out; the
    /// file is then as it was.
    pub fn apply(&self, today: Date) -> Result<Applied, Refused> {
        if self.before == self.after {
            return Err(Refused::NothingToChange);
        }
        let backup = replace::replace(&self.settings, &self.before, &self.after, today)?;
        Ok(Applied {
            settings: self.settings.clone(),
            backup,
            key: self.key.clone(),
            names: self.names.clone(),
        })
    }
}

fn preference(key: &str, field: &str) -> String {
    format!("mail.server.{key}.{field}")
}

/// `user.js` is read after `prefs.js`, at each start: what it says wins.
fn unless_overruled(settings: &Path, key: &str) -> Result<(), Refused> {
    let path = settings.with_file_name("user.js");
    let own = Prefs::parse(&walk::read_small(&path));
    for (field, on) in WANTED {
        let value = own.of("server", key, field);
        if value.is_some_and(|value| value != on.to_string()) {
            let name = preference(key, field);
            return Err(Refused::UserFile { path, name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
