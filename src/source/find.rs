//! The mail stores on this computer: the places that mail programs use are looked at, and never the whole disk.

mod places;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Unreadable};
use crate::source::Kind;
use crate::source::thunderbird::profiles;
use places::{How, Place, children, places};

/// Kinds of computers, by where programs keep things on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
    /// Linux, and whatever else has home directories like it.
    Linux,
}

/// A person's directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The kind of computer.
    pub platform: Platform,
    /// The home directory.
    pub home: PathBuf,
    /// `%APPDATA%`, on Windows.
    pub roaming: Option<PathBuf>,
    /// `%LOCALAPPDATA%`, on Windows.
    pub local: Option<PathBuf>,
    /// The documents, wherever they were moved to.
    pub documents: Option<PathBuf>,
    /// Where the system's own mailboxes are.
    pub spool: PathBuf,
    /// The person's name on the computer.
    pub user: Option<String>,
}

impl Home {
    /// The directories of whoever runs this program; `None` where there is no home directory.
    pub fn of_this_computer() -> Option<Home> {
        let base = directories::BaseDirs::new()?;
        let platform = if cfg!(windows) {
            Platform::Windows
        } else if cfg!(target_os = "macos") {
            Platform::MacOs
        } else {
            Platform::Linux
        };
        let on_windows = |path: &Path| (platform == Platform::Windows).then(|| path.to_path_buf());
        let user = directories::UserDirs::new();
        Some(Home {
            platform,
            home: base.home_dir().into(),
            roaming: on_windows(base.data_dir()),
            local: on_windows(base.data_local_dir()),
            documents: user.and_then(|user| user.document_dir().map(Path::to_path_buf)),
            spool: ["/var/mail", "/var/spool/mail"]
                .map(PathBuf::from)
                .into_iter()
                .find(|path| path.is_dir())
                .unwrap_or_else(|| "/var/mail".into()),
            user: std::env::var("USER")
                .or_else(|_| std::env::var("LOGNAME"))
                .ok(),
        })
    }
}

/// A place with mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is; `None` where this program can't read it.
    pub kind: Option<Kind>,
    /// The mail program, and the profile or file where there are several.
    pub label: String,
    /// What to open.
    pub path: PathBuf,
    /// What the person should know about it, in plain words.
    pub note: Option<String>,
}

impl Found {
    /// Whether [`crate::source::open`] can read it.
    pub fn readable(&self) -> bool {
        self.kind.is_some()
    }
}

/// Looks at all places where mail programs keep mail. What a place holds is counted by opening it.
pub fn find(home: &Home) -> Vec<Found> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for place in places(home) {
        for one in look(&place) {
            // Links like `.icedove` -> `.thunderbird` would show the same mail twice.
            let real = fs::canonicalize(&one.path).unwrap_or_else(|_| one.path.clone());
            if seen.insert(real) {
                found.push(one);
            }
        }
    }
    found
}

/// Where programs with Mozilla's kind of profiles have them: the program, and the directory of its `profiles.ini`.
pub(crate) fn profile_roots(home: &Home) -> Vec<(&'static str, PathBuf)> {
    let mut places = places(home);
    places.retain(|place| place.how == How::Profiles);
    places
        .into_iter()
        .map(|place| (place.label, place.path))
        .collect()
}

fn look(place: &Place) -> Vec<Found> {
    match place.how {
        How::Profiles => profiles_in(place),
        How::Mail => mail_in(place).into_iter().collect(),
        How::DataFiles => data_files_in(place),
        How::Seen(note) => {
            let there = fs::metadata(&place.path).is_ok();
            let found = there.then(|| seen_at(place, &place.path, note));
            found.into_iter().collect()
        }
    }
}

/// The profiles that have mail. A new profile without an account has none.
fn profiles_in(place: &Place) -> Vec<Found> {
    let mut profiles = profiles::profiles(&place.path);
    profiles.retain(|profile| profile.path.join("Mail").is_dir());
    let several = profiles.len() > 1;
    let found = profiles.into_iter().map(|profile| Found {
        kind: Some(Kind::Thunderbird),
        label: if several {
            format!("{} ({})", place.label, profile.name)
        } else {
            place.label.to_string()
        },
        path: profile.path,
        note: None,
    });
    found.collect()
}

fn mail_in(place: &Place) -> Option<Found> {
    let found = |kind, note: Option<&str>| {
        Some(Found {
            kind,
            label: place.label.to_string(),
            path: place.path.clone(),
            note: note.map(str::to_string),
        })
    };
    match super::open(&place.path) {
        Ok(source) => found(Some(source.kind()), None),
        Err(Error::Source {
            why: Unreadable::NotAllowed,
            ..
        }) => found(None, Some("this computer does not let us read it")),
        Err(Error::Source {
            why: Unreadable::Unsupported,
            detail,
            ..
        }) => found(None, Some(&detail)),
        Err(_) => None,
    }
}

/// Outlook's data files. `.ost` files are copies of what is on a server, and no source.
fn data_files_in(place: &Place) -> Vec<Found> {
    let wanted = |name: &str| name.to_ascii_lowercase().ends_with(".pst");
    let files = children(&place.path, wanted);
    let note = "Outlook data files (.pst) are not read yet";
    files
        .iter()
        .map(|path| seen_at(place, path, note))
        .collect()
}

fn seen_at(place: &Place, path: &Path, note: &str) -> Found {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Found {
        kind: None,
        label: match place.how {
            How::DataFiles => format!("{} ({name})", place.label),
            _ => place.label.to_string(),
        },
        path: path.into(),
        note: Some(note.to_string()),
    }
}

#[cfg(test)]
mod tests;
