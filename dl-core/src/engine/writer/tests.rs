//! The pipeline alone: no store, no clock, no tasks.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::current::Current;
use super::hooks::{Hooks, NextEntry};
use super::pipeline::{Effects, Pipeline, Settings};
use super::queue::{Appended, Condition};
use super::room::Usage;
use super::ticket::EntryCompletion;
use crate::engine::open::LastRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{EntryRecords, RawRecord, RecordKind, open_entry};
use crate::types::{Compression, Dlsn, Durability, LogName, MAX_BATCH_BYTES, NewRecord, Receipt, Txid};

/// A pipeline and a store that does what the test says.
struct Bench {
    pipeline: Pipeline,
    segment: i64,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(settings(), None)
    }

    fn with(settings: Settings, last: Option<LastRecord>) -> Self {
        let mut bench = Self { pipeline: Pipeline::new(settings, last, 0), segment: 0, next: 0 };
        bench.install(1, 0, None);
        bench
    }

    fn install(&mut self, number: i64, first_sequence_id: i64, opening: Option<Bytes>) {
        let current = Current::new(number, 0, first_sequence_id, opening);
        self.pipeline.install(current, &mut Effects::default());
        (self.segment, self.next) = (number, 0);
    }

    fn append(&mut self, payload: &'static str, condition: Option<Condition>) -> Result<Appended> {
        self.append_record(&NewRecord::new(payload), condition, 1)
    }

    fn append_record(
        &mut self,
        record: &NewRecord,
        condition: Option<Condition>,
        now_ms: i64,
    ) -> Result<Appended> {
        let usage = super::pipeline::usage_of(record)?;
        self.pipeline.room().take(usage);
        let appended = self.pipeline.append(record, condition, now_ms, &mut Effects::default());
        if appended.is_err() {
            self.pipeline.room().give_back(usage);
        }
        appended
    }

    fn batch(&mut self, payloads: &[&'static str]) -> Result<(Arc<EntryCompletion>, Vec<i64>)> {
        let records: Vec<_> = payloads.iter().map(|payload| NewRecord::new(*payload)).collect();
        let usage = self.pipeline.usage_of_batch(&records)?;
        self.pipeline.room().take(usage);
        self.pipeline.append_batch(&records, None, 1, &mut Effects::default())
    }

    /// What the store gets when it asks.
    fn take(&mut self) -> Option<Vec<RawRecord>> {
        let taken = self.pipeline.take(self.segment, &mut Effects::default())?;
        let (bytes, _) = taken.builder.finish(taken.first_position, Compression::None).unwrap();
        let records = EntryRecords::new(open_entry(bytes, true).unwrap()).map(Result::unwrap);
        Some(records.collect())
    }

    fn settle(&mut self, result: Result<()>) -> Effects {
        let mut effects = Effects::default();
        let full = matches!(&result, Err(error) if error.kind() == ErrorKind::StorageFull);
        self.pipeline.settled(self.segment, self.next, result, &mut effects);
        self.next += u64::from(!full);
        effects
    }
}

fn settings() -> Settings {
    Settings {
        room: Usage { records: 100, bytes: 1 << 20 },
        roll_bytes: 1 << 20,
        durability: Durability::Memory,
        publish: false,
        stop_when_full: false,
        hooks: None,
        telemetry: Arc::default(),
        log: LogName::new("a").unwrap(),
    }
}

fn payloads(records: &[RawRecord]) -> Vec<&str> {
    records.iter().map(|record| std::str::from_utf8(&record.payload).unwrap()).collect()
}

fn outcome(appended: &Appended) -> Option<Result<Receipt>> {
    match appended.completion.poll(&mut None, &Context::from_waker(Waker::noop())) {
        Poll::Pending => None,
        Poll::Ready(Ok(placed)) => Some(Ok(placed.receipt(appended.slot, appended.txid))),
        Poll::Ready(Err(error)) => Some(Err(error.clone())),
    }
}

