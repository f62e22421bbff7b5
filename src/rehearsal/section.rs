//! The sections of a FETCH: `BODY[2.HEADER.FIELDS (DATE)]<0.512>` and the older names (RFC 9051, 6.4.5.1).

use std::io;

use super::spool::{Region, Spool};
use super::store::Message;
use super::structure::{self, Kind, Part};

/// No more of a header than this is looked into; what lies behind is sent only as a whole.
const HEADER: u64 = 1 << 20;

/// Which bytes of a message are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The name by which it is answered.
    pub(super) label: String,
    /// Whether the message stays unread.
    pub(super) peek: bool,
    /// First byte and number of bytes, where only some are wanted.
    pub(super) partial: Option<(u64, u64)>,
    /// Numbers of the parts, from the outermost inwards.
    path: Vec<usize>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    All,
    Header,
    Fields(Filter),
    Text,
    Mime,
}

/// Which fields of a header are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    names: Vec<String>,
    /// Whether those are the ones that are not wanted.
    not: bool,
}

impl Section {
    /// Reads an item's name, in capitals. `None` where it is no section.
    pub(super) fn read(item: &str) -> Option<Section> {
        let older = |what, peek| Section {
            label: item.into(),
            peek,
            partial: None,
            path: Vec::new(),
            what,
        };
        match item {
            "RFC822" => return Some(older(What::All, false)),
            "RFC822.HEADER" => return Some(older(What::Header, true)),
            "RFC822.TEXT" => return Some(older(What::Text, false)),
            _ => {}
        }
        let (peek, rest) = match item.strip_prefix("BODY.PEEK[") {
            Some(rest) => (true, rest),
            None => (false, item.strip_prefix("BODY[")?),
        };
        let (inside, after) = rest.split_once(']')?;
        let (path, what) = read_inside(inside)?;
        let partial = read_partial(after)?;
        let from = partial.map_or(String::new(), |(start, _)| format!("<{start}>"));
        // Names in quotes are answered without them, as atoms.
        let label = format!("BODY[{}]{from}", inside.replace('"', ""));
        Some(Section {
            label,
            peek,
            partial,
            path,
            what,
        })
    }

    /// Where the section lies, and which fields of it are wanted if not all. `None` where there is no such part.
    pub(super) fn place(
        &self,
        spool: &Spool,
        message: &Message,
    ) -> io::Result<Option<(Region, Option<Filter>)>> {
        let region = message.region;
        let (header, text) = if self.path.is_empty() {
            (
                region.part(0, message.header),
                region.part(message.header, region.length),
            )
        } else {
            let root = structure::scan(spool, region)?;
            let Some(part) = root.find(&self.path) else {
                return Ok(None);
            };
            match (&self.what, inner(part)) {
                (What::All, _) => {
                    return Ok(Some((region.part(part.body.start, part.body.end), None)));
                }
                (What::Mime, _) => {
                    return Ok(Some((
                        region.part(part.header.start, part.header.end),
                        None,
                    )));
                }
                // Only a message inside the message has a header and a text of its own.
                (_, Some(inner)) => (
                    region.part(inner.header.start, inner.header.end),
                    region.part(inner.body.start, inner.body.end),
                ),
                (_, None) => return Ok(None),
            }
        };
        Ok(match &self.what {
            What::All => Some((region, None)),
            What::Header => Some((header, None)),
            What::Fields(filter) => Some((header, Some(filter.clone()))),
            What::Text => Some((text, None)),
            What::Mime => None,
        })
    }
}

fn inner(part: &Part) -> Option<&Part> {
    match &part.kind {
        Kind::Message(inner) => Some(inner),
        _ => None,
    }
}

