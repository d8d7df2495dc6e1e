//! What every segment store has to do.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;

use super::source::{Source, TestWriter, complete, entry, make_log};
use super::{Fixture, Stores, commit, waits};
use crate::error::ErrorKind;
use crate::store::{SegmentReader, Tail, TailState, Visibility};
use crate::types::SegmentId;

/// Defines a test for each case. The last argument makes a [`Fixture`](crate::testing::stores::Fixture); one before it
/// is the attribute of a test, if it is not `tokio::test`.
#[macro_export]
macro_rules! segment_suite {
    ($fixture:expr) => {
        $crate::segment_suite!(tokio::test, $fixture);
    };
    ($test:meta, $fixture:expr) => {
        $crate::store_cases! { segment_suite, $test, $fixture,
            ids_are_given_out_once
            an_id_makes_one_segment
            entries_end_in_order_and_are_read_as_written
            a_source_may_wake_the_store_from_within_a_call
            large_entries_are_read_whole
            a_read_keeps_its_budget_but_moves_on
            the_bytes_of_a_segment_count_its_entries
            readers_follow_a_writer_without_gap
            readers_are_told_of_the_end_by_its_writer
            a_cancelled_wait_loses_nothing
            many_segments_are_written_at_once
            a_segment_without_entries_is_closed_and_recovered
            recovery_cuts_off_the_writer
            recovery_in_mid_flight_keeps_what_was_acknowledged_and_nothing_later
            an_idle_writer_is_told_that_it_was_fenced
            two_recoveries_at_once_answer_the_same
            a_closed_segment_is_recovered_as_it_is
            a_dropped_writer_leaves_its_segment_as_it_is
            the_segment_of_a_dead_process_is_recovered
            readers_are_told_of_the_fence
            deleting_frees_writer_and_readers
            deleting_is_idempotent
            what_never_was_is_not_found
            a_full_store_refuses_entries_before_they_have_a_place
            damage_is_named_and_not_taken_for_the_end
            a_closed_store_says_so
        }
    };
}

const OPEN: TailState = TailState::Open;

/// Two processes, and the nodes of a log.
async fn two(fixture: &dyn Fixture) -> (Stores, Stores) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    make_log(&one).await;
    (one, two)
}

/// How many of this many committed entries readers see while the segment is open.
fn visible(stores: &Stores, entries: u64) -> u64 {
    match stores.segments.visibility() {
        Visibility::AtAck | Visibility::AfterAck => entries,
        Visibility::AtNextEntry => entries.saturating_sub(1),
    }
}

async fn reader(stores: &Stores, id: SegmentId) -> Arc<dyn SegmentReader> {
    stores.segments.open(id).await.unwrap()
}

/// The entries of a segment from its start, as many as are committed.
async fn read_all(stores: &Stores, id: SegmentId) -> Vec<Bytes> {
    let reader = reader(stores, id).await;
    let mut entries = Vec::new();
    loop {
        let more = reader.read(entries.len() as u64, 5_000).await.unwrap();
        if more.is_empty() {
            return entries;
        }
        entries.extend(more);
    }
}

fn expected(id: SegmentId, count: u64) -> Vec<Bytes> {
    (0..count).map(|number| entry(id, number)).collect()
}

/// Waits until the tail is at least this far.
async fn wait_for(reader: &dyn SegmentReader, entries: u64, state: TailState) -> Tail {
    let mut tail = reader.tail().await.unwrap();
    while tail.entries < entries || tail.state < state {
        let next = reader.wait(tail).await.unwrap();
        assert!(next.entries > tail.entries || next.state > tail.state, "{tail:?} then {next:?}");
        assert!(next.entries >= tail.entries && next.state >= tail.state, "{tail:?} then {next:?}");
        tail = next;
    }
    tail
}

#[allow(missing_docs, reason = "the names of cases are sentences")]
mod cases {
    use super::*;

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
        assert!(one.segments.create(writer.id, Arc::new(Source::default())).await.is_err());
        writer.append(3..6).await;
        assert_eq!(complete(&one, writer.writer.close().await.unwrap()).await, Some(5));
        assert!(one.segments.create(writer.id, Arc::new(Source::default())).await.is_err());
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

