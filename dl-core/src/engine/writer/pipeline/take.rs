//! Out of the pipeline: which entry the store gets next.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::{CONTROL_PAYLOAD, EntryBuilder, RecordKind};
use crate::types::RECORD_HEADER_BYTES;

use super::super::hooks::NextEntry;
use super::super::queue::{EntryKind, QueuedEntry};
use super::super::room::Usage;
use super::{Current, Effects, Part, Pipeline, Taken, TakenEntry};

impl Pipeline {
    /// The entry that segment `number` gets next, if one waits for it.
    pub(crate) fn take(&mut self, number: i64, effects: &mut Effects) -> Option<Taken> {
        let taken = self.take_next(number, effects).unwrap_or_else(|error| {
            self.break_off(error, effects);
            None
        });
        if taken.is_none()
            && let Some(segment) = self.segment.as_mut().filter(|segment| segment.number == number)
        {
            segment.awake = false;
        }
        taken
    }

    fn take_next(&mut self, number: i64, effects: &mut Effects) -> Result<Option<Taken>> {
        let void = self.taken.front().is_some_and(|entry| entry.void);
        let elsewhere = self.segment.as_ref().is_none_or(|segment| segment.number != number);
        if elsewhere || void || self.broken.is_some() {
            return Ok(None);
        }
        // With the first entry behind it, so that nothing asks for space again and again on a full disk.
        let begins = self.queue_front().is_some();
        let segment = self.segment.as_mut().filter(|_| begins);
        if let Some(payload) = segment.and_then(|segment| segment.opening.take()) {
            return self.take_control(payload.clone(), Part::Opening(payload)).map(Some);
        }
        while let Some(entry) = self.queue_front() {
            match entry.kind {
                EntryKind::Whole(Some(_)) if !self.taken.is_empty() => return Ok(None),
                EntryKind::Whole(Some(condition)) if !condition.holds(self.last) => {
                    self.refuse_front(effects)
                }
                _ => return self.take_front(),
            }
        }
        if self.settings.publish
            && self.taken.is_empty()
            && self.queue.is_empty()
            && self.segment.as_ref().is_some_and(|segment| segment.unpublished)
        {
            return self.take_control(Bytes::from_static(CONTROL_PAYLOAD), Part::Publish).map(Some);
        }
        Ok(None)
    }

    /// The first queued entry, if the segment still gets it.
    fn queue_front(&self) -> Option<&QueuedEntry> {
        let ended = self.segment.as_ref().is_none_or(Current::is_ended);
        self.queue.front().filter(|_| !ended)
    }

    fn pop_front(&mut self) -> Option<QueuedEntry> {
        if let Some(segment) = &mut self.segment {
            segment.left_queue();
        }
        self.queue.pop()
    }

    fn take_front(&mut self) -> Result<Option<Taken>> {
        let Some(mut entry) = self.pop_front() else { return Ok(None) };
        let Some(segment) = &self.segment else { return Ok(None) };
        let positions = entry.builder.positions();
        if let Some(hooks) = self.settings.hooks.as_ref().filter(|_| entry.kind != EntryKind::EndOfStream) {
            let next = NextEntry { segment: segment.number, entry: segment.next_entry, records: positions };
            if let Some(payload) = hooks.entry_ends(next) {
                entry.builder.push(RecordKind::Control, entry.last_txid, &payload)?;
            }
        }
        let part = match entry.kind {
            EntryKind::EndOfStream => Part::EndOfStream(entry.completion),
            EntryKind::Gathering | EntryKind::Whole(_) => Part::User(entry.completion),
        };
        Ok(self.hand_out(entry.builder, part, entry.last_txid, entry.usage))
    }

    /// An entry with nothing but a control record.
    fn take_control(&mut self, payload: Bytes, part: Part) -> Result<Taken> {
        let txid = self.segment.as_ref().map_or(0, |segment| segment.content().last_txid);
        let mut builder = EntryBuilder::with_capacity(payload.len() + RECORD_HEADER_BYTES);
        builder.push(RecordKind::Control, txid, &payload)?;
        self.hand_out(builder, part, txid, Usage::default())
            .ok_or_else(|| Error::internal("a control record was taken without a segment"))
    }

    fn hand_out(&mut self, builder: EntryBuilder, part: Part, last_txid: i64, usage: Usage) -> Option<Taken> {
        let segment = self.segment.as_mut()?;
        let (first_position, positions) = (segment.next_position, builder.positions());
        self.taken.push_back(TakenEntry {
            entry: segment.next_entry,
            part,
            first_position,
            positions,
            slots: builder.slots(),
            last_txid,
            usage,
            void: false,
        });
        segment.next_entry += 1;
        segment.next_position = first_position.saturating_add(positions);
        let is_last = segment.is_ended() || self.queue.is_empty();
        if is_last {
            segment.awake = false;
        }
        Some(Taken { builder, first_position, is_last })
    }

    /// Refuses the first queued entry, whose condition does not hold. If it was to be the last of its segment, that is done now:
    /// nothing is settled after it that would say so.
    fn refuse_front(&mut self, effects: &mut Effects) {
        let Some(entry) = self.pop_front() else { return };
        let error = match self.last {
            None => Error::condition_failed("the log is empty; it was expected to have a last record"),
            Some(last) => {
                Error::condition_failed("the last record of the log is not the expected one").at(last.dlsn)
            }
        };
        let error = error.with("log", &self.settings.log);
        self.complete(&entry.completion, Err(error), entry.usage, effects);
        self.forget_txids();
        effects.nudge |= self.is_drained();
    }

    /// Refuses conditional entries at the head of the queue as long as their conditions do not hold, so that no
    /// segment is started for them. Answers the first txid of what then waits.
    pub(crate) fn first_waiting_txid(&mut self, effects: &mut Effects) -> Option<i64> {
        while self.taken.is_empty()
            && let Some(EntryKind::Whole(Some(condition))) = self.queue.front().map(|entry| entry.kind)
            && !condition.holds(self.last)
        {
            self.refuse_front(effects);
        }
        self.queue.front().map(|entry| entry.first_txid)
    }
}
