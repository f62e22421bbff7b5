//! The set-up files of step 3, written where the person finds them.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use spectrum_migrate::guide::setup::{apple_profile, thunderbird_autoconfig};
use spectrum_migrate::settings::Servers;

use crate::cli::layout::{clean, wrap};

/// What was written.
pub struct Written {
    /// For iPhone, iPad and Mac.
    pub apple: PathBuf,
    /// For Thunderbird.
    pub thunderbird: PathBuf,
}

/// Writes both files into a folder; one that is there already is not overwritten.
///
/// # Errors
/// The folder can't be written to.
pub fn write(email: &str, servers: &Servers, directory: &Path) -> io::Result<Written> {
    std::fs::create_dir_all(directory)?;
    let place = |name: &str, end: &str, text: &str| {
        for number in 1..100 {
            let again = if number == 1 {
                String::new()
            } else {
                format!(" ({number})")
            };
            let path = directory.join(format!("{name}{again}.{end}"));
            match std::fs::File::create_new(&path) {
                Ok(mut file) => {
                    file.write_all(text.as_bytes())?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if std::fs::read(&path)? == text.as_bytes() {
                        return Ok(path);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    };
    Ok(Written {
        apple: place(
            "Spectrum mail",
            "mobileconfig",
            &apple_profile(email, servers),
        )?,
        thunderbird: place(
            "Spectrum mail for Thunderbird",
            "xml",
            &thunderbird_autoconfig(email, servers),
        )?,
    })
}

/// What they are for.
pub fn words(written: &Written) -> String {
    let show = |path: &Path| clean(&path.display().to_string());
    format!(
        "\n{}\n      {}\n{}\n      {}",
        wrap(
            "ok   ",
            "For iPhone, iPad and Mac: open this file there, and install it under Settings > Profile Downloaded (on a \
             Mac: System Settings > General > Device Management). It asks for your password. It is not signed, and \
             says so."
        ),
        show(&written.apple),
        wrap(
            "ok   ",
            "For technicians who set up Thunderbird: the same values in Thunderbird's own format. Most people don't \
             need it."
        ),
        show(&written.thunderbird),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use spectrum_migrate::settings;

    #[test]
    fn the_same_files_are_written_once_and_others_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        let write =
            |email: &str| write(email, &settings::servers(email).unwrap(), dir.path()).unwrap();
        let first = write("jane@charter.net");
        assert_eq!(write("jane@charter.net").apple, first.apple);
        let other = write("joe@charter.net");
        assert!(other.apple.ends_with("Spectrum mail (2).mobileconfig"));
        // Thunderbird's asks for the address itself, and is the same for both.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
        assert!(words(&first).contains("password"));
    }
}
