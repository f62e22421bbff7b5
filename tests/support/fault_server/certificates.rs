//! The certificates that fault servers show, made once a test process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use native_tls::{Identity, Protocol, TlsAcceptor};

use crate::support::authority::{self, Certificate};

/// What a server shows to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A certificate that is as it should be.
    Good,
    /// One that ran out yesterday.
    Expired,
    /// One for another host.
    OtherName,
    /// One of an authority that nobody knows.
    UnknownIssuer,
    /// A good one, with TLS 1.1 at most.
    OldTls,
    /// No TLS at all: the greeting in plain text.
    NoTls,
}

/// All of them, and where the authority's own lies.
pub struct Certificates {
    _directory: tempfile::TempDir,
    ca_file: PathBuf,
    good: TlsAcceptor,
    expired: TlsAcceptor,
    other_name: TlsAcceptor,
    unknown: TlsAcceptor,
    old: Option<TlsAcceptor>,
}

impl Certificates {
    /// Those of this process, or why there are none.
    pub fn shared() -> Result<&'static Certificates, &'static str> {
        static SHARED: OnceLock<Result<Certificates, String>> = OnceLock::new();
        SHARED
            .get_or_init(Certificates::make)
            .as_ref()
            .map_err(String::as_str)
    }

    fn make() -> Result<Certificates, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (known, unknown) = (
            directory.path().join("known"),
            directory.path().join("unknown"),
        );
        for place in [&known, &unknown] {
            std::fs::create_dir(place).map_err(|error| error.to_string())?;
            authority::authority(place)?;
        }
        let acceptor = |place: &Path, kind| {
            authority::signed(place, kind)?;
            acceptor(place, false)
        };
        let expired = acceptor(&known, Certificate::Expired)?;
        let other_name = acceptor(&known, Certificate::OtherName)?;
        let unknown = acceptor(&unknown, Certificate::Good)?;
        let good = acceptor(&known, Certificate::Good)?;
        Ok(Certificates {
            // A TLS library may be built without the old versions.
            old: self::acceptor(&known, true).ok(),
            ca_file: known.join("ca.pem"),
            good,
            expired,
            other_name,
            unknown,
            _directory: directory,
        })
    }

    /// The certificate of the authority that clients trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// What makes a connection secure in this way; `None` where it stays plain.
    pub fn acceptor(&self, shown: Shown) -> Option<&TlsAcceptor> {
        match shown {
            Shown::Good => Some(&self.good),
            Shown::Expired => Some(&self.expired),
            Shown::OtherName => Some(&self.other_name),
            Shown::UnknownIssuer => Some(&self.unknown),
            Shown::OldTls => self.old.as_ref(),
            Shown::NoTls => None,
        }
    }
}

fn acceptor(place: &Path, old: bool) -> Result<TlsAcceptor, String> {
    let read = |name: &str| std::fs::read(place.join(name)).map_err(|error| error.to_string());
    let identity = Identity::from_pkcs8(&read("cert.pem")?, &read("key.pem")?)
        .map_err(|error| error.to_string())?;
    let mut builder = TlsAcceptor::builder(identity);
    if old {
        builder
            .min_protocol_version(Some(Protocol::Tlsv10))
            .max_protocol_version(Some(Protocol::Tlsv11));
    }
    builder.build().map_err(|error| error.to_string())
}
