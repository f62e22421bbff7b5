//! Secure connections: TLS 1.2 or later, certificate and host name always checked, no way around it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use native_tls::{Certificate, HandshakeError, Protocol, TlsConnector};

use super::certificate::CertificateInfo;
use super::imap::{Common, ImapMailbox};
use super::rate::Rate;
use super::sasl::Credentials;
use super::wire::{SILENCE, Stream};
use super::{Connect, Mailbox};
use crate::error::{Error, Insecure};
use crate::settings::Endpoint;

/// How long one address of a server may take to answer.
const CONNECT: Duration = Duration::from_secs(20);

/// Makes signed-in connections to an IMAP server.
pub struct TlsConnect {
    endpoint: Endpoint,
    credentials: Credentials,
    ca_file: Option<PathBuf>,
    common: Common<TlsStream>,
    /// Reading all the issuers that a computer trusts takes longer than a handshake, so that is done once.
    trust: Mutex<Option<TlsConnector>>,
}

impl TlsConnect {
    /// Connections to `endpoint`. `ca_file` holds certificates (PEM) of issuers to trust besides the computer's own.
    pub fn new(
        endpoint: Endpoint,
        credentials: Credentials,
        ca_file: Option<PathBuf>,
    ) -> TlsConnect {
        TlsConnect {
            endpoint,
            credentials,
            ca_file,
            common: Common::default(),
            trust: Mutex::default(),
        }
    }

    fn connector(&self) -> Result<TlsConnector, Error> {
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        match &*trust {
            Some(connector) => Ok(connector.clone()),
            None => Ok(trust.insert(connector(self.ca_file.as_deref())?).clone()),
        }
    }

    /// Sends no more than this, over all connections together.
    #[must_use]
    pub fn at_most(mut self, rate: Option<Rate>) -> TlsConnect {
        self.common.rate = rate;
        self
    }
}

impl Connect for TlsConnect {
    fn connect(&self) -> Result<Box<dyn Mailbox>, Error> {
        if let Some(mailbox) = self.common.lot.take() {
            return Ok(Box::new(mailbox));
        }
        let connector = self.connector()?;
        let Endpoint { host, port, .. } = &self.endpoint;
        let tcp = reach(host, *port)?;
        let stream = secure_with(&connector, tcp, host, *port, self.ca_file.is_some())?;
        let server = self.endpoint.address();
        let mailbox = ImapMailbox::one_of(&self.common, stream, &server, &self.credentials)?;
        Ok(Box::new(mailbox))
    }

    fn account(&self) -> String {
        format!("{}@{}", self.credentials.user, self.endpoint.address())
    }
}

/// A connection over TLS.
pub struct TlsStream(native_tls::TlsStream<TcpStream>);

impl Read for TlsStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for TlsStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for TlsStream {
    fn tcp(&self) -> &TcpStream {
        self.0.get_ref()
    }
}

/// Connects to a server that speaks TLS from the first byte, and sends nothing.
///
/// # Errors
/// [`Error::NotReached`], [`Error::NotSecure`], and [`Error::Choice`] for a `ca_file` that can't be used.
pub fn connect(endpoint: &Endpoint, ca_file: Option<&Path>) -> Result<TlsStream, Error> {
    let tcp = reach(&endpoint.host, endpoint.port)?;
    secure(tcp, &endpoint.host, endpoint.port, ca_file)
}

/// What the server's certificate says, once it was found to be good; for people to look at.
///
/// # Errors
/// Those of [`connect`].
pub fn inspect(endpoint: &Endpoint, ca_file: Option<&Path>) -> Result<CertificateInfo, Error> {
    let stream = connect(endpoint, ca_file)?;
    let der = stream
        .0
        .peer_certificate()
        .ok()
        .flatten()
        .and_then(|certificate| certificate.to_der().ok());
    der.map(|der| CertificateInfo::of(&der))
        .ok_or_else(|| Error::NotSecure {
            server: endpoint.address(),
            why: Insecure::Other,
            detail: "no certificate was shown".into(),
        })
}

/// The first address of a host that answers.
pub(crate) fn reach(host: &str, port: u16) -> Result<TcpStream, Error> {
    let not_reached = |detail: String| Error::NotReached {
        server: format!("{host}:{port}"),
        detail,
    };
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| not_reached(error.to_string()))?;
    let mut last = "the name has no address".to_string();
    for address in addresses {
        let tcp = TcpStream::connect_timeout(&address, CONNECT).and_then(|tcp| {
            tcp.set_nodelay(true)?;
            tcp.set_read_timeout(Some(SILENCE))?;
            tcp.set_write_timeout(Some(SILENCE))?;
            Ok(tcp)
        });
        match tcp {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error.to_string(),
        }
    }
    Err(not_reached(last))
}

