//! The readers of mbox files against files of the wild, where every count is known.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::message::Standing;
use crate::source::Damaged;
use crate::source::corpus::corpus;

fn items(source: &dyn Source) -> Vec<Item> {
    let found: Result<Vec<Item>, Damaged> = source.scan().unwrap().collect();
    found.unwrap()
}

#[test]
fn every_mbox_of_the_corpus_has_its_true_count() {
    let Some(corpus) = corpus() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut files = 0;
    for row in manifest.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        if !matches!(columns[2], "mbox" | "gmail-takeout") {
            continue;
        }
        let source = MboxSource::open(&corpus.join(columns[0])).unwrap();
        let expected: u64 = columns[8].parse().unwrap();
        assert_eq!(source.counts().unwrap()[0].messages, expected, "{row}");
        let items = items(&source);
        assert_eq!(items.len() as u64, expected, "{row}");
        let ledger = source.ledger().unwrap();
        assert!(
            ledger.balances() && ledger.preamble <= 3,
            "{row}: {ledger:?}"
        );
        for item in &items {
            let mut bytes = Vec::new();
            source.open(item).unwrap().read_to_end(&mut bytes).unwrap();
            let found = crate::identity::of(&bytes);
            assert_eq!((found.identity, found.size), (item.identity, item.size));
        }
        files += 1;
    }
    assert!(files > 20);
}

#[test]
fn thunderbirds_inbox_gives_back_what_was_fetched() {
    let Some(corpus) = corpus() else { return };
    let profile = corpus.join("thunderbird/thunderbird-public/p7q2m4cd.default-esr");
    let source = MboxSource::open(&profile.join("Mail/127.0.0.1/Inbox")).unwrap();
    let items = items(&source);
    assert_eq!(items.len(), 44);
    let live = items.iter().filter(|item| item.standing == Standing::Live);
    assert_eq!(live.count(), 19);

    let fetched = fs::read(corpus.join("thunderbird/thunderbird-public.pop_source.json")).unwrap();
    let fetched: Vec<HashMap<String, serde_json::Value>> =
        serde_json::from_slice(&fetched).unwrap();
    let hashes: Vec<&str> = fetched
        .iter()
        .map(|mail| mail["sha256_crlf"].as_str().unwrap())
        .collect();
    for item in &items {
        let mut bytes = Vec::new();
        source.open(item).unwrap().read_to_end(&mut bytes).unwrap();
        let hash: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert!(hashes.contains(&hash.as_str()), "{:?}", item.origin);
    }
}

#[test]
fn the_export_of_gmail_in_the_corpus_is_sorted_by_its_labels() {
    let Some(corpus) = corpus() else { return };
    let file = corpus.join("gmail-takeout/dhcgn/All mail Including Spam and Trash.mbox");
    let source = crate::source::TakeoutSource::open(&file).unwrap();
    let counts = source.counts().unwrap();
    let folders = source.folders();
    let found: Vec<(String, u64)> = folders
        .iter()
        .zip(&counts)
        .map(|(folder, count)| (folder.path.join("/"), count.messages))
        .collect();
    let expected = [
        ("Inbox", 6),
        ("Sent", 3),
        ("Label_001/Label_002_under_Label_001", 1),
        ("Label_001", 1),
    ];
    assert_eq!(
        found,
        expected.map(|(name, count)| (name.to_string(), count))
    );
    assert_eq!(items(&source).len(), 11);
}

/// A folder with one mbox file in it.
fn stored(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    (dir, path)
}

fn uploaded(source: &dyn Source) -> Vec<String> {
    let read = |item: &Item| {
        let mut bytes = Vec::new();
        source.open(item).unwrap().read_to_end(&mut bytes).unwrap();
        let found = crate::identity::of(&bytes);
        assert_eq!((found.identity, found.size), (item.identity, item.size));
        String::from_utf8_lossy(&bytes).into_owned()
    };
    items(source).iter().map(read).collect()
}

const SEPARATOR: &str = "From a@b Sun May 17 12:34:56 2009\n";

