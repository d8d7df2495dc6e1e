//! The segments in use by this process, and how each gets its commit word.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::control::Control;
use super::index::Place;
use super::io;
use super::layout::Layout;
use super::names::Names;
use super::segment::{FIRST_OFFSET, Segment};
use super::word::{Word, WordCell};
use crate::error::Result;
use crate::seams::Files;
use crate::types::SegmentId;

/// One [`Segment`] for each id in use, shared by all who use it in this process.
pub(super) struct SegmentTable {
    files: Arc<dyn Files>,
    names: Arc<Names>,
    layout: Layout,
    namespace: u64,
    control: Arc<Control>,
    segments: Mutex<BTreeMap<SegmentId, Weak<Segment>>>,
}

impl SegmentTable {
    pub(super) fn new(files: Arc<dyn Files>, layout: Layout, namespace: u64, control: Arc<Control>) -> Self {
        Self { files, names: Arc::default(), layout, namespace, control, segments: Mutex::default() }
    }

    /// The segment with this id, which need not exist on disk.
    pub(super) fn segment(&self, id: SegmentId) -> Arc<Segment> {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(segment) = segments.get(&id).and_then(Weak::upgrade) {
            return segment;
        }
        if segments.len().is_power_of_two() {
            segments.retain(|_, segment| segment.strong_count() > 0);
        }
        let segment =
            Arc::new(Segment::new(self.files.clone(), self.names.clone(), &self.layout, self.namespace, id));
        segments.insert(id, Arc::downgrade(&segment));
        segment
    }

    /// Every segment in use.
    pub(super) fn in_use(&self) -> Vec<Arc<Segment>> {
        let segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.values().filter_map(Weak::upgrade).collect()
    }

    /// Makes the word of a segment that is about to be created.
    pub(super) fn make_word(&self, segment: &Segment) -> Result<WordCell> {
        let cell = segment.keep_word(self.control.word(segment.id)?);
        cell.make(Word::open(FIRST_OFFSET));
        Ok(cell.clone())
    }

    /// The word of a segment in progress. If nobody needed it since the control file was made, it is made from the
    /// file: the unbroken run of entries behind the durable length is made durable first (rule F8). Blocks.
    pub(super) fn word(&self, segment: &Segment) -> Result<WordCell> {
        let cell = segment.keep_word(self.control.word(segment.id)?).clone();
        if !cell.load().is_made() {
            let end = restore(segment)?;
            cell.make(Word::open(end));
        }
        Ok(cell)
    }

    /// The word of a segment in progress as it is now, if somebody made it; for handles that only read.
    pub(super) fn peek_word(&self, segment: &Segment) -> Result<Option<Word>> {
        let cell = self.control.word_if_there(segment.id)?;
        Ok(cell.map(|cell| segment.keep_word(cell).load()))
    }

    /// Makes the word of a segment whose end the first opener found.
    pub(super) fn set_word(&self, segment: &Segment, end: u64) -> Result<()> {
        segment.keep_word(self.control.word(segment.id)?).make(Word::open(end));
        Ok(())
    }
}

/// Makes every whole entry of a segment in progress durable and answers where the last one ends. Nobody is writing it.
pub(super) fn restore(segment: &Segment) -> Result<u64> {
    let from = segment.durable_length()?;
    let file = segment.for_reading()?.ok_or_else(|| segment.gone(from))?;
    let Some(first) = segment.place_at(&*file, from)? else { return Ok(from) };
    let size = file.size().map_err(|error| io::failed(error, "reading a segment file", segment.path()))?;
    let mut writable = None;
    let end = segment.walk(&*file, first, size, |place, frame| {
        let file = match &writable {
            Some(file) => file,
            None => writable.insert(segment.for_writing()?),
        };
        // What was read may be in memory only, since a sync that failed: writing it again makes the next one count.
        let written = file.write_at(&[frame], place.offset);
        written.map_err(|error| io::failed(error, "writing to a segment again", segment.path()))
    })?;
    if end.offset > from {
        sync_then_record(segment, end)?;
    }
    Ok(end.offset)
}

/// The entries first, then the head that vouches for them.
fn sync_then_record(segment: &Segment, end: Place) -> Result<()> {
    let file = segment.for_writing()?;
    segment.sync(&mut segment.durable(), &*file)?;
    segment.make_durable(end.offset, |_| Ok(()))
}
