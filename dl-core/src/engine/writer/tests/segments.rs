//! From one segment to the next, and the records that are not the user's.

use super::*;

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
fn a_cut_segment_is_done_when_the_last_it_would_get_is_refused() {
    let mut bench = Bench::new();
    bench.append("a", None).unwrap();
    let refused = bench.append("b", Some(Condition::Empty)).unwrap();
    bench.pipeline.cut();
    bench.take().unwrap();
    assert!(bench.take().is_none());
    assert!(!bench.settle(Ok(())).nudge);
    let mut effects = Effects::default();
    assert!(bench.pipeline.take(1, &mut effects).is_none());
    assert_eq!(error_kind(&refused), Some(ErrorKind::ConditionFailed));
    assert!(effects.nudge && bench.pipeline.is_drained());
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
