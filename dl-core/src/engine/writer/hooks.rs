//! Where a service adds control records of its own to what a writer writes.

use bytes::Bytes;

/// Asked while the state of the writer is locked: answers at once and calls nothing of the writer.
pub(crate) trait Hooks: Send + Sync + 'static {
    /// Bytes of each entry that are kept free for the record of [`entry_ends`](Self::entry_ends), its header included.
    fn reserved_bytes(&self) -> usize;

    /// The payload of a control record that opens the segment: its first entry, before any user record.
    fn segment_starts(&self, segment: i64) -> Option<Bytes>;

    /// The payload of a control record at the end of an entry with user records.
    fn entry_ends(&self, entry: NextEntry) -> Option<Bytes>;
}

/// An entry as it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextEntry {
    /// The number of the segment it goes to.
    pub(crate) segment: i64,
    /// The id it gets, unless the store refuses it.
    pub(crate) entry: u64,
    /// How many user records it holds; they have the slots from 0 on.
    pub(crate) records: u32,
}
