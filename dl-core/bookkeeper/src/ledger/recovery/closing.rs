//! Closing a recovered ledger.

use super::{Phase, Recovery, What};
use crate::error::Result;
use crate::ledger::plans;
use crate::ledger::quorum::{PlaceSet, entry_id, write_set};
use crate::protocol::Response;
use crate::types::BookieId;

/// Reading the last entry of a ledger for its length.
#[derive(Debug)]
pub(super) struct Length {
    entries: u64,
    waiting: PlaceSet,
    /// The length to take if nobody has the entry: that of a later one, as the Java client takes it.
    otherwise: u64,
}

impl Recovery {
    /// Finds out how many bytes of payload the confirmed entries have.
    pub(super) fn read_length(&mut self, entries: u64, otherwise: u64) {
        let Some(last) = entries.checked_sub(1) else {
            return self.close(0, 0, Vec::new());
        };
        // It may lie in an earlier ensemble than the last.
        let bookies = self.known.metadata.ensemble_of(entry_id(last)).1.to_vec();
        let waiting: PlaceSet = write_set(self.quorum, last).collect();
        self.phase = Phase::Length(Length { entries, waiting, otherwise });
        for place in waiting.iter() {
            let request = self.access.read(last);
            self.send(bookies[place].clone(), What::Length { place }, request);
        }
    }

    pub(super) fn length_answered(&mut self, place: usize, answer: Result<Response>) {
        let Phase::Length(length) = &mut self.phase else {
            return;
        };
        length.waiting.remove(place);
        let (entries, otherwise, all) = (length.entries, length.otherwise, length.waiting.is_empty());
        match self.found(entries.checked_sub(1), answer) {
            Ok(Some(found)) => self.close(entries, found.length, Vec::new()),
            _ if all => self.close(entries, otherwise, Vec::new()),
            _ => {}
        }
    }

    pub(super) fn close(&mut self, entries: u64, length: u64, moves: Vec<(u64, Vec<BookieId>)>) {
        self.phase = Phase::Close { entries, length, moves };
        self.write_end();
    }

    /// Writes where the ledger ends, and who has the entries that were written again.
    pub(super) fn write_end(&mut self) {
        let Phase::Close { entries, length, moves } = &self.phase else {
            return;
        };
        let mut wanted = plans::closed(&self.known.metadata, *entries, *length);
        for (first, bookies) in moves {
            if let Err(error) = wanted.set_ensemble(entry_id(*first), bookies.clone()) {
                return self.end(Err(error));
            }
        }
        self.write(wanted);
    }
}
