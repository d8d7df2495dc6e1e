//! Entries, from whichever bookie has them, and the last confirmed one.

use super::*;

#[test]
fn entries_are_read_in_order_from_wherever_they_are() {
    for quorum in [(1, 1, 1), (3, 3, 2), (5, 3, 2), (4, 2, 1)] {
        for options in [single(), ReadOptions::default(), ReadOptions { parallel: true, ..single() }] {
            let mut cluster = Cluster::new(quorum, 20);
            let (found, result) = cluster.read(3..20, 1 << 20, options);
            result.unwrap();
            assert_eq!(numbers(&found), (3..20).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_budget_bounds_what_is_read_but_one_entry_comes_always() {
    for options in [single(), ReadOptions::default()] {
        for (bytes, expected) in [(1, 1), (100, 1), (299, 2), (300, 3)] {
            let mut cluster = Cluster::new((3, 3, 2), 10);
            let (found, result) = cluster.read(0..10, bytes, options);
            result.unwrap();
            assert_eq!(found.len(), expected, "{bytes} bytes");
        }
    }
}

#[test]
fn one_request_brings_many_entries_where_every_bookie_has_all() {
    let mut cluster = Cluster::new((3, 3, 2), 50);
    cluster.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap();
    assert_eq!(cluster.asked.len(), 1);
    let mut striped = Cluster::new((3, 2, 2), 50);
    striped.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap();
    assert_eq!(striped.asked.len(), 50);
    let mut old = Cluster::new((3, 3, 2), 50);
    old.batches = false;
    let (found, result) = old.read(0..50, 1 << 20, ReadOptions::default());
    result.unwrap();
    assert_eq!((found.len(), old.asked.len()), (50, 51), "one by one after the refusal");
    for (reads, asked) in [(2, 51 * 3), (1, 51 * 3 + 50)] {
        (0..reads).for_each(|_| old.read(0..50, 1 << 20, ReadOptions::default()).1.unwrap());
        assert_eq!(old.asked.len(), asked, "it is tried three times");
    }
}

#[test]
fn a_reader_keeps_to_one_bookie_while_it_is_well() {
    let mut cluster = Cluster::new((3, 3, 2), 10);
    cluster.read(0..10, 1 << 20, single()).1.unwrap();
    assert!(cluster.asked.iter().all(|(bookie, _)| *bookie == cluster.asked[0].0), "{:?}", cluster.asked);
    let mut spread = Cluster::new((3, 3, 2), 10);
    spread.read(0..10, 1 << 20, ReadOptions { sticky: false, ..single() }).1.unwrap();
    assert!((0..3).all(|bookie| spread.asked.iter().any(|(asked, _)| *asked == bookie)));
}

#[test]
fn the_bookie_that_told_of_news_is_asked_first() {
    for quorum in [(3, 3, 2), (4, 3, 2)] {
        for options in [single(), ReadOptions::default()] {
            let mut cluster = Cluster::new(quorum, 2);
            cluster.frozen = vec![0];
            let told = bookies(2..3).remove(0);
            cluster.replicas.avoid(&told, u64::MAX);
            cluster.replicas.told_by(told.clone());
            let patient = ReadOptions { speculate_ms: 0, ..options };
            cluster.read(0..1, 100, patient).1.unwrap();
            assert_eq!(cluster.asked[0].0, 2, "it is alive, whatever was before");
            cluster.replicas.avoid(&told, u64::MAX);
            cluster.frozen = vec![2];
            cluster.read(0..1, 100, patient).1.unwrap();
            assert_ne!(cluster.asked[1].0, 2, "until it is slow");
        }
    }
}

#[test]
fn another_replica_is_asked_when_one_fails_or_is_slow() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 10);
        (cluster.down, cluster.frozen) = (vec![0], vec![1]);
        let (found, result) = cluster.read(0..10, 1 << 20, options);
        result.unwrap();
        assert_eq!(numbers(&found), (0..10).collect::<Vec<_>>());
    }
}

#[test]
fn a_damaged_entry_is_read_from_another_replica() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 5);
        assert!(cluster.bookies[0].damage(2) && cluster.bookies[1].damage(2));
        let (found, result) = cluster.read(0..5, 1 << 20, options);
        result.unwrap();
        assert_eq!(numbers(&found), [0, 1, 2, 3, 4]);
    }
}

#[test]
fn an_entry_that_is_damaged_everywhere_is_reported_with_its_bookie_after_those_before_it() {
    for options in [single(), ReadOptions::default()] {
        let mut cluster = Cluster::new((3, 3, 2), 5);
        assert!((0..3).all(|bookie| cluster.bookies[bookie].damage(2)));
        let (found, result) = cluster.read(0..5, 1 << 20, options);
        assert_eq!(numbers(&found), [0, 1]);
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.entry()), (ErrorKind::DigestMismatch, EntryId::new(2).ok()));
        assert!(error.bookie().is_some());
        cluster.down = vec![1];
        let (_, result) = cluster.read(2..5, 1 << 20, options);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Unavailable, "the one that is down may be good");
    }
}

#[test]
fn there_is_no_such_entry_only_if_all_say_so() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    assert_eq!(cluster.read(2..3, 100, single()).1.unwrap_err().kind(), ErrorKind::NoSuchEntry);
    cluster.down = vec![2];
    assert_eq!(cluster.read(2..3, 100, single()).1.unwrap_err().kind(), ErrorKind::Unavailable);
    cluster.down.clear();
    cluster.bookies.iter_mut().for_each(|bookie| *bookie = FakeBookie::new(true));
    let error = cluster.read(0..2, 100, single()).1.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchEntry, "bookies that were wiped do not know the ledger");
}

#[test]
fn entries_that_were_copied_by_the_cluster_are_accepted() {
    let mut cluster = Cluster::new((3, 3, 2), 5);
    (0..3).for_each(|bookie| cluster.bookies[bookie].repair(1, body(1, 5).to_bytes()));
    let (found, result) = cluster.read(0..5, 1 << 20, single());
    result.unwrap();
    assert_eq!(found[1].lac, EntryId::new(4).ok(), "a LAC above the entry's own id");
}

fn last(cluster: &mut Cluster) -> Result<u64> {
    let mut last = LastConfirmed::new(access(), &cluster.metadata).unwrap();
    loop {
        match last.poll().expect("it ends") {
            LastOutput::Send { to, token, request } => {
                if let Some(answer) = cluster.ask(&to, &request) {
                    last.answer(token, answer);
                }
            }
            LastOutput::Done(result) => return result,
        }
    }
}

#[test]
fn the_lac_is_the_highest_of_bookies_that_cover_the_ensemble() {
    let mut cluster = Cluster::new((3, 3, 2), 5);
    assert_eq!(last(&mut cluster).unwrap(), 4, "that of the last entry");
    cluster.bookies[2].handle(0, &access().write_lac(5));
    cluster.down = vec![0];
    assert_eq!(last(&mut cluster).unwrap(), 5, "an explicit one");
    cluster.down = vec![0, 1];
    assert_eq!(last(&mut cluster).unwrap_err().kind(), ErrorKind::Unavailable);
    let metadata = Arc::make_mut(&mut cluster.metadata);
    metadata.state = LedgerState::Closed { last_entry: EntryId::new(2).ok(), length: 300 };
    assert_eq!(last(&mut cluster).unwrap(), 3, "a closed ledger asks nobody");
    assert_eq!(last(&mut Cluster::new((3, 2, 2), 0)).unwrap(), 0);
}
