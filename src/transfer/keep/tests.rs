//! Keeping, from a plan to the files and back: each test is named after the rule it proves.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::event::Silent;
use crate::mailbox::Quota;
use crate::mailbox::memory::MemoryServer;
use crate::message::Flags;
use crate::source::{Source, open};
use crate::transfer::report::{Counts, Report};
use crate::transfer::testing::{Mail, Pretend, QuickClock};
use crate::transfer::{Choices, Depth, QUIET, Stop};

/// The server takes no larger message, in bytes.
const LIMIT: u64 = 500;

struct World {
    server: MemoryServer,
    place: tempfile::TempDir,
    clock: QuickClock,
    stop: Stop,
}

impl World {
    fn new() -> World {
        let world = World {
            server: MemoryServer::new(),
            place: tempfile::tempdir().unwrap(),
            clock: QuickClock::default(),
            stop: Stop::default(),
        };
        world.server.set_message_limit(LIMIT);
        fs::create_dir(world.at("mail")).unwrap();
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn kept(&self) -> PathBuf {
        self.at("kept")
    }

    fn with<T>(
        &self,
        source: Box<dyn Source>,
        choices: &Choices,
        run: impl FnOnce(&Job<'_>) -> T,
    ) -> T {
        run(&Job {
            sources: &[source],
            connect: &self.server,
            choices,
            state: &self.at("state"),
            quiet: QUIET,
            clock: &self.clock,
            stop: &self.stop,
            observer: &Silent,
        })
    }

    /// A whole run; something may happen after the copy, and after the keeping.
    fn run(
        &self,
        source: Box<dyn Source>,
        choices: &Choices,
        which: Option<Keeping>,
        then: &dyn Fn(),
        last: &dyn Fn(),
    ) -> (Report, Kept) {
        self.with(source, choices, |job| {
            let mut plan = job.plan().unwrap();
            job.copy(&mut plan).unwrap();
            then();
            let verified = job.verify(&mut plan).unwrap();
            let kept = match which {
                Some(which) => job.keep(&mut plan, &self.kept(), which).unwrap(),
                None => Kept::default(),
            };
            last();
            (job.report(&plan, Some(verified)).unwrap(), kept)
        })
    }

    fn run_plainly(&self, mails: Vec<Mail>) -> (Report, Kept) {
        let source = Box::new(Pretend::new(mails));
        self.run(source, &Choices::default(), KEEP, &|| {}, &|| {})
    }

    /// The names in the storage folder, and the contents of all mail in it.
    fn found(&self) -> (Vec<String>, Vec<Vec<u8>>) {
        let entries = fs::read_dir(self.kept()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut mail = Vec::new();
        for name in names.iter().filter(|name| name.ends_with(".mbox")) {
            let source = open(&self.kept().join(name)).unwrap();
            for item in source.scan().unwrap() {
                let mut bytes = Vec::new();
                let mut message = source.open(&item.unwrap()).unwrap();
                message.read_to_end(&mut bytes).unwrap();
                mail.push(bytes);
            }
        }
        (names, mail)
    }
}

const KEEP: Option<Keeping> = Some(Keeping {
    left_out: false,
    removed: false,
    full: false,
});

fn large(folder: &str, text: &str) -> Mail {
    let head = format!("Message-ID: <{text}@x>\r\nSubject: {text}\r\n\r\nFrom {text} on\r\n");
    Mail::raw(folder, format!("{head}{}\r\n", "x".repeat(600)).as_bytes())
}

#[test]
fn what_the_server_refuses_is_kept_as_it_is_and_a_second_run_writes_nothing() {
    let world = World::new();
    let mails = || {
        vec![
            Mail::new("A", "1"),
            large("A", "2"),
            large("A", "3"),
            large("B: c", "4"),
        ]
    };
    let (report, kept) = world.run_plainly(mails());
    let counts = Counts {
        found: 4,
        copied: 1,
        kept: 3,
        ..Counts::default()
    };
    assert_eq!(report.counts, counts);
    assert_eq!((kept.messages, kept.written), (3, 3));
    assert!(report.proof().is_some());
    let (names, mail) = world.found();
    assert_eq!(names, ["A.mbox", "B_ c.mbox", "index.txt"]);
    assert_eq!(
        mail,
        [
            large("A", "2").bytes,
            large("A", "3").bytes,
            large("B: c", "4").bytes
        ]
    );
    assert!(report.exceptions.iter().all(|one| one.outcome == "kept"));
    assert_eq!(report.exceptions[0].kept_in.as_deref(), Some("A.mbox"));

    let before = fs::read(world.kept().join("index.txt")).unwrap();
    let (report, kept) = world.run_plainly(mails());
    assert_eq!(report.counts.kept, 3);
    assert_eq!((kept.messages, kept.written), (3, 0));
    assert_eq!(world.found().0, names);
    assert_eq!(fs::read(world.kept().join("index.txt")).unwrap(), before);

    // Only what is new is written, and to a file of its own.
    let more = [mails(), vec![large("A", "5")]].concat();
    let (report, kept) = world.run_plainly(more);
    assert_eq!((report.counts.kept, kept.written), (4, 1));
    assert_eq!(world.found().0[..2], ["A (2).mbox", "A.mbox"]);
}

#[test]
fn a_kept_message_that_was_altered_since_is_written_anew() {
    let world = World::new();
    world.run_plainly(vec![large("A", "2")]);
    let path = world.kept().join("A.mbox");
    let text = fs::read_to_string(&path).unwrap().replace("xxx", "yyy");
    fs::write(&path, text).unwrap();
    let (report, kept) = world.run_plainly(vec![large("A", "2")]);
    assert_eq!((report.counts.kept, kept.written), (1, 1));
    assert_eq!(world.found().0[..2], ["A (2).mbox", "A.mbox"]);
}

#[test]
fn the_same_message_of_two_folders_is_kept_for_each() {
    let world = World::new();
    let mails = || vec![large("A", "2"), large("B", "2")];
    assert_eq!(world.run_plainly(mails()).1.written, 2);
    assert_eq!(world.run_plainly(mails()).1.written, 0);
}

#[test]
fn mail_that_an_mbox_file_cannot_hold_gets_a_file_of_its_own() {
    let world = World::new();
    let fill = "x".repeat(600);
    let signed = format!(
        "Subject: signed\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nFrom me\r\n{fill}\r\n--b--\r\n"
    );
    let no_header = format!("just text, and no header\r\n{fill}\r\n");
    let odd = [signed.as_bytes(), no_header.as_bytes()];
    let mut mails = vec![large("A", "1")];
    mails.extend(odd.iter().map(|bytes| Mail::raw("A", bytes)));
    mails.push(large("A", "2"));
    let (report, _) = world.run_plainly(mails.clone());
    assert_eq!(report.counts.kept, 4);
    let (names, mail) = world.found();
    assert_eq!(names, ["A (2).eml", "A.eml", "A.mbox", "index.txt"]);
    assert_eq!(mail.len(), 2);
    for (name, bytes) in names[..2].iter().rev().zip(odd) {
        assert_eq!(fs::read(world.kept().join(name)).unwrap(), bytes);
    }
    assert_eq!(world.run_plainly(mails).1.written, 0);
}

#[test]
fn what_finds_no_room_in_the_mailbox_is_kept() {
    let world = World::new();
    let one = Mail::new("A", "1");
    world.server.set_quota(Quota {
        used: 0,
        limit: one.bytes.len() as u64 + 1,
    });
    let (report, _) = world.run_plainly(vec![one, Mail::new("A", "2"), Mail::new("A", "3")]);
    let counts = (
        report.counts.copied,
        report.counts.kept,
        report.counts.waiting,
    );
    assert_eq!(counts, (1, 2, 0));
    assert!(report.proof().is_some());
}

#[test]
fn once_the_mailbox_is_full_what_was_not_tried_is_kept_and_what_is_in_doubt_is_not() {
    let world = World::new();
    let mails = vec![Mail::new("A", "1"), Mail::new("A", "2")];
    world.with(Box::new(Pretend::new(mails)), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        plan.folders[0].entries[0].state = State::Waiting(Reason::NotTried);
        plan.folders[0].entries[1].state = State::Waiting(Reason::InDoubt);
        for (full, kept) in [(false, 0), (true, 1), (false, 1)] {
            let which = Keeping {
                full,
                ..Keeping::default()
            };
            job.keep(&mut plan, &world.kept(), which).unwrap();
            let report = job.report(&plan, None).unwrap();
            assert_eq!(
                (report.counts.kept, report.counts.waiting),
                (kept, 2 - kept)
            );
        }
    });
}

#[test]
fn damaged_pieces_are_kept_as_they_are_and_other_stores_are_not() {
    let world = World::new();
    let mail = world.at("mail");
    let good = "Subject: x\n\nbody\n";
    for (name, bytes) in [
        ("1.eml", good.as_bytes()),
        ("2.eml", b""),
        ("3.eml", b"\x00\x01\x02\xff\xfe no mail"),
        ("old.pst", b"!BDN rest of it"),
    ] {
        fs::write(mail.join(name), bytes).unwrap();
    }
    fs::write(
        mail.join("top.mbox"),
        format!("a note\n\nFrom a@x Sun May 17 12:34:56 2009\n{good}\n"),
    )
    .unwrap();
    let run = || {
        world.run(
            open(&mail).unwrap(),
            &Choices::default(),
            KEEP,
            &|| {},
            &|| {},
        )
    };
    let (report, kept) = run();
    let (names, _) = world.found();
    let raw: Vec<&String> = names
        .iter()
        .filter(|name| name.contains("damaged"))
        .collect();
    assert_eq!(
        kept.written,
        raw.len() as u64,
        "{names:?} {:?}",
        report.counts
    );
    let bytes: Vec<Vec<u8>> = raw
        .iter()
        .map(|name| fs::read(world.kept().join(name)).unwrap())
        .collect();
    assert!(
        bytes.contains(&Vec::new()),
        "{names:?} {:?}",
        report.exceptions
    );
    assert!(!bytes.iter().any(|bytes| bytes.starts_with(b"!BDN")));
    assert_eq!(
        report.counts.kept + report.counts.damaged,
        report.exceptions.len() as u64
    );
    let (again, kept) = run();
    assert_eq!((again.counts.kept, kept.written), (report.counts.kept, 0));
}

#[test]
fn what_was_left_out_is_kept_only_where_that_is_asked_for() {
    let world = World::new();
    let choices = Choices {
        skip: vec!["B".into()],
        ..Choices::default()
    };
    let mails = || {
        let deleted = Mail::new("A", "deleted").expunged();
        Box::new(Pretend::new(vec![
            Mail::new("A", "1"),
            deleted,
            Mail::new("B", "2"),
        ]))
    };
    let (report, _) = world.run(mails(), &choices, KEEP, &|| {}, &|| {});
    assert_eq!((report.counts.left_out, report.counts.kept), (2, 0));
    assert!(!world.kept().exists(), "nothing to keep makes no folder");
    let all = Some(Keeping {
        left_out: true,
        ..Keeping::default()
    });
    let (report, _) = world.run(mails(), &choices, all, &|| {}, &|| {});
    assert_eq!((report.counts.left_out, report.counts.kept), (0, 2));
    assert_eq!(world.found().0, ["A.mbox", "B.mbox", "index.txt"]);
}

#[test]
fn nothing_is_written_into_the_old_mail_or_where_no_folder_can_be() {
    let world = World::new();
    fs::write(world.at("mail/1.eml"), "Subject: x\n\nbody\n").unwrap();
    fs::write(world.at("kept"), "a file").unwrap();
    world.with(
        open(&world.at("mail")).unwrap(),
        &Choices::default(),
        |job| {
            let mut plan = job.plan().unwrap();
            for folder in ["mail", "mail/kept", "kept", ""] {
                let result = job.keep(&mut plan, &world.at(folder), Keeping::default());
                assert!(matches!(result, Err(Error::Choice { .. })), "{folder}");
            }
        },
    );
    assert_eq!(fs::read_dir(world.at("mail")).unwrap().count(), 1);
}

#[test]
fn a_stopped_run_keeps_nothing_by_halves() {
    let world = World::new();
    world.with(
        Box::new(Pretend::new(vec![large("A", "2")])),
        &Choices::default(),
        |job| {
            let mut plan = job.plan().unwrap();
            job.copy(&mut plan).unwrap();
            world.stop.ask();
            let result = job.keep(&mut plan, &world.kept(), Keeping::default());
            assert!(matches!(result, Err(Error::Stopped)));
            let report = job.report(&plan, None).unwrap();
            assert_eq!((report.counts.refused, report.counts.kept), (1, 0));
        },
    );
    assert!(world.found().0.is_empty());
}

/// Why there may be no proof: each spoils a run that would be one.
#[test]
fn a_proof_needs_all_of_it() {
    let mails = || vec![Mail::new("A", "1"), Mail::new("A", "2"), large("A", "3")];
    let proof = |choices: &Choices, which, then: &dyn Fn(&World), last: &dyn Fn(&World)| {
        let world = World::new();
        let source = Box::new(Pretend::new(mails()));
        let run = world.run(source, choices, which, &|| then(&world), &|| last(&world));
        run.0.proof().is_some()
    };
    let (plain, nothing) = (Choices::default(), |_: &World| {});
    assert!(proof(&plain, KEEP, &nothing, &nothing));
    // One refused and not kept.
    assert!(!proof(&plain, None, &nothing, &nothing));
    // A copy that is missing on the server.
    assert!(!proof(
        &plain,
        KEEP,
        &|world| world.server.remove("A", world.server.messages("A")[0].uid),
        &nothing
    ));
    // One kept, and altered or removed on the disk since.
    let kept = |world: &World| world.kept().join("A.mbox");
    assert!(!proof(&plain, KEEP, &nothing, &|world| fs::write(
        kept(world),
        "x"
    )
    .unwrap()));
    assert!(!proof(&plain, KEEP, &nothing, &|world| fs::remove_file(
        kept(world)
    )
    .unwrap()));
    let (headers, sample) = (Some(Depth::Headers), Some(50));
    for choices in [
        Choices {
            depth: headers,
            ..Choices::default()
        },
        Choices {
            sample,
            ..Choices::default()
        },
    ] {
        assert!(!proof(&choices, KEEP, &nothing, &nothing));
    }
    // What was deleted was never asked for; what the person left out is kept, or blocks.
    let choices = Choices {
        skip: vec!["B".into()],
        ..Choices::default()
    };
    let mails = |skipped: bool| {
        let deleted = Mail::new("A", "2").expunged().flagged(Flags::SEEN);
        let mut mails = vec![Mail::new("A", "1"), deleted, Mail::new("B", "3")];
        mails.truncate(if skipped { 3 } else { 2 });
        Box::new(Pretend::new(mails))
    };
    let proved = |skipped: bool, keep: Option<Keeping>| {
        let choices = if skipped {
            choices.clone()
        } else {
            Choices::default()
        };
        let (report, _) = World::new().run(mails(skipped), &choices, keep, &|| {}, &|| {});
        report.proof().is_some()
    };
    let all = Some(Keeping {
        left_out: true,
        ..Keeping::default()
    });
    assert!(proved(false, None));
    assert!(!proved(true, None));
    assert!(proved(true, all));
}

#[test]
fn no_proof_where_a_file_changed_since_the_plan_or_was_not_read_anew() {
    let mbox = |subject: &str| {
        format!("From a@x Sun May 17 12:34:56 2009\nSubject: {subject}\n\nbody\n\n")
    };
    let world = World::new();
    let inbox = world.at("mail/Inbox.mbox");
    fs::write(&inbox, mbox("1")).unwrap();
    let run = |then: &dyn Fn()| {
        let source = open(&world.at("mail")).unwrap();
        world.run(source, &Choices::default(), KEEP, then, &|| {}).0
    };
    let report = run(&|| {});
    assert!(report.proof().is_some() && report.sources_changed.is_empty());
    let grew = run(&|| fs::write(&inbox, [mbox("1"), mbox("2")].concat()).unwrap());
    assert_eq!(grew.sources_changed.len(), 1);
    assert!(Path::new(&grew.sources_changed[0]).ends_with("Inbox.mbox"));
    assert!(grew.proof().is_none());
    let came = run(&|| fs::write(world.at("mail/New.mbox"), mbox("3")).unwrap());
    assert_eq!(came.sources_changed.len(), 1);
    assert!(came.proof().is_none());
    let mut report = run(&|| {});
    assert!(report.proof().is_some());
    report.read_anew = false;
    assert!(report.proof().is_none());
}
