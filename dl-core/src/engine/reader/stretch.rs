//! One segment as a reader passes through it: fetched in chunks, the next one while the caller consumes one.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::SegmentMetadata;
use crate::seams::Tasks;
use crate::store::{SegmentReader, Tail, TailState, Visibility};
use crate::telemetry::Telemetry;
use crate::types::Dlsn;

/// See the module.
pub(super) struct Stretch {
    pub(super) number: i64,
    pub(super) enveloped: bool,
    /// The sequence id of its first record, hugely negative where Java did not count; `None` until it is known.
    pub(super) first_sequence_id: Option<i64>,
    /// The position of the last record that was looked at.
    pub(super) last_position: Option<u32>,
    pub(super) reader: Arc<dyn SegmentReader>,
    /// What is known to be committed.
    pub(super) tail: Tail,
    /// Whether it gets no more entries, as the metadata or the segment behind it says.
    completed: bool,
    /// The segment behind it, if it is listed although this one was in progress.
    next: Option<Arc<dyn SegmentReader>>,
    /// The id of the first of `entries`.
    next_entry: u64,
    entries: VecDeque<Bytes>,
    /// The chunk behind `entries`, on its way.
    coming: Option<oneshot::Receiver<Result<Vec<Bytes>>>>,
    tasks: Arc<dyn Tasks>,
    telemetry: Arc<Telemetry>,
}

impl Stretch {
    /// Opens the segment at the entry of `from`, or the first if that is in another segment.
    pub(super) async fn open(
        engine: &Arc<Engine>,
        segment: &SegmentMetadata,
        from: Dlsn,
        first_sequence_id: Option<i64>,
    ) -> Result<Self> {
        let located = |error: Error| error.in_segment(segment.number);
        let reader = engine.stores.segments.open(segment.segment_id).await.map_err(located)?;
        let tail = reader.tail().await.map_err(located)?;
        let next_entry = if from.segment() == segment.number { from.entry() } else { 0 };
        Ok(Self {
            number: segment.number,
            enveloped: segment.enveloped(),
            first_sequence_id,
            last_position: None,
            reader,
            tail,
            completed: segment.is_completed(),
            next: None,
            next_entry: u64::try_from(next_entry).unwrap_or(0),
            entries: VecDeque::new(),
            coming: None,
            tasks: engine.seams.tasks.clone(),
            telemetry: engine.telemetry.clone(),
        })
    }

    /// The next entry that was fetched, with its id.
    pub(super) fn pop(&mut self) -> Option<(i64, Bytes)> {
        let bytes = self.entries.pop_front()?;
        let entry = i64::try_from(self.next_entry).unwrap_or(i64::MAX);
        self.next_entry += 1;
        Some((entry, bytes))
    }

    /// Sees to it that entries are there to pop; `false` if all that is known to be committed was popped.
    pub(super) async fn fetch(&mut self, chunk_bytes: usize) -> Result<bool> {
        if !self.entries.is_empty() {
            return Ok(true);
        }
        if self.next_entry >= self.tail.entries {
            return Ok(false);
        }
        let read = match &mut self.coming {
            None => {
                self.telemetry.metrics.read_ahead_misses.add(1);
                self.reader.read(self.next_entry, chunk_bytes).await
            }
            Some(coming) => {
                let ready = coming.try_recv();
                let hit = !matches!(ready, Err(TryRecvError::Empty));
                let count = if hit {
                    &self.telemetry.metrics.read_ahead_hits
                } else {
                    &self.telemetry.metrics.read_ahead_misses
                };
                count.add(1);
                let read = if hit { ready.ok() } else { coming.await.ok() };
                self.coming = None;
                read.unwrap_or_else(|| Err(Error::internal("reading ahead ended without an answer")))
            }
        };
        self.entries = read.map_err(|error| error.in_segment(self.number))?.into();
        if self.entries.is_empty() {
            return Err(Error::internal("the store has no entry where one is committed")
                .with("segment", self.number)
                .with("entry", self.next_entry));
        }
        self.read_ahead(chunk_bytes);
        Ok(true)
    }

    fn read_ahead(&mut self, chunk_bytes: usize) {
        let from = self.next_entry + self.entries.len() as u64;
        if from >= self.tail.entries {
            return;
        }
        let reader = self.reader.clone();
        let (send, coming) = oneshot::channel();
        self.coming = Some(coming);
        self.tasks.spawn(Box::pin(async move {
            // The reader may have moved on.
            let _unwanted = send.send(reader.read(from, chunk_bytes).await);
        }));
    }

    /// Whether it is complete and all of it was popped.
    pub(super) fn is_finished(&self) -> bool {
        let closed = self.completed || self.tail.state == TailState::Closed;
        closed && self.next_entry >= self.tail.entries && self.tail.state != TailState::Deleted
    }

    /// Looks at what is committed now; whether that is news.
    pub(super) async fn look(&mut self) -> Result<bool> {
        let tail = self.tail().await?;
        let news = tail != self.tail;
        self.tail = tail;
        Ok(news)
    }

    /// The segment behind it was listed.
    pub(super) async fn lies_before(&mut self, engine: &Engine, next: &SegmentMetadata) -> Result<()> {
        // Where readers see less than is committed, only the segment's end tells that this is all of it.
        let exact = engine.stores.segments.visibility() == Visibility::AtAck;
        if !exact || self.next.is_some() || self.completed {
            return Ok(());
        }
        match engine.stores.segments.open(next.segment_id).await {
            Ok(next) => self.next = Some(next),
            // Then so is this one, which says it better.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether its writer went on to the segment behind it, which gets entries only when this one gets no more. It may
    /// have left this one in progress, for a moment or, if it crashed, for good.
    pub(super) async fn is_left(&mut self) -> Result<bool> {
        let Some(next) = self.next.clone().filter(|_| !self.completed) else { return Ok(false) };
        let left = next.tail().await?.entries > 0;
        if left {
            self.complete().await?;
        }
        Ok(left)
    }

    /// Waits until there is news of it, or the segment behind it has entries. Cancelling it loses nothing.
    pub(super) async fn wait(&self) -> Result<Tail> {
        let next_begins = async {
            let Some(next) = &self.next else { return std::future::pending().await };
            let mut tail = next.tail().await?;
            while tail.entries == 0 {
                if tail.state == TailState::Deleted {
                    return std::future::pending().await;
                }
                tail = next.wait(tail).await?;
            }
            Ok(self.tail)
        };
        tokio::select! {
            biased;
            tail = self.reader.wait(self.tail) => tail,
            tail = next_begins => tail,
        }
    }

    /// It gets no more: what is committed now is all.
    pub(super) async fn complete(&mut self) -> Result<()> {
        self.tail = self.tail().await?;
        self.completed = true;
        Ok(())
    }

    async fn tail(&self) -> Result<Tail> {
        self.reader.tail().await.map_err(|error| error.in_segment(self.number))
    }

    /// The sequence id after its last record, once it was read to its end.
    pub(super) fn next_sequence_id(&self) -> Option<i64> {
        Some(self.first_sequence_id?.wrapping_add(self.last_position?.into()))
    }
}
