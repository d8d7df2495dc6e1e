//! Appends: each takes room, or waits for it, and puts its records into the pipeline.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{State, WriterCore};
use crate::engine::writer::pipeline::{Effects, usage_of, usage_of_set};
use crate::engine::writer::queue::{Appended, Condition};
use crate::engine::writer::room::{Place, Usage};
use crate::engine::writer::ticket::EntryCompletion;
use crate::error::Result;
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
        if let Some(appended) = self.try_append(record, condition)? {
            return Ok(appended);
        }
        let usage = usage_of(record.payload)?;
        self.take_room(usage).await?;
        let now_ms = self.engine.seams.clock.wall_ms();
        self.change(|state, effects| {
            let appended = state.pipeline.append(record, condition, now_ms, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects)
        })
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
    pub(crate) async fn append_after(&self, after: i64, record: NewRecordView<'_>) -> Result<Appended> {
        let usage = usage_of(record.payload)?;
        self.take_room(usage).await?;
        self.change(|state, effects| {
            let appended = state.pipeline.append_after(after, record, effects);
            self.note_first(&appended);
            state.keep_room(usage, appended, effects)
        })
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