fn error_kind(appended: &Appended) -> Option<ErrorKind> {
    outcome(appended)?.err().map(|error| error.kind())
}

fn full() -> Result<()> {
    Err(Error::storage_full("the disk is full"))
}

#[test]
fn records_gather_until_their_entry_is_taken() {
    let mut bench = Bench::new();
    let first = bench.append("a", None).unwrap();
    let second = bench.append("b", None).unwrap();
    let entry = bench.take().unwrap();
    assert_eq!(payloads(&entry), ["a", "b"]);
    assert_eq!((entry[0].position, entry[1].position), (1, 2));
    let third = bench.append("c", None).unwrap();
    assert!(outcome(&first).is_none());
    bench.settle(Ok(()));
    assert_eq!(outcome(&second).unwrap().unwrap().dlsn, Dlsn::new(1, 0, 1));
    assert_eq!(outcome(&second).unwrap().unwrap().sequence_id, Some(1));
    assert!(outcome(&third).is_none());
    assert_eq!(bench.take().unwrap()[0].position, 3);
    bench.settle(Ok(()));
    assert_eq!(outcome(&third).unwrap().unwrap().dlsn, Dlsn::new(1, 1, 0));
    assert!(bench.take().is_none());
    assert_eq!(bench.pipeline.room().used(), Usage::default());
}

#[test]
fn a_batch_is_an_entry_of_its_own() {
    let mut bench = Bench::new();
    let _before = bench.append("a", None).unwrap();
    let (_, txids) = bench.batch(&["b", "c"]).unwrap();
    let _behind = bench.append("d", None).unwrap();
    assert_eq!(txids, [1, 1]);
    assert_eq!(payloads(&bench.take().unwrap()), ["a"]);
    assert_eq!(payloads(&bench.take().unwrap()), ["b", "c"]);
    assert_eq!(payloads(&bench.take().unwrap()), ["d"]);
}

