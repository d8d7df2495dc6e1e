//! Reading the entries behind the LAC and writing them again, up to the first that cannot have been acknowledged.

use super::fence::blocked;
use super::{Phase, Recovery, What};
use crate::codec::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::adds::{AddKind, AddSend, AddTarget, Adds};
use crate::ledger::quorum::{PlaceSet, absent, write_set};
use crate::ledger::ring::Ring;
use crate::protocol::Response;
use crate::types::BookieId;

/// Where the rolling forward has got.
pub(super) struct Forward {
    /// The entries that are being read.
    reads: Ring<Read>,
    /// Those that are being written again.
    adds: Adds,
    /// Length of the ledger up to the last entry that was read.
    length: u64,
    /// How many entries the ledger has, once that is known.
    end: Option<u64>,
    /// How many were confirmed when it started, in the ensembles that the metadata names.
    confirmed: u64,
    /// Bookies that took the place of others, and the first entries they have. They become part of the metadata when the
    /// ledger is closed, not before: nobody else changes ensembles of a ledger in recovery.
    moves: Vec<(u64, Vec<BookieId>)>,
}

/// An entry that is being read from its whole write set.
#[derive(Default)]
struct Read {
    waiting: PlaceSet,
    absent: PlaceSet,
    failures: Vec<Error>,
    found: Option<Entry>,
}

enum Verdict {
    Open,
    Found(Entry),
    /// Never acknowledged: so many never had it that those left are no ack quorum.
    Absent,
    /// Neither found nor known to be absent.
    Unknown(Vec<Error>),
}

impl Recovery {
    pub(super) fn forward(&mut self, confirmed: u64, length: u64) {
        let adds = Adds::new(self.access.clone(), AddKind::Recovery, self.quorum, &self.ensemble, confirmed);
        let reads = Ring::new(confirmed);
        let forward = Forward { reads, adds, length, end: None, confirmed, moves: Vec::new() };
        self.phase = Phase::Forward(Box::new(forward));
        self.advance();
    }

    pub(super) fn entry_answered(&mut self, entry: u64, place: usize, answer: Result<Response>) {
        let result = self.found(Some(entry), answer);
        let Phase::Forward(forward) = &mut self.phase else {
            return;
        };
        let Some(read) = forward.reads.find(entry) else {
            return;
        };
        read.waiting.remove(place);
        match result {
            Ok(Some(found)) => read.found = Some(found),
            Ok(None) => read.absent.add(place),
            Err(error) => read.failures.push(error.at_bookie(&self.ensemble[place])),
        }
        self.advance();
    }

    pub(super) fn add_answered(&mut self, target: AddTarget, answer: Result<Response>) {
        let Phase::Forward(forward) = &mut self.phase else {
            return;
        };
        match answer {
            Ok(_) => {
                forward.adds.stored(target);
            }
            Err(error) if error.kind() == ErrorKind::Unauthorized => return self.end(Err(error)),
            Err(error) => {
                if forward.adds.failed(target) {
                    self.replace(target.place, error);
                }
            }
        }
        self.advance();
    }

