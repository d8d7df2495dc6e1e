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

/// So many that three pieces of them are worth it.
const MANY: u64 = 4_000;

/// A cluster whose entries' size is known to the reader.
fn known(entries: u64) -> Cluster {
    let mut cluster = Cluster::new((3, 3, 2), entries);
    cluster.read(0..10, 1 << 20, ReadOptions::default()).1.unwrap();
    cluster.asked.clear();
    cluster
}

fn asked(cluster: &Cluster) -> Vec<usize> {
    cluster.asked.iter().map(|(bookie, _)| *bookie).collect()
}

#[test]
fn each_bookie_is_asked_for_a_piece_of_what_is_large() {
    let mut cluster = known(MANY);
    let (found, result) = cluster.read(0..MANY, 1 << 20, ReadOptions::default());
    result.unwrap();
    assert!(numbers(&found).into_iter().eq(0..MANY));
    assert_eq!(asked(&cluster), [0, 1, 2]);
    cluster.asked.clear();
    cluster.read(0..MANY, 100_000, ReadOptions::default()).1.unwrap();
    assert_eq!(asked(&cluster), [0], "it keeps to one bookie for what is small");
}

#[test]
fn pieces_that_fail_come_from_others_and_their_bookies_are_asked_last() {
    type Fault = fn(&mut Cluster);
    let down: Fault = |cluster| cluster.down = vec![1];
    let frozen: Fault = |cluster| cluster.frozen = vec![1];
    let damaged: Fault = |cluster| assert!(cluster.bookies[1].damage(2_000));
    let first: Fault = |cluster| cluster.down = vec![0];
    let wiped: Fault = |cluster| cluster.bookies[2] = FakeBookie::new(true);
    for (fault, others) in
        [(down, [0, 2]), (frozen, [0, 2]), (damaged, [0, 2]), (first, [1, 2]), (wiped, [0, 1])]
    {
        let mut cluster = known(MANY);
        fault(&mut cluster);
        let (found, result) = cluster.read(0..MANY, 1 << 20, ReadOptions::default());
        result.unwrap();
        assert!(numbers(&found).into_iter().eq(0..MANY));
        cluster.asked.clear();
        let (found, result) = cluster.read(0..MANY, 1 << 20, ReadOptions::default());
        result.unwrap();
        let mut well = asked(&cluster);
        well.sort_unstable();
        assert_eq!((found.len() as u64, well), (MANY, others.to_vec()));
    }
}

#[test]
fn pieces_are_delivered_in_order_whenever_they_come() {
    let mut cluster = known(MANY);
    let (metadata, replicas) = (cluster.metadata.clone(), cluster.replicas.clone());
    let options = ReadOptions::default();
    let mut reading = Reading::new(access(), metadata, options, replicas, 0..MANY, 1 << 20, 0).unwrap();
    let mut pieces = Vec::new();
    while let Some(output) = reading.poll() {
        let ReadingOutput::Send { to, token, request } = output else { panic!("{output:?}") };
        pieces.push((token, cluster.ask(&to, &request).unwrap()));
    }
    assert_eq!(pieces.len(), 3);
    let mut found = Vec::new();
    for (token, answer) in pieces.into_iter().rev() {
        assert!(found.is_empty(), "nothing before the first has come");
        reading.answer(token, answer);
        while let Some(output) = reading.poll() {
            match output {
                ReadingOutput::Entry(entry) => found.push(entry),
                ReadingOutput::Done(result) => result.unwrap(),
                _ => panic!("{output:?}"),
            }
        }
    }
    assert!(numbers(&found).into_iter().eq(0..MANY));
}

#[test]
fn a_piece_behind_a_gap_is_dropped_and_its_bookie_is_well() {
    let mut cluster = known(MANY);
    let (metadata, replicas) = (cluster.metadata.clone(), cluster.replicas.clone());
    let options = ReadOptions::default();
    let mut reading = Reading::new(access(), metadata, options, replicas, 0..MANY, 1 << 20, 0).unwrap();
    let mut pieces = Vec::new();
    while let Some(output) = reading.poll() {
        let ReadingOutput::Send { to, token, request } = output else { panic!("{output:?}") };
        pieces.push((to.clone(), token, cluster.ask(&to, &request).unwrap()));
    }
    let [first, second, third] = pieces.try_into().unwrap();
    reading.answer(third.1, Err(Error::new(ErrorKind::Unavailable, "down")));
    let Ok(Response::BatchRead(mut batch)) = first.2 else { panic!("{:?}", first.2) };
    batch.bodies.truncate(10);
    reading.answer(first.1, Ok(Response::BatchRead(batch)));
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    while let Some(output) = reading.poll() {
        match output {
            ReadingOutput::Entry(entry) => found.push(entry),
            ReadingOutput::Send { to, token, request } => missing.push((to, token, request)),
            ReadingOutput::Done(result) => panic!("{result:?}"),
            ReadingOutput::Beyond(entry) => panic!("{entry:?}"),
        }
    }
    assert!(!missing.is_empty(), "what is missing is asked for before the second has come");
    reading.answer(second.1, second.2);
    loop {
        match reading.poll() {
            Some(ReadingOutput::Entry(entry)) => found.push(entry),
            Some(ReadingOutput::Send { to, token, request }) => missing.push((to, token, request)),
            Some(ReadingOutput::Done(result)) => break result.unwrap(),
            Some(output) => panic!("{output:?}"),
            None => {
                let (to, token, request) = missing.pop().unwrap();
                assert_ne!(to, third.0);
                reading.answer(token, cluster.ask(&to, &request).unwrap());
            }
        }
    }
    assert!(numbers(&found).into_iter().eq(0..MANY));
    let replicas = reading.into_replicas();
    assert!(replicas.avoids(&third.0, 1) && !replicas.avoids(&second.0, 1));
}

#[test]
fn what_came_and_does_not_fit_is_given_along() {
    let mut cluster = Cluster::new((3, 3, 2), 3);
    cluster.read(0..3, 150, ReadOptions::default()).1.unwrap();
    assert_eq!((cluster.asked.len(), cluster.beyond.len()), (1, 0), "a second would be too much");
    cluster.read(0..3, 250, single()).1.unwrap();
    assert!(cluster.beyond.is_empty());
    cluster.add_large(3, 400);
    let (found, result) = cluster.read(2..4, 300, ReadOptions::default());
    result.unwrap();
    assert_eq!((found.len(), cluster.beyond.len()), (1, 1));
    assert_eq!(cluster.beyond[0].payload.len(), 400);
}
