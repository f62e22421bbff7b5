//! The check of outgoing mail against servers with real TLS: both ways of it, and no password without it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use spectrum_migrate::error::{Error, Insecure};
use spectrum_migrate::mailbox::Credentials;
use spectrum_migrate::mailbox::smtp::check_outgoing;
use spectrum_migrate::settings::Security;
use support::authority::{Certificate, certificates};
use support::skip;

const PASSWORD: &str = "hunter2";

/// `\\0jane\\0hunter2` in base64.
const PLAIN: &str = "AGphbmUAaHVudGVyMg==";

struct Smtp {
    directory: tempfile::TempDir,
    port: u16,
    told: JoinHandle<String>,
}

/// A server that takes one mail program, and keeps every line it is told.
fn start(security: Security, certificate: Certificate) -> Option<Smtp> {
    let directory = tempfile::tempdir().unwrap();
    if let Err(why) = certificates(directory.path(), certificate) {
        skip(&format!("no certificate can be made: {why}"));
        return None;
    }
    let pem = |name: &str| std::fs::read(directory.path().join(name)).unwrap();
    let identity = native_tls::Identity::from_pkcs8(&pem("cert.pem"), &pem("key.pem")).unwrap();
    let acceptor = native_tls::TlsAcceptor::new(identity).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = std::thread::spawn(move || {
        let mut log = String::new();
        let (mut tcp, _) = listener.accept().unwrap();
        if security == Security::StartTls {
            // The first attempt is TLS from the first byte.
            let _ = tcp.write_all(b"220 mail.example.org\r\n");
            drop(tcp);
            tcp = listener.accept().unwrap().0;
            tcp.write_all(b"220 mail.example.org\r\n").unwrap();
            talk(
                &mut BufReader::new(&mut tcp),
                &mut log,
                &["250-x\r\n250 STARTTLS\r\n", "220 go\r\n"],
            );
        }
        if let Ok(mut tls) = acceptor.accept(tcp) {
            if security == Security::Tls {
                tls.write_all(b"220 mail.example.org\r\n").unwrap();
            }
            let replies = [
                "250-x\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n",
                "235 fine\r\n",
                "221 bye\r\n",
            ];
            talk(&mut BufReader::new(&mut tls), &mut log, &replies);
        }
        log
    });
    Some(Smtp {
        directory,
        port,
        told,
    })
}

fn talk<S: Read + Write>(stream: &mut BufReader<&mut S>, log: &mut String, replies: &[&str]) {
    for reply in replies {
        if stream.read_line(log).unwrap_or(0) == 0 {
            return;
        }
        let _ = stream.get_mut().write_all(reply.as_bytes());
    }
}

fn credentials() -> Credentials {
    Credentials {
        user: "jane".into(),
        password: PASSWORD.into(),
    }
}

#[test]
fn both_ways_of_tls_are_found() {
    for security in [Security::Tls, Security::StartTls] {
        let Some(server) = start(security, Certificate::Good) else {
            return;
        };
        let ca = server.directory.path().join("ca.pem");
        let report = check_outgoing("localhost", server.port, &credentials(), Some(&ca)).unwrap();
        assert_eq!(
            (report.security, report.mechanism, report.size_limit),
            (security, "PLAIN", Some(1000))
        );
        let told = server.told.join().unwrap();
        assert!(
            told.ends_with(&format!(
                "EHLO [127.0.0.1]\r\nAUTH PLAIN {PLAIN}\r\nQUIT\r\n"
            )),
            "{told}"
        );
        let before = if security == Security::StartTls {
            "EHLO [127.0.0.1]\r\nSTARTTLS\r\nEHLO"
        } else {
            "EHLO"
        };
        assert!(told.starts_with(before), "{told}");
    }
}

#[test]
fn a_bad_certificate_never_gets_the_password() {
    for security in [Security::Tls, Security::StartTls] {
        for (certificate, expected) in [
            (Certificate::OtherName, Insecure::WrongName),
            (Certificate::Expired, Insecure::Expired),
        ] {
            let Some(server) = start(security, certificate) else {
                return;
            };
            let ca = server.directory.path().join("ca.pem");
            let error =
                check_outgoing("localhost", server.port, &credentials(), Some(&ca)).unwrap_err();
            assert!(
                matches!(&error, Error::NotSecure { why, .. } if *why == expected),
                "{error:?}"
            );
            assert!(!server.told.join().unwrap().contains("AUTH"));
        }
    }
}
