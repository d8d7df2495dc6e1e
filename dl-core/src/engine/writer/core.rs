//! A writer as its handles, its keeper and the segment store share it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};

use crate::engine::layout::LogPaths;
use crate::engine::lock::Leaving;
use crate::engine::open::LastRecord;
use crate::engine::{Engine, guard, layout};
use crate::error::{Error, ErrorKind, Result};
use crate::format::NewRecordSet;
use crate::store::{EntrySource, SegmentWriter};
use crate::types::{Compression, Dlsn, LogName, NewRecord};

use super::pipeline::{Effects, Pipeline, usage_of, usage_of_set};
use super::queue::{Appended, Condition, MOST_SPARE_BYTES};
use super::room::{Place, Usage};
use super::ticket::EntryCompletion;

/// See the module.
pub(crate) struct WriterCore {
    engine: Arc<Engine>,
    log: LogName,
    compression: Compression,
    state: Mutex<State>,
    /// Tells the keeper to look.
    nudge: Notify,
    /// The error with which the writer ended.
    ended: watch::Sender<Option<Error>>,
}

pub(super) struct State {
    pub(super) pipeline: Pipeline,
    /// The writing end of the pipeline's segment.
    pub(super) store: Option<Arc<dyn SegmentWriter>>,
    pub(super) commands: VecDeque<Command>,
    /// Whether the writer ended by being closed, with everything acknowledged.
    pub(super) closed: bool,
    /// From when the writer was aborted until its keeper let the log go.
    leaving: Option<Leaving>,
}

/// What the keeper is asked to do.
pub(super) enum Command {
    Truncate(Dlsn, Reply<Dlsn>),
    Seal(Reply<()>),
    Close(Reply<()>),
}

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

impl WriterCore {
    pub(super) fn new(
        engine: Arc<Engine>,
        log: LogName,
        compression: Compression,
        pipeline: Pipeline,
    ) -> Self {
        let state = State { pipeline, store: None, commands: VecDeque::new(), closed: false, leaving: None };
        Self {
            engine,
            log,
            compression,
            state: Mutex::new(state),
            nudge: Notify::new(),
            ended: watch::Sender::new(None),
        }
    }

    /// Appends a record if there is room.
    pub(crate) fn try_append(
        &self,
        record: &NewRecord,
        condition: Option<Condition>,
    ) -> Result<Option<Appended>> {
        self.place(record, condition, false)
    }

    fn place(
        &self,
        record: &NewRecord,
        condition: Option<Condition>,
        work_here: bool,
    ) -> Result<Option<Appended>> {
        let usage = usage_of(record)?;
        let now_ms = if record.txid.is_none() { self.engine.seams.clock.wall_ms() } else { 0 };
        self.change(|state, effects| {
            state.pipeline.check()?;
            if !state.pipeline.room().fits(usage, None) || !self.engine.budget.try_take(usage.bytes, None) {
                return Ok(None);
            }
            state.pipeline.room().take(usage);
            effects.work_here = work_here;
            let appended = state.pipeline.append(record, condition, now_ms, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects).map(Some)
        })
    }

    /// Waits for room and appends a record. Dropping this while it waits appends nothing.
    pub(crate) async fn append(&self, record: &NewRecord, condition: Option<Condition>) -> Result<Appended> {
        if let Some(appended) = self.try_append(record, condition)? {
            return Ok(appended);
        }
        let usage = usage_of(record)?;
        self.take_room(usage).await?;
        let now_ms = self.engine.seams.clock.wall_ms();
        self.change(|state, effects| {
            let appended = state.pipeline.append(record, condition, now_ms, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects)
        })
    }

    /// [`append`](Self::append) for a caller whose thread waits until the record is durable: the store may use it.
    pub(crate) fn blocking_append(&self, record: &NewRecord) -> Result<Appended> {
        match self.place(record, None, true)? {
            Some(appended) => Ok(appended),
            None => self.wait_for(self.append(record, None)),
        }
    }

