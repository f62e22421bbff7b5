//! Whole runs of the engine against the pretend mailbox: each test is named after the rule it proves.

use std::path::PathBuf;
use std::sync::Mutex;

use super::report::Counts;
use super::testing::{Mail, Pretend, QuickClock};
use super::*;
use crate::event::Event;
use crate::mailbox::memory::{Failure, MemoryServer};
use crate::mailbox::{Quota, RefusalClass};
use crate::message::Flags;
use crate::source::Role;
use journal::disk::MemoryDisk;
use plan::Reason;

/// A place to run in: a server, a state directory, a clock that costs nothing.
struct World {
    server: MemoryServer,
    state: tempfile::TempDir,
    clock: QuickClock,
    stop: Stop,
}

/// Everything that one run came to.
struct Outcome {
    report: Report,
    error: Option<Error>,
}

impl Outcome {
    fn counts(&self) -> Counts {
        self.report.counts
    }
}

impl World {
    fn new() -> World {
        World {
            server: MemoryServer::new(),
            state: tempfile::tempdir().unwrap(),
            clock: QuickClock::default(),
            stop: Stop::default(),
        }
    }

    fn with<T>(&self, mails: Vec<Mail>, choices: &Choices, run: impl FnOnce(&Job<'_>) -> T) -> T {
        let sources: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(mails))];
        let job = Job {
            sources: &sources,
            connect: &self.server,
            choices,
            state: self.state.path(),
            quiet: QUIET,
            clock: &self.clock,
            stop: &self.stop,
            observer: &crate::event::Silent,
        };
        run(&job)
    }

    fn plan(&self, mails: Vec<Mail>, choices: &Choices) -> Plan {
        self.with(mails, choices, |job| job.plan().unwrap())
    }

    /// Plan, copy, verify, report, whatever happens in between.
    fn run(&self, mails: Vec<Mail>, choices: &Choices) -> Outcome {
        self.with(mails, choices, |job| {
            let mut plan = job.plan().unwrap();
            let error = job.copy(&mut plan).err();
            let verified = if error.is_none() {
                Some(job.verify(&mut plan).unwrap())
            } else {
                None
            };
            Outcome {
                report: job.report(&plan, verified).unwrap(),
                error,
            }
        })
    }

    /// The same, and what is missing is sent again.
    fn run_to_the_end(&self, mails: Vec<Mail>) -> Outcome {
        self.with(mails, &Choices::default(), |job| {
            let mut plan = job.plan().unwrap();
            job.copy(&mut plan).unwrap();
            let verified = job.verify(&mut plan).unwrap();
            let verified = job.repair(&mut plan, verified).unwrap();
            Outcome {
                report: job.report(&plan, Some(verified)).unwrap(),
                error: None,
            }
        })
    }

    fn run_plainly(&self, mails: Vec<Mail>) -> Outcome {
        self.run(mails, &Choices::default())
    }

    fn texts(&self, folder: &str) -> Vec<String> {
        let subject = |bytes: &[u8]| {
            crate::header::find(bytes, "Subject")
                .map(|field| field.text())
                .unwrap_or_default()
        };
        self.server
            .messages(folder)
            .iter()
            .map(|held| subject(&held.bytes))
            .collect()
    }
}

fn mails(count: usize) -> Vec<Mail> {
    (0..count)
        .map(|number| {
            Mail::new(
                if number % 3 == 0 { "Inbox" } else { "Family" },
                &format!("m{number}"),
            )
        })
        .collect()
}

#[test]
fn everything_arrives_once_and_a_second_run_sends_nothing() {
    let world = World::new();
    let first = world.run_plainly(mails(200));
    assert!(first.error.is_none());
    assert_eq!(
        first.counts(),
        Counts {
            found: 200,
            copied: 200,
            ..Counts::default()
        }
    );
    assert!(first.report.verified.as_ref().unwrap().clean());
    assert_eq!(world.server.appended(), 200);
    let second = world.run_plainly(mails(200));
    assert_eq!(
        second.counts(),
        Counts {
            found: 200,
            already_there: 200,
            ..Counts::default()
        }
    );
    assert_eq!(world.server.appended(), 200);
    assert_eq!(world.server.subscribed(), ["Family"]);
}

