//! Recovery: the writer is cut off, and what it was told stays.
#![allow(missing_docs, reason = "the names of cases are sentences")]

use std::future::poll_fn;

use super::{OPEN, expected, read_all, reader, two, visible, wait_for};
use crate::error::ErrorKind;
use crate::testing::stores::Fixture;
use crate::testing::stores::source::{TestWriter, complete, entry};

pub async fn a_segment_without_entries_is_closed_and_recovered(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    for closes in [true, false] {
        let writer = TestWriter::start(&one).await;
        let closed = if closes { writer.writer.close().await } else { two.segments.recover(writer.id).await };
        assert_eq!(complete(&two, closed.unwrap()).await, None);
        let reader = reader(&two, writer.id).await;
        let tail = reader.tail().await.unwrap();
        assert!(tail.entries == 0 && tail.state > OPEN, "{tail:?}");
        assert!(reader.read(0, 100).await.unwrap().is_empty());
        assert_eq!(one.segments.recover(writer.id).await.unwrap().last_entry, None);
    }
}

pub async fn recovery_cuts_off_the_writer(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    // By another process, then within one.
    for recoverer in [&two, &one] {
        let writer = TestWriter::start(&one).await;
        writer.append(0..20).await;
        let closed = recoverer.segments.recover(writer.id).await.unwrap();
        assert_eq!(closed.last_entry, Some(19));
        writer.put(entry(writer.id, 20));
        writer.put(entry(writer.id, 21));
        let ended = writer.source.ended(22).await;
        assert_eq!(ended[20..], [(20, Some(ErrorKind::Fenced)), (21, Some(ErrorKind::Fenced))]);
        assert_eq!(writer.writer.close().await.unwrap_err().kind(), ErrorKind::Fenced);
        assert_eq!(complete(recoverer, closed).await, Some(19));
        for stores in [&one, &two] {
            assert_eq!(read_all(stores, writer.id).await, expected(writer.id, 20));
            assert_eq!(stores.segments.recover(writer.id).await.unwrap().last_entry, Some(19));
        }
    }
}

pub async fn recovery_in_mid_flight_keeps_what_was_acknowledged_and_nothing_later(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    for round in 0..10 {
        let writer = TestWriter::start(&one).await;
        (0..100).for_each(|number| writer.put(entry(writer.id, number)));
        writer.source.ended(round * 9).await;
        let mut recovering = two.segments.recover(writer.id);
        // Entries are still added while it runs.
        let mut number = 100;
        let closed = poll_fn(|context| {
            if number < 300 {
                writer.put(entry(writer.id, number));
                number += 1;
                context.waker().wake_by_ref();
            }
            recovering.as_mut().poll(context)
        });
        let last = closed.await.unwrap().last_entry;
        let count = last.map_or(0, |last| last + 1);
        assert_eq!(read_all(&two, writer.id).await, expected(writer.id, count), "round {round}");
        let ended = writer.source.ended(usize::try_from(number).unwrap()).await;
        let acknowledged = ended.iter().filter(|(_, error)| error.is_none()).count() as u64;
        assert!(acknowledged <= count, "{acknowledged} acknowledged, {count} kept");
        assert!(
            ended.iter().all(|(_, error)| error.is_none_or(|kind| kind == ErrorKind::Fenced)),
            "{ended:?}"
        );
        let again = one.segments.recover(writer.id).await.unwrap();
        assert_eq!(complete(&one, again).await, last);
        assert_eq!(read_all(&one, writer.id).await, expected(writer.id, count));
    }
}

pub async fn an_idle_writer_is_told_that_it_was_fenced(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    for entries in [0, 3] {
        let writer = TestWriter::start(&one).await;
        writer.append(0..entries).await;
        two.segments.recover(writer.id).await.unwrap();
        assert_eq!(writer.source.cut_off().await, ErrorKind::Fenced);
        assert_eq!(writer.source.times_broken(), 1);
    }
}

pub async fn two_recoveries_at_once_answer_the_same(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    for round in 0..5 {
        let writer = TestWriter::start(&one).await;
        (0..50).for_each(|number| writer.put(entry(writer.id, number)));
        writer.source.ended(round * 10).await;
        let (first, second, third) = tokio::join!(
            one.segments.recover(writer.id),
            two.segments.recover(writer.id),
            two.segments.recover(writer.id)
        );
        let last = first.unwrap().last_entry;
        assert_eq!((second.unwrap().last_entry, third.unwrap().last_entry), (last, last));
    }
}

pub async fn a_closed_segment_is_recovered_as_it_is(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    // Also when its writer died between closing it and the commit that completes it.
    for completes in [true, false] {
        let writer = TestWriter::start(&one).await;
        writer.append(0..7).await;
        let closed = writer.writer.close().await.unwrap();
        assert_eq!(closed.last_entry, Some(6));
        if completes {
            complete(&one, closed).await;
        }
        let recovered = two.segments.recover(writer.id).await.unwrap();
        assert_eq!(complete(&two, recovered).await, Some(6));
        assert_eq!(read_all(&two, writer.id).await, expected(writer.id, 7));
    }
}

pub async fn a_dropped_writer_leaves_its_segment_as_it_is(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let TestWriter { id, source, writer } = {
        let writer = TestWriter::start(&one).await;
        writer.append(0..4).await;
        writer
    };
    drop(writer);
    let reader = reader(&two, id).await;
    assert_eq!(wait_for(&*reader, visible(&two, 4), OPEN).await.state, OPEN);
    assert_eq!(two.segments.recover(id).await.unwrap().last_entry, Some(3));
    assert_eq!(read_all(&two, id).await, expected(id, 4));
    assert_eq!(source.so_far().len(), 4);
}

pub async fn the_segment_of_a_dead_process_is_recovered(fixture: &dyn Fixture) {
    let (one, two) = two(fixture).await;
    let dying = TestWriter::start(&one).await;
    let id = dying.id;
    (0..200).for_each(|number| dying.put(entry(id, number)));
    dying.source.ended(10).await;
    let TestWriter { source, writer, .. } = dying;
    drop(writer);
    fixture.kill(one).await;
    let closed = two.segments.recover(id).await.unwrap();
    let count = complete(&two, closed).await.map_or(0, |last| last + 1);
    let acknowledged = source.so_far().iter().filter(|(_, error)| error.is_none()).count() as u64;
    assert!((10..=count).contains(&acknowledged), "{acknowledged} acknowledged, {count} kept");
    assert_eq!(read_all(&two, id).await, expected(id, count));
}
