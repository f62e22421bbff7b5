//! Puts a new file in the place of another, with the old one kept beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::Refused;
use crate::source::thunderbird::running;
use crate::source::walk;

/// Longer settings files are nobody's.
const LONGEST: u64 = 32 << 20;

/// More backups than this of one day are a mistake.
const BACKUPS: u32 = 1000;

/// Reads the whole file, or none of it.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let whole = walk::open_file(path).and_then(|(file, _)| {
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::other("longer than any settings file"));
        }
        Ok(())
    });
    whole.map_err(|error| system(path, error))?;
    Ok(bytes)
}

/// Replaces a file whose contents are known, and gives the path of its backup.
pub(super) fn replace(
    path: &Path,
    before: &[u8],
    after: &[u8],
    today: Date,
) -> Result<PathBuf, Refused> {
    replace_while(path, before, after, today, || ())
}

/// The same, with something that happens after the new file was written and before it takes the old one's place.
fn replace_while(
    path: &Path,
    before: &[u8],
    after: &[u8],
    today: Date,
    meanwhile: impl FnOnce(),
) -> Result<PathBuf, Refused> {
    let profile = path.parent().unwrap_or(Path::new("."));
    unless_touched(path, profile, before)?;
    // Where people have a link in the file's place, the link stays, and the file behind it is replaced.
    let real = fs::canonicalize(path).map_err(|error| system(path, error))?;
    let directory = real.parent().unwrap_or(profile);
    let backup = back_up(path, before, today)?;
    let mut new = tempfile::Builder::new()
        .prefix(".spectrum-migrate-")
        .tempfile_in(directory)
        .map_err(|error| system(directory, error))?;
    let written = (|| {
        new.write_all(after)?;
        let as_before = fs::metadata(path)?.permissions();
        new.as_file().set_permissions(as_before)?;
        new.as_file().sync_all()
    })();
    written.map_err(|error| system(new.path(), error))?;
    meanwhile();
    // A program that starts after this reads the one file or the other, both whole; at
    // worst it writes its own settings over ours when it ends.
    unless_touched(path, profile, before)?;
    new.persist(&real)
        .map_err(|error| system(path, error.error))?;
    sync_directory(directory);
    Ok(backup)
}

fn unless_touched(path: &Path, profile: &Path, before: &[u8]) -> Result<(), Refused> {
    if let Some(lock) = running::lock(profile) {
        return Err(Refused::Running { lock });
    }
    if read(path)? != before {
        return Err(Refused::ChangedMeanwhile);
    }
    Ok(())
}

/// Writes `prefs.js.2026-11-25.backup` beside the file, or with a number if that is there already.
fn back_up(path: &Path, contents: &[u8], today: Date) -> Result<PathBuf, Refused> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    for number in 1..=BACKUPS {
        let name = match number {
            1 => format!("{file}.{today}.backup"),
            _ => format!("{file}.{today}-{number}.backup"),
        };
        let backup = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Settings are nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&backup) {
            Ok(mut new) => {
                let written = new.write_all(contents).and_then(|()| new.sync_all());
                written.map_err(|error| system(&backup, error))?;
                return Ok(backup);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(system(&backup, error)),
        }
    }
    let error = io::Error::other("there are too many backups of this day");
    Err(system(path, error))
}

/// The new name is on the disk only when the directory is. Windows opens no directories.
fn sync_directory(directory: &Path) {
    if cfg!(unix) {
        // Both files are whole, whichever of them a crash leaves under the name.
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}

fn system(path: &Path, error: io::Error) -> Refused {
    Refused::System {
        path: path.into(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_at_the_last_moment_is_left_alone() {
        let profile = tempfile::tempdir().unwrap();
        let path = profile.path().join("prefs.js");
        fs::write(&path, "old").unwrap();
        let today = jiff::civil::date(2026, 11, 25);
        let meanwhile = || fs::write(&path, "theirs").unwrap();
        let done = replace_while(&path, b"old", b"new", today, meanwhile);
        assert!(matches!(done, Err(Refused::ChangedMeanwhile)));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        let mut names: Vec<_> = (fs::read_dir(profile.path()).unwrap())
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["prefs.js", "prefs.js.2026-11-25.backup"]);
    }
}
