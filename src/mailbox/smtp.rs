//! Checks that sending mail will work with the same password: TLS, one sign-in, goodbye. No mail is sent.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde::Serialize;

use super::sasl::{Credentials, base64};
use super::tls::{reach, secure};
use super::wire::{Stream, Wire};
use crate::error::{Error, Insecure};
use crate::settings::Security;

/// Most lines of one reply.
const MOST_LINES: usize = 100;

/// How long one reply may take (RFC 5321, 4.5.3.2 asks for five minutes; a person is waiting here).
const LONGEST: Duration = Duration::from_secs(60);

/// What was found out about sending mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutgoingReport {
    /// How the connection was made secure.
    pub security: Security,
    /// How the password was taken: `PLAIN` or `LOGIN`.
    pub mechanism: &'static str,
    /// Largest message in bytes that it takes (RFC 1870), where it says so.
    pub size_limit: Option<u64>,
}

/// Signs in at a server for outgoing mail and leaves again. TLS from the first byte is tried first, then STARTTLS;
/// the password is sent once, and only when the certificate is good.
///
/// # Errors
/// [`Error::NotReached`], [`Error::NotSecure`], [`Error::SignInRefused`], [`Error::ServerTrouble`].
pub fn check_outgoing(
    host: &str,
    port: u16,
    credentials: &Credentials,
    ca_file: Option<&Path>,
) -> Result<OutgoingReport, Error> {
    let server = format!("{host}:{port}");
    match secure(reach(host, port)?, host, port, ca_file) {
        Ok(stream) => {
            let mut talk = Talk::new(stream, server)?;
            talk.expect("greet", 220)?;
            talk.sign_in(credentials, Security::Tls)
        }
        // A bad certificate does not get better by STARTTLS.
        Err(
            error @ Error::NotSecure {
                why: Insecure::NoTls | Insecure::Other,
                ..
            }
            | error @ Error::NotReached { .. },
        ) => {
            let Some(tcp) = start_tls(host, port, &server)? else {
                return Err(error);
            };
            let mut talk = Talk::new(secure(tcp, host, port, ca_file)?, server)?;
            talk.sign_in(credentials, Security::StartTls)
        }
        Err(error) => Err(error),
    }
}

/// A plain connection on which the server is ready for the handshake; `None` where it offers no STARTTLS.
fn start_tls(host: &str, port: u16, server: &str) -> Result<Option<TcpStream>, Error> {
    let mut talk = Talk::new(Plain(reach(host, port)?), server.into())?;
    talk.expect("greet", 220)?;
    if !talk
        .hello()?
        .iter()
        .any(|line| line.eq_ignore_ascii_case("STARTTLS"))
    {
        return Ok(None);
    }
    talk.say("STARTTLS")?;
    talk.expect("start TLS", 220)?;
    // Whatever came in after the 220 was not protected: someone on the way may have put it there (RFC 3207, 6).
    match talk.wire.into_stream() {
        Some(plain) => Ok(Some(plain.0)),
        None => Err(Error::NotSecure {
            server: server.into(),
            why: Insecure::Other,
            detail: "something was said between STARTTLS and the handshake".into(),
        }),
    }
}

/// The connection before STARTTLS; nothing secret goes over it.
struct Plain(TcpStream);

impl std::io::Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Plain {
    fn tcp(&self) -> &TcpStream {
        &self.0
    }
}

struct Talk<S: Stream> {
    wire: Wire<S>,
    server: String,
}

struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl<S: Stream> Talk<S> {
    fn new(stream: S, server: String) -> Result<Talk<S>, Error> {
        match Wire::new(stream) {
            Ok(wire) => Ok(Talk { wire, server }),
            Err(error) => Err(Error::NotReached {
                server,
                detail: error.to_string(),
            }),
        }
    }

    fn sign_in(
        &mut self,
        credentials: &Credentials,
        security: Security,
    ) -> Result<OutgoingReport, Error> {
        if !credentials.are_sendable() {
            return Err(Error::Choice {
                detail: "the user name or the password holds a line break".into(),
            });
        }
        // Anything learned before the handshake is forgotten: this is a new greeting.
        let offered = self.hello()?;
        let after = |word: &str| {
            offered.iter().find_map(|line| {
                let (head, rest) = line.split_once([' ', '='])?;
                head.eq_ignore_ascii_case(word)
                    .then(|| rest.to_ascii_uppercase())
            })
        };
        let mechanisms = after("AUTH").unwrap_or_default();
        let offers = |name: &str| mechanisms.split_ascii_whitespace().any(|one| one == name);
        let (mechanism, reply) = if offers("PLAIN") {
            (
                "PLAIN",
                self.ask(&format!(
                    "AUTH PLAIN {}",
                    credentials.plain().expose_secret()
                ))?,
            )
        } else if offers("LOGIN") {
            ("LOGIN", self.auth_login(credentials)?)
        } else {
            let detail = "it takes no password in a way that this program knows".into();
            return Err(Error::ServerTrouble {
                doing: "sign in for sending".into(),
                detail,
            });
        };
        let report = OutgoingReport {
            security,
            mechanism,
            size_limit: after("SIZE")
                .and_then(|size| size.trim().parse().ok())
                .filter(|size| *size > 0),
        };
        match reply.code {
            235 => {
                let _ = self.ask("QUIT");
                Ok(report)
            }
            // 4xx passes; 530, 534, 535 and the like do not (RFC 4954, 6).
            500..=599 if reply.code != 500 && reply.code != 503 => Err(Error::SignInRefused {
                server: self.server.clone(),
                detail: reply.words(credentials),
            }),
            _ => Err(Error::ServerTrouble {
                doing: "sign in for sending".into(),
                detail: reply.words(credentials),
            }),
        }
    }

    /// LOGIN asks for the name and the password one after the other, in base64.
    fn auth_login(&mut self, credentials: &Credentials) -> Result<Reply, Error> {
        let mut reply = self.ask("AUTH LOGIN")?;
        for answer in [
            credentials.user.as_str(),
            credentials.password.expose_secret(),
        ] {
            if reply.code != 334 {
                break;
            }
            reply = self.ask(&base64(answer.as_bytes()))?;
        }
        Ok(reply)
    }

    /// EHLO with an address that says nothing about this computer; gives what the server offers.
    fn hello(&mut self) -> Result<Vec<String>, Error> {
        self.say("EHLO [127.0.0.1]")?;
        Ok(self
            .expect("say hello", 250)?
            .lines
            .into_iter()
            .skip(1)
            .collect())
    }

    fn ask(&mut self, line: &str) -> Result<Reply, Error> {
        self.say(line)?;
        self.reply()
    }

    fn say(&mut self, line: &str) -> Result<(), Error> {
        let sent = self
            .wire
            .put(format!("{line}\r\n").as_bytes())
            .and_then(|()| self.wire.send());
        sent.map_err(|error| self.gone(&error.to_string()))
    }

    fn expect(&mut self, doing: &str, code: u16) -> Result<Reply, Error> {
        let reply = self.reply()?;
        if reply.code == code {
            return Ok(reply);
        }
        let detail = format!("{} {}", reply.code, reply.lines.join(" "));
        Err(Error::ServerTrouble {
            doing: format!("{doing} for sending"),
            detail,
        })
    }

    /// One reply, of one or several lines (RFC 5321, 4.2).
    fn reply(&mut self) -> Result<Reply, Error> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            let raw = self
                .wire
                .line(Instant::now() + LONGEST)
                .map_err(|error| self.gone(&error.to_string()))?;
            let text = String::from_utf8_lossy(&raw);
            let code = text
                .get(..3)
                .and_then(|code| code.parse().ok())
                .filter(|code| (200..600).contains(code));
            let Some(code) = code else { break };
            lines.push(text.get(4..).unwrap_or_default().trim().to_string());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
        Err(Error::ServerTrouble {
            doing: "talk to the server for sending".into(),
            detail: "its answer makes no sense".into(),
        })
    }

    fn gone(&self, detail: &str) -> Error {
        Error::NotReached {
            server: self.server.clone(),
            detail: detail.into(),
        }
    }
}