    /// Waits on the thread of the caller.
    pub(crate) fn wait_for<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        self.engine.seams.tasks.wait_for(future)
    }

    /// Waits for room and appends a batch. Dropping this while it waits appends nothing.
    pub(crate) async fn append_batch(
        &self,
        records: &[NewRecord],
        condition: Option<Condition>,
    ) -> Result<(Arc<EntryCompletion>, Vec<i64>)> {
        let usage = self.state(|state| state.pipeline.usage_of_batch(records))?;
        self.take_room(usage).await?;
        let now_ms = self.engine.seams.clock.wall_ms();
        self.change(|state, effects| {
            let appended = state.pipeline.append_batch(records, condition, now_ms, effects);
            appended.iter().for_each(|(completion, _)| completion.begin(self.engine.seams.clock.monotonic()));
            state.keep_room(usage, appended, effects)
        })
    }

    /// Waits for room and appends a record set. Dropping this while it waits appends nothing.
    pub(crate) async fn append_record_set(
        &self,
        set: &NewRecordSet,
        condition: Option<Condition>,
    ) -> Result<Appended> {
        let usage = usage_of_set(set);
        self.take_room(usage).await?;
        let now_ms = self.engine.seams.clock.wall_ms();
        self.change(|state, effects| {
            let appended = state.pipeline.append_record_set(set, condition, now_ms, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects)
        })
    }

    /// Waits for room and appends a record if the last txid that was accepted, and not refused since, is `after`.
    ///
    /// # Errors
    /// `condition-failed` if it is another: something between was refused.
    pub(crate) async fn append_after(&self, after: i64, record: &NewRecord) -> Result<Appended> {
        let usage = usage_of(record)?;
        self.take_room(usage).await?;
        self.change(|state, effects| {
            let appended = state.pipeline.append_after(after, record, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects)
        })
    }

    /// The last txid that was accepted and not refused since.
    pub(crate) fn accepted_txid(&self) -> i64 {
        self.state(|state| state.pipeline.accepted_txid())
    }

    /// Notes when the first record of an entry was appended.
    fn note_first(&self, appended: &Result<Appended>) {
        if let Ok(first) = appended
            && first.slot == 0
        {
            first.completion.begin(self.engine.seams.clock.monotonic());
        }
    }

    /// Takes room, first come first served.
    async fn take_room(&self, usage: Usage) -> Result<()> {
        let mut line = InLine { core: self, room: None, budget: None };
        let mut waits = false;
        poll_fn(|context| {
            let polled = line.poll(usage, context);
            if polled.is_pending() && !std::mem::replace(&mut waits, true) {
                self.engine.telemetry.metrics.append_waits.add(1);
            }
            polled
        })
        .await
    }

    /// Waits until there would be room for a record, first come first served, and takes none.
    pub(crate) async fn ready(&self) -> Result<()> {
        let usage = Usage { records: 1, bytes: 0 };
        self.take_room(usage).await?;
        self.change(|state, effects| effects.wakers.extend(state.pipeline.room().give_back(usage)));
        Ok(())
    }

    /// Waits until everything that was appended before is settled.
    pub(crate) async fn flush(&self) -> Result<()> {
        let pending = self.state(|state| match state.pipeline.failed() {
            Some(error) => Err(error.clone()),
            None => Ok(state.pipeline.newest_pending()),
        })?;
        let Some(pending) = pending else { return Ok(()) };
        match pending.wait().await {
            // Settled without a place, and so is what came before: its own ticket says so.
            Err(error) if error.kind() != ErrorKind::ConditionFailed => Err(error),
            _ => Ok(()),
        }
    }

    /// See [`crate::Writer::truncate`].
    pub(crate) async fn truncate(&self, before: Dlsn) -> Result<Dlsn> {
        self.ask(|reply| Command::Truncate(before, reply)).await
    }

    /// See [`crate::Writer::seal`].
    pub(crate) async fn seal(&self) -> Result<()> {
        self.ask(Command::Seal).await
    }

    /// See [`crate::Writer::close`].
    pub(crate) async fn close(&self) -> Result<()> {
        if self.state(|state| state.closed) {
            return Ok(());
        }
        match self.ask(Command::Close).await {
            // Another call closed it meanwhile.
            Err(_) if self.state(|state| state.closed) => Ok(()),
            closed => closed,
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.change(|state, effects| {
            if let Some(error) = state.pipeline.failed() {
                return Err(error.clone());
            }
            state.commands.push_back(command(reply));
            effects.nudge = true;
            Ok(())
        })?;
        match answer.await {
            Ok(result) => result,
            // The writer ended first.
            Err(_) => Err(self.ended().await),
        }
    }

    /// Settles everything at once with `closed`.
    pub(crate) fn abort(&self) {
        self.change(|state, _| {
            if state.pipeline.failed().is_none() {
                state.leaving = Some(self.engine.releases.begin(&LogPaths::new(&self.log).lock()));
            }
        });
        self.fail(Error::closed("the writer was aborted; open a new one to go on"));
    }

    pub(crate) fn last(&self) -> Option<LastRecord> {
        self.state(|state| state.pipeline.last())
    }

    /// Waits until the writer is cut off, fails, or is closed.
    pub(crate) fn ended(&self) -> impl Future<Output = Error> + Send + use<> {
        let mut ended = self.ended.subscribe();
        async move {
            match ended.wait_for(Option::is_some).await {
                Ok(error) => error.clone().unwrap_or_else(dropped),
                Err(_) => dropped(),
            }
        }
    }

    /// What is appended and not settled.
    pub(crate) fn in_flight(&self) -> Usage {
        self.state(|state| state.pipeline.in_flight())
    }

    /// Counts an append that was refused at the call.
    pub(crate) fn refused(&self, error: &Error, records: usize) {
        self.engine.telemetry.metrics.append_refused.add(error.kind(), records as u64);
    }

    /// Counts a call that failed.
    pub(crate) fn failed_call(&self, error: &Error) {
        self.engine.telemetry.failed(error);
    }

    pub(crate) fn log(&self) -> &LogName {
        &self.log
    }

    /// What the caller of a failed call is told: a writer that was cut off by whoever deleted its log finds no log.
    pub(crate) async fn explain(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::Fenced {
            return error;
        }
        match layout::exists(&*self.engine.stores.metadata, &self.log).await {
            Ok(false) => layout::no_log(&self.log),
            Ok(true) | Err(_) => error,
        }
    }

    /// Changes the state, then does what the change asks for.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State, &mut Effects) -> T) -> T {
        let mut effects = Effects::default();
        let mut state = guard(&self.state);
        let answer = change(&mut state, &mut effects);
        let store = state.store.as_ref().filter(|_| effects.wake_store).cloned();
        drop(state);
        if effects.released_bytes > 0
            && let Some(waker) = self.engine.budget.give_back(effects.released_bytes)
        {
            waker.wake();
        }
        effects.wakers.into_iter().for_each(std::task::Waker::wake);
        match store {
            Some(store) if effects.work_here => store.wake_and_work(),
            Some(store) => store.wake(),
            None => {}
        }
        if effects.nudge {
            self.nudge.notify_one();
        }
        answer
    }

    /// Looks at the state.
    pub(super) fn state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&guard(&self.state))
    }

    /// Waits until there may be something to look at.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Settles everything with this error, unless the writer failed before.
    pub(super) fn fail(&self, error: Error) {
        // Whatever the cause: no call on this writer will ever succeed.
        let error = error.retry(false);
        let store = self.change(|state, effects| {
            state.pipeline.fail(error.clone(), effects);
            state.store.take()
        });
        self.ended.send_if_modified(|ended| {
            let first = ended.is_none();
            ended.get_or_insert(error);
            first
        });
        // Outside the lock: the store may be calling its source.
        drop(store);
    }

    /// Says that the log was let go.
    pub(super) fn let_go(&self) {
        self.change(|state, _| state.leaving = None);
    }

    /// The error with which the writer failed.
    pub(super) fn failure(&self) -> Error {
        self.state(|state| state.pipeline.failed().cloned()).unwrap_or_else(dropped)
    }
}

