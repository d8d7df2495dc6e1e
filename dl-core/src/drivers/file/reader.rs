//! Reading a segment file: what is committed, from the page cache, each entry checked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::catalog::{self, SegmentState};
use super::frame::{FRAME_BYTES, FrameHead};
use super::index::Place;
use super::io;
use super::segment::{FIRST_OFFSET, Segment};
use super::segments::{Parts, entries};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{SegmentReader, Tail, TailState};

/// The reading end of a segment file.
pub(super) struct FileSegmentReader {
    parts: Arc<Parts>,
    segment: Arc<Segment>,
    /// Where the entry after the last one read is.
    next: Mutex<Option<Place>>,
}

/// How far a segment is committed, in bytes of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extent {
    length: u64,
    state: TailState,
    /// The number of entries, where the metadata knows it.
    entries: Option<u64>,
}

impl FileSegmentReader {
    pub(super) fn new(parts: Arc<Parts>, segment: Arc<Segment>) -> Self {
        Self { parts, segment, next: Mutex::default() }
    }

    /// The number of entries committed; walks over those that this process has not seen yet.
    async fn count(&self, extent: Extent) -> Result<Tail> {
        let known = self.segment.index().end();
        let entries = match extent.entries {
            Some(entries) => entries,
            None if known.offset == extent.length => known.entry,
            None => {
                let work = move |_: &Parts, segment: Arc<Segment>| entries(&segment, extent.length);
                self.parts.blocking(self.segment.clone(), work).await?.entry
            }
        };
        Ok(Tail { entries, state: extent.state })
    }
}

/// How far a segment is committed. Blocks only if nobody needed its word before.
fn extent(parts: &Parts, segment: &Segment) -> Result<Extent> {
    let found = known_extent(parts, segment);
    match &found {
        // Its file may have gone since the metadata was asked, with the segment.
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let open = parts.metadata.segment_state(segment.id)? == Some(SegmentState::Open);
            if open { found } else { known_extent(parts, segment) }
        }
        _ => found,
    }
}

fn known_extent(parts: &Parts, segment: &Segment) -> Result<Extent> {
    let gone = Extent { length: 0, state: TailState::Deleted, entries: Some(0) };
    // The word first: it is at hand, and a segment that is being written has one.
    if let Some(word) = segment.word().map(|cell| cell.load()).filter(|word| word.is_made() && word.is_open())
    {
        return Ok(Extent { length: word.length(), state: TailState::Open, entries: None });
    }
    let Some(node) = parts.metadata.node(&catalog::path(segment.id))? else { return Ok(gone) };
    match SegmentState::parse(&node, segment.id)? {
        SegmentState::Deleted => Ok(gone),
        SegmentState::Closed { length, entries } => {
            Ok(Extent { length, state: TailState::Closed, entries: Some(entries) })
        }
        SegmentState::Open if parts.metadata.is_read_only() => {
            // What others acknowledge now is in a word that they made; if none did, the file's own head tells.
            let word = match segment.word() {
                Some(cell) => Some(cell.load()),
                None => parts.table.peek_word(segment)?,
            };
            let length = match word.filter(|word| word.is_made()) {
                Some(word) => word.length(),
                None => segment.durable_length()?,
            };
            Ok(Extent { length, state: TailState::Open, entries: None })
        }
        SegmentState::Open => {
            let word = parts.table.word(segment)?.load();
            let state = match word {
                word if word.is_deleted() => return Ok(gone),
                word if word.is_fenced() => TailState::Fenced,
                word if word.is_closed() => TailState::Closed,
                _ => TailState::Open,
            };
            Ok(Extent { length: word.length(), state, entries: None })
        }
    }
}

#[async_trait]
impl SegmentReader for FileSegmentReader {
    async fn tail(&self) -> Result<Tail> {
        let extent = self.parts.blocking_extent(&self.segment).await?;
        self.count(extent).await
    }

    async fn wait(&self, known: Tail) -> Result<Tail> {
        let _listening = self.parts.bell.listen(&*self.parts.seams.tasks)?;
        let mut changed = self.segment.subscribe();
        loop {
            let tail = self.tail().await?;
            if tail != known {
                return Ok(tail);
            }
            if changed.changed().await.is_err() {
                return Err(Error::closed("the namespace was closed"));
            }
        }
    }

    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>> {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let extent = self.parts.blocking_extent(&self.segment).await?;
        if extent.state == TailState::Deleted {
            return Err(Error::not_found("the segment was deleted").with("segment_id", self.segment.id));
        }
        let work = move |_: &Parts, segment: Arc<Segment>| {
            let start = match next.filter(|next| next.entry == from) {
                Some(next) => next,
                None => match locate(&segment, from, extent.length)? {
                    Some(place) => place,
                    None => return Ok((Vec::new(), None)),
                },
            };
            read_frames(&segment, start, extent.length, budget).map(|(entries, next)| (entries, Some(next)))
        };
        let (entries, next) = self.parts.blocking(self.segment.clone(), work).await?;
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(entries)
    }

