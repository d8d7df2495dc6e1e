//! What the calls of a reader share: its records are read once, in order, whichever call gets them and whichever is given up.
//!
//! A caller who catches up, two full batches in a row, would wait for each batch while it is taken apart, and the log for the
//! caller while it looks at one. So a task of the runtime has the next batches ready: see [`Shared::prepare`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{Dlsn, End, Reader, RecordBatch};
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, MutexGuard as TurnGuard, Notify};
use tokio::time::{Instant, timeout_at};

use crate::delivery::{Delivery, Source, unless_given_back};

/// Batches smaller than that are quicker read than prepared.
const WORTH_PREPARING: usize = 100;

/// How many records are ready at most, or one batch.
const MOST_PREPARED: usize = 3_000;

/// How often a call looks for a batch that is being prepared before it sleeps: some twenty microseconds, less than waking up takes.
const LOOKS: usize = 50;

/// See the module.
pub(crate) struct Shared {
    /// Whoever has it reads.
    reader: Turn<Reader>,
    /// Whoever prepares has it too, so that a call that may not wait for other calls waits for that.
    preparing: Turn<()>,
    state: Mutex<State>,
    /// Wakes the call that reads when records are given back.
    given_back: Notify,
    /// Whether batches are ever prepared: not those of a reader that may lose its lock meanwhile.
    prepares: bool,
}

struct State {
    /// Records that were read for a call that was given up.
    returned: BTreeMap<Dlsn, dl_core::Record>,
    /// What was read before it was asked for, behind all else.
    prepared: VecDeque<Prepared>,
    /// Whether a task prepares more.
    is_preparing: bool,
    /// Calls that wait their turn. Who comes later gets later records.
    waiting: usize,
    /// How many records the last batch had, if it was full.
    full: Option<usize>,
    position: Dlsn,
    end: Option<End>,
    closed: bool,
}

/// A batch, and where the reader is behind it.
struct Prepared {
    records: RecordBatch,
    position: Dlsn,
    end: Option<End>,
}

/// A call that waits its turn.
struct Waiting<'a>(&'a Shared);

impl Shared {
    pub(crate) fn new(reader: Reader, locked: bool) -> Self {
        let state = State {
            returned: BTreeMap::new(),
            prepared: VecDeque::new(),
            is_preparing: false,
            waiting: 0,
            full: None,
            position: reader.position(),
            end: reader.end(),
            closed: false,
        };
        Self {
            reader: Turn::new(reader),
            preparing: Turn::new(()),
            state: Mutex::new(state),
            given_back: Notify::new(),
            prepares: !locked,
        }
    }

    /// Everything below was delivered.
    pub(crate) fn position(&self) -> Dlsn {
        let state = self.state();
        state.returned.first_key_value().map_or(state.position, |(dlsn, _)| *dlsn)
    }

    /// How the reader ended, once all was delivered.
    pub(crate) fn end(&self) -> Option<End> {
        let state = self.state();
        state.end.filter(|_| state.returned.is_empty())
    }

    /// From here on nothing is delivered that was read ahead.
    pub(crate) fn closing(&self) {
        let mut state = self.state();
        state.closed = true;
        let prepared = std::mem::take(&mut state.prepared);
        drop(state);
        drop(prepared);
    }

    /// Ends the reader, once no call is at it.
    pub(crate) async fn close(&self) -> dl_core::Result<()> {
        let mut reader = self.reader.lock().await;
        let returned = std::mem::take(&mut self.state().returned);
        drop(returned);
        reader.close().await
    }

    /// Up to so many records; those that calls gave back come first, in the order of the log. It waits once: behind other calls too.
    pub(crate) async fn read(
        self: Arc<Self>,
        max: usize,
        wait: Option<Duration>,
    ) -> dl_core::Result<Delivery<Self>> {
        if let Some(records) = self.prepared_soon(max) {
            return Ok(Delivery::new(self, records));
        }
        let end = wait.and_then(|wait| Instant::now().checked_add(wait));
        let waiting = Waiting::new(&self);
        let Some(mut reader) = self.turn(wait, end).await else {
            drop(waiting);
            return Ok(Delivery::new(self, RecordBatch::default()));
        };
        let read = loop {
            if let Some(records) = self.at_hand(max) {
                let delivery = Delivery::new(self.clone(), records);
                // A lock that was lost is seen here too.
                reader.next_batch(0, Duration::ZERO).await?;
                return Ok(delivery);
            }
            let next = async {
                match (max, wait) {
                    (1, None) => reader.next().await.map(|record| record.into_iter().collect()),
                    _ => {
                        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
                        reader.next_batch(max, left.or(wait).unwrap_or(Duration::MAX)).await
                    }
                }
            };
            if let Some(read) = unless_given_back(&self.given_back, next).await {
                break read;
            }
        };
        let mut state = self.state();
        // A call that wants none leaves what is prepared.
        if state.prepared.is_empty() {
            (state.position, state.end) = (reader.position(), reader.end());
        }
        drop(state);
        let records = read?;
        drop(reader);
        drop(waiting);
        self.catches_up(max, records.len());
        Ok(Delivery::new(self, records))
    }

