//! Emptying journals: once every entry in one is durable in its segment (rule F6), it holds nothing that is needed. That
//! happens in the background, while the next journal takes the new batches; hence how much of it is done at once, and
//! whether others go first.

use std::sync::Arc;
use std::time::Duration;

use super::{JournalPool, Used};
use crate::drivers::file::catalog::SegmentState;
use crate::drivers::file::journal::Journal;
use crate::drivers::file::presence::Staying;
use crate::drivers::file::segment::Segment;
use crate::error::{Error, Result};
use crate::telemetry::{Event, JOURNAL_STUCK};

/// How many segment files are synced at once while a journal is emptied.
const LANES: usize = 8;
/// So many files are synced in each lane before it is asked how urgent the rest is.
const LANE_SEGMENTS: usize = if cfg!(test) { 1 } else { 128 };
/// How long to wait before a journal that could not be emptied is tried again.
const RETRY: Duration = Duration::from_millis(100);

impl JournalPool {
    /// The background task: empties full journals.
    pub(in crate::drivers::file) async fn run(self: Arc<Self>) {
        loop {
            let filled = self.filled.notified();
            if self.state().closed {
                return;
            }
            let Ok(staying) = self.presence.stay() else { return };
            let left = self.empty_full(&staying, true).await;
            // Not while nothing is to do.
            drop(staying);
            if left == 0 {
                filled.await;
            } else {
                tokio::select! {
                    () = filled => {}
                    () = self.seams.clock.sleep(RETRY) => {}
                }
            }
        }
    }

    /// Empties the full journals, `behind` other work or at once; answers how many could not be.
    pub(super) async fn empty_full(self: &Arc<Self>, staying: &Staying, behind: bool) -> usize {
        let _one_at_a_time = self.emptying.lock().await;
        let full = self.state().full.clone();
        for used in full {
            match self.empty(&used, staying, behind).await {
                Ok(Some(journal)) => {
                    self.state().full.retain(|other| !Arc::ptr_eq(other, &used));
                    self.telemetry.metrics.journals_emptied.add(1);
                    // An emptied journal that cannot be removed is removed by the next opener.
                    let _kept = self.add_spare(journal);
                }
                Ok(None) => self.stuck(&used, None),
                Err(error) => self.stuck(&used, Some(&error)),
            }
            self.emptied.notify_one();
        }
        self.state().full.len()
    }

    /// Writers do not wait for this one.
    fn stuck(&self, used: &Used, error: Option<&Error>) {
        if !used.mark_stuck() {
            return;
        }
        let message = "a journal cannot be emptied yet; another takes its place meanwhile";
        self.telemetry.tell(JOURNAL_STUCK, message, |event| {
            let event = event.with("file", self.layout.journals().display());
            error.into_iter().fold(event, Event::caused_by)
        });
    }

    /// Makes the entries of a journal durable in their segments and forgets them; answers the journal. `None` if some
    /// have to stay.
    async fn empty(
        self: &Arc<Self>,
        used: &Arc<Used>,
        staying: &Staying,
        behind: bool,
    ) -> Result<Option<Journal>> {
        let segments = used.segments();
        let mut settled = Ok(());
        for some in segments.chunks(LANES * LANE_SEGMENTS) {
            // Thousands of syncs take a good part of a processor, for which those who append would wait. But where all
            // processors are busy, work behind others may never get to its end: not if the next journal is full, too.
            let behind = behind && self.may_wait();
            let these = self.settle_side_by_side(used, some, staying, behind).await;
            // One that fails does not keep the others from being settled.
            settled = settled.and(these);
        }
        settled?;
        let (used, staying) = (used.clone(), staying.clone());
        let empty = move || {
            let emptied = used.empty();
            drop(staying);
            emptied
        };
        self.seams.tasks.blocking(empty).await
    }

    /// Whether nobody waits for a journal to be emptied, nor soon will.
    fn may_wait(&self) -> bool {
        let state = self.state();
        state.full.len() < 2 && !state.short
    }

    /// Many files at once: the file system makes one commit of its own for all of them.
    async fn settle_side_by_side(
        self: &Arc<Self>,
        used: &Arc<Used>,
        segments: &[(Arc<Segment>, u64)],
        staying: &Staying,
        behind: bool,
    ) -> Result<()> {
        let work = segments.chunks(segments.len().div_ceil(LANES).max(1)).map(|lane| {
            let (pool, used, lane, staying) = (self.clone(), used.clone(), lane.to_vec(), staying.clone());
            move || {
                let settled = pool.settle_all(&used, lane);
                drop(staying);
                settled
            }
        });
        self.seams.tasks.blocking_each(behind, work).await.into_iter().collect()
    }

    fn settle_all(&self, used: &Used, segments: Vec<(Arc<Segment>, u64)>) -> Result<()> {
        for (segment, end) in segments {
            if self.settle(&segment, end)? {
                used.forget(segment.id);
            }
        }
        Ok(())
    }

    /// Makes what is committed of a segment durable in its file. Answers whether every entry up to `end` is either
    /// durable there or, for good, not part of the segment.
    fn settle(&self, segment: &Segment, end: u64) -> Result<bool> {
        // The word first: a segment completed after this line is complete at no less than this.
        let word = segment.word().map(|cell| cell.load().length());
        let (committed, is_final) = match self.metadata.segment_state(segment.id)? {
            None | Some(SegmentState::Deleted) => return Ok(true),
            Some(SegmentState::Closed { length, .. }) => (length, true),
            Some(SegmentState::Open) => (word.unwrap_or(0), false),
        };
        segment.make_durable(committed, |file| self.write_again(segment, file))?;
        Ok(is_final || end <= committed)
    }
}
