//! What a store that refuses or breaks makes of what waits.

use super::*;

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
