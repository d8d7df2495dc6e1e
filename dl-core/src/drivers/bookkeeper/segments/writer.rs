//! The writing end of a segment: entries from its source go into the ledger, and how they ended goes back.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use dl_bookkeeper::{
    EntryId, Error as ClusterError, ErrorKind as ClusterErrorKind, LedgerWriter, WriterEvents,
};

use super::closing::Closing;
use super::error::of_segment;
use super::lease::Lease;
use crate::error::{Error, Result};
use crate::seams::Tasks;
use crate::store::{Closed, EntrySource, SegmentWriter};
use crate::types::SegmentId;

/// How many entries are on their way at most: while there are so many, what is appended gathers for the next one.
const ENTRIES_ON_THEIR_WAY: u64 = 16;

/// How much one caller does before it hands over to a task.
const STEPS_AT_ONCE: usize = 64;

/// The writer of a segment; what it shares with the client of the cluster ends with it.
pub(super) struct Writer(Arc<Pump>);

/// Moves entries from a source to the ledger's writer, and acknowledgements back, on the threads of those who bring either.
///
/// One of them at a time works; what the others bring it sees to before it goes. So the source is called one call at a
/// time, and may wake the pump from within a call.
pub(super) struct Pump {
    id: SegmentId,
    source: Arc<dyn EntrySource>,
    ledger: OnceLock<LedgerWriter>,
    lease: Lease,
    closing: Closing,
    tasks: Arc<dyn Tasks>,
    /// Publishes the last entry by itself when no other follows.
    publish: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether someone works.
    working: bool,
    /// Whether the source may have an entry.
    wanted: bool,
    /// Whether the source may no longer be called.
    abandoned: bool,
    /// How many entries the ledger's writer took.
    sent: u64,
    /// How many it acknowledged.
    acknowledged: u64,
    /// How many the source heard of.
    settled: u64,
    /// How many of those that it took may be on a bookie.
    reached: u64,
    /// How many the bookies were told of by themselves.
    published: u64,
    /// Whether someone waits for the lease.
    waits: bool,
    /// Why the ledger takes no more.
    failure: Option<Error>,
    /// Whether the source knows of it.
    told: bool,
    /// An entry for which the ledger's writer had no room, until one is acknowledged.
    held: Option<Bytes>,
    full: bool,
}

/// What there is to do next.
enum Step {
    Settle(u64, Result<()>),
    Break(Error),
    Await,
    /// With an entry that was held.
    Send(Option<Bytes>),
    Publish,
}

impl Writer {
    /// The writer whose ledger is being made.
    pub(super) fn new(
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        lease: Lease,
        closing: Closing,
        tasks: Arc<dyn Tasks>,
        publish: bool,
    ) -> Self {
        let (ledger, state) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Pump { id, source, ledger, lease, closing, tasks, publish, state }))
    }

    /// Who hears of the ledger's entries.
    pub(super) fn events(&self) -> Arc<dyn WriterEvents> {
        Arc::new(Events(Arc::downgrade(&self.0)))
    }

    /// The ledger was made.
    pub(super) fn start(&self, ledger: LedgerWriter) {
        // It is made once.
        let _first = self.0.ledger.set(ledger);
        self.0.run(|_| {});
    }
}

#[async_trait]
impl SegmentWriter for Writer {
    fn wake(&self) {
        self.0.run(|state| state.wanted = true);
    }

    async fn close(&self) -> Result<Closed> {
        let ledger = self.0.ledger.get().ok_or_else(|| Error::internal("a segment without a ledger"))?;
        let last = self.0.closing.guard(ledger.close()).await?;
        let last = last.map_err(|error| of_segment(error, self.0.id))?;
        Ok(Closed { last_entry: last.map(|last| last.number().unsigned_abs()), complete_ops: Vec::new() })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state().abandoned = true;
    }
}

struct Events(Weak<Pump>);

impl WriterEvents for Events {
    fn acknowledged(&self, last: EntryId) {
        if let Some(pump) = self.0.upgrade() {
            pump.run(|state| {
                state.acknowledged = last.number().unsigned_abs() + 1;
                state.full = false;
            });
        }
    }

    fn failed(&self, _from: EntryId, error: &ClusterError) {
        if let Some(pump) = self.0.upgrade() {
            let failure = of_segment(error.clone(), pump.id);
            pump.run(|state| {
                state.failure.get_or_insert(failure);
            });
        }
    }
}

impl Pump {
    /// Notes what somebody brings, and sees to everything unless another does already.
    fn run(self: &Arc<Self>, bring: impl FnOnce(&mut State)) {
        let mut state = self.state();
        bring(&mut state);
        let works = self.ledger.get().is_some() && !std::mem::replace(&mut state.working, true);
        drop(state);
        if works {
            self.work();
        }
    }

