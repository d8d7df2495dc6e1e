//! Reading: to the tail and along with it, and what is said where nothing can be read.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use bytes::Bytes;

use super::{OPEN, expected, read_all, reader, two, visible, wait_for};
use crate::error::ErrorKind;
use crate::store::{Tail, TailState};
use crate::testing::stores::source::{TestWriter, complete, entry};
use crate::testing::stores::{Fixture, Stores, waits};
use crate::types::SegmentId;

pub async fn a_read_keeps_its_budget_but_moves_on(fixture: &dyn Fixture) {
    let (one, _two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let entries: Vec<Bytes> = (0..10).map(|number| vec![number; 100].into()).collect();
    entries.iter().for_each(|entry| writer.put(entry.clone()));
    writer.source.ended(10).await;
    writer.writer.close().await.unwrap();
    let reader = reader(&one, writer.id).await;
    for (from, budget, most) in [(0, 0, 1), (0, 1, 1), (0, 199, 1), (0, 299, 2), (7, 100_000, 3), (9, 1, 1)] {
        let read = reader.read(from, budget).await.unwrap();
        assert!((1..=most).contains(&read.len()), "{} from {from} by {budget}", read.len());
        let start = usize::try_from(from).unwrap();
        assert_eq!(read, entries[start..start + read.len()]);
    }
    for from in [10, 11, u64::MAX] {
        assert!(reader.read(from, 1_000).await.unwrap().is_empty());
    }
}

pub async fn readers_follow_a_writer_without_gap(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let follow = async |stores: &Stores| {
        let reader = reader(stores, writer.id).await;
        let mut tail = reader.tail().await.unwrap();
        let mut seen = 0;
        while seen < 400 {
            let entries = reader.read(seen, 20_000).await.unwrap();
            for read in &entries {
                assert!(*read == entry(writer.id, seen), "entry {seen} is another");
                seen += 1;
            }
            if entries.is_empty() {
                tail = reader.wait(tail).await.unwrap();
            }
        }
        assert!(reader.read(seen, 1).await.unwrap().is_empty());
    };
    let write = async {
        for batch in 0..40 {
            writer.append(batch * 10..batch * 10 + 10).await;
        }
        writer.writer.close().await.unwrap();
    };
    tokio::join!(follow(&one), follow(&two), follow(&two), write);
}

pub async fn readers_are_told_of_the_end_by_its_writer(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..5).await;
    let readers = [reader(&one, writer.id).await, reader(&two, writer.id).await];
    let known = wait_for(&*readers[0], visible(&one, 5), OPEN).await;
    let close = async { complete(&one, writer.writer.close().await.unwrap()).await };
    let closed = Tail { entries: 5, state: TailState::Closed };
    let (first, second, last) = tokio::join!(readers[0].wait(known), readers[1].wait(known), close);
    assert_eq!((first.unwrap(), second.unwrap(), last), (closed, closed, Some(4)));
    writer.put("late");
    assert!(writer.source.ended(6).await[5].1.is_some());
    assert_eq!(readers[1].tail().await.unwrap(), closed);
}

pub async fn readers_are_told_of_the_fence(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..5).await;
    let readers = [reader(&one, writer.id).await, reader(&two, writer.id).await];
    let known = wait_for(&*readers[0], visible(&one, 5), OPEN).await;
    let recover = async { two.segments.recover(writer.id).await.unwrap() };
    let (first, second, closed) = tokio::join!(readers[0].wait(known), readers[1].wait(known), recover);
    for tail in [first.unwrap(), second.unwrap()] {
        assert!(
            tail.entries == 5 && [TailState::Fenced, TailState::Closed].contains(&tail.state),
            "{tail:?}"
        );
    }
    complete(&two, closed).await;
    assert_eq!(read_all(&one, writer.id).await, expected(writer.id, 5));
}

pub async fn a_cancelled_wait_loses_nothing(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    let reader = reader(&two, writer.id).await;
    let known = reader.tail().await.unwrap();
    assert_eq!(known, Tail { entries: 0, state: OPEN });
    let mut waiting = reader.wait(known);
    assert!(waits(&mut waiting).await);
    drop(waiting);
    writer.append(0..2).await;
    let told = reader.wait(known).await.unwrap();
    assert!(told.entries > 0 && told.entries <= 2);
}

pub async fn what_never_was_is_not_found(fixture: &dyn Fixture) {
    let (one, _two) = two(fixture).await;
    let id = SegmentId::new(i64::MAX).unwrap();
    assert_eq!(one.segments.recover(id).await.unwrap_err().kind(), ErrorKind::NotFound);
    let read = async { one.segments.open(id).await?.read(0, 1).await };
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub async fn damage_is_named_and_not_taken_for_the_end(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..20).await;
    complete(&one, writer.writer.close().await.unwrap()).await;
    if !fixture.damage(writer.id, 12).await {
        return;
    }
    let reader = reader(&two, writer.id).await;
    assert_eq!(reader.tail().await.unwrap().entries, 20);
    let mut read = Vec::new();
    let error = loop {
        match reader.read(read.len() as u64, 5_000).await {
            Ok(more) if more.is_empty() => panic!("damage was taken for the end after {}", read.len()),
            Ok(more) => read.extend(more),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(read, expected(writer.id, 12), "{error}");
    let named = |key| error.context_value(key).is_some();
    assert!(error.context_value("segment_id") == Some(&writer.id.to_string()) && named("entry"), "{error}");
    assert!((named("file") && named("offset")) || named("bookie"), "{error}");
    assert_eq!(reader.read(12, 1).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

pub async fn a_closed_store_says_so(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let writer = TestWriter::start(&one).await;
    writer.append(0..3).await;
    let reader = reader(&two, writer.id).await;
    let known = wait_for(&*reader, visible(&two, 3), OPEN).await;
    let mut waiting = reader.wait(known);
    assert!(waits(&mut waiting).await);
    two.session.close().await.unwrap();
    let errors = [
        waiting.await.unwrap_err(),
        reader.tail().await.unwrap_err(),
        reader.read(0, 1).await.unwrap_err(),
        two.segments.allocate("/log/<default>", &[]).await.unwrap_err(),
        two.segments.recover(writer.id).await.unwrap_err(),
        two.segments.delete(&[writer.id]).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Closed), "{errors:?}");
    writer.append(3..6).await;
}
