//! More records are brought within reach: the next entries of a segment, the next segment, or whatever comes next.

use super::stretch::Stretch;
use super::{End, ReaderCore, start};
use crate::engine::cursor::ReadLock;
use crate::engine::segments::{Segment, SegmentList};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::SegmentMetadata;
use crate::options::OnTruncated;
use crate::store::TailState;
use crate::types::Dlsn;

/// What [`ReaderCore::advance`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is something to look at.
    More,
    /// This is the end of the log for now.
    AtEnd,
}

impl ReaderCore {
    /// Brings more records within reach; at the end of the log, waits for more if `wait`. Cancelling it loses nothing.
    pub(crate) async fn advance(&mut self, wait: bool) -> Result<Step> {
        // Clones see the same, and leave the reader free to change.
        let (own, namespace) = (self.closing.clone(), self.engine.closing.clone());
        let lost = self.lock.as_ref().map(ReadLock::lost);
        let found = own.guard(namespace.guard(self.find_more(wait)));
        match lost {
            None => found.await,
            Some(lost) => tokio::select! {
                biased;
                found = found => found,
                error = lost => Err(error),
            },
        }
    }

    async fn find_more(&mut self, wait: bool) -> Result<Step> {
        loop {
            self.check_bound();
            if self.end.is_some() {
                return Ok(Step::More);
            }
            if let Some(error) = &self.damaged {
                return Err(error.clone());
            }
            if self.stretch.is_none() && !self.next_stretch().await? {
                if !wait {
                    return Ok(Step::AtEnd);
                }
                self.watch.changed().await;
                continue;
            }
            let Some(stretch) = &mut self.stretch else { continue };
            let chunk_bytes = usize::try_from(self.read_ahead_bytes / 2).unwrap_or(usize::MAX);
            match stretch.fetch(chunk_bytes).await {
                Ok(true) => {
                    self.know_sequence().await?;
                    return Ok(Step::More);
                }
                Ok(false) => {}
                Err(error) => {
                    self.lost(error).await?;
                    continue;
                }
            }
            if stretch.is_finished() {
                self.pass();
            } else if !self.look_further(wait).await? {
                return Ok(Step::AtEnd);
            }
        }
    }