#[test]
fn a_message_in_doubt_that_arrived_is_not_sent_again() {
    let world = World::new();
    world.server.fail(&[Failure::AnswerLost]);
    let outcome = world.run_plainly(mails(90));
    assert!(outcome.error.is_none());
    assert_eq!(outcome.counts().copied, 90);
    assert_eq!(world.server.appended(), 90);
}

#[test]
fn a_message_in_doubt_that_did_not_arrive_is_sent_again() {
    let world = World::new();
    world.server.fail(&[
        Failure::RequestLost,
        Failure::AnswerLost,
        Failure::RequestLost,
    ]);
    let outcome = world.run_plainly(mails(300));
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 300,
            copied: 300,
            ..Counts::default()
        }
    );
    assert_eq!(world.server.appended(), 300);
    assert!(world.clock.now() >= QUIET, "the quiet time was waited for");
}

#[test]
fn a_message_in_doubt_from_an_earlier_run_is_looked_up_first() {
    let world = World::new();
    world.server.fail(&[Failure::AnswerLost]);
    // Nobody can connect any more: the first run ends with its messages in doubt.
    world.with(mails(30), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        let connect = RefuseAfter {
            server: world.server.clone(),
            left: Mutex::new(1),
        };
        let broken = Job {
            connect: &connect,
            ..*job
        };
        assert!(matches!(
            broken.copy(&mut plan),
            Err(Error::NotReached { .. })
        ));
        let report = job.report(&plan, None).unwrap();
        assert_eq!(report.counts.waiting, 30);
        assert!(report.reasons.contains_key(&Reason::InDoubt));
    });
    let outcome = world.run_plainly(mails(30));
    assert_eq!(outcome.counts().waiting, 0);
    assert_eq!(world.server.appended(), 30);
}

/// The first run was killed while it sent, and that was perhaps long after it wrote the intents.
#[test]
fn a_message_in_doubt_from_an_earlier_run_is_waited_for_from_the_start_of_this_one() {
    let world = World::new();
    world.with(mails(1), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        let (mut journal, _) = Journal::open(job.state, &plan.account).unwrap();
        let entry = &plan.folders[0].entries[0];
        let key = journal::ItemKey {
            folder: "INBOX",
            bytes: entry.item.identity.bytes,
            copy: 0,
        };
        let number = journal.message(key, &entry.item, None).unwrap();
        journal.intent(&[number], 7, 1, job.clock.wall()).unwrap();
        drop(journal);
        job.clock.sleep(QUIET);
        let started = job.clock.now();
        job.copy(&mut plan).unwrap();
        assert!(job.clock.now() - started >= QUIET);
    });
    assert_eq!(world.server.appended(), 1);
}

/// Connects so many times, and never again.
struct RefuseAfter {
    server: MemoryServer,
    left: Mutex<u32>,
}

impl Connect for RefuseAfter {
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error> {
        let mut left = self.left.lock().unwrap();
        if *left == 0 {
            return Err(Error::NotReached {
                server: "pretend".into(),
                detail: "refused".into(),
            });
        }
        *left -= 1;
        self.server.connect()
    }

    fn account(&self) -> String {
        self.server.account()
    }
}

#[test]
fn mail_that_is_there_already_is_not_sent_and_only_gains_flags() {
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    let here = vec![
        Mail::new("Inbox", "m0")
            .flagged(Flags::SEEN.union(Flags::FLAGGED))
            .tagged("Work"),
    ];
    let plan = world.plan(here.clone(), &Choices::default());
    assert_eq!(plan.folders[0].flag_changes.len(), 1);
    let left = world.plan(
        here.clone(),
        &Choices {
            leave_flags: true,
            ..Choices::default()
        },
    );
    assert!(left.folders[0].flag_changes.is_empty());
    let outcome = world.run_plainly(here);
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 1,
            already_there: 1,
            ..Counts::default()
        }
    );
    assert_eq!(outcome.report.flags_added, 1);
    let held = &world.server.messages("INBOX")[0];
    assert!(held.flags.contains(Flags::FLAGGED) && held.keywords == ["Work"]);
    assert_eq!(world.server.appended(), 0);
}

