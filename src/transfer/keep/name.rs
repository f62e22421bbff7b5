//! Names of files in the storage folder: the same on Windows, macOS and Linux, and never one that is taken.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Longest part of a name that comes from a folder, in characters and in bytes; file systems take 255 bytes.
const LONGEST: (usize, usize) = (80, 160);

/// So many files of one name are thought possible.
const MOST: u32 = 10_000;

/// Names that Windows gives to devices, whatever the ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name for what comes from a folder of this name, without an ending.
pub(crate) fn safe(name: &str) -> String {
    let mut stem = String::new();
    for c in name.chars().take(LONGEST.0) {
        let odd = c.is_control() || "<>:\"/\\|?*".contains(c) || turns_or_hides(c);
        let c = if odd { '_' } else { c };
        if stem.len() + c.len_utf8() > LONGEST.1 {
            break;
        }
        stem.push(c);
    }
    // Windows drops these at the end, and other systems hide what begins with a dot.
    let stem = stem.trim_end_matches(['.', ' ']).trim_start_matches(' ');
    let stem = match stem.strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => stem.to_string(),
    };
    let first = stem.split('.').next().unwrap_or_default().trim_end();
    let first = first.to_ascii_lowercase();
    let port = first
        .strip_prefix("com")
        .or_else(|| first.strip_prefix("lpt"))
        .is_some_and(|rest| rest.chars().count() == 1);
    match stem.as_str() {
        "" => "Mail".into(),
        _ if port || DEVICES.contains(&first.as_str()) => format!("_{stem}"),
        _ => stem,
    }
}

fn turns_or_hides(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Gives a finished file its name, or that name with a number, and never that of another file.
pub(crate) fn settle(
    mut file: NamedTempFile,
    folder: &Path,
    stem: &str,
    ending: &str,
) -> io::Result<PathBuf> {
    for number in 1..=MOST {
        let name = match number {
            1 => format!("{stem}.{ending}"),
            _ => format!("{stem} ({number}).{ending}"),
        };
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => return sync_dir(folder).map(|()| path),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => file = error.file,
            // A memory stick's file system may know no way to do it in one step.
            Err(error) if !is_taken(&path) => {
                return match error.file.persist(&path) {
                    Ok(_) => sync_dir(folder).map(|()| path),
                    Err(error) => Err(error.error),
                };
            }
            Err(error) => file = error.file,
        }
    }
    Err(io::Error::other("no name is left for it"))
}

fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A new name is safe once its directory is; Windows does that by itself.
fn sync_dir(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    #[test]
    fn names_are_ones_that_every_system_takes() {
        for (from, to) in [
            ("Inbox", "Inbox"),
            ("Taxes / 2009", "Taxes _ 2009"),
            ("Über uns", "Über uns"),
            ("../../etc/passwd", "_._.._etc_passwd"),
            ("a:b*c?", "a_b_c_"),
            ("CON", "_CON"),
            ("aux.old", "_aux.old"),
            ("Com1", "_Com1"),
            ("Company", "Company"),
            ("end. . ", "end"),
            ("...", "Mail"),
            ("", "Mail"),
            ("x\u{202e}gpj.exe\r\n", "x_gpj.exe__"),
        ] {
            assert_eq!(safe(from), to, "{from:?}");
        }
    }

    #[test]
    fn no_file_is_ever_overwritten() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("Inbox.mbox"), "old").unwrap();
        for number in 2..4 {
            let mut file = NamedTempFile::new_in(place.path()).unwrap();
            write!(file, "new {number}").unwrap();
            let path = settle(file, place.path(), "Inbox", "mbox").unwrap();
            assert!(path.ends_with(format!("Inbox ({number}).mbox")));
        }
        let old = std::fs::read_to_string(place.path().join("Inbox.mbox")).unwrap();
        assert_eq!(old, "old");
    }

    proptest! {
        #[test]
        fn no_folder_can_name_a_file_elsewhere(name in any::<String>()) {
            let safe = safe(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= 170);
            prop_assert_eq!(Path::new(&safe).components().count(), 1);
            prop_assert!(!safe.starts_with('.') && !safe.ends_with(['.', ' ']));
            prop_assert!(!safe.chars().any(|c| c.is_control() || "<>:\"/\\|?*".contains(c)));
        }
    }
}
