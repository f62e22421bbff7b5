//! `check`: connect, sign in, and say in plain words what the server has and can do. Changes nothing.

use serde::Serialize;
use spectrum_migrate::amount::{counted, messages, size};
use spectrum_migrate::mailbox::certificate::CertificateInfo;
use spectrum_migrate::mailbox::smtp::check_outgoing;
use spectrum_migrate::mailbox::{Abilities, Literals, Mailbox, Quota, tls};
use spectrum_migrate::settings::Endpoint;
use spectrum_migrate::{Error, settings};

use super::account::{Account, Needs, account, check_answers};
use super::args::Flags;
use super::exit::Exit;
use super::failure::{Failure, Situation};
use super::layout::{clean, wrap};
use super::room::Room;
use super::sign_in::{SignedIn, credentials, sign_in};
use super::words;

/// Checks, and ends with the code of the first thing that is not right.
///
/// # Errors
/// No connection, no sign-in, or a server that makes no sense.
pub fn run(room: &Room, flags: &Flags) -> Result<Exit, Failure> {
    room.explain_silence();
    check_answers(room, flags, Needs::SIGN_IN)?;
    let (_, outgoing) = connect_and_show(room, flags)?;
    match outgoing {
        Some(error) => Err(error.into()),
        None => Ok(Exit::Done),
    }
}

/// The same, for a run that goes on. What is wrong with sending mail stops no copy.
///
/// # Errors
/// No connection, no sign-in, or a server that makes no sense.
pub fn connect_and_show(room: &Room, flags: &Flags) -> Result<(SignedIn, Option<Error>), Failure> {
    let account = account(room, flags)?;
    // Before the password is asked for: a connection that is not safe gets none.
    let certificate = tls::inspect(&account.imap, flags.ca_file.as_deref())?;
    let (signed_in, mut mailbox) = sign_in(room, flags, &account)?;
    let seen = look(mailbox.as_mut(), certificate)?;
    mailbox.logout();
    let (sending, trouble) = outgoing(flags, &account, &signed_in);
    room.printer.event(
        "check",
        &Line {
            account: account.name(),
            seen: &seen,
            outgoing: &sending,
        },
    );
    room.printer.result(&screen(
        &account,
        &seen,
        &sending,
        room.printer.look.verbose,
    ));
    Ok((signed_in, trouble))
}

/// What the server has and can do.
#[derive(Clone, Debug, Default, Serialize)]
struct Seen {
    certificate: CertificateInfo,
    folders: u64,
    messages: u64,
    quota: Option<Quota>,
    abilities: Abilities,
}

/// Whether mail can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Sending {
    /// The same password is good for it.
    Works {
        server: String,
        security: &'static str,
    },
    /// It is not.
    Fails { server: String, what: String },
    /// No server for it is known.
    NotTried,
}

#[derive(Serialize)]
struct Line<'a> {
    account: String,
    #[serde(flatten)]
    seen: &'a Seen,
    outgoing: &'a Sending,
}

fn look(mailbox: &mut dyn Mailbox, certificate: CertificateInfo) -> Result<Seen, Error> {
    let mut seen = Seen {
        certificate,
        quota: mailbox.quota()?,
        abilities: mailbox.abilities().clone(),
        ..Seen::default()
    };
    for folder in mailbox.folders()?.iter().filter(|folder| folder.selectable) {
        seen.folders += 1;
        if let Some(examined) = mailbox.examine(&folder.name)? {
            seen.messages += u64::from(examined.exists);
            mailbox.leave()?;
        }
    }
    Ok(seen)
}

/// Tried only now, when the server of the same platform has taken the same password.
fn outgoing(flags: &Flags, account: &Account, signed_in: &SignedIn) -> (Sending, Option<Error>) {
    let Some(smtp) = &account.smtp else {
        return (Sending::NotTried, None);
    };
    let credentials = credentials(account, &signed_in.password);
    match check_outgoing(
        &smtp.host,
        smtp.port,
        &credentials,
        flags.ca_file.as_deref(),
    ) {
        Ok(report) => (
            Sending::Works {
                server: smtp.address(),
                security: report.security.name(),
            },
            None,
        ),
        Err(error) => {
            let what = words::error_words(&error, Situation::Untouched).what;
            (
                Sending::Fails {
                    server: smtp.address(),
                    what,
                },
                Some(error),
            )
        }
    }
}

fn screen(account: &Account, seen: &Seen, sending: &Sending, verbose: bool) -> String {
    let Endpoint { host, port, .. } = &account.imap;
    let mut lines = vec![
        wrap(
            "ok   ",
            &format!("Connected to {}, port {port}.", clean(host)),
        ),
        certificate(&seen.certificate),
        wrap("ok   ", &format!("Signed in as {}.", clean(&account.user))),
        wrap(
            "ok   ",
            &format!(
                "{}, {} there now.",
                counted(seen.folders, "folder", "folders"),
                messages(seen.messages)
            ),
        ),
        space(seen.quota),
        largest(seen.abilities.append_limit),
        sends(sending),
        String::new(),
        "How fast it can go".into(),
    ];
    lines.extend(abilities(&seen.abilities));
    if verbose {
        lines.push(wrap(
            "     The server announces: ",
            &clean(&seen.abilities.announced.join(" ")),
        ));
    }
    lines.push("\nNothing has been changed.".into());
    lines.join("\n") + "\n"
}