#[test]
fn mail_that_is_elsewhere_is_copied_and_counted_unless_once() {
    let here = || vec![Mail::new("Family", "m0"), Mail::new("Family", "m1")];
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    let once = world.run(
        here(),
        &Choices {
            once: true,
            ..Choices::default()
        },
    );
    assert_eq!(
        once.counts(),
        Counts {
            found: 2,
            copied: 1,
            already_there: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        (
            once.report.elsewhere,
            once.report.reasons[&Reason::InOtherFolder]
        ),
        (1, 1)
    );
    assert_eq!(world.texts("Family"), ["m1"]);

    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    let filed = world.run_plainly(here());
    assert_eq!(
        filed.counts(),
        Counts {
            found: 2,
            copied: 2,
            ..Counts::default()
        }
    );
    assert_eq!(filed.report.elsewhere, 1);
}

#[test]
fn a_copy_elsewhere_is_read_back_before_it_counts_as_verified() {
    let world = World::new();
    let mail = Mail::new("Family", "m0");
    let mut other = mail.bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    world.server.put("INBOX", &other);
    let thorough = Choices {
        once: true,
        depth: Some(Depth::Bytes),
        ..Choices::default()
    };
    let outcome = world.run(vec![mail], &thorough);
    let verified = outcome.report.verified.as_ref().unwrap();
    assert_eq!((verified.expected, verified.missing), (1, 1));
    assert_eq!(outcome.report.proof(), None);
}

#[test]
fn a_copy_in_the_servers_trash_is_no_copy_to_rely_on() {
    let world = World::new();
    world.server.folder("Trash", Role::Trash);
    world.server.put("Trash", &Mail::new("Inbox", "m0").bytes);
    let outcome = world.run(
        vec![Mail::new("Family", "m0")],
        &Choices {
            once: true,
            ..Choices::default()
        },
    );
    assert_eq!(outcome.counts().copied, 1);
}

#[test]
fn identical_copies_are_merged_or_kept_as_often_as_they_are_there() {
    let here = || {
        vec![
            Mail::new("A", "x"),
            Mail::new("A", "x"),
            Mail::new("A", "x"),
        ]
    };
    let world = World::new();
    assert_eq!(
        world.run_plainly(here()).counts(),
        Counts {
            found: 3,
            copied: 1,
            merged: 2,
            ..Counts::default()
        }
    );
    let all = Choices {
        keep_duplicates: true,
        ..Choices::default()
    };
    assert_eq!(
        world.run(here(), &all).counts(),
        Counts {
            found: 3,
            copied: 2,
            already_there: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.run(here(), &all).counts().already_there, 3);
    assert_eq!(world.server.appended(), 3);
}

#[test]
fn a_full_mailbox_keeps_the_newest_years_and_says_so() {
    let dated = |text: &str, year: i64| Mail::new("A", text).dated((year - 1970) * 31_557_600);
    let size = Mail::new("A", "a").bytes.len() as u64;
    let world = World::new();
    world.server.set_quota(Quota {
        used: 0,
        limit: 2 * size + 1,
    });
    let here = vec![
        dated("a", 2001),
        dated("b", 2020),
        dated("c", 2010),
        dated("d", 2015),
    ];
    let outcome = world.run_plainly(here);
    assert!(outcome.error.is_none());
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 4,
            copied: 2,
            waiting: 2,
            ..Counts::default()
        }
    );
    assert_eq!(outcome.report.reasons[&Reason::Full], 2);
    assert_eq!(world.texts("A"), ["b", "d"]);
}

#[test]
fn a_message_over_the_servers_limit_is_refused_alone_and_never_sent() {
    let world = World::new();
    world.server.set_message_limit(500);
    let large = Mail::raw(
        "A",
        &[b"Subject: large\r\n\r\n".as_slice(), &[b'x'; 600]].concat(),
    );
    let outcome = world.run_plainly(vec![Mail::new("A", "1"), large, Mail::new("A", "2")]);
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 3,
            copied: 2,
            refused: 1,
            ..Counts::default()
        }
    );
    assert_eq!(outcome.report.exceptions[0].reason, Reason::TooBig);
}

