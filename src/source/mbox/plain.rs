//! Finds the lines of a message's body that mean nothing for the splitting, many at a time.

use memchr::memmem;

/// So much is looked at first. A stretch that turns out to be plain makes the next look longer,
/// so that a body full of other lines costs little more than going through it line by line.
const FIRST_LOOK: usize = 512;

/// So much is looked at at most.
const LONGEST_LOOK: usize = 64 * 1024;

/// Plain lines at the beginning of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Their bytes, ends included.
    pub(super) length: usize,
    /// The length of the last of them if it is empty, else 0.
    pub(super) blank: usize,
}

/// Looks for plain lines: complete ones without a NUL that begin neither with `From ` nor with `--`.
pub(super) struct Plain {
    separator: memmem::Finder<'static>,
    hyphens: memmem::Finder<'static>,
    look: usize,
}

impl Plain {
    pub(super) fn new() -> Plain {
        Plain {
            separator: memmem::Finder::new(b"\nFrom "),
            hyphens: memmem::Finder::new(b"\n--"),
            look: FIRST_LOOK,
        }
    }

    /// The plain lines that `view`, which begins at the start of a line, begins with. What follows
    /// them may be plain as well.
    pub(super) fn stretch(&mut self, view: &[u8]) -> Option<Stretch> {
        let look = view.get(..self.look).unwrap_or(view);
        // What is cut off behind the view can't be told.
        if look.starts_with(b"From") || look.starts_with(b"-") {
            return None;
        }
        let mut end = memchr::memchr(0, look).unwrap_or(look.len());
        for finder in [&self.separator, &self.hyphens] {
            let sought = look.get(..end).unwrap_or_default();
            // The line end before it is still plain.
            end = finder.find(sought).map_or(end, |at| at + 1);
        }
        self.look = if end == look.len() {
            (2 * self.look).min(LONGEST_LOOK)
        } else {
            FIRST_LOOK
        };
        let seen = look.get(..end).unwrap_or_default();
        let lines = seen.get(..memchr::memrchr(b'\n', seen)? + 1)?;
        Some(Stretch {
            length: lines.len(),
            blank: blank(lines),
        })
    }
}

/// The length of the last line, if it is empty.
fn blank(lines: &[u8]) -> usize {
    let before = |end: &[u8]| {
        lines
            .strip_suffix(end)
            .is_some_and(|before| before.is_empty() || before.ends_with(b"\n"))
    };
    if before(b"\n") {
        1
    } else if before(b"\r\n") {
        2
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(view: &str) -> Option<(usize, usize)> {
        let found = Plain::new().stretch(view.as_bytes());
        found.map(|stretch| (stretch.length, stretch.blank))
    }

    #[test]
    fn a_stretch_ends_where_a_line_could_matter() {
        assert_eq!(stretch("a\nb\nc"), Some((4, 0)));
        assert_eq!(stretch("a\nFrom b\n"), Some((2, 0)));
        assert_eq!(stretch("a\n\n--b\n"), Some((3, 1)));
        assert_eq!(stretch("a\r\n\r\n--b\n"), Some((5, 2)));
        assert_eq!(stretch("a\nb\0\nc\n"), Some((2, 0)));
        assert_eq!(stretch("a\r\r\n"), Some((4, 0)));
        assert_eq!(stretch("\n"), Some((1, 1)));
        for other in ["", "a", "From b\n", "From", "--\n", "-", "a\0\n"] {
            assert_eq!(stretch(other), None, "{other}");
        }
    }
}
