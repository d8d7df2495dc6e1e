//! Group commit: one thread per namespace handle makes the entries of all its writers durable, many with one sync.
//!
//! A round goes (rule F2): pull entries from every writer that has some; put their bytes into the segment files
//! (page cache); write them to the journal as one batch and sync it; move each commit word from the old to the new
//! committed length; tell the writers; wake the readers. While a round syncs, writers gather their next entries, so
//! there is no waiting time to tune. What is large enough to be synced in its segment is no part of that: see [`flushes`]. A word that cannot be moved says that the segment was fenced or deleted: its
//! writer gets no acknowledgement, now or later.

mod flushes;
mod rounds;
mod share;
mod slot;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Notify, watch};

use self::flushes::Flushes;
use self::share::Share;
pub(super) use self::slot::WriterSlot;
use super::control::Control;
use super::metadata::FileMetadata;
use super::pool::JournalPool;
use super::presence::Presence;
use super::word::{WordCell, cut_off};
use crate::error::Error;
use crate::seams::Tasks;
use crate::telemetry::Telemetry;

/// How many writers one round serves at most. What is known of so many still lies in a processor's cache when they are told.
const MOST_WRITERS: usize = if cfg!(test) { 3 } else { 512 };

/// The commit thread's queue.
pub(super) struct Committer {
    control: Arc<Control>,
    metadata: Arc<FileMetadata>,
    pool: Arc<JournalPool>,
    presence: Arc<Presence>,
    tasks: Arc<dyn Tasks>,
    /// A share of at least this many bytes goes around the journal.
    large_flush_bytes: u64,
    telemetry: Arc<Telemetry>,
    queue: Mutex<Queue>,
    bell: Notify,
    /// Held by whoever does a round: the thread, or a caller that has nothing else to do.
    lead: tokio::sync::Mutex<()>,
    flushes: Flushes,
    writers: Mutex<Vec<Registered>>,
    /// Whether the thread is.
    running: watch::Sender<bool>,
}

#[derive(Default)]
struct Queue {
    woken: Vec<Arc<WriterSlot>>,
    /// What there was no room for. It comes before all else of its writers.
    crowded: Vec<Share>,
    /// Words may have changed elsewhere.
    look: bool,
    stopped: bool,
    /// Why nobody takes anything from it any more.
    ended: Option<Error>,
}

impl Queue {
    /// The writers of the next round, none if something awaits room. Those that do not fit keep their places.
    fn take(&mut self) -> Vec<Arc<WriterSlot>> {
        if !self.crowded.is_empty() {
            return Vec::new();
        }
        let most = self.woken.len().min(MOST_WRITERS);
        let later = self.woken.split_off(most);
        std::mem::replace(&mut self.woken, later)
    }
}

/// A writer that may have to be told that its segment takes no more entries.
struct Registered {
    slot: Weak<WriterSlot>,
    /// Beside the writer itself, which is looked at only if this says so: there may be thousands.
    word: WordCell,
}

impl Committer {
    pub(super) fn new(
        control: Arc<Control>,
        metadata: Arc<FileMetadata>,
        pool: Arc<JournalPool>,
        presence: Arc<Presence>,
        tasks: Arc<dyn Tasks>,
        large_flush_bytes: u64,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self {
            control,
            metadata,
            pool,
            presence,
            tasks,
            large_flush_bytes,
            telemetry,
            queue: Mutex::default(),
            bell: Notify::new(),
            lead: tokio::sync::Mutex::default(),
            flushes: Flushes::default(),
            writers: Mutex::default(),
            running: watch::Sender::default(),
        }
    }

    /// Takes in a writer, to be told when its segment is fenced or deleted although it has nothing to write.
    pub(super) fn register(&self, slot: &Arc<WriterSlot>) {
        let mut writers = self.writers();
        if writers.len().is_power_of_two() {
            writers.retain(|writer| writer.slot.strong_count() > 0);
        }
        writers.push(Registered { slot: Arc::downgrade(slot), word: slot.word.clone() });
    }

    /// Has the thread look for writers whose segments were fenced or deleted.
    pub(super) fn look(&self) {
        self.queue().look = true;
        self.bell.notify_one();
    }

    /// Tells the writers whose segments take no more entries.
    fn check_writers(&self) {
        let closed = |writer: &&Registered| !writer.word.load().is_open();
        let writers: Vec<_> =
            self.writers().iter().filter(closed).filter_map(|writer| writer.slot.upgrade()).collect();
        for writer in writers {
            if !writer.awaits_flush(|behind| behind.look = true) {
                writer.break_off(cut_off(writer.word.load()));
            }
        }
    }

