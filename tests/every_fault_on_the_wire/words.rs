//! Rows P3 to P8: the server says goodbye, no, BAD, or things that nobody asked for.

use spectrum_migrate::transfer::plan::Reason;

use crate::classes::{at_one, everywhere, transcript};
use crate::mail::Mail;
use crate::network::at_the_first_try;
use crate::support::fault_server::script::{Action, At, Fault};
use crate::support::fault_server::traits::Traits;
use crate::survive::{Outcome, Scenario};

fn waiting() -> Traits {
    Traits::default().without("LITERAL+").without("MULTIAPPEND")
}

pub fn goodbyes() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let bye = Action::Bye("[UNAVAILABLE] shutting down".into());
    for traits in [Traits::default(), waiting()] {
        for one in &transcript(&traits) {
            if one.command == "APPEND" {
                cases.extend(everywhere(&traits, one, 9, &bye));
            }
            for at in [At::Before, At::AfterStore, At::After] {
                cases.push(at_one(&traits, one, at, &bye));
            }
        }
    }
    cases
}

pub fn full_mailbox() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let full = |outcome: &Outcome| match &outcome.first {
        Ok(report) if report.counts.waiting > 0 && report.reasons.contains_key(&Reason::Full) => {
            Ok(())
        }
        other => Err(format!("ended with {:?}", other.as_ref().err())),
    };
    for words in [
        "[OVERQUOTA] Quota exceeded (mailbox for user is full)",
        "Quota exceeded",
    ] {
        for nth in 1..=5 {
            for at in [At::Before, At::BeforePlus, At::AfterLiteral] {
                let fault = Fault::command("APPEND", nth, at, Action::No(words.into()));
                cases.push(Scenario::one(fault).on(&waiting()).judged(full));
            }
        }
        for at in [At::Before, At::AfterLiteral] {
            for traits in [Traits::default(), Traits::default().without("MULTIAPPEND")] {
                // Full until someone makes room after the first run.
                let fault = Fault::command("APPEND", 0, at, Action::No(words.into()));
                let mut scenario = Scenario::one(fault).on(&traits).judged(full);
                scenario.heals = true;
                cases.push(scenario);
            }
        }
    }
    cases
}

pub fn too_large() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for words in [
        "[LIMIT] Too many identical emails",
        "[TOOBIG] no",
        "Message size exceeds fixed limit",
    ] {
        for traits in [
            Traits::default(),
            Traits::default().without("MULTIAPPEND"),
            waiting(),
        ] {
            for at in [At::Before, At::BeforePlus, At::AfterLiteral] {
                for nth in [1, 3] {
                    let fault = Fault::command("APPEND", nth, at, Action::No(words.into()));
                    cases.push(Scenario::one(fault).on(&traits));
                }
            }
        }
    }
    // The large one is the last, and goes alone.
    for at in [
        At::Before,
        At::BeforePlus,
        At::AfterLiteral,
        At::AfterStore,
        At::Byte(700_000),
    ] {
        for action in [
            Action::No("[TOOBIG] no".into()),
            Action::Reset,
            Action::Bye("now".into()),
        ] {
            let bad_place = matches!((at, &action), (At::Byte(_) | At::AfterStore, Action::No(_)));
            if !bad_place {
                let fault = Fault::command("APPEND", 2, at, action);
                cases.push(Scenario::one(fault).with(Mail::WithABigOne));
            }
        }
    }
    cases
}