impl Reply {
    /// The server's words, without what they should not repeat.
    fn words(&self, credentials: &Credentials) -> String {
        let mut words = format!("{} {}", self.code, self.lines.join(" "));
        for secret in [
            credentials.password.expose_secret(),
            credentials.plain().expose_secret(),
        ] {
            if !secret.is_empty() {
                words = words.replace(secret, "[hidden]");
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Server, serve};
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    fn credentials() -> Credentials {
        Credentials {
            user: "jane".into(),
            password: "hunter2".into(),
        }
    }

    /// The talk after the handshake, over a plain connection.
    fn signed_in(
        script: impl FnOnce(&mut Server) + Send + 'static,
    ) -> (Result<OutgoingReport, Error>, Vec<String>) {
        let (ours, server) = serve(script);
        let result = Talk::new(ours, "localhost:587".into())
            .unwrap()
            .sign_in(&credentials(), Security::Tls);
        (result, server.join().unwrap())
    }

    #[test]
    fn one_sign_in_and_goodbye() {
        let (result, log) = signed_in(|server| {
            server.answer("250-mail.example.org\r\n250-SIZE 26214400\r\n250-8BITMIME\r\n250 auth login plain\r\n");
            server.answer("235 2.7.0 fine\r\n");
            server.answer("221 bye\r\n");
        });
        let report = OutgoingReport {
            security: Security::Tls,
            mechanism: "PLAIN",
            size_limit: Some(26_214_400),
        };
        assert_eq!(result.unwrap(), report);
        assert_eq!(
            log,
            [
                "EHLO [127.0.0.1]".to_string(),
                format!("AUTH PLAIN {}", base64(b"\0jane\0hunter2")),
                "QUIT".into()
            ]
        );
    }

    #[test]
    fn login_is_used_where_plain_is_not_offered() {
        let (result, log) = signed_in(|server| {
            server.answer("250-mail.example.org\r\n250 AUTH=LOGIN\r\n");
            server.answer("334 VXNlcm5hbWU6\r\n");
            server.answer("334 UGFzc3dvcmQ6\r\n");
            server.answer("535 5.7.8 hunter2 is wrong\r\n");
        });
        assert!(
            matches!(result, Err(Error::SignInRefused { detail, .. }) if detail == "535 5.7.8 [hidden] is wrong")
        );
        assert_eq!(
            log[1..],
            [
                "AUTH LOGIN".to_string(),
                base64(b"jane"),
                base64(b"hunter2")
            ]
        );
    }

    #[test]
    fn trouble_of_the_server_is_not_a_wrong_password() {
        for said in [
            "454 4.7.0 temporary\r\n",
            "421 too busy\r\n",
            "nonsense\r\n",
        ] {
            let (result, _) = signed_in(move |server| {
                server.answer("250-x\r\n250 AUTH PLAIN\r\n");
                server.answer(said);
            });
            assert!(matches!(result, Err(Error::ServerTrouble { .. })), "{said}");
        }
        let (result, log) = signed_in(|server| {
            server.answer("250-x\r\n250 AUTH CRAM-MD5\r\n");
        });
        assert!(matches!(result, Err(Error::ServerTrouble { .. })) && log.len() == 1);
    }

    /// A server in the clear: everything it is told on its first and its second connection.
    fn plain(after_start_tls: &'static str, offers: &'static str) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let mut told = String::new();
            for round in 0..2 {
                let (mut tcp, _) = listener.accept().unwrap();
                let mut buffer = [0; 4096];
                tcp.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
                for reply in [offers, after_start_tls] {
                    let count = tcp.read(&mut buffer).unwrap_or(0);
                    if round == 0 || count == 0 {
                        break;
                    }
                    told.push_str(&String::from_utf8_lossy(&buffer[..count]));
                    tcp.write_all(reply.as_bytes()).unwrap();
                }
                let mut rest = Vec::new();
                let _ = tcp.take(4096).read_to_end(&mut rest);
                told.push_str(&String::from_utf8_lossy(&rest));
            }
            told
        });
        (port, thread)
    }

    #[test]
    fn what_is_said_between_starttls_and_the_handshake_ends_it() {
        let (port, server) = plain(
            "220 go ahead\r\n250 AUTH PLAIN\r\n",
            "250-x\r\n250 STARTTLS\r\n",
        );
        let error = check_outgoing("127.0.0.1", port, &credentials(), None).unwrap_err();
        assert!(matches!(&error, Error::NotSecure { .. }), "{error:?}");
        let told = server.join().unwrap();
        assert!(
            told.contains("STARTTLS\r\n") && !told.contains("AUTH"),
            "{told}"
        );
    }

    #[test]
    fn without_any_tls_no_password_is_sent() {
        let (port, server) = plain("500 what\r\n", "250-x\r\n250 AUTH PLAIN\r\n");
        let error = check_outgoing("127.0.0.1", port, &credentials(), None).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::NotSecure {
                    why: Insecure::NoTls,
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(!server.join().unwrap().contains("AUTH"));
    }
}