/// Makes a connection secure, or gives it up.
pub(crate) fn secure(
    tcp: TcpStream,
    host: &str,
    port: u16,
    ca_file: Option<&Path>,
) -> Result<TlsStream, Error> {
    secure_with(&connector(ca_file)?, tcp, host, port, ca_file.is_some())
}

fn secure_with(
    connector: &TlsConnector,
    tcp: TcpStream,
    host: &str,
    port: u16,
    own_roots: bool,
) -> Result<TlsStream, Error> {
    let server = format!("{host}:{port}");
    connector
        .connect(host, tcp)
        .map(TlsStream)
        .map_err(|error| match error {
            HandshakeError::WouldBlock(_) => Error::NotReached {
                server,
                detail: "it does not answer (TLS)".into(),
            },
            HandshakeError::Failure(error) => failed(server, &error, own_roots),
        })
}

fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, Error> {
    let mut builder = TlsConnector::builder();
    builder.min_protocol_version(Some(Protocol::Tlsv12));
    if let Some(path) = ca_file {
        for certificate in certificates(path)? {
            builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|error| Error::Choice {
        detail: format!("TLS can't be set up: {error}"),
    })
}

/// The certificates of a PEM file, of which there must be one at least.
fn certificates(path: &Path) -> Result<Vec<Certificate>, Error> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let unusable = |detail: String| Error::Choice {
        detail: format!("{}: {detail}", path.display()),
    };
    let text = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let text = String::from_utf8_lossy(&text);
    // One by one: only OpenSSL reads several at once.
    let blocks = text
        .split(BEGIN)
        .skip(1)
        .filter_map(|rest| rest.split_once(END));
    let parsed =
        blocks.map(|(body, _)| Certificate::from_pem(format!("{BEGIN}{body}{END}\n").as_bytes()));
    let found = parsed
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(format!("no certificate: {error}")))?;
    if found.is_empty() {
        Err(unusable("there is no certificate (PEM) in it".into()))
    } else {
        Ok(found)
    }
}

/// Why a handshake failed: by the texts of OpenSSL (Linux), Secure Transport (macOS) and SChannel (Windows).
fn failed(server: String, error: &native_tls::Error, own_roots: bool) -> Error {
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let text = next.to_string();
        if !detail.contains(&text) {
            detail = format!("{detail}: {text}");
        }
        cause = next.source();
    }
    match why(&detail) {
        Some(Insecure::UnknownIssuer) if !own_roots && no_trust_store() => Error::NotSecure {
            server,
            why: Insecure::NoTrustStore,
            detail,
        },
        Some(why) => Error::NotSecure {
            server,
            why,
            detail,
        },
        None => Error::NotReached { server, detail },
    }
}

/// `None`: the line went dead, which says nothing about security. Windows speaks the person's language, so there its
/// numbers count.
fn why(detail: &str) -> Option<Insecure> {
    let words = detail.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    // CERT_E_EXPIRED, SEC_E_CERT_EXPIRED, CERT_E_VALIDITYPERIODNESTING
    if says(&[
        "has expired",
        "expired",
        "not yet valid",
        "validity period",
        "-2146762495",
        "-2146893016",
        "-2146762494",
    ]) {
        return Some(Insecure::Expired);
    }
    // CERT_E_CN_NO_MATCH, SEC_E_WRONG_PRINCIPAL
    let names = [
        "hostname mismatch",
        "host name",
        "ip address mismatch",
        "name does not match",
        "name mismatch",
        "cn name",
    ];
    if says(&names) || says(&["principal name is incorrect", "-2146762481", "-2146893022"]) {
        return Some(Insecure::WrongName);
    }
    // CERT_E_UNTRUSTEDROOT, SEC_E_UNTRUSTED_ROOT, CERT_E_CHAINING
    let issuers = [
        "self-signed",
        "self signed",
        "unable to get local issuer",
        "unable to get issuer",
        "unable to verify the first",
    ];
    if says(&issuers)
        || says(&[
            "not trusted",
            "untrusted",
            "unknown root",
            "no root",
            "-2146762487",
            "-2146893019",
            "-2146762486",
        ])
    {
        return Some(Insecure::UnknownIssuer);
    }
    // SEC_E_UNSUPPORTED_FUNCTION, SEC_E_ILLEGAL_MESSAGE, SEC_E_ALGORITHM_MISMATCH, SEC_E_INVALID_TOKEN: no TLS, or too old.
    let old = [
        "wrong version number",
        "unsupported protocol",
        "protocol version",
        "unknown protocol",
        "http request",
        "packet length too long",
    ];
    if says(&old)
        || says(&[
            "record layer failure",
            "bad protocol",
            "-2146893054",
            "-2146893018",
            "-2146893007",
            "-2146893048",
        ])
    {
        return Some(Insecure::NoTls);
    }
    // WSAECONNRESET 10054, and what Unix says.
    if says(&[
        "connection reset",
        "unexpected eof",
        "broken pipe",
        "closed",
        "aborted",
        "timed out",
        "10054",
        "10053",
        "10060",
    ]) {
        return None;
    }
    Some(Insecure::Other)
}

