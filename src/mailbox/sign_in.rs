//! From a secure connection to a signed-in one: greeting, one attempt with the password, and what the server can do then.

use super::guard::Guard;
use super::response::{Answer, Line, Status, line};
use super::sasl::{self, Credentials};
use super::session::{Session, caught, last_words};
use super::wire::{Stream, Wire};
use super::{Abilities, Literals};
use crate::error::{Error, Insecure};
use secrecy::ExposeSecret;

const DOING: &str = "sign in";

/// Signs in. The password is sent once at most: servers lock accounts after a few wrong ones.
pub(crate) fn sign_in<S: Stream>(
    stream: S,
    server: &str,
    credentials: &Credentials,
) -> Result<Session<S>, Error> {
    if !credentials.are_sendable() {
        return Err(Error::Choice {
            detail: "the user name or the password holds a line break".into(),
        });
    }
    let not_reached = |detail: String| Error::NotReached {
        server: server.into(),
        detail,
    };
    let wire = Wire::new(stream).map_err(|error| not_reached(error.to_string()))?;
    let guard = Guard::new(wire.clone());
    let mut client = imap::Client::new(guard.clone());
    let greeting = caught(&wire, "greet us", || client.read_greeting())?
        .map_err(|error| not_reached(last_words(&wire, &error.to_string())))?;
    greeted(&greeting, server)?;
    let mut announced = wire.heard(|heard| heard.take_capabilities());
    if announced.is_empty() {
        guard.expect(&["CAPABILITY "]);
        // `imap` takes a list without IMAP4rev1 for a goodbye; the wire has kept it.
        let _ = caught(&wire, DOING, || client.capabilities().map(drop))?;
        announced = wire.heard(|heard| heard.take_capabilities());
    }
    let can = |ability: &str| {
        announced
            .iter()
            .any(|atom| atom.eq_ignore_ascii_case(ability))
    };
    let no_login = can("LOGINDISABLED");
    if no_login && !can("AUTH=PLAIN") {
        let detail = "it takes no password in a way that this program knows".into();
        return Err(Error::ServerTrouble {
            doing: DOING.into(),
            detail,
        });
    }
    wire.heard(|heard| heard.hide(vec![credentials.password.clone(), credentials.plain()]));
    let signed = if no_login || !credentials.are_ascii() {
        // No quoted string carries 8-bit characters, and `imap` has no literals for LOGIN.
        guard.expect(&["+"]);
        caught(&wire, DOING, || {
            client
                .authenticate("PLAIN", &sasl::Plain::new(credentials))
                .map_err(|(error, _)| error)
        })?
    } else {
        guard.expect(&[]);
        caught(&wire, DOING, || {
            client
                .login(&credentials.user, credentials.password.expose_secret())
                .map_err(|(error, _)| error)
        })?
    };
    let session = signed.map_err(|error| match guard.answer() {
        Some(answer) => turned_away(&wire, server, answer),
        None => not_reached(last_words(&wire, &error.to_string())),
    });
    wire.heard(|heard| heard.hide(Vec::new()));
    let mut session = Session::new(server, wire, guard, session?);
    session.announced = announced_after(&mut session)?;
    Ok(session)
}

fn greeted(greeting: &[u8], server: &str) -> Result<(), Error> {
    let raw = greeting.trim_ascii_end();
    match line(raw) {
        Line::Status(Answer {
            status: Status::Ok, ..
        }) => Ok(()),
        Line::Status(Answer {
            status: Status::Bye,
            words,
            ..
        }) => Err(Error::NotReached {
            server: server.into(),
            detail: format!("it hung up: {words}"),
        }),
        // Signed in before any password: whose mailbox that is, nobody knows.
        Line::Status(Answer {
            status: Status::PreAuth,
            ..
        }) => Err(Error::NotSecure {
            server: server.into(),
            why: Insecure::Other,
            detail: "it asks for no password (PREAUTH)".into(),
        }),
        _ => {
            let shown: String = String::from_utf8_lossy(raw).chars().take(100).collect();
            Err(Error::ServerTrouble {
                doing: "greet us as a mail server".into(),
                detail: format!("this is no IMAP server: {shown}"),
            })
        }
    }
}

/// A refusal is only what speaks of the user name and the password; everything else may pass.
fn turned_away<S: Stream>(wire: &Wire<S>, server: &str, answer: Answer) -> Error {
    let certain = ["AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"]
        .iter()
        .any(|code| answer.is_code(code));
    let hung_up = wire.heard(|heard| heard.bye().is_some());
    let detail = wire.heard(|heard| heard.last().unwrap_or_default().to_string());
    if answer.status == Status::No && (certain || !hung_up && !answer.is_passing_trouble()) {
        return Error::SignInRefused {
            server: server.into(),
            detail,
        };
    }
    Error::ServerTrouble {
        doing: DOING.into(),
        detail,
    }
}

