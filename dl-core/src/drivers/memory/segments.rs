//! The segment store.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::{Opening, guard};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::Op;
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentReader, SegmentStore, SegmentWriter, Tail,
    TailState, Visibility,
};
use crate::types::{Durability, SegmentId};

#[async_trait]
impl SegmentStore for Opening {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn visibility(&self) -> Visibility {
        Visibility::AtAck
    }

    async fn allocate(&self, _log_root: &str, _guard: &[Op]) -> Result<Allocation> {
        self.check_open()?;
        let mut segments = self.namespace.segments();
        let id = SegmentId::new(segments.next)?;
        segments.next += 1;
        guard(&self.allocated).insert(id.get());
        Ok(Allocation { id, start_ops: Vec::new() })
    }

    async fn create(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        _: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        self.check_open()?;
        if !guard(&self.allocated).remove(&id.get()) {
            let message = "a segment is made once, by whom its id was given to; allocate another id";
            return Err(Error::already_exists(message).with("segment_id", id));
        }
        let segment = Arc::new(Segment::new(id));
        let pump = Arc::new(Pump {
            segment: segment.clone(),
            source,
            opening: self.share(),
            state: AtomicU8::new(IDLE),
            next: AtomicU64::new(0),
            told: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        });
        guard(&segment.inner).writer = Arc::downgrade(&pump);
        self.namespace.segments().by_id.insert(id.get(), segment);
        Ok(Arc::new(Writer(pump)))
    }

    async fn recover(&self, id: SegmentId) -> Result<Closed> {
        self.check_open()?;
        let segment = self.segment(id)?;
        segment.advance(TailState::Fenced);
        segment.end()
    }

    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        self.check_open()?;
        Ok(Arc::new(Reader { segment: self.segment(id)?, opening: self.share() }))
    }

    async fn delete(&self, ids: &[SegmentId]) -> Result<Vec<Op>> {
        self.check_open()?;
        for id in ids {
            guard(&self.allocated).remove(&id.get());
            let segment = self.namespace.segments().by_id.remove(&id.get());
            if let Some(segment) = segment {
                segment.advance(TailState::Deleted);
            }
        }
        Ok(Vec::new())
    }
}

impl Opening {
    fn segment(&self, id: SegmentId) -> Result<Arc<Segment>> {
        let segment = self.namespace.segments().by_id.get(&id.get()).cloned();
        segment.ok_or_else(|| gone(id))
    }
}

/// A segment.
pub(super) struct Segment {
    id: SegmentId,
    inner: Mutex<Inner>,
    /// Told after each change of `inner`.
    tail: watch::Sender<Tail>,
}

struct Inner {
    entries: Vec<Bytes>,
    state: TailState,
    writer: Weak<Pump>,
}

impl Segment {
    fn new(id: SegmentId) -> Self {
        let inner = Inner { entries: Vec::new(), state: TailState::Open, writer: Weak::new() };
        let (tail, _) = watch::channel(inner.tail());
        Self { id, inner: Mutex::new(inner), tail }
    }

    /// Commits an entry, which gets its place only now.
    fn append(&self, entry: Bytes) -> Result<()> {
        let mut inner = guard(&self.inner);
        self.check_writable(inner.state)?;
        inner.entries.push(entry);
        self.tail.send_replace(inner.tail());
        Ok(())
    }

    /// Brings the segment into this state unless it is in a later one, and lets its writer and readers know.
    fn advance(&self, state: TailState) {
        let mut inner = guard(&self.inner);
        if inner.state >= state {
            return;
        }
        inner.state = state;
        self.tail.send_replace(inner.tail());
        if state == TailState::Deleted {
            inner.entries = Vec::new();
        }
        drop(inner);
        self.wake_writer();
    }

    /// Lets the writer, if there is one, look again.
    pub(super) fn wake_writer(&self) {
        let writer = guard(&self.inner).writer.upgrade();
        if let Some(pump) = writer {
            pump.wake();
        }
    }

    /// Ends the segment, for its writer.
    fn close(&self) -> Result<Closed> {
        let mut inner = guard(&self.inner);
        if inner.state != TailState::Closed {
            self.check_writable(inner.state)?;
            inner.state = TailState::Closed;
            self.tail.send_replace(inner.tail());
        }
        drop(inner);
        self.end()
    }

    /// Its end, for whom no entry can be added any more.
    fn end(&self) -> Result<Closed> {
        let inner = guard(&self.inner);
        if inner.state == TailState::Deleted {
            return Err(gone(self.id));
        }
        let last_entry = (inner.entries.len() as u64).checked_sub(1);
        Ok(Closed { last_entry, complete_ops: Vec::new() })
    }

    fn check_writable(&self, state: TailState) -> Result<()> {
        match state {
            TailState::Open => Ok(()),
            TailState::Deleted => Err(gone(self.id)),
            TailState::Fenced | TailState::Closed => {
                let message = "another writer owns the log; open a new writer to go on";
                Err(Error::fenced(message).with("segment_id", self.id))
            }
        }
    }
}

