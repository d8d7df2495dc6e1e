//! Reading one entry from its replicas.

use crate::codec::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::access::Access;
use crate::ledger::quorum::PlaceSet;
use crate::protocol::Response;
use crate::types::BookieId;

/// An entry that is being read.
#[derive(Debug)]
pub(super) struct EntryRead {
    /// The places to ask, in this order, and how many were asked.
    order: Vec<usize>,
    asked: usize,
    waiting: PlaceSet,
    /// When to ask the next one although those asked may yet answer.
    pub(super) speculate_at_ms: Option<u64>,
    failures: Vec<Error>,
    found: Option<Entry>,
}

impl EntryRead {
    pub(super) fn new(order: Vec<usize>) -> Self {
        Self {
            order,
            asked: 0,
            waiting: PlaceSet::default(),
            speculate_at_ms: None,
            failures: Vec::new(),
            found: None,
        }
    }

    /// The next place to ask, if there is one.
    pub(super) fn next_place(&mut self) -> Option<usize> {
        let place = *self.order.get(self.asked)?;
        self.asked += 1;
        self.waiting.add(place);
        Some(place)
    }

    /// Takes an answer.
    pub(super) fn answered(&mut self, place: usize, bookie: &BookieId, result: Result<Entry>) {
        self.waiting.remove(place);
        match result {
            Ok(entry) => {
                self.found.get_or_insert(entry);
            }
            Err(error) => self.failures.push(error.at_bookie(bookie)),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The places asked that have not answered.
    pub(super) fn waiting(&self) -> PlaceSet {
        self.waiting
    }

    /// How it ended, once it has: with the entry, or with an error when every replica has failed.
    pub(super) fn outcome(&mut self) -> Option<Result<Entry>> {
        if let Some(found) = self.found.take() {
            return Some(Ok(found));
        }
        let over = self.waiting.is_empty() && self.asked == self.order.len();
        over.then(|| Err(worst(std::mem::take(&mut self.failures))))
    }

    pub(super) fn is_over(&self) -> bool {
        self.found.is_some() || (self.waiting.is_empty() && self.asked == self.order.len())
    }
}

/// What a bookie gave back for an entry, if it is that entry.
pub(super) fn opened(access: &Access, entry: u64, answer: Result<Response>) -> Result<Entry> {
    match answer? {
        Response::Read(read) => match read.body {
            Some(body) => access.open(Some(entry), &body),
            None => Err(Error::corrupt("a bookie answered a read without an entry")),
        },
        _ => Err(Error::corrupt("a bookie answered a read with something else")),
    }
}

/// The error to report of those that the replicas of an entry ended with: one that leaves hope that the entry is there
/// before one that says it is damaged, and that before "there is none", which is true only if all of them say so.
fn worst(failures: Vec<Error>) -> Error {
    let rank = |error: &Error| match error.kind() {
        ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger => 2,
        ErrorKind::DigestMismatch | ErrorKind::Corrupt => 1,
        _ => 0,
    };
    let none = || Error::new(ErrorKind::NoSuchEntry, "no bookie has the entry");
    match failures.into_iter().min_by_key(rank) {
        // Whether there is such a ledger is for its metadata to say.
        Some(error) if error.kind() != ErrorKind::NoSuchLedger => error,
        _ => none(),
    }
}
