//! Payloads that nothing can compress.

use bytes::Bytes;
use dl_core::{Error, ErrorKind, MAX_PAYLOAD_BYTES, Result};

/// What payloads are cut from: small, because each caller has one, and the memory of the run is told; larger than what
/// LZ4 looks back.
const POOL_BYTES: usize = 128 * 1024;

/// Payloads of one length, cut from a pool of random bytes at ever new places.
pub(super) struct Payloads {
    pool: Bytes,
    length: usize,
    at: usize,
}

impl Payloads {
    /// Payloads of `length` bytes. Another `seed` gives others.
    ///
    /// # Errors
    /// `too-large` for a length that no record can have.
    pub(super) fn new(length: usize, seed: u64) -> Result<Self> {
        if length > MAX_PAYLOAD_BYTES {
            let message = format!("a record holds at most {MAX_PAYLOAD_BYTES} bytes, not {length}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(Self { pool: random(POOL_BYTES + length, seed).into(), length, at: 0 })
    }

    /// Payloads from the same pool, from another place on.
    pub(super) fn share(&self, number: usize) -> Self {
        Self { pool: self.pool.clone(), length: self.length, at: number * self.length % POOL_BYTES }
    }

    pub(super) fn next(&mut self) -> Bytes {
        // Neither a multiple of the length nor of a page, so that the same bytes come at other places.
        self.at = (self.at + self.length + 61) % POOL_BYTES;
        self.pool.slice(self.at..self.at + self.length)
    }
}

/// Splitmix64: short, and good enough not to be compressed.
fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_their_length_and_differ() {
        let mut payloads = Payloads::new(100, 1).unwrap();
        let (first, second) = (payloads.next(), payloads.next());
        assert_eq!((first.len(), second.len()), (100, 100));
        assert_ne!(first, second);
        assert_ne!(first, Payloads::new(100, 2).unwrap().next());
        assert_eq!(Payloads::new(MAX_PAYLOAD_BYTES, 1).unwrap().next().len(), MAX_PAYLOAD_BYTES);
        assert_eq!(Payloads::new(MAX_PAYLOAD_BYTES + 1, 1).err().unwrap().kind(), ErrorKind::TooLarge);
        assert_eq!(Payloads::new(0, 1).unwrap().next().len(), 0);
    }
}
