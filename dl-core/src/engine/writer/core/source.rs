//! The writer as the store of its segments sees it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::WriterCore;
use crate::engine::writer::queue::MOST_SPARE_BYTES;
use crate::error::{Error, Result};
use crate::store::EntrySource;
use crate::types::Compression;

/// Where the store takes the entries of one segment from.
pub(in crate::engine::writer) struct Source {
    core: Weak<WriterCore>,
    segment: i64,
    /// Whether the last entry that was taken left nothing behind. Changed while the state is locked.
    drained: AtomicBool,
}

impl Source {
    pub(in crate::engine::writer) fn new(core: &Arc<WriterCore>, segment: i64) -> Arc<Self> {
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
