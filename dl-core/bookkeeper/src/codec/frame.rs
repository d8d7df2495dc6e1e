//! Frames: a length of four bytes and as many bytes.

use bytes::{Buf, Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::EncodedEntry;

/// The most bytes of a frame that bookies take, unless their operators set it otherwise (`nettyMaxFrameSizeBytes`).
pub const DEFAULT_MAX_FRAME_BYTES: usize = 5 * 1024 * 1024;

const LENGTH_BYTES: usize = 4;

/// Room that is made for what is read from a socket.
const READ_BYTES: usize = 64 * 1024;

/// Room below which more is made.
const LEAST_READ_BYTES: usize = 4 * 1024;

/// A frame to be sent: what is made for it, and an entry that it shares with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The length, and all that stands in front of the entry.
    prefix: Bytes,
    /// The entry, if there is one.
    body: EncodedEntry,
}

impl Frame {
    /// Bytes that the length takes at the start of what is given to [`Frame::new`].
    pub(crate) const LENGTH_BYTES: usize = LENGTH_BYTES;

    /// A frame with this prefix, at whose start the length is filled in.
    pub(crate) fn new(mut prefix: BytesMut, body: EncodedEntry) -> Self {
        let length = (prefix.len() + body.len()).saturating_sub(LENGTH_BYTES);
        // Frames over the limit, far below 4 GiB, are refused before they are sent.
        prefix[..LENGTH_BYTES].copy_from_slice(&(length as u32).to_be_bytes());
        Self { prefix: prefix.freeze(), body }
    }

    /// A frame without an entry.
    pub(crate) fn plain(prefix: BytesMut) -> Self {
        Self::new(prefix, EncodedEntry::whole(Bytes::new()))
    }

    /// Bytes that the length counts.
    #[must_use]
    pub const fn payload_bytes(&self) -> usize {
        self.len() - LENGTH_BYTES
    }

    /// Bytes in all.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.prefix.len() + self.body.len()
    }

    /// Always false: there is at least the length.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The bytes, in pieces that are to be written one after another; some may be empty.
    #[must_use]
    pub fn parts(self) -> [Bytes; 3] {
        [self.prefix, self.body.head, self.body.payload]
    }

    /// The bytes in one piece.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        self.clone().parts().concat().into()
    }
}

/// Puts frames together from bytes that come in any pieces.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    max_frame_bytes: usize,
}

impl FrameReader {
    /// A reader that refuses frames with more bytes.
    #[must_use]
    pub fn new(max_frame_bytes: usize) -> Self {
        Self { buffer: BytesMut::new(), max_frame_bytes }
    }

    /// Where the next bytes go, behind what is there: with room for the rest of a frame that has begun, and for no more
    /// than its limit.
    pub fn buffer(&mut self) -> &mut BytesMut {
        let rest = match self.announced() {
            Some(length) if length <= self.max_frame_bytes => {
                (LENGTH_BYTES + length).saturating_sub(self.buffer.len())
            }
            _ => 0,
        };
        let room = self.buffer.capacity() - self.buffer.len();
        if room < rest.max(LEAST_READ_BYTES) {
            self.buffer.reserve(rest.max(READ_BYTES));
        }
        &mut self.buffer
    }

    /// The next frame, without its length, or `None` until more bytes have come.
    ///
    /// # Errors
    /// `too-large` if a frame is announced that is over the limit. Nothing more can be read from such a connection.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>> {
        let Some(length) = self.announced() else { return Ok(None) };
        if length > self.max_frame_bytes {
            let message =
                format!("a frame of {length} bytes is announced; the most is {}", self.max_frame_bytes);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        if self.buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Whether bytes of an unfinished frame are there.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    fn announced(&self) -> Option<usize> {
        let length = self.buffer.first_chunk::<LENGTH_BYTES>()?;
        Some(u32::from_be_bytes(*length) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_any_pieces() {
        let bytes = [&[0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0][..], &[0, 0, 0, 1, 9]].concat();
        for piece in 1..=bytes.len() {
            let mut reader = FrameReader::new(3);
            let mut frames = Vec::new();
            for piece in bytes.chunks(piece) {
                reader.buffer().extend_from_slice(piece);
                while let Some(frame) = reader.next_frame().unwrap() {
                    frames.push(frame.to_vec());
                }
            }
            assert_eq!(frames, [vec![1, 2, 3], vec![], vec![9]]);
            assert!(!reader.is_inside_frame());
        }
    }

    #[test]
    fn a_long_frame_is_refused_before_there_is_room_for_it() {
        let mut reader = FrameReader::new(1_000);
        reader.buffer().extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert!(reader.buffer().capacity() < 4 * READ_BYTES);
        assert_eq!(reader.next_frame().unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn there_is_room_for_the_rest_of_a_frame() {
        let mut reader = FrameReader::new(DEFAULT_MAX_FRAME_BYTES);
        reader.buffer().extend_from_slice(&1_000_000_u32.to_be_bytes());
        assert!(reader.buffer().capacity() >= 1_000_004);
    }
}
