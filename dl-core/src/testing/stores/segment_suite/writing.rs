//! Writing: each entry ends once, in order, and is there as it was given.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{OPEN, expected, read_all, reader, two, visible, wait_for};
use crate::error::ErrorKind;
use crate::store::{Replication, Tail, TailState};
use crate::testing::stores::source::{Source, TestWriter, complete, entry};
use crate::testing::stores::{Fixture, commit};

pub async fn ids_are_given_out_once(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let mut ids = BTreeSet::new();
    for _ in 0..70 {
        for stores in [&one, &two] {
            assert!(ids.insert(stores.segments.allocate("/log/<default>", &[]).await.unwrap().id.get()));
        }
    }
    let writer = TestWriter::start(&one).await;
    assert!(ids.insert(writer.id.get()));
    let ops = two.segments.delete(&[writer.id]).await.unwrap();
    commit(&*two.metadata, &ops).await;
    fixture.kill(one).await;
    let three = fixture.open().await;
    for stores in [&two, &three] {
        assert!(ids.insert(stores.segments.allocate("/log/<default>", &[]).await.unwrap().id.get()));
    }
}

pub async fn an_id_makes_one_segment(fixture: &dyn Fixture) {
    let (one, _two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..3).await;
    assert!(
        one.segments.create(writer.id, Arc::new(Source::default()), Replication::default()).await.is_err()
    );
    writer.append(3..6).await;
    assert_eq!(complete(&one, writer.writer.close().await.unwrap()).await, Some(5));
    assert!(
        one.segments.create(writer.id, Arc::new(Source::default()), Replication::default()).await.is_err()
    );
    assert_eq!(read_all(&one, writer.id).await, expected(writer.id, 6));
}

pub async fn entries_end_in_order_and_are_read_as_written(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..1).await;
    writer.append(1..2).await;
    writer.append(2..300).await;
    let ended = writer.source.so_far();
    assert_eq!(ended, (0..300).map(|entry| (entry, None)).collect::<Vec<_>>());
    for stores in [&one, &two] {
        let seen = visible(stores, 300);
        let tail = wait_for(&*reader(stores, writer.id).await, seen, OPEN).await;
        assert_eq!(tail, Tail { entries: seen, state: OPEN });
        assert_eq!(read_all(stores, writer.id).await, expected(writer.id, seen));
    }
    let closed = writer.writer.close().await.unwrap();
    assert_eq!(complete(&one, closed).await, Some(299));
    for stores in [&one, &two] {
        let reader = reader(stores, writer.id).await;
        assert_eq!(wait_for(&*reader, 300, TailState::Closed).await.entries, 300);
        assert_eq!(read_all(stores, writer.id).await, expected(writer.id, 300));
        // Not only from the start.
        assert_eq!(reader.read(299, 1).await.unwrap(), [entry(writer.id, 299)]);
        assert_eq!(reader.read(150, 1).await.unwrap(), [entry(writer.id, 150)]);
    }
}

pub async fn a_source_may_wake_the_store_from_within_a_call(fixture: &dyn Fixture) {
    let (one, _two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let echoes = (1..20).map(|number| entry(writer.id, number));
    writer.source.echo(writer.writer.clone(), echoes.collect::<Vec<_>>());
    writer.put(entry(writer.id, 0));
    let ended = writer.source.ended(20).await;
    assert_eq!(ended, (0..20).map(|entry| (entry, None)).collect::<Vec<_>>());
    writer.source.forget_echo();
    writer.writer.close().await.unwrap();
    assert_eq!(read_all(&one, writer.id).await, expected(writer.id, 20));
}

pub async fn large_entries_are_read_whole(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let entries: Vec<Bytes> = [1_044_480, 14, 500_000, 13, 1_044_480, 1_044_480]
        .iter()
        .enumerate()
        .map(|(number, length)| vec![number as u8; *length].into())
        .collect();
    entries.iter().for_each(|entry| writer.put(entry.clone()));
    let ended = writer.source.ended(entries.len()).await;
    assert!(ended.iter().all(|(_, error)| error.is_none()), "{ended:?}");
    writer.writer.close().await.unwrap();
    assert_eq!(read_all(&two, writer.id).await, entries);
    let all = reader(&two, writer.id).await.read(0, usize::MAX).await.unwrap();
    assert_eq!(all, entries[..all.len()]);
}

pub async fn the_bytes_of_a_segment_count_its_entries(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let id = writer.id;
    writer.append(0..3).await;
    let of_all = expected(id, 3).iter().map(|entry| entry.len() as u64).sum::<u64>();
    let bytes = reader(&one, id).await.bytes().await.unwrap();
    assert!((of_all..of_all + 1_000).contains(&bytes), "{bytes} for entries of {of_all}");
    assert!(reader(&two, id).await.bytes().await.unwrap() >= of_all);
    let gone = reader(&two, id).await;
    commit(&*one.metadata, &one.segments.delete(&[id]).await.unwrap()).await;
    assert_eq!(gone.bytes().await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn many_segments_are_written_at_once(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let mut writers = Vec::new();
    for number in 0..20 {
        writers.push(TestWriter::start(if number % 3 == 0 { &two } else { &one }).await);
    }
    for number in 0..30 {
        writers.iter().for_each(|writer| writer.put(entry(writer.id, number)));
    }
    for writer in &writers {
        let ended = writer.source.ended(30).await;
        assert!(ended.iter().all(|(_, error)| error.is_none()), "{ended:?}");
        assert_eq!(writer.writer.close().await.unwrap().last_entry, Some(29));
    }
    for writer in &writers {
        assert_eq!(read_all(&two, writer.id).await, expected(writer.id, 30));
    }
}

pub async fn a_full_store_refuses_entries_before_they_have_a_place(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let garbage = TestWriter::start(&one).await;
    garbage.append(0..10).await;
    writer.append(0..5).await;
    if !fixture.fill(true).await {
        return;
    }
    let big = Bytes::from(vec![7; 1_044_480]);
    writer.put(big.clone());
    assert_eq!(writer.source.ended(6).await[5], (5, Some(ErrorKind::StorageFull)));
    writer.put(big);
    assert_eq!(writer.source.ended(7).await[6], (5, Some(ErrorKind::StorageFull)));
    // Reading, recovering and deleting go on.
    assert_eq!(read_all(&two, writer.id).await, expected(writer.id, visible(&two, 5)));
    let closed = two.segments.recover(garbage.id).await.unwrap();
    assert_eq!(complete(&two, closed).await, Some(9));
    let ops = two.segments.delete(&[garbage.id]).await.unwrap();
    commit(&*two.metadata, &ops).await;
    // So does the writer, once there is room.
    assert!(fixture.fill(false).await);
    writer.append(5..10).await;
    assert_eq!(writer.source.so_far()[7..], [5, 6, 7, 8, 9].map(|entry| (entry, None)));
    assert_eq!(writer.writer.close().await.unwrap().last_entry, Some(9));
    assert_eq!(read_all(&two, writer.id).await, expected(writer.id, 10));
}
