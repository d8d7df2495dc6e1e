//! The writer of a ledger, as a state machine.

mod answers;
mod change;
mod ending;
mod lac;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::access::Access;
use super::adds::{AddKind, AddSend, AddTarget, Adds};
use super::quorum::{PlaceSet, check_size};
use super::update::{MetadataCall, Update};
use crate::cluster::Versioned;
use crate::error::{Error, ErrorKind, Result};
use crate::placement::Placement;
use crate::protocol::Request;
use crate::types::{BookieId, Quorum};
use lac::{Explicit, Force};

/// How a ledger is written.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Keep a failed bookie in the ensemble while entries reach their ack quorum without it. Default no: it is replaced
    /// as soon as there is another, so that entries have all their replicas.
    pub delay_ensemble_change: bool,
    /// Bookies answer before entries are durable; only [`Writer::force`] moves the LAC.
    pub deferred_sync: bool,
    /// How many entries may be on their way. Default 5,000.
    pub entries_in_flight: usize,
    /// How many bytes may be on their way, counted once. Default 16 MiB.
    pub bytes_in_flight: usize,
    /// How often to publish the LAC when it moved and no entry took it along. Default 0: only when asked to.
    pub explicit_lac_ms: u64,
    /// How long an entry may wait for its ack quorum before the writer fails. Default 30 s.
    pub quorum_timeout_ms: u64,
    /// How long to wait before an entry with too few bookies left is sent to them again. Default 200 ms.
    pub resend_ms: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            delay_ensemble_change: false,
            deferred_sync: false,
            entries_in_flight: 5_000,
            bytes_in_flight: 16 << 20,
            explicit_lac_ms: 0,
            quorum_timeout_ms: 30_000,
            resend_ms: 200,
        }
    }
}

/// Writes one ledger: entries go out as they come, acknowledgements come back in order.
///
/// It does nothing by itself. Whoever drives it passes in appends, the answers of bookies and of the metadata store, and
/// the time, and does what [`poll`](Self::poll) says after each.
///
/// **What holds whatever the order of answers:** an entry is acknowledged only after all before it, when an ack quorum of
/// its write set *in the ensemble that the metadata names* has it. Nothing is acknowledged after a fence, a lost race for
/// the metadata, or a failure of an entry before it.
pub struct Writer {
    access: Arc<Access>,
    quorum: Quorum,
    options: WriterOptions,
    placement: Arc<dyn Placement>,
    /// The metadata as the store has it, as far as we know.
    known: Versioned,
    adds: Adds,
    /// How many entries are acknowledged.
    acknowledged: u64,
    /// How many entries the LAC speaks of: as many, or fewer while syncs are deferred.
    confirmed: u64,
    /// Payload of the acknowledged entries and of all.
    acknowledged_length: u64,
    length: u64,
    update: Update,
    doing: Doing,
    /// PlaceSet whose bookie failed since it was put there.
    failing: PlaceSet,
    /// What the last of them said.
    failure: Option<Error>,
    /// When to send again what too few bookies have.
    resend_at_ms: Option<u64>,
    explicit: Explicit,
    forces: Vec<Force>,
    next_force: u64,
    closing: bool,
    ended: Option<Error>,
    now_ms: u64,
    outputs: VecDeque<WriterOutput>,
}

/// What the metadata is being changed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    Change,
    Close,
}

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WriterToken {
    /// An add.
    Add(AddTarget),
    /// An explicit LAC for so many entries, and the place asked.
    Lac {
        /// The entries.
        confirmed: u64,
        /// The place.
        place: usize,
    },
    /// A force, and the place asked.
    Force {
        /// The number that [`Writer::force`] answered.
        force: u64,
        /// The place.
        place: usize,
    },
}

/// What is to be done for a writer, in this order.
#[derive(Debug)]
pub enum WriterOutput {
    /// Send this and pass the answer in; each request is answered at some time.
    Send {
        /// Whom to.
        to: BookieId,
        /// What comes back with the answer.
        token: WriterToken,
        /// What.
        request: Request,
    },
    /// Ask the metadata store and pass the answer in.
    Metadata(MetadataCall),
    /// The entries below this one are acknowledged.
    Acknowledged {
        /// How many there are.
        entries: u64,
    },
    /// The LAC is published by itself, for so many entries.
    Published {
        /// How many there are.
        entries: u64,
    },
    /// A force ended.
    Forced {
        /// Its number.
        force: u64,
        /// How.
        result: Result<()>,
    },
    /// The entries from this one on are not acknowledged and never will be. The writer takes no more.
    Failed {
        /// The first of them.
        from: u64,
        /// Why.
        error: Error,
    },
    /// The ledger is closed with so many entries, or the writer failed to close it.
    Closed(Result<u64>),
}