/// What it can do now; before the sign-in servers announce less. Most tell it with their yes, so that nobody has to ask
/// (RFC 9051, 6.2.3).
fn announced_after<S: Stream>(session: &mut Session<S>) -> Result<Vec<String>, Error> {
    let with_the_answer = session.wire.heard(|heard| heard.take_capabilities());
    let names_a_protocol = |atom: &String| {
        atom.get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("IMAP4"))
    };
    if with_the_answer.iter().any(names_a_protocol) {
        return Ok(with_the_answer);
    }
    let asked = session.by_imap("ask what it can do", &["CAPABILITY "], |imap| {
        imap.run_command_and_check_ok("CAPABILITY")
    })?;
    let announced = session.wire.heard(|heard| heard.take_capabilities());
    Ok(if asked.is_err() || announced.is_empty() {
        with_the_answer
    } else {
        announced
    })
}

/// Reads a list of abilities, whatever its case.
pub(crate) fn abilities(announced: &[String]) -> Abilities {
    let can = |ability: &str| {
        announced
            .iter()
            .any(|atom| atom.eq_ignore_ascii_case(ability))
    };
    let limit = |atom: &String| {
        let (name, value) = atom.split_once('=')?;
        name.eq_ignore_ascii_case("APPENDLIMIT")
            .then(|| value.parse().ok())
            .flatten()
    };
    Abilities {
        // LITERAL- is part of IMAP4rev2 (RFC 9051, 4.3).
        literals: match () {
            () if can("LITERAL+") => Literals::Plus,
            () if can("LITERAL-") => Literals::Minus,
            () => Literals::Synchronising,
        },
        multiappend: can("MULTIAPPEND"),
        uidplus: can("UIDPLUS"),
        compress: can("COMPRESS=DEFLATE"),
        append_limit: announced.iter().find_map(limit),
        announced: announced.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Plain, Server, serve};
    use super::*;
    use proptest::prelude::*;

    fn try_in(
        user: &str,
        password: &str,
        script: impl FnOnce(&mut Server) + Send + 'static,
    ) -> (Result<Session<Plain>, Error>, Vec<String>) {
        let (ours, server) = serve(script);
        let credentials = Credentials {
            user: user.into(),
            password: password.into(),
        };
        let result = sign_in(ours, "localhost:1", &credentials);
        let outcome = result.inspect(|session| session.wire.close("test over"));
        (outcome, server.join().unwrap())
    }

    fn greeting(said: &'static str) -> Error {
        let (result, log) = try_in("jane", "secret", move |server| {
            server.say(said);
            server.until_closed();
        });
        assert!(!log.concat().contains("secret"));
        result.err().unwrap()
    }

    #[test]
    fn only_a_proper_greeting_gets_the_password() {
        assert!(
            matches!(greeting("* BYE too many connections\r\n"), Error::NotReached { detail, .. } if detail.contains("too many"))
        );
        assert!(matches!(
            greeting("* PREAUTH hello\r\n"),
            Error::NotSecure { .. }
        ));
        assert!(matches!(
            greeting("220 smtp.example.org ESMTP\r\n"),
            Error::ServerTrouble { .. }
        ));
    }

    fn refusal(said: &'static str) -> (Error, Vec<String>) {
        let (result, log) = try_in("jane", "hunter2", move |server| {
            server.say("* OK hello\r\n");
            server.answer("* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n");
            server.answer(said);
            server.until_closed();
        });
        (result.err().unwrap(), log)
    }

    #[test]
    fn a_wrong_password_is_tried_once_and_told_in_the_servers_words() {
        let (error, log) =
            refusal("{tag} NO [AUTHENTICATIONFAILED] D\u{e9}sol\u{e9}, jane hunter2\r\n");
        assert!(
            matches!(&error, Error::SignInRefused { detail, .. } if detail == "[AUTHENTICATIONFAILED] D\u{e9}sol\u{e9}, jane [hidden]")
        );
        assert_eq!(
            log.iter().filter(|line| line.contains("hunter2")).count(),
            1,
            "{log:?}"
        );
        assert!(matches!(
            refusal("* BYE too many failures\r\n{tag} NO [AUTHENTICATIONFAILED] no\r\n").0,
            Error::SignInRefused { .. }
        ));
    }

    #[test]
    fn a_server_in_trouble_is_not_a_wrong_password() {
        for said in [
            "{tag} NO [UNAVAILABLE] try later\r\n",
            "{tag} NO [INUSE] x\r\n",
            "{tag} NO [SERVERBUG] x\r\n",
            "* BYE x\r\n{tag} NO bye\r\n",
            "{tag} BAD what\r\n",
        ] {
            assert!(
                matches!(refusal(said).0, Error::ServerTrouble { .. }),
                "{said}"
            );
        }
        let hung_up = try_in("jane", "hunter2", |server| {
            server.say("* OK hello\r\n");
            server.answer("* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n");
            server.answer("* BYE go away\r\n");
        });
        assert!(
            matches!(hung_up.0.err().unwrap(), Error::NotReached { detail, .. } if detail.contains("go away"))
        );
    }

    #[test]
    fn a_password_that_is_not_ascii_goes_by_authenticate_plain() {
        let (result, log) = try_in("jane", "gehëim", |server| {
            server.say("* OK hello\r\n");
            server.answer("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK\r\n");
            server.answer("+ this is not base64!\r\n");
            server.line();
            server.say("a2 OK welcome\r\n");
            server.answer(
                "* CAPABILITY IMAP4rev1 literal+ MultiAppend APPENDLIMIT=26214400\r\n{tag} OK\r\n",
            );
            server.until_closed();
        });
        let told = abilities(&result.unwrap().announced);
        assert!(
            told.multiappend
                && told.literals == Literals::Plus
                && told.append_limit == Some(26_214_400)
        );
        assert_eq!(
            log[1..3],
            [
                "a2 AUTHENTICATE PLAIN".to_string(),
                sasl::base64("\0jane\0gehëim".as_bytes())
            ]
        );
    }

    #[test]
    fn what_the_server_told_with_its_yes_is_not_asked_again() {
        let (result, log) = try_in("jane", "secret", |server| {
            server.say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
            server.answer("{tag} OK [CAPABILITY IMAP4rev1 UIDPLUS] welcome\r\n");
            server.until_closed();
        });
        assert!(abilities(&result.unwrap().announced).uidplus);
        assert_eq!(log.len(), 1, "{log:?}");
        let (result, log) = try_in("jane", "secret", |server| {
            server.say("* OK [CAPABILITY IMAP4rev1] hello\r\n");
            server.answer("{tag} OK [CAPABILITY ] welcome\r\n");
            server.answer("* CAPABILITY IMAP4rev1 MULTIAPPEND\r\n{tag} OK\r\n");
            server.until_closed();
        });
        assert!(abilities(&result.unwrap().announced).multiappend);
        assert_eq!(log[1], "a2 CAPABILITY");
    }

    #[test]
    fn where_login_is_disabled_it_is_not_tried() {
        let (result, log) = try_in("jane", "hunter2", |server| {
            server.say("* OK hello\r\n");
            server.answer("* CAPABILITY IMAP4rev1 LoginDisabled\r\n{tag} OK\r\n");
            server.until_closed();
        });
        assert!(matches!(result.err().unwrap(), Error::ServerTrouble { .. }));
        assert!(!log.concat().contains("LOGIN"));
    }

    #[test]
    fn a_server_of_imap4rev2_alone_is_understood() {
        let (result, _) = try_in("jane", "hunter2", |server| {
            server.say("* OK hello\r\n");
            server.answer("* CAPABILITY IMAP4rev2\r\n{tag} OK\r\n");
            server.answer("{tag} OK\r\n");
            server.answer("* CAPABILITY IMAP4rev2 LITERAL- UIDPLUS\r\n{tag} OK\r\n");
            server.until_closed();
        });
        let told = abilities(&result.unwrap().announced);
        assert!(told.uidplus && told.literals == Literals::Minus && !told.multiappend);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_user_name_and_no_password_can_change_a_command(user in any::<String>(), password in "[ -~\"\\\\]{0,20}|\\PC{0,8}|.{0,5}\r\n.{0,5}") {
            let (result, log) = try_in(&user, &password, |server| {
                server.sign_in("");
                server.until_closed();
            });
            if [&user, &password].iter().any(|text| text.contains(['\r', '\n', '\0'])) {
                let choice = matches!(result, Err(Error::Choice { .. }));
                prop_assert!(choice);
                prop_assert!(log.is_empty());
            } else if user.is_ascii() && password.is_ascii() {
                let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
                let login = format!("a1 LOGIN \"{}\" \"{}\"", quote(&user), quote(&password));
                prop_assert_eq!(&log[0], &login);
                prop_assert_eq!(&log[1], "a2 CAPABILITY");
                prop_assert_eq!(log.len(), 2);
            } else {
                // The script takes the line with the password for a command: nothing of it is one.
                prop_assert_eq!(&log[0], "a1 AUTHENTICATE PLAIN");
            }
        }
    }
}