    pub async fn a_read_keeps_its_budget_but_moves_on(fixture: &dyn Fixture) {
        let (one, _two) = two(fixture).await;
        let writer = TestWriter::start(&one).await;
        let entries: Vec<Bytes> = (0..10).map(|number| vec![number; 100].into()).collect();
        entries.iter().for_each(|entry| writer.put(entry.clone()));
        writer.source.ended(10).await;
        writer.writer.close().await.unwrap();
        let reader = reader(&one, writer.id).await;
        for (from, budget, most) in
            [(0, 0, 1), (0, 1, 1), (0, 199, 1), (0, 299, 2), (7, 100_000, 3), (9, 1, 1)]
        {
            let read = reader.read(from, budget).await.unwrap();
            assert!((1..=most).contains(&read.len()), "{} from {from} by {budget}", read.len());
            let start = usize::try_from(from).unwrap();
            assert_eq!(read, entries[start..start + read.len()]);
        }
        for from in [10, 11, u64::MAX] {
            assert!(reader.read(from, 1_000).await.unwrap().is_empty());
        }
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

    pub async fn a_segment_without_entries_is_closed_and_recovered(fixture: &dyn Fixture) {
        let (one, two) = two(fixture).await;
        for closes in [true, false] {
            let writer = TestWriter::start(&one).await;
            let closed =
                if closes { writer.writer.close().await } else { two.segments.recover(writer.id).await };
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

    pub async fn deleting_frees_writer_and_readers(fixture: &dyn Fixture) {
        let (one, two) = two(fixture).await;
        // An idle writer, one with entries waiting, and none.
        for case in ["idle", "writing", "closed"] {
            let writer = TestWriter::start(&one).await;
            writer.append(0..5).await;
            if case == "closed" {
                complete(&one, writer.writer.close().await.unwrap()).await;
            }
            let readers = [reader(&one, writer.id).await, reader(&two, writer.id).await];
            let mut tails = Vec::new();
            for reader in &readers {
                tails.push(wait_for(&**reader, visible(&one, 5), OPEN).await);
            }
            if case == "writing" {
                (5..50).for_each(|number| writer.put(entry(writer.id, number)));
            }
            let ids = [writer.id];
            let ops = two.segments.delete(&ids).await.unwrap();
            for (reader, known) in readers.iter().zip(tails) {
                let mut tail = known;
                while tail.state != TailState::Deleted {
                    tail = reader.wait(tail).await.unwrap();
                }
                assert_eq!(reader.read(0, 100).await.unwrap_err().kind(), ErrorKind::NotFound, "{case}");
            }
            commit(&*two.metadata, &ops).await;
            if case != "closed" {
                let kind = writer.source.cut_off().await;
                assert!([ErrorKind::NotFound, ErrorKind::Fenced].contains(&kind), "{case}: {kind}");
                assert!(writer.writer.close().await.is_err());
            }
            assert!(one.segments.recover(writer.id).await.is_err());
        }
    }

    pub async fn deleting_is_idempotent(fixture: &dyn Fixture) {
        let (one, two) = two(fixture).await;
        let (gone, kept) = (TestWriter::start(&one).await, TestWriter::start(&one).await);
        let unused = one.segments.allocate("/log/<default>", &[]).await.unwrap().id;
        gone.append(0..5).await;
        kept.append(0..5).await;
        let ids = [gone.id, unused, SegmentId::new(i64::MAX).unwrap()];
        let (one_answer, two_answer) = (one.segments.delete(&ids).await, two.segments.delete(&ids).await);
        one_answer.unwrap();
        commit(&*two.metadata, &two_answer.unwrap()).await;
        let ops = one.segments.delete(&ids).await.unwrap();
        commit(&*one.metadata, &ops).await;
        commit(&*one.metadata, &one.segments.delete(&[]).await.unwrap()).await;
        kept.append(5..10).await;
        kept.writer.close().await.unwrap();
        assert_eq!(read_all(&two, kept.id).await, expected(kept.id, 10));
    }

    pub async fn what_never_was_is_not_found(fixture: &dyn Fixture) {
        let (one, _two) = two(fixture).await;
        let id = SegmentId::new(i64::MAX).unwrap();
        assert_eq!(one.segments.recover(id).await.unwrap_err().kind(), ErrorKind::NotFound);
        let read = async { one.segments.open(id).await?.read(0, 1).await };
        assert_eq!(read.await.unwrap_err().kind(), ErrorKind::NotFound);
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
        assert!(
            error.context_value("segment_id") == Some(&writer.id.to_string()) && named("entry"),
            "{error}"
        );
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
}

pub use cases::*;
