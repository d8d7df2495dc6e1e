//! Finding out how far a ledger is confirmed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::ledger::access::Access;
use crate::ledger::quorum::{PlaceSet, check_size, covered, entries_to};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::protocol::{ReadLacResponse, Request, Response};
use crate::types::{BookieId, Quorum};

/// Asks the bookies of the last ensemble for the LAC, until those that are silent can have no newer acknowledged entry by
/// themselves. Driven as a [`Writer`](crate::machine::Writer) is, but knows no time.
///
/// The answer is a lower bound: the LAC travels with the entry behind it.
pub struct LastConfirmed {
    access: Arc<Access>,
    quorum: Quorum,
    ensemble: Vec<BookieId>,
    answered: PlaceSet,
    waiting: PlaceSet,
    confirmed: u64,
    length: u64,
    failure: Option<Error>,
    ended: bool,
    outputs: VecDeque<LastOutput>,
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LastToken {
    place: usize,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum LastOutput {
    /// Send this and pass the answer in.
    Send {
        /// Whom to.
        to: BookieId,
        /// What comes back with the answer.
        token: LastToken,
        /// What.
        request: Request,
    },
    /// So many entries are confirmed.
    Done(Result<u64>),
}

impl LastConfirmed {
    /// Starts to ask.
    ///
    /// # Errors
    /// `unsupported` if the ensemble is too large.
    pub fn new(access: Arc<Access>, metadata: &LedgerMetadata) -> Result<Self> {
        let quorum = metadata.quorum;
        check_size(quorum)?;
        let (first, ensemble) = metadata.last_ensemble();
        let mut last = Self {
            access,
            quorum,
            ensemble: ensemble.to_vec(),
            answered: PlaceSet::default(),
            waiting: PlaceSet::first(quorum.ensemble()),
            // An ensemble begins behind what was acknowledged.
            confirmed: entries_to(first.previous()),
            length: 0,
            failure: None,
            ended: false,
            outputs: VecDeque::new(),
        };
        match metadata.state {
            LedgerState::Closed { last_entry, .. } => last.done(Ok(entries_to(last_entry))),
            _ => last.ask(),
        }
        Ok(last)
    }

    /// Takes the answer to a request, or what kept it from being answered.
    pub fn answer(&mut self, token: LastToken, answer: Result<Response>) {
        self.waiting.remove(token.place);
        match self.confirmed_by(answer) {
            Ok(confirmed) => {
                self.confirmed = self.confirmed.max(confirmed);
                self.answered.add(token.place);
            }
            Err(error) => {
                let at = self.ensemble.get(token.place);
                self.failure = Some(at.map_or(error.clone(), |bookie| error.at_bookie(bookie)));
            }
        }
        if covered(self.quorum, self.answered) {
            self.done(Ok(self.confirmed));
        } else if self.waiting.is_empty() {
            let none = || Error::new(ErrorKind::Unavailable, "too few bookies of the ledger answer");
            let failure = self.failure.take().unwrap_or_else(none);
            self.done(Err(failure.of_ledger(self.access.id())));
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<LastOutput> {
        self.outputs.pop_front()
    }

    /// How many bytes the payloads of the entries have, up to the last one that a bookie told of, confirmed or not; that of a
    /// closed ledger stands in its metadata.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    fn ask(&mut self) {
        for (place, to) in self.ensemble.iter().enumerate() {
            let (token, request) = (LastToken { place }, Request::ReadLac(self.access.id()));
            self.outputs.push_back(LastOutput::Send { to: to.clone(), token, request });
        }
    }

    fn confirmed_by(&mut self, answer: Result<Response>) -> Result<u64> {
        match answer {
            Ok(Response::ReadLac(ReadLacResponse { explicit_lac, last_entry })) => {
                let explicit = explicit_lac.map(|record| self.access.open_lac(&record)).transpose()?;
                let carried = last_entry.map(|body| self.access.open(None, &body)).transpose()?;
                self.length = carried.iter().fold(self.length, |length, entry| length.max(entry.length));
                let lac = explicit.flatten().max(carried.and_then(|entry| entry.lac));
                Ok(entries_to(lac))
            }
            Ok(_) => Err(Error::corrupt("a bookie answered with something else than a LAC")),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn done(&mut self, result: Result<u64>) {
        if !std::mem::replace(&mut self.ended, true) {
            self.outputs.push_back(LastOutput::Done(result));
        }
    }
}
