//! Whose mailbox it is, and on which server: from the flags, or from the person, or an answer is missing.

use spectrum_migrate::rehearsal;
use spectrum_migrate::settings::{self, Endpoint, Servers};

use super::args::{self, Flags};
use super::failure::{Answer, Failure};
use super::layout::clean;
use super::prompt::has_password;
use super::room::Room;

/// A mailbox to sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name to sign in with.
    pub user: String,
    /// For getting mail.
    pub imap: Endpoint,
    /// For sending mail, where it is known.
    pub smtp: Option<Endpoint>,
}

impl Account {
    /// `user@host:port`, as the journal knows it.
    pub fn name(&self) -> String {
        format!("{}@{}", self.user, self.imap.address())
    }
}

/// An account's name as people say it: `jane@charter.net on mobile.charter.net`.
pub fn spoken(name: &str) -> String {
    if name.starts_with(&format!("{}@127.0.0.1:", rehearsal::USER)) {
        return "the pretend mailbox inside this computer".into();
    }
    match name.rsplit_once('@') {
        Some((user, server)) => {
            let usual = format!(":{}", settings::IMAP_PORT);
            let server = server.strip_suffix(&usual).unwrap_or(server);
            clean(&format!("{user} on {server}"))
        }
        None => clean(name),
    }
}

/// What a command needs besides the mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// A password, to sign in.
    pub password: bool,
    /// A place with old mail.
    pub source: bool,
}

impl Needs {
    /// To sign in.
    pub const SIGN_IN: Needs = Needs {
        password: true,
        source: false,
    };
    /// To plan, copy or compare mail.
    pub const MAIL: Needs = Needs {
        password: true,
        source: true,
    };
}

/// Names everything that is missing where nobody can be asked.
///
/// # Errors
/// [`Failure::Missing`]
pub fn check_answers(room: &Room, flags: &Flags, needs: Needs) -> Result<(), Failure> {
    if room.asker.allowed() {
        return Ok(());
    }
    let mut missing = Vec::new();
    match &flags.email {
        None if flags.server.is_none() || flags.user.is_none() => missing.push(Answer::Email),
        Some(email)
            if flags.server.is_none()
                && settings::servers(email).is_some_and(|servers| !servers.certain) =>
        {
            missing.push(Answer::Server);
        }
        _ => {}
    }
    if needs.password && !has_password(flags) {
        missing.push(Answer::Password);
    }
    if needs.source && flags.source.is_empty() {
        missing.push(Answer::Source);
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Failure::Missing(missing))
    }
}

/// The mailbox that is meant.
///
/// # Errors
/// No address of Spectrum's, or stopped by the person.
pub fn account(room: &Room, flags: &Flags) -> Result<Account, Failure> {
    if let (Some((host, port)), Some(user)) =
        (&flags.server, flags.user.as_ref().or(flags.email.as_ref()))
    {
        let imap = Endpoint::tls(host, *port);
        let smtp = flags
            .email
            .as_deref()
            .and_then(settings::servers)
            .map(|servers| servers.smtp);
        // A server of the person's own choice has its own way of sending mail.
        let smtp = smtp.filter(|smtp| smtp.host == imap.host);
        return Ok(Account {
            user: user.clone(),
            imap,
            smtp,
        });
    }
    let email = email(room, flags)?;
    let servers = settings::servers(&email).ok_or_else(|| Failure::NotSpectrum(email.clone()))?;
    let servers = agreed(room, flags, &email, servers)?;
    Ok(Account {
        user: flags.user.clone().unwrap_or(email),
        imap: servers.imap,
        smtp: Some(servers.smtp),
    })
}

/// The address, asked for if need be.
///
/// # Errors
/// Stopped by the person.
pub fn email(room: &Room, flags: &Flags) -> Result<String, Failure> {
    match &flags.email {
        Some(email) => Ok(email.trim().to_string()),
        None if room.asker.allowed() => room
            .asker
            .line(&room.printer, "Your Spectrum email address:"),
        None => Err(Failure::Missing(vec![Answer::Email])),
    }
}