#[test]
fn one_refused_message_costs_one_message() {
    let world = World::new();
    // The batch of three is refused as a whole, then the first of them alone.
    world.server.fail(&[
        Failure::Refuses(RefusalClass::Other),
        Failure::Refuses(RefusalClass::Other),
    ]);
    let outcome = world.run_plainly(vec![
        Mail::new("A", "1"),
        Mail::new("A", "2"),
        Mail::new("A", "3"),
    ]);
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 3,
            copied: 2,
            refused: 1,
            ..Counts::default()
        }
    );
}

#[test]
fn a_server_that_lies_is_found_out() {
    let world = World::new();
    world.server.fail(&[Failure::Lies]);
    let outcome = world.run_plainly(mails(4));
    assert!(outcome.report.verified.as_ref().unwrap().missing > 0);
}

#[test]
fn a_copy_that_was_altered_on_the_server_is_found_out() {
    let world = World::new();
    world.with(mails(4), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        job.copy(&mut plan).unwrap();
        world.server.tamper("Family", |held| {
            held.bytes.extend_from_slice(b"advertisement\r\n")
        });
        let verified = job.verify(&mut plan).unwrap();
        assert_eq!(
            (verified.altered, verified.missing, verified.surplus),
            (2, 0, 0)
        );
    });
}

#[test]
fn a_copy_too_many_is_found_out() {
    let world = World::new();
    for depth in [Depth::Bytes, Depth::Headers] {
        let choices = Choices {
            depth: Some(depth),
            ..Choices::default()
        };
        let folder = format!("{depth:?}");
        world.with(vec![Mail::new(&folder, "x")], &choices, |job| {
            let mut plan = job.plan().unwrap();
            job.copy(&mut plan).unwrap();
            world.server.put(&folder, &Mail::new(&folder, "x").bytes);
            let verified = job.verify(&mut plan).unwrap();
            assert_eq!((verified.surplus, verified.missing), (1, 0), "{depth:?}");
        });
    }
}

#[test]
fn what_the_person_removed_after_the_check_is_not_brought_back() {
    let world = World::new();
    world.run_plainly(mails(9));
    let gone = world.server.messages("Family")[0].uid;
    world.server.remove("Family", gone);
    let outcome = world.run_plainly(mails(9));
    assert_eq!(
        outcome.counts(),
        Counts {
            found: 9,
            already_there: 8,
            left_out: 1,
            ..Counts::default()
        }
    );
    assert_eq!(outcome.report.reasons[&Reason::RemovedSince], 1);
    assert_eq!(world.server.appended(), 9);
}

#[test]
fn a_question_whose_connection_broke_is_asked_again_on_a_new_one() {
    let world = World::new();
    world.run_plainly(mails(20));
    world.server.break_questions(3);
    assert_eq!(world.run_plainly(mails(20)).counts().already_there, 20);
    world.server.break_questions(100);
    world.with(mails(20), &Choices::default(), |job| {
        assert!(matches!(job.plan(), Err(Error::ConnectionLost { .. })));
    });
}

#[test]
fn a_folder_whose_name_is_refused_gets_a_plainer_one_and_keeps_it() {
    let world = World::new();
    let here = || vec![Mail::new("St. Louis", "1"), Mail::new("St. Louis", "2")];
    let first = world.run_plainly(here());
    assert_eq!(first.counts().copied, 2);
    assert_eq!(first.report.folders[0].folder, "St․ Louis");
    assert_eq!(first.report.folders[0].from, ["St. Louis"]);
    assert_eq!(world.run_plainly(here()).counts().already_there, 2);
    assert_eq!(world.server.appended(), 2);
}

#[test]
fn without_a_journal_nothing_is_sent_twice_either() {
    let world = World::new();
    world.run_plainly(mails(50));
    let elsewhere = World {
        server: world.server.clone(),
        ..World::new()
    };
    assert_eq!(elsewhere.run_plainly(mails(50)).counts().already_there, 50);
    assert_eq!(world.server.appended(), 50);
}

