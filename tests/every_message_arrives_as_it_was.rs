//! Real mail files of every format, against a real server: the true count arrives, byte for byte but for the
//! declared conversions, as a reader that is not ours sees it; and a second run sends nothing.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use spectrum_migrate::message::{Conversions, Item, Standing};
use spectrum_migrate::source::{self, Source};
use support::dovecot::{Dovecot, Options};
use support::{Held, Person, corpus, python_is_here, tally};

/// The conversions in their plainest form, written a second time and in another way than the program's.
fn converted(raw: &[u8], conversions: Conversions) -> Vec<u8> {
    let mut bytes = raw.to_vec();
    if conversions.contains(Conversions::TEXT_ENCODING) {
        bytes = match bytes.as_slice() {
            [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
            _ => panic!("no such file in the collection"),
        };
    }
    // Every line end to LF, whatever it was.
    let text = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines: Vec<Vec<u8>> = text
        .flat_map(|line| {
            line.split(|byte| *byte == b'\r')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    if conversions.contains(Conversions::MOZILLA_HEADERS) {
        let own = [
            "x-account-key:",
            "x-uidl:",
            "x-mozilla-status:",
            "x-mozilla-status2:",
            "x-mozilla-keys:",
        ];
        let is_own = |line: &Vec<u8>| {
            let line = String::from_utf8_lossy(line).to_lowercase();
            own.iter().any(|name| line.starts_with(name))
        };
        let keep = lines
            .iter()
            .position(|line| !is_own(line))
            .unwrap_or(lines.len());
        lines.drain(..keep);
    }
    if conversions.contains(Conversions::UNQUOTED) {
        for line in &mut lines {
            let marks = line.iter().take_while(|byte| **byte == b'>').count();
            if marks > 0 && line[marks..].starts_with(b"From ") {
                line.remove(0);
            }
        }
    }
    lines
        .iter()
        .flat_map(|line| line.iter().copied().chain(*b"\r\n"))
        .collect()
}

fn raw(item: &Item) -> Vec<u8> {
    let file = std::fs::read(item.origin.path()).unwrap();
    let start = item.origin.start as usize;
    file[start..start + item.origin.length as usize].to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What should be on the server: one of each content a folder, which only the program knows; so the hashes
/// alone are compared, each once.
fn wanted(source: &dyn Source) -> BTreeMap<String, usize> {
    let items = source.scan().unwrap().filter_map(Result::ok);
    let live =
        items.filter(|item| !matches!(item.standing, Standing::Expunged | Standing::Internal));
    tally(live.map(|item| sha256(&converted(&raw(&item), item.conversions))))
}

/// Every file below a path, with its content and the time of its last change.
fn state_of(path: &Path) -> Vec<(PathBuf, String, SystemTime)> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap();
        let mut all: Vec<_> = entries
            .flat_map(|entry| state_of(&entry.unwrap().path()))
            .collect();
        all.sort();
        return all;
    }
    match std::fs::read(path) {
        Ok(content) => {
            let changed = std::fs::metadata(path).unwrap().modified().unwrap();
            vec![(path.into(), sha256(&content), changed)]
        }
        // A link that leads nowhere, as the lock of a profile is one.
        Err(_) => Vec::new(),
    }
}

struct Entry {
    file: String,
    family: String,
    messages: u64,
}

fn entries(corpus: &Path) -> Vec<Entry> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let families = [
        "mbox",
        "gmail-takeout",
        "maildir",
        "mh",
        "eml",
        "thunderbird",
    ];
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        Entry {
            file: fields[0].into(),
            family: fields[2].into(),
            messages: fields[8].parse().unwrap(),
        }
    };
    let all = manifest.lines().skip(1).map(entry);
    all.filter(|entry| families.contains(&entry.family.as_str()))
        .collect()
}

#[test]
fn every_entry_of_the_collection_arrives_whole_and_once() {
    let Some(corpus) = corpus() else { return };
    if !python_is_here() {
        return;
    }
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    for (number, entry) in entries(&corpus).iter().enumerate() {
        let person = Person::new(&server, &format!("p{number}"));
        let path = corpus.join(&entry.file);
        let before = state_of(&path);
        let run = person.copy(&[&path], &["--keep-duplicates"]);
        assert_eq!(
            run.code,
            Some(0),
            "{}\n{}\n{}",
            entry.file,
            run.out,
            run.err
        );
        run.assert_balanced();
        let live = run.count("found") - run.count("left_out");
        assert_eq!(live, entry.messages, "{}", entry.file);
        assert_eq!(run.count("copied"), entry.messages, "{}", entry.file);

        let there = person.mailbox();
        let hashes = tally(there.iter().map(|held| held.sha256.clone()));
        let source = source::open(&path).unwrap();
        assert_eq!(hashes, wanted(source.as_ref()), "{}", entry.file);

        let again = person.copy(&[&path], &["--keep-duplicates"]);
        assert_eq!(again.count("copied"), 0, "{}", entry.file);
        assert_eq!(
            again.count("already_there"),
            entry.messages,
            "{}",
            entry.file
        );
        assert_eq!(person.mailbox(), there, "{}", entry.file);
        assert_eq!(state_of(&path), before, "the old mail itself was changed");
    }
}

