//! A window that moves over a file: enough bytes ahead to decide about a line, and never more in memory.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes in memory.
const CAPACITY: usize = 256 * 1024;

/// What is passed over where the disk can't read: as much as a damaged disk loses at once.
const SECTOR: u64 = 4096;

/// After so many places that can't be read, it is the whole disk.
const FAULTS_CAP: u32 = 256;

pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Where the window begins in `buffer`.
    from: usize,
    /// Where `buffer` begins in the file.
    base: u64,
    /// Where the file ends.
    end: u64,
    faults: u32,
    shrank: bool,
}

impl<R: Read + Seek> Window<R> {
    /// A window at the start of a file, which counts up to `end`.
    pub(super) fn new(mut reader: R, end: u64) -> io::Result<Window<R>> {
        reader.seek(SeekFrom::Start(0))?;
        Ok(Window {
            reader,
            buffer: Vec::new(),
            from: 0,
            base: 0,
            end,
            faults: 0,
            shrank: false,
        })
    }

    /// Where the window begins in the file.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.from as u64
    }

    /// Where the file ends: earlier than was said at first, if it shrank.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether the file turned out to be shorter than was said at first.
    pub(super) fn shrank(&self) -> bool {
        self.shrank
    }

    /// What lies ahead: at least so many bytes, unless the file ends before.
    /// Places that can't be read are shown as NULs.
    pub(super) fn view(&mut self, least: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.from < least {
            self.buffer.drain(..self.from);
            self.base += self.from as u64;
            self.from = 0;
            while self.buffer.len() < least.min(CAPACITY) && self.read_more()? {}
        }
        Ok(self.buffer.get(self.from..).unwrap_or_default())
    }

    /// Moves on.
    pub(super) fn consume(&mut self, count: usize) {
        self.from = (self.from + count).min(self.buffer.len());
    }

    /// Fills the buffer once; `false` at the end of the file.
    fn read_more(&mut self) -> io::Result<bool> {
        let filled = self.buffer.len();
        let here = self.base + filled as u64;
        let room = (CAPACITY - filled).min(usize::try_from(self.end - here).unwrap_or(CAPACITY));
        if room == 0 {
            return Ok(false);
        }
        self.buffer.resize(filled + room, 0);
        let into = self.buffer.get_mut(filled..).unwrap_or_default();
        let count = match self.reader.read(into) {
            Ok(0) => {
                self.end = here;
                self.shrank = true;
                0
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.buffer.truncate(filled);
                return Ok(true);
            }
            Err(error) => self.pass_over(here, room, error)?,
        };
        self.buffer.truncate(filled + count);
        Ok(count > 0)
    }

    /// Goes on behind a place that can't be read, whose bytes count as NULs.
    fn pass_over(&mut self, here: u64, room: usize, error: io::Error) -> io::Result<usize> {
        self.faults += 1;
        if self.faults > FAULTS_CAP {
            return Err(error);
        }
        let sector = usize::try_from(SECTOR - here % SECTOR).unwrap_or(room);
        let count = sector.min(room);
        self.reader.seek(SeekFrom::Start(here + count as u64))?;
        let filled = self.buffer.len() - room;
        self.buffer.get_mut(filled..).unwrap_or_default().fill(0);
        Ok(count)
    }

    /// The bytes at another place, as many as there are and can be read, up to `count`.
    ///
    /// # Errors
    /// The window can't go back to its place.
    pub(super) fn peek(&mut self, at: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let there = (count as u64).min(self.end.saturating_sub(at));
        if self.reader.seek(SeekFrom::Start(at)).is_ok() {
            // What could be read before an error is in `bytes`; this is but a look.
            let _ = self.reader.by_ref().take(there).read_to_end(&mut bytes);
        }
        self.back()?;
        Ok(bytes)
    }

    /// Looks from `at` on, at most `far` bytes, for the first place that mentions `word`, and says where it
    /// ends if it stands as `--word` at the start of a line there.
    ///
    /// # Errors
    /// The window can't go back to its place.
    pub(super) fn finds_delimiter(
        &mut self,
        word: &[u8],
        at: u64,
        far: u64,
    ) -> io::Result<Option<u64>> {
        let far = far.min(self.end.saturating_sub(at));
        let found = self
            .reader
            .seek(SeekFrom::Start(at))
            .and_then(|_| first_mention(&mut self.reader.by_ref().take(far), word));
        self.back()?;
        Ok(found.ok().flatten().map(|end| at + end))
    }

    fn back(&mut self) -> io::Result<()> {
        let here = self.base + self.buffer.len() as u64;
        self.reader.seek(SeekFrom::Start(here)).map(|_| ())
    }
}

