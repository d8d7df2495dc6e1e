//! From an append to the entry that carries it, and back.

use super::*;

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
