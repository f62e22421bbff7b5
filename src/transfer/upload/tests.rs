//! The core without anything around it: every input by hand, every action looked at.

use super::*;
use crate::mailbox::{Fate, Refusal, RefusalClass};

const START: Duration = Duration::from_secs(1000);

fn policy() -> Policy {
    Policy {
        first_batch: 2,
        batch_messages: 2,
        window_messages: 4,
        window_bytes: 64 << 20,
        outstanding: 2,
        most_lines: 1,
        ..Policy::default()
    }
}

fn tasks(sizes: &[u64]) -> Vec<Task> {
    sizes
        .iter()
        .map(|size| Task {
            folder: 0,
            size: *size,
            doubt_until: None,
        })
        .collect()
}

fn submit(tasks: &[u32], cautious: bool) -> Action {
    Action::Submit {
        line: 0,
        tasks: tasks.to_vec(),
        cautious,
    }
}

fn stored(ids: &[u32]) -> Vec<(u32, Fate)> {
    ids.iter()
        .map(|id| (*id, Fate::Stored { uid: None }))
        .collect()
}

fn no(id: u32, class: RefusalClass, shared: bool) -> (u32, Fate) {
    (
        id,
        Fate::Refused(Refusal {
            class,
            text: "no".into(),
            shared,
        }),
    )
}

fn lost() -> Error {
    Error::ConnectionLost {
        server: "s".into(),
        detail: "gone".into(),
    }
}

/// A core whose first window is intended.
fn intended(sizes: &[u64]) -> Upload {
    let mut core = Upload::new(policy(), tasks(sizes));
    let Action::Intend(window) = core.next(START) else {
        panic!("intents come first")
    };
    core.intended(&window);
    core
}

#[test]
fn nothing_is_sent_before_its_intent_is_on_disk() {
    let mut core = Upload::new(policy(), tasks(&[1; 5]));
    assert_eq!(core.next(START), Action::Intend(vec![0, 1, 2, 3]));
    core.intended(&[0, 1, 2, 3]);
    assert_eq!(core.next(START), submit(&[0, 1], false));
    assert_eq!(core.next(START), submit(&[2, 3], false));
    assert_eq!(
        core.next(START),
        Action::Intend(vec![4]),
        "reading goes on meanwhile"
    );
    assert_eq!(core.next(START), Action::Wait(START + WHILE_BUSY));
    core.settled(0, stored(&[0, 1]), START);
    assert_eq!(core.next(START), Action::Wait(START + WHILE_BUSY));
    core.intended(&[4]);
    assert_eq!(core.next(START), submit(&[4], false));
}

#[test]
fn a_refused_batch_is_sent_again_one_by_one() {
    let mut core = intended(&[1, 1]);
    assert_eq!(core.next(START), submit(&[0, 1], false));
    let both = vec![
        no(1, RefusalClass::TooBig, true),
        no(0, RefusalClass::TooBig, true),
    ];
    assert!(core.settled(0, both, START).is_empty());
    assert_eq!(core.next(START), submit(&[0], true));
    assert_eq!(core.next(START), submit(&[1], true));
    let verdicts = core.settled(0, vec![no(1, RefusalClass::TooBig, false)], START);
    assert_eq!(
        verdicts,
        [(1, Verdict::Refused(Reason::TooBig, "no".into()))]
    );
    assert_eq!(
        core.settled(0, stored(&[0]), START),
        [(0, Verdict::Stored(None))]
    );
    assert_eq!(core.next(START), Action::Finish);
}