#[test]
fn stopping_leaves_a_state_for_every_message_and_a_second_run_goes_on() {
    let world = World::new();
    let stop = world.stop.clone();
    struct StopAfter(Stop, u64);
    impl crate::event::Observer for StopAfter {
        fn notice(&self, event: &Event) {
            if matches!(event, Event::Copied { done, .. } if *done >= self.1) {
                self.0.ask();
            }
        }
    }
    let watcher = StopAfter(stop, 70);
    world.with(mails(300), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        let stopping = Job {
            observer: &watcher,
            ..*job
        };
        assert!(matches!(stopping.copy(&mut plan), Err(Error::Stopped)));
        let counts = job.report(&plan, None).unwrap().counts;
        assert!(
            counts.balances() && counts.copied >= 70 && counts.waiting > 0,
            "{counts:?}"
        );
        assert_eq!(counts.copied, world.server.appended());
    });
    let again = World {
        stop: Stop::default(),
        ..world
    };
    assert_eq!(again.run_plainly(mails(300)).counts().waiting, 0);
    assert_eq!(again.server.appended(), 300);
}

#[test]
fn a_line_that_never_comes_back_leaves_the_rest_waiting() {
    let world = World::new();
    world.with(mails(10), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        world.server.refuse_connections(100);
        assert!(matches!(job.copy(&mut plan), Err(Error::NotReached { .. })));
        assert_eq!(
            job.report(&plan, None).unwrap().counts,
            Counts {
                found: 10,
                waiting: 10,
                ..Counts::default()
            }
        );
    });
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_sent() {
    let world = World::new();
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(mails(3)))];
    let changed: Vec<Box<dyn Source>> = vec![Box::new(Pretend::new(vec![
        Mail::new("Inbox", "m0"),
        Mail::new("Family", "mX"),
        Mail::new("Family", "m2"),
    ]))];
    let mut plan = world.with(Vec::new(), &Choices::default(), |job| {
        let before = Job {
            sources: &sources,
            ..*job
        };
        before.plan().unwrap()
    });
    world.with(Vec::new(), &Choices::default(), |job| {
        let after = Job {
            sources: &changed,
            ..*job
        };
        after.copy(&mut plan).unwrap();
        let report = after.report(&plan, None).unwrap();
        assert_eq!(
            report.counts,
            Counts {
                found: 3,
                copied: 2,
                damaged: 1,
                ..Counts::default()
            }
        );
        assert_eq!(report.exceptions[0].reason, Reason::Changed);
    });
}

#[test]
fn a_busy_journal_is_not_shared() {
    let world = World::new();
    let account = world.server.account();
    let _held = Journal::open(world.state.path(), &account).unwrap();
    world.with(mails(1), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        assert!(matches!(job.copy(&mut plan), Err(Error::Busy { .. })));
    });
    assert_eq!(world.server.appended(), 0);
}

#[test]
fn a_journal_that_cannot_be_written_stops_before_the_first_byte() {
    let world = World::new();
    let file: PathBuf = world.state.path().join("file");
    std::fs::write(&file, b"").unwrap();
    world.with(mails(1), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        let nowhere = Job {
            state: &file,
            ..*job
        };
        assert!(matches!(
            nowhere.copy(&mut plan),
            Err(Error::Journal { .. })
        ));
    });
    assert_eq!(world.server.appended(), 0);
}

#[test]
fn an_unmistakable_header_needs_no_reading_back() {
    let world = World::new();
    world.run(
        mails(20),
        &Choices {
            depth: Some(Depth::Headers),
            ..Choices::default()
        },
    );
    // The first of each folder shows, while the rest is sent, what the server makes of mail.
    assert_eq!(world.server.bodies_read(), 2);
}

#[test]
fn a_folder_that_vanishes_during_the_run_is_missing_and_no_bug() {
    for depth in [Depth::Bytes, Depth::Headers] {
        let world = World::new();
        let choices = Choices {
            depth: Some(depth),
            ..Choices::default()
        };
        world.with(mails(6), &choices, |job| {
            let mut plan = job.plan().unwrap();
            job.copy(&mut plan).unwrap();
            world.server.remove_folder("Family");
            let verified = job.verify(&mut plan).unwrap();
            assert_eq!((verified.expected, verified.missing), (6, 4), "{depth:?}");
        });
    }
}

#[test]
fn a_copy_in_a_trash_that_only_its_name_tells_is_no_copy_to_rely_on() {
    for folder in ["Trash", "Spam", "Trash/2019"] {
        let world = World::new();
        world.server.put(folder, &Mail::new("Inbox", "m0").bytes);
        let once = Choices {
            once: true,
            ..Choices::default()
        };
        let outcome = world.run(vec![Mail::new("Family", "m0")], &once);
        assert_eq!(outcome.counts().copied, 1, "{folder}");
    }
}

