//! The sign-in: where the password comes from, and a second try for a person who mistyped it.

use secrecy::{ExposeSecret, SecretString};
use spectrum_migrate::Error;
use spectrum_migrate::mailbox::rate::Rate;
use spectrum_migrate::mailbox::tls::TlsConnect;
use spectrum_migrate::mailbox::{Connect, Credentials, Mailbox};

use super::account::Account;
use super::args::Flags;
use super::failure::Failure;
use super::prompt::given_password;
use super::room::Room;
use super::words;

/// A way to connect that the server has accepted, and the first connection. A person gets a second try at the
/// password; the server never gets more than one for each time it was typed.
///
/// # Errors
/// The server is not reached, not trusted, or refuses the password.
pub fn sign_in(
    room: &Room,
    flags: &Flags,
    account: &Account,
) -> Result<(SignedIn, Box<dyn Mailbox>), Failure> {
    let given = given_password(flags)?;
    let asked = given.is_none();
    let mut password = match given {
        Some(password) => password,
        None => room.asker.password(&room.printer, &account.user)?,
    };
    for last in [false, true] {
        let connect = connector(flags, account, &password);
        match connect.connect() {
            Ok(mailbox) => {
                room.printer
                    .say(&format!("ok   Signed in to {}", account.imap.host));
                return Ok((SignedIn { connect, password }, mailbox));
            }
            Err(error @ Error::SignInRefused { .. }) if asked && !last => {
                room.printer.say(&words::screen(&error.into()));
                room.printer.say("\n");
                password = room.asker.password(&room.printer, &account.user)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Stopped.into())
}

/// What a sign-in leads to.
pub struct SignedIn {
    /// Makes more connections.
    pub connect: Box<dyn Connect>,
    /// The password that the server took.
    pub password: SecretString,
}

/// What the account signs in with.
pub fn credentials(account: &Account, password: &SecretString) -> Credentials {
    Credentials {
        user: account.user.clone(),
        password: SecretString::from(password.expose_secret().to_string()),
    }
}

fn connector(flags: &Flags, account: &Account, password: &SecretString) -> Box<dyn Connect> {
    let endpoint = account.imap.clone();
    let credentials = credentials(account, password);
    let connect = TlsConnect::new(endpoint, credentials, flags.ca_file.clone());
    Box::new(connect.at_most(flags.max_rate.map(Rate::new)))
}
