//! Rows P9 to P13: the server stores otherwise than it says, the mailbox changes, and answers that can't be.

use std::time::Duration;

use crate::classes::{takers, transcript};
use crate::mail::FOLDER;
use crate::support::fault_server::script::{Action, At, Fault, Rewrite};
use crate::support::fault_server::traits::{StoreAs, Traits, UidNext};
use crate::support::fault_server::truth::Stored;
use crate::survive::Scenario;

fn at_store(traits: &Traits, nth: u64, action: Action) -> Scenario {
    Scenario::one(Fault::command("APPEND", nth, At::AfterLiteral, action)).on(traits)
}

pub fn wrong_uids() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for action in [Action::SwapUids, Action::WrongUids] {
        cases.push(at_store(&Traits::default(), 1, action.clone()));
        for nth in 1..=5 {
            cases.push(at_store(&takers()[1], nth, action.clone()));
        }
    }
    // Without UIDPLUS what was stored has to be found, also when the answer is lost.
    for traits in takers().map(|traits| traits.without("UIDPLUS")) {
        for nth in 1..=5 {
            cases.push(at_store(&traits, nth, Action::StoreThenReset));
        }
    }
    for code in [
        "[APPENDUID 0 0]",
        "[APPENDUID 99 7:3]",
        "[APPENDUID x y]",
        "[APPENDUID 4294967296 1]",
    ] {
        let answer = Action::Instead(format!("{{tag}} OK {code} stored\r\n"));
        cases.push(Scenario::one(Fault::command(
            "APPEND",
            1,
            At::AfterStore,
            answer,
        )));
    }
    cases
}

pub fn stored_otherwise() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let damages = |message: usize| {
        [
            (Action::DropSilently(message), 0),
            (Action::Truncate(message, 20), 1),
            (Action::Truncate(message, 90), 1),
            (Action::Rewrite(message, Rewrite::Body), 1),
            (Action::Rewrite(message, Rewrite::Subject), 1),
        ]
    };
    let mut spoil = |traits: &Traits, nth: u64, message: usize| {
        for (action, spoiled) in damages(message) {
            let mut scenario = at_store(traits, nth, action);
            scenario.spoiled = spoiled;
            cases.push(scenario);
        }
    };
    let [all, singly, waiting] = takers();
    for n in 0..5 {
        spoil(&all, 1, n);
        spoil(&singly, n as u64 + 1, 0);
        spoil(&waiting, n as u64 + 1, 0);
    }
    for traits in takers() {
        cases.push(at_store(&traits, 1, Action::StoreBackwards));
        cases.push(at_store(
            &traits,
            1,
            Action::Rewrite(0, Rewrite::HeaderAdded),
        ));
        // Whatever the server does to every message, what is in doubt is found again.
        for how in [StoreAs::Lf, StoreAs::Trimmed, StoreAs::HeaderAdded] {
            let traits = traits.clone().store_as(how);
            for nth in 1..=5 {
                for action in [Action::StoreThenReset, Action::DropSilently(0)] {
                    cases.push(at_store(&traits, nth, action));
                }
            }
        }
        let forgetful = traits.clone().forgets_dates().forgets_keywords();
        cases.push(at_store(&forgetful, 1, Action::StoreThenReset));
    }
    cases
}

