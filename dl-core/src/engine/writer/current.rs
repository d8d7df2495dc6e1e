//! The segment that a writer writes: what was taken for it and what was settled.

use bytes::Bytes;

use crate::engine::ownership::Content;

/// Above this many records a segment is due to be rolled, long before its positions are used up.
const MOST_RECORDS: u32 = 1 << 30;

/// Counters of the segment that entries go to.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) number: i64,
    /// The sequence id of its first record; hugely negative where Java did not count.
    pub(crate) first_sequence_id: i64,
    /// A control record that has to be its first.
    pub(crate) opening: Option<Bytes>,
    /// The id of the entry that is taken next.
    pub(crate) next_entry: u64,
    /// The position of the user record that is taken next.
    pub(crate) next_position: u32,
    /// How many of the queued entries it still gets; all, if not said.
    pub(crate) ends_after: Option<usize>,
    /// Whether the store was told that an entry waits and has not found none since.
    pub(crate) awake: bool,
    /// Whether its last committed entry is not visible to readers elsewhere before another one follows.
    pub(crate) unpublished: bool,
    /// Bytes of the entries handed to the store.
    pub(crate) bytes: u64,
    settled: Content,
}

impl Current {
    pub(crate) fn new(number: i64, first_txid: i64, first_sequence_id: i64, opening: Option<Bytes>) -> Self {
        Self {
            number,
            first_sequence_id,
            opening,
            next_entry: 0,
            next_position: 1,
            ends_after: None,
            awake: false,
            unpublished: false,
            bytes: 0,
            settled: Content { records: 0, last_txid: first_txid, last: None },
        }
    }

    /// What was committed to it.
    pub(crate) fn content(&self) -> Content {
        self.settled
    }

    /// Whether anything was committed to it or handed out for it.
    pub(crate) fn is_empty(&self) -> bool {
        self.next_entry == 0
    }

    /// The sequence id after its last record, once everything is settled.
    pub(crate) fn next_sequence_id(&self) -> i64 {
        self.first_sequence_id.wrapping_add(self.settled.records.into())
    }

    pub(crate) fn is_full(&self, roll_bytes: u64) -> bool {
        self.bytes >= roll_bytes || self.next_position > MOST_RECORDS
    }

    /// Counts a committed entry with user records or the end of the stream.
    pub(crate) fn count(&mut self, entry: i64, slots: u32, positions: u32, last_txid: i64) {
        self.settled.records += positions;
        self.settled.last_txid = last_txid;
        self.settled.last = Some((entry, i64::from(slots) - 1));
    }

    /// Whether it takes no more of the queue.
    pub(crate) fn is_ended(&self) -> bool {
        self.ends_after == Some(0)
    }

    /// An entry left the queue.
    pub(crate) fn left_queue(&mut self) {
        if let Some(entries) = &mut self.ends_after {
            *entries = entries.saturating_sub(1);
        }
    }
}