    /// The reader, when it is this call's turn; nothing, if that takes too long.
    async fn turn(&self, wait: Option<Duration>, end: Option<Instant>) -> Option<TurnGuard<'_, Reader>> {
        // Who does not wait for records waits for them to be read nevertheless, by whomever.
        let end_of_read = end.filter(|_| wait != Some(Duration::ZERO));
        let nobody_prepares = before(end_of_read, self.preparing.lock()).await?;
        if let Ok(reader) = self.reader.try_lock() {
            return Some(reader);
        }
        drop(nobody_prepares);
        before(end, self.reader.lock()).await
    }

    /// What was read already: first that which calls gave back.
    fn at_hand(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        if max == 0 {
            return None;
        }
        let returned = self.returned(max);
        if returned.is_empty() { self.prepared_in_turn(max) } else { Some(returned) }
    }

    /// Up to so many of those that calls gave back.
    fn returned(&self, max: usize) -> RecordBatch {
        let mut state = self.state();
        let next = std::iter::from_fn(|| state.returned.pop_first());
        next.take(max).map(|(_, record)| record).collect()
    }

    /// What is prepared for a call that wants so many, if no other call is to get it.
    fn prepared(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        let state = self.state();
        let first = state.waiting == 0 && state.returned.is_empty() && state.full == Some(max);
        if first { self.take_prepared(state, max) } else { None }
    }

    /// The same, also if it is prepared at this moment.
    fn prepared_soon(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        for _ in 0..LOOKS {
            let prepared = self.prepared(max);
            if prepared.is_some() || self.preparing.try_lock().is_ok() {
                return prepared;
            }
            (0..8).for_each(|_| std::hint::spin_loop());
        }
        None
    }

    /// What is prepared for a call that has the reader. What is too much for it is then there as if it had been given back.
    fn prepared_in_turn(self: &Arc<Self>, max: usize) -> Option<RecordBatch> {
        let mut state = self.state();
        let fits = state.prepared.front()?.records.len() <= max;
        // Whoever wants another number of records may want yet another next time.
        state.full = state.full.filter(|full| *full == max);
        if fits {
            return self.take_prepared(state, max);
        }
        while let Some(Prepared { records, position, end }) = state.prepared.pop_front() {
            state.returned.extend(records.shares().map(|record| (record.dlsn, record)));
            (state.position, state.end) = (position, end);
        }
        drop(state);
        Some(self.returned(max))
    }

    fn take_prepared(self: &Arc<Self>, mut state: MutexGuard<'_, State>, max: usize) -> Option<RecordBatch> {
        let Prepared { records, position, end } = state.prepared.pop_front()?;
        (state.position, state.end) = (position, end);
        self.prepare_more(state, max);
        Some(records)
    }

    /// Notes what a call got that wanted so many. If it is full, and the one before was, the next one is wanted at once.
    fn catches_up(self: &Arc<Self>, max: usize, got: usize) {
        let mut state = self.state();
        let full = (got == max && max >= WORTH_PREPARING && self.prepares).then_some(max);
        let again = full.is_some() && state.full == full;
        state.full = full;
        if again {
            self.prepare_more(state, max);
        }
    }

    /// Starts a task that prepares, if there is none and half of what may be ready is gone, so that it seldom wakes up for a single
    /// batch. Calls call it, in the runtime.
    fn prepare_more(self: &Arc<Self>, mut state: MutexGuard<'_, State>, max: usize) {
        let goes_on = state.full == Some(max) && !state.closed;
        if goes_on && !state.is_preparing && state.prepared.len() <= most_batches(max) / 2 {
            state.is_preparing = true;
            drop(state);
            Handle::current().spawn(self.clone().prepare(max));
        }
    }

    /// Has the next batches of so many ready, as far as there are records. What fails here fails again in the call that comes next.
    async fn prepare(self: Arc<Self>, max: usize) {
        while self.prepare_one(max).await {}
    }

    /// Whether there is more to prepare.
    async fn prepare_one(&self, max: usize) -> bool {
        let _preparing = self.preparing.lock().await;
        let Ok(mut reader) = self.reader.try_lock() else {
            // A call was quicker.
            self.state().is_preparing = false;
            return false;
        };
        let records = reader.next_batch_ahead(max).await.unwrap_or_default();
        let read = Prepared { records, position: reader.position(), end: reader.end() };
        let mut state = self.state();
        if read.records.is_empty() || state.closed {
            state.is_preparing = false;
            return false;
        }
        let more = read.end.is_none() && state.full == Some(max);
        state.prepared.push_back(read);
        state.is_preparing = more && state.prepared.len() < most_batches(max);
        state.is_preparing
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Shared {
    type Item = RecordBatch;

    fn take_back(&self, records: RecordBatch) {
        let mut state = self.state();
        state.returned.extend(records.shares().map(|record| (record.dlsn, record)));
        drop(state);
        self.given_back.notify_one();
    }
}

impl<'a> Waiting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.state().waiting += 1;
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// How many batches of so many are ready at most.
fn most_batches(max: usize) -> usize {
    (MOST_PREPARED / max.max(1)).clamp(1, 3)
}

/// What it answers until then, if it is over.
async fn before<T>(end: Option<Instant>, call: impl Future<Output = T>) -> Option<T> {
    match end {
        None => Some(call.await),
        Some(end) => timeout_at(end, call).await.ok(),
    }
}
