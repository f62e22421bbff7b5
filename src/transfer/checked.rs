//! A reader that lets the last byte of a message go only if all of it is what was planned.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::message::{Digest, Item};

/// Checks the bytes of a large message while they are sent. If the file changed since the plan, the end never
/// comes: the server is left with an unfinished literal, of which it must not keep anything (RFC 9051, 6.3.12).
pub(crate) struct Checked<R> {
    inner: R,
    hash: Sha256,
    left: u64,
    expected: Digest,
}

impl<R: Read> Checked<R> {
    /// The bytes of this message.
    pub fn new(inner: R, item: &Item) -> Checked<R> {
        Checked {
            inner,
            hash: Sha256::new(),
            left: item.size,
            expected: item.identity.bytes,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(piece) = buffer.get_mut(..room).filter(|piece| !piece.is_empty()) else {
            return Ok(0);
        };
        let count = self.inner.read(piece)?;
        self.hash.update(piece.get(..count).unwrap_or_default());
        self.left = self.left.saturating_sub(count as u64);
        if count == 0 || (self.left == 0 && !self.is_the_message()?) {
            return Err(io::Error::other(
                "the message in the file is not the one any more that was found at first",
            ));
        }
        Ok(count)
    }
}

impl<R: Read> Checked<R> {
    fn is_the_message(&mut self) -> io::Result<bool> {
        let hash = self.hash.clone().finalize();
        let more = self.inner.read(&mut [0])?;
        Ok(more == 0 && hash.starts_with(&self.expected.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::testing::{Mail, planned};

    fn item() -> Item {
        planned(vec![Mail::new("A", "1")])
            .folders
            .remove(0)
            .entries
            .remove(0)
            .item
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        Checked::new(bytes, &item())
            .read_to_end(&mut read)
            .map(|_| read)
    }

    #[test]
    fn what_was_planned_comes_through_and_nothing_else_ends() {
        let bytes = Mail::new("A", "1").bytes;
        assert_eq!(read(&bytes).unwrap(), bytes);
        let longer = [bytes.as_slice(), b"x"].concat();
        let other = [b"X".as_slice(), &bytes[1..]].concat();
        for changed in [&longer[..], &other[..], &bytes[..bytes.len() - 1]] {
            assert!(read(changed).is_err());
        }
    }
}