    /// Does what there is to do. So that nobody is kept by what others bring all the time, a task goes on in the end.
    fn work(self: &Arc<Self>) {
        for _ in 0..STEPS_AT_ONCE {
            let mut state = self.state();
            let Some(step) = self.next(&mut state) else {
                state.working = false;
                return;
            };
            drop(state);
            self.take(step);
        }
        let pump = self.clone();
        self.tasks.spawn(Box::pin(async move { pump.work() }));
    }

    /// What is to be done next, if there is anything.
    fn next(&self, state: &mut State) -> Option<Step> {
        if state.abandoned {
            return None;
        }
        if state.failure.is_none()
            && let Err(closed) = self.closing.check()
        {
            state.failure = Some(closed);
        }
        if state.settled < state.acknowledged {
            if self.lease.is_running() {
                state.settled += 1;
                return Some(Step::Settle(state.settled - 1, Ok(())));
            }
            if state.failure.is_none() {
                return (!std::mem::replace(&mut state.waits, true)).then_some(Step::Await);
            }
        }
        if let Some(error) = state.failure.clone() {
            return self.next_failed(state, error);
        }
        let room = !state.full && state.sent - state.settled < ENTRIES_ON_THEIR_WAY;
        if room && (state.wanted || state.held.is_some()) {
            return Some(Step::Send(state.held.take()));
        }
        let idle = self.publish && state.sent == state.settled && state.published < state.settled;
        idle.then(|| {
            state.published = state.settled;
            Step::Publish
        })
    }

    /// The same when the ledger takes no more.
    fn next_failed(&self, state: &mut State, error: Error) -> Option<Step> {
        if state.settled < state.sent {
            let error = if state.settled < state.reached { error.maybe_effective() } else { error };
            state.settled += 1;
            state.told = true;
            return Some(Step::Settle(state.settled - 1, Err(error)));
        }
        if state.wanted || state.held.is_some() {
            return Some(Step::Send(state.held.take()));
        }
        (!std::mem::replace(&mut state.told, true)).then_some(Step::Break(error))
    }

    fn take(self: &Arc<Self>, step: Step) {
        match step {
            Step::Settle(entry, result) => drop(self.source.settled(entry, result)),
            Step::Break(error) => self.source.broken(error),
            Step::Send(held) => self.send(held),
            Step::Publish => {
                if let Some(ledger) = self.ledger.get() {
                    ledger.publish();
                }
            }
            Step::Await => {
                let (pump, extended) = (Arc::downgrade(self), self.lease.extended());
                self.tasks.spawn(Box::pin(async move {
                    let extended = extended.await;
                    if let Some(pump) = pump.upgrade() {
                        let owned = pump.ask(extended).await;
                        pump.run(|state| {
                            state.waits = false;
                            if let Err(error) = owned {
                                state.failure.get_or_insert(error);
                            }
                        });
                    }
                }));
            }
        }
    }

    /// Has the lease, which was extended after so many lapses, run again if the segment is still this writer's.
    async fn ask(&self, extended: Option<u64>) -> Result<()> {
        let lapses = extended.ok_or_else(lost)?;
        if let Some(ledger) = self.ledger.get().filter(|_| !self.lease.knows(lapses)) {
            let owned = self.closing.guard(ledger.confirm()).await?;
            owned.map_err(|error| of_segment(error, self.id).maybe_effective())?;
            self.lease.accept(lapses);
        }
        Ok(())
    }

    /// Takes the next entry from the source, unless one is held, and gives it to the ledger's writer.
    fn send(&self, held: Option<Bytes>) {
        let entry = held.or_else(|| {
            self.state().wanted = false;
            let entry = self.source.next_entry()?;
            if !self.source.is_drained() {
                self.state().wanted = true;
            }
            Some(entry)
        });
        let (Some(entry), Some(ledger)) = (entry, self.ledger.get()) else { return };
        // Counted first: it may be acknowledged before the call returns.
        let failed = {
            let mut state = self.state();
            state.sent += 1;
            state.failure.is_some()
        };
        if failed {
            return;
        }
        match ledger.append_quietly(entry.clone()) {
            Ok(id) => self.state().reached = id.number().unsigned_abs() + 1,
            Err(error) if error.kind() == ClusterErrorKind::Busy => {
                let mut state = self.state();
                state.sent -= 1;
                // Unless what took the room was acknowledged since.
                state.full = state.settled < state.sent && state.acknowledged < state.sent;
                state.held = Some(entry);
            }
            Err(error) => {
                let failure = of_segment(error, self.id);
                self.state().failure.get_or_insert(failure);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in there is a bug of ours; whoever comes next may as well be answered.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a writer whose lock went with its session.
fn lost() -> Error {
    Error::fenced("the session with ZooKeeper ended, and with it the lock; open a new writer to go on")
        .maybe_effective()
}
