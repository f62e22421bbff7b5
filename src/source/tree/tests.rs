//! Trees with mail in many forms, made up and read.

use super::*;
use crate::source::testing::{MAIL, directory, expected, folders, read};

fn mbox(messages: usize) -> Vec<u8> {
    format!("From a@b Mon Jan  1 00:00:00 2001\n{MAIL}\n")
        .repeat(messages)
        .into_bytes()
}

#[test]
fn each_directory_is_read_in_its_own_form() {
    let mail = MAIL.as_bytes();
    let place = directory(&[
        ("Family.mbox/mbox", &mbox(2)),
        ("Family.mbox/table_of_contents", b"\0\0\0\x01"),
        ("old/inbox", &mbox(3)),
        ("old/sent.mbx", &mbox(1)),
        ("maildir/cur/1.a", mail),
        ("mh/1", mail),
        ("mh/,2", mail),
        ("mh/.mh_sequences", b"unseen: 1\n"),
        ("mh/letter.eml", mail),
        ("mh/sub/7", mail),
        ("saved/a.eml", mail),
        ("readme.pdf", b"%PDF-1.4\n\0\0"),
        ("holiday.zip", b"PK\x03\x04"),
        ("takeout-1.zip", b"PK\x03\x04"),
        ("letter.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("apple/1.emlx", b"10        \nFrom: a\nTo: b\n\nx\n"),
    ]);
    let source = open(place.path()).unwrap();
    assert_eq!(source.kind(), Kind::Mixed);
    let mut found = folders(source.as_ref());
    found.sort();
    let mut wanted = expected(&[
        ("Family", 2, 2),
        ("old > inbox", 3, 0),
        ("old > sent", 1, 0),
        ("maildir", 1, 0),
        ("mh", 2, 0),
        ("mh", 1, 0),
        ("mh > sub", 1, 0),
        ("saved", 1, 0),
    ]);
    wanted.sort();
    assert_eq!(found, wanted);
    let (_, lost) = read(source.as_ref());
    assert!(lost[0].detail.contains("zip"), "{lost:?}");
    assert!(lost[1].detail.contains("Apple Mail"), "{lost:?}");
    let foreign: Vec<_> = (source.remarks().into_iter())
        .filter(|remark| remark.what == Oddity::ForeignFile)
        .collect();
    assert_eq!(foreign.len(), 4, "{foreign:?}");
}

#[test]
fn mail_that_lies_beside_a_maildir_is_read_and_its_programs_notes_are_left() {
    let place = directory(&[
        ("box/cur/1.a", MAIL.as_bytes()),
        ("box/old", &mbox(2)),
        ("box/letter.eml", MAIL.as_bytes()),
        ("box/dovecot-uidlist", b"3 V1 N2\n"),
        ("box/dovecot.index", b"\x07\0\0\0"),
    ]);
    let source = open(place.path()).unwrap();
    let mut found = folders(source.as_ref());
    found.sort();
    let wanted = expected(&[("box", 1, 0), ("box", 1, 0), ("box > old", 2, 0)]);
    assert_eq!(found, wanted);
    assert_eq!(source.remarks(), []);
}

#[test]
fn mail_in_other_forms_among_thunderbirds_folders_is_read_too() {
    let place = directory(&[
        ("Inbox", &mbox(2)),
        ("Inbox.msf", b""),
        ("Inbox.sbd/2009/old.eml", MAIL.as_bytes()),
        ("Backup/Sent", &mbox(3)),
        ("letter.eml", MAIL.as_bytes()),
        ("archive.pst", b"!BDN"),
        ("Pictures/a.jpg", b"\xff\xd8\xff\0"),
    ]);
    let source = open(place.path()).unwrap();
    let (items, lost) = read(source.as_ref());
    assert_eq!((items.len(), lost.len()), (7, 1), "{lost:?}");
    let names: Vec<_> = (folders(source.as_ref()).into_iter())
        .map(|(name, ..)| name)
        .collect();
    for name in ["Inbox", "Inbox > 2009", "Backup > Sent"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
}

#[test]
fn a_source_alone_in_a_tree_keeps_its_own_names() {
    let label = |labels: &str| {
        let fields = format!("X-GM-THRID: 1\nX-Gmail-Labels: {labels}\n");
        format!("From 1@xxx Mon Jan 01 10:00:00 +0000 2020\n{fields}{MAIL}\n")
    };
    let export = format!("{}{}", label("Inbox"), label("Family"));
    let place = directory(&[
        ("Takeout/Mail/All mail.mbox", export.as_bytes()),
        ("Takeout/archive_browser.html", b"<html>"),
    ]);
    let source = open(&place.path().join("Takeout")).unwrap();
    assert_eq!(source.kind(), Kind::Takeout);
    let mut names: Vec<_> = folders(source.as_ref())
        .into_iter()
        .map(|found| found.0)
        .collect();
    names.sort();
    assert_eq!(names, ["Family", "Inbox"]);
}

#[test]
fn sources_inside_a_tree_are_read_with_the_rest() {
    let export = format!(
        "From 1@xxx Mon Jan 01 10:00:00 +0000 2020\nX-GM-THRID: 1\nX-Gmail-Labels: Work\n{MAIL}\n"
    );
    let place = directory(&[
        ("gmail.mbox", export.as_bytes()),
        ("letters/1.eml", MAIL.as_bytes()),
        ("tb/Mail/host/Inbox", &mbox(2)),
        ("tb/Mail/host/Inbox.msf", b""),
    ]);
    let source = open(place.path()).unwrap();
    assert_eq!(source.kind(), Kind::Mixed);
    let mut found = folders(source.as_ref());
    found.sort();
    let mut wanted = expected(&[
        ("Work", 1, 0),
        ("letters", 1, 0),
        ("tb > Mail > host > Inbox", 2, 0),
    ]);
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(source.ledger().is_some_and(|ledger| ledger.balances()));
}

#[test]
fn hidden_directories_are_read_where_programs_keep_mail() {
    let mail = MAIL.as_bytes();
    let place = directory(&[
        ("home/.thunderbird/profiles.ini", b"[Profile0]\nPath=p\n"),
        ("home/.thunderbird/p/prefs.js", b""),
        ("home/.thunderbird/p/Mail/host/Inbox", &mbox(2)),
        ("home/.a..b/cur/1.a", mail),
        ("home/.Work/cur/1.a", mail),
        ("home/.cache/x/1.eml", mail),
        ("home/1.eml", mail),
    ]);
    let source = open(&place.path().join("home")).unwrap();
    let mut found = folders(source.as_ref());
    found.sort();
    let wanted = [
        (".a..b", 1, 0),
        (".thunderbird > Inbox", 2, 0),
        ("Work", 1, 0),
        ("home", 1, 0),
    ];
    assert_eq!(found, expected(&wanted));
}

#[test]
fn a_tree_without_mail_says_so() {
    for files in [&[("a/b.txt", b"x".as_slice())][..], &[("empty/", b"")]] {
        let place = directory(files);
        let error = open(place.path()).err().unwrap();
        let not_mail = matches!(&error, Error::Source { why, .. } if *why == Unreadable::NotMail);
        assert!(not_mail, "{error:?}");
    }
}

#[cfg(unix)]
#[test]
fn directories_that_cannot_be_read_or_lead_out_are_told_and_the_rest_is_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let outside = directory(&[("more/1.eml", MAIL.as_bytes())]);
    let place = directory(&[
        ("in/1.eml", MAIL.as_bytes()),
        ("shut/1.eml", MAIL.as_bytes()),
    ]);
    symlink(outside.path().join("more"), place.path().join("out")).unwrap();
    symlink("..", place.path().join("in/loop")).unwrap();
    let shut = place.path().join("shut");
    std::fs::set_permissions(&shut, PermissionsExt::from_mode(0o000)).unwrap();
    let source = open(place.path()).unwrap();
    let (items, lost) = read(source.as_ref());
    let readable = std::fs::read_dir(&shut).is_ok();
    std::fs::set_permissions(&shut, PermissionsExt::from_mode(0o700)).unwrap();
    // Root may read everything.
    let wanted = if readable { (2, 1) } else { (1, 2) };
    assert_eq!((items.len(), lost.len()), wanted, "{lost:?}");
    assert!(lost.iter().any(|lost| lost.detail == walk::OUTSIDE));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_read_all_the_same() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = tempfile::tempdir().unwrap();
    let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let directory = place.path().join(odd(b"\xff\xfe"));
    std::fs::create_dir_all(directory.join("cur")).unwrap();
    std::fs::write(directory.join("cur").join(odd(b"1.\xff;2,S")), MAIL).unwrap();
    std::fs::write(place.path().join(odd(b"old\xff")), mbox(2)).unwrap();
    let account = place.path().join("tb");
    std::fs::create_dir_all(account.join(odd(b"\xe9.sbd"))).unwrap();
    std::fs::write(account.join(odd(b"\xe9")), mbox(1)).unwrap();
    std::fs::write(account.join(odd(b"\xe9.sbd")).join("x"), mbox(1)).unwrap();
    let (items, lost) = read(open(place.path()).unwrap().as_ref());
    assert_eq!((items.len(), lost.len()), (5, 0));
}

#[test]
fn very_deep_directories_end_the_walk_and_not_the_program() {
    let place = tempfile::tempdir().unwrap();
    let deep = (0..walk::DEEPEST + 3).fold(place.path().to_path_buf(), |path, _| path.join("d"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("1.eml"), MAIL).unwrap();
    std::fs::write(place.path().join("2.eml"), MAIL).unwrap();
    let (items, lost) = read(open(place.path()).unwrap().as_ref());
    assert_eq!((items.len(), lost.len()), (1, 1));
}