#[test]
fn many_messages_that_are_elsewhere_take_no_time_to_speak_of() {
    let world = World::new();
    let here = || (0..30_000).map(|n| Mail::new("Family", &format!("m{n}")));
    for mail in here() {
        world.server.put("Archive", &mail.bytes);
    }
    let plan = world.plan(here().collect(), &Choices::default());
    assert_eq!(plan.totals().elsewhere, 30_000);
}

#[test]
fn a_connection_that_breaks_while_flags_are_added_is_made_anew() {
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    world.server.put("INBOX", &Mail::new("Inbox", "m1").bytes);
    world.server.break_changes(2);
    let here = vec![
        Mail::new("Inbox", "m0").flagged(Flags::SEEN),
        Mail::new("Inbox", "m1").flagged(Flags::FLAGGED),
        Mail::new("Inbox", "m2"),
    ];
    let outcome = world.run_plainly(here);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.report.flags_added, 2);
    let held = world.server.messages("INBOX");
    assert!(held[0].flags.contains(Flags::SEEN) && held[1].flags.contains(Flags::FLAGGED));
}

#[test]
fn a_server_that_refuses_flags_refuses_no_mail() {
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    world.server.refuse_changes();
    let here = vec![
        Mail::new("Inbox", "m0").flagged(Flags::SEEN),
        Mail::new("Inbox", "m1"),
    ];
    let outcome = world.run_plainly(here);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(
        (outcome.report.flags_added, outcome.report.flags_refused),
        (0, 1)
    );
    assert_eq!(
        (outcome.counts().copied, outcome.counts().already_there),
        (1, 1)
    );
}

#[test]
fn tags_of_the_same_atom_and_different_names_all_arrive() {
    let world = World::new();
    let named = |text: &str, name: &str| Mail::new("Inbox", text).tagged_as("Work", name);
    let here = vec![
        named("m0", "Work"),
        named("m1", "Office"),
        named("m2", "Work"),
    ];
    for mail in &here {
        world.server.put("INBOX", &mail.bytes);
    }
    let outcome = world.run_plainly(here);
    assert_eq!(outcome.report.flags_added, 3);
    for held in world.server.messages("INBOX") {
        assert_eq!(held.keywords, ["Work"], "{}", held.uid);
    }
}

#[test]
fn a_folder_that_the_server_can_not_make_just_now_leaves_its_mail_waiting() {
    for words in ["[UNAVAILABLE] try later", "[INUSE] busy"] {
        let world = World::new();
        world.server.refuse_creating(&[words; 10]);
        let outcome = world.run_plainly(mails(9));
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        let expected = Counts {
            found: 9,
            copied: 3,
            waiting: 6,
            ..Counts::default()
        };
        assert_eq!(outcome.counts(), expected, "{words}");
    }
    let world = World::new();
    world
        .server
        .refuse_creating(&["[UNAVAILABLE] try later"; 2]);
    assert_eq!(world.run_plainly(mails(9)).counts().copied, 9);
}

#[test]
fn a_folder_that_the_server_does_not_want_is_refused_once_however_often_the_line_breaks() {
    let world = World::new();
    let here = vec![Mail::new("Forbidden", "1"), Mail::new("Girls", "2")];
    world.with(here, &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        world.server.break_leaving(1);
        job.copy(&mut plan).unwrap();
        let report = job.report(&plan, None).unwrap();
        assert_eq!((report.counts.refused, report.counts.copied), (1, 1));
        assert_eq!(report.exceptions.len(), 1, "{:?}", report.exceptions);
    });
}

#[test]
fn mail_that_came_between_the_plan_and_the_copy_is_not_sent_again() {
    let world = World::new();
    world
        .server
        .put("INBOX", &Mail::new("Inbox", "other").bytes);
    world.with(mails(9), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        // Someone else copies the same mail while the person reads the plan.
        world.server.put("INBOX", &Mail::new("Inbox", "m3").bytes);
        job.copy(&mut plan).unwrap();
        let counts = job.report(&plan, None).unwrap().counts;
        assert_eq!((counts.copied, counts.already_there), (8, 1));
        assert_eq!(job.verify(&mut plan).unwrap().missing, 0);
    });
    assert_eq!(world.texts("INBOX"), ["other", "m3", "m0", "m6"]);
}

