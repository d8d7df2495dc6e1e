//! Records that need no waiting: from entries that were fetched to what the caller gets.

use super::{End, OpenEntry, ReaderCore};
use crate::engine::scan::locate;
use crate::error::{Error, Result};
use crate::format::{EntryRecords, Place, RawRecord, RecordKind, open_entry};
use crate::metadata::sequence_id;
use crate::types::{Dlsn, Record, RecordBatch, RecordView};

impl ReaderCore {
    /// The next record, if it can be had without waiting.
    #[inline]
    pub(crate) fn ready(&mut self) -> Result<Option<Record>> {
        let Some((found, place)) = self.find_ready()? else { return Ok(None) };
        let RecordView { dlsn, txid, sequence_id, record_set, .. } = found;
        let payload = self.entry.as_ref().map(|open| open.records.share(place)).unwrap_or_default();
        Ok(Some(Record { dlsn, txid, sequence_id, payload, record_set }))
    }

    /// Adds records that can be had without waiting to a batch, until it has `max`. Not inlined, so that the loop is compiled here,
    /// as a whole, and equally fast whoever calls it.
    ///
    /// # Errors
    /// Those of the first record. What lies in front of damage is read, and the next call meets the damage again.
    #[inline(never)]
    pub(crate) fn batch_ready(&mut self, max: usize, batch: &mut RecordBatch) -> Result<()> {
        while batch.len() < max {
            if self.push_plain(batch) {
                continue;
            }
            match self.find_ready() {
                Ok(Some((found, place))) => {
                    let Some(open) = &self.entry else { break };
                    let (memory, place) = open.records.memory(&place);
                    batch.push(found, memory, place);
                }
                Err(error) if batch.is_empty() => return Err(error),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Adds the next record to a batch if it is an ordinary one of the entry that is open. What takes all that a record can be
    /// into account is slower by half, and has the others.
    #[inline]
    fn push_plain(&mut self, batch: &mut RecordBatch) -> bool {
        if self.end.is_some() || self.closing.is_closed() || self.engine.closing.is_closed() {
            return false;
        }
        let Some(open) = &mut self.entry else { return false };
        let Some(raw) = open.records.plain() else { return false };
        let entry = open.entry;
        if let Some(found) = self.deliver(entry, &raw, raw.payload.len())
            && let Some(open) = &self.entry
        {
            batch.push(found, open.records.area(), raw.payload);
        }
        true
    }

    /// # Errors
    /// `closed` if the reader is, or its namespace.
    #[inline]
    pub(crate) fn check_open(&self) -> Result<()> {
        self.closing.check()?;
        self.engine.closing.check()
    }

    /// The next record that is for the caller and can be had without waiting, without its payload, and where in the open entry
    /// that is.
    #[inline]
    fn find_ready(&mut self) -> Result<Option<(RecordView<'static>, Place)>> {
        self.check_open()?;
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
                    if let Some(found) = self.deliver(entry, &raw, raw.payload.len()) {
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
    fn deliver<P>(&mut self, entry: i64, raw: &RawRecord<P>, bytes: usize) -> Option<RecordView<'static>> {
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
        self.tally.bytes += bytes as u64;
        self.check_bound();
        let record_set = raw.kind == RecordKind::RecordSet;
        Some(RecordView { dlsn, txid: raw.txid, sequence_id, payload: &[], record_set })
    }

    /// Ends the reader when it delivered all that it was bounded to.
    #[inline]
    pub(super) fn check_bound(&mut self) {
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
}
