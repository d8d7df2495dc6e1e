//! Frames, of which a file of the metadata log consists behind its first block. Apart from the log, which says what
//! they mean: here is how they lie there, and which bytes are none.
//!
//! | bytes of a frame | content (little-endian) |
//! |---|---|
//! | 0..4 | CRC32C over namespace, generation, the checksum of the frame before, and all below |
//! | 4..8 | length of the payload |
//! | 8..16 | sequence: the number of the last commit, this one included |
//! | 16 | kind: 1 nodes of the snapshot, 2 its end, 3 a commit, 4 continued in the next generation |
//! | 17.. | payload |
//!
//! Each checksum covers the one before, so a leftover of a commit that was never published cannot pass as the
//! successor of another.

use std::io;

use crate::seams::File;

/// Where the first frame of a file lies.
pub(super) const FIRST_OFFSET: u64 = 4_096;
/// The most that a frame carries.
pub(super) const MAX_PAYLOAD_BYTES: usize = 64 << 20;

const HEAD_BYTES: usize = 17;
const READ_BYTES: usize = 1 << 20;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nodes of the snapshot.
    Nodes = 1,
    /// The end of the snapshot.
    End = 2,
    /// A commit.
    Commit = 3,
    /// The number of the generation in which the log is continued.
    Continued = 4,
}

/// A frame as read.
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) payload: Vec<u8>,
    /// Where the next one lies.
    pub(super) end: Position,
}

/// A place between two frames: where the next one goes, and what its checksum covers besides itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// The checksum of namespace and generation.
    seed: u32,
    offset: u64,
    /// The checksum of the frame before.
    chain: u32,
    sequence: u64,
}

impl Position {
    /// In front of the first frame of a generation.
    pub(super) fn first(namespace: u64, generation: u64) -> Self {
        let seed = crc32c::crc32c_append(crc32c::crc32c(&namespace.to_le_bytes()), &generation.to_le_bytes());
        Self { seed, offset: FIRST_OFFSET, chain: 0, sequence: 0 }
    }

    /// Whether no frame lies before.
    pub(super) fn is_first(self) -> bool {
        self.offset == FIRST_OFFSET
    }

    /// Bytes of the file in front of it.
    pub(super) fn offset(self) -> u64 {
        self.offset
    }

    /// The number of the last commit before.
    pub(super) fn sequence(self) -> u64 {
        self.sequence
    }

    /// Appends a frame that will lie here, and goes behind it.
    pub(super) fn push(&mut self, to: &mut Vec<u8>, kind: Kind, sequence: u64, payload: &[u8]) {
        let start = to.len();
        to.extend_from_slice(&[0; 4]);
        to.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        to.extend_from_slice(&sequence.to_le_bytes());
        to.push(kind as u8);
        to.extend_from_slice(payload);
        let check = self.check(&to[start + 4..]);
        to[start..start + 4].copy_from_slice(&check.to_le_bytes());
        *self = self.behind(payload.len(), sequence, check);
    }

    fn behind(self, payload_bytes: usize, sequence: u64, check: u32) -> Self {
        let offset = self.offset + (HEAD_BYTES + payload_bytes) as u64;
        Self { offset, chain: check, sequence, ..self }
    }

    /// The checksum of a frame that lies here.
    fn check(self, rest: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c_append(self.seed, &self.chain.to_le_bytes()), rest)
    }
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Nodes, Self::End, Self::Commit, Self::Continued].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A window on the file, so that frames are not read one by one.
#[derive(Default)]
pub(super) struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The frame at a position; `None` if none that was written in its turn is there.
    pub(super) fn frame(&mut self, file: &dyn File, at: Position) -> io::Result<Option<Frame>> {
        let Some(head) = self.bytes(file, at.offset, HEAD_BYTES)? else { return Ok(None) };
        let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap_or_default());
        let (check, length) = (number(0), number(4) as usize);
        let sequence = u64::from_le_bytes(head[8..16].try_into().unwrap_or_default());
        let Some(kind) = Kind::from_byte(head[16]).filter(|_| length <= MAX_PAYLOAD_BYTES) else {
            return Ok(None);
        };
        let frame = self.bytes(file, at.offset, HEAD_BYTES + length)?;
        let Some(frame) = frame.filter(|frame| at.check(&frame[4..]) == check) else { return Ok(None) };
        let end = at.behind(length, sequence, check);
        Ok(Some(Frame { kind, payload: frame[HEAD_BYTES..].to_vec(), end }))
    }

    fn bytes(&mut self, file: &dyn File, offset: u64, count: usize) -> io::Result<Option<&[u8]>> {
        let inside = |window: &Self| {
            let start = usize::try_from(offset.checked_sub(window.offset)?).ok()?;
            (start.checked_add(count)? <= window.bytes.len()).then_some(start)
        };
        if inside(self).is_none() {
            // Anew, since the allocator has zeros at hand: only the pages that are read into are touched.
            self.bytes = vec![0; count.max(READ_BYTES)];
            let read = file.read_at(&mut self.bytes, offset)?;
            self.bytes.truncate(read);
            self.offset = offset;
        }
        Ok(inside(self).map(|start| &self.bytes[start..start + count]))
    }
}
