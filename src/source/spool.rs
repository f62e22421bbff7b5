//! A temporary copy of text that can't be read at any place: packed mail, and mail in UTF-16.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};

use flate2::bufread::MultiGzDecoder;
use tempfile::NamedTempFile;

use super::upload::{Utf16, utf16_mark};

/// Bytes handled at once.
const PIECE: usize = 64 * 1024;

/// How a file has to be read before it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    /// gzip, with one or more members (RFC 1952).
    Gzip,
    /// UTF-16, with its byte order.
    Utf16 { big_endian: bool },
}

impl Wrapping {
    /// Recognises it by the first bytes of a file.
    pub(crate) fn of(head: &[u8]) -> Option<Wrapping> {
        if head.starts_with(b"\x1f\x8b") {
            return Some(Wrapping::Gzip);
        }
        utf16_mark(head).map(|big_endian| Wrapping::Utf16 { big_endian })
    }

    /// The text that the first bytes of a file stand for, as far as they go.
    pub(crate) fn open_head(self, head: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        // Where the head ends, so does the text; that is no error here.
        let _ = self.copy(head, &mut text);
        text
    }

    /// Writes the text; says whether the packed bytes ended early or are damaged. What came before is there.
    fn copy(self, from: impl Read, to: &mut impl Write) -> io::Result<bool> {
        let mut piece = vec![0; PIECE];
        match self {
            Wrapping::Gzip => {
                let mut unpacked = MultiGzDecoder::new(BufReader::new(from));
                loop {
                    match unpacked.read(&mut piece) {
                        Ok(0) => return Ok(false),
                        Ok(count) => to.write_all(piece.get(..count).unwrap_or_default())?,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) if is_damage(&error) => return Ok(true),
                        Err(error) => return Err(error),
                    }
                }
            }
            Wrapping::Utf16 { big_endian } => {
                let mut mark = [0; 2];
                let mut from = BufReader::new(from);
                from.read_exact(&mut mark)?;
                let mut units = Utf16::new(big_endian);
                let mut text = Vec::new();
                loop {
                    let count = match from.read(&mut piece) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                        other => other?,
                    };
                    match count {
                        0 => units.finish(&mut text),
                        _ => units.push(piece.get(..count).unwrap_or_default(), &mut text),
                    }
                    to.write_all(&text)?;
                    text.clear();
                    if count == 0 {
                        return Ok(false);
                    }
                }
            }
        }
    }
}

/// Whether an error comes from the packed bytes, and not from the disk.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

/// A temporary file with the text of another. It goes away with this value.
pub(crate) struct Spool {
    file: NamedTempFile,
    wrapping: Wrapping,
    cut_short: bool,
}

impl Spool {
    /// Reads all of `from`.
    ///
    /// # Errors
    /// It can't be read, or there is no room for the text.
    pub(crate) fn fill(from: impl Read, wrapping: Wrapping) -> io::Result<Spool> {
        let mut file = NamedTempFile::new()?;
        let cut_short = {
            let mut to = io::BufWriter::with_capacity(PIECE, file.as_file_mut());
            let cut_short = wrapping.copy(from, &mut to)?;
            to.flush()?;
            cut_short
        };
        Ok(Spool {
            file,
            wrapping,
            cut_short,
        })
    }

    /// Opens it, at its beginning, independently of others.
    pub(crate) fn reader(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// What it came out of.
    pub(crate) fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// Whether the packed bytes ended early or are damaged.
    pub(crate) fn cut_short(&self) -> bool {
        self.cut_short
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    pub(crate) fn packed(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    fn text(spool: &Spool) -> Vec<u8> {
        let mut text = Vec::new();
        spool.reader().unwrap().read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn all_members_of_a_packed_file_are_read() {
        let file = [packed(b"one\n"), packed(b"two\n")].concat();
        let spool = Spool::fill(file.as_slice(), Wrapping::of(&file).unwrap()).unwrap();
        assert_eq!(text(&spool), b"one\ntwo\n");
        assert!(!spool.cut_short());
    }

    #[test]
    fn what_comes_before_the_damage_is_kept() {
        let long: Vec<u8> = (0..400_000u32).flat_map(u32::to_le_bytes).collect();
        let file = packed(&long);
        let spool = Spool::fill(&file[..file.len() / 2], Wrapping::Gzip).unwrap();
        let found = text(&spool);
        assert!(spool.cut_short() && found.len() > 100_000 && long.starts_with(&found));
    }

    #[test]
    fn utf_16_becomes_utf_8() {
        let file: Vec<u8> = "\u{feff}Grüße 😀\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let wrapping = Wrapping::of(&file).unwrap();
        assert_eq!(wrapping, Wrapping::Utf16 { big_endian: true });
        assert_eq!(wrapping.open_head(&file[..8]), "Grü".as_bytes());
        assert_eq!(
            text(&Spool::fill(file.as_slice(), wrapping).unwrap()),
            "Grüße 😀\n".as_bytes()
        );
    }

    #[test]
    fn the_temporary_file_goes_away() {
        let spool = Spool::fill(packed(b"x").as_slice(), Wrapping::Gzip).unwrap();
        let path = spool.file.path().to_path_buf();
        assert!(path.exists());
        drop(spool);
        assert!(!path.exists());
    }
}