fn read_inside(inside: &str) -> Option<(Vec<usize>, What)> {
    let mut path = Vec::new();
    let mut rest = inside;
    while rest.starts_with(|c: char| c.is_ascii_digit()) {
        let (number, after) = rest.split_once('.').unwrap_or((rest, ""));
        path.push(number.parse().ok().filter(|number| *number > 0)?);
        rest = after;
    }
    let what = match rest {
        "" => What::All,
        "HEADER" => What::Header,
        "TEXT" => What::Text,
        "MIME" if !path.is_empty() => What::Mime,
        _ => {
            let (not, names) = match rest.strip_prefix("HEADER.FIELDS.NOT ") {
                Some(names) => (true, names),
                None => (false, rest.strip_prefix("HEADER.FIELDS ")?),
            };
            let names = names.trim().strip_prefix('(')?.strip_suffix(')')?;
            let names: Vec<String> = names
                .split_ascii_whitespace()
                .map(|name| name.replace('"', ""))
                .collect();
            if names.is_empty() {
                return None;
            }
            What::Fields(Filter { names, not })
        }
    };
    Some((path, what))
}

/// Reads `<12.345>`, or nothing. The outer `None` means that it is neither.
#[allow(clippy::option_option)]
fn read_partial(text: &str) -> Option<Option<(u64, u64)>> {
    if text.is_empty() {
        return Some(None);
    }
    let (start, length) = text.strip_prefix('<')?.strip_suffix('>')?.split_once('.')?;
    Some(Some((start.parse().ok()?, length.parse().ok()?)))
}

impl Filter {
    /// The wanted fields, as they stand, and the empty line after them.
    pub(super) fn pick(&self, header: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut wanted = false;
        for line in header.split_inclusive(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() {
                break;
            }
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                let name = crate::header::split_name(line).map(|(name, _)| name);
                wanted = name.is_some_and(|name| self.not != self.names(name));
            }
            if wanted {
                out.extend_from_slice(line);
            }
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    fn names(&self, name: &[u8]) -> bool {
        self.names
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A header in memory, as far as it is looked into.
pub(super) fn held_header(spool: &Spool, region: Region) -> io::Result<Vec<u8>> {
    spool.head(region, HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_names_of_sections_are_read() {
        let section =
            Section::read("BODY.PEEK[4.2.HEADER.FIELDS.NOT (DATE \"FROM\")]<5.10>").unwrap();
        assert_eq!(section.label, "BODY[4.2.HEADER.FIELDS.NOT (DATE FROM)]<5>");
        assert_eq!(
            (section.peek, section.partial, section.path),
            (true, Some((5, 10)), vec![4, 2])
        );
        assert_eq!(Section::read("BODY[1.MIME]").unwrap().what, What::Mime);
        for wrong in [
            "BODY",
            "BODY[",
            "BODY[MIME]",
            "BODY[0]",
            "BODY[1..2]",
            "BODY[X]",
            "BODY[]<1>",
            "BODY[]<-1.2>",
            "BODY[HEADER.FIELDS]",
            "BODY[HEADER.FIELDS ()]",
            "RFC822.PEEK",
            "BODY[1.2",
            "BODY[]x",
        ] {
            assert_eq!(Section::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fields_come_with_their_continuations_and_only_from_the_header() {
        let filter = Filter {
            names: vec!["TO".into()],
            not: false,
        };
        let header = b"To: a,\r\n\tb\r\nFrom: c\r\nno field\r\n more\r\ntO : d\r\n\r\nTo: body\r\n";
        assert_eq!(filter.pick(header), b"To: a,\r\n\tb\r\ntO : d\r\n\r\n");
        let filter = Filter {
            not: true,
            ..filter
        };
        assert_eq!(filter.pick(header), b"From: c\r\n\r\n");
    }

    proptest! {
        #[test]
        fn any_text_ends(item in "BODY(.PEEK)?\\[[0-9.A-Z ()\"]{0,20}\\](<[0-9.]{0,5}>)?") {
            if let Some(section) = Section::read(&item) {
                prop_assert!(section.label.starts_with("BODY["));
            }
        }
    }
}
