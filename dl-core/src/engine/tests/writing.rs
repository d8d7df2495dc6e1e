//! Appending: places, room, conditions and what is refused.

use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::task::yield_now;

use super::*;
use crate::drivers;
use crate::engine::writer::{Hooks, NextEntry, open};
use crate::{Condition, Dlsn, ErrorKind, MAX_PAYLOAD_BYTES};

on_every_driver! {
    what_is_appended_is_read_back_in_order
    appends_beyond_the_bound_wait_in_line_and_try_append_is_busy
    ready_waits_for_room_and_takes_none
    the_writers_of_a_process_share_a_budget
    a_batch_is_whole_and_bounded
    a_condition_is_judged_against_what_earlier_writers_left
    txids_go_on_from_the_largest_of_the_log
    what_a_service_adds_is_skipped_by_readers_and_survives_recovery
}

async fn what_is_appended_is_read_back_in_order(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let mut tickets = Vec::new();
    for payload in ["one", "two", "three"] {
        tickets.push(writer.append(payload).await.unwrap());
    }
    for (index, ticket) in tickets.into_iter().enumerate() {
        let receipt = ticket.await.unwrap();
        assert_eq!(receipt.sequence_id, Some(index as u64));
        assert_eq!(receipt.dlsn.segment(), 1);
    }
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two", "three"]);
}

async fn appends_beyond_the_bound_wait_in_line_and_try_append_is_busy(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(2)).await;
    // Nothing is settled before this task waits for something.
    let first = writer.try_append("1").unwrap();
    let second = writer.try_append("2").unwrap();
    assert_eq!(writer.try_append("3").unwrap_err().kind(), ErrorKind::Busy);
    let third = spawn({
        let writer = writer.clone();
        async move { writer.append("3").await.unwrap().await.unwrap() }
    });
    let dropped = spawn({
        let writer = writer.clone();
        async move { writer.append("dropped").await.unwrap().await.unwrap() }
    });
    while !third.is_finished() && writer.last_dlsn().is_none() {
        dropped.abort();
        yield_now().await;
    }
    first.await.unwrap();
    second.await.unwrap();
    assert!(dropped.await.unwrap_err().is_cancelled());
    third.await.unwrap();
    append(&writer, "4").await;
    assert_eq!(read_all(&namespace, shared.log()).await, ["1", "2", "3", "4"]);
}

async fn ready_waits_for_room_and_takes_none(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().in_flight_records(1)).await;
    writer.ready().await.unwrap();
    writer.ready().await.unwrap();
    let first = writer.try_append("1").unwrap();
    let mut ready = Box::pin(writer.ready());
    assert!(ready.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    first.await.unwrap();
    ready.await.unwrap();
    writer.try_append("2").unwrap().await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(writer.ready().await.unwrap_err().kind(), ErrorKind::Closed);
}

async fn the_writers_of_a_process_share_a_budget(shared: Shared) {
    let (seams, _) = shared.world.process();
    let options = options("a").in_flight_bytes(1 << 20);
    let namespace = Namespace::open_with(shared.uri(), options, seams).await.unwrap();
    let first = shared.open(&namespace, creating()).await;
    let other = namespace.log(&LogName::new("other").unwrap());
    let second = other.open_writer(creating()).await.unwrap();
    let large = first.try_append(vec![0; 1_000_000]).unwrap();
    assert_eq!(second.try_append(vec![0; 100_000]).unwrap_err().kind(), ErrorKind::Busy);
    let waiting = second.append(vec![0; 100_000]);
    let (large, waiting) = tokio::join!(large, waiting);
    large.unwrap();
    waiting.unwrap().await.unwrap();
}

