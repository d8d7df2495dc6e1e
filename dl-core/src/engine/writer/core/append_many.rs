//! Appends of many records, each for itself: as many as there is room for go into the pipeline in one step.

use super::WriterCore;
use super::append::{InLine, Then};
use crate::engine::writer::pipeline::usage_of;
use crate::engine::writer::places::Places;
use crate::engine::writer::room::{Place, Usage};
use crate::error::Result;
use crate::types::NewRecordView;

/// No more go in with one step: while they are copied the store waits for the lock.
const MOST_AT_ONCE: Usage = Usage { records: 1_024, bytes: 256 * 1024 };

impl WriterCore {
    /// Appends records, each for itself, until one is refused: adds the places of those in front of it, and answers why. Once it had
    /// to wait it keeps its place in the line for room to its end, so that whoever called later is behind all of them. Dropping this
    /// while it waits for room appends no more of them.
    pub(crate) async fn append_many(
        &self,
        mut records: &[NewRecordView<'_>],
        placed: &mut Places,
    ) -> Result<()> {
        let mut line = InLine::new(self);
        loop {
            let before = placed.len();
            self.append_fitting(records, placed, line.place())?;
            let Some((first, rest)) = records.get(placed.len() - before..).and_then(<[_]>::split_first)
            else {
                return Ok(());
            };
            // Whoever finds no room stands in line with one record, which says too if that one is never accepted.
            placed.add(&line.append(*first, None, Then::Stay).await?);
            records = rest;
        }
    }

    /// The same, until one finds no room: in steps of so many that nobody waits long for the lock.
    pub(crate) fn try_append_many(&self, records: &[NewRecordView<'_>], placed: &mut Places) -> Result<()> {
        self.append_fitting(records, placed, None)
    }

    /// The same, for a caller with this place in the line for room.
    fn append_fitting(
        &self,
        mut records: &[NewRecordView<'_>],
        placed: &mut Places,
        place: Place,
    ) -> Result<()> {
        while !records.is_empty() {
            let before = placed.len();
            self.place_many(records, placed, place)?;
            match placed.len() - before {
                0 => break,
                count => records = records.get(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Appends the first of these records, as many as there is room for now and go in with one step.
    fn place_many(&self, records: &[NewRecordView<'_>], placed: &mut Places, place: Place) -> Result<()> {
        let now_ms = self.engine.seams.clock.wall_ms();
        let usages = || records.iter().map_while(|record| usage_of(record.payload).ok());
        self.change(|state, effects| {
            state.pipeline.check()?;
            let (count, usage) = state.pipeline.room().fitting(usages(), MOST_AT_ONCE, place);
            if count == 0 || !self.engine.budget.try_take(usage.bytes, None) {
                return Ok(());
            }
            state.pipeline.room().take(usage);
            let (before, runs) = (placed.len(), placed.runs().len());
            let appended = state.pipeline.append_many(&records[..count], now_ms, placed, effects);
            for run in placed.runs().iter().skip(runs).filter(|run| run.slots.start == 0) {
                run.completion.begin(self.engine.seams.clock.monotonic());
            }
            let mut unused = Usage::default();
            usages().take(count).skip(placed.len() - before).for_each(|usage| unused.add(usage));
            if unused.records > 0 {
                effects.wakers.extend(state.pipeline.room().give_back(unused));
                effects.released_bytes += unused.bytes;
            }
            appended
        })
    }
}
