//! ENVELOPE: who wrote what to whom, as FETCH tells it (RFC 9051, 7.5.2). Coded words stay coded: the client reads them.

use super::answer::nstring;
use crate::header;

/// Addresses of one field that are told.
const ADDRESSES: usize = 1000;

/// Writes the envelope of a header.
pub(super) fn write(head: &[u8]) -> Vec<u8> {
    let text = |name| {
        let field = header::find(head, name).map(|field| unfolded(field.value));
        nstring(field.as_deref())
    };
    // Old programs wrote one field for each address.
    let list = |name: &str| -> Vec<Address> {
        let fields = header::fields(head).filter(|field| field.is(name));
        fields.flat_map(|field| addresses(field.value)).collect()
    };
    let from = list("From");
    let or_from = |list: Vec<Address>| if list.is_empty() { from.clone() } else { list };
    let items = [
        text("Date"),
        text("Subject"),
        shown(&from),
        shown(&or_from(list("Sender"))),
        shown(&or_from(list("Reply-To"))),
        shown(&list("To")),
        shown(&list("Cc")),
        shown(&list("Bcc")),
        text("In-Reply-To"),
        text("Message-ID"),
    ];
    [b"(".as_slice(), &items.join(&b' '), b")"].concat()
}

/// A field on one line, blanks around it gone.
fn unfolded(value: &[u8]) -> Vec<u8> {
    let line: Vec<u8> = value
        .iter()
        .copied()
        .filter(|byte| !b"\r\n\0".contains(byte))
        .collect();
    line.trim_ascii().to_vec()
}

/// One address, or the beginning or the end of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Address {
    name: Option<Vec<u8>>,
    mailbox: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
}

fn shown(addresses: &[Address]) -> Vec<u8> {
    if addresses.is_empty() {
        return b"NIL".to_vec();
    }
    let one = |address: &Address| {
        let part = |part: &Option<Vec<u8>>| nstring(part.as_deref());
        let parts = [
            part(&address.name),
            b"NIL".to_vec(),
            part(&address.mailbox),
            part(&address.host),
        ];
        [b"(".as_slice(), &parts.join(&b' '), b")"].concat()
    };
    let all: Vec<Vec<u8>> = addresses.iter().map(one).collect();
    [b"(".as_slice(), &all.concat(), b")"].concat()
}

/// What was gathered of an address.
#[derive(Default)]
struct Gathered {
    /// What stands outside of everything: a name, or the address itself.
    words: Vec<u8>,
    /// What stands between `<` and `>`.
    angle: Option<Vec<u8>>,
    comment: Vec<u8>,
}

/// Reads a list of addresses (RFC 5322, 3.4), as generous as old mail needs it.
fn addresses(value: &[u8]) -> Vec<Address> {
    let mut list = Vec::new();
    let mut now = Gathered::default();
    let (mut quoted, mut depth, mut in_angle, mut in_group) = (false, 0u32, false, false);
    let line = unfolded(value);
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        if list.len() >= ADDRESSES {
            return list;
        }
        let escaped = (quoted || depth > 0) && byte == b'\\';
        let byte = if escaped {
            bytes.next().unwrap_or(b' ')
        } else {
            byte
        };
        match byte {
            _ if escaped => now.push(byte, depth, in_angle),
            b'"' if depth == 0 => quoted = !quoted,
            _ if quoted => now.push(byte, depth, in_angle),
            b'(' => {
                depth += 1;
                if depth > 1 {
                    now.comment.push(byte);
                }
            }
            b')' if depth > 0 => {
                depth -= 1;
                if depth > 0 {
                    now.comment.push(byte);
                }
            }
            _ if depth > 0 => now.comment.push(byte),
            b'<' => {
                in_angle = true;
                now.angle = Some(Vec::new());
            }
            b'>' => in_angle = false,
            _ if in_angle => now.push(byte, depth, true),
            b':' if !in_group => {
                in_group = true;
                list.push(Address {
                    mailbox: Some(std::mem::take(&mut now).words.trim_ascii().to_vec()),
                    ..Address::default()
                });
            }
            b';' if in_group => {
                in_group = false;
                list.extend(std::mem::take(&mut now).address());
                list.push(Address::default());
            }
            b',' | b';' => list.extend(std::mem::take(&mut now).address()),
            _ => now.push(byte, depth, false),
        }
    }
    list.extend(now.address());
    if in_group {
        list.push(Address::default());
    }
    list
}

