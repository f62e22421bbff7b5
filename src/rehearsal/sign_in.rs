//! Who may sign in, and the two ways to do it: LOGIN and AUTHENTICATE PLAIN.

use std::io;

use super::answer::Reply;
use super::line::Link;
use super::parse::Token;
use super::session::Session;

/// Wrong passwords that a connection may try.
const TRIES: u32 = 3;

/// Who may sign in.
pub(super) struct Account {
    user: String,
    password: String,
}

impl Account {
    pub(super) fn new(user: &str, password: String) -> Account {
        Account {
            user: user.into(),
            password,
        }
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }

    fn lets_in(&self, user: &[u8], password: &[u8]) -> bool {
        // The same time for every wrong password of this length.
        let differs = |a: &[u8], b: &[u8]| {
            let bits = a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a ^ b));
            a.len() != b.len() || bits != 0
        };
        user.eq_ignore_ascii_case(self.user.as_bytes())
            && !differs(password, self.password.as_bytes())
    }
}

impl<L: Link> Session<'_, L> {
    /// LOGIN (RFC 9051, 6.2.3).
    pub(super) fn login(&mut self, args: &[Token]) -> io::Result<Reply> {
        let [user, password] = args else {
            return Ok(Reply::bad("LOGIN takes a name and a password"));
        };
        match (user.bytes(), password.bytes()) {
            (Some(user), Some(password)) => self.sign_in(user, password),
            _ => Ok(Reply::bad("LOGIN takes a name and a password")),
        }
    }

    /// AUTHENTICATE PLAIN (RFC 4616), with the answer in the command or after it (RFC 4959).
    pub(super) fn authenticate(&mut self, args: &[Token]) -> io::Result<Reply> {
        let (method, initial) = match args {
            [method] => (method, None),
            [method, initial] => (method, initial.bytes().map(<[u8]>::to_vec)),
            _ => return Ok(Reply::bad("AUTHENTICATE takes a method")),
        };
        if method.word().as_deref() != Some("PLAIN") {
            return Ok(Reply::no("[CANNOT] only PLAIN is known here"));
        }
        let coded = match initial {
            Some(coded) => coded,
            None => {
                self.line.send(b"+ \r\n")?;
                self.line.line()?
            }
        };
        if coded == b"*" {
            return Ok(Reply::bad("as you wish"));
        }
        let decoded = mail_parser::decoders::base64::base64_decode(&coded).unwrap_or_default();
        let parts: Vec<&[u8]> = decoded.split(|byte| *byte == 0).collect();
        match parts.as_slice() {
            [_, user, password] => self.sign_in(user, password),
            _ => Ok(Reply::bad("that is not what PLAIN looks like")),
        }
    }

    fn sign_in(&mut self, user: &[u8], password: &[u8]) -> io::Result<Reply> {
        if self.account.lets_in(user, password) {
            self.signed_in = true;
            return Ok(Reply::ok(format!(
                "[CAPABILITY {}] welcome",
                self.capabilities()
            )));
        }
        self.wrong += 1;
        if self.wrong >= TRIES {
            self.open = false;
            self.line.send(b"* BYE too many wrong passwords\r\n")?;
        }
        Ok(Reply::no(
            "[AUTHENTICATIONFAILED] user name or password is wrong",
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::rehearsal::testing::{answers_to, small_store};

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn three_wrong_passwords_end_the_connection() {
        let store = small_store();
        let heard = text(&answers_to(
            &store,
            "a LOGIN jane x\r\n".repeat(5).as_bytes(),
        ));
        assert_eq!(heard.matches("a NO [AUTHENTICATIONFAILED]").count(), 3);
        assert!(heard.contains("* BYE"));
    }

    #[test]
    fn every_way_to_sign_in_works() {
        let coded = "AGphbmUAc2VjcmV0"; // \0jane\0secret
        for said in [
            "a LOGIN Jane \"secret\"\r\n".to_string(),
            "a LOGIN {4}\r\njane {6+}\r\nsecret\r\n".into(),
            format!("a AUTHENTICATE PLAIN {coded}\r\n"),
            format!("a authenticate plain\r\n{coded}\r\n"),
        ] {
            let heard = text(&answers_to(&small_store(), said.as_bytes()));
            assert!(
                heard.contains("a OK [CAPABILITY IMAP4rev1 LITERAL+"),
                "{said}{heard}"
            );
        }
        for said in [
            "a LOGIN jane secre\r\n",
            "a LOGIN jane secrets\r\n",
            "a AUTHENTICATE PLAIN AGphbmUAc2VjcmVU\r\n",
        ] {
            assert!(
                text(&answers_to(&small_store(), said.as_bytes())).contains("a NO "),
                "{said}"
            );
        }
    }
}
