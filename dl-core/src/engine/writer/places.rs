//! Where the records of one call were put, of which each is for itself.

use std::ops::Range;
use std::sync::Arc;

use super::queue::Appended;
use super::ticket::EntryCompletion;

/// Places of records, in their order. Those in slots of one entry that follow one another share its completion: one share
/// for each record would cost both threads that count it.
#[derive(Debug, Default)]
pub(crate) struct Places {
    runs: Vec<Run>,
    txids: Vec<i64>,
}

/// Records in slots of one entry that follow one another.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) completion: Arc<EntryCompletion>,
    pub(crate) slots: Range<u32>,
}

impl Places {
    pub(crate) fn with_capacity(records: usize) -> Self {
        Self { runs: Vec::new(), txids: Vec::with_capacity(records) }
    }

    /// Adds a record in this slot of this entry.
    #[inline]
    pub(crate) fn push(&mut self, completion: &Arc<EntryCompletion>, slot: u32, txid: i64) {
        self.txids.push(txid);
        match self.runs.last_mut() {
            Some(last) if last.slots.end == slot && Arc::ptr_eq(&last.completion, completion) => {
                last.slots.end += 1;
            }
            _ => self.runs.push(Run { completion: completion.clone(), slots: slot..slot + 1 }),
        }
    }

    /// Adds a record that was appended alone.
    pub(crate) fn add(&mut self, appended: &Appended) {
        self.push(&appended.completion, appended.slot, appended.txid);
    }

    /// Adds these behind.
    pub(crate) fn append(&mut self, mut behind: Self) {
        self.runs.append(&mut behind.runs);
        self.txids.append(&mut behind.txids);
    }

    /// The number of records.
    pub(crate) fn len(&self) -> usize {
        self.txids.len()
    }

    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    pub(crate) fn txids(&self) -> &[i64] {
        &self.txids
    }
}
