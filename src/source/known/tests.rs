//! What is remembered equals what is found, and nothing is believed that could be otherwise.

use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::source::{Source, open};

/// A source of one large mbox, and a place for what is known of it.
struct Case {
    dir: TempDir,
    mbox: PathBuf,
    index: PathBuf,
}

impl Case {
    fn new(text: &str) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let (mbox, index) = (dir.path().join("Inbox"), dir.path().join("known"));
        let case = Case { dir, mbox, index };
        case.write(text);
        case
    }

    /// Writes the file as one that lay there for a while.
    fn write(&self, text: &str) {
        fs::write(&self.mbox, text).unwrap();
        self.date(SystemTime::now() - Duration::from_secs(3600));
    }

    fn date(&self, time: SystemTime) {
        let file = File::options().append(true).open(&self.mbox).unwrap();
        file.set_modified(time).unwrap();
    }

    /// Everything that a scan tells, and whether it was remembered.
    fn scan(&self, place: &Path, remember: bool) -> (String, bool) {
        let source = open(place).unwrap();
        if remember {
            source.remember_in(&self.index);
        }
        told(source.as_ref())
    }

    fn remembers(&self) -> bool {
        let plain = self.scan(&self.mbox, false).0;
        let (found, remembered) = self.scan(&self.mbox, true);
        assert_eq!(found, plain);
        remembered
    }

    fn known(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.index).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn told(source: &dyn Source) -> (String, bool) {
    let found: Vec<Scanned> = source.scan().unwrap().collect();
    let text = format!("{found:?} {:?} {:?}", source.remarks(), source.ledger());
    (text, source.is_remembered())
}

const SEPARATOR: &str = "From a@b Sun May 17 12:34:56 2009\n";

/// Messages of many kinds, and enough text to be worth it.
fn letters() -> String {
    let mut file = String::from("a note on top\n\n");
    let status = "X-Mozilla-Status: 1003\nX-Mozilla-Keys: $label1 kunde      \n";
    for (number, top) in ["", status, "Status: RO\n", "X-Mozilla-Status: 0008\n"]
        .iter()
        .enumerate()
    {
        file += &format!(
            "{SEPARATOR}{top}Message-ID: <{number}@x>\nSubject: secret {number}\nDate: Sun, 17 May 2009 12:34:56 +0200\n\n>From here\nFrom there\n\n"
        );
    }
    // No NUL where it is decided what the file is.
    file += &format!(
        "{SEPARATOR}Subject: long\n\n{}\n",
        "a line of text\n".repeat(80_000)
    );
    file + SEPARATOR + SEPARATOR + "\n\n" + SEPARATOR + "A: nul \0\n\n\n"
}

#[test]
fn a_second_look_at_an_unchanged_file_tells_the_same_without_reading_it() {
    let case = Case::new(&letters());
    assert!(!case.remembers());
    assert!(case.remembers());
    let known = fs::read_to_string(&case.known()[0]).unwrap();
    assert!(!known.contains("secret") && !known.contains("a line of text"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&case.index), mode(&case.known()[0])), (0o700, 0o600));
    }
}

#[test]
fn a_changed_file_is_read_again() {
    let case = Case::new(&letters());
    assert!(!case.remembers() && case.remembers());
    case.date(SystemTime::now() - Duration::from_secs(1800));
    assert!(!case.remembers() && case.remembers());
    case.write(&format!(
        "{}{SEPARATOR}Subject: one more\n\ntext\n",
        letters()
    ));
    assert!(!case.remembers() && case.remembers());
    // As long, and as old: the ends tell, and so does the inode where the file is another one.
    let time = fs::metadata(&case.mbox).unwrap().modified().unwrap();
    case.write(&format!(
        "{}{SEPARATOR}Subject: one m0re\n\ntext\n",
        letters()
    ));
    case.date(time);
    assert!(!case.remembers() && case.remembers());
}

#[test]
fn a_file_that_was_written_just_now_is_not_remembered() {
    let case = Case::new(&letters());
    case.date(SystemTime::now());
    assert!(!case.remembers() && !case.remembers());
    assert!(case.known().is_empty());
}

#[test]
fn a_message_of_the_future_keeps_its_file_from_being_remembered() {
    let future = "Subject: x\nDate: 1 Jan 2150 00:00:00 +0000\n\ntext\n\n";
    let case = Case::new(&format!("{SEPARATOR}{future}{}", letters()));
    assert!(!case.remembers() && !case.remembers());
}

#[test]
fn damaged_knowledge_is_not_believed() {
    let case = Case::new(&letters());
    assert!(!case.remembers() && case.remembers());
    let whole = fs::read(&case.known()[0]).unwrap();
    let places = (0..whole.len()).step_by(97).chain([whole.len() - 1]);
    for at in places {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        let cut = whole[..at].to_vec();
        for damaged in [flipped, cut] {
            fs::write(&case.known()[0], damaged).unwrap();
            let head = Recalled::open(&case.index, &case.mbox, &manner());
            assert!(head.is_none(), "{at}");
        }
    }
    fs::write(&case.known()[0], [whole.as_slice(), b"{}\n"].concat()).unwrap();
    assert!(Recalled::open(&case.index, &case.mbox, &manner()).is_none());
    fs::write(&case.known()[0], &whole).unwrap();
    assert!(Recalled::open(&case.index, &case.mbox, &manner()).is_some());
    assert!(Recalled::open(&case.index, &case.mbox, "another manner").is_none());
}

fn manner() -> String {
    format!(
        "Unknown {}",
        crate::source::marks::TagNames::default().told()
    )
}

#[test]
fn in_a_profile_the_names_of_tags_count_as_well() {
    let case = Case::new("");
    let profile = case.dir.path().join("p.default");
    let mail = profile.join("Mail/pop.example.net");
    fs::create_dir_all(&mail).unwrap();
    let settings = |name: &str| {
        let lines = format!(
            "user_pref(\"mail.accountmanager.accounts\", \"account1\");\n\
             user_pref(\"mail.account.account1.server\", \"server1\");\n\
             user_pref(\"mail.server.server1.type\", \"pop3\");\n\
             user_pref(\"mail.server.server1.hostname\", \"pop.example.net\");\n\
             user_pref(\"mailnews.tags.kunde.tag\", \"{name}\");\n"
        );
        fs::write(profile.join("prefs.js"), lines).unwrap();
    };
    settings("Kunde");
    let inbox = mail.join("Inbox");
    fs::write(mail.join("Inbox.msf"), "").unwrap();
    fs::write(&inbox, letters()).unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let file = File::options().append(true).open(&inbox).unwrap();
    file.set_modified(hour_ago).unwrap();

    let first = case.scan(&profile, true);
    let second = case.scan(&profile, true);
    assert_eq!((&first.0, first.1, second.1), (&second.0, false, true));
    assert!(first.0.contains("name: \"Kunde\""));
    settings("Customer");
    let third = case.scan(&profile, true);
    assert!(!third.1 && third.0.contains("name: \"Customer\""));
}

#[test]
fn a_scan_that_is_not_finished_leaves_nothing() {
    let case = Case::new(&letters());
    let source = open(&case.mbox).unwrap();
    source.remember_in(&case.index);
    assert!(source.scan().unwrap().next().is_some());
    assert!(case.known().is_empty());
}

#[test]
fn small_mail_leaves_no_trace() {
    let case = Case::new(&format!("{SEPARATOR}Subject: x\n\ntext\n"));
    assert!(!case.remembers() && !case.remembers() && !case.index.exists());
}
