//! How an entry lies in a segment file: a 16-byte head, then the entry.
//!
//! | bytes | content (little-endian) |
//! |---|---|
//! | 0..4 | CRC32C over namespace, segment, offset, the fields below and the entry |
//! | 4..8 | length of the entry |
//! | 8..16 | entry id |
//!
//! Since the checksum covers segment and offset, bytes of another segment or another place never pass (rule F1).

use crate::types::SegmentId;

/// Bytes in front of each entry.
pub(super) const FRAME_BYTES: usize = 16;

/// The most an entry may have as stored: a full one that LZ4 could not compress, with room to spare.
pub(super) const MAX_STORED_ENTRY_BYTES: usize = 1_100_000;

/// What the checksums of one segment's frames cover besides the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameSeed {
    namespace: u64,
    segment: SegmentId,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHead {
    check: u32,
    /// Bytes of the entry.
    pub(super) length: usize,
    /// The entry's id.
    pub(super) entry: u64,
}

impl FrameSeed {
    pub(super) fn new(namespace: u64, segment: SegmentId) -> Self {
        Self { namespace, segment }
    }

    /// The head for an entry that will lie at this offset.
    pub(super) fn head(self, offset: u64, entry: u64, bytes: &[u8]) -> [u8; FRAME_BYTES] {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut head = [0; FRAME_BYTES];
        head[4..8].copy_from_slice(&length.to_le_bytes());
        head[8..].copy_from_slice(&entry.to_le_bytes());
        let check = self.check(offset, &head[4..], bytes);
        head[..4].copy_from_slice(&check.to_le_bytes());
        head
    }

    /// Whether the head and the entry are what was written at this offset.
    pub(super) fn verify(self, offset: u64, head: &FrameHead, bytes: &[u8]) -> bool {
        let mut fields = [0; FRAME_BYTES - 4];
        fields[..4].copy_from_slice(&u32::try_from(head.length).unwrap_or(u32::MAX).to_le_bytes());
        fields[4..].copy_from_slice(&head.entry.to_le_bytes());
        bytes.len() == head.length && self.check(offset, &fields, bytes) == head.check
    }

    fn check(self, offset: u64, fields: &[u8], bytes: &[u8]) -> u32 {
        let mut check = crc32c::crc32c(&self.namespace.to_le_bytes());
        for part in [&self.segment.get().to_le_bytes()[..], &offset.to_le_bytes(), fields, bytes] {
            check = crc32c::crc32c_append(check, part);
        }
        check
    }
}

impl FrameHead {
    /// Reads a head; `None` if no frame can start with these bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; FRAME_BYTES] = bytes.get(..FRAME_BYTES)?.try_into().ok()?;
        let (check, rest) = head.split_at(4);
        let (length, entry) = rest.split_at(4);
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        (1..=MAX_STORED_ENTRY_BYTES).contains(&length).then_some(Self {
            check: u32::from_le_bytes(check.try_into().ok()?),
            length,
            entry: u64::from_le_bytes(entry.try_into().ok()?),
        })
    }

    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        (FRAME_BYTES + self.length) as u64
    }
}