pub fn changes_meanwhile() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let ours = |stored: &Stored| !stored.bytes.windows(4).any(|part| part == b"<old");
    for traits in takers() {
        let spoken = transcript(&traits);
        // Once it was checked, the mail is the owner's to move and delete.
        let checked = spoken.iter().rposition(|one| one.command == "UID FETCH");
        for (n, one) in spoken.iter().enumerate() {
            let at = |action: Action| {
                let fault = Fault::command(&one.command, one.nth, At::Before, action);
                Scenario::one(fault).on(&traits)
            };
            cases.push(at(Action::BumpUidValidity));
            cases.push(at(Action::call(|truth| {
                truth.put(
                    FOLDER,
                    b"Message-ID: <old@example.org>\r\n\r\nnew mail came\r\n",
                );
            })));
            if Some(n) > checked {
                continue;
            }
            cases.push(at(Action::call(|truth| truth.remove(FOLDER))));
            cases.push(at(Action::call(|truth| truth.rename(FOLDER, "Renamed"))));
            cases.push(at(Action::call(move |truth| {
                truth.delete(FOLDER, ours);
            })));
        }
        // Deleted by its owner once it was checked: it stays deleted.
        let Some(last) = spoken.iter().rfind(|one| one.command == "LOGOUT") else {
            return cases;
        };
        let gone = Action::call(|truth| {
            truth.delete(FOLDER, |stored| {
                stored.bytes.windows(5).any(|part| part == b"<last")
            });
        });
        let fault = Fault::command("LOGOUT", last.nth, At::Before, gone);
        let mut scenario = Scenario::one(fault).on(&traits);
        scenario.deleted = 1;
        cases.push(scenario.judged(|outcome| match outcome.difference.lost {
            0 if outcome.runs == Some(1) => Ok(()),
            _ => Err("not as it should be".into()),
        }));
    }
    cases
}

/// A message that the server stores although the connection broke, within the quiet time.
pub fn stored_late() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for traits in takers() {
        for nth in 1..=5 {
            // The quiet time is 300 of these.
            for after in [5, 40, 100, 150] {
                let late = Action::StoreLate(Duration::from_millis(after));
                let mut scenario = at_store(&traits, nth, late).quiet(Duration::from_secs(60));
                scenario.at_once = 4;
                cases.push(scenario);
            }
        }
    }
    cases
}

pub fn nonsense() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for told in [UidNext::Zero, UidNext::Untold] {
        for traits in takers().map(|traits| traits.uid_next(told)) {
            for nth in 1..=5 {
                for (at, action) in [
                    (At::AfterLiteral, Action::StoreThenReset),
                    (At::AfterLiteral, Action::DropSilently(0)),
                    (At::Before, Action::Reset),
                ] {
                    cases
                        .push(Scenario::one(Fault::command("APPEND", nth, at, action)).on(&traits));
                }
            }
        }
    }
    let answers = [
        "{tag} OK nothing\r\n",
        "* 1 FETCH (UID 77 RFC822.SIZE 3 FLAGS () BODY[] {3}\r\nabc)\r\n{tag} OK done\r\n",
        "* 1 FETCH (UID 0 BODY[] \"\")\r\n* 9999999999 FETCH (UID 4294967295)\r\n{tag} OK done\r\n",
        "* 1 FETCH (((((((((\r\n{tag} OK done\r\n",
        "* 1 FETCH (UID 1 BODY[] NIL)\r\n* 2 FETCH (UID 1 BODY[] NIL)\r\n{tag} OK done\r\n",
        "{tag} NO [SERVERBUG] internal error\r\n",
        "{tag} NO [EXPUNGEISSUED] some are gone\r\n",
    ];
    for nth in 1..=5 {
        for answer in answers {
            let fault =
                Fault::command("UID FETCH", nth, At::Before, Action::Instead(answer.into()));
            cases.push(Scenario::one(fault));
        }
        for size in ["4294967295", "99999999999999999999", "1000000"] {
            let text = format!("* 1 FETCH (UID 1 BODY[] {{{size}}}\r\nabc");
            let faults = vec![
                Fault::command("UID FETCH", nth, At::Before, Action::Instead(text)),
                Fault::command("UID FETCH", nth, At::Before, Action::Fin),
            ];
            cases.push(Scenario::new(move |_| faults.clone()));
        }
    }
    let opened = [
        "* 4294967295 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n{tag} OK done\r\n",
        "* 3 EXISTS\r\n* OK [UIDVALIDITY 99999999999] x\r\n* OK [UIDNEXT -1] x\r\n{tag} OK [READ-ONLY] done\r\n",
        "{tag} OK\r\n",
        "{tag} NO [SERVERBUG] internal error\r\n",
    ];
    for nth in 1..=7 {
        for answer in opened {
            let fault = Fault::command("EXAMINE", nth, At::Before, Action::Instead(answer.into()));
            cases.push(Scenario::one(fault));
        }
    }
    cases
}
