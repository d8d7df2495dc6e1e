//! Appends: each takes room, or waits for it, and puts its records into the pipeline.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::{State, WriterCore};
use crate::engine::writer::pipeline::{Effects, usage_of, usage_of_set};
use crate::engine::writer::queue::{Appended, Condition};
use crate::engine::writer::room::{Place, Usage};
use crate::engine::writer::ticket::EntryCompletion;
use crate::error::{Error, Result};
use crate::format::NewRecordSet;
use crate::types::{NewRecord, NewRecordView};

impl WriterCore {
    /// Appends a record if there is room.
    pub(crate) fn try_append(
        &self,
        record: NewRecordView<'_>,
        condition: Option<Condition>,
    ) -> Result<Option<Appended>> {
        self.place(record, condition, false)
    }

    fn place(
        &self,
        record: NewRecordView<'_>,
        condition: Option<Condition>,
        work_here: bool,
    ) -> Result<Option<Appended>> {
        let usage = usage_of(record.payload)?;
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
    pub(crate) async fn append(
        &self,
        record: NewRecordView<'_>,
        condition: Option<Condition>,
    ) -> Result<Appended> {
        match self.try_append(record, condition)? {
            Some(appended) => Ok(appended),
            None => InLine::new(self).append(record, condition, Then::Leave).await,
        }
    }

    /// [`append`](Self::append) for a caller whose thread waits until the record is durable: the store may use it.
    pub(crate) fn blocking_append(&self, record: NewRecordView<'_>) -> Result<Appended> {
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
        self.with_room(usage, |state, effects| {
            let now_ms = self.engine.seams.clock.wall_ms();
            let appended = state.pipeline.append_batch(records, condition, now_ms, effects);
            appended.iter().for_each(|(completion, _)| completion.begin(self.engine.seams.clock.monotonic()));
            appended
        })
        .await
    }

    /// Waits for room and appends a record set. Dropping this while it waits appends nothing.
    pub(crate) async fn append_record_set(
        &self,
        set: &NewRecordSet,
        condition: Option<Condition>,
    ) -> Result<Appended> {
        self.with_room(usage_of_set(set), |state, effects| {
            let now_ms = self.engine.seams.clock.wall_ms();
            let appended = state.pipeline.append_record_set(set, condition, now_ms, effects);
            self.note_first(&appended);
            appended
        })
        .await
    }

    /// Waits for room and appends a record if the last txid that was accepted, and not refused since, is `after`.
    ///
    /// # Errors
    /// `condition-failed` if it is another: something between was refused.
    pub(crate) async fn append_after(&self, after: i64, record: NewRecordView<'_>) -> Result<Appended> {
        let usage = usage_of(record.payload)?;
        self.with_room(usage, |state, effects| {
            let appended = state.pipeline.append_after(after, record, effects);
            self.note_first(&appended);
            appended
        })
        .await
    }

    /// Notes when the first record of an entry was appended.
    fn note_first(&self, appended: &Result<Appended>) {
        if let Ok(first) = appended
            && first.slot == 0
        {
            first.completion.begin(self.engine.seams.clock.monotonic());
        }
    }

    /// Takes room, first come first served, and appends in the same step.
    async fn with_room<T>(
        &self,
        usage: Usage,
        append: impl FnOnce(&mut State, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        InLine::new(self).take(usage, Then::Leave, append).await
    }

    /// Waits until there would be room for a record, first come first served, and takes none.
    pub(crate) async fn ready(&self) -> Result<()> {
        let usage = Usage { records: 1, bytes: 0 };
        self.with_room(usage, |state, effects| {
            effects.wakers.extend(state.pipeline.room().give_back(usage));
            Ok(())
        })
        .await
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

/// What becomes of a place in the line for room that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It goes to the next.
    Leave,
    /// It is kept for what the same call appends next.
    Stay,
}

/// A call that waits for room, with its place in the line of its writer. The first there stands in the line of the namespace too.
pub(super) struct InLine<'a> {
    core: &'a WriterCore,
    room: Place,
    waited: bool,
}

impl<'a> InLine<'a> {
    pub(super) fn new(core: &'a WriterCore) -> Self {
        Self { core, room: None, waited: false }
    }

    /// The place in the line of the writer, if it stands there.
    pub(super) fn place(&self) -> Place {
        self.room
    }

    /// Waits for room and appends a record.
    pub(super) async fn append(
        &mut self,
        record: NewRecordView<'_>,
        condition: Option<Condition>,
        then: Then,
    ) -> Result<Appended> {
        let (core, usage) = (self.core, usage_of(record.payload)?);
        self.take(usage, then, |state, effects| {
            let now_ms = core.engine.seams.clock.wall_ms();
            let appended = state.pipeline.append(record, condition, now_ms, effects);
            core.note_first(&appended);
            appended
        })
        .await
    }

    /// Waits for room, takes it and appends. All in one step: whoever is next in line is woken by it, and must find the records
    /// in front of its own.
    async fn take<T>(
        &mut self,
        usage: Usage,
        then: Then,
        append: impl FnOnce(&mut State, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        let mut append = Some(append);
        poll_fn(|context| {
            let core = self.core;
            let polled = core.change(|state, effects| {
                ready!(self.poll(usage, state, context, effects))?;
                let appended =
                    append.take().map_or_else(|| Err(polled_again()), |append| append(state, effects));
                let appended = state.keep_room(usage, appended, effects);
                match then {
                    Then::Leave => self.leave(state, effects),
                    Then::Stay => self.leave_budget(state, effects),
                }
                Poll::Ready(appended)
            });
            if polled.is_pending() && !std::mem::replace(&mut self.waited, true) {
                core.engine.telemetry.metrics.append_waits.add(1);
            }
            polled
        })
        .await
    }

    fn poll(
        &mut self,
        usage: Usage,
        state: &mut State,
        context: &Context<'_>,
        effects: &mut Effects,
    ) -> Poll<Result<()>> {
        if let Err(error) = state.pipeline.check() {
            self.leave(state, effects);
            return Poll::Ready(Err(error));
        }
        let (room, budget) = (state.pipeline.room(), &self.core.engine.budget);
        if !room.fits(usage, self.room) {
            room.wait(&mut self.room, context.waker());
            return Poll::Pending;
        }
        if !budget.try_take(usage.bytes, *room.at_budget()) {
            room.wait(&mut self.room, context.waker());
            budget.wait(room.at_budget(), context.waker());
            // Bytes given back before the line was joined woke nobody.
            if !budget.try_take(usage.bytes, *room.at_budget()) {
                return Poll::Pending;
            }
        }
        room.take(usage);
        Poll::Ready(Ok(()))
    }

    fn leave(&mut self, state: &mut State, effects: &mut Effects) {
        self.leave_budget(state, effects);
        effects.wakers.extend(state.pipeline.room().leave(&mut self.room));
        state.pipeline.tell_flushes(effects);
    }

    /// Out of the line of the namespace, if this call stands there for its writer.
    fn leave_budget(&self, state: &mut State, effects: &mut Effects) {
        let room = state.pipeline.room();
        if room.leads(self.room) {
            effects.wakers.extend(self.core.engine.budget.leave(room.at_budget()));
        }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.room.is_some() {
            let core = self.core;
            core.change(|state, effects| self.leave(state, effects));
        }
    }
}

fn polled_again() -> Error {
    Error::internal("an append was polled again after it had ended")
}
