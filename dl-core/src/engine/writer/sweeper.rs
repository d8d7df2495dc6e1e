//! Retention by the writer of a log: beside its other work, and without a place in the way of records.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Engine;
use crate::engine::ownership::Ownership;
use crate::engine::retention::{Calendar, Retention, Swept};
use crate::error::Result;
use crate::options::LogOptions;
use crate::seams::BoxFuture;

/// How long to wait after a sweep that failed: for want of space to write it down, say.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Sweeper {
    engine: Arc<Engine>,
    retention: Retention,
    calendar: Calendar,
    /// When to look next, if at all.
    due: Option<Duration>,
    sweep: Option<BoxFuture<'static, Result<Swept>>>,
    /// Whether a sweep has ended.
    swept: bool,
}

impl Sweeper {
    /// Looks for the first time as soon as it may.
    pub(super) fn new(engine: &Arc<Engine>, options: &LogOptions) -> Self {
        let retention = Retention::of(options);
        Self {
            engine: engine.clone(),
            retention,
            calendar: Calendar::new(&*engine.seams.clock),
            due: retention.is_some().then_some(Duration::ZERO),
            sweep: None,
            swept: false,
        }
    }

    /// A segment was completed.
    pub(super) fn look_soon(&mut self) {
        if self.retention.is_some() {
            self.due = Some(Duration::ZERO);
        }
    }

    /// Starts a sweep if one is due and none runs.
    pub(super) fn look(&mut self, own: &Ownership) {
        let clock = &*self.engine.seams.clock;
        if self.sweep.is_some() || self.due.is_none_or(|due| due > clock.monotonic()) {
            return;
        }
        self.due = None;
        let (retention, now_ms) = (self.retention, self.calendar.now_ms(clock));
        let (engine, log, lock) = (own.engine.clone(), own.log.clone(), own.lock.check());
        self.sweep =
            Some(Box::pin(async move { retention.sweep(&engine, &log, None, now_ms, Some(lock)).await }));
    }

    /// Completes when a sweep has ended or is due. Cancelling it loses nothing.
    pub(super) async fn run(&mut self) {
        let clock = self.engine.seams.clock.clone();
        if self.sweep.is_some() {
            return self.finish().await;
        }
        match self.due {
            None => std::future::pending().await,
            Some(due) => clock.sleep(due.saturating_sub(clock.monotonic())).await,
        }
    }

    /// Completes when no sweep runs.
    pub(super) async fn finish(&mut self) {
        let Some(sweep) = &mut self.sweep else { return };
        // An error of the log itself shows where records are concerned; this is tried again.
        let next = sweep.await.map_or(Some(TRY_AGAIN), |swept| swept.next);
        self.sweep = None;
        self.swept = true;
        let due = next.map(|next| self.engine.seams.clock.monotonic() + next);
        // A segment may have been completed meanwhile.
        self.due = self.due.or(due);
    }

    /// Ends the sweep that runs, and makes the first if there was none: where every writer is closed a moment after it was
    /// opened, nobody else would free anything.
    pub(super) async fn wind_up(&mut self, own: &Ownership) {
        if !self.swept {
            self.look(own);
        }
        self.finish().await;
    }
}
