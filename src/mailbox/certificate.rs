//! What a certificate says, read just far enough to show it to people (X.509, RFC 5280, 4.1).

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a server's certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CertificateInfo {
    /// The common name of its owner.
    pub subject: Option<String>,
    /// The host names it is for.
    pub names: Vec<String>,
    /// Who vouches for it: the common name, else the organisation.
    pub issuer: Option<String>,
    /// Its last moment, as `2027-01-31 23:59:59 UTC`.
    pub not_after: Option<String>,
    /// SHA-256 of the whole, in hexadecimal, as browsers show it.
    pub fingerprint: String,
}

impl CertificateInfo {
    /// Reads a certificate in DER. What can't be read is left out; the fingerprint is always there.
    pub(crate) fn of(der: &[u8]) -> CertificateInfo {
        let fingerprint = Sha256::digest(der)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>()
            .join(":");
        CertificateInfo {
            fingerprint,
            ..read(der).unwrap_or_default()
        }
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// A host name among the alternative names.
const DNS_NAME: u8 = 0x82;

/// 2.5.4.3, 2.5.4.10 and 2.5.29.17.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANISATION: &[u8] = &[0x55, 4, 10];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];

/// One value: its tag, its content, and what follows.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (digits, rest) = rest
            .split_at_checked(usize::from(*first & 0x7f))
            .filter(|(digits, _)| digits.len() <= 4)?;
        (
            digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit)),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The values in a row.
fn values(der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = der;
    std::iter::from_fn(move || {
        let (tag, content, after) = value(rest)?;
        rest = after;
        Some((tag, content))
    })
}

fn content(der: &[u8], wanted: u8) -> Option<&[u8]> {
    value(der)
        .filter(|(tag, ..)| *tag == wanted)
        .map(|(_, content, _)| content)
}

fn read(der: &[u8]) -> Option<CertificateInfo> {
    let signed = content(content(der, SEQUENCE)?, SEQUENCE)?;
    // serial, algorithm, issuer, validity, subject, key, ... after a version that may be missing.
    let mut fields = values(signed).filter(|(tag, _)| *tag != VERSION).skip(2);
    let (_, issuer) = fields.next()?;
    let (_, validity) = fields.next()?;
    let (_, subject) = fields.next()?;
    let extensions = fields
        .find(|(tag, _)| *tag == EXTENSIONS)
        .and_then(|(_, list)| content(list, SEQUENCE));
    Some(CertificateInfo {
        subject: part(subject, COMMON_NAME),
        names: extensions.map(host_names).unwrap_or_default(),
        issuer: part(issuer, COMMON_NAME).or_else(|| part(issuer, ORGANISATION)),
        not_after: values(validity)
            .nth(1)
            .and_then(|(tag, time)| moment(tag, time)),
        fingerprint: String::new(),
    })
}

/// One part of a distinguished name.
fn part(name: &[u8], wanted: &[u8]) -> Option<String> {
    let sets = values(name).filter(|(tag, _)| *tag == SET);
    let mut pairs = sets
        .flat_map(|(_, set)| values(set))
        .map(|(_, pair)| values(pair));
    pairs.find_map(|mut pair| {
        let found = pair.next()? == (OBJECT, wanted);
        let (_, text) = pair.next()?;
        found.then(|| String::from_utf8_lossy(text).into_owned())
    })
}

fn host_names(extensions: &[u8]) -> Vec<String> {
    let names = values(extensions).find_map(|(_, extension)| {
        let mut parts = values(extension);
        (parts.next()? == (OBJECT, ALTERNATIVE_NAMES)).then_some(())?;
        let (_, octets) = parts.find(|(tag, _)| *tag == OCTETS)?;
        content(octets, SEQUENCE)
    });
    let hosts = names
        .into_iter()
        .flat_map(values)
        .filter(|(tag, _)| *tag == DNS_NAME);
    hosts
        .take(100)
        .map(|(_, name)| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` from then on (RFC 5280, 4.1.2.5).
fn moment(tag: u8, time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time)
        .ok()?
        .strip_suffix('Z')
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let whole = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        _ => text.to_string(),
    };
    let at = |from: usize, to: usize| whole.get(from..to);
    let (day, clock) = (
        (at(0, 4)?, at(4, 6)?, at(6, 8)?),
        (at(8, 10)?, at(10, 12)?, at(12, 14)?),
    );
    Some(format!(
        "{}-{}-{} {}:{}:{} UTC",
        day.0, day.1, day.2, clock.0, clock.1, clock.2
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let mut out = vec![tag];
        if content.len() < 128 {
            out.push(content.len() as u8)
        } else {
            out.extend([0x82, (content.len() >> 8) as u8, content.len() as u8])
        }
        out.extend(content);
        out
    }

    fn name(object: &[u8], text: &str) -> Vec<u8> {
        der(
            SEQUENCE,
            &[&der(
                SET,
                &[&der(
                    SEQUENCE,
                    &[&der(OBJECT, &[object]), &der(0x0c, &[text.as_bytes()])],
                )],
            )],
        )
    }

    fn certificate() -> Vec<u8> {
        let names = der(
            SEQUENCE,
            &[
                &der(DNS_NAME, &[b"mobile.charter.net"]),
                &der(0x87, &[&[127, 0, 0, 1]]),
                &der(DNS_NAME, &[b"*.example.org"]),
            ],
        );
        let extension = der(
            SEQUENCE,
            &[&der(OBJECT, &[ALTERNATIVE_NAMES]), &der(OCTETS, &[&names])],
        );
        let validity = der(
            SEQUENCE,
            &[
                &der(UTC_TIME, &[b"260101000000Z"]),
                &der(0x18, &[b"20510131235959Z"]),
            ],
        );
        let signed = der(
            SEQUENCE,
            &[
                &der(VERSION, &[&[2, 1, 2]]),
                &[2, 1, 9],
                &der(SEQUENCE, &[]),
                &name(ORGANISATION, "Trustworthy Inc"),
                &validity,
                &name(COMMON_NAME, "mobile.charter.net"),
                &der(SEQUENCE, &[]),
                &der(EXTENSIONS, &[&der(SEQUENCE, &[&extension])]),
            ],
        );
        der(SEQUENCE, &[&signed, &der(SEQUENCE, &[])])
    }

    #[test]
    fn a_certificate_tells_who_for_whom_and_until_when() {
        let info = CertificateInfo::of(&certificate());
        assert_eq!(info.subject.as_deref(), Some("mobile.charter.net"));
        assert_eq!(info.names, ["mobile.charter.net", "*.example.org"]);
        assert_eq!(info.issuer.as_deref(), Some("Trustworthy Inc"));
        assert_eq!(info.not_after.as_deref(), Some("2051-01-31 23:59:59 UTC"));
        assert_eq!(
            moment(UTC_TIME, b"991231235959Z").as_deref(),
            Some("1999-12-31 23:59:59 UTC")
        );
        assert_eq!(info.fingerprint.len(), 95);
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_fingerprint(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(CertificateInfo::of(&bytes).fingerprint.len(), 95);
        }

        #[test]
        fn a_damaged_certificate_harms_nobody(at in 0usize..200, byte in any::<u8>()) {
            let mut der = certificate();
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            let _ = CertificateInfo::of(&der);
        }
    }
}
