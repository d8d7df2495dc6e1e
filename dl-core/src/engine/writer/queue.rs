//! The entries of a writer that wait to be taken; the newest one still gathers records.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::format::{END_OF_STREAM_PAYLOAD, END_OF_STREAM_TXID, EntryBuilder, RecordKind};
use crate::types::Dlsn;

use super::room::Usage;
use super::ticket::EntryCompletion;

/// The most that a writer keeps of the memory of an entry that is done, for the next one: enough for a small record. A
/// store frees entries on another thread than the one that appends, and for small ones waiting for the allocator's lock
/// costs both threads more than all the rest.
pub(crate) const MOST_SPARE_BYTES: usize = 256;

/// What a conditional append expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The log holds no record.
    Empty,
    /// The last record of the log has this position.
    Last(Dlsn),
}

/// An entry before it is taken.
#[derive(Debug)]
pub(crate) struct QueuedEntry {
    pub(crate) builder: EntryBuilder,
    pub(crate) completion: Arc<EntryCompletion>,
    pub(crate) usage: Usage,
    pub(crate) first_txid: i64,
    pub(crate) last_txid: i64,
    pub(crate) kind: EntryKind,
}

/// What an entry is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// Records appended one by one; more may join.
    Gathering,
    /// All there will be: a batch, or whatever has a condition.
    Whole(Option<Condition>),
    /// The end of the stream.
    EndOfStream,
}

/// Where a record was put.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) completion: Arc<EntryCompletion>,
    pub(crate) slot: u32,
    pub(crate) txid: i64,
}

/// Entries in append order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: VecDeque<QueuedEntry>,
    /// Bytes of each entry that are kept free for a control record.
    reserved_bytes: usize,
    /// The size of the entry taken last: a guess at that of the next.
    usual_bytes: usize,
    /// Memory for the next entry.
    spare: Vec<u8>,
}

impl Queue {
    pub(crate) fn new(reserved_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), reserved_bytes, usual_bytes: 0, spare: Vec::new() }
    }

    /// Adds a record to the newest entry, or a new one if that is full or takes no more.
    pub(crate) fn push(
        &mut self,
        kind: RecordKind,
        txid: i64,
        payload: &[u8],
        usage: Usage,
    ) -> Result<Appended> {
        let (completion, slot) = self.gather(kind, txid, payload, usage)?;
        Ok(Appended { completion: completion.clone(), slot, txid })
    }

    /// The same; answers the completion of the entry, and the slot in it.
    #[inline]
    pub(crate) fn gather(
        &mut self,
        kind: RecordKind,
        txid: i64,
        payload: &[u8],
        usage: Usage,
    ) -> Result<(&Arc<EntryCompletion>, u32)> {
        let room = payload.len() + self.reserved_bytes;
        let gathers = |entry: &QueuedEntry| entry.kind == EntryKind::Gathering && entry.builder.fits(room);
        if !self.entries.back().is_some_and(gathers) {
            let builder = EntryBuilder::with_memory(std::mem::take(&mut self.spare), self.usual_bytes);
            self.entries.push_back(QueuedEntry::new(EntryKind::Gathering, txid, builder));
        }
        let entry = self.entries.back_mut().expect("one was pushed if none was there");
        let slot = entry.builder.push(kind, txid, payload)?;
        entry.last_txid = txid;
        entry.usage.add(usage);
        Ok((&entry.completion, slot))
    }

    /// Adds an entry of its own, with these records.
    pub(crate) fn push_whole<'a>(
        &mut self,
        kind: RecordKind,
        records: impl IntoIterator<Item = (i64, &'a [u8])>,
        condition: Option<Condition>,
        usage: Usage,
    ) -> Result<Arc<EntryCompletion>> {
        let builder = EntryBuilder::with_capacity(usage.bytes);
        let mut entry = QueuedEntry::new(EntryKind::Whole(condition), 0, builder);
        for (txid, payload) in records {
            if entry.builder.is_empty() {
                entry.first_txid = txid;
            }
            entry.builder.push(kind, txid, payload)?;
            entry.last_txid = txid;
        }
        entry.usage = usage;
        Ok(self.add(entry))
    }

    /// Adds the entry that ends the stream.
    pub(crate) fn push_end_of_stream(&mut self) -> Result<Arc<EntryCompletion>> {
        let builder = EntryBuilder::with_capacity(0);
        let mut entry = QueuedEntry::new(EntryKind::EndOfStream, END_OF_STREAM_TXID, builder);
        entry.builder.push(RecordKind::EndOfStream, END_OF_STREAM_TXID, END_OF_STREAM_PAYLOAD)?;
        Ok(self.add(entry))
    }

    fn add(&mut self, entry: QueuedEntry) -> Arc<EntryCompletion> {
        let completion = entry.completion.clone();
        self.entries.push_back(entry);
        completion
    }

    /// Keeps the memory of an entry for the next, if it is nobody else's.
    pub(crate) fn give_back(&mut self, entry: Bytes) {
        if entry.is_unique() && self.spare.capacity() == 0 {
            self.spare = entry.into();
        }
    }

    /// Ends the newest entry: what is appended from now on goes to a later one.
    pub(crate) fn cut(&mut self) {
        if let Some(entry) = self.entries.back_mut()
            && entry.kind == EntryKind::Gathering
        {
            entry.kind = EntryKind::Whole(None);
        }
    }

    pub(crate) fn front(&self) -> Option<&QueuedEntry> {
        self.entries.front()
    }

    pub(crate) fn back(&self) -> Option<&QueuedEntry> {
        self.entries.back()
    }

    pub(crate) fn pop(&mut self) -> Option<QueuedEntry> {
        let entry = self.entries.pop_front()?;
        self.usual_bytes = entry.builder.len_bytes();
        Some(entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn drain(&mut self) -> VecDeque<QueuedEntry> {
        std::mem::take(&mut self.entries)
    }
}

impl QueuedEntry {
    fn new(kind: EntryKind, txid: i64, builder: EntryBuilder) -> Self {
        Self {
            builder,
            completion: Arc::default(),
            usage: Usage::default(),
            first_txid: txid,
            last_txid: txid,
            kind,
        }
    }
}