#[test]
fn a_folder_that_was_removed_after_the_plan_is_made_again() {
    let world = World::new();
    world.server.put("Family", &Mail::new("Family", "m1").bytes);
    world.with(mails(9), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        world.server.remove_folder("Family");
        job.copy(&mut plan).unwrap();
        let counts = job.report(&plan, None).unwrap().counts;
        assert_eq!((counts.copied, counts.waiting), (9, 0), "{counts:?}");
        assert!(job.verify(&mut plan).unwrap().clean());
    });
}

#[test]
fn flags_never_land_on_another_message_when_the_folder_was_numbered_anew() {
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "m0").bytes);
    let here = vec![Mail::new("Inbox", "m0").flagged(Flags::FLAGGED)];
    world.with(here, &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        world.server.remove("INBOX", 1);
        world.server.renumber("INBOX");
        world
            .server
            .put_as("INBOX", 1, &Mail::new("Inbox", "other").bytes);
        job.copy(&mut plan).unwrap();
        let held = world.server.messages("INBOX");
        assert!(held.iter().all(|one| one.uid != 1 || one.flags.is_empty()));
    });
}

#[test]
fn one_copy_answers_for_one_message_even_if_the_line_breaks_after_the_look() {
    let world = World::new();
    world.server.put("INBOX", &Mail::new("Inbox", "x").bytes);
    world.server.break_leaving(1);
    let all = Choices {
        keep_duplicates: true,
        ..Choices::default()
    };
    let here = vec![Mail::new("Inbox", "x"), Mail::new("Inbox", "x")];
    let outcome = world.run(here, &all);
    let expected = Counts {
        found: 2,
        copied: 1,
        already_there: 1,
        ..Counts::default()
    };
    assert_eq!(outcome.counts(), expected);
}

#[test]
fn a_message_in_doubt_is_not_mistaken_for_another_version_of_it() {
    let version = |body: &str| {
        let text = format!("Message-ID: <d@x>\r\nFrom: a\r\nSubject: draft\r\n\r\n{body}\r\n");
        Mail::raw("Drafts", text.as_bytes())
    };
    let world = World::new();
    world.server.put("Drafts", &version("one").bytes);
    world.server.fail(&[Failure::RequestLost]);
    let outcome = world.run_plainly(vec![version("one"), version("two")]);
    let expected = Counts {
        found: 2,
        copied: 1,
        already_there: 1,
        ..Counts::default()
    };
    assert_eq!(outcome.counts(), expected);
    assert!(outcome.report.verified.unwrap().clean());
    assert_eq!(world.server.appended(), 1);
}

#[test]
fn what_the_server_confirmed_counts_even_if_the_journal_can_not_be_written_any_more() {
    struct FullAfterTheFirst(MemoryDisk);
    impl crate::event::Observer for FullAfterTheFirst {
        fn notice(&self, event: &Event) {
            if matches!(event, Event::Copied { .. }) {
                self.0.fail(true);
            }
        }
    }
    let world = World::new();
    world.with(mails(9), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        let disk = MemoryDisk::default();
        let (mut journal, past) =
            Journal::start(disk.clone(), "journal".into(), &plan.account).unwrap();
        let watcher = FullAfterTheFirst(disk);
        let job = Job {
            observer: &watcher,
            ..*job
        };
        let result = copy::copy(&job, &mut plan, &mut journal, &past);
        assert!(matches!(result, Err(Error::Journal { .. })), "{result:?}");
        let report = job.report(&plan, None).unwrap();
        assert_eq!(report.counts.copied, world.server.appended());
        assert!(report.counts.balances() && report.counts.copied > 0);
    });
}

