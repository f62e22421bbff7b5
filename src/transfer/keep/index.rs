//! The list in the storage folder for people: what each message is, where it comes from, and why it is there.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::amount::{counted, size};
use crate::header;
use crate::safe::safe;
use crate::transfer::plan::Reason;

/// Its name.
const NAME: &str = "index.txt";

/// So much of a header field is told, in characters: all of a folder is held until its file is done.
const LONGEST: usize = 120;

/// Lines end so that the plainest editors show them as lines.
const END: &str = "\r\n";

/// What is said of a message.
pub(super) struct Note {
    /// The file in the storage folder.
    pub file: PathBuf,
    /// The file that it comes from, and the byte in it.
    pub from: (PathBuf, u64),
    /// Its size in bytes.
    pub size: u64,
    /// Why it is kept.
    pub reason: Reason,
    /// Its header in a few words, line by line.
    pub about: Vec<String>,
}

/// The lines of a header by which people know a message.
pub(super) fn about(head: &[u8]) -> Vec<String> {
    let line = |name: &str| {
        let text = header::find(head, name)?.text();
        let text: String = text.trim().chars().take(LONGEST).collect();
        (!text.is_empty()).then(|| format!("{name}: {}", safe(&text)))
    };
    ["Subject", "From", "Date"]
        .into_iter()
        .filter_map(line)
        .collect()
}

/// Adds to the list in a folder. What was written there before stays.
pub(super) fn add(folder: &Path, seconds: u64, notes: &[Note]) -> io::Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let mut file = options.open(folder.join(NAME))?;
    file.write_all(text(seconds, notes).as_bytes())?;
    file.sync_all()
}

fn text(seconds: u64, notes: &[Note]) -> String {
    let moment = i64::try_from(seconds).ok();
    let moment = moment.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let day = moment.map_or_else(String::new, |moment| {
        moment.strftime(", %-d %B %Y, %H:%M UTC").to_string()
    });
    let mut lines = vec![
        format!("Mail that is kept on this computer{day}"),
        format!(
            "{} not on the mail server. Each was read back here and compared.",
            counted(notes.len() as u64, "message is", "messages are")
        ),
        "A mail program can open the files that end in .mbox and .eml.".into(),
    ];
    for note in notes {
        let name = note.file.file_name().unwrap_or_default().to_string_lossy();
        lines.push(String::new());
        lines.push(safe(&name));
        let (from, at) = &note.from;
        lines.extend(note.about.iter().map(|line| format!("    {line}")));
        lines.push(format!("    Size: {}", size(note.size)));
        lines.push(format!("    Why: {}", words(note.reason)));
        lines.push(format!("    It comes from {}, byte {at}", whole(from)));
    }
    lines.push(String::new());
    lines.push(String::new());
    lines.join(END)
}

/// A path of any length, in pieces that [`safe`] does not cut.
fn whole(path: &Path) -> String {
    let chars: Vec<char> = path.to_string_lossy().chars().collect();
    let pieces = chars.chunks(100);
    pieces
        .map(|piece| safe(&piece.iter().collect::<String>()))
        .collect()
}

fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::TooBig => "it is larger than the server takes",
        Reason::NotAllowed => "the server takes no mail in its folder",
        Reason::Syntax => "it is in a form that the server cannot take",
        Reason::ServerSaidNo => "the server refused it",
        Reason::Unreadable => "it is damaged; these are its bytes as they are",
        Reason::Changed => "it changed while it was being copied",
        Reason::Full => "the mailbox has no room for it",
        Reason::Deleted => "it was deleted or moved in the old mail program",
        Reason::Skipped => "its folder was left out by choice",
        Reason::TooOld | Reason::TooNew => "its date was left out by choice",
        Reason::Internal => "it is a record of the old mail program",
        Reason::RemovedSince | Reason::InFolder | Reason::InOtherFolder | Reason::Identical => {
            "it was copied"
        }
        Reason::InDoubt | Reason::NotTried => "it was not copied yet",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(subject: &str) -> Note {
        Note {
            file: "kept/Inbox.mbox".into(),
            from: ("mail/Inbox".into(), 4_096),
            size: 38_000_000,
            reason: Reason::TooBig,
            about: about(
                format!("Subject: {subject}\r\nFrom: a@x\r\n\r\nSubject: no\r\n").as_bytes(),
            ),
        }
    }

    #[test]
    fn the_list_says_what_from_where_and_why() {
        let text = text(
            1_795_440_000,
            &[note("film\x1b[2J of\u{202e} us"), note("two")],
        );
        assert!(text.lines().count() > 1 && !text.replace(END, "").contains(['\r', '\n']));
        insta::assert_snapshot!(text.replace(END, "\n"));
    }

    #[test]
    fn what_was_listed_before_stays() {
        let place = tempfile::tempdir().unwrap();
        add(place.path(), 0, &[]).unwrap();
        assert!(!place.path().join(NAME).exists());
        add(place.path(), 0, &[note("one")]).unwrap();
        add(place.path(), 0, &[note("two")]).unwrap();
        let text = std::fs::read_to_string(place.path().join(NAME)).unwrap();
        assert!(text.contains("Subject: one") && text.contains("Subject: two"));
    }
}
