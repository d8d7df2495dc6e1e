//! From one segment to the next: a segment is started, cut, drained and completed, and until a new one is there the old one
//! takes what is appended. Apart from the keeper, which decides when.

use std::sync::Arc;
use std::time::Duration;

use super::Keeper;
use crate::engine::lock::CUT_OFF;
use crate::engine::ownership::Refused;
use crate::engine::writer::core::{Source, WriterCore};
use crate::engine::writer::current::Current;
use crate::error::{Error, ErrorKind, Result};
use crate::store::SegmentWriter;

/// How long a roll that found no space waits before it tries again.
const ROLL_AGAIN: Duration = Duration::from_secs(1);

/// A segment that is being written.
#[derive(Clone)]
pub(super) struct OpenSegment {
    pub(super) number: i64,
    first_txid: i64,
    store: Arc<dyn SegmentWriter>,
    /// When it was started, or last found to be empty.
    pub(super) started: Duration,
}

impl Keeper {
    /// Starts a segment for the records that wait.
    pub(super) async fn start(&mut self) -> Result<()> {
        let waiting = self.core.change(|state, effects| state.pipeline.first_waiting_txid(effects));
        let Some(first_txid) = waiting else { return Ok(()) };
        let first_sequence_id = self.own.next_sequence_id()?;
        match self.begin(|_| first_txid).await {
            Ok(segment) => self.install(segment, first_sequence_id),
            Err(error) if is_refusal(&error) => {
                self.core.change(|state, effects| state.pipeline.refuse_queue(&error, effects));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Goes on with a new segment. The old one gets what is appended until the new one is made, and is completed while
    /// the new one is being written.
    pub(super) async fn roll(&mut self) -> Result<()> {
        let Some(old) = self.open.clone() else { return Ok(()) };
        let began = self.now();
        let idle = self.core.state(|state| state.pipeline.newest_pending().is_none());
        if idle {
            self.finish().await?;
            self.rolled(began);
            return Ok(());
        }
        let begun = self.begin(|core| core.change(|state, _| state.pipeline.cut())).await;
        let new = match begun {
            Ok(new) => new,
            Err(error) if is_refusal(&error) => {
                self.roll_not_before = self.now() + ROLL_AGAIN;
                self.core.change(|state, effects| state.pipeline.uncut(effects));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let end = self.drained().await?;
        self.install(new, end.next_sequence_id());
        self.complete(old, &end).await?;
        self.rolled(began);
        Ok(())
    }

    fn rolled(&self, began: Duration) {
        self.own.engine.telemetry.metrics.roll.record_time(self.now().saturating_sub(began));
    }

    /// Completes the segment, if one is open, and leaves none.
    pub(super) async fn finish(&mut self) -> Result<()> {
        let Some(open) = self.open.clone() else { return Ok(()) };
        self.core.change(|state, _| state.pipeline.cut());
        let end = self.drained().await?;
        self.open = None;
        self.core.change(|state, _| state.store.take());
        self.complete(open, &end).await?;
        // Only now may another one be started.
        self.core.change(|_, effects| effects.nudge = true);
        Ok(())
    }

    /// Makes a segment and starts it, with the txid that is asked for between the two.
    async fn begin(&mut self, first_txid: impl FnOnce(&WriterCore) -> i64) -> Result<OpenSegment> {
        let segments = self.own.engine.stores.segments.clone();
        let number = self.own.next_number()?.get();
        let allocation = segments.allocate(&self.own.paths.root(), &[self.own.lock.check()]).await?;
        let source = Source::new(&self.core, number);
        let store = segments.create(allocation.id, source, self.replication).await;
        let store = store.map_err(|error| error.in_segment(number))?;
        let first_txid = first_txid(&self.core);
        committed(self.own.start(allocation, first_txid).await?)?;
        // There is room again.
        self.roll_not_before = Duration::ZERO;
        Ok(OpenSegment { number, first_txid, store, started: self.now() })
    }

    fn install(&mut self, segment: OpenSegment, first_sequence_id: i64) {
        let opening = self.hooks.as_ref().and_then(|hooks| hooks.segment_starts(segment.number));
        let current = Current::new(segment.number, segment.first_txid, first_sequence_id, opening);
        self.core.change(|state, effects| {
            if state.pipeline.failed().is_none() {
                state.store = Some(segment.store.clone());
                state.pipeline.install(current, effects);
            }
        });
        self.open = Some(segment);
    }

    /// Waits until the segment that was cut got all it gets, and takes it out of the pipeline.
    async fn drained(&mut self) -> Result<Current> {
        loop {
            let end = self.core.change(|state, _| match state.pipeline.broken() {
                Some(error) => Err(error.clone()),
                None if state.pipeline.is_drained() => Ok(state.pipeline.uninstall()),
                None => Ok(None),
            })?;
            match end {
                Some(end) => return Ok(end),
                None => self.core.nudged().await,
            }
        }
    }

    async fn complete(&mut self, segment: OpenSegment, end: &Current) -> Result<()> {
        let closed = segment.store.close().await.map_err(|error| error.in_segment(segment.number))?;
        committed(self.own.complete(end.content(), closed.complete_ops).await?)?;
        self.sweeper.look_soon();
        Ok(())
    }
}

/// Whether an error says that there was no room, so that nothing was done.
fn is_refusal(error: &Error) -> bool {
    let refusal = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
    refusal && !error.may_have_taken_effect()
}

/// # Errors
/// `fenced` if another writer acted.
fn committed<T>(outcome: std::result::Result<T, Refused>) -> Result<T> {
    outcome.map_err(|_| Error::fenced(CUT_OFF))
}
