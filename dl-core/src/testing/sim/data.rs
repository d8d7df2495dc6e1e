//! The data of one file: what the page cache holds, and what is on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Keep;
use super::random::Rng;
use super::words::Region;

/// What the disk writes whole or not at all.
pub(super) const SECTOR_BYTES: usize = 512;

/// How many earlier contents of a sector are remembered, any of which may be on the disk.
const OLDER_CONTENTS: usize = 4;

/// The data of one file.
#[derive(Default)]
pub(super) struct Data {
    /// What readers see.
    cache: Vec<u8>,
    /// What is on the disk for sure.
    durable: Vec<u8>,
    /// The sectors that a sync would write, each with the contents it had since it was last written: the system may
    /// have written any of them meanwhile.
    dirty: BTreeMap<usize, Vec<Vec<u8>>>,
    /// The parts that are mapped, by their offset.
    regions: BTreeMap<u64, Arc<Region>>,
}

impl Data {
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn read(&mut self, buffer: &mut [u8], offset: u64) -> usize {
        self.absorb_regions();
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(self.cache.len());
        let bytes = buffer.len().min(self.cache.len() - begin);
        buffer[..bytes].copy_from_slice(&self.cache[begin..begin + bytes]);
        bytes
    }

    /// The caller has seen to it that the end is one a file may have.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        self.absorb_regions();
        self.put(bytes, offset);
        for (begin, region) in &self.regions {
            region.load_from(&self.cache, *begin as usize);
        }
    }

    pub(super) fn sync(&mut self) {
        self.absorb_regions();
        resize(&mut self.durable, self.cache.len());
        for sector in std::mem::take(&mut self.dirty).into_keys() {
            copy(&mut self.durable, sector, content(&self.cache, sector));
        }
    }

    /// A sync that fails: some of what it covered gets to the disk, and all of it counts as written from now on.
    pub(super) fn fail_to_sync(&mut self, rng: &mut Rng) {
        self.absorb_regions();
        if rng.one_in(2) {
            resize(&mut self.durable, self.cache.len());
        }
        let odds = rng.odds();
        for sector in std::mem::take(&mut self.dirty).into_keys() {
            if rng.survives(odds) {
                copy(&mut self.durable, sector, content(&self.cache, sector));
            }
        }
    }

    /// What was not durable is lost or not.
    pub(super) fn lose_power(&mut self, keep: Keep, rng: &mut Rng) {
        self.absorb_regions();
        self.regions.clear();
        let sure = self.durable.len();
        let odds = match keep {
            Keep::Nothing => 0,
            Keep::All => 8,
            Keep::Some => rng.odds(),
        };
        let end = self.cache.len();
        let size = match rng.below(4) {
            _ if keep == Keep::Nothing || end <= sure => sure,
            _ if keep == Keep::All => end,
            0 => sure,
            1 => end,
            2 => sure + rng.below((end - sure) as u64 + 1) as usize,
            _ => end.min((sure + rng.below((end - sure) as u64) as usize).next_multiple_of(SECTOR_BYTES)),
        };
        resize(&mut self.durable, size);
        for (sector, older) in std::mem::take(&mut self.dirty) {
            if rng.survives(odds) {
                // The last content, unless an earlier one is what the system wrote.
                let which =
                    if keep == Keep::Some { rng.below(2 * older.len() as u64 + 2) as usize } else { 0 };
                let bytes =
                    which.checked_sub(older.len() + 2).map_or(content(&self.cache, sector), |i| &older[i]);
                copy(&mut self.durable, sector, bytes);
            } else if keep == Keep::Some && sector * SECTOR_BYTES >= sure && rng.one_in(4) {
                // The size got to the disk and the data did not: whatever was in that place before.
                let rubbish: Vec<u8> = (0..SECTOR_BYTES).map(|_| rng.next() as u8).collect();
                copy(&mut self.durable, sector, &rubbish);
            }
        }
        self.cache.clone_from(&self.durable);
    }

    /// Changes a byte behind everybody's back. Answers whether there is such a byte.
    pub(super) fn damage(&mut self, offset: u64, mask: u8) -> bool {
        self.absorb_regions();
        let Ok(place) = usize::try_from(offset) else { return false };
        if let Some(byte) = self.durable.get_mut(place) {
            *byte ^= mask;
        }
        let found = self.cache.get_mut(place).map(|byte| *byte ^= mask).is_some();
        for (begin, region) in &self.regions {
            region.load_from(&self.cache, *begin as usize);
        }
        found
    }

    /// The words mapped at this offset; `None` if they overlap with others, which no simulated process does.
    pub(super) fn map(&mut self, offset: u64, words: usize) -> Option<Arc<Region>> {
        if let Some(region) = self.regions.get(&offset) {
            return (words <= region.words.len()).then(|| Arc::clone(region));
        }
        let end = offset + words as u64 * 8;
        if self.regions.iter().any(|(begin, region)| offset < begin + region.bytes() && *begin < end) {
            return None;
        }
        let region = Arc::new(Region::new(words));
        region.load_from(&self.cache, offset as usize);
        self.regions.insert(offset, Arc::clone(&region));
        Some(region)
    }

    fn put(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return;
        }
        for sector in offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
            match self.dirty.entry(sector) {
                std::collections::btree_map::Entry::Vacant(entry) => _ = entry.insert(Vec::new()),
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let older = entry.get_mut();
                    if older.len() == OLDER_CONTENTS {
                        older.remove(0);
                    }
                    older.push(content(&self.cache, sector).to_vec());
                }
            }
        }
        if self.cache.len() < end {
            resize(&mut self.cache, end);
        }
        self.cache[offset..end].copy_from_slice(bytes);
    }

    /// A map is the page cache: what was stored into words is what a read sees and a sync writes.
    fn absorb_regions(&mut self) {
        for (begin, region) in self.regions.clone() {
            for (index, word) in region.values().enumerate() {
                let place = begin as usize + index * 8;
                let bytes = word.to_ne_bytes();
                if self.cache.get(place..place + 8) != Some(&bytes) {
                    self.put(&bytes, place);
                }
            }
        }
    }
}

/// As `Vec::resize` with zeros, which takes most of the time of a test that is not optimised.
fn resize(data: &mut Vec<u8>, size: usize) {
    let more = size.saturating_sub(data.len());
    data.extend_from_slice(&vec![0; more]);
    data.truncate(size);
}

fn content(data: &[u8], sector: usize) -> &[u8] {
    let begin = (sector * SECTOR_BYTES).min(data.len());
    &data[begin..data.len().min(begin + SECTOR_BYTES)]
}

/// Puts a sector's content in its place, as far as the file goes.
fn copy(data: &mut [u8], sector: usize, bytes: &[u8]) {
    let begin = (sector * SECTOR_BYTES).min(data.len());
    let end = data.len().min(begin + bytes.len());
    data[begin..end].copy_from_slice(&bytes[..end - begin]);
}
