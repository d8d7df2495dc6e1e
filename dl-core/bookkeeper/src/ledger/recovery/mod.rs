//! Recovery: cutting a ledger's writer off, finding the end of the ledger, and closing it there.

mod closing;
mod fence;
mod forward;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use super::access::Access;
use super::adds::AddTarget;
use super::plans;
use super::quorum::{check_size, entries_to};
use super::update::{MetadataAnswer, MetadataCall, Step, Update};
use crate::cluster::Versioned;
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::LedgerState;
use crate::placement::Placement;
use crate::protocol::{Request, Response};
use crate::types::{BookieId, Quorum};
use closing::Length;
use fence::Fence;
use forward::Forward;

/// How a ledger is recovered.
#[derive(Debug, Clone, Copy)]
pub struct RecoveryOptions {
    /// How many entries are read ahead of those that are written again. Default 16.
    pub read_ahead: usize,
    /// For how long a metadata store that fails is asked again. Default 30 s.
    pub patience_ms: u64,
}

impl Default for RecoveryOptions {
    fn default() -> Self {
        Self { read_ahead: 16, patience_ms: 30_000 }
    }
}

/// Recovers one ledger. Driven as a [`Writer`](super::Writer) is.
///
/// 1. *Claim*: the metadata says "in recovery". A ledger that another recovery left so is taken on as it is, and one that
///    is closed needs nothing.
/// 2. *Fence*: every bookie of the last ensemble is told to refuse the writer, until those that are silent can no longer
///    acknowledge anything by themselves.
/// 3. *Forward*: every entry behind the LAC that may have been acknowledged is read, fencing again, and written again.
///    The ledger ends where so many of a write set never had an entry that it cannot have been acknowledged.
/// 4. *Close*: the metadata says where the ledger ends. Whoever does that first decides; the others adopt it.
///
/// A recovery that fails leaves the ledger in recovery, to be tried again. Several at once do no harm.
pub struct Recovery {
    access: Arc<Access>,
    options: RecoveryOptions,
    placement: Arc<dyn Placement>,
    /// The metadata as the store has it, as far as we know.
    known: Versioned,
    quorum: Quorum,
    /// The last ensemble and its first entry when it was fenced.
    first: u64,
    ensemble: Vec<BookieId>,
    phase: Phase,
    /// Answers of an earlier round do not count.
    round: u32,
    update: Update,
    now_ms: u64,
    outputs: VecDeque<RecoveryOutput>,
}

enum Phase {
    Claim,
    Fence(Fence),
    Forward(Box<Forward>),
    Length(Length),
    Close { entries: u64, length: u64, moves: Vec<(u64, Vec<BookieId>)> },
    Ended,
}

/// Which request of a recovery an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecoveryToken {
    round: u32,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum What {
    Fence { place: usize },
    Read { entry: u64, place: usize },
    Add(AddTarget),
    Length { place: usize },
}

/// What is to be done for a recovery, in this order.
#[derive(Debug)]
pub enum RecoveryOutput {
    /// Send this and pass the answer in; each request is answered at some time.
    Send {
        /// Whom to.
        to: BookieId,
        /// What comes back with the answer.
        token: RecoveryToken,
        /// What.
        request: Request,
    },
    /// Ask the metadata store and pass the answer in.
    Metadata(MetadataCall),
    /// The recovery ended: the metadata of the closed ledger, or why there is none.
    Done(Result<Versioned>),
}

impl Recovery {
    /// Starts the recovery of a ledger whose metadata was read as `known`.
    ///
    /// # Errors
    /// `unsupported` if its ensemble is too large.
    pub fn new(
        access: Arc<Access>,
        known: Versioned,
        options: RecoveryOptions,
        placement: Arc<dyn Placement>,
        now_ms: u64,
    ) -> Result<Self> {
        let quorum = known.metadata.quorum;
        check_size(quorum)?;
        let mut recovery = Self {
            access,
            options,
            placement,
            known,
            quorum,
            first: 0,
            ensemble: Vec::new(),
            phase: Phase::Claim,
            round: 0,
            update: Update::default(),
            now_ms,
            outputs: VecDeque::new(),
        };
        recovery.claim();
        Ok(recovery)
    }

    /// Takes the answer to a request, or what kept it from being answered.
    pub fn answer(&mut self, token: RecoveryToken, answer: Result<Response>) {
        if token.round != self.round {
            return;
        }
        match token.what {
            What::Fence { place } => self.fence_answered(place, answer),
            What::Read { entry, place } => self.entry_answered(entry, place, answer),
            What::Add(target) => self.add_answered(target, answer),
            What::Length { place } => self.length_answered(place, answer),
        }
    }

    /// Takes the answer of the metadata store.
    pub fn metadata_answer(&mut self, answer: MetadataAnswer) {
        let (step, call) = self.update.answer(answer, self.now_ms);
        self.outputs.extend(call.map(RecoveryOutput::Metadata));
        match step {
            Step::Going => {}
            Step::Gone => self.end(Err(Error::new(ErrorKind::NoSuchLedger, "the ledger was deleted"))),
            Step::Failed(error) => self.end(Err(error)),
            Step::Done(found) => self.written(found),
            Step::Other(found) => self.overtaken(found),
        }
    }

    /// Says what time it is, in milliseconds from some fixed moment, and does what is due.
    pub fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        let call = self.update.tick(self.now_ms);
        self.outputs.extend(call.map(RecoveryOutput::Metadata));
    }

    /// When [`tick`](Self::tick) has something to do, if it does.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        self.update.next_tick_ms()
    }

    /// The next thing to do for the recovery.
    pub fn poll(&mut self) -> Option<RecoveryOutput> {
        self.outputs.pop_front()
    }

    fn claim(&mut self) {
        self.round += 1;
        match self.known.metadata.state {
            LedgerState::Open => {
                self.phase = Phase::Claim;
                self.write(plans::in_recovery(&self.known.metadata));
            }
            LedgerState::InRecovery => self.fence(),
            LedgerState::Closed { .. } => self.end(Ok(self.known.clone())),
        }
    }

    /// The metadata is as this recovery wanted it.
    fn written(&mut self, found: Versioned) {
        self.known = found;
        match self.phase {
            Phase::Claim => self.fence(),
            _ => self.end(Ok(self.known.clone())),
        }
    }

    /// Another client changed the metadata: its writer, another recovery, or whoever replaces lost replicas.
    fn overtaken(&mut self, found: Versioned) {
        let (first, ensemble) = found.metadata.last_ensemble();
        let same_bookies = entries_to(first.previous()) == self.first && *ensemble == self.ensemble[..];
        let in_recovery = found.metadata.state == LedgerState::InRecovery;
        self.known = found;
        if matches!(self.phase, Phase::Close { .. }) && in_recovery && same_bookies {
            self.write_end();
        } else {
            self.claim();
        }
    }

    fn write(&mut self, wanted: crate::metadata::LedgerMetadata) {
        let call = self.update.start(wanted, self.known.version, self.now_ms, self.options.patience_ms);
        self.outputs.push_back(RecoveryOutput::Metadata(call));
    }

    fn send(&mut self, to: BookieId, what: What, request: Request) {
        let token = RecoveryToken { round: self.round, what };
        self.outputs.push_back(RecoveryOutput::Send { to, token, request });
    }

    fn end(&mut self, result: Result<Versioned>) {
        if !matches!(self.phase, Phase::Ended) {
            self.phase = Phase::Ended;
            self.round += 1;
            let result = result.map_err(|error| error.of_ledger(self.access.id()));
            self.outputs.push_back(RecoveryOutput::Done(result));
        }
    }
}