#[test]
fn packed_and_utf_16_files_read_like_plain_ones() {
    let text = format!("{SEPARATOR}Subject: Grüße\n\n>From me\n\n{SEPARATOR}Subject: 2\n\nb\n");
    let utf16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let packed = crate::source::spool::tests::packed(text.as_bytes());
    let plain = [
        "Subject: Grüße\r\n\r\nFrom me\r\n",
        "Subject: 2\r\n\r\nb\r\n",
    ];
    for (name, content) in [
        ("a.mbox", text.as_bytes()),
        ("a.mbox.gz", &packed),
        ("a.mbx", &utf16),
    ] {
        let (_dir, path) = stored(name, content);
        let source = MboxSource::open(&path).unwrap();
        assert_eq!(source.label(), "a");
        assert_eq!(uploaded(&source), plain, "{name}");
        assert!(source.ledger().unwrap().balances() && source.remarks().is_empty());
        let encoded = items(&source)[0]
            .conversions
            .contains(crate::message::Conversions::TEXT_ENCODING);
        assert_eq!(encoded, name == "a.mbx");
    }
    let (_dir, path) = stored("cut.gz", &packed[..packed.len() - 6]);
    let source = MboxSource::open(&path).unwrap();
    assert_eq!(source.remarks(), []);
    let (items, lost) = crate::source::testing::read(&source);
    assert_eq!((items.len(), lost.len()), (2, 1));
    assert_eq!(lost[0].fault, crate::source::Fault::Compression);
    assert_eq!(source.remarks()[0].what, crate::source::Oddity::CutShort);
    assert!(source.ledger().unwrap().balances());
}

#[test]
fn a_file_that_lost_its_top_is_still_an_mbox() {
    let rest = [
        SEPARATOR,
        "Subject: 2\n\nb\n\n",
        SEPARATOR,
        "Subject: 3\n\nc\n\n",
    ]
    .concat();
    let hole = "\0".repeat(100_000);
    for (top, messages, damaged) in [
        ("From: a\nTo: b\nSubject: 1\n\na\n\n", 3, 0),
        ("of the letter\nthat was cut.\n\n", 2, 1),
        (hole.as_str(), 2, 0),
    ] {
        for name in ["Inbox", "old.MBOX"] {
            let (_dir, path) = stored(name, format!("{top}{rest}").as_bytes());
            let source = crate::source::open(&path).unwrap();
            let (items, lost) = crate::source::testing::read(source.as_ref());
            assert_eq!((items.len(), lost.len()), (messages, damaged), "{name}");
            assert!(source.ledger().unwrap().balances());
        }
    }
}

#[test]
fn a_message_that_quotes_a_separator_stays_one() {
    let quoting =
        format!("From: a\nTo: b\nSubject: 1\n\nHe wrote:\n\n{SEPARATOR}Subject: 2\n\nb\n");
    let (_dir, path) = stored("a.eml", quoting.as_bytes());
    let source = crate::source::open(&path).unwrap();
    let (items, _) = crate::source::testing::read(source.as_ref());
    assert_eq!(items.len(), 1);
    for other in ["From here on\nit is text\n", "just text\n", ""] {
        let (_dir, path) = stored("notes", format!("text\n\n{other}").as_bytes());
        assert!(crate::source::open(&path).is_err());
    }
}

#[test]
fn quoting_is_taken_back_only_where_somebody_quoted() {
    let quoted = "\n>From me\n";
    let file = [
        SEPARATOR,
        "Subject: plain\n",
        quoted,
        "\n",
        SEPARATOR,
        "Subject: counted\nContent-Length: 9\n",
        quoted,
        "\n",
        SEPARATOR,
        "Content-Type: multipart/signed; boundary=b\n",
        quoted,
        "\n",
        SEPARATOR,
        "X-Mozilla-Status: 0001\nContent-Type: multipart/signed; boundary=b\n",
        quoted,
        "\n",
    ]
    .concat();
    let (_dir, path) = stored("a", file.as_bytes());
    let found: Vec<bool> = uploaded(&MboxSource::open(&path).unwrap())
        .iter()
        .map(|message| message.contains("\r\n>From me"))
        .collect();
    assert_eq!(found, [false, true, true, false]);
}

#[test]
fn marks_dates_and_the_folders_own_record() {
    let record = "From: MAILER-DAEMON\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 1\n\nx\n\n";
    let file = [
        SEPARATOR,
        record,
        SEPARATOR,
        "Subject: x\nStatus: RO\nX-Status: D\n\nx\n\n",
        SEPARATOR,
        "X-Mozilla-Status: 0009\nX-Mozilla-Status2: 00000000\nSubject: y\n\nx\n\n",
        SEPARATOR,
        "\n",
    ]
    .concat();
    let (_dir, path) = stored("Sent Items.mbox", file.as_bytes());
    let source = MboxSource::open(&path).unwrap();
    assert_eq!(source.folders()[0].role, Some(crate::source::Role::Sent));
    let found: Vec<_> = source.scan().unwrap().collect();
    let standing: Vec<_> = found.iter().flatten().map(|item| item.standing).collect();
    assert_eq!(
        standing,
        [Standing::Internal, Standing::Marked, Standing::Expunged]
    );
    let day = found[1].as_ref().unwrap().date.unwrap().imap();
    assert_eq!(day, "17-May-2009 12:34:56 +0000");
    assert_eq!(
        found[3].as_ref().unwrap_err().fault,
        crate::source::Fault::Empty
    );
    let count = &source.counts().unwrap()[0];
    assert_eq!((count.messages, count.expunged, count.damaged), (4, 1, 1));
}

