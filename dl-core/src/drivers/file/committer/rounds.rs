//! Rounds: what one group commit does, on the thread or on that of a caller.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::control::Bell;
use super::super::pool::Used;
use super::super::presence::Staying;
use super::Committer;
use super::flushes::Flush;
use super::share::{Placing, Share, batch_entries, place};
use super::slot::{WriterSlot, pull};
use crate::error::{Error, Result};

/// How many bytes one round gathers at most, if there is more than one entry.
pub(super) const ROUND_BYTES: usize = 8 << 20;

/// From so many writers on, a round pulls from them, and tells them, on two threads. Each writer costs some microseconds, most
/// of them spent on what lies in no cache; to have another thread at hand costs as much as a few writers. (Tests have few
/// writers, and are to come across all this.)
const SHARED_WRITERS: usize = if cfg!(test) { 2 } else { 128 };

impl Committer {
    /// One round on the thread of a caller; `false` if it needs the thread.
    pub(super) fn work(self: &Arc<Self>) -> bool {
        let Ok(present) = self.presence.stay() else { return false };
        let Some(journal) = self.pool.active_with_room(self.pool.largest_batch()) else { return false };
        let woken = {
            let mut queue = self.queue();
            if queue.stopped || queue.look || !queue.crowded.is_empty() {
                return false;
            }
            queue.take()
        };
        let shares = self.gather(woken, self.room(&journal), &present);
        if let Some(round) = self.commit(&journal, shares, present) {
            self.finish(round);
        }
        self.queue().crowded.is_empty()
    }

    pub(super) async fn round(self: &Arc<Self>, woken: Vec<Arc<WriterSlot>>, present: Staying) {
        // The last entry of a round may be as large as entries get.
        let most = self.pool.largest_batch();
        let journal = match self.pool.with_room(most).await {
            Ok(journal) => journal,
            Err(error) => return refuse_all(&woken, &error),
        };
        let room = self.room(&journal);
        let room = if woken.len() < SHARED_WRITERS { room } else { room.div_ceil(2) };
        let (committer, here) = (self.clone(), present.clone());
        let gather = move |woken| committer.gather(woken, room, &here);
        let shares = self.share_out(woken, gather).await;
        if let Some(round) = self.commit(&journal, shares.into_iter().flatten().collect(), present) {
            let records = self.share_out(round.shares, tell).await;
            self.telemetry.round(round.entries, round.bytes, records.into_iter().sum());
        }
    }

    /// A round of what there was no room for, once all that is free to go has gone. What does not fit then either is refused.
    pub(super) async fn try_again(self: &Arc<Self>, crowded: Vec<Share>, present: Staying) {
        // If that fails there is as much room as there was.
        let _best_effort = self.pool.make_room().await;
        let journal = match self.pool.with_room(self.pool.largest_batch()).await {
            Ok(journal) => journal,
            Err(error) => return crowded.iter().for_each(|share| share.refuse_or_fail(&error)),
        };
        let mut shares = Vec::with_capacity(crowded.len());
        for share in crowded {
            match place(share) {
                Placing::Done(share) => shares.extend(self.unless_large(share, &present)),
                Placing::Crowded(share, error) => share.refuse(&error),
                Placing::Failed => {}
            }
        }
        if let Some(round) = self.commit(&journal, shares, present) {
            self.finish(round);
        }
    }

    /// Works on a list, if it is long on two halves of it at once, one of them here.
    async fn share_out<T: Send + 'static, R: Send + 'static>(
        &self,
        mut list: Vec<T>,
        work: impl Fn(Vec<T>) -> R + Clone + Send + 'static,
    ) -> Vec<R> {
        if list.len() < SHARED_WRITERS {
            return vec![work(list)];
        }
        let rest = list.split_off(list.len() / 2);
        let work_there = work.clone();
        let there = self.tasks.begin_blocking(move || work_there(rest));
        let here = work(list);
        vec![here, there.await]
    }

    /// How many bytes the entries of a round may have but for the last one.
    fn room(&self, journal: &Used) -> usize {
        let room = journal.room().saturating_sub(self.pool.largest_batch());
        usize::try_from(room).unwrap_or(ROUND_BYTES).clamp(1, ROUND_BYTES)
    }