pub fn folders_refused() -> Vec<Scenario> {
    let mut cases = Vec::new();
    for traits in [
        Traits::default(),
        Traits::default().without("MULTIAPPEND"),
        waiting(),
    ] {
        for at in [At::Before, At::BeforePlus, At::AfterLiteral] {
            for nth in [1, 2] {
                let no = Action::No("[TRYCREATE] no such folder".into());
                let fault = Fault::command("APPEND", nth, at, no);
                cases.push(Scenario::one(fault).on(&traits));
            }
        }
        for words in [
            "[ALREADYEXISTS] there",
            "[CANNOT] no",
            "[NOPERM] no",
            "[INUSE] later",
            "no",
        ] {
            let fault = Fault::command("CREATE", 1, At::Before, Action::No(words.into()));
            let scenario = Scenario::one(fault.clone()).on(&traits);
            cases.push(scenario.with(Mail::TrickyNothingThere));
        }
        for command in ["CREATE", "SUBSCRIBE"] {
            for (at, action) in [
                (At::AfterStore, Action::Reset),
                (At::Before, Action::Fin),
                (At::AfterStore, Action::Bye("now".into())),
                (At::Before, Action::Bad("what".into())),
            ] {
                let scenario = Scenario::one(Fault::command(command, 1, at, action)).on(&traits);
                cases.push(scenario.with(Mail::TrickyNothingThere));
            }
        }
    }
    cases
}

pub fn bad() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let bad = Action::Bad("syntax error".into());
    for traits in [
        Traits::default(),
        Traits::default().without("MULTIAPPEND"),
        waiting(),
    ] {
        for nth in 1..=5 {
            for at in [At::Before, At::BeforePlus, At::AfterLiteral, At::AfterStore] {
                cases.push(
                    Scenario::one(Fault::command("APPEND", nth, at, bad.clone())).on(&traits),
                );
            }
            let nothing = Action::Instead(String::new());
            let faults = vec![
                Fault::command("APPEND", nth, At::BeforePlus, nothing),
                Fault::command("APPEND", nth, At::BeforePlus, Action::Fin),
            ];
            cases.push(Scenario::new(move |_| faults.clone()).on(&traits));
        }
        // An answer with a tag that nobody used.
        let other = Action::Instead("zz9 OK stored\r\n".into());
        for at in [At::Before, At::AfterLiteral, At::AfterStore] {
            cases.push(Scenario::one(Fault::command("APPEND", 1, at, other.clone())).on(&traits));
        }
    }
    for one in [
        "EXAMINE",
        "UID FETCH",
        "UNSELECT",
        "NAMESPACE",
        "GETQUOTAROOT",
        "LIST",
        "LOGOUT",
    ] {
        for nth in [1, 2, 3, 4] {
            cases.push(Scenario::one(Fault::command(
                one,
                nth,
                At::Before,
                bad.clone(),
            )));
        }
    }
    for scenario in &mut cases {
        scenario.may_poison = true;
    }
    cases
}

pub fn unasked() -> Vec<Scenario> {
    let lines = [
        "* 23 EXISTS\r\n",
        "* 1 EXPUNGE\r\n",
        "* 1 FETCH (FLAGS (\\Seen))\r\n",
        "* LIST (\\HasNoChildren) \"/\" Surprise\r\n",
        "* CAPABILITY IMAP4rev1\r\n",
        "* OK [ALERT] the server will be down tonight\r\n",
        "* NO [ALERT] 90% full\r\n",
        "* BAD you did something odd\r\n",
        "* 5 RECENT\r\n",
        "* STATUS INBOX (MESSAGES 3 SIZE 4)\r\n",
        "* ENABLED CONDSTORE\r\n* ESEARCH (TAG \"a\") UID\r\n",
        "* OK caf\u{e9}\r\n",
        "* SOMETHING new {3}\r\nabc more\r\n",
    ];
    let mut cases = Vec::new();
    for traits in [Traits::default(), waiting()] {
        for (n, one) in transcript(&traits).iter().enumerate() {
            for (m, line) in lines.iter().enumerate() {
                let append = one.command == "APPEND" && one.nth == 1;
                // Half of the lines with each command, in turn.
                if (n + m) % 2 != 0 && !append {
                    continue;
                }
                let inject = Action::Inject(line.as_bytes().to_vec());
                let places: &[At] = match append {
                    true => &[
                        At::Before,
                        At::BeforePlus,
                        At::AfterLiteral,
                        At::AfterStore,
                        At::After,
                    ],
                    false => &[At::Before, At::AfterStore],
                };
                for at in places {
                    cases.push(at_one(&traits, one, *at, &inject).judged(at_the_first_try));
                }
            }
        }
    }
    cases
}
