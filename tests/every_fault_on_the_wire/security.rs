//! Rows T1, T2, P1 and P2: nobody gets the password who should not have it, and it is never tried twice.

use spectrum_migrate::error::Error;

use crate::mail::Mail;
use crate::several::slow;
use crate::support::fault_server::certificates::Shown;
use crate::support::fault_server::script::{Action, At, Fault, On};
use crate::survive::{Outcome, Scenario};

/// The first run ended where the nth connection was not secure, or went on with another that was. That no password
/// was ever sent over the one that was not, holds for every scenario.
fn not_secure(outcome: &Outcome, nth: u64) -> Result<(), String> {
    let another = nth > 1 && outcome.first.is_ok();
    if another || matches!(outcome.first, Err(Error::NotSecure { .. })) {
        return Ok(());
    }
    Err(format!("ended with {:?}", outcome.first.as_ref().err()))
}

fn shown(nth: u64, shown: Shown) -> Scenario {
    let fault = Fault::new(On::Handshake, nth, At::Before, Action::Show(shown));
    with_connections(nth, Scenario::one(fault)).judged(move |outcome| not_secure(outcome, nth))
}

/// With so much mail that there are this many connections.
fn with_connections(many: u64, scenario: Scenario) -> Scenario {
    if many > 2 {
        scenario.on(&slow()).with(Mail::Many)
    } else {
        scenario
    }
}

pub fn certificates() -> Vec<Scenario> {
    let bad = [
        Shown::Expired,
        Shown::OtherName,
        Shown::UnknownIssuer,
        Shown::OldTls,
    ];
    (1..=4)
        .flat_map(|nth| bad.map(|bad| shown(nth, bad)))
        .collect()
}

pub fn garbage() -> Vec<Scenario> {
    let mut cases: Vec<Scenario> = (1..=4).map(|nth| shown(nth, Shown::NoTls)).collect();
    let garbage: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let endless = vec![b'x'; 200_000];
    let places = [
        (On::Greeting, At::Before),
        (On::Command("LIST".into()), At::Before),
        (On::Command("EXAMINE".into()), At::Before),
        (On::Command("UID FETCH".into()), At::Before),
        (On::Command("APPEND".into()), At::Before),
        (On::Command("APPEND".into()), At::AfterLiteral),
        (On::Command("APPEND".into()), At::AfterStore),
        (On::Command("LOGOUT".into()), At::Before),
    ];
    for (on, at) in places {
        for bytes in [&garbage, &endless] {
            let inject = Action::Inject(bytes.clone());
            cases.push(Scenario::one(Fault::new(on.clone(), 1, at, inject)));
        }
    }
    cases
}

pub fn greetings() -> Vec<Scenario> {
    let greetings = [
        Action::Bye("too many connections".into()),
        Action::Bye("[UNAVAILABLE] down for maintenance".into()),
        Action::Instead("* PREAUTH welcome\r\n".into()),
        Action::Instead("220 mail.example.org ESMTP\r\n".into()),
        Action::Instead("HTTP/1.1 400 Bad Request\r\n\r\n".into()),
        Action::Instead("* NO not now\r\n".into()),
        Action::Fin,
        Action::Reset,
    ];
    let case = |nth: u64, action: Action| {
        let fault = Fault::new(On::Greeting, nth, At::Before, action);
        // With the first connection nothing is tried twice: the person is there.
        with_connections(nth, Scenario::one(fault)).judged(move |outcome| {
            let sent = outcome.credentials_of_first;
            if nth == 1 && sent > 0 {
                return Err(format!("the password was sent {sent} times"));
            }
            Ok(())
        })
    };
    (1..=4)
        .flat_map(|nth| {
            greetings
                .clone()
                .into_iter()
                .map(move |action| case(nth, action))
        })
        .collect()
}

pub fn sign_ins() -> Vec<Scenario> {
    let mut cases = Vec::new();
    let wrong = [
        "[AUTHENTICATIONFAILED] no",
        "[AUTHORIZATIONFAILED] no",
        "[EXPIRED] no",
        "login failed",
    ];
    for nth in 1..=3 {
        for words in wrong {
            let fault = Fault::command("LOGIN", nth, At::Before, Action::No(words.into()));
            cases.push(Scenario::one(fault).judged(move |outcome| {
                let another = nth > 1 && outcome.first.is_ok();
                let refused = another || matches!(outcome.first, Err(Error::SignInRefused { .. }));
                let sent = outcome.credentials_of_first;
                if refused && sent == nth {
                    return Ok(());
                }
                let end = outcome.first.as_ref().err();
                Err(format!(
                    "a wrong password was sent {sent} times for {nth}, ended with {end:?}"
                ))
            }));
        }
        for words in [
            "[UNAVAILABLE] later",
            "[INUSE] busy",
            "[PRIVACYREQUIRED] not here",
        ] {
            let fault = Fault::command("LOGIN", nth, At::Before, Action::No(words.into()));
            cases.push(Scenario::one(fault));
        }
    }
    // What is announced before the sign-in is asked for again with each connection.
    let disabled = "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n{tag} OK done\r\n";
    for nth in [1, 3, 5] {
        let fault = Fault::command(
            "CAPABILITY",
            nth,
            At::Before,
            Action::Instead(disabled.into()),
        );
        cases.push(Scenario::one(fault).judged(move |outcome| {
            let sent = outcome.credentials_of_first;
            if nth == 1 && sent > 0 {
                return Err(format!("the password was sent {sent} times"));
            }
            Ok(())
        }));
    }
    cases
}