impl Writer {
    /// The writer of a ledger that was just created: nothing has been written to it.
    ///
    /// # Errors
    /// `unsupported` if its ensemble is too large.
    pub fn new(
        access: Arc<Access>,
        known: Versioned,
        options: WriterOptions,
        placement: Arc<dyn Placement>,
    ) -> Result<Self> {
        let quorum = known.metadata.quorum;
        check_size(quorum)?;
        let kind = if options.deferred_sync { AddKind::Deferred } else { AddKind::Plain };
        let (_, ensemble) = known.metadata.last_ensemble();
        let adds = Adds::new(access.clone(), kind, quorum, ensemble, 0);
        Ok(Self {
            access,
            quorum,
            options,
            placement,
            known,
            adds,
            acknowledged: 0,
            confirmed: 0,
            acknowledged_length: 0,
            length: 0,
            update: Update::default(),
            doing: Doing::Nothing,
            failing: PlaceSet::default(),
            failure: None,
            resend_at_ms: None,
            explicit: Explicit::default(),
            forces: Vec::new(),
            next_force: 0,
            closing: false,
            ended: None,
            now_ms: 0,
            outputs: VecDeque::new(),
        })
    }

    /// Writes an entry and answers its id. Whether it is acknowledged is said later.
    ///
    /// # Errors
    /// `busy` if there is no room for it now: see [`has_room`](Self::has_room). `closed` after [`close`](Self::close).
    /// The error that ended the writer, if one did.
    pub fn append(&mut self, payload: Bytes) -> Result<u64> {
        self.open()?;
        if !self.has_room(payload.len()) {
            let message = "the writer has as much on its way as it may; wait for acknowledgements";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        self.change_before_append();
        let entry = self.adds.next();
        self.length += payload.len() as u64;
        let body = self.access.seal(entry, self.confirmed, self.length, payload);
        self.explicit.carried(self.confirmed);
        let mut sends = Vec::with_capacity(self.quorum.write());
        self.adds.push(body, self.length, self.now_ms, &mut sends);
        self.send(sends);
        Ok(entry)
    }

    /// Whether an entry of this size may be appended now. One that is larger than the limit may go when it is alone.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.adds.is_empty()
            || (self.adds.len() < self.options.entries_in_flight
                && self.adds.bytes().saturating_add(bytes) <= self.options.bytes_in_flight)
    }

    /// How many entries are acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether every appended entry is acknowledged.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.adds.is_empty()
    }

    /// The metadata as it is known.
    #[must_use]
    pub fn metadata(&self) -> &Versioned {
        &self.known
    }

    /// Says what time it is, in milliseconds from some fixed moment, and does what is due.
    pub fn tick(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        if self.ended.is_some() {
            return;
        }
        if let Some(call) = self.update.tick(self.now_ms) {
            self.outputs.push_back(WriterOutput::Metadata(call));
        }
        self.resend_if_due();
        self.publish_if_due();
        self.fail_if_overdue();
    }

    /// When [`tick`](Self::tick) has something to do, if it does.
    #[must_use]
    pub fn next_tick_ms(&self) -> Option<u64> {
        if self.ended.is_some() {
            return None;
        }
        let overdue =
            self.adds.oldest().map(|add| add.since_ms.saturating_add(self.options.quorum_timeout_ms));
        let explicit = self.explicit.due_ms(self.confirmed, self.options.explicit_lac_ms);
        // While the metadata is being changed nothing is sent again: its answer comes first.
        let resend = self.resend_at_ms.filter(|_| self.doing == Doing::Nothing);
        [self.update.next_tick_ms(), resend, overdue, explicit].into_iter().flatten().min()
    }

    /// The next thing to do for the writer.
    pub fn poll(&mut self) -> Option<WriterOutput> {
        self.outputs.pop_front()
    }

    fn open(&self) -> Result<()> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        if self.closing {
            return Err(Error::new(ErrorKind::Closed, "the writer of the ledger was closed"));
        }
        Ok(())
    }

    fn send(&mut self, sends: Vec<AddSend>) {
        self.outputs.extend(sends.into_iter().map(|send| WriterOutput::Send {
            to: send.to,
            token: WriterToken::Add(send.target),
            request: send.request,
        }));
    }
}
