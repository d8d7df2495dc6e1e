//! Appends of many records, each for itself: as many as there is room for go into the pipeline in one step.

use super::WriterCore;
use crate::engine::writer::pipeline::usage_of;
use crate::engine::writer::room::Usage;
use crate::engine::writer::several::Several;
use crate::error::{Error, Result};
use crate::types::NewRecord;

/// No more go in with one step: while they are copied the store waits for the lock.
const MOST_AT_ONCE: Usage = Usage { records: 1_024, bytes: 256 * 1024 };

impl WriterCore {
    /// Appends records, each for itself, until one is refused: answers those in front of it, and why. Dropping this while it
    /// waits for room appends no more of them.
    pub(crate) async fn append_many(&self, records: &[NewRecord]) -> (Several, Option<Error>) {
        let mut placed = Several::with_capacity(records.len());
        while let Some((first, _)) = records.get(placed.len()..).and_then(<[_]>::split_first) {
            let before = placed.len();
            if let Err(error) = self.place_many(&records[before..], &mut placed) {
                return (placed, Some(error));
            }
            // Whoever finds no room stands in line with one record, which says too if that one is never accepted.
            if placed.len() == before {
                match self.append(first, None).await {
                    Ok(appended) => placed.add(&appended),
                    Err(error) => return (placed, Some(error)),
                }
            }
        }
        (placed, None)
    }

    /// Appends the first of these records, as many as there is room for now.
    fn place_many(&self, records: &[NewRecord], placed: &mut Several) -> Result<()> {
        let now_ms = self.engine.seams.clock.wall_ms();
        let usages = || records.iter().map_while(|record| usage_of(record).ok());
        self.change(|state, effects| {
            state.pipeline.check()?;
            let (count, usage) = state.pipeline.room().fitting(usages(), MOST_AT_ONCE);
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
