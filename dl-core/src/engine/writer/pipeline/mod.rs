//! The order of a writer's records, as a plain state machine: no I/O, no clock, no tasks.
//!
//! Inputs are appends (here), the store's call for the next entry ([`take`]) and its word on how an entry ended
//! ([`settle`]). A record is encoded into the newest queued entry as soon as it is appended. Its place (entry,
//! position) is decided when the entry is taken, its receipt when the entry is settled.

mod flush;
mod settle;
mod take;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::engine::open::LastRecord;
use crate::error::{Error, Result};
use crate::format::{EntryBuilder, NewRecordSet, RecordKind};
use crate::telemetry::Telemetry;
use crate::types::{
    Durability, LogName, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES, NewRecord, NewRecordView, RECORD_HEADER_BYTES,
    Txid,
};

use super::current::Current;
use super::hooks::Hooks;
use super::places::Places;
use super::queue::{Appended, Condition, Queue};
use super::room::{Place, Room, Usage};
use super::ticket::EntryCompletion;

use self::flush::FlushInLine;
pub(crate) use self::flush::{Flush, Newest};

/// What does not change while a writer is open.
pub(crate) struct Settings {
    pub(crate) room: Usage,
    pub(crate) roll_bytes: u64,
    pub(crate) durability: Durability,
    /// Whether an entry becomes visible elsewhere only with the next: then one follows as soon as nothing waits.
    pub(crate) publish: bool,
    /// Whether nothing is accepted any more once the store had no room.
    pub(crate) stop_when_full: bool,
    pub(crate) hooks: Option<Arc<dyn Hooks>>,
    pub(crate) telemetry: Arc<Telemetry>,
    /// Named to the log hook.
    pub(crate) log: LogName,
}

/// See the module.
pub(crate) struct Pipeline {
    settings: Settings,
    room: Room,
    /// Entries that wait to be taken.
    queue: Queue,
    /// Entries that were taken and are not settled.
    taken: VecDeque<TakenEntry>,
    /// Flushes behind appends that wait for room.
    flushes: VecDeque<FlushInLine>,
    /// At how many of them those are left out that were given up.
    most_flushes: usize,
    segment: Option<Current>,
    /// The last acknowledged user record.
    last: Option<LastRecord>,
    /// The largest txid that was acknowledged.
    settled_txid: i64,
    /// The largest txid that was accepted: of records that may still be refused too.
    txid: i64,
    /// What appends get while nothing new is accepted: the log is sealed, or the writer is closing.
    refusing: Option<Error>,
    /// The refusal for lack of space after which nothing is accepted.
    full: Option<Error>,
    /// The first fatal error. Nothing moves any more.
    broken: Option<Error>,
    /// The error with which everything was settled.
    failed: Option<Error>,
    /// Whether the log hook was told that there is no space, and nothing went through since.
    told_full: bool,
}

/// What has to be done once the state is no longer locked.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Wake these.
    pub(crate) wakers: Vec<Waker>,
    /// Tell these flushes what they wait for.
    pub(crate) flushes: Vec<(oneshot::Sender<Newest>, Newest)>,
    /// Leave this place in the line for the budget.
    pub(crate) left_budget: Place,
    /// Give these bytes back to the budget.
    pub(crate) released_bytes: usize,
    /// Tell the store that an entry waits.
    pub(crate) wake_store: bool,
    /// The store may do its work on this thread.
    pub(crate) work_here: bool,
    /// Tell the keeper to look.
    pub(crate) nudge: bool,
    /// When the first append was made of an entry that is acknowledged.
    pub(crate) appended: Option<Duration>,
    /// How many records are acknowledged.
    pub(crate) acknowledged: usize,
}

