//! The published mail files and the Thunderbird profile in `../shared/corpus`, against their true counts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Unreadable};
use crate::message::{Flags, Item, Standing};
use crate::source::testing::read;
use crate::source::{self, Kind};

/// The corpus, or nothing where it isn't there.
pub(super) fn corpus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if path.is_dir() {
        return Some(path);
    }
    // Past the test harness, which would swallow it.
    let _ = writeln!(
        std::io::stderr(),
        "skipped: the collection of real mail files is not here"
    );
    None
}

#[test]
fn every_row_of_the_manifest_gives_its_true_count() {
    let Some(corpus) = corpus() else { return };
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut rows = 0;
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (file, family, messages) = (columns[0], columns[2], columns[8].parse().unwrap_or(0));
        let kind = match family {
            "maildir" => Kind::Maildir,
            "mh" => Kind::Mh,
            "eml" => Kind::Eml,
            "thunderbird" => Kind::Thunderbird,
            _ => continue,
        };
        rows += 1;
        let source = source::open(&corpus.join(file)).unwrap();
        assert_eq!(source.kind(), kind, "{file}");
        let (items, damaged) = read(source.as_ref());
        let live = items
            .iter()
            .filter(|item| item.standing != Standing::Expunged)
            .count();
        assert_eq!(live, messages, "{file}: {damaged:?}");
        assert!(damaged.is_empty(), "{file}: {damaged:?}");
    }
    assert_eq!(rows, 6);
}

#[test]
fn forms_that_are_not_read_are_named() {
    let Some(corpus) = corpus() else { return };
    for (file, words) in [
        ("dbx/digitalzen/Inbox.dbx", "Outlook Express"),
        ("msg/poi/quick.msg", "Outlook message"),
        ("msg/poi/chinese-traditional.msg", "Outlook message"),
        ("msg/hfig/Swetlana.msg", "Outlook message"),
        ("emlx/mikez/plaintext.emlx", "Apple Mail"),
    ] {
        match source::open(&corpus.join(file)).map(|source| source.kind()) {
            Err(Error::Source {
                why: Unreadable::Unsupported,
                detail,
                ..
            }) => assert!(detail.contains(words), "{detail}"),
            other => panic!("{file}: {other:?}"),
        }
    }
}

/// What Thunderbird's own database says of a live message: where it lies, flags and tags.
type Known = (String, u64, Flags, Vec<String>);

fn known(message: &serde_json::Value) -> Known {
    let flags = [
        ("read", Flags::SEEN),
        ("replied", Flags::ANSWERED),
        ("flagged", Flags::FLAGGED),
    ];
    let set = flags.into_iter().filter(|(name, _)| message[name] == true);
    let forwarded = (message["forwarded"] == true).then_some("$Forwarded");
    let tags = message["keywords"]
        .as_str()
        .unwrap()
        .split_ascii_whitespace();
    let mut tags: Vec<String> = tags.chain(forwarded).map(String::from).collect();
    tags.sort();
    let token = message["store_token"].as_str().unwrap();
    let flags = set.fold(Flags::NONE, |all, (_, flag)| all.union(flag));
    match token.parse() {
        Ok(offset) => (String::new(), offset, flags, tags),
        Err(_) => (token.to_string(), 0, flags, tags),
    }
}

/// The same, of an item. The database counts from the separator line on.
fn seen(item: &Item) -> Known {
    let file = item
        .origin
        .file
        .as_ref()
        .map(|file| file.to_string_lossy().into_owned());
    let separator = "From - Mon Nov 23 13:32:46 2026\r\n".len() as u64;
    let mut tags: Vec<String> = item
        .keywords
        .iter()
        .map(|tag| tag.atom().to_string())
        .collect();
    tags.sort();
    (
        file.unwrap_or_default(),
        item.origin.start.saturating_sub(separator),
        item.flags,
        tags,
    )
}

#[test]
fn thunderbirds_folders_flags_and_tags_are_those_of_its_own_database() {
    let Some(corpus) = corpus() else { return };
    let source = source::open(&corpus.join("thunderbird/thunderbird-public")).unwrap();
    let truth = std::fs::read(corpus.join("thunderbird/thunderbird-public.groundtruth.json"));
    let truth: serde_json::Value = serde_json::from_slice(&truth.unwrap()).unwrap();
    let steps = truth.as_array().unwrap();
    let last = steps
        .iter()
        .rfind(|step| step["step"] == "folders")
        .unwrap();

    let mut actual: BTreeMap<String, Vec<Known>> = BTreeMap::new();
    let (items, damaged) = read(source.as_ref());
    assert!(damaged.is_empty());
    for item in items
        .iter()
        .filter(|item| item.standing != Standing::Expunged)
    {
        let place = item.origin.place.to_string_lossy().replace('\\', "/");
        let place = place.strip_suffix("/cur").unwrap_or(&place);
        let from = place.rfind("/Mail/").unwrap();
        actual
            .entry(place[from..].to_string())
            .or_default()
            .push(seen(item));
    }
    let mut expected = BTreeMap::new();
    for folder in last["folders"].as_array().unwrap() {
        let messages = folder["messages"].as_array().unwrap();
        if !messages.is_empty() {
            let mut known: Vec<Known> = messages.iter().map(known).collect();
            known.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
            expected.insert(folder["path"].as_str().unwrap().to_string(), known);
        }
    }
    assert_eq!(actual, expected);

    let named = |folder: &source::SourceFolder| {
        format!(
            "{}: {}",
            folder.account.as_deref().unwrap_or_default(),
            folder.path.join(" > ")
        )
    };
    let folders: Vec<String> = source.folders().iter().map(named).collect();
    for name in [
        "popuser@example.org: Inbox > Projekte > Tief",
        "mduser@example.org: Inbox > Unterordner",
        "Local Folders: Archive > 2009 > Q1 & Q2",
        "Local Folders: Ärger über Wäsche",
        "Local Folders: Empty folder",
    ] {
        assert!(
            folders.iter().any(|folder| folder == name),
            "{name} in {folders:#?}"
        );
    }
    let tags = items.iter().flat_map(|item| item.keywords.iter());
    let names: Vec<&str> = tags.map(|tag| tag.name()).collect();
    assert!(
        names.contains(&"Kunde Müller") && names.contains(&"Personal"),
        "{names:?}"
    );
    assert_eq!(source.remarks(), []);
    assert!(source.ledger().unwrap().balances());
}