    /// What a bookie says of an entry: its content, or that it never had it.
    pub(super) fn found(&self, entry: Option<u64>, answer: Result<Response>) -> Result<Option<Entry>> {
        match answer {
            Ok(Response::Read(read)) => match read.body {
                Some(body) => self.access.open(entry, &body).map(Some),
                None => Err(Error::new(ErrorKind::Corrupt, "a bookie answered a read without an entry")),
            },
            Ok(_) => Err(Error::new(ErrorKind::Corrupt, "a bookie answered a read with something else")),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Does what can be done: takes entries that were read, in order, and reads on.
    fn advance(&mut self) {
        loop {
            let Phase::Forward(forward) = &mut self.phase else {
                return;
            };
            while forward.adds.pop_stored().is_some() {}
            if let Some(entries) = forward.end {
                if forward.adds.is_empty() {
                    self.finish(entries);
                }
                return;
            }
            match forward.verdict(absent(self.quorum)) {
                Verdict::Open => return self.read_ahead(),
                Verdict::Found(found) => self.add_again(found),
                Verdict::Absent => {
                    forward.end = Some(forward.reads.first());
                    forward.reads.clear();
                }
                Verdict::Unknown(failures) => {
                    let what = "an entry that may have been acknowledged cannot be read";
                    return self.end(Err(blocked(what, failures)));
                }
            }
        }
    }

    fn read_ahead(&mut self) {
        loop {
            let Phase::Forward(forward) = &mut self.phase else {
                return;
            };
            if forward.reads.len() + forward.adds.len() >= self.options.read_ahead.max(1) {
                return;
            }
            let entry = forward.reads.next();
            let waiting: PlaceSet = write_set(self.quorum, entry).collect();
            forward.reads.push(Read { waiting, ..Read::default() });
            for place in waiting.iter() {
                // Fencing again: a bookie that the fence did not reach could say that it does not have the entry, and
                // then accept it from the writer.
                let request = self.access.fence(Some(entry));
                self.send(self.ensemble[place].clone(), What::Read { entry, place }, request);
            }
        }
    }

    /// Writes an entry again, to its whole write set, as it was but for its LAC.
    fn add_again(&mut self, found: Entry) {
        let Phase::Forward(forward) = &mut self.phase else {
            return;
        };
        let entry = forward.adds.next();
        forward.length = found.length;
        // Not with the LAC that this recovery has reached, as the Java client does it: what it has written again may lie
        // with bookies that only its own end of the ledger will name. Another recovery would take that LAC for one of the
        // ensemble in the metadata, and keep an entry that too few of those bookies have.
        let body = self.access.seal(entry, forward.confirmed, found.length, found.payload);
        let mut sends = Vec::new();
        forward.adds.push(body, found.length, self.now_ms, &mut sends);
        self.send_adds(sends);
    }

    /// Puts another bookie in the place of one that failed. Where there is none, an ack quorum is enough.
    fn replace(&mut self, place: usize, error: Error) {
        let Phase::Forward(forward) = &mut self.phase else {
            return;
        };
        let mut ensemble = forward.adds.ensemble();
        self.placement.failed(&ensemble[place], self.now_ms);
        if let Some(other) = self.placement.replacement(self.quorum, &ensemble, place, self.now_ms) {
            ensemble[place] = other;
            let first = forward.adds.first();
            forward.moves.retain(|(start, _)| *start != first);
            forward.moves.push((first, ensemble.clone()));
            let mut sends = Vec::new();
            forward.adds.replace(&ensemble, &mut sends);
            self.send_adds(sends);
        } else if forward.adds.is_stuck() {
            let error = error.at_bookie(&ensemble[place]);
            self.end(Err(blocked("too few of its bookies take the entries that were found", vec![error])));
        }
    }

    fn send_adds(&mut self, sends: Vec<AddSend>) {
        for send in sends {
            self.send(send.to, What::Add(send.target), send.request);
        }
    }

    fn finish(&mut self, entries: u64) {
        let Phase::Forward(forward) = &mut self.phase else {
            return;
        };
        let (length, moves) = (forward.length, std::mem::take(&mut forward.moves));
        if entries == forward.confirmed {
            // Nothing was found, so no entry that is in the ledger has said how long it is.
            self.read_length(entries, length);
        } else {
            self.close(entries, length, moves);
        }
    }
}

impl Forward {
    /// What is known of the entry that is next, which is taken if it was found.
    fn verdict(&mut self, absent: usize) -> Verdict {
        let first = self.reads.first();
        let Some(read) = self.reads.find(first) else {
            return Verdict::Open;
        };
        if read.found.is_some() {
            return self.reads.pop().and_then(|read| read.found).map_or(Verdict::Open, Verdict::Found);
        }
        if read.absent.count() >= absent {
            return Verdict::Absent;
        }
        if read.waiting.is_empty() {
            return Verdict::Unknown(std::mem::take(&mut read.failures));
        }
        Verdict::Open
    }
}
