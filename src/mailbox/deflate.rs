//! The two streams of COMPRESS=DEFLATE (RFC 4978): raw deflate either way, flushed before anyone waits.

use std::io::{self, ErrorKind};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// zlib-rs: level 1 hardly compresses base64, and what comes after 3 costs more than it gains.
const LEVEL: u32 = 3;

/// Room for what comes out of one step.
const STEP: usize = 64 * 1024;

/// Both directions.
pub(crate) struct Deflate {
    out: Compress,
    into: Decompress,
    /// Bytes that came in and were not unpacked yet.
    packed: Vec<u8>,
    buffer: Vec<u8>,
}

impl Deflate {
    /// Fresh streams; `packed` came in after the server's OK.
    pub fn new(packed: Vec<u8>) -> Deflate {
        Deflate {
            out: Compress::new(Compression::new(LEVEL), false),
            into: Decompress::new(false),
            packed,
            buffer: Vec::with_capacity(STEP),
        }
    }

    /// Packs bytes and hands on what comes out; with `flush` the other side can unpack all of them.
    pub fn pack(
        &mut self,
        mut plain: &[u8],
        flush: bool,
        hand_on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let how = if flush {
            FlushCompress::Sync
        } else {
            FlushCompress::None
        };
        loop {
            self.buffer.clear();
            let before = self.out.total_in();
            self.out
                .compress_vec(plain, &mut self.buffer, how)
                .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            let taken = (self.out.total_in() - before) as usize;
            plain = plain.get(taken..).unwrap_or_default();
            if !self.buffer.is_empty() {
                hand_on(&self.buffer)?;
            }
            // A buffer that is full may not have held all.
            if plain.is_empty() && self.buffer.len() < self.buffer.capacity() {
                return Ok(());
            }
        }
    }

    /// Takes bytes that came in.
    pub fn came(&mut self, packed: &[u8]) {
        self.packed.extend_from_slice(packed);
    }

    /// Unpacks a step of what came in; tells whether anything came out. A little may unpack to very much, so what is left
    /// waits until it is wanted.
    pub fn unpack(&mut self, plain: &mut Vec<u8>) -> io::Result<bool> {
        let length = plain.len();
        plain.reserve(STEP);
        let before = self.into.total_in();
        let status = self
            .into
            .decompress_vec(&self.packed, plain, FlushDecompress::None)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let taken = (self.into.total_in() - before) as usize;
        self.packed.drain(..taken.min(self.packed.len()));
        if status == Status::StreamEnd {
            return Err(io::Error::new(
                ErrorKind::UnexpectedEof,
                "the server ended the compressed stream",
            ));
        }
        Ok(plain.len() > length)
    }
}

/// How fast this computer packs such bytes, in bytes a second, and what is left of them.
pub(crate) fn trial(sample: &[u8]) -> (f64, f64) {
    let begun = std::time::Instant::now();
    let mut packed = 0usize;
    let counted = Deflate::new(Vec::new()).pack(sample, true, &mut |part| {
        packed += part.len();
        Ok(())
    });
    let seconds = begun.elapsed().as_secs_f64().max(1e-6);
    let size = sample.len().max(1) as f64;
    match counted {
        Ok(()) => (size / seconds, packed as f64 / size),
        Err(_) => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_one_side_packs_the_other_unpacks(
            parts in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..2000), any::<bool>()), 1..8),
            cut in 1usize..500,
        ) {
            let (mut ours, mut theirs) = (Deflate::new(Vec::new()), Deflate::new(Vec::new()));
            let mut packed = Vec::new();
            let mut all = Vec::new();
            for (part, flush) in &parts {
                ours.pack(part, *flush, &mut |bytes| { packed.extend_from_slice(bytes); Ok(()) }).unwrap();
                all.extend_from_slice(part);
            }
            ours.pack(&[], true, &mut |bytes| { packed.extend_from_slice(bytes); Ok(()) }).unwrap();
            let mut plain = Vec::new();
            for piece in packed.chunks(cut) {
                theirs.came(piece);
                while theirs.unpack(&mut plain).unwrap() {}
            }
            prop_assert_eq!(plain, all);
        }
    }

    #[test]
    fn little_that_unpacks_to_very_much_comes_in_steps() {
        let mut bomb = Vec::new();
        let zeros = vec![0; 64 << 20];
        Deflate::new(Vec::new())
            .pack(&zeros, true, &mut |bytes| {
                bomb.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
        let mut theirs = Deflate::new(bomb);
        let mut plain = Vec::new();
        assert!(theirs.unpack(&mut plain).unwrap());
        assert!(plain.len() <= 2 * STEP, "{}", plain.len());
        assert!(theirs.unpack(&mut Vec::new()).unwrap());
    }

    #[test]
    fn bytes_that_are_no_deflate_are_an_error() {
        let mut ours = Deflate::new(vec![0xff; 100]);
        assert!(ours.unpack(&mut Vec::new()).is_err());
    }
}
