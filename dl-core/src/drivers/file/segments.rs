//! The segment store of a namespace directory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::bells::DataBell;
use super::catalog::{self, RESERVED_IDS, SegmentState};
use super::committer::{Committer, WriterSlot};
use super::control::{Bell, Control};
use super::index::Place;
use super::io;
use super::metadata::FileMetadata;
use super::pool::JournalPool;
use super::presence::Presence;
use super::reader::FileSegmentReader;
use super::segment::{FIRST_OFFSET, Segment};
use super::started::Started;
use super::table::SegmentTable;
use super::word::{WordCell, close_word};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{MetadataStore, Node, Op, Outcome};
use crate::seams::{File, Seams};
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentReader, SegmentStore, SegmentWriter, Visibility,
};
use crate::types::{Durability, SegmentId};

/// The parts that segments need, shared by the store and everything it hands out.
pub(super) struct Parts {
    pub(super) seams: Seams,
    pub(super) durability: Durability,
    pub(super) control: Arc<Control>,
    pub(super) metadata: Arc<FileMetadata>,
    pub(super) table: Arc<SegmentTable>,
    pub(super) pool: Arc<JournalPool>,
    pub(super) committer: Arc<Committer>,
    pub(super) bell: Arc<DataBell>,
    pub(super) presence: Arc<Presence>,
}

/// The segments of a namespace directory.
pub(super) struct FileSegments {
    parts: Arc<Parts>,
    /// Ids that this process has reserved and not given out.
    ids: Mutex<std::ops::Range<i64>>,
    /// Held by the one who reserves more: thousands may find none left at once.
    reserving: tokio::sync::Mutex<()>,
    started: Started,
}

impl FileSegments {
    pub(super) fn new(parts: Arc<Parts>) -> Self {
        Self {
            parts,
            ids: Mutex::new(0..0),
            reserving: tokio::sync::Mutex::default(),
            started: Started::default(),
        }
    }

    fn next_reserved(&self) -> Option<i64> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// Takes a run of ids off the counter, durably.
    async fn reserve_ids(&self) -> Result<()> {
        loop {
            let node = self.parts.metadata.node(catalog::SEGMENTS)?;
            let node =
                node.ok_or_else(|| Error::corrupt("the counter of segment ids is gone; run `dl verify`"))?;
            let first = catalog::next_id(&node)?;
            let next =
                first.checked_add(RESERVED_IDS).ok_or_else(|| Error::internal("segment ids are used up"))?;
            let set = Op::set(catalog::SEGMENTS, next.to_string(), node.version);
            if let Outcome::Committed(_) = self.parts.metadata.commit(&[set]).await? {
                *self.ids.lock().unwrap_or_else(PoisonError::into_inner) = first..next;
                return Ok(());
            }
        }
    }

    /// Starts the threads that commit and that empty journals, once there is something to write.
    fn start(&self) -> Result<()> {
        // Tells idle writers that they were fenced.
        self.parts.metadata.listen()?;
        self.started.start(|_| {
            let tasks = &self.parts.seams.tasks;
            self.parts.committer.clone().start(&**tasks)?;
            tasks.spawn(Box::pin(self.parts.pool.clone().run()));
            tasks.spawn(Box::pin(self.parts.pool.clone().run_ahead()));
            Ok(())
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        id: SegmentId,
        work: impl FnOnce(&Parts, Arc<Segment>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.parts.blocking(self.parts.table.segment(id), work).await
    }
}

impl Parts {
    /// Runs work on a segment that may block.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        segment: Arc<Segment>,
        work: impl FnOnce(&Self, Arc<Segment>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.check_open()?;
        let staying = self.presence.stay()?;
        let parts = self.clone();
        let id = segment.id;
        let work = move || {
            let result = work(&parts, segment);
            drop(staying);
            result
        };
        let result = self.seams.tasks.blocking(work).await;
        result.map_err(|error| error.with("segment_id", id))
    }

    pub(super) fn check_open(&self) -> Result<()> {
        self.metadata.check_open()
    }

    /// What the metadata knows of a segment that exists.
    fn segment_node(&self, id: SegmentId) -> Result<(Node, SegmentState)> {
        let deleted = || Error::not_found("the segment was deleted");
        let node = self.metadata.node(&catalog::path(id))?.ok_or_else(deleted)?;
        match SegmentState::parse(&node, id)? {
            SegmentState::Deleted => Err(deleted()),
            state => Ok((node, state)),
        }
    }

    /// Makes a segment that gets no more entries durable up to its end, which every entry must reach whole (rule F5).
    fn settle(&self, segment: &Segment, length: u64) -> Result<u64> {
        segment.make_durable(length, |file| self.pool.write_again(segment, file))?;
        Ok(entries(segment, length)?.entry)
    }
}

/// Makes a segment with its word, or leaves nothing.
fn create(parts: &Parts, segment: Arc<Segment>) -> Result<(Arc<Segment>, WordCell, Arc<dyn File>)> {
    let file = segment.create()?;
    match parts.table.make_word(&segment) {
        Ok(word) => Ok((segment, word, file)),
        Err(error) => {
            // One that stays is empty, and its id is given out to nobody else.
            let _may_stay = segment.remove();
            Err(error)
        }
    }
}

/// Validates a segment up to an offset; answers the place of the entry that would come next.
pub(super) fn entries(segment: &Segment, length: u64) -> Result<Place> {
    let known = segment.index().end();
    if known.offset >= length {
        return Ok(known);
    }
    let file = segment.for_reading()?.ok_or_else(|| segment.gone(known.offset))?;
    let mut places = Vec::new();
    let end = segment.walk(&*file, known, length, |place, _| {
        places.push(place);
        Ok(())
    })?;
    let mut index = segment.index();
    places.into_iter().skip(1).chain([end]).for_each(|place| index.extend(place));
    if end.offset < length {
        return Err(io::corrupt("an acknowledged entry is not what was written", segment.path(), end.offset)
            .with("entry", end.entry));
    }
    Ok(end)
}

#[async_trait]
impl SegmentStore for FileSegments {
    fn durability(&self) -> Durability {
        self.parts.durability
    }

    fn visibility(&self) -> Visibility {
        Visibility::AtAck
    }

    async fn allocate(&self, _log_root: &str, _guard: &[Op]) -> Result<Allocation> {
        loop {
            if let Some(id) = self.next_reserved() {
                let id = SegmentId::new(id)?;
                return Ok(Allocation { id, start_ops: vec![catalog::start(id)] });
            }
            let _alone = self.reserving.lock().await;
            if self.ids.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                self.reserve_ids().await?;
            }
        }
    }

    async fn create(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        _: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        self.start()?;
        let create = || self.blocking(id, create);
        let created = match create().await {
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                // If that fails there is as much room as there was.
                let _best_effort = self.parts.pool.make_room().await;
                create().await
            }
            created => created,
        };
        let (segment, word, file) = created?;
        let slot = Arc::new(WriterSlot::new(segment, word, file, source));
        self.parts.committer.register(&slot);
        Ok(Arc::new(FileSegmentWriter { parts: self.parts.clone(), slot }))
    }

    async fn recover(&self, id: SegmentId) -> Result<Closed> {
        self.blocking(id, |parts, segment| {
            if parts.metadata.is_read_only() {
                return Err(Error::new(
                    ErrorKind::PermissionDenied,
                    "the namespace was opened for reading only",
                ));
            }
            let (node, state) = parts.segment_node(segment.id)?;
            if let SegmentState::Closed { entries, .. } = state {
                return Ok(Closed { last_entry: entries.checked_sub(1), complete_ops: Vec::new() });
            }
            let word = parts.table.word(&segment)?.fence();
            segment.notify();
            parts.control.ring_all();
            if word.is_deleted() {
                return Err(Error::not_found("the segment was deleted"));
            }
            let length = word.length();
            let entries = if length > FIRST_OFFSET { parts.settle(&segment, length)? } else { 0 };
            let complete_ops = vec![catalog::complete(segment.id, &node, length, entries)];
            Ok(Closed { last_entry: entries.checked_sub(1), complete_ops })
        })
        .await
    }

    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        self.parts.check_open()?;
        Ok(Arc::new(FileSegmentReader::new(self.parts.clone(), self.parts.table.segment(id))))
    }

