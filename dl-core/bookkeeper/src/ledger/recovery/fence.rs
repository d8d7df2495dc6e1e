//! Fencing the last ensemble of a ledger, and what its bookies know of the LAC.

use super::{Phase, Recovery, What};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::quorum::{PlaceSet, covered, entries_to};
use crate::protocol::Response;

/// The answers to the fence.
#[derive(Debug, Default)]
pub(super) struct Fence {
    /// Who is fenced and said what it has.
    answered: PlaceSet,
    waiting: PlaceSet,
    /// How many entries are known to be confirmed, and the length that the entry which said so has.
    confirmed: u64,
    length: u64,
    failures: Vec<Error>,
}

impl Recovery {
    /// Tells every bookie of the last ensemble to refuse the writer.
    pub(super) fn fence(&mut self) {
        let (first, ensemble) = self.known.metadata.last_ensemble();
        self.first = entries_to(first.previous());
        self.ensemble = ensemble.to_vec();
        let waiting = PlaceSet::first(self.quorum.ensemble());
        self.phase = Phase::Fence(Fence { waiting, confirmed: self.first, ..Fence::default() });
        for place in waiting.iter() {
            let request = self.access.fence(None);
            self.send(self.ensemble[place].clone(), What::Fence { place }, request);
        }
    }

    pub(super) fn fence_answered(&mut self, place: usize, answer: Result<Response>) {
        let read = self.found(None, answer);
        let Phase::Fence(fence) = &mut self.phase else {
            return;
        };
        fence.waiting.remove(place);
        match read {
            Ok(found) => {
                fence.answered.add(place);
                let confirmed = found.as_ref().map_or(0, |entry| entries_to(entry.lac));
                if confirmed >= fence.confirmed {
                    fence.confirmed = confirmed;
                    fence.length = found.map_or(0, |entry| entry.length);
                }
            }
            Err(error) if error.kind() == ErrorKind::Unauthorized => return self.end(Err(error)),
            Err(error) => fence.failures.push(error.at_bookie(&self.ensemble[place])),
        }
        if covered(self.quorum, fence.answered) {
            let (confirmed, length) = (fence.confirmed, fence.length);
            self.forward(confirmed, length);
        } else if fence.waiting.is_empty() {
            let failures = std::mem::take(&mut fence.failures);
            self.end(Err(blocked("too few of its bookies could be fenced", failures)));
        }
    }
}

/// The error of a recovery that bookies keep from going on: it names them.
pub(super) fn blocked(what: &str, failures: Vec<Error>) -> Error {
    let named: Vec<String> = failures.iter().map(ToString::to_string).collect();
    let message = format!(
        "{what}; bring them back and recover the ledger again, it stays in recovery ({})",
        named.join("; ")
    );
    let error = Error::new(ErrorKind::RecoveryFailed, message);
    match failures.into_iter().next() {
        Some(first) => error.caused_by(first),
        None => error,
    }
}