/// Names the issuer: whoever stands in the middle has a name of their own there.
fn certificate(certificate: &CertificateInfo) -> String {
    let issuer = certificate
        .issuer
        .as_deref()
        .unwrap_or("an issuer without a name");
    let until = certificate
        .not_after
        .as_deref()
        .map(|day| format!(", valid until {}", clean(day)));
    let text = format!(
        "Its certificate is good: issued by {}{}.",
        clean(issuer),
        until.unwrap_or_default()
    );
    wrap("ok   ", &text)
}

fn space(quota: Option<Quota>) -> String {
    match quota {
        Some(quota) if quota.free() == 0 => {
            "!    Space: none. Empty Trash and Spam in webmail.".into()
        }
        Some(quota) => format!(
            "ok   Space: {} of {} free.",
            size(quota.free()),
            size(quota.limit)
        ),
        None => wrap(
            "!    ",
            &format!(
                "The server does not say how much space is left. Spectrum's published limit is {}.",
                size(settings::MAILBOX_LIMIT)
            ),
        ),
    }
}

fn largest(limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("ok   Largest message: {}.", size(limit)),
        None => wrap(
            "!    ",
            &format!(
                "The server does not say how large a message can be. Spectrum's published limit is {}.",
                size(settings::MESSAGE_LIMIT)
            ),
        ),
    }
}

fn sends(sending: &Sending) -> String {
    match sending {
        Sending::Works { server, security } => wrap(
            "ok   ",
            &format!("Sending mail works too: {}, {security}.", clean(server)),
        ),
        Sending::Fails { server, what } => wrap(
            "!    ",
            &format!(
                "Sending mail could not be checked ({}): {}. Copying does not need it.",
                clean(server),
                clean(what)
            ),
        ),
        Sending::NotTried => "     Sending mail was not checked: no server for it is known.".into(),
    }
}

fn abilities(abilities: &Abilities) -> [String; 3] {
    let yes_or_no = |can: bool| if can { "yes" } else { "no, which is fine" };
    let line = |what: &str, can: bool| format!("     {what:<52} {}", yes_or_no(can));
    [
        line(
            "Messages without waiting between them (LITERAL+)",
            abilities.literals != Literals::Synchronising,
        ),
        line("Many messages at once (MULTIAPPEND)", abilities.multiappend),
        line(
            "Tells where it put each message (UIDPLUS)",
            abilities.uidplus,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            user: "jane@charter.net".into(),
            imap: Endpoint::tls("mobile.charter.net", 993),
            smtp: None,
        }
    }

    fn able() -> Seen {
        Seen {
            certificate: CertificateInfo {
                issuer: Some("DigiCert\x1b[2J TLS CA".into()),
                not_after: Some("2027-01-31 23:59:59 UTC".into()),
                ..CertificateInfo::default()
            },
            folders: 10,
            messages: 1_840,
            quota: Some(Quota {
                used: 800_000_000,
                limit: 10_000_000_000,
            }),
            abilities: Abilities {
                literals: Literals::Plus,
                multiappend: true,
                uidplus: true,
                compress: false,
                append_limit: Some(30_000_000),
                announced: vec!["IMAP4rev1".into(), "LITERAL+".into()],
            },
        }
    }

    #[test]
    fn a_server_that_tells_everything() {
        let works = Sending::Works {
            server: "mobile.charter.net:587".into(),
            security: "SSL/TLS",
        };
        insta::assert_snapshot!(screen(&account(), &able(), &works, true));
    }

    #[test]
    fn a_server_that_tells_little_is_told_apart_from_a_bad_one() {
        let seen = Seen {
            folders: 1,
            messages: 1,
            ..Seen::default()
        };
        let server = "mobile.charter.net:587".to_string();
        let fails = Sending::Fails {
            server,
            what: "The mail server cannot be reached".into(),
        };
        let full = Seen {
            quota: Some(Quota { used: 5, limit: 5 }),
            ..seen.clone()
        };
        let shown = [
            screen(&account(), &seen, &fails, false),
            screen(&account(), &full, &Sending::NotTried, false),
        ];
        assert!(
            shown
                .iter()
                .flat_map(|text| text.lines())
                .all(|line| line.chars().count() <= 80)
        );
        insta::assert_snapshot!(shown.join("\n----\n"));
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_said_before_a_password_is_asked_for() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let flags = Flags {
            server: Some(("127.0.0.1".into(), closed)),
            user: Some("jane".into()),
            ..Flags::default()
        };
        let (room, _) = Room::pretend(Default::default(), Some(""));
        assert_eq!(run(&room, &flags).unwrap_err().exit(), Exit::NotReached);
    }

    #[test]
    fn a_server_without_tls_gets_no_password() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(b"* OK plain IMAP here\r\n").unwrap();
            let mut heard = Vec::new();
            let _ = socket.read_to_end(&mut heard);
            heard
        });
        let dir = tempfile::tempdir().unwrap();
        let password = dir.path().join("password");
        std::fs::write(&password, "a very secret one").unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(
            &password,
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        let flags = Flags {
            server: Some(("127.0.0.1".into(), port)),
            user: Some("jane".into()),
            password_file: Some(password),
            ..Flags::default()
        };
        let (room, written) = Room::pretend(Default::default(), None);
        assert_eq!(run(&room, &flags).unwrap_err().exit(), Exit::NotSecure);
        let heard = server.join().unwrap();
        assert!(!String::from_utf8_lossy(&heard).contains("secret"));
        assert!(!written.err().contains("secret") && !written.out().contains("secret"));
    }
}