    /// Notes that a writer has an entry, and has the thread take it.
    pub(super) fn wake(&self, slot: &Arc<WriterSlot>) {
        if self.note(slot) {
            self.bell.notify_one();
        }
    }

    /// Notes that a writer has an entry; answers whether anybody has to be told.
    fn note(&self, slot: &Arc<WriterSlot>) -> bool {
        if slot.woken.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut queue = self.queue();
        // In a forked child there is no thread, and the journal is the parent's.
        match queue.ended.clone().or_else(|| self.metadata.check_not_forked().err()) {
            None if slot.awaits_flush(|behind| behind.more = true) => false,
            None => {
                queue.woken.push(slot.clone());
                true
            }
            Some(error) => {
                drop(queue);
                // Nobody else calls the source any more, and this happens once: it stays marked as woken.
                slot.break_off(error);
                false
            }
        }
    }

    /// [`wake`](Self::wake), but if no round is under way, the caller does one here: a lone record then waits for the disk
    /// and for no other thread.
    pub(super) fn wake_and_work(self: &Arc<Self>, slot: &Arc<WriterSlot>) {
        if !self.note(slot) {
            return;
        }
        // Whoever is at it looks at the queue once more when the round is done.
        let Ok(lead) = self.lead.try_lock() else { return };
        let worked = catch_unwind(AssertUnwindSafe(|| self.work())).unwrap_or_else(|panic| {
            // Nobody else knows of the entries that the round took.
            self.end();
            resume_unwind(panic)
        });
        drop(lead);
        if !worked || !self.queue().woken.is_empty() {
            self.bell.notify_one();
        }
    }

    /// Starts the thread.
    pub(super) fn start(self: Arc<Self>, tasks: &dyn Tasks) -> std::io::Result<()> {
        self.running.send_replace(true);
        let committer = self.clone();
        let thread = async move {
            // Here, since a thread that never was is no thread that ended.
            let running = Running { committer };
            running.committer.run().await;
            running.committer.flushed().await;
        };
        let started = tasks.spawn_thread("dl-commit", Box::pin(thread));
        if started.is_err() {
            self.running.send_replace(false);
        }
        started
    }

    /// Ends the thread after the round it is in.
    pub(super) fn stop(&self) {
        self.queue().stopped = true;
        self.bell.notify_one();
    }

    /// Waits until the thread ended, if there was one.
    pub(super) async fn ended(&self) {
        let mut running = self.running.subscribe();
        // It cannot fail: the sender is here.
        let _not_running = running.wait_for(|running| !running).await;
    }

    /// The thread: rounds until it is stopped.
    async fn run(self: &Arc<Self>) {
        loop {
            let lead = self.lead.lock().await;
            let (woken, crowded, look) = {
                let mut queue = self.queue();
                if queue.stopped {
                    return;
                }
                (queue.take(), std::mem::take(&mut queue.crowded), std::mem::take(&mut queue.look))
            };
            if look {
                self.check_writers();
            }
            if !crowded.is_empty() {
                let Ok(present) = self.presence.stay() else { return };
                self.try_again(crowded, present).await;
                continue;
            }
            if woken.is_empty() {
                drop(lead);
                // A caller that found the lead taken meanwhile left its entry to whoever had it.
                if self.queue().woken.is_empty() {
                    self.bell.notified().await;
                }
                continue;
            }
            // To the end of the round, but not while nothing is to do.
            let Ok(present) = self.presence.stay() else { return };
            self.round(woken, present).await;
        }
    }

    /// Tells every writer that nobody takes its entries any more.
    fn end(&self) {
        let error = {
            let mut queue = self.queue();
            let closed = queue.stopped || self.presence.stay().is_err();
            let error = if closed {
                Error::closed("the namespace was closed")
            } else {
                Error::internal("the thread that commits has failed; close the namespace and open it again")
                    .maybe_effective()
            };
            queue.woken.clear();
            queue.crowded.clear();
            queue.ended.insert(error).clone()
        };
        let writers: Vec<_> = self.writers().iter().filter_map(|writer| writer.slot.upgrade()).collect();
        for writer in writers {
            // A source that failed may fail again; the others are to be told all the same.
            let _told = catch_unwind(AssertUnwindSafe(|| writer.break_off(error.clone())));
        }
    }

    fn writers(&self) -> std::sync::MutexGuard<'_, Vec<Registered>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread, however it ends.
struct Running {
    committer: Arc<Committer>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.committer.end();
        self.committer.running.send_replace(false);
    }
}