/// Thunderbird's own database says what flags and tags each message has.
#[test]
fn a_thunderbird_profile_keeps_its_flags_tags_and_folders() {
    let Some(corpus) = corpus() else { return };
    if !python_is_here() {
        return;
    }
    let Some(server) = Dovecot::start(Options::default()) else {
        return;
    };
    let person = Person::new(&server, "thunderbird");
    let path = corpus.join("thunderbird/thunderbird-public");
    let run = person.copy(&[&path], &["--keep-duplicates"]);
    assert_eq!(run.code, Some(0), "{}\n{}", run.out, run.err);
    let truth =
        std::fs::read_to_string(corpus.join("thunderbird/thunderbird-public.groundtruth.json"))
            .unwrap();
    let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
    let source = source::open(&path).unwrap();
    let items: Vec<Item> = source.scan().unwrap().filter_map(Result::ok).collect();
    let mut there = person.mailbox();
    let steps = truth.as_array().unwrap();
    let folders = steps.iter().find(|step| step["step"] == "folders").unwrap();
    let (mut seen, mut dated) = (0, 0);
    for folder in folders["folders"].as_array().unwrap() {
        for message in folder["messages"].as_array().unwrap() {
            let item = find(&items, folder, message);
            let hash = sha256(&converted(&raw(item), item.conversions));
            let expected = (
                server_folder(folder["name"].as_str().unwrap()),
                marks(message),
            );
            let matches = |held: &Held| {
                let leaf = held.folder.rsplit('/').next().unwrap();
                held.sha256 == hash && (leaf, &held.flags) == (expected.0, &expected.1)
            };
            let Some(at) = there.iter().position(matches) else {
                panic!(
                    "{message} of {folder:.200} should be in {expected:?}, and there is {there:#?}"
                );
            };
            let held = there.remove(at);
            // Without any date of its own a message has that of its arrival.
            if let Some(date) = item.date {
                assert_eq!(held.date, date.seconds, "{message}");
                if has_only_its_own_date(&raw(item)) {
                    // Within a minute: where a Date has no seconds, Thunderbird makes some up.
                    let known = message["date"].as_i64().unwrap();
                    assert!(held.date.abs_diff(known) < 60, "{message}");
                    dated += 1;
                }
            }
            seen += 1;
        }
    }
    assert_eq!((seen, there.len()), (86, 0), "{there:#?}");
    assert!(
        dated > 20,
        "{dated} dates were compared with Thunderbird's own"
    );
}

/// The item that Thunderbird's database means: by the offset of its separator line, or its file's name.
fn find<'a>(
    items: &'a [Item],
    folder: &serde_json::Value,
    message: &serde_json::Value,
) -> &'a Item {
    let path = folder["path"].as_str().unwrap().trim_start_matches('/');
    let token = message["store_token"].as_str().unwrap();
    let is_it = |item: &&Item| {
        let here = item.origin.path();
        match token.parse::<u64>() {
            Ok(offset) => {
                here.ends_with(path)
                    && item.origin.start > offset
                    && item.origin.start < offset + 60
            }
            Err(_) => here.ends_with(Path::new(path).join("cur").join(token)),
        }
    };
    items
        .iter()
        .find(is_it)
        .unwrap_or_else(|| panic!("no item for {token} in {path}"))
}

fn server_folder(name: &str) -> &str {
    match name {
        "Inbox" => "INBOX",
        "Trash" => "Old Trash",
        // Dovecot takes no dot where it keeps mail as Maildir.
        "com.example.lists" => "com․example․lists",
        "Outbox" => "Unsent Messages",
        other => other,
    }
}

fn marks(message: &serde_json::Value) -> Vec<String> {
    let flags = [
        ("read", "\\Seen"),
        ("flagged", "\\Flagged"),
        ("replied", "\\Answered"),
        ("forwarded", "$Forwarded"),
    ];
    let set = flags
        .iter()
        .filter(|(name, _)| message[*name] == true)
        .map(|(_, flag)| flag.to_string());
    let tags = message["keywords"]
        .as_str()
        .unwrap()
        .split_whitespace()
        .map(str::to_string);
    let mut marks: Vec<String> = set.chain(tags).collect();
    marks.sort();
    marks
}

/// Whether the date can come from nowhere but the message's own Date field.
fn has_only_its_own_date(raw: &[u8]) -> bool {
    let found = |name| spectrum_migrate::header::find(raw, name).is_some();
    found("Date") && !found("Received")
}
