//! Group commit: one thread per namespace handle makes the entries of all its writers durable, many with one sync.
//!
//! A round goes (rule F2): pull entries from every writer that has some; put their bytes into the segment files
//! (page cache); write them to the journal as one batch and sync it; move each commit word from the old to the new
//! committed length; tell the writers; wake the readers. While a round syncs, writers gather their next entries, so
//! there is no waiting time to tune. What a round costs for each of many writers is shared by two threads. A word that cannot be moved says that the segment was fenced or deleted: its
//! writer gets no acknowledgement, now or later.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::control::{Bell, Control};
use super::frame::FRAME_BYTES;
use super::index::Place;
use super::io;
use super::journal::{BatchEntry, entry_bytes};
use super::metadata::FileMetadata;
use super::pool::{JournalPool, Used};
use super::presence::{Presence, Staying};
use super::segment::{FIRST_OFFSET, Segment};
use super::word::{Word, WordCell};
use crate::error::{Error, ErrorKind, Result};
use crate::seams::{File, Tasks};
use crate::store::EntrySource;
use crate::telemetry::Telemetry;

/// How many bytes one round gathers at most, if there is more than one entry.
const ROUND_BYTES: usize = 8 << 20;

/// The system begins to write a segment to the disk in steps of this many bytes.
const WRITE_BYTES: u64 = if cfg!(test) { 8 << 10 } else { 1 << 20 };
const PAGE_BYTES: u64 = 4_096;

/// How many writers one round serves at most. What is known of so many still lies in a processor's cache when they are told.
const MOST_WRITERS: usize = if cfg!(test) { 3 } else { 512 };

/// From so many writers on, a round pulls from them, and tells them, on two threads. Each writer costs some microseconds, most
/// of them spent on what lies in no cache; to have another thread at hand costs as much as a few writers. (Tests have few
/// writers, and are to come across all this.)
const SHARED_WRITERS: usize = if cfg!(test) { 2 } else { 128 };

/// A segment being written by this process.
pub(super) struct WriterSlot {
    pub(super) segment: Arc<Segment>,
    word: WordCell,
    file: Arc<dyn File>,
    source: Arc<dyn EntrySource>,
    woken: AtomicBool,
    state: Mutex<WriteState>,
}

struct WriteState {
    /// Where the next entry goes.
    next: Place,
    /// Space is taken in the file up to here.
    reserved: u64,
    /// The system was told to write the file to the disk up to here.
    started: u64,
    /// Why no entry is taken any more.
    ended: Option<Error>,
}

impl WriterSlot {
    pub(super) fn new(
        segment: Arc<Segment>,
        word: WordCell,
        file: Arc<dyn File>,
        source: Arc<dyn EntrySource>,
    ) -> Self {
        let first = Place { entry: 0, offset: FIRST_OFFSET };
        let state = Mutex::new(WriteState {
            next: first,
            reserved: FIRST_OFFSET,
            started: FIRST_OFFSET,
            ended: None,
        });
        Self { segment, word, file, source, woken: AtomicBool::new(false), state }
    }

    /// Takes no more entries; those that still come get this error, or that of an earlier end. Answers whether there
    /// was none.
    pub(super) fn end(&self, error: Error) -> bool {
        let mut state = self.state();
        let first = state.ended.is_none();
        state.ended.get_or_insert(error);
        first
    }