impl Inner {
    fn tail(&self) -> Tail {
        Tail { entries: self.entries.len() as u64, state: self.state }
    }
}

fn gone(id: SegmentId) -> Error {
    Error::not_found("the segment does not exist; it may have been deleted").with("segment_id", id)
}

/// Moves entries from a source into its segment, on a task of its own: a source may wake it from within a call.
struct Pump {
    segment: Arc<Segment>,
    source: Arc<dyn EntrySource>,
    opening: Arc<Opening>,
    /// What the task is doing: [`IDLE`], [`PULLING`] or [`AGAIN`].
    state: AtomicU8,
    /// The id of the next entry.
    next: AtomicU64,
    /// Whether the source knows that the segment can take no more.
    told: AtomicBool,
    /// Whether the writer was dropped.
    abandoned: AtomicBool,
}

/// There is no task.
const IDLE: u8 = 0;
/// The task asks the source for entries.
const PULLING: u8 = 1;
/// It has to ask once more before it ends.
const AGAIN: u8 = 2;

/// The task lets others run after this many entries.
const ENTRIES_PER_TURN: u64 = 64;

impl Pump {
    fn wake(self: &Arc<Self>) {
        if self.state.swap(AGAIN, Ordering::AcqRel) == IDLE {
            let pump = self.clone();
            self.opening.seams.tasks.spawn(Box::pin(async move { pump.run().await }));
        }
    }

    async fn run(&self) {
        loop {
            self.state.swap(PULLING, Ordering::AcqRel);
            self.pull().await;
            let idle = self.state.compare_exchange(PULLING, IDLE, Ordering::AcqRel, Ordering::Acquire);
            if idle.is_ok() {
                return;
            }
        }
    }

    async fn pull(&self) {
        while !self.abandoned.load(Ordering::Relaxed) && !self.opening.namespace.is_stalled() {
            let Some(entry) = self.source.next_entry() else {
                self.tell();
                return;
            };
            let id = self.next.load(Ordering::Relaxed);
            let result = self.place(entry);
            let refused = result.as_ref().err().map(Error::kind);
            if refused != Some(ErrorKind::StorageFull) {
                self.next.store(id + 1, Ordering::Relaxed);
                self.told.fetch_or(refused.is_some(), Ordering::Relaxed);
            }
            self.source.settled(id, result);
            if id.is_multiple_of(ENTRIES_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
    }

    fn place(&self, entry: Bytes) -> Result<()> {
        self.opening.check_open()?;
        if self.opening.namespace.is_full() {
            return Err(Error::storage_full("the namespace is full; truncate logs, then go on"));
        }
        self.segment.append(entry)
    }

    /// Tells the source, once, if the segment was taken from it.
    fn tell(&self) {
        let taken = match self.segment.tail.borrow().state {
            TailState::Open | TailState::Closed => None,
            state @ (TailState::Fenced | TailState::Deleted) => self.segment.check_writable(state).err(),
        };
        if let Some(error) = taken.filter(|_| !self.told.swap(true, Ordering::Relaxed)) {
            self.source.broken(error);
        }
    }
}

struct Writer(Arc<Pump>);

#[async_trait]
impl SegmentWriter for Writer {
    fn wake(&self) {
        self.0.wake();
    }

    async fn close(&self) -> Result<Closed> {
        self.0.opening.check_open()?;
        self.0.segment.close()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Relaxed);
    }
}

struct Reader {
    segment: Arc<Segment>,
    opening: Arc<Opening>,
}

#[async_trait]
impl SegmentReader for Reader {
    async fn tail(&self) -> Result<Tail> {
        self.opening.check_open()?;
        Ok(*self.segment.tail.borrow())
    }

    async fn wait(&self, known: Tail) -> Result<Tail> {
        let mut tail = self.segment.tail.subscribe();
        let mut closed = self.opening.closed.subscribe();
        loop {
            self.opening.check_open()?;
            let now = *tail.borrow_and_update();
            if now.entries > known.entries || now.state > known.state || now.state == TailState::Deleted {
                return Ok(now);
            }
            tokio::select! {
                biased;
                _ = tail.changed() => {}
                _ = closed.changed() => {}
            }
        }
    }

    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>> {
        self.opening.check_open()?;
        let inner = guard(&self.segment.inner);
        if inner.state == TailState::Deleted {
            return Err(gone(self.segment.id));
        }
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut bytes = 0;
        for entry in inner.entries.iter().skip(from) {
            bytes += entry.len();
            if bytes > budget && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }

    async fn bytes(&self) -> Result<u64> {
        self.opening.check_open()?;
        let inner = guard(&self.segment.inner);
        if inner.state == TailState::Deleted {
            return Err(gone(self.segment.id));
        }
        Ok(inner.entries.iter().map(|entry| entry.len() as u64).sum())
    }
}