/// Whether this computer has no list of issuers at all: small Linux systems come without `ca-certificates`.
fn no_trust_store() -> bool {
    const FILES: [&str; 7] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/cert.pem",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/certs/ca-certificates.crt",
    ];
    let named =
        |variable: &str| std::env::var_os(variable).is_some_and(|path| Path::new(&path).exists());
    let some_in =
        |folder: &str| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    cfg!(target_os = "linux")
        && !named("SSL_CERT_FILE")
        && !named("SSL_CERT_DIR")
        && !FILES.iter().any(|file| Path::new(file).exists())
        && !some_in("/etc/ssl/certs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_words_of_each_library_tell_why() {
        use Insecure::*;
        let cases = [
            (
                "error:0A000086:SSL routines::certificate verify failed (certificate has expired)",
                Some(Expired),
            ),
            (
                "certificate verify failed (certificate is not yet valid)",
                Some(Expired),
            ),
            (
                "certificate verify failed (hostname mismatch)",
                Some(WrongName),
            ),
            (
                "certificate verify failed (IP address mismatch)",
                Some(WrongName),
            ),
            (
                "certificate verify failed (self-signed certificate in certificate chain)",
                Some(UnknownIssuer),
            ),
            (
                "certificate verify failed (unable to get local issuer certificate)",
                Some(UnknownIssuer),
            ),
            (
                "error:0A00010B:SSL routines:tls_validate_record_header:wrong version number",
                Some(NoTls),
            ),
            (
                "error:0A000102:SSL routines::unsupported protocol",
                Some(NoTls),
            ),
            ("tlsv1 alert protocol version", Some(NoTls)),
            (
                "Der CN-Name stimmt nicht mit dem Wert ueberein. (os error -2146762481)",
                Some(WrongName),
            ),
            (
                "The target principal name is incorrect. (os error -2146893022)",
                Some(WrongName),
            ),
            ("Une chaine... (os error -2146762487)", Some(UnknownIssuer)),
            (
                "A required certificate is not within its validity period (os error -2146762495)",
                Some(Expired),
            ),
            ("The certificate was not trusted.", Some(UnknownIssuer)),
            ("Host name mismatch", Some(WrongName)),
            (
                "certificate verify failed (EE certificate key too weak)",
                Some(Other),
            ),
            ("unexpected EOF during handshake", None),
            ("Connection reset by peer (os error 104)", None),
        ];
        for (words, expected) in cases {
            assert_eq!(why(words), expected, "{words}");
        }
    }

    fn answer(reply: &'static [u8]) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            let _ = tcp.write_all(reply);
            if !reply.is_empty() {
                let _ = tcp.read_to_end(&mut Vec::new());
            }
        });
        Endpoint::tls("127.0.0.1", port)
    }

    #[test]
    fn a_server_without_tls_is_never_spoken_to() {
        let error = connect(&answer(b"* OK IMAP4rev1 ready, in the clear\r\n"), None)
            .err()
            .unwrap();
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
    }

    #[test]
    fn a_server_that_hangs_up_was_not_reached() {
        let error = connect(&answer(b""), None).err().unwrap();
        assert!(matches!(&error, Error::NotReached { .. }), "{error:?}");
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        assert!(matches!(
            connect(&Endpoint::tls("127.0.0.1", nobody), None),
            Err(Error::NotReached { .. })
        ));
        assert!(matches!(
            connect(&Endpoint::tls("name.invalid", 993), None),
            Err(Error::NotReached { .. })
        ));
    }

    #[test]
    fn a_certificate_file_without_certificates_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(
            matches!(certificates(file.path()), Err(Error::Choice { detail }) if detail.contains("no certificate"))
        );
        assert!(matches!(
            certificates(Path::new("/nowhere/ca.pem")),
            Err(Error::Choice { .. })
        ));
        std::fs::write(
            file.path(),
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert!(matches!(
            certificates(file.path()),
            Err(Error::Choice { .. })
        ));
    }
}
