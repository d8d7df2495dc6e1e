//! Closing a recovered ledger.

use super::{Phase, Recovery, What};
use crate::error::Result;
use crate::ledger::plans;
use crate::ledger::quorum::{PlaceSet, entry_id, write_set};
use crate::protocol::Response;
use crate::types::BookieId;

/// How often a bookie that gives no answer is asked for the last entry, in all.
const ASKINGS: u32 = 3;

/// Reading the last entry of a ledger for its length.
#[derive(Debug)]
pub(super) struct Length {
    entries: u64,
    waiting: PlaceSet,
    /// Who gave no answer. The length stays in the metadata for good, so one lost request must not decide it.
    silent: PlaceSet,
    askings: u32,
    /// The length to take if nobody has the entry: that of a later one, as the Java client takes it.
    otherwise: u64,
}

impl Recovery {
    /// Finds out how many bytes of payload the confirmed entries have.
    pub(super) fn read_length(&mut self, entries: u64, otherwise: u64) {
        let Some(last) = entries.checked_sub(1) else {
            return self.close(0, 0, Vec::new());
        };
        let waiting: PlaceSet = write_set(self.quorum, last).collect();
        let silent = PlaceSet::default();
        self.phase = Phase::Length(Length { entries, waiting, silent, askings: 1, otherwise });
        self.ask_for_length(last, waiting);
    }

    fn ask_for_length(&mut self, last: u64, places: PlaceSet) {
        // It may lie in an earlier ensemble than the last.
        let bookies = self.known.metadata.ensemble_of(entry_id(last)).1.to_vec();
        for place in places.iter() {
            let request = self.access.read(last);
            self.send(bookies[place].clone(), What::Length { place }, request);
        }
    }

    pub(super) fn length_answered(&mut self, place: usize, answer: Result<Response>) {
        let Phase::Length(Length { entries, .. }) = self.phase else {
            return;
        };
        let last = entries - 1;
        let found = self.found(Some(last), answer);
        let Phase::Length(length) = &mut self.phase else {
            return;
        };
        length.waiting.remove(place);
        match found {
            Ok(Some(found)) => return self.close(entries, found.length, Vec::new()),
            Ok(None) => {}
            Err(_) => length.silent.add(place),
        }
        if !length.waiting.is_empty() {
            return;
        }
        let again = std::mem::take(&mut length.silent);
        if again.is_empty() || length.askings == ASKINGS {
            let otherwise = length.otherwise;
            return self.close(entries, otherwise, Vec::new());
        }
        length.waiting = again;
        length.askings += 1;
        self.ask_for_length(last, again);
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
