//! The body as the content identity sees it: every line end as LF, and none at the very end.

use sha2::{Digest as _, Sha256};

/// So many bytes are hashed at once. Mail has short lines, and a hash that is fed line by line
/// spends more time on being fed than on hashing.
const GATHERED: usize = 16 * 1024;

/// Hashes a body that comes in pieces of any size.
#[derive(Default)]
pub(super) struct Body {
    hash: Sha256,
    /// Evened-out text that is not hashed yet.
    gathered: Vec<u8>,
    /// Line ends that are not text yet: they may turn out to be the last.
    pending: u64,
    /// Whether a CR came last, so that an LF belongs to it.
    pub(super) after_cr: bool,
}

impl Body {
    /// Takes the next bytes.
    pub(super) fn update(&mut self, mut data: &[u8]) {
        while let Some(first) = data.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                data = &data[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', data).unwrap_or(data.len());
            if end > 0 {
                self.line_ends();
                self.text(&data[..end]);
            }
            if let Some(line_end) = data.get(end) {
                self.pending += 1;
                self.after_cr = *line_end == b'\r';
            }
            data = data.get(end + 1..).unwrap_or_default();
        }
    }

    /// The hash of all of it.
    pub(super) fn finish(mut self) -> [u8; 32] {
        self.hash.update(&self.gathered);
        self.hash.finalize().into()
    }

    /// The line ends that came before this place are not the last ones.
    fn line_ends(&mut self) {
        for _ in 0..std::mem::take(&mut self.pending) {
            self.text(b"\n");
        }
    }

    fn text(&mut self, text: &[u8]) {
        if self.gathered.len() + text.len() > GATHERED {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
        if text.len() > GATHERED {
            self.hash.update(text);
        } else {
            self.gathered.extend_from_slice(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the identity says of a body, in the plainest words.
    fn reference(body: &[u8]) -> [u8; 32] {
        let mut even = Vec::new();
        let mut rest = body;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'\r' => {
                    even.push(b'\n');
                    rest = rest.strip_prefix(b"\n").unwrap_or(rest);
                }
                other => even.push(*other),
            }
        }
        while even.last() == Some(&b'\n') {
            even.pop();
        }
        Sha256::digest(&even).into()
    }

    fn hashed(body: &[u8], piece: usize) -> [u8; 32] {
        let mut hash = Body::default();
        body.chunks(piece).for_each(|piece| hash.update(piece));
        hash.finish()
    }

    #[test]
    fn lines_longer_and_shorter_than_what_is_gathered() {
        for length in [GATHERED - 1, GATHERED, GATHERED + 1, 3 * GATHERED + 7] {
            let body = [
                b"short\r\n".repeat(100),
                vec![b'x'; length],
                b"\n".repeat(length),
                b"y\r\r\n".to_vec(),
            ]
            .concat();
            for piece in [1, 1000, body.len()] {
                assert_eq!(hashed(&body, piece), reference(&body), "{length} {piece}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_body_has_the_hash_of_its_evened_out_text(
            parts in proptest::collection::vec(prop_oneof![
                Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\r\n".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..9),
                (any::<u8>(), 0..2 * GATHERED).prop_map(|(byte, count)| vec![byte; count]),
            ], 0..20),
            piece in 1usize..9000,
        ) {
            let body = parts.concat();
            prop_assert_eq!(hashed(&body, piece), reference(&body));
        }
    }
}
