//! The read path: across segments, from entries to records.
//!
//! [`ReaderCore::ready`] hands out what needs no waiting; when it has nothing, [`ReaderCore::advance`] brings more within
//! reach: the next chunk of entries of the segment being read (a [`stretch`]), the next segment, or, when following,
//! whatever comes next. [`start`] finds out where to begin.

mod seat;
mod start;
mod stretch;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::format::{EntryRecords, Place, RawRecord, RecordKind, open_entry};
use crate::metadata::{SegmentMetadata, Watch, sequence_id};
use crate::options::{OnTruncated, ReaderOptions, Start};
use crate::store::TailState;
use crate::types::{CursorName, Dlsn, LogName, Record, RecordView};

use super::cursor::{CursorCore, ReadLock};
use super::layout::LogPaths;
use super::roster::Entered;
use super::scan::locate;
use super::segments::{Segment, SegmentList};
use super::{Closing, Engine, layout};
pub(crate) use seat::Seat;
use seat::Tally;
use stretch::Stretch;

/// How a reader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// It delivered what it was bounded to: the last position or the number of records.
    Bound,
    /// It reached the end of the log, and does not follow.
    End,
    /// It reached the end of a log that was sealed: nothing will ever follow.
    Sealed,
}

/// See the module.
pub(crate) struct ReaderCore {
    engine: Arc<Engine>,
    log: LogName,
    incarnation: u64,
    closing: Closing,
    /// That of a locked reader, until it is closed.
    lock: Option<ReadLock>,
    cursor: Option<CursorCore>,
    follow: bool,
    until: Option<Dlsn>,
    /// How many records may still be delivered.
    left: Option<u64>,
    /// Records are skipped until one has at least this txid.
    from_txid: Option<i64>,
    on_truncated: OnTruncated,
    /// Whether it starts behind a cursor, and a set of which that leaves members is delivered whole.
    resumes_sets: bool,
    /// Whether it starts wherever the log does, and has not started.
    anywhere: bool,
    /// Whether record sets are delivered as they are.
    whole_record_sets: bool,
    /// Bytes fetched at once; two such chunks may be held.
    chunk_bytes: usize,
    /// Everything below was delivered or passed.
    position: Dlsn,
    stretch: Option<Stretch>,
    /// The entry whose records are being delivered.
    entry: Option<OpenEntry>,
    /// The segment that was read to its end last, and the sequence id after its last record.
    passed: Option<(i64, i64)>,
    watch: Watch,
    end: Option<End>,
    /// Why an entry cannot be decoded, so that nothing behind it may be delivered.
    damaged: Option<Error>,
    tally: Tally,
    seat: Arc<Seat>,
    _listed: Entered<Seat>,
}

struct OpenEntry {
    records: EntryRecords,
    entry: i64,
}

/// What [`ReaderCore::advance`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is something to look at.
    More,
    /// This is the end of the log for now.
    AtEnd,
}

impl ReaderCore {
    pub(crate) async fn open(engine: &Arc<Engine>, log: &LogName, options: &ReaderOptions) -> Result<Self> {
        let name = options.cursor.as_deref().map(CursorName::new).transpose()?;
        if !options.locked {
            let (cursor, processed) = match &name {
                None => (None, None),
                Some(name) => {
                    let cursor = CursorCore::open(engine, log, name).await?;
                    let processed = cursor.position().await?;
                    (Some(cursor), processed)
                }
            };
            return Self::start(engine, log, options, cursor, processed).await;
        }
        let lock = ReadLock::take(engine, log, name.as_ref(), options.takeover).await?;
        let started = async {
            let (cursor, processed) = match &name {
                None => (None, None),
                Some(name) => lock.claim(name).await.map(|(cursor, processed)| (Some(cursor), processed))?,
            };
            Self::start(engine, log, options, cursor, processed).await
        };
        match started.await {
            Ok(reader) => Ok(Self { lock: Some(lock), ..reader }),
            Err(error) => {
                // Not in the background: the caller's next try is not to find this one.
                let _best_effort = lock.release().await;
                Err(error)
            }
        }
    }