    /// Ends a writer that may have nothing waiting, and tells it.
    fn break_off(&self, error: Error) {
        if self.end(error.clone()) {
            self.source.broken(error);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, WriteState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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

/// The entries of one writer in a round.
struct Share {
    slot: Arc<WriterSlot>,
    first: Place,
    end: Place,
    entries: Vec<Placed>,
}

/// What came of putting a share into its segment file.
enum Placing {
    Done(Share),
    /// There was no room for it: nothing was written.
    Crowded(Share, Error),
    /// It failed, and the source was told.
    Failed,
}

/// A round whose writers are to be told: of acknowledgements, or why there is none.
struct Round {
    shares: Vec<(Share, Result<()>)>,
    tally: Tally,
}

/// What is counted of a round.
struct Tally {
    entries: usize,
    bytes: usize,
    /// How many records were acknowledged before it.
    acknowledged: u64,
}

struct Placed {
    place: Place,
    head: [u8; FRAME_BYTES],
    bytes: Bytes,
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
            writer.break_off(cut_off(writer.word.load()));
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
    pub(super) fn wake_and_work(&self, slot: &Arc<WriterSlot>) {
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

    /// One round on the thread of a caller; `false` if it needs the thread.
    fn work(&self) -> bool {
        let Ok(present) = self.presence.stay() else { return false };
        let Some(journal) = self.pool.active_with_room(self.pool.largest_batch()) else { return false };
        let woken = {
            let mut queue = self.queue();
            if queue.stopped || queue.look || !queue.crowded.is_empty() {
                return false;
            }
            queue.take()
        };
        let shares = self.gather(woken, self.room(&journal));
        if let Some(round) = self.commit(&journal, shares, present) {
            tell(round.shares);
            self.count(&round.tally);
        }
        self.queue().crowded.is_empty()
    }

    /// Starts the thread.
    pub(super) fn start(self: Arc<Self>, tasks: &dyn Tasks) -> std::io::Result<()> {
        self.running.send_replace(true);
        let committer = self.clone();
        let thread = async move {
            // Here, since a thread that never was is no thread that ended.
            let running = Running { committer };
            running.committer.run().await;
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

    async fn round(self: &Arc<Self>, woken: Vec<Arc<WriterSlot>>, present: Staying) {
        // The last entry of a round may be as large as entries get.
        let most = self.pool.largest_batch();
        let journal = match self.pool.with_room(most).await {
            Ok(journal) => journal,
            Err(error) => return refuse_all(&woken, &error),
        };
        let room = self.room(&journal);
        let room = if woken.len() < SHARED_WRITERS { room } else { room.div_ceil(2) };
        let committer = self.clone();
        let shares = self.share_out(woken, move |woken| committer.gather(woken, room)).await;
        if let Some(round) = self.commit(&journal, shares.into_iter().flatten().collect(), present) {
            self.share_out(round.shares, tell).await;
            self.count(&round.tally);
        }
    }

    /// A round of what there was no room for, once all that is free to go has gone. What does not fit then either is refused.
    async fn try_again(&self, crowded: Vec<Share>, present: Staying) {
        // If that fails there is as much room as there was.
        let _best_effort = self.pool.make_room().await;
        let journal = match self.pool.with_room(self.pool.largest_batch()).await {
            Ok(journal) => journal,
            Err(error) => return crowded.iter().for_each(|share| share.refuse_or_fail(&error)),
        };
        let mut shares = Vec::with_capacity(crowded.len());
        for share in crowded {
            match place(share) {
                Placing::Done(share) => shares.push(share),
                Placing::Crowded(share, error) => share.refuse(&error),
                Placing::Failed => {}
            }
        }
        if let Some(round) = self.commit(&journal, shares, present) {
            tell(round.shares);
            self.count(&round.tally);
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
        let shares: Vec<_> = self
            .make_durable(journal, shares)
            .into_iter()
            .map(|(share, durable)| {
                let moved = durable.and_then(|()| share.move_word());
                (share, moved)
            })
            .collect();
        // Whoever hears of the end of an entry may rely on it that a process on its way out has left: what is
        // acknowledged from here on is in the journal, or synced in its segment.
        drop(present);
        // First: who was told of an acknowledgement may be killed or stopped at once, and others follow still.
        self.control.ring(Bell::Data);
        let acknowledged = self.telemetry.metrics.append_records.value();
        let (entries, bytes) = shares.iter().fold((0, 0), |(entries, bytes), (share, _)| {
            (entries + share.entries.len(), bytes + share.bytes())
        });
        Some(Round { shares, tally: Tally { entries, bytes, acknowledged } })
    }

    /// Syncs large shares in their segments, then all others together in the journal.
    fn make_durable(&self, journal: &Used, shares: Vec<Share>) -> Vec<(Share, Result<()>)> {
        let mut ended = Vec::with_capacity(shares.len());
        let mut small = Vec::with_capacity(shares.len());
        for share in shares {
            match share.sync_if_large(self.large_flush_bytes) {
                Some(result) => {
                    self.telemetry.metrics.large_flushes.add(1);
                    ended.push((share, result));
                }
                None => small.push(share),
            }
        }
        if small.is_empty() {
            return ended;
        }
        let ends = small.iter().map(|share| (&share.slot.segment, share.end.offset));
        let result = journal.append(self.metadata.sequence(), &batch_entries(&small), ends);
        small.iter().for_each(Share::start_writing);
        if result.is_err() {
            // What the failed sync covered may be on disk or not (rule F7): nobody is told that it is.
            self.pool.retire_active();
        }
        ended.extend(small.into_iter().map(|share| (share, result.clone())));
        ended
    }

    /// Counts a round. There is one at a time: what was acknowledged meanwhile was acknowledged by it.
    fn count(&self, tally: &Tally) {
        let acknowledged = self.telemetry.metrics.append_records.value();
        self.telemetry.round(tally.entries, tally.bytes, acknowledged - tally.acknowledged);
    }

    /// Pulls entries and puts their bytes into the segment files. A writer that has more than fits waits for the
    /// next round, behind the others.
    fn gather(&self, woken: Vec<Arc<WriterSlot>>, room: usize) -> Vec<Share> {
        let mut left = room;
        let mut shares = Vec::with_capacity(woken.len());
        for slot in woken {
            if left == 0 {
                // Still marked as woken: it keeps its place.
                self.queue().woken.push(slot);
                continue;
            }
            // Before the first pull: an entry that comes after the last pull wakes the slot again.
            slot.woken.store(false, Ordering::Release);
            match pull(&slot, &mut left).map(place) {
                Some(Placing::Done(share)) => shares.push(share),
                Some(Placing::Crowded(share, _)) => self.queue().crowded.push(share),
                Some(Placing::Failed) | None => {}
            }
            if left == 0 {
                self.wake(&slot);
            }
        }
        shares
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

/// Takes entries from a writer while there is room; the last one may go beyond it.
fn pull(slot: &Arc<WriterSlot>, left: &mut usize) -> Option<Share> {
    let (mut at, ended) = {
        let state = slot.state();
        (state.next, state.ended.clone())
    };
    if let Some(error) = ended {
        refuse_waiting(slot, &error);
        return None;
    }
    let first = at;
    let mut entries = Vec::new();
    while *left > 0 {
        if !entries.is_empty() && slot.source.is_drained() {
            break;
        }
        let Some(bytes) = slot.source.next_entry() else { break };
        *left = left.saturating_sub(entry_bytes(bytes.len()));
        let head = slot.segment.seed.head(at.offset, at.entry, &bytes);
        let end = at.offset + (FRAME_BYTES + bytes.len()) as u64;
        entries.push(Placed { place: at, head, bytes });
        at = Place { entry: at.entry + 1, offset: end };
    }
    (!entries.is_empty()).then(|| Share { slot: slot.clone(), first, end: at, entries })
}

/// Answers what a writer still has after its end.
fn refuse_waiting(slot: &WriterSlot, error: &Error) {
    while slot.source.next_entry().is_some() {
        let entry = slot.state().next.entry;
        slot.state().next.entry += 1;
        slot.source.settled(entry, Err(error.clone()));
    }
}

/// Takes space for a share and puts its bytes into the segment file.
fn place(share: Share) -> Placing {
    let slot = share.slot.clone();
    if let Err(error) = reserve(&slot, share.end.offset) {
        let error = io::failed(error, "taking space for an entry", slot.segment.path());
        // No room: nothing was written and no entry got its place (rule F12).
        if error.kind() == ErrorKind::StorageFull {
            return Placing::Crowded(share, error);
        }
        share.fail(&error);
        return Placing::Failed;
    }
    let written = match &share.entries[..] {
        // Of many writers each has one, most of the time.
        [only] => slot.file.write_at(&[&only.head, &only.bytes], share.first.offset),
        entries => {
            let pieces: Vec<&[u8]> =
                entries.iter().flat_map(|placed| [&placed.head[..], &placed.bytes]).collect();
            slot.file.write_at(&pieces, share.first.offset)
        }
    };
    if let Err(error) = written {
        let error =
            Error::unavailable(format!("writing to a segment failed: {error}; open a new writer to go on"))
                .with("file", slot.segment.path().display())
                .maybe_effective();
        share.fail(&error);
        return Placing::Failed;
    }
    slot.state().next = share.end;
    Placing::Done(share)
}

/// Makes sure that the file has space up to `end`, in steps that grow with it.
fn reserve(slot: &WriterSlot, end: u64) -> std::io::Result<()> {
    const LEAST: u64 = 16 << 10;
    const MOST: u64 = 4 << 20;
    let reserved = slot.state().reserved;
    if end <= reserved {
        return Ok(());
    }
    let step = (end / 2).clamp(LEAST, MOST);
    let target = (end + step).next_multiple_of(4_096);
    // A nearly full disk may still have room for the entry itself.
    let got = match slot.file.reserve(reserved, target - reserved) {
        Ok(()) => target,
        Err(_) => {
            slot.file.reserve(reserved, end - reserved)?;
            end
        }
    };
    slot.state().reserved = got;
    Ok(())
}

impl Share {
    /// The bytes of its entries.
    fn bytes(&self) -> usize {
        self.entries.iter().map(|placed| placed.bytes.len()).sum()
    }

    /// Syncs it in its segment, if it is worth a sync of its own; `None` if the journal has to make it durable.
    fn sync_if_large(&self, large: u64) -> Option<Result<()>> {
        if self.end.offset - self.first.offset < large {
            return None;
        }
        let synced = self.slot.segment.sync_through(&*self.slot.file, self.end.offset)?;
        self.slot.state().started = self.end.offset / PAGE_BYTES * PAGE_BYTES;
        Some(synced)
    }

    /// Has the system write what only the journal has made durable, once that is some. If it was left to the sync that
    /// empties the journal, or to one of a large share, that would keep the disk for long, and the syncs of all other
    /// writers waiting behind it.
    fn start_writing(&self) {
        let mut state = self.slot.state();
        let end = self.end.offset / PAGE_BYTES * PAGE_BYTES;
        if end >= state.started + WRITE_BYTES {
            self.slot.file.start_writing(state.started, end - state.started);
            state.started = end;
        }
    }

    /// Moves the commit word over the share, which is durable.
    fn move_word(&self) -> Result<()> {
        self.slot.word.extend(self.first.offset, self.end.offset).map_err(cut_off)?;
        let mut index = self.slot.segment.index();
        for placed in &self.entries {
            let end = placed.place.offset + (FRAME_BYTES + placed.bytes.len()) as u64;
            index.extend(Place { entry: placed.place.entry + 1, offset: end });
        }
        Ok(())
    }

    /// Tells the writer, and readers here.
    fn tell(self, moved: Result<()>) {
        if let Err(error) = moved {
            return self.fail(&error);
        }
        for placed in self.entries {
            self.slot.source.give_back(placed.bytes);
            self.slot.source.settled(placed.place.entry, Ok(()));
        }
        self.slot.segment.notify();
    }

    /// Refuses its entries before they got their places: whatever comes next gets the first one's.
    fn refuse(&self, error: &Error) {
        self.entries.iter().for_each(|_| self.slot.source.settled(self.first.entry, Err(error.clone())));
    }

    /// Answers its entries where there is no journal to write to.
    fn refuse_or_fail(&self, error: &Error) {
        if error.kind() == ErrorKind::StorageFull { self.refuse(error) } else { self.fail(error) }
    }

    /// Ends the writer: its entries fail, and it gets no more.
    fn fail(&self, error: &Error) {
        self.slot.end(error.clone());
        self.slot.state().next = self.end;
        self.entries
            .iter()
            .for_each(|placed| self.slot.source.settled(placed.place.entry, Err(error.clone())));
    }
}

/// Tells the writers of a round.
fn tell(round: Vec<(Share, Result<()>)>) {
    round.into_iter().for_each(|(share, moved)| share.tell(moved));
}

/// Why a word cannot be moved.
pub(super) fn cut_off(word: Word) -> Error {
    if word.is_deleted() {
        return Error::not_found("the log was deleted").maybe_effective();
    }
    // After a power loss the journal may bring the entry back.
    Error::fenced("a newer writer owns the log; open a new writer to go on").maybe_effective()
}

fn batch_entries(shares: &[Share]) -> Vec<BatchEntry<'_>> {
    let entries = shares.iter().flat_map(|share| share.entries.iter().map(move |placed| (share, placed)));
    entries
        .map(|(share, placed)| BatchEntry {
            segment: share.slot.segment.id,
            offset: placed.place.offset,
            frame_head: &placed.head,
            entry: &placed.bytes,
        })
        .collect()
}

/// There is no journal to write to: every waiting entry is refused before it got its place.
fn refuse_all(woken: &[Arc<WriterSlot>], error: &Error) {
    for slot in woken {
        slot.woken.store(false, Ordering::Release);
        let mut left = usize::MAX;
        let Some(share) = pull(slot, &mut left) else { continue };
        share.refuse_or_fail(error);
    }
}

/// The result of asking for the end of a word, for those who close a segment.
pub(super) fn close_word(cell: &WordCell) -> Result<u64> {
    let before = cell.close();
    if before.is_open() || before.is_closed() && !before.is_fenced() && !before.is_deleted() {
        return Ok(before.length());
    }
    Err(cut_off(before))
}