#[test]
fn mail_that_arrives_meanwhile_is_left_for_the_next_run() {
    let (_dir, path) = stored(
        "Inbox",
        format!("{SEPARATOR}A: 1\n\nx\n\n{SEPARATOR}A: 2\n\nx\n\n").as_bytes(),
    );
    let append = |text: &str| {
        use std::io::Write;
        fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    };
    let source = MboxSource::open(&path).unwrap();
    let mut scan = source.scan().unwrap();
    assert!(scan.next().unwrap().is_ok());
    append(&format!("{SEPARATOR}A: 3\n\nhalf a mess"));
    assert!(scan.next().unwrap().is_ok() && scan.next().is_none());
    assert_eq!(source.remarks()[0].what, crate::source::Oddity::Grew);

    let mut scan = source.scan().unwrap();
    assert!(scan.next().unwrap().is_ok());
    append("age\n\n");
    assert!(scan.next().unwrap().is_ok());
    assert_eq!(
        scan.next().unwrap().unwrap_err().fault,
        crate::source::Fault::Changed
    );
    assert!(scan.next().is_none());
}

#[test]
fn a_file_that_became_shorter_is_no_success() {
    let message = format!("{SEPARATOR}A: 1\n\n{}\n\n", "x".repeat(400_000));
    let (_dir, path) = stored("Inbox", message.repeat(3).as_bytes());
    let source = MboxSource::open(&path).unwrap();
    let mut scan = source.scan().unwrap();
    let first = scan.next().unwrap().unwrap();
    fs::write(&path, "").unwrap();
    assert!(scan.all(|found| found.is_err()));
    assert!(source.open(&first).is_err());
}

#[test]
fn what_is_no_mbox_is_refused_and_an_empty_one_is_empty() {
    for (content, good) in [
        ("", true),
        ("From a@b Sun May 17 12:34:56 2009\nSubject: x\n\n", true),
        ("\u{feff}\nFrom -\nFrom: x\nTo: y\n\n", true),
        ("From a@b Sun May 17 12:34:56 2009\rSubject: x\r\r", true),
        ("From Russia with love\n\nby Ian Fleming\n", false),
        ("Subject: x\n\n", false),
        ("\u{1f}\u{8b}", false),
    ] {
        let (_dir, path) = stored("x.mbox", content.as_bytes());
        assert_eq!(MboxSource::open(&path).is_ok(), good, "{content:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert!(MboxSource::open(&dir.path().join("missing")).is_err());
    assert!(MboxSource::open(dir.path()).is_err());
}

#[test]
fn a_folder_is_named_after_its_file() {
    for (path, name) in [
        ("Inbox", "Inbox"),
        ("Old mail.mbox", "Old mail"),
        ("com.example.lists", "com.example.lists"),
        ("a.MBOX.gz", "a"),
        ("Reise.mbox/mbox", "Reise"),
        ("mail/mbox", "mbox"),
        (".mbox", ".mbox"),
    ] {
        assert_eq!(folder_name(Path::new(path)), name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_written_as_mboxrd_come_back_the_same(
        bodies in proptest::collection::vec(
            proptest::collection::vec(prop_oneof!["[ -~]{0,20}", ">{0,3}From [a-z]{0,9}", Just(SEPARATOR.trim_end().to_string()), Just("From: x".to_string())], 0..8),
            1..6,
        ),
        end in prop_oneof![Just("\n"), Just("\r\n")],
        final_line_end in any::<bool>(),
    ) {
        let mut file = String::new();
        let mut expected = Vec::new();
        for (number, body) in bodies.iter().enumerate() {
            let header = format!("Subject: {number}{end}{end}");
            file += &SEPARATOR.replace('\n', end);
            file += &header;
            let mut message = header;
            for line in body {
                let quoted = line.trim_start_matches('>').starts_with("From ");
                file += &format!("{}{line}{end}", if quoted { ">" } else { "" });
                message += &format!("{line}{end}");
            }
            file += end;
            expected.push(message.replace("\r\n", "\n").replace('\n', "\r\n"));
        }
        // A message that ends in an empty line of its own would lose that one.
        let ends_in_text = bodies.last().and_then(|body| body.last()).is_some_and(|line| !line.is_empty());
        if !final_line_end && ends_in_text {
            // The mbox's empty line, and the end of the line before.
            file.truncate(file.len() - 2 * end.len());
        }
        let (_dir, path) = stored("a.mbox", file.as_bytes());
        let source = MboxSource::open(&path).unwrap();
        prop_assert_eq!(uploaded(&source), expected);
        prop_assert!(source.ledger().unwrap().balances());
    }
}
