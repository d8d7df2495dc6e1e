//! Which entries of a ledger a bookie has: groups of runs that repeat, as striping leaves them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::error::{Error, Result};
use crate::types::EntryId;

const HEADER_BYTES: usize = 64;
const GROUP_BYTES: usize = 24;
const VERSION: i32 = 0;

/// The entries of a ledger that a bookie has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryList {
    groups: Vec<EntryGroup>,
}

/// Runs of consecutive entries that repeat at a fixed distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryGroup {
    /// Where the first run starts.
    pub first_start: EntryId,
    /// Where the last run starts.
    pub last_start: EntryId,
    /// Entries of each run.
    pub run: u32,
    /// Distance from the start of a run to that of the next; 0 if there is one run only.
    pub period: u32,
}

impl EntryList {
    /// A list of these groups.
    #[must_use]
    pub const fn new(groups: Vec<EntryGroup>) -> Self {
        Self { groups }
    }

    /// The groups, in the order of the bookie.
    #[must_use]
    pub fn groups(&self) -> &[EntryGroup] {
        &self.groups
    }

    /// Whether the bookie has the entry.
    #[must_use]
    pub fn contains(&self, entry: EntryId) -> bool {
        self.groups.iter().any(|group| group.contains(entry))
    }

    /// How many entries the bookie has.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.groups.iter().map(EntryGroup::count).fold(0, u64::saturating_add)
    }

    /// Reads what a bookie sent.
    ///
    /// # Errors
    /// `corrupt` if it is cut short, of another version, or says what cannot be.
    pub fn decode(mut stored: Bytes) -> Result<Self> {
        if stored.len() < HEADER_BYTES {
            return Err(Error::corrupt("a list of entries is cut short in its header"));
        }
        let mut header = stored.split_to(HEADER_BYTES);
        let (version, count) = (header.get_i32(), header.get_i32());
        if version != VERSION {
            return Err(Error::corrupt(format!("a list of entries has the unknown version {version}")));
        }
        // The number of groups is compared with what is there before anything is made of it.
        if usize::try_from(count).ok().and_then(|count| count.checked_mul(GROUP_BYTES)) != Some(stored.len())
        {
            return Err(Error::corrupt("a list of entries has not the number of groups that it says"));
        }
        let mut groups = Vec::with_capacity(stored.len() / GROUP_BYTES);
        while stored.has_remaining() {
            groups.push(EntryGroup::decode(&mut stored)?);
        }
        Ok(Self { groups })
    }

    /// Writes it as a bookie does.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut stored = BytesMut::with_capacity(HEADER_BYTES + self.groups.len() * GROUP_BYTES);
        stored.put_i32(VERSION);
        stored.put_i32(self.groups.len() as i32);
        stored.put_bytes(0, HEADER_BYTES - 8);
        for group in &self.groups {
            stored.put_i64(group.first_start.number());
            stored.put_i64(group.last_start.number());
            stored.put_u32(group.run);
            stored.put_u32(group.period);
        }
        stored.freeze()
    }
}

impl EntryGroup {
    fn decode(stored: &mut Bytes) -> Result<Self> {
        let (first, last) = (stored.get_i64(), stored.get_i64());
        let (run, period) = (stored.get_i32(), stored.get_i32());
        let group = Self {
            first_start: EntryId::new(first).map_err(|_| Self::corrupt())?,
            last_start: EntryId::new(last).map_err(|_| Self::corrupt())?,
            run: u32::try_from(run).map_err(|_| Self::corrupt())?,
            period: u32::try_from(period).map_err(|_| Self::corrupt())?,
        };
        let distance = last.checked_sub(first).filter(|distance| *distance >= 0).ok_or_else(Self::corrupt)?;
        let repeats = match group.period {
            0 => distance == 0,
            period => distance % i64::from(period) == 0 && group.run <= period,
        };
        let ends = last.checked_add(i64::from(group.run)).is_some();
        if group.run > 0 && repeats && ends { Ok(group) } else { Err(Self::corrupt()) }
    }

    fn contains(&self, entry: EntryId) -> bool {
        let Some(past) = entry.number().checked_sub(self.first_start.number()).filter(|past| *past >= 0)
        else {
            return false;
        };
        let runs = self.last_start.number() - self.first_start.number();
        if past >= runs + i64::from(self.run) {
            return false;
        }
        self.period == 0 || past % i64::from(self.period) < i64::from(self.run)
    }

    fn count(&self) -> u64 {
        let distance = (self.last_start.number() - self.first_start.number()).unsigned_abs();
        let runs = if self.period == 0 { 1 } else { distance / u64::from(self.period) + 1 };
        runs.saturating_mul(u64::from(self.run))
    }

    fn corrupt() -> Error {
        Error::corrupt("a list of entries has a group that cannot be")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(first: i64, last: i64, run: u32, period: u32) -> EntryGroup {
        EntryGroup {
            first_start: EntryId::new(first).unwrap(),
            last_start: EntryId::new(last).unwrap(),
            run,
            period,
        }
    }

    #[test]
    fn runs_repeat_up_to_the_last() {
        let list = EntryList::new(vec![group(0, 0, 5, 0), group(10, 22, 2, 4)]);
        let has = (0..30).filter(|entry| list.contains(EntryId::new(*entry).unwrap())).collect::<Vec<_>>();
        assert_eq!(has, [0, 1, 2, 3, 4, 10, 11, 14, 15, 18, 19, 22, 23]);
        assert_eq!(list.count(), has.len() as u64);
        assert_eq!(EntryList::decode(list.encode()).unwrap(), list);
    }

    #[test]
    fn what_cannot_be_is_corrupt() {
        let good = EntryList::new(vec![group(0, 8, 2, 4)]).encode();
        for end in 0..good.len() {
            assert!(EntryList::decode(good.slice(..end)).is_err(), "{end}");
        }
        for bad in
            [group(8, 0, 1, 4), group(0, 8, 0, 4), group(0, 8, 5, 4), group(0, 7, 1, 4), group(0, 4, 1, 0)]
        {
            assert!(EntryList::decode(EntryList::new(vec![bad]).encode()).is_err(), "{bad:?}");
        }
    }
}
