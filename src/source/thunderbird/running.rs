//! Whether a program has a profile open at this moment.

use std::path::{Path, PathBuf};

/// The lock that a running program holds on this profile, where that can be told.
pub(crate) fn lock(profile: &Path) -> Option<PathBuf> {
    let files = [".parentlock", "parent.lock", "lock"];
    let mut paths = files.iter().map(|file| profile.join(file));
    paths.find(|path| is_held(path))
}

/// On Unix the file stays behind when the program ends, so it is asked for a lock on it. On
/// Linux there is a link as well, that names the program's process.
#[cfg(unix)]
fn is_held(path: &Path) -> bool {
    use rustix::process::{Flock, FlockType, Pid, fcntl_getlk, test_kill_process};

    if let Ok(target) = std::fs::read_link(path) {
        // `127.0.1.1:+12345`
        let text = target.to_string_lossy();
        let number = text
            .rsplit(':')
            .next()
            .and_then(|end| end.trim_start_matches('+').parse().ok());
        let process = number.and_then(Pid::from_raw);
        return process.is_some_and(|process| {
            !matches!(test_kill_process(process), Err(rustix::io::Errno::SRCH))
        });
    }
    let Ok((file, _)) = crate::source::walk::open_file(path) else {
        return false;
    };
    let wanted = Flock::from(FlockType::ReadLock);
    matches!(fcntl_getlk(file, &wanted), Ok(Some(_)))
}

/// On Windows the program keeps the file open and shares it with nobody.
#[cfg(not(unix))]
fn is_held(path: &Path) -> bool {
    path.is_file() && std::fs::File::open(path).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_lock_that_was_left_behind_is_none() {
        use std::os::unix::fs::symlink;
        let profile = tempfile::tempdir().unwrap();
        std::fs::write(profile.path().join(".parentlock"), "").unwrap();
        let link = profile.path().join("lock");
        // Above every limit that a kernel sets for process numbers.
        for stale in ["127.0.1.1:+2147483647", "nonsense", "127.0.1.1:+0"] {
            symlink(stale, &link).unwrap();
            assert_eq!(lock(profile.path()), None, "{stale}");
            std::fs::remove_file(&link).unwrap();
        }
        symlink(format!("127.0.1.1:+{}", std::process::id()), &link).unwrap();
        assert_eq!(lock(profile.path()), Some(link));
    }
}
