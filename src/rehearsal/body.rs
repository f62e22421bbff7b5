//! BODYSTRUCTURE: the parts of a message as FETCH tells them (RFC 9051, 7.5.2).

use std::io;

use super::answer::{nstring, string};
use super::envelope;
use super::media::{Media, Value};
use super::spool::{Region, Spool};
use super::structure::{Kind, Part, head_of};
use crate::header;

/// Writes the structure of a message; `newer` adds what BODYSTRUCTURE has and BODY has not.
pub(super) fn write(
    spool: &Spool,
    message: Region,
    root: &Part,
    newer: bool,
) -> io::Result<Vec<u8>> {
    Writer {
        spool,
        message,
        newer,
    }
    .part(root, false)
}

struct Writer<'a> {
    spool: &'a Spool,
    message: Region,
    newer: bool,
}

impl Writer<'_> {
    /// A part and all inside it.
    fn part(&self, part: &Part, in_digest: bool) -> io::Result<Vec<u8>> {
        let head = head_of(self.spool, self.message, part)?;
        let mut media = Media::of(&head, in_digest);
        let mut out = vec![b'('];
        if let Kind::Multipart(parts) = &part.kind {
            let digest = media.is("MULTIPART", "DIGEST");
            for inner in parts {
                out.extend(self.part(inner, digest)?);
            }
            spaced(&mut out, &[string(media.subtype.as_bytes())]);
            if self.newer {
                spaced(&mut out, &[parameters(&media.parameters)]);
                newest(&mut out, &head);
            }
        } else {
            if matches!(part.kind, Kind::Leaf) {
                presentable(&mut media);
            }
            self.single(&mut out, part, &head, &media)?;
        }
        out.push(b')');
        Ok(out)
    }

    /// A part that has no others, though it may hold a message.
    fn single(&self, out: &mut Vec<u8>, part: &Part, head: &[u8], media: &Media) -> io::Result<()> {
        let field = |name| {
            let text = header::find(head, name).map(|field| field.text());
            nstring(text.as_deref().map(str::as_bytes))
        };
        out.extend(string(media.kind.as_bytes()));
        spaced(
            out,
            &[
                string(media.subtype.as_bytes()),
                parameters(&media.parameters),
                field("Content-ID"),
                field("Content-Description"),
                string(media.encoding.as_bytes()),
                number(part.body.end.saturating_sub(part.body.start)),
            ],
        );
        if let Kind::Message(inner) = &part.kind {
            let inner_head = head_of(self.spool, self.message, inner)?;
            let envelope = envelope::write(&inner_head);
            spaced(out, &[envelope, self.part(inner, false)?]);
        }
        if matches!(part.kind, Kind::Message(_)) || media.is("TEXT", "") {
            spaced(out, &[number(part.lines)]);
        }
        if self.newer {
            spaced(out, &[b"NIL".to_vec()]);
            newest(out, head);
        }
        Ok(())
    }
}

/// What promises parts or a message and holds none is shown as something without.
fn presentable(media: &mut Media) {
    let (kind, subtype) = match (media.kind.as_str(), media.subtype.as_str()) {
        ("MULTIPART", _) => ("TEXT", "PLAIN"),
        ("MESSAGE", "RFC822") => ("APPLICATION", "OCTET-STREAM"),
        _ => return,
    };
    media.kind = kind.into();
    media.subtype = subtype.into();
    media.parameters.clear();
}

/// Disposition, language and place.
fn newest(out: &mut Vec<u8>, head: &[u8]) {
    let disposition =
        header::find(head, "Content-Disposition").map(|field| Value::read(field.value));
    let disposition = match disposition.filter(|value| !value.word.is_empty()) {
        Some(value) => {
            let mut shown = vec![b'('];
            shown.extend(string(value.word.as_bytes()));
            spaced(&mut shown, &[parameters(&value.parameters)]);
            shown.push(b')');
            shown
        }
        None => b"NIL".to_vec(),
    };
    spaced(out, &[disposition, b"NIL".to_vec(), b"NIL".to_vec()]);
}

fn parameters(parameters: &[(String, Vec<u8>)]) -> Vec<u8> {
    if parameters.is_empty() {
        return b"NIL".to_vec();
    }
    let shown: Vec<Vec<u8>> = parameters
        .iter()
        .map(|(name, value)| [string(name.as_bytes()), string(value)].join(&b' '))
        .collect();
    [b"(".as_slice(), &shown.join(&b' '), b")"].concat()
}

fn number(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Each after a blank.
fn spaced(out: &mut Vec<u8>, items: &[Vec<u8>]) {
    for item in items {
        out.push(b' ');
        out.extend_from_slice(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::structure::scan;

    fn shown(message: &str, newer: bool) -> String {
        let spool = Spool::new(100_000).unwrap();
        let region = spool.reserve(message.len() as u64).unwrap();
        spool.write(region.start, message.as_bytes()).unwrap();
        let root = scan(&spool, region).unwrap();
        String::from_utf8(write(&spool, region, &root, newer).unwrap()).unwrap()
    }

    #[test]
    fn text_with_an_attachment() {
        let message = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=\"utf-8\"\n\nhi\nyou\n--b\n\
            Content-Type: image/png\nContent-ID: <1@x>\nContent-Transfer-Encoding: base64\n\
            Content-Disposition: attachment; filename=\"a b.png\"\n\nAAAA\n--b--\n";
        assert_eq!(
            shown(message, true),
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"7BIT\" 6 1 NIL NIL NIL NIL)\
             (\"IMAGE\" \"PNG\" NIL \"<1@x>\" NIL \"BASE64\" 4 NIL (\"ATTACHMENT\" (\"FILENAME\" \"a b.png\")) NIL NIL) \
             \"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL NIL)"
        );
        assert!(shown(message, false).ends_with("\"BASE64\" 4) \"MIXED\")"));
    }

    #[test]
    fn a_message_inside_brings_its_envelope() {
        let message = "Content-Type: message/rfc822\n\nSubject: inner\n\nhi\n";
        assert_eq!(
            shown(message, false),
            "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 19 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) \
             (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3 1) 3)"
        );
    }

    #[test]
    fn parts_of_a_digest_are_messages_unless_they_say_otherwise() {
        let message =
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nhi\n--b--\n";
        let shown = shown(message, false);
        assert!(
            shown.starts_with("((\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 16 (NIL \"one\""),
            "{shown}"
        );
    }

    #[test]
    fn a_promise_of_parts_that_are_not_there() {
        assert!(
            shown("Content-Type: multipart/mixed\n\nx\n", true)
                .starts_with("(\"TEXT\" \"PLAIN\" NIL ")
        );
        let coded = "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA\n";
        assert!(shown(coded, true).starts_with("(\"APPLICATION\" \"OCTET-STREAM\" NIL "));
    }
}