impl State {
    /// Keeps the room that was taken if the append went through, else gives it back.
    fn keep_room<T>(&mut self, usage: Usage, appended: Result<T>, effects: &mut Effects) -> Result<T> {
        if appended.is_err() {
            effects.wakers.extend(self.pipeline.room().give_back(usage));
            effects.released_bytes += usage.bytes;
        }
        appended
    }
}

fn dropped() -> Error {
    Error::closed("the writer is gone; open a new one to go on")
}

/// An append that waits for room, with its places in the lines of its writer and of the namespace.
struct InLine<'a> {
    core: &'a WriterCore,
    room: Place,
    budget: Place,
}

impl InLine<'_> {
    fn poll(&mut self, usage: Usage, context: &Context<'_>) -> Poll<Result<()>> {
        let budget = &self.core.engine.budget;
        self.core.change(|state, effects| {
            state.pipeline.check()?;
            let room = state.pipeline.room();
            if !room.fits(usage, self.room) {
                room.wait(&mut self.room, context.waker());
                return Poll::Pending;
            }
            if !budget.try_take(usage.bytes, self.budget) {
                room.wait(&mut self.room, context.waker());
                budget.wait(&mut self.budget, context.waker());
                // Bytes given back before the line was joined woke nobody.
                if !budget.try_take(usage.bytes, self.budget) {
                    return Poll::Pending;
                }
            }
            room.take(usage);
            effects.wakers.extend(room.leave(&mut self.room));
            effects.wakers.extend(budget.leave(&mut self.budget));
            Poll::Ready(Ok(()))
        })
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.room.is_some() || self.budget.is_some() {
            self.core.change(|state, effects| {
                effects.wakers.extend(state.pipeline.room().leave(&mut self.room));
                effects.wakers.extend(self.core.engine.budget.leave(&mut self.budget));
            });
        }
    }
}

