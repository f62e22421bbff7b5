//! A made-up mailbox with every oddity that old mail has, to rehearse with and to test with.
//!
//! Forty messages of a family that does not exist. What they hold is harmless; how they are stored is not.

mod inbox;
mod letter;
mod others;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use letter::Letter;

/// Messages that the sample holds in all: one of them deleted already, one damaged, one above 25 MB, one there twice.
pub const SAMPLE_MESSAGES: u64 = 40;

/// Writes the sample into a directory, which is made if need be: seven mbox files, a Maildir with a folder in it, and
/// a directory of message files.
///
/// # Errors
/// The system's, and `AlreadyExists` where a file of the sample is there already: nothing is ever overwritten.
pub fn sample(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    mbox(dir, "Inbox", &inbox::entries())?;
    mbox(dir, "Sent", &others::sent())?;
    mbox(dir, "Trash", &others::trash())?;
    mbox(dir, "Junk", &others::junk())?;
    mbox(dir, "Rezepte & Küche 🍰", &others::recipes())?;
    mbox(dir, "100% Bills", &others::bills())?;
    big_film(dir)?;
    others::maildir(&dir.join("Maildir"))?;
    others::letters(&dir.join("Letters"))
}

/// A message as an mbox has it: its separator line, and the bytes up to the next one.
struct Entry {
    separator: String,
    message: Vec<u8>,
}

impl Entry {
    /// With the separator that Thunderbird writes.
    fn of(letter: &Letter) -> Entry {
        Entry {
            separator: format!("From - {}", letter.asctime()),
            message: letter.lf(),
        }
    }
}

fn mbox(dir: &Path, name: &str, entries: &[Entry]) -> io::Result<()> {
    let mut out = create(&dir.join(format!("{name}.mbox")))?;
    for entry in entries {
        writeln!(out, "{}", entry.separator)?;
        out.write_all(&entry.message)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create_new(path)?))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut out = create(path)?;
    out.write_all(bytes)?;
    out.flush()
}

/// One message of 27 million bytes, more than Spectrum says it takes.
fn big_film(dir: &Path) -> io::Result<()> {
    let letter = Letter {
        from: "Tom Sample <tom@example.org>",
        subject: "The whole wedding film",
        id: "<film@example.org>",
        more: "MIME-Version: 1.0\nContent-Type: video/mpeg; name=\"wedding.mpg\"\nContent-Transfer-Encoding: base64\n",
        ..Letter::on(2011, 6, 18)
    };
    let mut out = create(&dir.join("Big film.mbox"))?;
    let entry = Entry::of(&letter);
    writeln!(out, "{}", entry.separator)?;
    out.write_all(&entry.message)?;
    let lines = format!("{}\n", "QUJD".repeat(19)).repeat(1000);
    for _ in 0..350 {
        out.write_all(lines.as_bytes())?;
    }
    out.write_all(b"\n")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                all.extend(files(&entry.path()));
            } else {
                all.push((
                    entry.file_name().into_string().unwrap(),
                    fs::read(entry.path()).unwrap(),
                ));
            }
        }
        all
    }

    #[test]
    fn it_holds_as_many_messages_as_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let start = std::time::Instant::now();
        sample(dir.path()).unwrap();
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
        let mut messages = 0;
        for (name, bytes) in files(dir.path()) {
            messages += if name.ends_with(".mbox") {
                // Every separator has a date; the lines of text that begin alike have none.
                let text = String::from_utf8_lossy(&bytes);
                text.split('\n')
                    .filter(|line| line.starts_with("From - "))
                    .count() as u64
            } else {
                1
            };
        }
        assert_eq!(messages, SAMPLE_MESSAGES);
        let film = fs::metadata(dir.path().join("Big film.mbox"))
            .unwrap()
            .len();
        assert!(film > crate::settings::MESSAGE_LIMIT);
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path()).unwrap();
        assert_eq!(
            sample(dir.path()).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    }

    #[test]
    fn every_oddity_is_there() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path()).unwrap();
        let inbox = fs::read(dir.path().join("Inbox.mbox")).unwrap();
        let has = |words: &[u8]| memchr::memmem::find(&inbox, words).is_some();
        assert!(has(b"\n\nFrom here on") && has(b"\n>From my window") && has(b"\n>>From "));
        assert!(
            has(b"Gr\xfc\xdfe")
                && has(b"X-Mozilla-Status: 0009")
                && has(b"X-Mozilla-Keys: $label1")
        );
        assert!(
            inbox
                .split(|byte| *byte == b'\n')
                .any(|line| line.len() > 10_000)
        );
        assert_eq!(
            memchr::memmem::find_iter(&inbox, b"Message-ID: <draft@example.org>").count(),
            2
        );
        assert_eq!(
            memchr::memmem::find_iter(&inbox, b"Message-ID: <twice@example.org>").count(),
            2
        );
        let all = files(dir.path());
        assert_eq!(all.iter().filter(|(_, bytes)| bytes.is_empty()).count(), 1);
    }

    #[test]
    fn everybody_in_it_is_made_up() {
        let dir = tempfile::tempdir().unwrap();
        sample(dir.path()).unwrap();
        for (name, bytes) in files(dir.path()) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            for (at, _) in text.match_indices('@') {
                let host: String = text[at + 1..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '.')
                    .collect();
                let host = host.trim_end_matches('.');
                assert!(
                    matches!(host, "example.org" | "charter.net"),
                    "{host} in {name}"
                );
            }
        }
    }
}
