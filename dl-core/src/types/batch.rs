//! Many records as read, which share memory.

use std::ops::Range;

use bytes::Bytes;

use super::{Dlsn, Record, RecordView};

/// Records as read, in the order of the log: see [`Reader::next_batch`](crate::Reader::next_batch).
///
/// Those of an entry have one share of its memory together, which lives as long as the batch.
#[derive(Debug, Clone, Default)]
pub struct RecordBatch {
    memory: Vec<Bytes>,
    rows: Vec<Row>,
}

/// A record without its payload, and where that is.
#[derive(Debug, Clone)]
struct Row {
    dlsn: Dlsn,
    txid: i64,
    sequence_id: Option<u64>,
    record_set: bool,
    /// Which of the memory, and where in it.
    memory: usize,
    place: Range<usize>,
}

impl RecordBatch {
    pub(crate) fn with_capacity(records: usize) -> Self {
        Self { memory: Vec::new(), rows: Vec::with_capacity(records) }
    }

    /// The number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record at this index, from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<RecordView<'_>> {
        self.rows.get(index).map(|row| self.view(row))
    }

    /// The same, with a share of its memory of its own.
    #[must_use]
    pub fn share(&self, index: usize) -> Option<Record> {
        self.rows.get(index).map(|row| self.record(row))
    }

    /// The last record.
    #[must_use]
    pub fn last(&self) -> Option<RecordView<'_>> {
        self.rows.last().map(|row| self.view(row))
    }

    /// The records.
    #[must_use]
    pub fn iter(&self) -> RecordViews<'_> {
        RecordViews { batch: self, rows: self.rows.iter() }
    }

    /// The records, each with a share of its memory of its own.
    pub fn shares(&self) -> impl DoubleEndedIterator<Item = Record> {
        self.rows.iter().map(|row| self.record(row))
    }

    /// Adds a record whose payload is in this place of this memory, of which records that follow one another have one share.
    ///
    /// Inlined always: as a function of its own it gets the record by way of memory, which costs a reader a tenth.
    #[allow(clippy::inline_always, reason = "measured")]
    #[inline(always)]
    pub(crate) fn push(&mut self, record: RecordView<'_>, memory: &Bytes, place: Range<usize>) {
        let here = |last: &Bytes| (last.as_ptr(), last.len()) == (memory.as_ptr(), memory.len());
        if !self.memory.last().is_some_and(here) {
            self.memory.push(memory.clone());
        }
        let RecordView { dlsn, txid, sequence_id, record_set, .. } = record;
        self.rows.push(Row { dlsn, txid, sequence_id, record_set, memory: self.memory.len() - 1, place });
    }

    #[inline]
    fn view(&self, row: &Row) -> RecordView<'_> {
        let Row { dlsn, txid, sequence_id, record_set, memory, ref place } = *row;
        let payload = &self.memory[memory][place.clone()];
        RecordView { dlsn, txid, sequence_id, payload, record_set }
    }

    fn record(&self, row: &Row) -> Record {
        let Row { dlsn, txid, sequence_id, record_set, memory, ref place } = *row;
        let payload = self.memory[memory].slice(place.clone());
        Record { dlsn, txid, sequence_id, payload, record_set }
    }
}

/// The records of a [`RecordBatch`].
#[derive(Debug, Clone)]
pub struct RecordViews<'a> {
    batch: &'a RecordBatch,
    rows: std::slice::Iter<'a, Row>,
}

impl<'a> Iterator for RecordViews<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(|row| self.batch.view(row))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl DoubleEndedIterator for RecordViews<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rows.next_back().map(|row| self.batch.view(row))
    }
}

impl ExactSizeIterator for RecordViews<'_> {}

impl<'a> IntoIterator for &'a RecordBatch {
    type Item = RecordView<'a>;
    type IntoIter = RecordViews<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Record> for RecordBatch {
    fn from_iter<I: IntoIterator<Item = Record>>(records: I) -> Self {
        let mut batch = Self::default();
        for record in records {
            batch.push(record.view(), &record.payload, 0..record.payload.len());
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_one_by_one_is_the_same_batch() {
        let record = |slot: i64, payload: &'static [u8]| Record {
            dlsn: Dlsn::new(1, 0, slot),
            txid: slot,
            sequence_id: None,
            payload: payload.into(),
            record_set: slot == 2,
        };
        // Two empty payloads may lie in the same place.
        let records = [record(0, b"a"), record(1, b""), record(2, b""), record(3, b"bc")];
        let batch: RecordBatch = records.iter().cloned().collect();
        assert_eq!((batch.len(), batch.is_empty()), (4, false));
        assert_eq!(batch.shares().collect::<Vec<_>>(), records);
        assert!(batch.iter().eq(records.iter().map(Record::view)));
        assert!(batch.iter().rev().eq(records.iter().rev().map(Record::view)));
        assert_eq!((batch.iter().len(), batch.last()), (4, batch.get(3)));
        assert_eq!((batch.share(3), batch.get(4)), (Some(records[3].clone()), None));
    }
}