/// An entry on its way to the store.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) builder: EntryBuilder,
    pub(crate) first_position: u32,
    /// Nothing waits behind it: the store is told when something does.
    pub(crate) is_last: bool,
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
            flushes: VecDeque::new(),
            most_flushes: 0,
            segment: None,
            last,
            settled_txid: txid,
            txid,
            refusing: None,
            full: None,
            broken: None,
            failed: None,
            told_full: false,
        }
    }

    /// What is appended and not settled.
    pub(crate) fn in_flight(&self) -> Usage {
        self.room.used()
    }

    pub(crate) fn room(&mut self) -> &mut Room {
        &mut self.room
    }

    /// # Errors
    /// What an append fails with in this state, whatever it is.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failed.as_ref().or(self.refusing.as_ref()).or(self.full.as_ref()) {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Appends one record, for which room was taken.
    pub(crate) fn append(
        &mut self,
        record: NewRecordView<'_>,
        condition: Option<Condition>,
        now_ms: i64,
        effects: &mut Effects,
    ) -> Result<Appended> {
        self.check()?;
        let usage = usage_of(record.payload)?;
        let txid = accept_txid(record.txid, self.txid, now_ms)?;
        let appended = if condition.is_none() {
            self.queue.push(RecordKind::User, txid, record.payload, usage)?
        } else {
            let completion =
                self.queue.push_whole(RecordKind::User, [(txid, record.payload)], condition, usage)?;
            Appended { completion, slot: 0, txid }
        };
        self.txid = txid;
        self.stir(effects);
        Ok(appended)
    }

    /// Appends records, each for itself, for which room was taken, until one is refused. Adds their places to `placed`.
    pub(crate) fn append_many(
        &mut self,
        records: &[NewRecordView<'_>],
        now_ms: i64,
        placed: &mut Places,
        effects: &mut Effects,
    ) -> Result<()> {
        self.check()?;
        let appended = records.iter().try_for_each(|record| {
            let usage = usage_of(record.payload)?;
            let txid = accept_txid(record.txid, self.txid, now_ms)?;
            let (completion, slot) = self.queue.gather(RecordKind::User, txid, record.payload, usage)?;
            placed.push(completion, slot, txid);
            self.txid = txid;
            Ok(())
        });
        self.stir(effects);
        appended
    }

    /// Appends one record, for which room was taken, if the last accepted txid is `after`.
    pub(crate) fn append_after(
        &mut self,
        after: i64,
        record: NewRecordView<'_>,
        effects: &mut Effects,
    ) -> Result<Appended> {
        self.check()?;
        if self.txid != after {
            return Err(Error::condition_failed("a record in front of this one was refused"));
        }
        self.append(record, None, 0, effects)
    }

    /// The last txid that was accepted and not refused since.
    pub(crate) fn accepted_txid(&self) -> i64 {
        self.txid
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
        let completion =
            self.queue.push_whole(RecordKind::User, txids.iter().copied().zip(payloads), condition, usage)?;
        self.txid = txid;
        self.stir(effects);
        Ok((completion, txids))
    }

    /// Appends a record set, for which room was taken. Answers where its first member is.
    pub(crate) fn append_record_set(
        &mut self,
        set: &NewRecordSet,
        condition: Option<Condition>,
        now_ms: i64,
        effects: &mut Effects,
    ) -> Result<Appended> {
        self.check()?;
        let (kind, usage) = (RecordKind::RecordSet, usage_of_set(set));
        let txid = accept_txid(set.txid, self.txid, now_ms)?;
        let appended = if condition.is_none() {
            self.queue.push(kind, txid, &set.payload, usage)?
        } else {
            let completion = self.queue.push_whole(kind, [(txid, &*set.payload)], condition, usage)?;
            Appended { completion, slot: 0, txid }
        };
        self.txid = txid;
        self.stir(effects);
        Ok(appended)
    }

    /// # Errors
    /// `invalid-argument` for an empty batch; `too-large` if it does not fit into one entry.
    pub(crate) fn usage_of_batch(&self, records: &[NewRecord]) -> Result<Usage> {
        if records.is_empty() {
            return Err(Error::invalid_argument("a batch has at least one record"));
        }
        let mut usage = Usage::default();
        for record in records {
            usage.add(usage_of(&record.payload)?);
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

    /// Uses the memory of an entry again that the store needs no more.
    pub(crate) fn give_back(&mut self, entry: Bytes) {
        self.queue.give_back(entry);
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

    /// Accepts nothing new from now on; what waits goes on.
    pub(crate) fn refuse_new(&mut self, error: Error, effects: &mut Effects) {
        self.refusing = Some(error);
        self.dissolve_line(effects);
    }

    /// The same, perhaps not for long: who stands in line for room is told, and keeps its place if it does not look before
    /// [`accept_new`](Self::accept_new). It is in the way of no other writer meanwhile.
    pub(crate) fn refuse_for_now(&mut self, error: Error, effects: &mut Effects) {
        self.refusing = Some(error);
        self.room.wake_all(&mut effects.wakers);
        effects.left_budget = self.room.at_budget().take();
    }

    /// Empties the line for room: everyone has to look again. Those who do not are in nobody's way.
    fn dissolve_line(&mut self, effects: &mut Effects) {
        self.room.dissolve(&mut effects.wakers);
        effects.left_budget = effects.left_budget.or(self.room.at_budget().take());
        self.tell_flushes(effects);
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
        let waits = publish || (!self.queue.is_empty() && !segment.is_ended());
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
pub(crate) fn usage_of(payload: &[u8]) -> Result<Usage> {
    let bytes = payload.len();
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(Error::too_large(format!(
            "a payload has {bytes} bytes; the most is {MAX_PAYLOAD_BYTES}: split it into several records"
        )));
    }
    Ok(Usage { records: 1, bytes: bytes + RECORD_HEADER_BYTES })
}

/// What a record set takes: its members count.
pub(crate) fn usage_of_set(set: &NewRecordSet) -> Usage {
    Usage {
        records: usize::try_from(set.members).unwrap_or(usize::MAX),
        bytes: set.payload.len() + RECORD_HEADER_BYTES,
    }
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
