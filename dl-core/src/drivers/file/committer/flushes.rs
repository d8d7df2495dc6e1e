//! Large flushes: what a writer has gathered, if it is much, is synced in its segment and by another thread, aside from rounds.
//!
//! Such a sync takes many times as long as that of a journal, and to copy that much takes time, too. As a part of a round it
//! kept the records of all other writers waiting. So a writer that had a large flush stays aside, and its entries are taken
//! there, until it has less. It has one flush at a time, and nothing behind that is taken before it has ended: its entries
//! are settled in order, and no journal holds what lies behind bytes that may yet be lost.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::presence::Staying;
use super::Committer;
use super::rounds::ROUND_BYTES;
use super::share::{Placing, Share};
use super::slot::WriterSlot;

/// How many run at once. The file system makes one commit of its own for those that wait for it together.
const MOST: usize = if cfg!(test) { 2 } else { 8 };

/// Large flushes that run or wait.
#[derive(Default)]
pub(super) struct Flushes {
    state: Mutex<State>,
    /// Rung when the last one ended.
    ended: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Flush, Staying)>,
    threads: usize,
}

/// What to flush.
pub(super) enum Flush {
    /// Entries that a round took: their bytes are in the segment file.
    Share(Share),
    /// Whatever a writer has that had a large flush before.
    Writer(Arc<WriterSlot>),
}

impl Flushes {
    /// Adds one; answers whether a thread is to be started for it, which counts from now on.
    fn add(&self, flush: Flush, present: Staying) -> bool {
        let mut state = self.state();
        state.waiting.push_back((flush, present));
        let more = state.threads < MOST;
        state.threads += usize::from(more);
        more
    }

    /// Adds one from a thread that will ask for the next one.
    fn add_behind(&self, flush: Flush, present: Staying) {
        self.state().waiting.push_back((flush, present));
    }

    /// The next one for a thread, which counts no more if there is none.
    fn next(&self) -> Option<(Flush, Staying)> {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.threads -= 1;
            if state.threads == 0 {
                self.ended.notify_one();
            }
        }
        next
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Committer {
    /// Has a thread do a flush.
    pub(super) fn flush_aside(self: &Arc<Self>, flush: Flush, present: &Staying) {
        flush.writer().begin_flush();
        if self.flushes.add(flush, present.clone()) {
            let (committer, aside) = (self.clone(), Arc::new(AtomicBool::new(false)));
            let here = aside.clone();
            // It runs though nobody waits for it here; if there is no thread to be had, it has run on return.
            drop(self.tasks.begin_blocking(move || committer.flush_waiting(&aside)));
            here.store(true, Ordering::Release);
        }
    }

    /// A thread's part: one after another while there are any. If it is not `aside` but within a round, the round is to go on.
    fn flush_waiting(&self, aside: &AtomicBool) {
        while let Some((flush, present)) = self.flushes.next() {
            // Nobody else knows of the entries if this fails.
            if catch_unwind(AssertUnwindSafe(|| self.flush(flush, present, aside))).is_err() {
                self.end();
            }
        }
    }

    fn flush(&self, flush: Flush, present: Staying, aside: &AtomicBool) {
        let slot = flush.writer().clone();
        let placing = match flush {
            Flush::Share(share) => Some(Placing::Done(share)),
            Flush::Writer(slot) => self.take(&slot, &mut { ROUND_BYTES }),
        };
        let crowded = match placing {
            Some(Placing::Done(share)) => {
                slot.note_flush(share.file_bytes(), self.large_flush_bytes);
                let synced = share.sync();
                let round = self.move_words(vec![share], &synced, present);
                self.finish(round);
                self.telemetry.metrics.large_flushes.add(1);
                None
            }
            Some(Placing::Crowded(share, _)) => Some(share),
            Some(Placing::Failed) | None => None,
        };
        let stays = crowded.is_none() && aside.load(Ordering::Acquire) && slot.stays_aside();
        self.after_flush(slot, crowded, stays);
    }

    /// Sees to what was left for the end of a flush, and to its share if there was no room for that. What the writer has by
    /// now is flushed next if it `stays`.
    fn after_flush(&self, slot: Arc<WriterSlot>, crowded: Option<Share>, stays: bool) {
        let mut queue = self.queue();
        let stays = stays && !queue.stopped;
        let present = stays.then(|| self.presence.stay().ok()).flatten();
        let behind = slot.end_flush(|behind| behind.more && present.is_some());
        queue.look |= behind.look;
        queue.crowded.extend(crowded);
        match present {
            Some(present) if behind.more => self.flushes.add_behind(Flush::Writer(slot), present),
            None if behind.more => queue.woken.push(slot),
            _ => {}
        }
        drop(queue);
        self.bell.notify_one();
    }

    /// Waits until no large flush runs or waits. Nobody may add any.
    pub(super) async fn flushed(&self) {
        while self.flushes.state().threads > 0 {
            self.flushes.ended.notified().await;
        }
    }
}

impl Flush {
    fn writer(&self) -> &Arc<WriterSlot> {
        match self {
            Self::Share(share) => &share.slot,
            Self::Writer(slot) => slot,
        }
    }
}
