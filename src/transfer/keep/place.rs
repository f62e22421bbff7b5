//! Where a storage folder may be, and whether there is room for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::source::Source;

/// So much is left free on the disk, in bytes: a full disk stops other programs.
const SPARE: u64 = 16 << 20;

/// Whether a folder can be the storage folder: neither in the old mail, where it would change that, nor around it,
/// where the old mail would be taken for what was kept.
pub(crate) fn can_keep(sources: &[Box<dyn Source>], folder: &Path) -> Result<(), Error> {
    if fs::metadata(folder).is_ok_and(|about| !about.is_dir()) {
        return Err(Error::Choice {
            detail: format!("{} is a file, and no folder", folder.display()),
        });
    }
    let folder = real(folder);
    for source in sources {
        let source = real(source.path());
        if folder.starts_with(&source) || source.starts_with(&folder) {
            return Err(Error::Choice {
                detail: format!(
                    "the storage folder {} must be apart from the old mail in {}: choose a new folder",
                    folder.display(),
                    source.display()
                ),
            });
        }
    }
    Ok(())
}

/// A path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    for above in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (fs::canonicalize(above), path.strip_prefix(above)) {
            return if rest.as_os_str().is_empty() {
                real
            } else {
                real.join(rest)
            };
        }
    }
    path
}

/// Whether so many bytes fit. Where the system can't tell, writing will.
pub(super) fn check_room(folder: &Path, bytes: u64) -> Result<(), Error> {
    match fs4::available_space(folder) {
        Ok(free) => fits(folder, bytes, free),
        Err(_) => Ok(()),
    }
}

fn fits(folder: &Path, bytes: u64, free: u64) -> Result<(), Error> {
    let needs = bytes.saturating_add(SPARE);
    if needs <= free {
        return Ok(());
    }
    Err(Error::StorageFull {
        path: folder.into(),
        needs,
        free,
    })
}

/// The storage folder can't be read or written.
pub(super) fn failed(folder: &Path, error: &io::Error) -> Error {
    Error::Storage {
        path: folder.into(),
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::open;

    #[test]
    fn the_storage_folder_is_neither_in_the_old_mail_nor_around_it() {
        let place = tempfile::tempdir().unwrap();
        let mail = place.path().join("mail");
        fs::create_dir(&mail).unwrap();
        let inbox = mail.join("Inbox.mbox");
        fs::write(
            &inbox,
            "From a@x Sun May 17 12:34:56 2009\nSubject: x\n\nbody\n",
        )
        .unwrap();
        for source in [&mail, &inbox] {
            let sources = [open(source).unwrap()];
            let may = |path: &Path| can_keep(&sources, path).is_ok();
            assert!(may(&place.path().join("kept")));
            assert!(may(&place.path().join("mail kept")));
            assert!(!may(&mail) && !may(place.path()) && !may(&inbox));
            assert!(!may(&mail.join("../mail")));
            assert_eq!(may(&mail.join("kept")), source == &inbox);
        }
    }

    #[test]
    fn too_little_room_is_an_error_with_both_numbers() {
        let folder = Path::new("kept");
        assert!(fits(folder, 10, SPARE + 10).is_ok());
        match fits(folder, 11, SPARE + 10) {
            Err(Error::StorageFull { needs, free, .. }) => assert_eq!(needs, free + 1),
            other => panic!("{other:?}"),
        }
        assert!(fits(folder, u64::MAX, u64::MAX - 1).is_err());
    }
}