fn first_mention(reader: &mut impl Read, word: &[u8]) -> io::Result<Option<u64>> {
    let finder = memchr::memmem::Finder::new(word);
    let mut buffer: Vec<u8> = Vec::new();
    let mut base = 0;
    loop {
        // The line end and the two hyphens before the word must be in sight.
        let keep = buffer.len().min(word.len() + 3);
        let gone = buffer.len() - keep;
        buffer.drain(..gone);
        base += gone as u64;
        let read = reader
            .by_ref()
            .take(CAPACITY as u64)
            .read_to_end(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        if let Some(at) = finder.find(&buffer) {
            let before = buffer.get(..at).unwrap_or_default();
            let delimits = before.ends_with(b"\n--") || before.ends_with(b"\r--");
            return Ok(delimits.then_some(base + (at + word.len()) as u64));
        }
    }
}

/// Where the text of a file ends: behind it lie only NULs, which a crash leaves, and 0x1A, which DOS wrote.
pub(super) fn text_end(reader: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(64 * 1024);
        let mut block = Vec::new();
        reader.seek(SeekFrom::Start(start))?;
        reader.take(end - start).read_to_end(&mut block)?;
        let last = block.iter().rposition(|byte| !matches!(byte, 0 | 0x1A));
        match last {
            Some(last) => return Ok(start + last as u64 + 1),
            None => end = start,
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn the_window_moves_over_a_file_of_any_length() {
        let file: Vec<u8> = (0..1_000_000u32).flat_map(|n| n.to_le_bytes()).collect();
        let mut window = Window::new(Cursor::new(&file), file.len() as u64).unwrap();
        let mut seen = 0;
        loop {
            let view = window.view(1000).unwrap();
            if view.is_empty() {
                break;
            }
            let count = view.len().min(777);
            assert_eq!(&view[..count], &file[seen..seen + count]);
            window.consume(count);
            seen += count;
            if seen % 5 == 0 {
                assert_eq!(window.peek(8, 4).unwrap(), 2u32.to_le_bytes());
            }
        }
        assert_eq!(seen, file.len());
        assert!(window.buffer.capacity() < 3 * CAPACITY);
    }

    #[test]
    fn only_the_first_mention_counts() {
        let window = |text: &str, word: &str| {
            let mut window =
                Window::new(Cursor::new(text.as_bytes().to_vec()), text.len() as u64).unwrap();
            window.finds_delimiter(word.as_bytes(), 0, 1 << 30).unwrap()
        };
        assert_eq!(window("text\n--abc\n", "abc"), Some(10));
        assert_eq!(window("boundary=abc\n\n--abc\n", "abc"), None);
        assert_eq!(window("text", "abc"), None);
        let far = format!("{}\n--abc", "x".repeat(CAPACITY - 3));
        assert_eq!(window(&far, "abc"), Some(far.len() as u64));
    }

    #[test]
    fn padding_at_the_end_is_found_through_any_number_of_blocks() {
        for (text, padding) in [(0, 0), (0, 70_000), (5, 0), (5, 1), (70_000, 200_000)] {
            let file = [vec![b'a'; text], vec![0; padding]].concat();
            let end = text_end(&mut Cursor::new(&file), file.len() as u64).unwrap();
            assert_eq!(end, text as u64);
        }
    }

    /// A disk that can't read one place.
    struct Scratched(Cursor<Vec<u8>>, std::ops::Range<u64>);

    impl Read for Scratched {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let here = self.0.position();
            if self.1.contains(&here) {
                return Err(io::Error::other("scratched"));
            }
            let room = match self.1.start.checked_sub(here) {
                Some(before) if before > 0 => buffer.len().min(before as usize),
                _ => buffer.len(),
            };
            self.0.read(&mut buffer[..room])
        }
    }

    impl Seek for Scratched {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_place_that_cannot_be_read_does_not_end_the_file() {
        let disk = Scratched(Cursor::new(vec![b'a'; 20_000]), 5000..9000);
        let mut window = Window::new(disk, 20_000).unwrap();
        let mut all = Vec::new();
        while !window.view(1).unwrap().is_empty() {
            let view = window.view(1).unwrap();
            all.extend_from_slice(view);
            let count = view.len();
            window.consume(count);
        }
        assert_eq!(all.len(), 20_000);
        assert_eq!(memchr::memchr(0, &all), Some(5000));
        assert_eq!(memchr::memrchr(0, &all), Some(12_287));
        assert!(!window.shrank());
    }
}