#[test]
fn a_message_in_doubt_is_looked_up_before_it_is_sent_again() {
    let mut core = intended(&[1; 5]);
    core.next(START);
    core.next(START);
    core.broken(0, &[0, 1], lost(), START);
    let Action::Wait(soon) = core.next(START) else {
        panic!("a pause comes first")
    };
    assert!(matches!(
        core.next(soon),
        Action::Connect { attempt: 1, .. }
    ));
    core.connected(0);
    assert_eq!(
        core.next(START),
        submit(&[2, 3], false),
        "no byte of these was sent"
    );
    assert_eq!(core.next(START), Action::Intend(vec![4]));
    core.intended(&[4]);
    assert_eq!(core.next(START), submit(&[4], false));
    core.settled(0, stored(&[2, 3, 4]), START);
    let quiet = START + policy().quiet;
    assert_eq!(core.next(START), Action::Wait(quiet));
    assert_eq!(
        core.next(quiet),
        Action::Match {
            line: 0,
            folder: 0,
            tasks: vec![0, 1]
        }
    );
    assert_eq!(core.matched(&[0, 1], &[(1, 77)]), [(1, Verdict::Found(77))]);
    assert_eq!(core.next(quiet), Action::Intend(vec![0]));
    core.intended(&[0]);
    assert_eq!(core.next(quiet), submit(&[0], true));
    core.settled(0, stored(&[0]), quiet);
    assert_eq!(core.next(quiet), Action::Finish);
    assert!(core.finish().1.is_empty());
}

#[test]
fn a_full_mailbox_stops_everything_that_has_no_room() {
    let mut core = intended(&[5 << 20, 1, 6 << 20, 1]);
    assert_eq!(core.next(START), submit(&[0], true));
    let verdicts = core.settled(0, vec![no(0, RefusalClass::OverQuota, false)], START);
    let full = Verdict::Waiting(Reason::Full);
    assert_eq!(
        verdicts,
        [(0, full.clone()), (2, full.clone())],
        "what is larger still has no room either"
    );
    assert_eq!(core.next(START), submit(&[1, 3], false));
    let both = [1, 3].map(|id| no(id, RefusalClass::OverQuota, true));
    assert!(core.settled(0, both.to_vec(), START).is_empty());
    assert_eq!(core.next(START), submit(&[1], true));
    let verdicts = core.settled(0, vec![no(1, RefusalClass::OverQuota, false)], START);
    assert_eq!(verdicts, [(1, full.clone()), (3, full)]);
    assert_eq!(core.next(START), Action::Finish);
}

#[test]
fn a_missing_folder_is_created_once() {
    let mut core = intended(&[1]);
    core.next(START);
    core.settled(0, vec![no(0, RefusalClass::NoFolder, false)], START);
    assert_eq!(core.next(START), Action::Create { line: 0, folder: 0 });
    core.folder_ready(0);
    assert_eq!(core.next(START), submit(&[0], false));
    let verdicts = core.settled(0, vec![no(0, RefusalClass::NoFolder, false)], START);
    assert_eq!(
        verdicts,
        [(0, Verdict::Refused(Reason::NotAllowed, "no".into()))]
    );
}

#[test]
fn a_server_that_asks_for_patience_gets_it_five_times() {
    let mut core = intended(&[1]);
    let mut now = START;
    for _ in 0..5 {
        assert_eq!(core.next(now), submit(&[0], false));
        assert!(
            core.settled(0, vec![no(0, RefusalClass::Later, false)], now)
                .is_empty()
        );
        let Action::Wait(until) = core.next(now) else {
            panic!("no pause")
        };
        assert!(until > now);
        now = until;
    }
    core.next(now);
    let verdicts = core.settled(0, vec![no(0, RefusalClass::Later, false)], now);
    assert_eq!(verdicts, [(0, Verdict::Waiting(Reason::NotTried))]);
}

#[test]
fn stopping_settles_what_is_in_flight_and_no_more() {
    let mut core = intended(&[1; 5]);
    core.next(START);
    core.stop(START);
    let grace = policy().grace;
    assert_eq!(core.next(START), Action::Wait(START + WHILE_BUSY));
    core.settled(0, stored(&[0]), START);
    assert_eq!(core.next(START + grace), Action::Finish);
    let (end, rest) = core.finish();
    assert!(matches!(end, End::Stopped));
    let waiting = |id, reason| (id, Verdict::Waiting(reason));
    let expected = [
        waiting(1, Reason::InDoubt),
        waiting(2, Reason::NotTried),
        waiting(3, Reason::NotTried),
        waiting(4, Reason::NotTried),
    ];
    assert_eq!(rest, expected);
}