/// Where the store takes the entries of one segment from.
pub(super) struct Source {
    core: Weak<WriterCore>,
    segment: i64,
    /// Whether the last entry that was taken left nothing behind. Changed while the state is locked.
    drained: AtomicBool,
}

impl Source {
    pub(super) fn new(core: &Arc<WriterCore>, segment: i64) -> Arc<Self> {
        Arc::new(Self { core: Arc::downgrade(core), segment, drained: AtomicBool::new(false) })
    }
}

impl EntrySource for Source {
    fn next_entry(&self) -> Option<Bytes> {
        let core = self.core.upgrade()?;
        let compression = core.compression;
        let taken = core.change(|state, effects| {
            let taken = state.pipeline.take(self.segment, effects)?;
            self.drained.store(taken.is_last, Ordering::Release);
            if compression == Compression::None {
                state.pipeline.handed_out(self.segment, taken.builder.len_bytes(), effects);
            }
            Some(taken)
        })?;
        // Not under the lock: compression takes its time.
        match taken.builder.finish(taken.first_position, compression) {
            Ok((entry, _)) => {
                if compression != Compression::None {
                    let bytes = entry.len();
                    core.change(|state, effects| state.pipeline.handed_out(self.segment, bytes, effects));
                }
                Some(entry)
            }
            Err(error) => {
                core.change(|state, effects| state.pipeline.break_off(error, effects));
                None
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.drained.load(Ordering::Acquire)
    }

    fn give_back(&self, entry: Bytes) {
        if entry.len() <= MOST_SPARE_BYTES
            && let Some(core) = self.core.upgrade()
        {
            core.change(|state, _| state.pipeline.give_back(entry));
        }
    }

    fn settled(&self, entry: u64, result: Result<()>) -> usize {
        let Some(core) = self.core.upgrade() else { return 0 };
        let (appended, acknowledged) = core.change(|state, effects| {
            state.pipeline.settled(self.segment, entry, result, effects);
            (effects.appended, effects.acknowledged)
        });
        if let Some(appended) = appended {
            let latency = core.engine.seams.clock.monotonic().saturating_sub(appended);
            core.engine.telemetry.metrics.append_latency.record_time(latency);
        }
        acknowledged
    }

    fn broken(&self, error: Error) {
        if let Some(core) = self.core.upgrade() {
            core.change(|state, effects| state.pipeline.break_off(error, effects));
        }
    }
}
