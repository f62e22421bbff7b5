//! COMPRESS=DEFLATE (RFC 4978) on the server's side: both directions as raw deflate.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// Room for what comes out of one step.
const STEP: usize = 64 * 1024;

pub struct Deflate {
    out: Compress,
    into: Decompress,
}

impl Deflate {
    pub fn new() -> Deflate {
        Deflate {
            out: Compress::new(Compression::fast(), false),
            into: Decompress::new(false),
        }
    }

    /// Packs all of it, so that the other side can unpack all of it.
    pub fn pack(&mut self, mut plain: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        loop {
            packed.reserve(STEP);
            let before = self.out.total_in();
            self.out
                .compress_vec(plain, &mut packed, FlushCompress::Sync)
                .unwrap();
            plain = &plain[(self.out.total_in() - before) as usize..];
            // A buffer that is full may not have held all.
            if plain.is_empty() && packed.len() < packed.capacity() {
                return packed;
            }
        }
    }

    /// Unpacks what came in, which may be nothing yet; `None` for what is no deflate stream.
    pub fn unpack(&mut self, mut packed: &[u8], plain: &mut Vec<u8>) -> Option<()> {
        loop {
            plain.reserve(STEP);
            let before = self.into.total_in();
            self.into
                .decompress_vec(packed, plain, FlushDecompress::None)
                .ok()?;
            packed = &packed[(self.into.total_in() - before) as usize..];
            if packed.is_empty() && plain.len() < plain.capacity() {
                return Some(());
            }
        }
    }
}
