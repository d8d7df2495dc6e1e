//! Back into the pipeline: how entries ended, and what follows for all that wait.

use crate::engine::open::LastRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::telemetry::{DISK_FULL, Event};
use crate::types::Dlsn;

use super::super::room::Usage;
use super::super::ticket::{EntryCompletion, Placed};
use super::{Effects, Part, Pipeline, TakenEntry};

impl Pipeline {
    /// How the store says that an entry ended.
    pub(crate) fn settled(&mut self, number: i64, entry: u64, result: Result<()>, effects: &mut Effects) {
        if self.broken.is_some() {
            return;
        }
        let current = self.segment.as_ref().is_some_and(|segment| segment.number == number);
        let next = self.taken.front().filter(|first| current && (first.entry == entry || first.void));
        let fatal = match (&result, next) {
            (_, None) => Some(Error::internal("the store settled an entry that was not the next")),
            (Ok(()), Some(first)) if first.void => {
                Some(Error::internal("the store committed an entry behind one that it refused"))
            }
            (Err(error), Some(_)) if !is_refusal(error) => Some(error.clone()),
            _ => None,
        };
        if let Some(error) = fatal {
            // The entry is settled with the rest, once all is known about the error.
            return self.break_off(error.in_segment(number).with("entry", entry), effects);
        }
        let Some(first) = self.taken.pop_front() else { return };
        match result {
            Ok(()) => self.commit(first, effects),
            Err(error) => self.refuse(first, &error, effects),
        }
        if let Some(segment) = &mut self.segment {
            segment.awake = false;
        }
        self.stir(effects);
    }

    fn commit(&mut self, first: TakenEntry, effects: &mut Effects) {
        let Some(segment) = &mut self.segment else { return };
        let entry = i64::try_from(first.entry).unwrap_or(i64::MAX);
        let placed = Placed {
            segment: segment.number,
            entry,
            first_sequence_id: segment.first_sequence_id,
            first_position: first.first_position,
            durability: self.settings.durability,
        };
        segment.unpublished = !matches!(first.part, Part::Publish);
        match first.part {
            Part::User(completion) => {
                segment.count(entry, first.slots, first.positions, first.last_txid);
                let dlsn = Dlsn::new(segment.number, entry, i64::from(first.positions) - 1);
                self.last = Some(LastRecord { dlsn, txid: first.last_txid });
                self.settled_txid = self.settled_txid.max(first.last_txid);
                self.told_full = false;
                self.settings.telemetry.acknowledged(first.usage.records, first.usage.bytes);
                effects.appended = completion.appended();
                effects.acknowledged += first.usage.records;
                self.complete(&completion, Ok(placed), first.usage, effects);
            }
            Part::EndOfStream(completion) => {
                segment.count(entry, first.slots, 0, first.last_txid);
                self.complete(&completion, Ok(placed), first.usage, effects);
            }
            Part::Opening(_) | Part::Publish => {}
        }
    }

    /// The store has no room for an entry: it and all that wait are refused, and the places they had are free again.
    fn refuse(&mut self, first: TakenEntry, error: &Error, effects: &mut Effects) {
        if let Some(segment) = self.segment.as_mut().filter(|_| !first.void) {
            segment.next_entry = first.entry;
            segment.next_position = first.first_position;
            if let Part::Opening(payload) = &first.part {
                segment.opening = Some(payload.clone());
            }
            // What was taken behind it has positions that depend on it.
            self.taken.iter_mut().for_each(|entry| entry.void = true);
        }
        if let Part::User(completion) | Part::EndOfStream(completion) = &first.part {
            self.complete(completion, Err(error.clone()), first.usage, effects);
        }
        self.refuse_queue(error, effects);
    }

    /// There is no room: refuses all entries that wait.
    pub(crate) fn refuse_queue(&mut self, error: &Error, effects: &mut Effects) {
        self.tell_full(error);
        if self.settings.stop_when_full {
            // In the same step, so that nothing can be appended behind what is refused.
            self.full.get_or_insert_with(|| error.clone());
            self.dissolve_line(effects);
        }
        for entry in self.queue.drain() {
            self.complete(&entry.completion, Err(error.clone()), entry.usage, effects);
        }
        if let Some(segment) = &mut self.segment {
            segment.ends_after = segment.ends_after.map(|_| 0);
        }
        self.forget_txids();
    }

    /// Tells the log hook, once, that there is no space.
    fn tell_full(&mut self, error: &Error) {
        if !std::mem::replace(&mut self.told_full, true) {
            let log = &self.settings.log;
            let describe = |event: Event| event.with("log", log).caused_by(error);
            self.settings.telemetry.tell(DISK_FULL, "appends are refused until there is space", describe);
        }
    }

    /// Forgets the txids of refused records.
    pub(super) fn forget_txids(&mut self) {
        let taken = self.taken.iter().rev().find(|entry| matches!(entry.part, Part::User(_)) && !entry.void);
        let newest = self.queue.back().map(|entry| entry.last_txid).or(taken.map(|entry| entry.last_txid));
        self.txid = newest.unwrap_or(self.settled_txid);
    }

    pub(super) fn complete(
        &mut self,
        completion: &EntryCompletion,
        outcome: Result<Placed>,
        usage: Usage,
        effects: &mut Effects,
    ) {
        if let Err(error) = &outcome {
            self.settings.telemetry.metrics.append_refused.add(error.kind(), usage.records as u64);
        }
        completion.complete(outcome, &mut effects.wakers);
        effects.released_bytes += usage.bytes;
        effects.wakers.extend(self.room.give_back(usage));
    }

    /// Stops for good: the first fatal error wins. Nothing is acknowledged from now on; the keeper finds out more
    /// about the error and then calls [`fail`](Self::fail).
    pub(crate) fn break_off(&mut self, error: Error, effects: &mut Effects) {
        self.broken.get_or_insert(error);
        effects.nudge = true;
    }

    /// Settles everything with this error.
    pub(crate) fn fail(&mut self, error: Error, effects: &mut Effects) {
        if self.failed.is_some() {
            return;
        }
        self.broken.get_or_insert_with(|| error.clone());
        self.failed = Some(error.clone());
        let placed = error.clone().maybe_effective();
        for entry in std::mem::take(&mut self.taken) {
            if let Part::User(completion) | Part::EndOfStream(completion) = &entry.part {
                self.complete(completion, Err(placed.clone()), entry.usage, effects);
            }
        }
        for entry in self.queue.drain() {
            self.complete(&entry.completion, Err(error.clone()), entry.usage, effects);
        }
        self.dissolve_line(effects);
        self.segment = None;
        effects.nudge = true;
    }
}

/// Whether the store says that an entry did not get its place.
fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::StorageFull && !error.may_have_taken_effect()
}
