//! Room on a disk that is full: what journals need not hold is given back before an entry is refused for want of it.

use std::sync::Arc;

use super::super::catalog::SegmentState;
use super::{JournalPool, Used};
use crate::error::Result;
use crate::types::SegmentId;

impl JournalPool {
    /// Gives back all that is free to go: journals that are ready for use or being made, those that can be emptied, and the
    /// files of segments that were deleted. While the disk is so full there is one journal, and one more while that is emptied.
    pub(in crate::drivers::file) async fn make_room(self: &Arc<Self>) -> Result<()> {
        self.state().short = true;
        // A piece of one that is just being made goes with it.
        drop(self.making.lock().await);
        self.empty_now().await?;
        let (used, spare, begun) = {
            let mut state = self.state();
            (state.in_use(), std::mem::take(&mut state.spare), state.begun.take())
        };
        let pool = self.clone();
        let work = move || {
            drop(begun);
            used.iter().try_for_each(|used| pool.forget_deleted(used))?;
            spare.into_iter().try_for_each(|journal| journal.remove(&*pool.seams.files))
        };
        self.seams.tasks.blocking(work).await
    }

    /// Empties the full journals now, ahead of other work; answers whether there was any that nothing is in the way of.
    pub(super) async fn empty_now(self: &Arc<Self>) -> Result<bool> {
        let staying = self.presence.stay()?;
        let ready = {
            let mut state = self.state();
            state.short = true;
            state.full.iter().any(|used| !used.is_stuck())
        };
        if ready {
            self.empty_full(&staying, false).await;
        }
        Ok(ready)
    }

    /// Keeps no file of a segment that was deleted: nobody needs its entries any more, and it takes space as long as it is open.
    pub(in crate::drivers::file) fn forget(&self, id: SegmentId) {
        let in_use = self.state().in_use();
        for used in in_use {
            used.forget(id);
        }
    }

    fn forget_deleted(&self, used: &Used) -> Result<()> {
        for (segment, _) in used.segments() {
            if matches!(self.metadata.segment_state(segment.id)?, None | Some(SegmentState::Deleted)) {
                used.forget(segment.id);
            }
        }
        Ok(())
    }
}