    /// All that is known to be committed to the segment was read. Looks for more, and waits for it if `wait`; `false` if
    /// there is none.
    async fn look_further(&mut self, wait: bool) -> Result<bool> {
        let Some(stretch) = &mut self.stretch else { return Ok(true) };
        // Who waits on an open segment hears of whatever a look would find: on bookies that is several questions more.
        if !wait || stretch.tail.state != TailState::Open {
            match stretch.look().await {
                Ok(true) => return Ok(true),
                Ok(false) if stretch.tail.state != TailState::Deleted => {}
                Ok(false) => {
                    let gone =
                        Error::not_found("the segment was deleted; so was the log, or it was truncated");
                    return self.lost(gone).await.map(|()| true);
                }
                Err(error) => return self.lost(error).await.map(|()| true),
            }
        }
        // A segment whose writer was cut off is completed in the metadata before anything follows it.
        if stretch.tail.state == TailState::Fenced && self.completed_meanwhile().await? {
            return Ok(true);
        }
        let Some(stretch) = &mut self.stretch else { return Ok(true) };
        match stretch.is_left().await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => return self.lost(error).await.map(|()| true),
        }
        if !wait {
            return Ok(false);
        }
        let tail = tokio::select! {
            biased;
            tail = stretch.wait() => Some(tail),
            () = self.watch.changed() => None,
        };
        match tail {
            Some(Ok(tail)) => stretch.tail = tail,
            Some(Err(error)) => {
                let number = stretch.number;
                self.lost(error.in_segment(number)).await?;
            }
            None => drop(self.completed_meanwhile().await?),
        }
        Ok(true)
    }

    /// The segments of the log, if it is the one that the reader was opened on.
    async fn list(&self) -> Result<SegmentList> {
        SegmentList::read_of(&*self.engine.stores.metadata, &self.log, Some(self.incarnation)).await
    }

    /// Whether the metadata says that the segment was completed, or it is listed no more.
    async fn completed_meanwhile(&mut self) -> Result<bool> {
        let list = self.list().await?;
        let Some(stretch) = &mut self.stretch else { return Ok(true) };
        match list.iter().find(|segment| segment.metadata.number == stretch.number) {
            Some(segment) if !segment.metadata.is_completed() => {
                if let Some(next) = list.after(stretch.number) {
                    stretch.lies_before(&self.engine, &next.metadata).await?;
                }
                Ok(false)
            }
            Some(_) => {
                stretch.complete().await?;
                Ok(true)
            }
            None => {
                self.stretch = None;
                Ok(true)
            }
        }
    }

    /// Goes on behind the segment, which was read to its end.
    fn pass(&mut self) {
        if let Some(stretch) = self.stretch.take() {
            self.passed = stretch.next_sequence_id().map(|next| (stretch.number, next));
            self.position = self.position.max(Dlsn::new(stretch.number.saturating_add(1), 0, 0));
            self.seat.set(self.position);
        }
    }

    /// Opens the segment that holds the position, or the next there is, or ends where there will be none. `false` if
    /// there is none yet.
    async fn next_stretch(&mut self) -> Result<bool> {
        let list = self.list().await?;
        let on_truncated = if self.anywhere { OnTruncated::Skip } else { self.on_truncated };
        // Who has read everything misses nothing of what was truncated.
        let position = list.past_ends(self.position);
        let beginning = start::beginning(&self.engine);
        self.position = start::above_truncation(&self.log, &list, position, on_truncated, beginning)?;
        // Segments that Java wrote without a number have no positions.
        let holds = |segment: &&Segment| segment.metadata.number >= self.position.segment().max(1);
        let Some(segment) = list.readable().iter().find(holds) else {
            // The end of the stream may lie below the position, or be truncated.
            if list.is_sealed() {
                self.end = Some(End::Sealed);
            }
            return Ok(self.end.is_some());
        };
        let metadata = &segment.metadata;
        self.position = self.position.max(metadata.first_dlsn());
        self.seat.set(self.position);
        let passed = self.passed.filter(|(number, _)| *number == metadata.number - 1).map(|(_, next)| next);
        let first = list.first_sequence_id(metadata).or(passed);
        let opened = async {
            let mut stretch = Stretch::open(&self.engine, metadata, self.position, first).await?;
            if let Some(next) = list.after(metadata.number) {
                stretch.lies_before(&self.engine, &next.metadata).await?;
            }
            Ok(stretch)
        };
        match opened.await {
            Ok(stretch) => self.stretch = Some(stretch),
            Err(error) => self.lost(error).await?,
        }
        Ok(true)
    }

    /// Finds out the sequence ids of a segment whose predecessor was not completed when it was opened. Now that it has
    /// records, its predecessor gets no more.
    async fn know_sequence(&mut self) -> Result<()> {
        if let Some(stretch) = self.stretch.as_mut().filter(|stretch| stretch.first_sequence_id.is_none()) {
            let first = start::sequence_id_of(&self.engine, &self.log, stretch.number).await?;
            stretch.first_sequence_id = Some(first);
        }
        Ok(())
    }

    /// A segment is gone under the reader: it was truncated, or the log was deleted.
    ///
    /// # Errors
    /// The given error, unless a truncation explains it; then the next look at the list says what to do.
    async fn lost(&mut self, error: Error) -> Result<()> {
        if error.kind() != ErrorKind::NotFound {
            let error = error.with("log", &self.log);
            self.engine.telemetry.corrupt(&error);
            return Err(error);
        }
        let list = self.list().await?;
        if list.first_readable() <= self.position {
            return Err(error.with("log", &self.log));
        }
        // Behind the last record of a user nothing is missed: there are at most control records.
        let is_read = |stretch: &Stretch, segment: &SegmentMetadata| {
            let records = segment.completed.map(|completed| completed.records);
            segment.number == stretch.number && records.is_some() && stretch.last_position == records
        };
        if let Some(stretch) = &self.stretch
            && list.iter().any(|segment| is_read(stretch, &segment.metadata))
        {
            self.pass();
            return Ok(());
        }
        self.stretch = None;
        Ok(())
    }
}
