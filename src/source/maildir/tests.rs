//! Maildirs of several programs, made up and read.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::message::{Flags, Item, Standing};
use crate::source::testing::{MAIL, directory, expected, folders, read};
use crate::source::{Fault, Kind, Oddity, Role, open};

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn file(item: &Item) -> String {
    let name = item.origin.file.as_ref().unwrap();
    name.to_string_lossy().into_owned()
}

#[test]
fn folders_of_a_maildir_have_their_names_and_the_root_is_the_inbox() {
    let mail = MAIL.as_bytes();
    let place = directory(&[
        ("cur/1276533073.a;2,S", mail),
        ("new/1276533072.b", mail),
        ("tmp/1276533071.half", b"not delivered yet"),
        ("dovecot-uidlist", b"3 V1"),
        (".Sent/cur/1.c", mail),
        (".&ZeVnLIqe-.2009/new/1.d", mail),
        (".&ZeVnLIqe-.2009/tmp/", b""),
        (".git/config", b"x"),
    ]);
    let source = open(place.path()).unwrap();
    assert_eq!(source.kind(), Kind::Maildir);
    let names = expected(&[("Inbox", 2, 0), ("日本語 > 2009", 1, 0), ("Sent", 1, 0)]);
    assert_eq!(folders(source.as_ref()), names);
    let roles: Vec<_> = source.folders().iter().map(|folder| folder.role).collect();
    assert_eq!(roles, [Some(Role::Inbox), None, Some(Role::Sent)]);
    let (items, _) = read(source.as_ref());
    let files: Vec<_> = items.iter().take(2).map(file).collect();
    assert_eq!(files, ["1276533072.b", "1276533073.a;2,S"]);
}

#[test]
fn evolution_and_kmail_nest_their_folders_in_their_own_ways() {
    let mail = MAIL.as_bytes();
    let place = directory(&[
        ("evo/..maildir++", b"maildir++ 1"),
        ("evo/cur/1.a", mail),
        ("evo/.a_2Eb.c/cur/1.b", mail),
        ("kde/inbox/cur/1.c", mail),
        ("kde/.inbox.directory/Q1 & Q2/cur/1.d", mail),
        ("kde/.inbox.directory/.Q1 & Q2.directory/deep/cur/1.e", mail),
    ]);
    let names = expected(&[("Inbox", 1, 0), ("a.b > c", 1, 0)]);
    assert_eq!(
        folders(open(&place.path().join("evo")).unwrap().as_ref()),
        names
    );
    let names = expected(&[
        ("inbox > Q1 & Q2 > deep", 1, 0),
        ("inbox > Q1 & Q2", 1, 0),
        ("inbox", 1, 0),
    ]);
    assert_eq!(
        folders(open(&place.path().join("kde")).unwrap().as_ref()),
        names
    );
}

#[test]
fn flags_keywords_and_dates_come_from_the_names() {
    let mail = MAIL.as_bytes();
    let place = directory(&[
        ("Box/cur/1276533073.a;2,FRST", mail),
        ("Box/cur/1276533074.b;2,DPabz", mail),
        ("Box/cur/nameless", mail),
        ("Box/dovecot-keywords", b"0 $Label1\n1 a(b\n77 far\nx y\n"),
    ]);
    let (items, _) = read(open(&place.path().join("Box")).unwrap().as_ref());
    let [first, second, third] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert_eq!(first.standing, Standing::Marked);
    let three = [Flags::FLAGGED, Flags::ANSWERED, Flags::SEEN];
    assert_eq!(
        first.flags,
        three.into_iter().fold(Flags::NONE, Flags::union)
    );
    assert_eq!(first.date.map(|date| date.seconds), Some(1_276_533_073));
    assert_eq!(second.flags, Flags::DRAFT);
    let tags: Vec<_> = second.keywords.iter().map(|tag| tag.atom()).collect();
    assert_eq!(tags, ["$Forwarded", "$Label1", "a_b"]);
    // Now, since the file was written just now.
    assert!(third.date.is_some_and(|date| date.seconds > 1_600_000_000));
}

