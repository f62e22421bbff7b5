//! Media types: `text/plain; charset=utf-8`, read as they come (RFC 2045, 5.1).

use crate::header;

/// Parameters that are looked at.
const PARAMETERS: usize = 50;

/// A value with parameters, as Content-Type and Content-Disposition have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// The first word, in capitals.
    pub(super) word: String,
    /// Names in capitals, values as written, without their quotes.
    pub(super) parameters: Vec<(String, Vec<u8>)>,
}

/// What a part says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Media {
    /// In capitals.
    pub(super) kind: String,
    /// In capitals.
    pub(super) subtype: String,
    pub(super) parameters: Vec<(String, Vec<u8>)>,
    /// Content-Transfer-Encoding, in capitals.
    pub(super) encoding: String,
    /// Whether its bytes are coded, so that nothing can be seen in them.
    pub(super) encoded: bool,
}

impl Media {
    /// What a header says. Without a word of it a part is text, and inside a digest a message.
    pub(super) fn of(head: &[u8], in_digest: bool) -> Media {
        let value = header::find(head, "Content-Type").map(|field| Value::read(field.value));
        let encoding =
            header::find(head, "Content-Transfer-Encoding").map(|field| word(&field.text()));
        let encoding = encoding
            .filter(|encoding| !encoding.is_empty())
            .unwrap_or_else(|| "7BIT".into());
        let encoded = matches!(encoding.as_str(), "BASE64" | "QUOTED-PRINTABLE");
        let named = value.and_then(|value| {
            let (kind, subtype) = value.word.split_once('/')?;
            let named = !kind.is_empty() && !subtype.is_empty();
            named.then(|| (kind.to_string(), subtype.to_string(), value.parameters))
        });
        let (kind, subtype, mut parameters) = named.unwrap_or_else(|| {
            let (kind, subtype) = if in_digest {
                ("MESSAGE", "RFC822")
            } else {
                ("TEXT", "PLAIN")
            };
            (kind.into(), subtype.into(), Vec::new())
        });
        // Text that does not say in which letters it is written is ASCII (RFC 2045, 5.2).
        if kind == "TEXT" && !parameters.iter().any(|(name, _)| name == "CHARSET") {
            parameters.push(("CHARSET".into(), b"US-ASCII".to_vec()));
        }
        Media {
            kind,
            subtype,
            parameters,
            encoding,
            encoded,
        }
    }

    /// Whether it is of this type; an empty subtype means any.
    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && (subtype.is_empty() || self.subtype == subtype)
    }

    /// What stands between the parts of a multipart.
    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        let (_, boundary) = self
            .parameters
            .iter()
            .find(|(name, _)| name == "BOUNDARY")?;
        let boundary = boundary.trim_ascii_end();
        (!boundary.is_empty()).then(|| boundary.to_vec())
    }
}

impl Value {
    /// Reads a field's value; whatever can't be read is passed over.
    pub(super) fn read(value: &[u8]) -> Value {
        let mut rest = value;
        let first = until(&mut rest, b";");
        let mut parameters = Vec::new();
        while !rest.is_empty() && parameters.len() < PARAMETERS {
            let name = until(&mut rest, b"=;");
            let Some((b'=', after)) = rest.split_first().map(|(first, after)| (*first, after))
            else {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            };
            rest = after;
            let text = until(&mut rest, b";");
            rest = rest.get(1..).unwrap_or_default();
            let name = word(&String::from_utf8_lossy(&name));
            if !name.is_empty() && name.is_ascii() {
                parameters.push((name, text));
            }
        }
        let first: String = String::from_utf8_lossy(&first)
            .split_ascii_whitespace()
            .collect();
        Value {
            word: first.to_ascii_uppercase(),
            parameters,
        }
    }
}

/// Takes what stands before one of `ends`, without quotes, comments and blanks around; leaves `rest` at the end met.
fn until(rest: &mut &[u8], ends: &[u8]) -> Vec<u8> {
    // The `;` between the first word and the parameters.
    if let Some(after) = rest.strip_prefix(b";") {
        *rest = after;
    }
    let mut text = Vec::new();
    let (mut quoted, mut depth) = (false, 0u32);
    let mut bytes = rest.iter().enumerate();
    let mut taken = rest.len();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted || depth > 0 => {
                let escaped = bytes.next().map(|(_, byte)| *byte);
                if depth == 0 {
                    text.extend(escaped);
                }
            }
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            _ if !quoted && ends.contains(byte) => {
                taken = at;
                break;
            }
            b'\r' | b'\n' => {}
            _ => text.push(*byte),
        }
    }
    *rest = rest.get(taken..).unwrap_or_default();
    text.trim_ascii().to_vec()
}

/// The first word, in capitals.
fn word(text: &str) -> String {
    text.split_ascii_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn media(value: &str) -> Media {
        Media::of(format!("Content-Type: {value}\r\n\r\n").as_bytes(), false)
    }

    #[test]
    fn types_and_parameters_are_read() {
        let read = media(
            "Multipart/Mixed; (note; x) charset = utf-8 ;\r\n\tboundary=\"a;\\\"b (c\"; x; =y;name=",
        );
        assert!(read.is("MULTIPART", "MIXED"));
        assert_eq!(read.boundary(), Some(b"a;\"b (c".to_vec()));
        assert_eq!(
            read.parameters.first(),
            Some(&("CHARSET".into(), b"utf-8".to_vec()))
        );
        assert_eq!(media("text/plain;charset=us-ascii").parameters.len(), 1);
    }

    #[test]
    fn what_says_nothing_is_text() {
        for value in ["", "text", "/", "a/", ";x=y", "()"] {
            assert!(media(value).is("TEXT", "PLAIN"), "{value}");
        }
        assert!(Media::of(b"Subject: x\r\n\r\n", true).is("MESSAGE", "RFC822"));
        assert_eq!(media("text/plain").encoding, "7BIT");
    }

    proptest! {
        #[test]
        fn any_value_ends(value in proptest::collection::vec(prop_oneof![Just(b';'), Just(b'='), Just(b'"'), Just(b'('), Just(b'\\'), any::<u8>()], 0..200)) {
            let read = Value::read(&value);
            prop_assert!(read.parameters.len() <= PARAMETERS);
        }
    }
}
