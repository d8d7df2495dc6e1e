//! The order of a writer's records, as a plain state machine: no I/O, no clock, no tasks.
//!
//! Inputs are appends, the store's call for the next entry ([`Pipeline::take`]) and its word on how an entry ended
//! ([`Pipeline::settled`]). A record is encoded into the newest queued entry as soon as it is appended. Its place (entry,
//! position) is decided when the entry is taken, its receipt when the entry is settled.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use crate::engine::open::LastRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{CONTROL_PAYLOAD, EntryBuilder, RecordKind};
use crate::types::{
    Dlsn, Durability, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES, NewRecord, RECORD_HEADER_BYTES, Txid,
};

use super::current::Current;
use super::hooks::{Hooks, NextEntry};
use super::queue::{Appended, Condition, EntryKind, Queue, QueuedEntry};
use super::room::{Room, Usage};
use super::ticket::{EntryCompletion, Placed};

/// What does not change while a writer is open.
pub(crate) struct Settings {
    pub(crate) room: Usage,
    pub(crate) roll_bytes: u64,
    pub(crate) durability: Durability,
    /// Whether an entry becomes visible elsewhere only with the next: then one follows as soon as nothing waits.
    pub(crate) publish: bool,
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
}

/// See the module.
pub(crate) struct Pipeline {
    settings: Settings,
    room: Room,
    /// Entries that wait to be taken.
    queue: Queue,
    /// Entries that were taken and are not settled.
    taken: VecDeque<TakenEntry>,
    segment: Option<Current>,
    /// The last acknowledged user record.
    last: Option<LastRecord>,
    /// The largest txid that was acknowledged.
    settled_txid: i64,
    /// The largest txid that was accepted: of records that may still be refused too.
    txid: i64,
    /// What appends get while nothing new is accepted: the log is sealed, or the writer is closing.
    refusing: Option<Error>,
    /// The first fatal error. Nothing moves any more.
    broken: Option<Error>,
    /// The error with which everything was settled.
    failed: Option<Error>,
}

/// What has to be done once the state is no longer locked.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Wake these.
    pub(crate) wakers: Vec<Waker>,
    /// Give these bytes back to the budget.
    pub(crate) released_bytes: usize,
    /// Tell the store that an entry waits.
    pub(crate) wake_store: bool,
    /// Tell the keeper to look.
    pub(crate) nudge: bool,
}

/// An entry on its way to the store.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) builder: EntryBuilder,
    pub(crate) first_position: u32,
}

#[derive(Debug)]
struct TakenEntry {
    entry: u64,
    part: Part,
    first_position: u32,
    positions: u32,
    slots: u32,
    last_txid: i64,
    usage: Usage,
    /// Whether an entry in front of it was refused, so that it cannot be committed as it is.
    void: bool,
}

#[derive(Debug)]
enum Part {
    User(Arc<EntryCompletion>),
    EndOfStream(Arc<EntryCompletion>),
    /// The control record that opens the segment.
    Opening(Bytes),
    /// The control record that makes the entry before it visible.
    Publish,
}

impl Pipeline {
    /// A pipeline behind the last record of its log. `floor` is the largest txid of the log.
    pub(crate) fn new(settings: Settings, last: Option<LastRecord>, floor: i64) -> Self {
        let reserved = settings.hooks.as_ref().map_or(0, |hooks| hooks.reserved_bytes());
        let txid = last.map_or(floor, |last| last.txid.max(floor));
        Self {
            room: Room::new(settings.room),
            settings,
            queue: Queue::new(reserved),
            taken: VecDeque::new(),
            segment: None,
            last,
            settled_txid: txid,
            txid,
            refusing: None,
            broken: None,
            failed: None,
        }
    }

    pub(crate) fn room(&mut self) -> &mut Room {
        &mut self.room
    }

    /// # Errors
    /// What an append fails with in this state, whatever it is.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failed.as_ref().or(self.refusing.as_ref()) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Appends one record, for which room was taken.
    pub(crate) fn append(
        &mut self,
        record: &NewRecord,
        condition: Option<Condition>,
        now_ms: i64,
        effects: &mut Effects,
    ) -> Result<Appended> {
        self.check()?;
        let usage = usage_of(record)?;
        let txid = accept_txid(record.txid, self.txid, now_ms)?;
        let appended = if condition.is_none() {
            self.queue.push(txid, &record.payload, usage)?
        } else {
            let completion = self.queue.push_whole([(txid, &*record.payload)], condition, usage)?;
            Appended { completion, slot: 0, txid }
        };
        self.txid = txid;
        self.stir(effects);
        Ok(appended)
    }

