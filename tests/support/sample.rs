//! A little old mail with everything that is hard to tell apart, what a mailbox holds before, and what it must hold after.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The folder on the server and the hash of a message, as it is with CRLF.
pub type Key = (String, String);

const SEPARATOR: &str = "From jane@example.org Mon Jan  1 10:00:00 2018\n";

fn message(number: usize, id: Option<&str>, lines: usize) -> String {
    let mut text = String::new();
    if let Some(id) = id {
        writeln!(text, "Message-ID: <{id}@example.org>").unwrap();
    }
    let who = "From: jane@example.org\nTo: john@example.org";
    writeln!(text, "Date: Mon, 1 Jan 2018 10:00:00 +0000\n{who}").unwrap();
    writeln!(
        text,
        "Subject: letter {}\n",
        if id.is_some() { number } else { 0 }
    )
    .unwrap();
    for line in 0..lines {
        writeln!(
            text,
            "line {line} of the letter with the number {number:03}"
        )
        .unwrap();
    }
    text
}

/// The messages of `Family`: two without a Message-ID and with the same header, two with the same Message-ID, two that
/// are the same, a long one.
pub fn family() -> Vec<String> {
    vec![
        message(1, Some("1"), 5),
        message(2, None, 5),
        message(3, None, 5),
        message(4, Some("4"), 0),
        message(4, Some("4"), 12),
        message(6, Some("6"), 600),
        message(1, Some("1"), 5),
        message(8, Some("8"), 40),
        message(9, Some("9"), 3),
    ]
}

/// The messages of `Inbox`; the first is on the server already.
pub fn inbox() -> Vec<String> {
    vec![
        message(21, Some("21"), 9),
        message(22, Some("22"), 2),
        message(23, None, 4),
        message(24, Some("24"), 70),
    ]
}

/// What the server has: one of ours, one that only looks like one of ours, and one of nobody's.
fn before() -> Vec<String> {
    vec![
        message(21, Some("21"), 9),
        message(22, Some("22"), 3),
        message(99, Some("99"), 3),
    ]
}

/// One that comes later.
pub fn newcomer() -> String {
    message(50, Some("50"), 6)
}

/// Messages as an mbox.
pub fn mbox(messages: &[String]) -> Vec<u8> {
    let one = |message: &String| format!("{SEPARATOR}{message}\n");
    messages.iter().map(one).collect::<String>().into_bytes()
}

/// Writes the whole source.
pub fn write(source: &Path) {
    fs::create_dir_all(source).unwrap();
    fs::write(source.join("Family"), mbox(&family())).unwrap();
    fs::write(source.join("Inbox"), mbox(&inbox())).unwrap();
}

/// Adds enough mail that a slow server gets it over several connections.
pub fn write_archive(source: &Path) {
    let message = |n: usize| message(n, Some(&n.to_string()), n % 40);
    let archive: Vec<String> = (200..320).map(message).collect();
    fs::write(source.join("Archive"), mbox(&archive)).unwrap();
}

/// Writes a part of it, as it was some days ago.
pub fn write_part(source: &Path) {
    fs::create_dir_all(source).unwrap();
    fs::write(source.join("Family"), mbox(&family()[..4])).unwrap();
    fs::write(source.join("Inbox"), mbox(&inbox()[..1])).unwrap();
}

/// The hash of what is to be on the server: a server's and an mbox's line ends say the same.
pub fn hash(message: &[u8]) -> String {
    let mut hash = Sha256::new();
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        hash.update(bare.strip_suffix(b"\r").unwrap_or(bare));
        hash.update(b"\r\n");
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The messages of a source as it is now, each once a folder. Split by a reader that is not ours.
pub fn wanted(source: &Path) -> BTreeMap<Key, usize> {
    let mut wanted = BTreeMap::new();
    for (file, folder) in [
        ("Family", "Family"),
        ("Inbox", "INBOX"),
        ("Archive", "Archive"),
    ] {
        let content = fs::read_to_string(source.join(file)).unwrap_or_default();
        for message in content.split(SEPARATOR).filter(|text| !text.is_empty()) {
            let message = message
                .strip_suffix("\n\n")
                .map_or_else(|| message.to_string(), |text| format!("{text}\n"));
            wanted.insert((folder.to_string(), hash(message.as_bytes())), 1);
        }
    }
    wanted
}

/// Puts what was there before into a Maildir that no server has seen yet.
pub fn fill(maildir: &Path) {
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(maildir.join(part)).unwrap();
    }
    for (number, message) in before().iter().enumerate() {
        let name = format!("151480080{number}.M1P1.here:2,S");
        fs::write(maildir.join("cur").join(name), message).unwrap();
    }
    give_away(maildir.parent().unwrap());
}

/// What [`fill`] put there.
pub fn was_there() -> BTreeMap<Key, usize> {
    let key = |message: &String| (("INBOX".to_string(), hash(message.as_bytes())), 1);
    before().iter().map(key).collect()
}

/// The server of a test runs as the owner of the directory with its mail.
fn give_away(home: &Path) {
    use std::os::unix::fs::{MetadataExt, chown};
    let owner = fs::metadata(home.parent().unwrap()).unwrap();
    for path in walk(home).into_iter().chain([home.to_path_buf()]) {
        chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

/// Every file and directory below one.
pub fn walk(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(walk(&path));
        }
        all.push(path);
    }
    all
}

/// What a Maildir holds: the server stores what it got, so its files are the truth. By the name of the file.
pub fn stored(maildir: &Path) -> BTreeMap<String, Key> {
    let mut stored = BTreeMap::new();
    for path in walk(maildir) {
        let Some(kind) = path.parent().and_then(Path::file_name) else {
            continue;
        };
        if !path.is_file() || !(kind == "cur" || kind == "new") {
            continue;
        }
        let home = path.parent().and_then(Path::parent).unwrap();
        let folder = match home.strip_prefix(maildir).ok().and_then(Path::to_str) {
            Some("") | None => "INBOX".to_string(),
            Some(name) => name.trim_start_matches('.').replace('.', "/"),
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // What follows are flags, which may change.
        let name = name.split(":2,").next().unwrap().to_string();
        let content = fs::read(&path).unwrap();
        stored.insert(format!("{folder}/{name}"), (folder, hash(&content)));
    }
    stored
}