/// Where the address does not tell its server for sure, the password goes nowhere before the person has said yes.
fn agreed(
    room: &Room,
    flags: &Flags,
    email: &str,
    mut servers: Servers,
) -> Result<Servers, Failure> {
    if let Some((host, port)) = &flags.server {
        servers.imap = Endpoint::tls(host, *port);
        return Ok(servers);
    }
    if servers.certain {
        return Ok(servers);
    }
    if !room.asker.allowed() {
        return Err(Failure::Missing(vec![Answer::Server]));
    }
    let host = &servers.imap.host;
    room.printer.say(&format!(
        "An address like {} does not tell which server has its mail.\n\
         It is most likely {host}.",
        spectrum_migrate::safe::safe(email)
    ));
    let question = format!("May your password be sent to {host}, over a secure connection?");
    if !room.asker.yes(&room.printer, &question, true)? {
        servers.imap = named_server(room)?;
    }
    Ok(servers)
}

fn named_server(room: &Room) -> Result<Endpoint, Failure> {
    loop {
        let name = room
            .asker
            .line(&room.printer, "Which server then? (Enter stops)")?;
        if name.is_empty() {
            return Err(spectrum_migrate::Error::Stopped.into());
        }
        match args::server(&name) {
            Ok((host, port)) => return Ok(Endpoint::tls(&host, port)),
            Err(why) => room.printer.say(&why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::print::Look;
    use crate::cli::words::screen;

    fn flags(email: Option<&str>) -> Flags {
        Flags {
            email: email.map(String::from),
            ..Flags::default()
        }
    }

    fn silent() -> Room {
        Room::pretend(Look::default(), None).0
    }

    #[test]
    fn everything_missing_is_named_at_once() {
        let needs = Needs::MAIL;
        let none = check_answers(&silent(), &flags(None), needs).unwrap_err();
        insta::assert_snapshot!(format!("{}exit {}", screen(&none), none.exit().code()));
        let road_runner =
            check_answers(&silent(), &flags(Some("jane@nyc.rr.com")), needs).unwrap_err();
        let Failure::Missing(answers) = road_runner else {
            panic!("{road_runner:?}")
        };
        assert_eq!(answers, [Answer::Server, Answer::Password, Answer::Source]);
    }

    #[test]
    fn a_server_and_a_user_do_instead_of_an_address() {
        let flags = Flags {
            server: Some(("mail.example".into(), 1993)),
            user: Some("jane".into()),
            ..Flags::default()
        };
        let room = silent();
        assert!(check_answers(&room, &flags, Needs::default()).is_ok());
        let account = account(&room, &flags).unwrap();
        assert_eq!(
            (account.name().as_str(), account.smtp),
            ("jane@mail.example:1993", None)
        );
    }

    #[test]
    fn an_address_of_spectrums_needs_nothing_else() {
        let account = account(&silent(), &flags(Some(" jane@charter.net "))).unwrap();
        assert_eq!(account.name(), "jane@charter.net@mobile.charter.net:993");
        assert_eq!(
            spoken(&account.name()),
            "jane@charter.net on mobile.charter.net"
        );
        assert_eq!(spoken("jane@localhost:1143"), "jane on localhost:1143");
        assert_eq!(account.smtp.map(|smtp| smtp.port), Some(587));
    }

    #[test]
    fn another_address_is_named_as_such() {
        let failure = account(&silent(), &flags(Some("jane@example.org"))).unwrap_err();
        assert!(matches!(failure, Failure::NotSpectrum(email) if email == "jane@example.org"));
    }

    #[test]
    fn no_password_goes_to_a_guessed_server_before_the_person_agrees() {
        let jane = flags(Some("jane@nyc.rr.com"));
        assert!(
            matches!(account(&silent(), &jane), Err(Failure::Missing(missing)) if missing == [Answer::Server])
        );
        let (room, written) = Room::pretend(Look::default(), Some("y\n"));
        assert_eq!(account(&room, &jane).unwrap().imap.host, "mail.twc.com");
        insta::assert_snapshot!(written.err());
        let (room, _) = Room::pretend(Look::default(), Some("n\n\n"));
        assert!(account(&room, &jane).unwrap_err().is_stop());
        let (room, _) = Room::pretend(Look::default(), Some("n\na b\nmail.brighthouse.com\n"));
        assert_eq!(
            account(&room, &jane).unwrap().imap.host,
            "mail.brighthouse.com"
        );
        let named = Flags {
            server: Some(("mail.brighthouse.com".into(), 993)),
            ..flags(Some("jane@nyc.rr.com"))
        };
        assert_eq!(
            account(&silent(), &named).unwrap().imap.host,
            "mail.brighthouse.com"
        );
    }
}
