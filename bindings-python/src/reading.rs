//! What the calls of a reader share: its records are read once, in order, whichever call gets them and whichever is given up.
//!
//! A caller who catches up, two full batches in a row, would wait for each batch while it is taken apart, and the log for the
//! caller while it looks at one. So a task of the runtime has the next batches ready: see [`preparing`](crate::preparing).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{Dlsn, End, Reader, RecordBatch};
use tokio::sync::{Mutex as Turn, MutexGuard as TurnGuard, Notify};
use tokio::time::{Instant, timeout_at};

use crate::delivery::{Delivery, Source, unless_given_back};
use crate::preparing::Prepared;

/// See the module.
pub(crate) struct Shared {
    /// Whoever has it reads.
    pub(crate) reader: Turn<Reader>,
    /// Whoever prepares has it too, so that a call that may not wait for other calls waits for that.
    pub(crate) preparing: Turn<()>,
    state: Mutex<State>,
    /// Wakes the call that reads when records are given back.
    given_back: Notify,
    /// Whether batches are ever prepared: not those of a reader that may lose its lock meanwhile.
    pub(crate) prepares: bool,
}

pub(crate) struct State {
    /// Records that were read for a call that was given up.
    pub(crate) returned: BTreeMap<Dlsn, dl_core::Record>,
    /// Where begins what calls were answered and have not taken: it may come back.
    underway: BTreeSet<Dlsn>,
    /// What was read before it was asked for, behind all else.
    pub(crate) prepared: VecDeque<Prepared>,
    /// Whether a task prepares more.
    pub(crate) is_preparing: bool,
    /// Calls that wait their turn. Who comes later gets later records.
    pub(crate) waiting: usize,
    /// How many records the last batch had, if it was full.
    pub(crate) full: Option<usize>,
    pub(crate) position: Dlsn,
    pub(crate) end: Option<End>,
    pub(crate) closed: bool,
}

/// A call that waits its turn.
struct Waiting<'a>(&'a Shared);

impl Shared {
    pub(crate) fn new(reader: Reader, locked: bool) -> Self {
        let state = State {
            returned: BTreeMap::new(),
            underway: BTreeSet::new(),
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
        let undelivered = state.undelivered();
        state.underway.first().map_or(undelivered, |first| undelivered.min(*first))
    }

    /// How the reader ended, once all was delivered.
    pub(crate) fn end(&self) -> Option<End> {
        let state = self.state();
        state.end.filter(|_| state.returned.is_empty())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
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
        let returned = self.state().let_go();
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
        let records = read?;
        let mut state = self.state();
        // A call that wants none leaves what is prepared, and one that fails, after a close, what was.
        if state.prepared.is_empty() {
            (state.position, state.end) = (reader.position(), reader.end());
        }
        state.leaves(&records);
        drop(state);
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
    pub(crate) fn returned(&self, max: usize) -> RecordBatch {
        let mut state = self.state();
        let next = std::iter::from_fn(|| state.returned.pop_first());
        let records = next.take(max).map(|(_, record)| record).collect();
        state.leaves(&records);
        records
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// These are on their way to the caller.
    pub(crate) fn leaves(&mut self, records: &RecordBatch) {
        self.underway.extend(beginning(records));
    }

    /// These are with the caller, or back.
    fn ended(&mut self, records: &RecordBatch) {
        if let Some(first) = beginning(records) {
            self.underway.remove(&first);
        }
    }

    /// Lets the records go that calls gave back: they were not delivered, and never will be.
    fn let_go(&mut self) -> BTreeMap<Dlsn, dl_core::Record> {
        if !self.returned.is_empty() {
            (self.position, self.end) = (self.undelivered(), None);
        }
        std::mem::take(&mut self.returned)
    }

    /// Where begins what no call was answered.
    fn undelivered(&self) -> Dlsn {
        self.returned.first_key_value().map_or(self.position, |(dlsn, _)| *dlsn)
    }
}

impl Source for Shared {
    type Item = RecordBatch;

    fn take_back(&self, records: RecordBatch) {
        let mut state = self.state();
        state.ended(&records);
        state.returned.extend(records.shares().map(|record| (record.dlsn, record)));
        drop(state);
        self.given_back.notify_one();
    }

    fn arrived(&self, records: &RecordBatch) {
        self.state().ended(records);
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

fn beginning(records: &RecordBatch) -> Option<Dlsn> {
    records.get(0).map(|first| first.dlsn)
}

/// What it answers until then, if it is over.
async fn before<T>(end: Option<Instant>, call: impl Future<Output = T>) -> Option<T> {
    match end {
        None => Some(call.await),
        Some(end) => timeout_at(end, call).await.ok(),
    }
}