    /// Makes a round durable and moves the words. `None` if there is nothing to tell anybody.
    fn commit(&self, journal: &Used, shares: Vec<Share>, present: Staying) -> Option<Round> {
        if shares.is_empty() {
            return None;
        }
        let durable = self.write_journal(journal, &shares);
        Some(self.move_words(shares, &durable, present))
    }

    /// Makes shares durable in the journal.
    fn write_journal(&self, journal: &Used, shares: &[Share]) -> Result<()> {
        let ends = shares.iter().map(|share| (&share.slot.segment, share.end.offset));
        let result = journal.append(self.metadata.sequence(), &batch_entries(shares), ends);
        shares.iter().for_each(Share::start_writing);
        if result.is_err() {
            // What the failed sync covered may be on disk or not (rule F7): nobody is told that it is.
            self.pool.retire_active();
        }
        result
    }

    /// Moves the words over shares that are durable.
    pub(super) fn move_words(&self, shares: Vec<Share>, durable: &Result<()>, present: Staying) -> Round {
        let entries = shares.iter().map(|share| share.entries.len()).sum();
        let bytes = shares.iter().map(Share::bytes).sum();
        let moved = |share: Share| {
            let moved = durable.clone().and_then(|()| share.move_word());
            (share, moved)
        };
        let shares = shares.into_iter().map(moved).collect();
        // Whoever hears of the end of an entry may rely on it that a process on its way out has left: what is
        // acknowledged from here on is in the journal, or synced in its segment.
        drop(present);
        // First: who was told of an acknowledgement may be killed or stopped at once, and others follow still.
        self.control.ring(Bell::Data);
        Round { shares, entries, bytes }
    }

    /// Tells the writers of a round.
    pub(super) fn finish(&self, round: Round) {
        let records = tell(round.shares);
        self.telemetry.round(round.entries, round.bytes, records);
    }

    /// Takes entries of writers for a round. A writer that has more than fits waits for the next round, behind the others;
    /// one that has much is flushed aside.
    fn gather(self: &Arc<Self>, woken: Vec<Arc<WriterSlot>>, room: usize, present: &Staying) -> Vec<Share> {
        let mut left = room;
        let mut shares = Vec::with_capacity(woken.len());
        for slot in woken {
            if left == 0 {
                // Still marked as woken: it keeps its place.
                self.queue().woken.push(slot);
                continue;
            }
            if slot.awaits_flush(|behind| behind.more = true) {
                continue;
            }
            if slot.stays_aside() {
                self.flush_aside(Flush::Writer(slot), present);
                continue;
            }
            match self.take(&slot, &mut left) {
                Some(Placing::Done(share)) => shares.extend(self.unless_large(share, present)),
                Some(Placing::Crowded(share, _)) => self.queue().crowded.push(share),
                Some(Placing::Failed) | None => {}
            }
        }
        shares
    }

    /// The share, if the journal is to make it durable.
    fn unless_large(self: &Arc<Self>, share: Share, present: &Staying) -> Option<Share> {
        if share.is_large(self.large_flush_bytes) {
            self.flush_aside(Flush::Share(share), present);
            return None;
        }
        Some(share)
    }

    /// Pulls entries of a writer while there is room, and puts their bytes into the segment file.
    pub(super) fn take(&self, slot: &Arc<WriterSlot>, left: &mut usize) -> Option<Placing> {
        // Before the first pull: an entry that comes after the last pull wakes the slot again.
        slot.woken.store(false, Ordering::Release);
        let placing = pull(slot, left).map(place);
        if *left == 0 {
            self.wake(slot);
        }
        placing
    }
}

/// A round whose writers are to be told: of acknowledgements, or why there is none.
pub(super) struct Round {
    shares: Vec<(Share, Result<()>)>,
    entries: usize,
    bytes: usize,
}

/// Tells the writers of a round; answers how many records were acknowledged.
fn tell(round: Vec<(Share, Result<()>)>) -> usize {
    round.into_iter().map(|(share, moved)| share.tell(moved)).sum()
}

/// There is no journal to write to: every waiting entry is refused before it got its place.
fn refuse_all(woken: &[Arc<WriterSlot>], error: &Error) {
    for slot in woken.iter().filter(|slot| !slot.awaits_flush(|behind| behind.more = true)) {
        slot.woken.store(false, Ordering::Release);
        let mut left = usize::MAX;
        let Some(share) = pull(slot, &mut left) else { continue };
        share.refuse_or_fail(error);
    }
}
