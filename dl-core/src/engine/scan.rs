//! Looks for records in one segment: the last one, and the first with some txid.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::{RecordHead, RecordHeads, RecordKind, open_entry};
use crate::metadata::SegmentMetadata;
use crate::store::{SegmentReader, SegmentStore};
use crate::types::{Dlsn, LogName};

/// How many entries a backward scan looks at one by one, before its steps grow.
const SINGLE_STEPS: u32 = 4;
/// The most entries one step of a backward scan looks at.
const MOST_ENTRIES: u64 = 16;
/// What a forward walk reads at once: a single entry first, since what is looked for mostly lies there, then more and more.
const FIRST_BUDGET_BYTES: usize = 1;
const SECOND_BUDGET_BYTES: usize = 1 << 12;
const MOST_BUDGET_BYTES: usize = 1 << 20;

/// A record, without its payload; of a record set, the last member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) dlsn: Dlsn,
    pub(crate) txid: i64,
    pub(crate) position: u32,
}

/// Which records count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kinds {
    /// Those of users.
    User,
    /// Control records and the end of the stream too.
    Any,
}

impl Kinds {
    fn include(self, kind: RecordKind) -> bool {
        match self {
            Self::Any => true,
            Self::User => matches!(kind, RecordKind::User | RecordKind::RecordSet),
        }
    }
}

/// An open segment and what it takes to decode its entries.
pub(crate) struct SegmentScan<'a> {
    log: &'a LogName,
    segment: &'a SegmentMetadata,
    reader: std::sync::Arc<dyn SegmentReader>,
}

impl<'a> SegmentScan<'a> {
    pub(crate) async fn open(
        store: &dyn SegmentStore,
        log: &'a LogName,
        segment: &'a SegmentMetadata,
    ) -> Result<Self> {
        let reader =
            store.open(segment.segment_id).await.map_err(|error| locate(error, log, segment.number))?;
        Ok(Self { log, segment, reader })
    }

    /// The number of entries that are committed now.
    pub(crate) async fn entries(&self) -> Result<u64> {
        let tail = self.reader.tail().await;
        Ok(tail.map_err(|error| locate(error, self.log, self.segment.number))?.entries)
    }

    /// The last record below entry `entries`.
    pub(crate) async fn last(&self, entries: u64, kinds: Kinds) -> Result<Option<Found>> {
        let (mut end, mut step, mut steps) = (entries, 1, 0);
        while end > 0 {
            let start = end.saturating_sub(step);
            let mut found = None;
            self.walk(start, end, |dlsn, head| {
                if kinds.include(head.kind) {
                    found = Some(last_of(dlsn, head));
                }
                true
            })
            .await?;
            if found.is_some() {
                return Ok(found);
            }
            (end, steps) = (start, steps + 1);
            if steps >= SINGLE_STEPS {
                step = (step * 2).min(MOST_ENTRIES);
            }
        }
        Ok(None)
    }

    /// The first user record below entry `entries` whose txid is at least `txid`, given that these do not decrease.
    pub(crate) async fn first_at_txid(&self, entries: u64, txid: i64) -> Result<Option<Found>> {
        // Invariant: no record below entry `low` counts; one below entry `high` does, if any.
        let (mut low, mut high) = (0, entries);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.last(middle, Kinds::User).await? {
                Some(found) if found.txid >= txid => high = middle,
                _ => low = middle,
            }
        }
        self.first(low, high, |head| head.txid >= txid).await
    }

    /// The first user record at or after `from`, below entry `entries`.
    pub(crate) async fn first_at(&self, from: Dlsn, entries: u64) -> Result<Option<Found>> {
        let mut found = None;
        self.walk(u64::try_from(from.entry()).unwrap_or(0), entries, |dlsn, head| {
            let end = Dlsn::new(dlsn.segment(), dlsn.entry(), dlsn.slot() + i64::from(head.slots));
            if Kinds::User.include(head.kind) && end > from {
                let inside = if from > dlsn { from.slot() - dlsn.slot() } else { 0 };
                let inside = u32::try_from(inside).unwrap_or(0);
                let dlsn = Dlsn::new(dlsn.segment(), dlsn.entry(), dlsn.slot() + i64::from(inside));
                found = Some(Found { dlsn, txid: head.txid, position: head.position + inside });
            }
            found.is_none()
        })
        .await?;
        Ok(found)
    }

    async fn first(
        &self,
        from: u64,
        end: u64,
        wanted: impl Fn(&RecordHead) -> bool + Sync,
    ) -> Result<Option<Found>> {
        let mut found = None;
        self.walk(from, end, |dlsn, head| {
            if Kinds::User.include(head.kind) && head.slots > 0 && wanted(head) {
                found = Some(Found { dlsn, txid: head.txid, position: head.position });
            }
            found.is_none()
        })
        .await?;
        Ok(found)
    }

    /// Shows the records of entries `from..end` to `visit` until it says that it saw enough.
    async fn walk(
        &self,
        from: u64,
        end: u64,
        mut visit: impl FnMut(Dlsn, &RecordHead) -> bool + Send,
    ) -> Result<()> {
        let mut entry = from;
        let mut budget = FIRST_BUDGET_BYTES;
        while entry < end {
            let entries = self
                .reader
                .read(entry, budget)
                .await
                .map_err(|error| locate(error, self.log, self.segment.number))?;
            if entries.is_empty() {
                return Ok(());
            }
            for bytes in entries {
                if entry >= end || !self.visit_entry(entry, bytes, &mut visit)? {
                    return Ok(());
                }
                entry += 1;
            }
            budget = (budget * 4).clamp(SECOND_BUDGET_BYTES, MOST_BUDGET_BYTES);
        }
        Ok(())
    }

    fn visit_entry(
        &self,
        entry: u64,
        bytes: Bytes,
        visit: &mut (impl FnMut(Dlsn, &RecordHead) -> bool + Send),
    ) -> Result<bool> {
        let number = self.segment.number;
        let place = |error: Error| locate(error, self.log, number).with("entry", entry);
        let area = open_entry(bytes, self.segment.enveloped()).map_err(place)?;
        for head in RecordHeads::new(&area) {
            let head = head.map_err(place)?;
            let dlsn = Dlsn::new(number, i64::try_from(entry).unwrap_or(i64::MAX), head.slot.into());
            if !visit(dlsn, &head) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Says in which segment something went wrong.
pub(crate) fn locate(error: Error, log: &LogName, number: i64) -> Error {
    error.with("log", log).in_segment(number)
}

fn last_of(dlsn: Dlsn, head: &RecordHead) -> Found {
    let slot = i64::from(head.end_slot()) - 1;
    let dlsn = Dlsn::new(dlsn.segment(), dlsn.entry(), slot);
    Found { dlsn, txid: head.txid, position: head.last_position() }
}

#[cfg(test)]
mod tests;
