//! Compression of a run of bytes whose length before and after is kept beside it.

use bytes::Bytes;
use lz4_flex::block;

use crate::error::{Error, Result};
use crate::types::Compression;

impl Compression {
    /// The codec bits of an entry's or a record set's header.
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Lz4 => 1,
        }
    }

    /// Reads the codec bits; the others are ignored. Java takes the unknown codecs 2 and 3 for `none`, but writes
    /// neither.
    pub(super) fn from_code(word: i32) -> Result<Self> {
        match word & 3 {
            0 => Ok(Self::None),
            1 => Ok(Self::Lz4),
            code => Err(Error::corrupt(format!("the compression codec {code} is unknown"))),
        }
    }
}

/// What the header in front of a body says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) codec: Compression,
    pub(super) decompressed_bytes: u32,
    pub(super) stored_bytes: u32,
}

impl Body {
    /// Takes the body from behind its header and decompresses it; without compression it is a slice of `bytes`. What
    /// follows the stored length is ignored, as in Java.
    pub(super) fn open(self, bytes: &Bytes, header_bytes: usize, limit_bytes: usize) -> Result<Bytes> {
        let end = header_bytes + self.stored_bytes as usize;
        if end > bytes.len() {
            return Err(Error::corrupt(format!(
                "{} bytes are stored by the header, but only {} are there",
                self.stored_bytes,
                bytes.len().saturating_sub(header_bytes)
            )));
        }
        let stored = bytes.slice(header_bytes..end);
        match self.codec {
            Compression::None if self.stored_bytes == self.decompressed_bytes => Ok(stored),
            Compression::None => Err(Error::corrupt(format!(
                "it is not compressed, but stored in {} bytes instead of {}",
                self.stored_bytes, self.decompressed_bytes
            ))),
            Compression::Lz4 => self.decompress(&stored, limit_bytes),
        }
    }

    fn decompress(self, stored: &[u8], limit_bytes: usize) -> Result<Bytes> {
        let decompressed_bytes = self.decompressed_bytes as usize;
        if decompressed_bytes > limit_bytes {
            return Err(Error::corrupt(format!(
                "{decompressed_bytes} bytes are compressed by the header, but at most {limit_bytes} can be"
            )));
        }
        let mut bytes = vec![0; decompressed_bytes];
        match block::decompress_into(stored, &mut bytes) {
            Ok(filled) if filled == decompressed_bytes => Ok(Bytes::from(bytes)),
            Ok(filled) => Err(Error::corrupt(format!(
                "the LZ4 block holds {filled} bytes instead of {decompressed_bytes}"
            ))),
            Err(error) => Err(Error::corrupt("the LZ4 block cannot be decompressed").caused_by(error)),
        }
    }
}

/// The bytes behind the first `header_bytes` of `plain`, compressed, behind as many zero bytes; `None` if that would
/// not be smaller.
pub(super) fn compress(plain: &[u8], header_bytes: usize) -> Option<Vec<u8>> {
    let body = plain.get(header_bytes..)?;
    let mut bytes = vec![0; header_bytes + block::get_maximum_output_size(body.len())];
    let compressed = block::compress_into(body, &mut bytes[header_bytes..]).ok()?;
    bytes.truncate(header_bytes + compressed);
    (bytes.len() < plain.len()).then_some(bytes)
}

/// A length field, which Java reads as signed.
pub(super) fn length(bytes: [u8; 4]) -> Result<u32> {
    let length = i32::from_be_bytes(bytes);
    u32::try_from(length).map_err(|_| Error::corrupt(format!("a length is {length}")))
}
