//! A header scanner that can't be overwhelmed: linear, bounded, and never a full MIME parse (RFC 5322, 2.2).

/// No more of one field's value than this is kept.
pub const FIELD_CAP: usize = 64 * 1024;

/// No more fields than this are looked at.
pub const FIELDS_CAP: usize = 1000;

/// One field of a header, as it stands in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name, without blanks before the colon.
    pub name: &'a [u8],
    /// What follows the colon, folded lines included, without the last line end.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, whatever the case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value as text: unfolded, blanks evened out, bytes that are no UTF-8 replaced.
    pub fn text(&self) -> String {
        let cut = self.value.get(..FIELD_CAP).unwrap_or(self.value);
        String::from_utf8_lossy(cut)
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The fields of a header, up to its first empty line. Lines that are no field are
/// passed over, as servers do; so are the lines that continue one of them.
pub fn fields(header: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            let (line, after) = split_line(rest);
            if trimmed(line).is_empty() {
                return None;
            }
            let mut end = line.len();
            rest = after;
            while matches!(rest.first(), Some(b' ' | b'\t')) {
                let (more, after) = split_line(rest);
                end += more.len();
                rest = after;
            }
            // The field and its continuations lie together in `header`.
            let start = header.len() - rest.len() - end;
            let whole = trimmed(header.get(start..start + end).unwrap_or_default());
            if let Some((name, value)) = split_name(whole) {
                return Some(Field { name, value });
            }
        }
    })
    .take(FIELDS_CAP)
}

/// The first field of this name.
pub fn find<'a>(header: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(header).find(|field| field.is(name))
}

/// Splits `Name: value`; the name may be followed by blanks, as old programs wrote it.
pub fn split_name(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    let name = name.trim_ascii_end();
    let plain = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    plain.then_some((name, value))
}

/// The first line with its end, and what follows. LF ends a line; so does a lone CR.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = match memchr::memchr2(b'\n', b'\r', bytes) {
        None => bytes.len(),
        Some(at) if bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n') => at + 2,
        Some(at) => at + 1,
    };
    bytes.split_at(end)
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(header: &[u8]) -> Vec<(String, String)> {
        fields(header)
            .map(|f| (String::from_utf8_lossy(f.name).into(), f.text()))
            .collect()
    }

    #[test]
    fn folded_fields_come_whole_and_odd_lines_are_passed_over() {
        let header = b"Subject: a\r\n  b\nno field here\n goes on\nFrom : x\rTo:\n\nBody: no";
        let expected = [("Subject", "a b"), ("From", "x"), ("To", "")]
            .map(|(a, b)| (a.to_string(), b.to_string()));
        assert_eq!(names(header), expected);
    }

    #[test]
    fn a_header_without_end_and_an_empty_one() {
        assert_eq!(names(b"A: 1\nB: 2").len(), 2);
        assert!(names(b"").is_empty() && names(b"\n\nA: 1").is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_end(header in proptest::collection::vec(any::<u8>(), 0..400)) {
            for field in fields(&header) {
                prop_assert!(!field.name.is_empty() && field.name.len() + field.value.len() < header.len());
            }
        }
    }
}
