//! A mistake of the program's own ends in plain words: of a panic only its place is shown, since what it says may hold text of others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use spectrum_migrate::Error;

use super::failure::Failure;

/// Where the last panic was.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic writes nothing by itself. One that the library catches and turns into an error stays unseen.
pub fn keep_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| place(at.file(), at.line()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Runs something, and makes a failure of a panic.
///
/// # Errors
/// Its own, and [`Error::Bug`].
pub fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Nothing of what it worked on is used afterwards, but for the printer, whose locks forgive.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let detail = place.unwrap_or_else(|| "at an unknown place".into());
        Err(Error::Bug { detail }.into())
    })
}

/// The file within its crate: where it was compiled is nobody's business.
fn place(file: &str, line: u32) -> String {
    let file = file.replace('\\', "/");
    let within = file
        .rsplit_once("/src/")
        .map_or(file.as_str(), |(_, file)| file);
    format!("stopped at {}:{line}", within.trim_start_matches("src/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn a_panic_becomes_a_failure_without_its_words() {
        let failure = caught::<()>(|| panic!("Subject: \x1b[2J canary-Xy7-bird"))
            .err()
            .unwrap();
        assert_eq!(failure.exit(), Exit::Bug);
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }

    #[test]
    fn what_ends_well_or_fails_by_itself_stays_as_it_is() {
        assert_eq!(caught(|| Ok(5)).ok(), Some(5));
        let failure = caught::<()>(|| Err(Error::Stopped.into())).err().unwrap();
        assert!(failure.is_stop());
    }

    #[test]
    fn a_place_names_no_directory_of_whoever_built_it() {
        let library = "/home/someone/registry/src/index-1/imap-3.0.0/src/client.rs";
        assert_eq!(place(library, 7), "stopped at client.rs:7");
        assert_eq!(place("src\\cli\\mod.rs", 1), "stopped at cli/mod.rs:1");
    }
}
