//! One batch of a journal: what one group commit made durable.
//!
//! A 48-byte head, then for each entry the segment's id (8), the offset in its file (8) and the frame as it lies
//! there; zeros up to the next multiple of 4,096, so that no write ever touches a block of an earlier batch. All
//! numbers are little-endian.
//!
//! | bytes of the head | content |
//! |---|---|
//! | 0..4 | `DLB1` |
//! | 4..8 | CRC32C over namespace, the rest of the head and everything in the body but the entries, which the checksums in their frames cover |
//! | 8..16 | journal id |
//! | 16..24 | generation: how often the journal was used from its start |
//! | 24..32 | sequence of the batch within the generation, from 1 |
//! | 32..40 | number of the last metadata commit seen (rule F10) |
//! | 40..44 | bytes of the body, without the zeros |
//! | 44..48 | number of entries |

use crate::drivers::file::frame::{FRAME_BYTES, FrameHead, FrameSeed};
use crate::types::SegmentId;

/// Batches start at multiples of this.
pub(super) const BLOCK_BYTES: u64 = 4_096;
/// Bytes in front of each frame.
const PLACE_BYTES: usize = 16;
const HEAD_BYTES: usize = 48;
const MAGIC: &[u8; 4] = b"DLB1";

/// What makes a batch the next one of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchKey {
    pub(crate) namespace: u64,
    pub(crate) journal: u64,
    pub(crate) generation: u64,
    pub(crate) sequence: u64,
}

/// An entry on its way to the journal.
pub(crate) struct BatchEntry<'a> {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) frame_head: &'a [u8; FRAME_BYTES],
    pub(crate) entry: &'a [u8],
}

/// Bytes a frame takes in a batch.
pub(crate) fn entry_bytes(entry: usize) -> usize {
    PLACE_BYTES + FRAME_BYTES + entry
}

/// Bytes a batch with this body takes in its journal.
pub(crate) fn batch_bytes(body: usize) -> u64 {
    ((HEAD_BYTES + body) as u64).next_multiple_of(BLOCK_BYTES)
}

/// Zeros behind a batch with this body.
fn padding(body: usize) -> usize {
    (HEAD_BYTES + body).wrapping_neg() % BLOCK_BYTES as usize
}

/// A batch ready to be written: the heads, which go between the entries.
pub(crate) struct Batch {
    heads: Vec<u8>,
    body: usize,
}

impl Batch {
    /// Lays out the heads of a batch.
    pub(crate) fn new(key: BatchKey, metadata: u64, entries: &[BatchEntry<'_>]) -> Self {
        let mut heads = Vec::with_capacity(HEAD_BYTES + entries.len() * (PLACE_BYTES + FRAME_BYTES));
        let body: usize = entries.iter().map(|entry| entry_bytes(entry.entry.len())).sum();
        heads.extend_from_slice(MAGIC);
        heads.extend_from_slice(&[0; 4]);
        for number in [key.journal, key.generation, key.sequence, metadata] {
            heads.extend_from_slice(&number.to_le_bytes());
        }
        for number in [body, entries.len()] {
            heads.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
        }
        for entry in entries {
            heads.extend_from_slice(&entry.segment.get().to_le_bytes());
            heads.extend_from_slice(&entry.offset.to_le_bytes());
            heads.extend_from_slice(entry.frame_head);
        }
        let check = crc32c::crc32c_append(crc32c::crc32c(&key.namespace.to_le_bytes()), &heads[8..]);
        heads[4..8].copy_from_slice(&check.to_le_bytes());
        Self { heads, body }
    }

    /// The pieces to write one after another.
    pub(crate) fn pieces<'a>(&'a self, entries: &[BatchEntry<'a>]) -> Vec<&'a [u8]> {
        static ZEROS: [u8; BLOCK_BYTES as usize] = [0; BLOCK_BYTES as usize];
        let (head, mut rest) = self.heads.split_at(HEAD_BYTES);
        let mut pieces = Vec::with_capacity(2 * entries.len() + 2);
        pieces.push(head);
        for entry in entries {
            let (place, after) = rest.split_at(PLACE_BYTES + FRAME_BYTES);
            rest = after;
            pieces.push(place);
            pieces.push(entry.entry);
        }
        pieces.push(&ZEROS[..padding(self.body)]);
        pieces
    }

    /// Bytes it takes in the journal.
    pub(crate) fn bytes(&self) -> u64 {
        batch_bytes(self.body)
    }
}

/// The head of a batch as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHead {
    check: u32,
    pub(super) journal: u64,
    pub(super) generation: u64,
    pub(super) sequence: u64,
    pub(super) metadata: u64,
    body: usize,
    entries: usize,
}

impl BatchHead {
    /// Reads a head; `None` if no batch can start with these bytes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD_BYTES)?;
        let number = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
        if head[..4] != *MAGIC {
            return None;
        }
        Some(Self {
            check: short(4)?,
            journal: number(8)?,
            generation: number(16)?,
            sequence: number(24)?,
            metadata: number(32)?,
            body: usize::try_from(short(40)?).ok()?,
            entries: usize::try_from(short(44)?).ok()?,
        })
    }

    /// Bytes the batch takes in its journal.
    pub(super) fn bytes(&self) -> u64 {
        batch_bytes(self.body)
    }

    /// How many zeros follow its body.
    pub(super) fn padding(&self) -> usize {
        padding(self.body)
    }

    /// The entries of a batch that is whole; `None` if it is not what was written. `bytes` starts with the head.
    pub(super) fn entries<'a>(&self, namespace: u64, bytes: &'a [u8]) -> Option<Vec<ReadEntry<'a>>> {
        let mut rest = bytes.get(HEAD_BYTES..HEAD_BYTES.checked_add(self.body)?)?;
        let mut check =
            crc32c::crc32c_append(crc32c::crc32c(&namespace.to_le_bytes()), &bytes[8..HEAD_BYTES]);
        let mut entries = Vec::new();
        for _ in 0..self.entries {
            let places = rest.get(..PLACE_BYTES + FRAME_BYTES)?;
            check = crc32c::crc32c_append(check, places);
            let segment = SegmentId::new(i64::from_le_bytes(places[..8].try_into().ok()?)).ok()?;
            let offset = u64::from_le_bytes(places[8..16].try_into().ok()?);
            let head = FrameHead::parse(&places[PLACE_BYTES..])?;
            let frame = rest.get(PLACE_BYTES..PLACE_BYTES + FRAME_BYTES + head.length)?;
            if !FrameSeed::new(namespace, segment).verify(offset, &head, &frame[FRAME_BYTES..]) {
                return None;
            }
            entries.push(ReadEntry { segment, offset, frame });
            rest = &rest[PLACE_BYTES + frame.len()..];
        }
        (rest.is_empty() && check == self.check).then_some(entries)
    }
}

/// An entry as read from a journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadEntry<'a> {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) frame: &'a [u8],
}

impl ReadEntry<'_> {
    /// Where the frame ends in its segment's file.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.frame.len() as u64)
    }
}
