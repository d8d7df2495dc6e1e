//! The acknowledgement of an entry, shared by the tickets of all its records.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::engine::guard;
use crate::error::Result;
use crate::metadata::sequence_id;
use crate::types::{Dlsn, Durability, Receipt};

/// Where an entry got its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) segment: i64,
    pub(crate) entry: i64,
    /// The sequence id of the segment's first record; hugely negative where Java did not count.
    pub(crate) first_sequence_id: i64,
    /// The position within the segment of the entry's first user record.
    pub(crate) first_position: u32,
    pub(crate) durability: Durability,
}

/// How an entry ended, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct EntryCompletion {
    outcome: OnceLock<Result<Placed>>,
    waiters: Mutex<Waiters>,
    /// When the first record was appended, in nanoseconds and one more; 0 if nobody said so.
    appended: AtomicU64,
}

/// The place of a waiter in the list of its entry.
pub(crate) type WaiterSlot = Option<usize>;

/// Whom to wake. Most entries have one waiter, who needs no memory of its own: what one thread allocates and another frees,
/// for each record, has both wait for the allocator.
#[derive(Debug, Default)]
struct Waiters {
    joined: usize,
    first: Option<Waker>,
    /// From the second on.
    others: Vec<Option<Waker>>,
}

impl Waiters {
    fn join(&mut self) -> usize {
        if self.joined > 0 {
            self.others.push(None);
        }
        self.joined += 1;
        self.joined - 1
    }

    fn place(&mut self, index: usize) -> Option<&mut Option<Waker>> {
        match index {
            0 => Some(&mut self.first),
            _ => self.others.get_mut(index - 1),
        }
    }
}

impl EntryCompletion {
    /// Notes when the first record was appended.
    pub(crate) fn begin(&self, now: Duration) {
        self.appended.store(u64::try_from(now.as_nanos() + 1).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// When the first record was appended, if somebody noted it.
    pub(crate) fn appended(&self) -> Option<Duration> {
        self.appended.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_nanos)
    }

    /// Ends the entry, once. Whom to wake is added to `wakers`, to be woken when no lock is held.
    pub(crate) fn complete(&self, outcome: Result<Placed>, wakers: &mut Vec<Waker>) {
        if self.outcome.set(outcome).is_ok() {
            // Whoever looked before sees the outcome under this lock, or is in the list.
            let waiters = std::mem::take(&mut *guard(&self.waiters));
            wakers.extend(waiters.first.into_iter().chain(waiters.others.into_iter().flatten()));
        }
    }

    /// The outcome, if it is there.
    pub(crate) fn outcome(&self) -> Option<&Result<Placed>> {
        self.outcome.get()
    }

    /// The outcome, or the promise to wake the caller when it is there.
    pub(crate) fn poll(&self, slot: &mut WaiterSlot, context: &Context<'_>) -> Poll<&Result<Placed>> {
        if let Some(outcome) = self.outcome.get() {
            return Poll::Ready(outcome);
        }
        let mut waiters = guard(&self.waiters);
        if let Some(outcome) = self.outcome.get() {
            return Poll::Ready(outcome);
        }
        let index = *slot.get_or_insert_with(|| waiters.join());
        if let Some(place) = waiters.place(index) {
            match place {
                Some(waker) => waker.clone_from(context.waker()),
                None => *place = Some(context.waker().clone()),
            }
        }
        Poll::Pending
    }

    /// Takes back a promise to wake.
    pub(crate) fn forget(&self, slot: WaiterSlot) {
        if let Some(index) = slot.filter(|_| self.outcome.get().is_none())
            && let Some(place) = guard(&self.waiters).place(index)
        {
            *place = None;
        }
    }

    /// Waits for the outcome.
    pub(crate) async fn wait(self: &Arc<Self>) -> Result<Placed> {
        let mut slot = None;
        std::future::poll_fn(|context| self.poll(&mut slot, context).map(Clone::clone)).await
    }
}

impl Placed {
    /// The receipt of the record in this slot of the entry.
    pub(crate) fn receipt(&self, slot: u32, txid: i64) -> Receipt {
        let position = self.first_position.saturating_add(slot);
        Receipt {
            dlsn: Dlsn::new(self.segment, self.entry, slot.into()),
            txid,
            sequence_id: sequence_id(self.first_sequence_id, position),
            durability: self.durability,
            duplicate: false,
        }
    }
}
