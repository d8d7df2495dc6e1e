//! Changing a ledger's metadata by compare-and-set, one change at a time.

use std::sync::Arc;

use crate::cluster::{Version, Versioned};
use crate::error::Error;
use crate::metadata::LedgerMetadata;

/// What a machine asks of the metadata store, about its ledger. There is never more than one call unanswered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataCall {
    /// Read it.
    Read,
    /// Replace it if it is still what it was.
    Write {
        /// The new metadata.
        metadata: Arc<LedgerMetadata>,
        /// The version it replaces.
        expected: Version,
    },
}

/// How the store answered.
#[derive(Debug, Clone)]
pub enum MetadataAnswer {
    /// It is written; this is its version.
    Written(Version),
    /// It was not what it was thought to be.
    Conflict,
    /// It was read.
    Found(Versioned),
    /// There is no such ledger (any more).
    Gone,
    /// It did not work. A write may have taken effect all the same.
    Failed(Error),
}

/// A change that is being made.
///
/// A write that was not answered is never repeated blindly: the metadata is read to see what became of it.
#[derive(Debug, Default)]
pub(crate) struct Update {
    state: State,
    /// When to give up, once the store fails.
    give_up_ms: u64,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Writing(Arc<LedgerMetadata>),
    Reading(Arc<LedgerMetadata>),
    /// Until it is time to read.
    Waiting {
        until_ms: u64,
        wanted: Arc<LedgerMetadata>,
    },
}

/// What became of a change.
#[derive(Debug)]
pub(crate) enum Step {
    /// It goes on.
    Going,
    /// The metadata is as wanted.
    Done(Versioned),
    /// The metadata is neither what it was nor what is wanted: decide anew.
    Other(Versioned),
    /// The ledger was deleted.
    Gone,
    /// The store cannot be reached.
    Failed(Error),
}

/// How long to wait before a store that failed is asked again.
const RETRY_MS: u64 = 100;

impl Update {
    /// Starts a change, given up when the store has failed for so long. Nothing else is going on.
    pub(crate) fn start(
        &mut self,
        wanted: LedgerMetadata,
        expected: Version,
        now_ms: u64,
        patience_ms: u64,
    ) -> MetadataCall {
        let metadata = Arc::new(wanted);
        self.give_up_ms = now_ms.saturating_add(patience_ms);
        self.state = State::Writing(metadata.clone());
        MetadataCall::Write { metadata, expected }
    }

    /// Takes an answer of the store.
    pub(crate) fn answer(&mut self, answer: MetadataAnswer, now_ms: u64) -> (Step, Option<MetadataCall>) {
        match (std::mem::take(&mut self.state), answer) {
            (State::Writing(wanted), MetadataAnswer::Written(version)) => {
                (Step::Done(Versioned { metadata: wanted, version }), None)
            }
            (State::Writing(wanted), MetadataAnswer::Conflict) => self.read(wanted),
            (State::Reading(wanted), MetadataAnswer::Found(found)) if found.metadata == wanted => {
                (Step::Done(found), None)
            }
            (State::Reading(_), MetadataAnswer::Found(found)) => (Step::Other(found), None),
            (State::Writing(_) | State::Reading(_), MetadataAnswer::Gone) => (Step::Gone, None),
            (State::Writing(wanted) | State::Reading(wanted), MetadataAnswer::Failed(error)) => {
                if !error.is_retryable() || now_ms >= self.give_up_ms {
                    return (Step::Failed(error), None);
                }
                self.state = State::Waiting { until_ms: now_ms.saturating_add(RETRY_MS), wanted };
                (Step::Going, None)
            }
            // An answer nobody asked for.
            (state, _) => {
                self.state = state;
                (Step::Going, None)
            }
        }
    }

    /// Goes on when the time for it has come.
    pub(crate) fn tick(&mut self, now_ms: u64) -> Option<MetadataCall> {
        match std::mem::take(&mut self.state) {
            State::Waiting { until_ms, wanted } if now_ms >= until_ms => self.read(wanted).1,
            state => {
                self.state = state;
                None
            }
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn next_tick_ms(&self) -> Option<u64> {
        match self.state {
            State::Waiting { until_ms, .. } => Some(until_ms),
            _ => None,
        }
    }

    fn read(&mut self, wanted: Arc<LedgerMetadata>) -> (Step, Option<MetadataCall>) {
        self.state = State::Reading(wanted);
        (Step::Going, Some(MetadataCall::Read))
    }
}