#[test]
fn a_batch_is_bounded() {
    let mut bench = Bench::new();
    assert_eq!(bench.batch(&[]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let half = NewRecord::new(vec![0; MAX_BATCH_BYTES / 2 - 20]);
    let mut records = vec![half.clone(), half];
    let usage = bench.pipeline.usage_of_batch(&records).unwrap();
    assert!(usage.bytes <= MAX_BATCH_BYTES && usage.bytes + 20 > MAX_BATCH_BYTES);
    bench.pipeline.append_batch(&records, None, 0, &mut Effects::default()).unwrap();
    assert_eq!(bench.take().unwrap().len(), 2);
    records.push(NewRecord::new(""));
    assert_eq!(bench.pipeline.usage_of_batch(&records).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn txids_never_fall_and_default_to_the_clock() {
    let mut bench = Bench::new();
    let at = |txid| NewRecord::new("x").txid(Txid::new(txid).unwrap());
    assert_eq!(bench.append_record(&NewRecord::new("x"), None, 100).unwrap().txid, 100);
    assert_eq!(
        bench.append_record(&NewRecord::new("x"), None, 50).unwrap().txid,
        100,
        "held when the clock steps back"
    );
    assert_eq!(bench.append_record(&at(100), None, 0).unwrap().txid, 100);
    let error = bench.append_record(&at(99), None, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(bench.append_record(&at(101), None, 0).unwrap().txid, 101);
    assert_eq!(bench.take().unwrap().len(), 4);
}

#[test]
fn a_condition_waits_for_what_is_in_front_and_is_judged_then() {
    let mut bench = Bench::new();
    let first = bench.append("a", Some(Condition::Empty)).unwrap();
    let wrong = bench.append("b", Some(Condition::Empty)).unwrap();
    let right = bench.append("c", Some(Condition::Last(Dlsn::new(1, 0, 0)))).unwrap();
    let behind = bench.append("d", None).unwrap();
    assert_eq!(payloads(&bench.take().unwrap()), ["a"]);
    assert!(bench.take().is_none(), "the one in front is not settled");
    assert!(bench.settle(Ok(())).wake_store, "the store is told when it may ask again");
    assert!(outcome(&first).unwrap().is_ok());
    assert_eq!(payloads(&bench.take().unwrap()), ["c"]);
    let error = outcome(&wrong).unwrap().unwrap_err();
    assert_eq!((error.kind(), error.dlsn()), (ErrorKind::ConditionFailed, Some(Dlsn::new(1, 0, 0))));
    assert_eq!(payloads(&bench.take().unwrap()), ["d"]);
    bench.settle(Ok(()));
    bench.settle(Ok(()));
    assert_eq!(outcome(&right).unwrap().unwrap().dlsn, Dlsn::new(1, 1, 0));
    assert_eq!(outcome(&behind).unwrap().unwrap().dlsn, Dlsn::new(1, 2, 0));
}

#[test]
fn a_refused_condition_gives_its_txid_back() {
    let mut bench = Bench::new();
    let at = |txid| NewRecord::new("x").txid(Txid::new(txid).unwrap());
    let refused = bench.append_record(&at(50), Some(Condition::Last(Dlsn::FIRST)), 0).unwrap();
    assert!(bench.take().is_none());
    assert_eq!(error_kind(&refused), Some(ErrorKind::ConditionFailed));
    assert_eq!(bench.append_record(&at(10), None, 0).unwrap().txid, 10);
}

#[test]
fn no_space_refuses_all_that_waits_and_frees_its_places() {
    let mut bench = Bench::new();
    let kept = bench.append_record(&NewRecord::new("kept"), None, 5).unwrap();
    bench.take().unwrap();
    bench.settle(Ok(()));
    let first = bench.append_record(&NewRecord::new("a"), None, 90).unwrap();
    bench.take().unwrap();
    let second = bench.append("b", None).unwrap();
    bench.take().unwrap();
    let waiting = bench.append("c", None).unwrap();
    bench.settle(full());
    assert!(bench.append("early", None).is_ok());
    assert!(bench.take().is_none(), "an entry that was taken behind the refused one is not settled yet");
    bench.settle(full());
    for refused in [&first, &second, &waiting] {
        assert_eq!(error_kind(refused), Some(ErrorKind::StorageFull));
    }
    assert!(outcome(&kept).unwrap().is_ok());
    let next = bench.append_record(&NewRecord::new("next").txid(Txid::new(5).unwrap()), None, 0).unwrap();
    let entry = bench.take().unwrap();
    assert_eq!((payloads(&entry), entry[0].position), (vec!["next"], 2));
    bench.settle(Ok(()));
    assert_eq!(outcome(&next).unwrap().unwrap().dlsn, Dlsn::new(1, 1, 0));
    assert_eq!(bench.pipeline.room().used(), Usage::default());
}

#[test]
fn a_writer_that_stops_when_full_accepts_nothing_behind_what_was_refused() {
    let mut bench = Bench::with(Settings { stop_when_full: true, ..settings() }, None);
    let kept = bench.append("kept", None).unwrap();
    bench.take().unwrap();
    bench.settle(Ok(()));
    let refused = bench.append("a", None).unwrap();
    bench.take().unwrap();
    let waiting = bench.append("b", None).unwrap();
    bench.settle(full());
    // Nobody has looked at a ticket yet, and from here on there would be room.
    assert_eq!(bench.append("c", None).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(bench.batch(&["d"]).unwrap_err().kind(), ErrorKind::StorageFull);
    assert!(bench.take().is_none());
    assert!(outcome(&kept).unwrap().is_ok());
    for refused in [&refused, &waiting] {
        assert_eq!(error_kind(refused), Some(ErrorKind::StorageFull));
    }
}

#[test]
fn an_entry_committed_behind_a_refused_one_breaks_the_writer() {
    let mut bench = Bench::new();
    bench.append("a", None).unwrap();
    bench.take().unwrap();
    let second = bench.append("b", None).unwrap();
    bench.take().unwrap();
    bench.settle(full());
    bench.settle(Ok(()));
    assert_eq!(bench.pipeline.broken().unwrap().kind(), ErrorKind::Internal);
    assert!(outcome(&second).is_none(), "it is not acknowledged");
}

#[test]
fn after_a_fatal_error_nothing_is_acknowledged_and_the_first_one_wins() {
    let mut bench = Bench::new();
    let first = bench.append("a", None).unwrap();
    bench.take().unwrap();
    let second = bench.append("b", None).unwrap();
    bench.take().unwrap();
    let waiting = bench.append("c", None).unwrap();
    assert!(bench.settle(Err(Error::fenced("cut off"))).nudge);
    bench.settle(Ok(()));
    assert!(bench.take().is_none());
    assert!(outcome(&second).is_none(), "an acknowledgement must not follow");
    let mut effects = Effects::default();
    bench.pipeline.fail(Error::fenced("cut off").with("owner", "other"), &mut effects);
    bench.pipeline.fail(Error::closed("later"), &mut effects);
    for (appended, may_be_there) in [(&first, true), (&second, true), (&waiting, false)] {
        let error = outcome(appended).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("other")));
        assert_eq!(error.may_have_taken_effect(), may_be_there);
    }
    assert_eq!(bench.append("d", None).unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(effects.released_bytes, 3 * 21);
}

#[test]
fn a_full_store_that_may_have_kept_an_entry_ends_the_writer() {
    let mut bench = Bench::new();
    let first = bench.append("a", None).unwrap();
    bench.take().unwrap();
    bench.settle(Err(Error::storage_full("the sync found no space").maybe_effective()));
    assert!(outcome(&first).is_none() && bench.pipeline.broken().is_some());
    bench.pipeline.fail(Error::unavailable("no space"), &mut Effects::default());
    assert!(outcome(&first).unwrap().unwrap_err().may_have_taken_effect());
}

#[test]
fn nobody_waits_for_an_entry_that_a_store_settled_out_of_turn() {
    let mut bench = Bench::new();
    let first = bench.append("a", None).unwrap();
    bench.take().unwrap();
    bench.next = 1;
    bench.settle(Ok(()));
    assert_eq!(bench.pipeline.broken().unwrap().kind(), ErrorKind::Internal);
    bench.pipeline.fail(Error::internal("out of turn"), &mut Effects::default());
    assert_eq!(error_kind(&first), Some(ErrorKind::Internal));
}

#[test]
fn a_cut_segment_gets_what_was_appended_before_and_the_next_one_goes_on() {
    let mut bench = Bench::new();
    bench.append_record(&NewRecord::new("a"), None, 7).unwrap();
    assert_eq!(bench.pipeline.cut(), 7);
    let behind = bench.append("b", None).unwrap();
    assert!(!bench.pipeline.is_drained());
    assert_eq!(payloads(&bench.take().unwrap()), ["a"]);
    assert!(bench.take().is_none());
    assert!(bench.settle(Ok(())).nudge);
    assert!(bench.pipeline.is_drained());
    let end = bench.pipeline.uninstall().unwrap();
    let content = end.content();
    assert_eq!((content.records, content.last_txid, content.last), (1, 7, Some((0, 0))));
    assert!(bench.pipeline.needs_segment());
    bench.install(2, end.next_sequence_id(), None);
    assert_eq!(bench.take().unwrap()[0].position, 1);
    bench.settle(Ok(()));
    let receipt = outcome(&behind).unwrap().unwrap();
    assert_eq!((receipt.dlsn, receipt.sequence_id), (Dlsn::new(2, 0, 0), Some(1)));
}

#[test]
fn a_cut_can_be_taken_back() {
    let mut bench = Bench::new();
    bench.pipeline.cut();
    bench.append("a", None).unwrap();
    assert!(bench.take().is_none());
    let mut effects = Effects::default();
    bench.pipeline.uncut(&mut effects);
    assert!(effects.wake_store);
    assert_eq!(payloads(&bench.take().unwrap()), ["a"]);
}

#[test]
fn a_segment_of_its_size_asks_for_a_roll_once() {
    let mut bench = Bench::new();
    let mut effects = Effects::default();
    bench.pipeline.handed_out(1, (1 << 20) - 1, &mut effects);
    assert!(!bench.pipeline.needs_roll() && !effects.nudge);
    bench.pipeline.handed_out(1, 1, &mut effects);
    assert!(bench.pipeline.needs_roll() && effects.nudge);
    let mut effects = Effects::default();
    bench.pipeline.handed_out(1, 1, &mut effects);
    assert!(!effects.nudge);
}

#[test]
fn the_end_of_the_stream_counts_as_data_but_has_no_position() {
    let mut bench = Bench::new();
    bench.append("a", None).unwrap();
    let mut effects = Effects::default();
    bench.pipeline.refuse_new(Error::sealed("sealed"), &mut effects);
    bench.pipeline.append_end_of_stream(&mut effects).unwrap();
    bench.pipeline.cut();
    assert_eq!(bench.append("late", None).unwrap_err().kind(), ErrorKind::Sealed);
    bench.take().unwrap();
    bench.settle(Ok(()));
    let end = bench.take().unwrap();
    assert_eq!((end[0].kind, end[0].txid, end[0].position), (RecordKind::EndOfStream, i64::MAX, 1));
    bench.settle(Ok(()));
    let content = bench.pipeline.segment().unwrap().content();
    assert_eq!((content.records, content.last_txid, content.last), (1, i64::MAX, Some((1, 0))));
    assert_eq!(bench.pipeline.last().unwrap().dlsn, Dlsn::new(1, 0, 0), "it is no user record");
}

#[test]
fn where_entries_show_late_one_follows_when_nothing_waits() {
    let mut bench = Bench::with(Settings { publish: true, ..settings() }, None);
    bench.append_record(&NewRecord::new("a"), None, 3).unwrap();
    bench.take().unwrap();
    assert!(bench.take().is_none(), "not before the entry is committed");
    assert!(bench.settle(Ok(())).wake_store);
    let control = bench.take().unwrap();
    assert_eq!((control[0].kind, control[0].txid, control[0].position), (RecordKind::Control, 3, 1));
    assert!(!bench.settle(Ok(())).wake_store);
    assert!(bench.take().is_none());
    assert_eq!(bench.pipeline.segment().unwrap().content().last, Some((0, 0)), "it does not count");
}

struct Counting;

impl Hooks for Counting {
    fn reserved_bytes(&self) -> usize {
        100
    }

    fn segment_starts(&self, _segment: i64) -> Option<Bytes> {
        Some(Bytes::from_static(b"start"))
    }

    fn entry_ends(&self, entry: NextEntry) -> Option<Bytes> {
        Some(Bytes::from(format!("{}:{} has {}", entry.segment, entry.entry, entry.records)))
    }
}

#[test]
fn a_service_adds_a_record_to_each_entry_and_opens_each_segment_with_one() {
    let hooks: Arc<dyn Hooks> = Arc::new(Counting);
    let mut bench = Bench::with(Settings { hooks: Some(hooks.clone()), ..settings() }, None);
    bench.install(1, 0, hooks.segment_starts(1));
    let appended = bench.append_record(&NewRecord::new("a"), None, 3).unwrap();
    let opening = bench.take().unwrap();
    assert_eq!(
        (opening[0].kind, opening[0].position, payloads(&opening)),
        (RecordKind::Control, 0, vec!["start"])
    );
    let entry = bench.take().unwrap();
    assert_eq!(payloads(&entry), ["a", "1:1 has 1"]);
    assert_eq!((entry[1].kind, entry[1].txid, entry[1].position), (RecordKind::Control, 3, 1));
    bench.settle(Ok(()));
    bench.settle(Ok(()));
    assert_eq!(outcome(&appended).unwrap().unwrap().dlsn, Dlsn::new(1, 1, 0));
    assert_eq!(bench.pipeline.last().unwrap().dlsn, Dlsn::new(1, 1, 0));
    let half = NewRecord::new(vec![0; (MAX_BATCH_BYTES - 100) / 2 - 20]);
    let pair = [half.clone(), half];
    bench.pipeline.append_batch(&pair, None, 3, &mut Effects::default()).unwrap();
    assert_eq!(bench.take().unwrap().len(), 3, "there is always space for it");
}

#[test]
fn a_refused_opening_is_written_again() {
    let mut bench = Bench::new();
    bench.install(1, 0, Some(Bytes::from_static(b"start")));
    assert!(bench.take().is_none(), "it comes with the first record");
    let refused = bench.append("refused", None).unwrap();
    assert_eq!(payloads(&bench.take().unwrap()), ["start"]);
    assert!(!bench.settle(full()).wake_store, "it is not tried again before there is something to write");
    assert_eq!(error_kind(&refused), Some(ErrorKind::StorageFull));
    let next = bench.append("a", None).unwrap();
    assert_eq!(payloads(&bench.take().unwrap()), ["start"]);
    bench.settle(Ok(()));
    bench.take().unwrap();
    bench.settle(Ok(()));
    assert_eq!(outcome(&next).unwrap().unwrap().dlsn, Dlsn::new(1, 1, 0));
}

#[test]
fn a_small_entry_that_is_done_leaves_its_memory_to_the_next() {
    let mut bench = Bench::new();
    let mut places = Vec::new();
    for _ in 0..3 {
        bench.append("a record", None).unwrap();
        let taken = bench.pipeline.take(bench.segment, &mut Effects::default()).unwrap();
        let (bytes, _) = taken.builder.finish(taken.first_position, Compression::None).unwrap();
        places.push(bytes.as_ptr());
        bench.pipeline.give_back(bytes);
        bench.settle(Ok(()));
    }
    assert_eq!(places[1..], [places[0]; 2]);

    bench.append("a record", None).unwrap();
    let taken = bench.pipeline.take(bench.segment, &mut Effects::default()).unwrap();
    let (bytes, _) = taken.builder.finish(taken.first_position, Compression::None).unwrap();
    // A reader in this process may still have it.
    bench.pipeline.give_back(bytes.clone());
    bench.settle(Ok(()));
    let kept = bytes.to_vec();
    bench.append("another one", None).unwrap();
    assert_eq!(bytes, kept);
}

#[test]
fn all_who_wait_for_an_entry_are_woken_unless_they_left() {
    /// Counts its wakes.
    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicUsize);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    let mut bench = Bench::new();
    let completion = bench.append("a record", None).unwrap().completion;
    let woken: Vec<_> = (0..4).map(|_| Arc::new(Woken::default())).collect();
    let mut slots = [None; 4];
    for (slot, woken) in slots.iter_mut().zip(&woken) {
        let waker = Waker::from(woken.clone());
        assert!(completion.poll(slot, &Context::from_waker(&waker)).is_pending());
    }
    completion.forget(slots[0]);
    completion.forget(slots[2]);
    bench.take().unwrap();
    bench.settle(Ok(())).wakers.into_iter().for_each(Waker::wake);
    let wakes: Vec<_> =
        woken.iter().map(|woken| woken.0.load(std::sync::atomic::Ordering::Relaxed)).collect();
    assert_eq!(wakes, [0, 1, 0, 1]);
}