impl Gathered {
    fn push(&mut self, byte: u8, depth: u32, in_angle: bool) {
        match &mut self.angle {
            _ if depth > 0 => self.comment.push(byte),
            Some(angle) if in_angle => angle.push(byte),
            _ => self.words.push(byte),
        }
    }

    fn address(self) -> Option<Address> {
        let words = self.words.trim_ascii().to_vec();
        let comment = self.comment.trim_ascii().to_vec();
        let (name, address) = match self.angle {
            Some(angle) => (words, angle.trim_ascii().to_vec()),
            None => (comment, words),
        };
        if name.is_empty() && address.is_empty() {
            return None;
        }
        // A route before the address, `@a,@b:jane@c`, is long out of use.
        let address = match memchr::memrchr(b':', &address) {
            Some(at) if address.starts_with(b"@") => {
                address.get(at + 1..).unwrap_or_default().to_vec()
            }
            _ => address,
        };
        let at = memchr::memrchr(b'@', &address);
        let mailbox = address
            .get(..at.unwrap_or(address.len()))
            .unwrap_or_default()
            .to_vec();
        // No host at all would mean a group.
        let host = at
            .and_then(|at| address.get(at + 1..))
            .unwrap_or_default()
            .to_vec();
        Some(Address {
            name: (!name.is_empty()).then_some(name),
            mailbox: Some(mailbox),
            host: Some(host),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(value: &str) -> String {
        String::from_utf8_lossy(&shown(&addresses(value.as_bytes()))).into_owned()
    }

    #[test]
    fn addresses_of_every_form() {
        for (value, answer) in [
            ("a@b", "((NIL NIL \"a\" \"b\"))"),
            (
                "\"Doe, Jane\" <jane@x.org>, Bob <b@c>",
                "((\"Doe, Jane\" NIL \"jane\" \"x.org\")(\"Bob\" NIL \"b\" \"c\"))",
            ),
            (
                "jane@x.org (Jane \"J\" (the) Doe)",
                "((\"Jane \\\"J\\\" (the) Doe\" NIL \"jane\" \"x.org\"))",
            ),
            (
                "Friends: a@b, c@d;, e@f",
                "((NIL NIL \"Friends\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\"))",
            ),
            (
                "undisclosed-recipients:;",
                "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL))",
            ),
            ("<@a,@b:jane@c>", "((NIL NIL \"jane\" \"c\"))"),
            ("root", "((NIL NIL \"root\" \"\"))"),
            ("\"a@b\"@c", "((NIL NIL \"a@b\" \"c\"))"),
            ("", "NIL"),
            (", ,", "NIL"),
        ] {
            assert_eq!(list(value), answer, "{value}");
        }
    }

    #[test]
    fn who_sent_it_is_who_wrote_it_unless_it_says_otherwise() {
        let head =
            b"From: a@b\r\nCc: c@d\r\nSubject: one\r\n two\r\nCC: e@f\r\nMessage-ID: <1@x>\r\n\r\n";
        let from = "((NIL NIL \"a\" \"b\"))";
        let cc = "((NIL NIL \"c\" \"d\")(NIL NIL \"e\" \"f\"))";
        let expected = format!("(NIL \"one two\" {from} {from} {from} NIL {cc} NIL NIL \"<1@x>\")");
        assert_eq!(String::from_utf8(write(head)).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn any_value_ends(value in proptest::collection::vec(prop_oneof![proptest::sample::select(b"<>()\",:;@\\ \r\n".to_vec()), any::<u8>()], 0..200)) {
            shown(&addresses(&value));
        }
    }
}