    /// Starts behind the record that was processed last, or else where the options say.
    async fn start(
        engine: &Arc<Engine>,
        log: &LogName,
        options: &ReaderOptions,
        cursor: Option<CursorCore>,
        processed: Option<Dlsn>,
    ) -> Result<Self> {
        let watch = engine.stores.metadata.watch(&LogPaths::new(log).ledgers())?;
        let incarnation = layout::incarnation(&*engine.stores.metadata, log).await?;
        let position = start::find(engine, log, options, processed).await?;
        let from = processed.map_or(options.from, Start::Dlsn);
        let from_txid = match from {
            Start::Txid(txid) => Some(txid.get()),
            Start::Earliest | Start::Latest | Start::Dlsn(_) => None,
        };
        let seat = Arc::new(Seat::new(log.clone()));
        seat.set(position);
        Ok(Self {
            engine: engine.clone(),
            log: log.clone(),
            incarnation,
            closing: Closing::new("reader"),
            lock: None,
            cursor,
            follow: options.follow,
            until: options.until,
            left: options.count,
            from_txid,
            on_truncated: options.on_truncated,
            resumes_sets: processed.is_some() && options.whole_record_sets,
            anywhere: from == Start::Earliest,
            whole_record_sets: options.whole_record_sets,
            chunk_bytes: usize::try_from(options.read_ahead_bytes / 2).unwrap_or(usize::MAX),
            position,
            stretch: None,
            entry: None,
            passed: None,
            watch,
            end: None,
            damaged: None,
            tally: Tally::new(engine.telemetry.clone()),
            _listed: engine.readers.enter(&seat),
            seat,
        })
    }

    pub(crate) fn position(&self) -> Dlsn {
        self.position
    }

    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    pub(crate) fn follows(&self) -> bool {
        self.follow
    }

    pub(crate) fn closing(&self) -> &Closing {
        &self.closing
    }

    /// # Errors
    /// `fenced` if this is a locked reader, and its lock is lost. Inlined, since most readers have none.
    #[inline]
    pub(crate) async fn check_lock(&self) -> Result<()> {
        match &self.lock {
            None => Ok(()),
            Some(lock) => self.closing.guard(self.engine.closing.guard(lock.check())).await,
        }
    }

    /// The lock, which is not this reader's any more.
    pub(crate) fn take_lock(&mut self) -> Option<ReadLock> {
        self.lock.take()
    }

    pub(crate) fn cursor(&self) -> Option<&CursorCore> {
        self.cursor.as_ref()
    }