    async fn bytes(&self) -> Result<u64> {
        let extent = self.parts.blocking_extent(&self.segment).await?;
        if extent.state == TailState::Deleted {
            return Err(Error::not_found("the segment was deleted").with("segment_id", self.segment.id));
        }
        Ok(extent.length.saturating_sub(FIRST_OFFSET))
    }
}

impl Parts {
    /// [`extent`], on a thread that may block if need be.
    async fn blocking_extent(self: &Arc<Self>, segment: &Arc<Segment>) -> Result<Extent> {
        self.check_open()?;
        if segment.word().is_some_and(|cell| cell.load().is_made()) {
            return extent(self, segment);
        }
        self.blocking(segment.clone(), |parts, segment| extent(parts, &segment)).await
    }
}

/// Where a committed entry is; `None` if it is not committed.
fn locate(segment: &Segment, entry: u64, length: u64) -> Result<Option<Place>> {
    if segment.index().end().entry < entry {
        entries(segment, length)?;
    }
    let near = segment.index().nearest(entry);
    if near.offset >= length || near.entry > entry {
        return Ok(None);
    }
    let Some(file) = segment.for_reading()? else { return Err(segment.gone(near.offset)) };
    let mut found = (near.entry == entry).then_some(near);
    if found.is_none() {
        let end = segment.walk(&*file, near, length, |place, _| {
            if place.entry == entry {
                found = Some(place);
            }
            Ok(())
        })?;
        if found.is_none() && end.entry <= entry && end.offset < length {
            return Err(damaged(segment, end));
        }
    }
    Ok(found)
}

/// Reads whole frames from a place on: as many as fit into the budget, but one at least if any is committed.
fn read_frames(segment: &Segment, start: Place, length: u64, budget: usize) -> Result<(Vec<Bytes>, Place)> {
    let left = usize::try_from(length.saturating_sub(start.offset)).unwrap_or(usize::MAX);
    if left == 0 {
        return Ok((Vec::new(), start));
    }
    let Some(file) = segment.for_reading()? else { return Err(segment.gone(start.offset)) };
    let failed = |error| io::failed(error, "reading a segment file", segment.path());
    let mut wanted = budget.max(FRAME_BYTES).min(left);
    loop {
        let mut buffer = vec![0; wanted];
        let read = file.read_at(&mut buffer, start.offset).map_err(failed)?;
        buffer.truncate(read);
        let buffer = Bytes::from(buffer);
        let (entries, next) = split(segment, &buffer, start, length)?;
        if !entries.is_empty() {
            segment_index(segment, start, &entries);
            return Ok((entries, next));
        }
        // The first frame is longer than the budget: it is read by itself.
        match FrameHead::parse(&buffer) {
            Some(head) if head.entry == start.entry && FRAME_BYTES + head.length > wanted => {
                let whole = FRAME_BYTES + head.length;
                if read < wanted || whole > left {
                    return Err(damaged(segment, start));
                }
                wanted = whole;
            }
            _ => return Err(damaged(segment, start)),
        }
    }
}

/// Splits what was read into entries; the last frame may be cut off by the end of the buffer. Those in front of damage
/// are given first: the next read meets it again.
fn split(segment: &Segment, buffer: &Bytes, start: Place, length: u64) -> Result<(Vec<Bytes>, Place)> {
    let mut entries = Vec::new();
    let mut at = start;
    let mut used = 0;
    while at.offset < length && used < buffer.len() {
        let entry = match whole_entry(segment, &buffer.slice(used..), at, length) {
            Ok(Some(entry)) => entry,
            Err(error) if entries.is_empty() => return Err(error),
            Ok(None) | Err(_) => break,
        };
        let frame = FRAME_BYTES + entry.len();
        entries.push(entry);
        at = Place { entry: at.entry + 1, offset: at.offset + frame as u64 };
        used += frame;
    }
    Ok((entries, at))
}

/// The entry of the frame that the buffer begins with; `None` if the buffer ends inside it.
fn whole_entry(segment: &Segment, buffer: &Bytes, at: Place, length: u64) -> Result<Option<Bytes>> {
    let Some(head) = FrameHead::parse(buffer) else {
        return if buffer.len() < FRAME_BYTES { Ok(None) } else { Err(damaged(segment, at)) };
    };
    if head.entry != at.entry || at.offset + head.frame_bytes() > length {
        return Err(damaged(segment, at));
    }
    let end = FRAME_BYTES + head.length;
    if end > buffer.len() {
        return Ok(None);
    }
    let entry = buffer.slice(FRAME_BYTES..end);
    if segment.seed.verify(at.offset, &head, &entry) { Ok(Some(entry)) } else { Err(damaged(segment, at)) }
}

/// Remembers where the entries are that were just read, if that continues what is known.
fn segment_index(segment: &Segment, start: Place, read: &[Bytes]) {
    let mut index = segment.index();
    let mut at = start;
    for entry in read {
        at = Place { entry: at.entry + 1, offset: at.offset + (FRAME_BYTES + entry.len()) as u64 };
        index.extend(at);
    }
}

fn damaged(segment: &Segment, at: Place) -> Error {
    io::corrupt("an acknowledged entry is not what was written", segment.path(), at.offset)
        .with("entry", at.entry)
}
