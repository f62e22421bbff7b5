//! A user name and a password, and the one way of sending them that takes any character: PLAIN (RFC 4616).

use std::cell::Cell;

use secrecy::{ExposeSecret, SecretString};

/// With which one signs in. Never shown, not even with `{:?}`.
#[derive(Clone)]
pub struct Credentials {
    /// The user name: at Spectrum the whole address.
    pub user: String,
    /// The password.
    pub password: SecretString,
}

impl Credentials {
    /// Whether both can be sent at all: no line end and no NUL.
    pub(crate) fn are_sendable(&self) -> bool {
        let fine = |text: &str| !text.contains(['\r', '\n', '\0']);
        fine(&self.user) && fine(self.password.expose_secret())
    }

    /// Whether a quoted string can carry both.
    pub(crate) fn are_ascii(&self) -> bool {
        self.user.is_ascii() && self.password.expose_secret().is_ascii()
    }

    /// The message of PLAIN, in base64.
    pub(crate) fn plain(&self) -> SecretString {
        base64(format!("\0{}\0{}", self.user, self.password.expose_secret()).as_bytes()).into()
    }
}

/// PLAIN for `imap`, which answers once: a server that asks again gets no second try out of us.
pub(crate) struct Plain<'a> {
    credentials: &'a Credentials,
    asked: Cell<bool>,
}

impl<'a> Plain<'a> {
    pub fn new(credentials: &'a Credentials) -> Plain<'a> {
        Plain {
            credentials,
            asked: Cell::new(false),
        }
    }
}

impl imap::Authenticator for Plain<'_> {
    type Response = String;

    fn process(&self, _: &[u8]) -> String {
        if self.asked.replace(true) {
            return String::new();
        }
        format!(
            "\0{}\0{}",
            self.credentials.user,
            self.credentials.password.expose_secret()
        )
    }
}

/// RFC 4648, 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            let shown = ALPHABET
                .get(value as usize)
                .filter(|_| digit <= group.len());
            out.push(shown.map_or('=', |byte| *byte as char));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap::Authenticator;

    #[test]
    fn the_examples_of_the_standard() {
        let pairs = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn the_password_is_given_once() {
        let credentials = Credentials {
            user: "jané".into(),
            password: "gehëim".into(),
        };
        assert!(!credentials.are_ascii() && credentials.are_sendable());
        let plain = Plain::new(&credentials);
        assert_eq!(plain.process(b""), "\0jané\0gehëim");
        assert_eq!(plain.process(b""), "");
        assert_eq!(
            credentials.plain().expose_secret(),
            base64("\0jané\0gehëim".as_bytes())
        );
    }

    #[test]
    fn what_could_end_a_line_is_never_sent() {
        for bad in ["a\r\nb", "a\nb", "a\0b"] {
            assert!(
                !Credentials {
                    user: bad.into(),
                    password: "x".into()
                }
                .are_sendable()
            );
            assert!(
                !Credentials {
                    user: "x".into(),
                    password: bad.into()
                }
                .are_sendable()
            );
        }
    }
}