    /// Counts a call that failed.
    pub(crate) fn failed_call(&self, error: &Error) {
        self.engine.telemetry.metrics.failed_calls.add(error.kind(), 1);
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The next record, if it can be had without waiting.
    #[inline]
    pub(crate) fn ready(&mut self) -> Result<Option<Record>> {
        let Some((found, place)) = self.find_ready()? else { return Ok(None) };
        let RecordView { dlsn, txid, sequence_id, record_set, .. } = found;
        let payload = self.entry.as_ref().map(|open| open.records.share(place)).unwrap_or_default();
        Ok(Some(Record { dlsn, txid, sequence_id, payload, record_set }))
    }

    /// Adds records that can be had without waiting, up to `max`, and answers how many. Not inlined, so that the loop is
    /// compiled here, as a whole, and equally fast whoever calls it.
    ///
    /// # Errors
    /// Those of the first record. What lies in front of damage is read, and the next call meets the damage again.
    #[inline(never)]
    pub(crate) fn take_ready(&mut self, max: usize, records: &mut Vec<Record>) -> Result<usize> {
        until_damage(max, || Ok(self.ready()?.map(|record| records.push(record)).is_some()))
    }

    /// Shows records that can be had without waiting, as [`take_ready`](Self::take_ready) adds them.
    ///
    /// # Errors
    /// As [`take_ready`](Self::take_ready).
    pub(crate) fn show_ready(&mut self, max: usize, mut visit: impl FnMut(RecordView<'_>)) -> Result<usize> {
        until_damage(max, || {
            let Some((found, place)) = self.find_ready()? else { return Ok(false) };
            let payload = self.entry.as_ref().map(|open| open.records.payload(&place)).unwrap_or_default();
            visit(RecordView { payload, ..found });
            Ok(true)
        })
    }

    /// The next record that is for the caller and can be had without waiting, without its payload, and where in the open entry
    /// that is.
    #[inline]
    fn find_ready(&mut self) -> Result<Option<(RecordView<'static>, Place)>> {
        self.closing.check()?;
        self.engine.closing.check()?;
        while self.end.is_none() {
            let Some(open) = &mut self.entry else {
                if self.open_entry()? {
                    continue;
                }
                return Ok(None);
            };
            match open.records.find() {
                Some(Ok(raw)) => {
                    let entry = open.entry;
                    if let Some(found) = self.deliver(entry, &raw) {
                        return Ok(Some((found, raw.payload)));
                    }
                }
                Some(Err(error)) => {
                    let entry = open.entry;
                    return Err(self.damage(error, entry));
                }
                None => self.leave_entry(),
            }
        }
        Ok(None)
    }

    /// Turns a record into what the caller gets, without its payload, if it is for the caller.
    #[inline]
    fn deliver(&mut self, entry: i64, raw: &RawRecord<Place>) -> Option<RecordView<'static>> {
        let stretch = self.stretch.as_mut()?;
        let dlsn = Dlsn::new(stretch.number, entry, raw.slot.into());
        stretch.last_position = Some(raw.position.saturating_add(raw.slots.saturating_sub(1)));
        match raw.kind {
            RecordKind::User | RecordKind::RecordSet => {}
            RecordKind::Control => return None,
            RecordKind::EndOfStream => {
                self.end = Some(End::Sealed);
                return None;
            }
        }
        if dlsn < self.position || self.from_txid.is_some_and(|from| raw.txid < from) {
            return None;
        }
        if self.until.is_some_and(|until| dlsn > until) {
            self.end = Some(End::Bound);
            return None;
        }
        let sequence_id = stretch.first_sequence_id.and_then(|first| sequence_id(first, raw.position));
        self.from_txid = None;
        self.anywhere = false;
        self.position = Dlsn::new(stretch.number, entry, i64::from(raw.slot) + i64::from(raw.slots));
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        self.tally.records += 1;
        self.tally.bytes += raw.payload.len() as u64;
        self.check_bound();
        let record_set = raw.kind == RecordKind::RecordSet;
        Some(RecordView { dlsn, txid: raw.txid, sequence_id, payload: &[], record_set })
    }

    /// Ends the reader when it delivered all that it was bounded to.
    #[inline]
    fn check_bound(&mut self) {
        if self.left == Some(0) || self.until.is_some_and(|until| self.position > until) {
            self.end.get_or_insert(End::Bound);
        }
    }

    /// Opens the next entry that was fetched; `false` if there is none.
    fn open_entry(&mut self) -> Result<bool> {
        if let Some(error) = &self.damaged {
            return Err(error.clone());
        }
        let Some(stretch) = &mut self.stretch else { return Ok(false) };
        let Some((entry, bytes)) = stretch.pop() else { return Ok(false) };
        let here = (self.position.segment(), self.position.entry()) == (stretch.number, entry);
        let slot = if here { u32::try_from(self.position.slot()).unwrap_or(0) } else { 0 };
        let (whole_sets, resumes_sets) = (self.whole_record_sets, self.resumes_sets);
        let opened = open_entry(bytes, stretch.enveloped).and_then(|area| {
            let mut records = EntryRecords::new(area).whole_sets(whole_sets);
            let first = if resumes_sets {
                records.skip_to_record(slot)?
            } else {
                records.skip_to(slot).map(|()| slot)?
            };
            Ok((records, first))
        });
        let (records, first) = opened.map_err(|error| self.damage(error, entry))?;
        if first < slot {
            self.position = Dlsn::new(self.position.segment(), entry, first.into());
        }
        self.entry = Some(OpenEntry { records, entry });
        Ok(true)
    }

    fn leave_entry(&mut self) {
        if let Some((open, stretch)) = self.entry.take().zip(self.stretch.as_ref()) {
            self.position = self.position.max(Dlsn::new(stretch.number, open.entry + 1, 0));
        }
        self.tally.count();
        self.seat.set(self.position);
    }

    #[cold]
    fn damage(&mut self, error: Error, entry: i64) -> Error {
        let number = self.stretch.as_ref().map_or(0, |stretch| stretch.number);
        let error = locate(error, &self.log, number).with("entry", entry);
        self.entry = None;
        self.damaged = Some(error.clone());
        self.engine.telemetry.corrupt(&error);
        error
    }

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

    /// This is the end, for a reader that does not follow.
    pub(crate) fn stop(&mut self) {
        self.end.get_or_insert(End::End);
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
            match stretch.fetch(self.chunk_bytes).await {
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

/// Counts how often `take` took something, up to `max`. An error counts only if it is the first thing.
#[inline]
fn until_damage(max: usize, mut take: impl FnMut() -> Result<bool>) -> Result<usize> {
    let mut taken = 0;
    while taken < max {
        match take() {
            Ok(true) => taken += 1,
            Err(error) if taken == 0 => return Err(error),
            Ok(false) | Err(_) => break,
        }
    }
    Ok(taken)
}