    /// Appends records as one entry of their own, for which room was taken. Answers their txids.
    pub(crate) fn append_batch(
        &mut self,
        records: &[NewRecord],
        condition: Option<Condition>,
        now_ms: i64,
        effects: &mut Effects,
    ) -> Result<(Arc<EntryCompletion>, Vec<i64>)> {
        self.check()?;
        let usage = self.usage_of_batch(records)?;
        let mut txid = self.txid;
        let mut txids = Vec::with_capacity(records.len());
        for record in records {
            txid = accept_txid(record.txid, txid, now_ms)?;
            txids.push(txid);
        }
        let payloads = records.iter().map(|record| &*record.payload);
        let completion = self.queue.push_whole(txids.iter().copied().zip(payloads), condition, usage)?;
        self.txid = txid;
        self.stir(effects);
        Ok((completion, txids))
    }

    /// # Errors
    /// `invalid-argument` for an empty batch; `too-large` if it does not fit into one entry.
    pub(crate) fn usage_of_batch(&self, records: &[NewRecord]) -> Result<Usage> {
        if records.is_empty() {
            return Err(Error::invalid_argument("a batch has at least one record"));
        }
        let mut usage = Usage::default();
        for record in records {
            usage.add(usage_of(record)?);
        }
        let reserved = self.settings.hooks.as_ref().map_or(0, |hooks| hooks.reserved_bytes());
        let most = MAX_BATCH_BYTES.saturating_sub(reserved);
        if usage.bytes > most {
            let bytes = usage.bytes;
            return Err(Error::too_large(format!(
                "a batch takes {bytes} bytes with {RECORD_HEADER_BYTES} for each record; the most is {most}: split it"
            )));
        }
        Ok(usage)
    }

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
        if let Some(payload) = self.segment.as_mut().and_then(|segment| segment.opening.take()) {
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
        Some(Taken { builder, first_position })
    }

    /// Counts the bytes of an entry as it was handed to the store.
    pub(crate) fn handed_out(&mut self, number: i64, bytes: usize, effects: &mut Effects) {
        let roll_bytes = self.settings.roll_bytes;
        if let Some(segment) = self.segment.as_mut().filter(|segment| segment.number == number) {
            let before = segment.is_full(roll_bytes);
            segment.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
            effects.nudge |= !before && segment.is_full(roll_bytes);
        }
    }