#[test]
fn a_line_that_never_holds_is_given_up_and_progress_starts_the_count_anew() {
    let mut core = intended(&[1]);
    let mut now = START;
    for _ in 0..policy().attempts {
        core.not_connected(0, lost(), now);
        let Action::Wait(at) = core.next(now) else {
            panic!("waits")
        };
        assert!(matches!(core.next(at), Action::Connect { .. }));
        now = at;
    }
    core.not_connected(0, lost(), now);
    assert_eq!(core.next(now), Action::Finish);
    assert!(matches!(
        core.finish().0,
        End::Failed(Error::ConnectionLost { .. })
    ));

    let mut core = intended(&[1]);
    core.not_connected(
        0,
        Error::SignInRefused {
            server: "s".into(),
            detail: "no".into(),
        },
        START,
    );
    assert_eq!(
        core.next(START),
        Action::Finish,
        "a refused sign-in is never tried again"
    );
}

#[test]
fn what_an_earlier_run_left_in_doubt_comes_last() {
    let until = START + Duration::from_secs(5);
    let mut core = Upload::new(
        policy(),
        vec![
            Task {
                folder: 0,
                size: 1,
                doubt_until: Some(until),
            },
            Task {
                folder: 0,
                size: 1,
                doubt_until: None,
            },
        ],
    );
    assert_eq!(core.next(START), Action::Intend(vec![1]));
    core.intended(&[1]);
    core.next(START);
    core.settled(0, stored(&[1]), START);
    assert_eq!(core.next(START), Action::Wait(until));
    assert_eq!(
        core.next(until),
        Action::Match {
            line: 0,
            folder: 0,
            tasks: vec![0]
        }
    );
}

#[test]
fn a_folder_that_is_not_to_be_had_says_nothing_about_a_message_in_doubt() {
    let mut core = intended(&[10, 10]);
    assert!(matches!(core.next(START), Action::Submit { .. }));
    core.broken(0, &[0], lost(), START);
    let refused = Verdict::Refused(Reason::NotAllowed, "no".into());
    assert_eq!(core.folder_closed(0, &refused), [(1, refused)]);
    assert_eq!(core.finish().1, [(0, Verdict::Waiting(Reason::InDoubt))]);
}

#[test]
fn a_server_that_has_every_message_asked_for_gets_several_connections() {
    let several = Policy {
        batch_messages: 1,
        first_lines: 3,
        most_lines: 3,
        ..policy()
    };
    let mut core = Upload::new(several, tasks(&[1; 40]));
    let connect = |line| Action::Connect { line, attempt: 0 };
    assert_eq!(core.next(START), connect(1));
    assert_eq!(core.next(START), connect(2));
    assert!(matches!(core.next(START), Action::Intend(_)));
    core.not_connected(2, lost(), START);
    core.connected(1);
    core.intended(&[0, 1, 2, 3]);
    let mut lines = Vec::new();
    while let Action::Submit { line, .. } = core.next(START) {
        lines.push(line);
    }
    assert_eq!(lines, [0, 1, 0, 1], "and no more than it takes");
    core.broken(1, &[1], lost(), START);
    assert_eq!(
        core.in_doubt(),
        1,
        "what else was to go that way was not sent"
    );
    assert_eq!(core.is_down(), None, "the other connection goes on");
    core.settled(0, stored(&[0, 2]), START);
    let Action::Submit { line: 0, tasks, .. } = core.next(START) else {
        panic!("it goes on")
    };
    assert_eq!(tasks, [3]);
}

#[test]
fn a_server_that_takes_single_messages_gets_no_more_at_once_over_several_connections() {
    let singly = Policy {
        batch_messages: 1,
        first_batch: 8,
        first_lines: 2,
        most_lines: 2,
        ..policy()
    };
    let mut core = Upload::new(singly, tasks(&[1; 40]));
    assert!(matches!(core.next(START), Action::Connect { .. }));
    core.connected(1);
    let Action::Intend(window) = core.next(START) else {
        panic!("nothing is read")
    };
    core.intended(&window);
    while let Action::Submit { tasks, .. } = core.next(START) {
        assert_eq!(tasks.len(), 1);
    }
}