#[test]
fn stopping_ends_the_check_within_a_folder() {
    let world = World::new();
    struct StopAtProgress(Stop);
    impl crate::event::Observer for StopAtProgress {
        fn notice(&self, event: &Event) {
            if matches!(event, Event::Progress { messages, .. } if *messages > 0) {
                self.0.ask();
            }
        }
    }
    let here = (0..1000).map(|n| Mail::new("Inbox", &format!("m{n}")));
    world.with(here.collect(), &Choices::default(), |job| {
        let mut plan = job.plan().unwrap();
        job.copy(&mut plan).unwrap();
        let watcher = StopAtProgress(world.stop.clone());
        let stopping = Job {
            observer: &watcher,
            ..*job
        };
        assert!(matches!(stopping.verify(&mut plan), Err(Error::Stopped)));
        assert!(world.server.bodies_read() < 500);
    });
}

#[test]
fn what_the_server_confirmed_and_dropped_is_sent_again() {
    let world = World::new();
    world.server.fail(&[Failure::Lies]);
    let outcome = world.run_to_the_end(mails(4));
    assert_eq!(outcome.counts().copied, 4);
    let verified = outcome.report.verified.as_ref().unwrap();
    assert!(verified.clean(), "{verified:?}");
    assert!(outcome.report.proof().is_some());
    assert!(world.clock.now() >= QUIET, "it may have come late");
    let all = world.texts("INBOX").len() + world.texts("Family").len();
    assert_eq!(all, 4);
}

#[test]
fn a_server_that_drops_a_message_again_and_again_is_told_on() {
    let world = World::new();
    world.server.fail(&[Failure::Lies; 9]);
    let outcome = world.run_to_the_end(vec![Mail::new("Inbox", "one")]);
    let verified = outcome.report.verified.as_ref().unwrap();
    assert_eq!((verified.missing, verified.expected), (1, 1));
    assert!(outcome.report.proof().is_none());
    assert_eq!(world.server.appended(), 0);
}

#[test]
fn a_sample_reads_some_back_and_is_no_proof() {
    let world = World::new();
    let sampled = Choices {
        sample: Some(20),
        ..Choices::default()
    };
    let outcome = world.run(mails(200), &sampled);
    let verified = outcome.report.verified.as_ref().unwrap();
    assert!(verified.clean() && verified.sample == Some(20));
    let read = world.server.bodies_read();
    assert!((10..90).contains(&read), "{read} of 200, and two probes");
    assert!(outcome.report.proof().is_none());
    let by_headers = Choices {
        depth: Some(Depth::Headers),
        ..Choices::default()
    };
    assert!(world.run(mails(200), &by_headers).report.proof().is_none());
    assert!(world.run_plainly(mails(200)).report.proof().is_some());
}

#[test]
fn a_server_that_changes_mail_is_found_out_before_all_of_it_is_sent() {
    let world = World::new();
    world
        .server
        .rewrite(|bytes| bytes.truncate(bytes.len() - 9));
    let outcome = world.run_plainly(mails(3000));
    assert!(
        matches!(outcome.error, Some(Error::Altered { .. })),
        "{:?}",
        outcome.error
    );
    assert!(outcome.counts().waiting > 0);
}

#[test]
fn what_a_server_adds_to_mail_is_named_and_stops_nothing() {
    let world = World::new();
    world.server.rewrite(|bytes| {
        let added = b"X-Scanned: yes\r\n";
        bytes.splice(0..0, added.iter().copied());
    });
    let outcome = world.run_plainly(mails(4));
    assert_eq!(
        outcome.report.server_changes,
        ["it adds a header field of its own (X-Scanned)"]
    );
    assert!(outcome.report.proof().is_some());
}

#[test]
fn what_only_looks_like_a_message_of_ours_is_told_and_never_doubled() {
    let world = World::new();
    let mail = |body: &str| {
        let text = format!("Message-ID: <1@x>\r\nFrom: a\r\nSubject: s\r\n\r\n{body}\r\n");
        Mail::raw("Inbox", text.as_bytes())
    };
    world.server.put("INBOX", &mail("version one").bytes);
    // It may be ours, changed by the server: sent again, it would be changed again, once more at every run.
    for _ in 0..2 {
        let outcome = world.run_to_the_end(vec![mail("version two")]);
        assert!(!outcome.report.verified.as_ref().unwrap().clean());
        assert!(outcome.report.proof().is_none());
    }
    assert_eq!(world.server.messages("INBOX").len(), 1);
}