    /// How the store says that an entry ended.
    pub(crate) fn settled(&mut self, number: i64, entry: u64, result: Result<()>, effects: &mut Effects) {
        if self.broken.is_some() {
            return;
        }
        let expected = self.taken.front().is_some_and(|first| first.entry == entry || first.void);
        let current = self.segment.as_ref().is_some_and(|segment| segment.number == number);
        let Some(first) = self.taken.pop_front().filter(|_| expected && current) else {
            let error = Error::internal("the store settled an entry that was not the next");
            return self.break_off(error.with("segment", number).with("entry", entry), effects);
        };
        match result {
            Ok(()) if first.void => {
                let error = Error::internal("the store committed an entry behind one that it refused");
                self.break_off(error.with("segment", number).with("entry", entry), effects);
            }
            Ok(()) => self.commit(first, effects),
            Err(error) if error.kind() == ErrorKind::StorageFull => self.refuse(first, &error, effects),
            Err(error) => {
                self.taken.push_front(first);
                return self.break_off(error, effects);
            }
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

    /// Refuses all entries that wait.
    pub(crate) fn refuse_queue(&mut self, error: &Error, effects: &mut Effects) {
        for entry in self.queue.drain() {
            self.complete(&entry.completion, Err(error.clone()), entry.usage, effects);
        }
        if let Some(segment) = &mut self.segment {
            segment.ends_after = segment.ends_after.map(|_| 0);
        }
        self.forget_txids();
    }

    /// Refuses the first queued entry, whose condition does not hold.
    fn refuse_front(&mut self, effects: &mut Effects) {
        let Some(entry) = self.pop_front() else { return };
        let error = match self.last {
            None => Error::condition_failed("the log is empty; it was expected to have a last record"),
            Some(last) => {
                Error::condition_failed("the last record of the log is not the expected one").at(last.dlsn)
            }
        };
        self.complete(&entry.completion, Err(error), entry.usage, effects);
        self.forget_txids();
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

    /// Forgets the txids of refused records.
    fn forget_txids(&mut self) {
        let taken = self.taken.iter().rev().find(|entry| matches!(entry.part, Part::User(_)) && !entry.void);
        let newest = self.queue.back().map(|entry| entry.last_txid).or(taken.map(|entry| entry.last_txid));
        self.txid = newest.unwrap_or(self.settled_txid);
    }

    fn complete(
        &mut self,
        completion: &EntryCompletion,
        outcome: Result<Placed>,
        usage: Usage,
        effects: &mut Effects,
    ) {
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
        self.room.dissolve(&mut effects.wakers);
        self.segment = None;
        effects.nudge = true;
    }

    /// Accepts nothing new from now on; what waits goes on.
    pub(crate) fn refuse_new(&mut self, error: Error, effects: &mut Effects) {
        self.refusing = Some(error);
        self.room.dissolve(&mut effects.wakers);
    }

    /// Accepts appends again.
    pub(crate) fn accept_new(&mut self) {
        self.refusing = None;
    }

    /// Adds the end of the stream behind everything.
    pub(crate) fn append_end_of_stream(&mut self, effects: &mut Effects) -> Result<Arc<EntryCompletion>> {
        let completion = self.queue.push_end_of_stream()?;
        self.stir(effects);
        Ok(completion)
    }

    /// The segment from which on entries are taken.
    pub(crate) fn install(&mut self, segment: Current, effects: &mut Effects) {
        self.segment = Some(segment);
        self.stir(effects);
    }

    /// No segment any more; all that was for it is settled.
    pub(crate) fn uninstall(&mut self) -> Option<Current> {
        self.segment.take()
    }

    pub(crate) fn segment(&self) -> Option<&Current> {
        self.segment.as_ref()
    }

    /// Lets what was appended so far be the last that the segment gets. Answers the last txid among it.
    pub(crate) fn cut(&mut self) -> i64 {
        self.queue.cut();
        let entries = self.queue.len();
        if let Some(segment) = &mut self.segment {
            segment.ends_after = Some(entries);
        }
        self.txid
    }

    /// Takes back [`cut`](Self::cut).
    pub(crate) fn uncut(&mut self, effects: &mut Effects) {
        if let Some(segment) = &mut self.segment {
            segment.ends_after = None;
        }
        self.stir(effects);
    }

    /// Whether the segment got all it gets, settled.
    pub(crate) fn is_drained(&self) -> bool {
        self.taken.is_empty() && self.segment.as_ref().is_some_and(Current::is_ended)
    }

    /// Whether records wait for a segment to be started.
    pub(crate) fn needs_segment(&self) -> bool {
        self.segment.is_none() && !self.queue.is_empty()
    }

    /// Whether the segment has got its size.
    pub(crate) fn needs_roll(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.is_full(self.settings.roll_bytes))
    }

    /// The newest entry that is not settled: all before it are settled no later.
    pub(crate) fn newest_pending(&self) -> Option<Arc<EntryCompletion>> {
        let taken = self.taken.iter().rev().find_map(|entry| match &entry.part {
            Part::User(completion) | Part::EndOfStream(completion) => Some(completion),
            Part::Opening(_) | Part::Publish => None,
        });
        self.queue.back().map(|entry| &entry.completion).or(taken).cloned()
    }

    pub(crate) fn broken(&self) -> Option<&Error> {
        self.broken.as_ref()
    }

    pub(crate) fn failed(&self) -> Option<&Error> {
        self.failed.as_ref()
    }

    /// The last acknowledged user record.
    pub(crate) fn last(&self) -> Option<LastRecord> {
        self.last
    }

    /// Notes whom to tell that something waits.
    fn stir(&mut self, effects: &mut Effects) {
        let Some(segment) = &mut self.segment else {
            effects.nudge |= !self.queue.is_empty();
            return;
        };
        let idle = self.taken.is_empty();
        let publish = self.settings.publish && segment.unpublished && idle && self.queue.is_empty();
        let waits = segment.opening.is_some() || publish || (!self.queue.is_empty() && !segment.is_ended());
        if waits && !segment.awake {
            segment.awake = true;
            effects.wake_store = true;
        }
        effects.nudge |= idle && segment.is_ended();
    }
}

impl Condition {
    fn holds(self, last: Option<LastRecord>) -> bool {
        match self {
            Self::Empty => last.is_none(),
            Self::Last(dlsn) => last.is_some_and(|last| last.dlsn == dlsn),
        }
    }
}

/// # Errors
/// `too-large` for a payload over the limit.
pub(crate) fn usage_of(record: &NewRecord) -> Result<Usage> {
    let bytes = record.payload.len();
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(Error::too_large(format!(
            "a payload has {bytes} bytes; the most is {MAX_PAYLOAD_BYTES}: split it into several records"
        )));
    }
    Ok(Usage { records: 1, bytes: bytes + RECORD_HEADER_BYTES })
}

fn accept_txid(chosen: Option<Txid>, last: i64, now_ms: i64) -> Result<i64> {
    match chosen.map(Txid::get) {
        None => Ok(now_ms.clamp(0, Txid::MAX.get()).max(last)),
        Some(txid) if txid >= last => Ok(txid),
        Some(txid) => Err(Error::invalid_argument(format!(
            "the txid {txid} is smaller than the last one, {last}; txids of a log never decrease"
        ))),
    }
}