async fn a_batch_is_whole_and_bounded(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let batch = vec![record("a", 1), record("b", 1), record("c", 2)];
    let receipts = writer.append_batch(batch, Some(Condition::Empty)).await.unwrap().await.unwrap();
    let places: Vec<_> = receipts.iter().map(|receipt| (receipt.dlsn, receipt.txid)).collect();
    assert_eq!(places, [(Dlsn::new(1, 0, 0), 1), (Dlsn::new(1, 0, 1), 1), (Dlsn::new(1, 0, 2), 2)]);
    let falling = vec![record("d", 5), record("e", 4)];
    assert_eq!(writer.append_batch(falling, None).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(writer.append_batch(vec![], None).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let late = writer.append_batch(vec![record("f", 3)], Some(Condition::Empty)).await.unwrap();
    assert_eq!(late.await.unwrap_err().kind(), ErrorKind::ConditionFailed);
    let error = writer.append(vec![0; MAX_PAYLOAD_BYTES + 1]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    writer.append(vec![0; MAX_PAYLOAD_BYTES]).await.unwrap().await.unwrap();
    assert_eq!(read_from(&namespace, shared.log(), Start::Earliest).await.len(), 4);
}

async fn a_condition_is_judged_against_what_earlier_writers_left(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let last = append(&writer, "one").await.dlsn;
    writer.close().await.unwrap();
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    assert_eq!(writer.last_dlsn(), Some(last));
    let ticket = writer.append_if("no", Condition::Empty).await.unwrap();
    let error = ticket.await.unwrap_err();
    assert_eq!((error.kind(), error.dlsn()), (ErrorKind::ConditionFailed, Some(last)));
    assert_eq!(
        namespace.log(shared.log()).segments().await.unwrap().len(),
        1,
        "no segment was started for it"
    );
    let receipt = writer.append_if("two", Condition::Last(last)).await.unwrap().await.unwrap();
    assert_eq!(receipt.dlsn, Dlsn::new(2, 0, 0));
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two"]);
}

async fn txids_go_on_from_the_largest_of_the_log(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let far = 4_000_000_000_000;
    writer.append(record("a", far)).await.unwrap().await.unwrap();
    writer.abort();
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    assert_eq!(writer.last_txid(), Some(far));
    let error = writer.append(record("b", far - 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(append(&writer, "c").await.txid, far, "the clock is behind");
    assert_eq!(writer.append(record("d", far + 1)).await.unwrap().await.unwrap().txid, far + 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_and_goes_on_when_there_is_room() {
    let shared = Shared::memory("a_full_store_refuses_and_goes_on_when_there_is_room");
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    drivers::memory::fill("a_full_store_refuses_and_goes_on_when_there_is_room", true);
    let refused: Vec<_> = vec![writer.append("no").await.unwrap(), writer.append("nor this").await.unwrap()];
    for ticket in refused {
        let error = ticket.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(!error.may_have_taken_effect());
    }
    assert_eq!(writer.truncate(Dlsn::FIRST).await.unwrap(), Dlsn::FIRST, "truncation goes on");
    drivers::memory::fill("a_full_store_refuses_and_goes_on_when_there_is_room", false);
    assert_eq!(append(&writer, "two").await.dlsn, Dlsn::new(1, 1, 0));
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_stops_when_full_leaves_a_prefix_and_can_be_closed() {
    let name = "a_writer_that_stops_when_full_leaves_a_prefix_and_can_be_closed";
    let shared = Shared::memory(name);
    let namespace = shared.process("owner").await;
    let log = namespace.log(shared.log());
    let writer = shared.open(&namespace, creating().stop_when_full(true)).await;
    append(&writer, "one").await;
    drivers::memory::fill(name, true);
    let refused = writer.append("two").await.unwrap();
    assert_eq!(writer.flush().await.unwrap_err().kind(), ErrorKind::StorageFull);
    drivers::memory::fill(name, false);
    // There is room again, but whoever appends has not looked at the refusal yet.
    assert_eq!(writer.append("three").await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::StorageFull);
    writer.close().await.unwrap();
    assert!(!log.info().await.unwrap().in_progress);
    assert_eq!(read_all(&namespace, shared.log()).await, ["one"]);
    let next = shared.open(&namespace, creating()).await;
    assert_eq!(append(&next, "two").await.sequence_id, Some(1));
}

/// A service that adds a record everywhere it can.
struct Marks;

impl Hooks for Marks {
    fn reserved_bytes(&self) -> usize {
        64
    }

    fn segment_starts(&self, segment: i64) -> Option<Bytes> {
        Some(Bytes::from(format!("segment {segment}")))
    }

    fn entry_ends(&self, entry: NextEntry) -> Option<Bytes> {
        Some(Bytes::from(format!("{} records", entry.records)))
    }
}

async fn what_a_service_adds_is_skipped_by_readers_and_survives_recovery(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    first.create_log(shared.log()).await.unwrap();
    let open = async |namespace: &Namespace| {
        let options = WriterOptions::default();
        let core = open(namespace.engine(), shared.log(), &options, Some(Arc::new(Marks))).await.unwrap();
        Writer::new(core)
    };
    let old = open(&first).await;
    let batch = old.append_batch(vec![record("a", 1), record("b", 2)], None).await.unwrap().await.unwrap();
    assert_eq!(batch[1].dlsn, Dlsn::new(1, 1, 1), "the segment's first entry is not the user's");
    let new = open(&second).await;
    assert_eq!((new.last_dlsn(), new.last_txid()), (Some(batch[1].dlsn), Some(2)));
    let receipt = new.append_if(record("c", 3), Condition::Last(batch[1].dlsn)).await.unwrap().await.unwrap();
    assert_eq!((receipt.dlsn, receipt.sequence_id), (Dlsn::new(2, 1, 0), Some(2)));
    let end = first.log(shared.log()).segments().await.unwrap()[0].completed.unwrap();
    assert_eq!((end.records, end.last_txid, end.last_dlsn), (2, 2, Some(Dlsn::new(1, 1, 2))));
    assert_eq!(read_all(&first, shared.log()).await, ["a", "b", "c"]);
    old.abort();
}