#[test]
fn a_folder_of_thunderbird_is_known_without_its_profile() {
    let mail = format!("X-Mozilla-Status: 0005\nX-Mozilla-Status2: 00000000\n{MAIL}");
    let place = directory(&[("Inbox/cur/1795442320.M1.vm.eml", mail.as_bytes())]);
    let (items, _) = read(open(&place.path().join("Inbox")).unwrap().as_ref());
    assert_eq!(items[0].flags, Flags::SEEN.union(Flags::FLAGGED));
    assert_eq!(items[0].date.map(|date| date.year()), Some(2009));
}

#[test]
fn packed_messages_are_unpacked_and_what_cannot_be_is_damaged() {
    let whole = packed(MAIL);
    let cut = &whole[..whole.len() - 12];
    let place = directory(&[
        ("cur/1.plain", MAIL.as_bytes()),
        ("cur/2.gz;2,S", &whole),
        ("cur/3.cut", cut),
        ("cur/4.zstd", b"\x28\xb5\x2f\xfd rest"),
        ("cur/5.empty", b""),
        ("cur/6.nul", b"From: a\n\n\0\0\0"),
        ("cur/7.crash", &[0; 5000]),
    ]);
    let source = open(place.path()).unwrap();
    let (mut items, mut lost) = (Vec::new(), Vec::new());
    for scanned in source.scan().unwrap() {
        match scanned {
            Ok(item) => items.push(item),
            Err(damaged) => lost.push((damaged.origin.path(), damaged.fault)),
        }
    }
    assert_eq!(items[0].identity, items[1].identity);
    let at = |name: &str| place.path().join("cur").join(name);
    let faults = [
        (at("3.cut"), Fault::Compression),
        (at("4.zstd"), Fault::Compression),
        (at("5.empty"), Fault::Empty),
        (at("7.crash"), Fault::NotMail),
    ];
    assert_eq!(lost, faults);
    let remarks = source.remarks();
    assert_eq!(
        (remarks[0].what, &remarks[0].path),
        (Oddity::NulBytes, &at("6.nul"))
    );
    for item in &items {
        let mut bytes = Vec::new();
        source.open(item).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, item.size);
    }
}

#[test]
fn a_file_that_changed_is_not_uploaded() {
    let place = directory(&[("cur/1.a", MAIL.as_bytes())]);
    let source = open(place.path()).unwrap();
    let (items, _) = read(source.as_ref());
    std::fs::write(place.path().join("cur/1.a"), "shorter").unwrap();
    assert!(source.open(&items[0]).is_err());
    std::fs::remove_file(place.path().join("cur/1.a")).unwrap();
    assert!(source.open(&items[0]).is_err());
}

#[cfg(unix)]
#[test]
fn pipes_and_links_that_lead_out_are_damaged_and_never_opened() {
    use crate::source::testing::pipe;
    use std::os::unix::fs::symlink;
    let outside = directory(&[("secret", MAIL.as_bytes())]);
    let place = directory(&[("cur/1.a", MAIL.as_bytes()), ("new/", b"")]);
    let at = |name: &str| place.path().join("cur").join(name);
    pipe(&at("2.pipe"));
    symlink(outside.path().join("secret"), at("3.out")).unwrap();
    symlink("nowhere", at("4.gone")).unwrap();
    symlink("1.a", at("5.in")).unwrap();
    symlink(outside.path(), at("6.dir")).unwrap();
    let source = open(place.path()).unwrap();
    let (items, lost) = read(source.as_ref());
    let files: Vec<_> = items.iter().map(file).collect();
    assert_eq!(files, ["1.a", "5.in"]);
    assert_eq!(lost.len(), 4);
    assert!(
        lost.iter().all(|lost| lost.fault == Fault::SpecialFile),
        "{lost:?}"
    );
}

#[test]
fn dovecots_own_forms_are_named_and_not_read() {
    let place = directory(&[("mailboxes/INBOX/dbox-Mails/u.1", b"2 M1e\n")]);
    let error = open(place.path()).err().unwrap();
    assert!(error.to_string().contains("dbox"), "{error}");
    assert!(open(Path::new("/nowhere/at/all")).is_err());
}
