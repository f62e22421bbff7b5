//! An authority that signs certificates for the servers of tests.

use std::path::Path;
use std::process::Command;

/// The certificate that a server shows.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Certificate {
    /// For `localhost`, signed by the authority of `ca.pem`.
    #[default]
    Good,
    /// For another name.
    OtherName,
    /// Run out yesterday.
    Expired,
}

/// Runs a program, and gives what it prints.
pub fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{program} {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

const NEW_KEY: [&str; 5] = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
];

/// Makes an authority (`ca.pem`), and a certificate that it signed (`cert.pem`, `key.pem`), with the `openssl` command.
pub fn certificates(at: &Path, kind: Certificate) -> Result<(), String> {
    authority(at)?;
    signed(at, kind)
}

/// Makes an authority.
pub fn authority(at: &Path) -> Result<(), String> {
    let path = |name: &str| at.join(name).display().to_string();
    let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
    let of_authority = [
        "req",
        "-x509",
        "-days",
        "30",
        "-subj",
        "/CN=Authority of a test",
        "-keyout",
        &ca_key,
        "-out",
        &ca,
    ];
    output("openssl", &[&of_authority[..], &NEW_KEY].concat())?;
    Ok(())
}

/// Has the authority sign a certificate, which takes the place of the one before.
pub fn signed(at: &Path, kind: Certificate) -> Result<(), String> {
    let path = |name: &str| at.join(name).display().to_string();
    let (ca, ca_key, request) = (path("ca.pem"), path("ca.key"), path("request.pem"));
    let (certificate, key, extensions) = (path("cert.pem"), path("key.pem"), path("extensions"));
    let of_server = [
        "req",
        "-new",
        "-subj",
        "/CN=localhost",
        "-keyout",
        &key,
        "-out",
        &request,
    ];
    output("openssl", &[&of_server[..], &NEW_KEY].concat())?;
    let name = if kind == Certificate::OtherName {
        "mail.example.org"
    } else {
        "localhost"
    };
    std::fs::write(
        at.join("extensions"),
        format!("subjectAltName=DNS:{name}\n"),
    )
    .map_err(|error| error.to_string())?;
    let days = if kind == Certificate::Expired {
        "-1"
    } else {
        "30"
    };
    let sign = [
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &ca_key,
        "-set_serial",
        "2",
        "-extfile",
        &extensions,
    ];
    output(
        "openssl",
        &[&sign[..], &["-days", days, "-out", &certificate]].concat(),
    )?;
    Ok(())
}
