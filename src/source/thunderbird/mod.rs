//! Profiles of Thunderbird and its relatives: all accounts whose mail is on this computer only.

mod accounts;
mod mork;
mod names;
pub(crate) mod prefs;
pub(crate) mod profiles;
pub(crate) mod running;
mod store;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::message::FolderId;
use crate::source::files;
use crate::source::folders::Folders;
use crate::source::marks::TagNames;
use crate::source::walk::{self, Entry, What};
use crate::source::{Kind, Oddity, Remark, Source};
use accounts::Account;
use names::FolderCache;
use prefs::Prefs;
use profiles::Profile;
use store::{Above, Shared, Store};

/// What the fuzz targets look into.
#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub(crate) use super::accounts::{accounts, special_folders};
    pub(crate) use super::mork::folder_name;
    pub(crate) use super::prefs::Prefs;
}

/// What a directory of Thunderbird's turned out to hold.
pub(crate) struct Recognised {
    /// Its mail.
    pub source: Result<Box<dyn Source>, Error>,
    /// What lies among its folders and is none of them: people keep other mail there.
    pub strays: Vec<PathBuf>,
}

/// Opens a directory if it is one of Thunderbird's: that of all profiles, of one profile, or of one account.
pub(crate) fn recognise(directory: &Path, entries: &[Entry]) -> Option<Recognised> {
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    if has("profiles.ini") {
        return Some(open(directory, &profiles::profiles(directory)));
    }
    if has("prefs.js") && (has("Mail") || has("ImapMail")) {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let profile = Profile {
            name: name.into_owned(),
            path: directory.into(),
        };
        return Some(open(directory, &[profile]));
    }
    let beside = |entry: &Entry| {
        let name = entry.text();
        let summary = name.ends_with(".msf") && entry.is_file();
        summary || (name.ends_with(".sbd") && entry.what == What::Directory)
    };
    let account = entries.iter().any(beside).then(|| open_account(directory));
    // Without one of its folders, it may hold mail in another form.
    account.filter(|account| account.source.is_ok())
}

/// Opens the mail of these profiles as one source.
fn open(path: &Path, profiles: &[Profile]) -> Recognised {
    let label = match profiles {
        [profile] => format!("Thunderbird ({})", profile.name),
        _ => "Thunderbird".to_string(),
    };
    let mut folders = Folders::new(Kind::Thunderbird, label, path);
    for profile in profiles {
        // Two profiles may have accounts of the same name.
        let suffix = (profiles.len() > 1).then_some(profile.name.as_str());
        read_profile(&mut folders, &profile.path, suffix);
    }
    let on_servers = folders
        .remarks()
        .iter()
        .any(|remark| remark.what == Oddity::OnServer);
    let mut opened = recognised(folders);
    if let Err(Error::Source { detail, .. }) = &mut opened.source
        && on_servers
    {
        *detail = "all of its accounts keep their mail on a server (IMAP), and none on this computer alone".into();
    }
    opened
}

fn recognised(mut folders: Folders) -> Recognised {
    let strays = folders.take_strays();
    let source = folders.unless_empty();
    Recognised {
        source: source.map(|source| Box::new(source) as Box<dyn Source>),
        strays,
    }
}

/// Opens an account's directory alone: its settings are elsewhere, or lost.
fn open_account(directory: &Path) -> Recognised {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let mut folders = Folders::new(Kind::Thunderbird, name.into_owned(), directory);
    read_account(&mut folders, &Shared::default(), directory, None, "");
    recognised(folders)
}

fn read_profile(folders: &mut Folders, profile: &Path, suffix: Option<&str>) {
    if let Some(lock) = running::lock(profile) {
        remark(folders, lock, Oddity::ProgramRunning);
    }
    let prefs = Prefs::parse(&walk::read_small(&profile.join("prefs.js")));
    let mut tags = TagNames::default();
    for (key, name) in prefs.tags() {
        tags.insert(key, name);
    }
    let shared = Shared {
        tags: Arc::new(tags),
        cache: FolderCache::read(profile),
        special: accounts::special_folders(&prefs),
    };
    let mut seen = HashSet::new();
    let accounts = accounts::accounts(&prefs, profile);
    let orphans = orphans(profile, &accounts);
    for account in accounts.into_iter().chain(orphans) {
        let Ok(real) = fs::canonicalize(&account.directory) else {
            // An account that never got any mail, or whose mail goes to another's
            // folders (`deferred_to_account`). What came before it did is read.
            continue;
        };
        if !seen.insert(real) {
            continue;
        }
        if !account.local {
            remark(folders, account.directory, Oddity::OnServer);
            continue;
        }
        let label = match suffix {
            Some(suffix) => format!("{} ({suffix})", account.label),
            None => account.label,
        };
        let label = Some(Arc::from(label));
        read_account(
            folders,
            &shared,
            &account.directory,
            label,
            &account.address,
        );
    }
    // One account's directory may lie in another's; its mail is read once.
    for stray in folders.take_strays() {
        let real = fs::canonicalize(&stray).unwrap_or_else(|_| stray.clone());
        if !seen.iter().any(|account| account.starts_with(&real)) {
            folders.stray(stray);
        }
    }
}

/// Directories below `Mail` that no account claims: those of accounts that were removed
/// without their mail, or moved to another kind of store.
fn orphans(profile: &Path, accounts: &[Account]) -> Vec<Account> {
    let claimed: HashSet<PathBuf> = (accounts.iter())
        .filter_map(|account| fs::canonicalize(&account.directory).ok())
        .collect();
    let mail = profile.join("Mail");
    let root = walk::Root::new(&mail);
    let entries = root.and_then(|root| root.list(&mail)).unwrap_or_default();
    (entries.iter())
        .filter(|entry| entry.what == What::Directory)
        .map(|entry| (entry.text(), mail.join(&entry.name)))
        .filter(|(_, path)| fs::canonicalize(path).is_ok_and(|real| !claimed.contains(&real)))
        .map(|(label, directory)| Account {
            label,
            address: String::new(),
            directory,
            local: true,
        })
        .collect()
}

fn read_account(
    folders: &mut Folders,
    shared: &Shared,
    directory: &Path,
    label: Option<Arc<str>>,
    address: &str,
) {
    match Store::new(shared, folders, directory, label, address) {
        Ok(mut store) => store.read(directory, &Above::default(), 0),
        Err(error) => folders.lose(files::unreadable(directory, FolderId(0), &error)),
    }
}

fn remark(folders: &Folders, path: PathBuf, what: Oddity) {
    folders.remark(Remark { path, at: 0, what });
}

#[cfg(test)]
mod tests;
