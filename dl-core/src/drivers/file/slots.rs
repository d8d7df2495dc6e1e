//! A number that is replaced in place and survives a torn write.
//!
//! Two sectors take turns: a write never touches the sector that holds the number in force. Each holds a count that
//! rises with each write, the number, and a checksum over both and over what the number belongs to.

use std::io;

use crate::seams::File;

/// Where the two sectors are in a file's first block; the file's own header lies below 512.
const OFFSETS: [u64; 2] = [512, 1_024];

const SLOT_BYTES: usize = 20;

/// Where the sectors are, for who looks at the rest of the block.
pub(super) const RANGES: [std::ops::Range<usize>; 2] = [512..512 + SLOT_BYTES, 1_024..1_024 + SLOT_BYTES];

/// The number in force and where the next one goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    count: u64,
    value: u64,
}

impl Slots {
    /// Reads the number in force, or `None` if neither sector holds one.
    pub(super) fn read(file: &dyn File, owner: u64) -> io::Result<Option<Self>> {
        let mut newest: Option<Self> = None;
        for (turn, offset) in OFFSETS.into_iter().enumerate() {
            let mut bytes = [0; SLOT_BYTES];
            if file.read_at(&mut bytes, offset)? < SLOT_BYTES {
                continue;
            }
            let Some(slot) = Self::decode(&bytes, owner) else { continue };
            let in_turn = slot.count % 2 == turn as u64;
            if in_turn && newest.is_none_or(|newest| newest.count < slot.count) {
                newest = Some(slot);
            }
        }
        Ok(newest)
    }

    /// Whether both sectors are as writing the number in force left them: one holds it, the other the number before
    /// it, or nothing if it is the first.
    pub(super) fn are_whole(file: &dyn File, owner: u64) -> io::Result<bool> {
        let in_force = Self::read(file, owner)?.unwrap_or_else(Self::unwritten);
        for (turn, offset) in OFFSETS.into_iter().enumerate() {
            let mut bytes = [0; SLOT_BYTES];
            file.read_at(&mut bytes, offset)?;
            let count = if in_force.count % 2 == turn as u64 {
                in_force.count
            } else {
                in_force.count.saturating_sub(1)
            };
            let as_written = match count {
                0 => bytes == [0; SLOT_BYTES],
                _ => Self::decode(&bytes, owner).is_some_and(|slot| slot.count == count),
            };
            if !as_written {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Before the first number was written.
    pub(super) fn unwritten() -> Self {
        Self { count: 0, value: 0 }
    }

    /// The number in force.
    pub(super) fn value(self) -> u64 {
        self.value
    }

    /// Writes a new number. It is durable after the next sync of the file.
    pub(super) fn write(&mut self, file: &dyn File, owner: u64, value: u64) -> io::Result<()> {
        let next = Self { count: self.count + 1, value };
        let offset = OFFSETS[usize::from(next.count % 2 == 1)];
        file.write_at(&[&next.encode(owner)], offset)?;
        *self = next;
        Ok(())
    }

    fn encode(self, owner: u64) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&self.count.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        let check = check(&bytes[..16], owner);
        bytes[16..].copy_from_slice(&check.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; SLOT_BYTES], owner: u64) -> Option<Self> {
        let (numbers, stored) = bytes.split_at(16);
        let (count, value) = numbers.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
        let stored = stored.try_into().map(u32::from_le_bytes).ok()?;
        (check(numbers, owner) == stored).then_some(Self { count: number(count)?, value: number(value)? })
    }
}

fn check(numbers: &[u8], owner: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&owner.to_le_bytes()), numbers)
}
