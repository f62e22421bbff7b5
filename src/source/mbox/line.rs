//! The first line of what is in view.

/// No more of a line than this is looked at.
pub(super) const LINE_CAP: usize = 8 * 1024;

/// The first line in view, or as much as is in view.
pub(super) struct Line<'a> {
    /// Without its end, and without what is beyond the cap.
    pub(super) text: &'a [u8],
    /// With its end.
    pub(super) length: usize,
    /// Whether its end is in view.
    pub(super) ended: bool,
}

impl Line<'_> {
    /// Finds it. A line also ends where NULs stand before a `From `: a crash left a hole, and the program went on behind it.
    pub(super) fn first(view: &[u8], cr_lines: bool) -> Line<'_> {
        let mut from = 0;
        loop {
            let rest = view.get(from..).unwrap_or_default();
            let stop = if cr_lines {
                memchr::memchr3(b'\n', b'\r', 0, rest)
            } else {
                memchr::memchr2(b'\n', 0, rest)
            };
            let Some(stop) = stop else {
                return Line::of(view, view.len(), false);
            };
            let at = from + stop;
            let after = view.get(at..).unwrap_or_default();
            match after.first() {
                Some(0) => {
                    let nuls = after.iter().take_while(|byte| **byte == 0).count();
                    let beyond = after.get(nuls..).unwrap_or_default();
                    if beyond.is_empty() || beyond.starts_with(b"From ") {
                        return Line::of(view, at, false);
                    }
                    from = at + nuls;
                }
                Some(b'\r') if after.get(1) == Some(&b'\n') => return Line::of(view, at + 2, true),
                _ => return Line::of(view, at + 1, true),
            }
        }
    }

    fn of(view: &[u8], length: usize, ended: bool) -> Line<'_> {
        let whole = view.get(..length).unwrap_or_default();
        let text = without_end(whole);
        Line {
            text: text.get(..LINE_CAP).unwrap_or(text),
            length,
            ended,
        }
    }
}

pub(super) fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(view: &[u8], cr_lines: bool) -> (&[u8], usize, bool) {
        let line = Line::first(view, cr_lines);
        (line.text, line.length, line.ended)
    }

    #[test]
    fn a_line_ends_at_its_end_and_nowhere_before() {
        assert_eq!(first(b"a\r\nb", false), (b"a".as_slice(), 3, true));
        assert_eq!(first(b"a\rb\nc", false), (b"a\rb".as_slice(), 4, true));
        assert_eq!(first(b"a\rb\n", true), (b"a".as_slice(), 2, true));
        assert_eq!(first(b"a", false), (b"a".as_slice(), 1, false));
        let long = [b"a".repeat(LINE_CAP + 5), b"\n".to_vec()].concat();
        let line = Line::first(&long, false);
        assert_eq!(
            (line.text.len(), line.length, line.ended),
            (LINE_CAP, LINE_CAP + 6, true)
        );
    }

    #[test]
    fn nuls_are_text_except_before_a_separator() {
        assert_eq!(first(b"a\0\0b\n", false), (b"a\0\0b".as_slice(), 5, true));
        assert_eq!(first(b"a\0\0From b\n", false), (b"a".as_slice(), 1, false));
        assert_eq!(first(b"a\0\0", false), (b"a".as_slice(), 1, false));
    }
}