    async fn delete(&self, ids: &[SegmentId]) -> Result<Vec<Op>> {
        let mut there = Vec::new();
        let mut marks = Vec::new();
        for id in ids {
            let Some(node) = self.parts.metadata.node(&catalog::path(*id))? else { continue };
            let state = SegmentState::parse(&node, *id)?;
            there.push((*id, state == SegmentState::Open));
            if state != SegmentState::Deleted {
                marks.push(catalog::mark_deleted(*id, &node));
            }
        }
        // Marked first, so that a file that is missing after a crash is known to be deleted, not lost.
        if let Outcome::Refused(_) = self.parts.metadata.commit(&marks).await? {
            return Err(Error::unavailable("a segment changed while it was being deleted; try again"));
        }
        let mut folders = BTreeMap::new();
        for (id, in_progress) in &there {
            let in_progress = *in_progress;
            let work = move |parts: &Parts, segment: Arc<Segment>| {
                // Nobody waits for the word of a segment that is complete; to make one takes space, which on a full
                // disk only this call can free.
                if in_progress {
                    segment.keep_word(parts.control.word(segment.id)?);
                }
                if let Some(word) = segment.word() {
                    word.delete();
                }
                segment.notify();
                segment.remove()?;
                parts.pool.forget(segment.id);
                Ok((segment.folder().to_owned(), segment))
            };
            folders.extend([self.blocking(*id, work).await?]);
        }
        // For good: once the metadata forgot them, nobody would remove a file that came back.
        for segment in folders.into_values() {
            self.parts.blocking(segment, |_, segment| segment.sync_folder()).await?;
        }
        self.parts.control.ring_all();
        Ok(there.into_iter().map(|(id, _)| catalog::forget(id)).collect())
    }
}

/// The writing end of a segment file.
struct FileSegmentWriter {
    parts: Arc<Parts>,
    slot: Arc<WriterSlot>,
}

#[async_trait]
impl SegmentWriter for FileSegmentWriter {
    fn wake(&self) {
        self.parts.committer.wake(&self.slot);
    }

    fn wake_and_work(&self) {
        self.parts.committer.wake_and_work(&self.slot);
    }

    async fn close(&self) -> Result<Closed> {
        self.slot.end(Error::closed("the segment was closed"));
        let work = |parts: &Parts, segment: Arc<Segment>| {
            let length = close_word(&parts.table.word(&segment)?)?;
            let (node, _) = parts.segment_node(segment.id)?;
            let entries = if length > FIRST_OFFSET { parts.settle(&segment, length)? } else { 0 };
            segment.notify();
            parts.control.ring(Bell::Data);
            let complete_ops = vec![catalog::complete(segment.id, &node, length, entries)];
            Ok(Closed { last_entry: entries.checked_sub(1), complete_ops })
        };
        self.parts.blocking(self.slot.segment.clone(), work).await
    }
}

impl Drop for FileSegmentWriter {
    fn drop(&mut self) {
        self.slot.end(Error::closed("the writer was dropped"));
    }
}
