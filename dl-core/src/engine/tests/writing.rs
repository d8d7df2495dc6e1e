use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::yield_now;

use super::*;
use crate::drivers;
use crate::engine::writer::{Hooks, NextEntry, open};
use crate::{Condition, Dlsn, ErrorKind, MAX_PAYLOAD_BYTES, SegmentTruncation};

on_every_driver! {
    what_is_appended_is_read_back_in_order
    appends_beyond_the_bound_wait_in_line_and_try_append_is_busy
    ready_waits_for_room_and_takes_none
    the_writers_of_a_process_share_a_budget
    a_batch_is_whole_and_bounded
    a_condition_is_judged_against_what_earlier_writers_left
    txids_go_on_from_the_largest_of_the_log
    segments_roll_by_size_without_losing_order_or_count
    an_idle_segment_is_completed_when_its_age_is_up
    close_settles_and_completes_and_abort_does_not
    who_lets_a_log_go_is_not_in_his_own_way
    dropping_the_last_handle_aborts
    closing_the_namespace_settles_everything
    a_sealed_log_accepts_nothing_ever_and_says_so_at_its_end
    an_empty_log_can_be_sealed
    the_writer_truncates_within_its_open_segment
    a_truncated_log_is_not_empty_to_conditions
    deleting_takes_one_log_only_and_open_handles_find_nothing
    a_deletion_that_was_overtaken_takes_nothing_from_the_next_writer
    logs_are_listed_in_byte_order_by_pages
    a_renamed_log_goes_on_under_its_new_name
    what_a_service_adds_is_skipped_by_readers_and_survives_recovery
    a_log_keeps_bytes_for_its_user
    a_namespace_for_reading_only_changes_nothing
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

async fn segments_roll_by_size_without_losing_order_or_count(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_bytes(1_024)).await;
    let mut last = None;
    for number in 0..500 {
        let ticket = writer.append(format!("{number:04}")).await.unwrap();
        if number % 7 == 0 {
            last = Some(ticket.await.unwrap());
        }
    }
    writer.flush().await.unwrap();
    assert!(last.unwrap().dlsn.segment() > 3);
    let records = read_from(&namespace, shared.log(), Start::Earliest).await;
    assert_eq!(records.len(), 500);
    for (number, record) in (0_u64..).zip(&records) {
        assert_eq!((text(record), record.sequence_id), (&*format!("{number:04}"), Some(number)));
    }
    assert!(records.is_sorted_by_key(|record| record.dlsn));
    writer.close().await.unwrap();
    let segments = namespace.log(shared.log()).segments().await.unwrap();
    let ends: Vec<_> = segments.iter().map(|segment| segment.completed.unwrap()).collect();
    assert_eq!(ends.iter().map(|end| end.records).sum::<u64>(), 500);
    for (segment, next) in segments.iter().zip(&segments[1..]) {
        let end = segment.completed.unwrap();
        assert_eq!(next.first_txid, end.last_txid, "as DistributedLog's");
        assert_eq!(next.first_sequence_id, segment.first_sequence_id.map(|first| first + end.records));
    }
}

/// A segment that holds all there is could not be freed by the next truncation. Time runs here: where it jumps to the next
/// timer, a second is soon over.
#[tokio::test]
async fn segments_roll_again_as_soon_as_there_was_room_for_one() {
    let shared = Shared::file();
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_bytes(64 << 10)).await;
    let append = || writer.append(vec![7; 10_000]);
    append().await.unwrap().await.unwrap();
    let mut last = append().await.unwrap().await.unwrap().dlsn;
    shared.world.limit_disk(Some(0));
    // Some wait when the segment has its bytes, so that another is to be made for them, and cannot be.
    let mut tickets = Vec::new();
    for _ in 0..20 {
        tickets.push(append().await.unwrap());
    }
    let mut refused = 0;
    for ticket in tickets {
        match ticket.await {
            Ok(receipt) => last = receipt.dlsn,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
    shared.world.limit_disk(None);
    writer.truncate(last).await.unwrap();
    let mut newest = last;
    for _ in 0..30 {
        newest = append().await.unwrap().await.unwrap().dlsn;
    }
    assert!(newest.segment() >= last.segment() + 3, "{newest} after {last}");
}

async fn an_idle_segment_is_completed_when_its_age_is_up(shared: Shared) {
    let namespace = shared.process("a").await;
    let writer = shared.open(&namespace, creating().roll_ms(1_000)).await;
    append(&writer, "one").await;
    let log = namespace.log(shared.log());
    assert!(log.info().await.unwrap().in_progress);
    pass(Duration::from_millis(1_001)).await;
    let info = log.info().await.unwrap();
    assert_eq!((info.in_progress, info.segments), (false, 1));
    pass(Duration::from_secs(60)).await;
    assert_eq!(log.info().await.unwrap().segments, 1, "nothing was written since");
    assert_eq!(append(&writer, "two").await.dlsn, Dlsn::new(2, 0, 0));
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

async fn close_settles_and_completes_and_abort_does_not(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let log = namespace.log(shared.log());
    let ticket = writer.append("one").await.unwrap();
    let (closed, also) = tokio::join!(writer.close(), writer.close());
    closed.and(also).unwrap();
    ticket.await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::Closed);
    let info = log.info().await.unwrap();
    assert_eq!((info.in_progress, info.owner), (false, None));

    let writer = shared.open(&namespace, WriterOptions::default().takeover(crate::Takeover::Never)).await;
    append(&writer, "two").await;
    let pending = writer.append("three").await.unwrap();
    writer.abort();
    let error = pending.await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::Closed, false));
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(log.info().await.unwrap().in_progress, "the segment is left to recovery");
    assert_eq!(writer.fenced().await.kind(), ErrorKind::Closed);
    log.recover().await.unwrap();
    assert!(!log.info().await.unwrap().in_progress);
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two"]);
}

async fn who_lets_a_log_go_is_not_in_his_own_way(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let never = || WriterOptions::default().takeover(crate::Takeover::Never);
    append(&writer, "one").await;
    writer.abort();
    let next = shared.open(&namespace, never()).await;
    drop(next);
    let next = shared.open(&namespace, never()).await;
    assert_eq!(namespace.log(shared.log()).recover().await.unwrap_err().kind(), ErrorKind::Locked);
    next.abort();
    let name = LogName::new("renamed").unwrap();
    namespace.rename_log(shared.log(), &name).await.unwrap();

    let locked = || ReaderOptions::default().locked(true).takeover(crate::Takeover::Never);
    let reader = namespace.log(&name).open_reader(locked()).await.unwrap();
    drop(reader);
    let mut reader = namespace.log(&name).open_reader(locked()).await.unwrap();
    let other = namespace.log(&name).open_reader(locked()).await.err().unwrap();
    assert_eq!(other.kind(), ErrorKind::Locked);
    reader.close().await.unwrap();
}

async fn dropping_the_last_handle_aborts(shared: Shared) {
    let (_namespace, writer) = shared.writer().await;
    let clone = writer.clone();
    let pending = writer.append("one").await.unwrap();
    drop(writer);
    drop(clone);
    assert_eq!(pending.await.unwrap_err().kind(), ErrorKind::Closed);
}

async fn closing_the_namespace_settles_everything(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    let mut reader = shared.follower(&namespace, Start::Latest).await;
    let waiting = spawn(async move {
        loop {
            if let Err(error) = reader.next().await {
                return error;
            }
        }
    });
    yield_now().await;
    let pending = writer.append("two").await.unwrap();
    namespace.close().await.unwrap();
    let settled = pending.await;
    assert!(settled.is_ok() || settled.unwrap_err().kind() == ErrorKind::Closed);
    assert_eq!(waiting.await.unwrap().kind(), ErrorKind::Closed);
    assert_eq!(namespace.log_exists(shared.log()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::Closed);
}

async fn a_sealed_log_accepts_nothing_ever_and_says_so_at_its_end(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let last = append(&writer, "one").await.dlsn;
    let mut follower = shared.follower(&namespace, Start::Earliest).await;
    let before = writer.append("two").await.unwrap();
    writer.seal().await.unwrap();
    writer.seal().await.unwrap();
    before.await.unwrap();
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::Sealed);
    assert_eq!(drain(&mut follower).await.len(), 2);
    assert_eq!(follower.end(), Some(crate::End::Sealed));
    writer.close().await.unwrap();
    let again = shared.open(&namespace, WriterOptions::default()).await;
    assert_eq!(again.append("ever").await.unwrap_err().kind(), ErrorKind::Sealed);
    assert_eq!(again.last_dlsn(), Some(Dlsn::new(1, last.entry() + 1, 0)));
    let log = namespace.log(shared.log());
    let info = log.info().await.unwrap();
    assert!(info.sealed && !info.in_progress);
    let beyond = Dlsn::new(9, 0, 0);
    for truncated in [false, true] {
        for from in [Start::Latest, Start::Dlsn(beyond), Start::Earliest] {
            let mut late = shared.follower(&namespace, from).await;
            drain(&mut late).await;
            assert_eq!(late.end(), Some(crate::End::Sealed), "from {from}, truncated: {truncated}");
        }
        log.truncate(beyond).await.unwrap();
    }
}

async fn an_empty_log_can_be_sealed(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    writer.seal().await.unwrap();
    writer.close().await.unwrap();
    let mut reader = shared.follower(&namespace, Start::Earliest).await;
    assert!(reader.next().await.unwrap().is_none());
    assert_eq!(reader.end(), Some(crate::End::Sealed));
}

async fn the_writer_truncates_within_its_open_segment(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let log = namespace.log(shared.log());
    let mut places = Vec::new();
    for payload in ["one", "two", "three"] {
        places.push(append(&writer, payload).await.dlsn);
    }
    assert_eq!(log.truncate(places[1]).await.unwrap(), Dlsn::FIRST, "others get up to the open segment only");
    assert_eq!(writer.truncate(places[1]).await.unwrap(), places[1]);
    assert_eq!(log.segments().await.unwrap()[0].truncation, SegmentTruncation::Below(places[1]));
    assert_eq!(writer.truncate(Dlsn::FIRST).await.unwrap(), places[1], "it never goes back");
    assert_eq!(read_all(&namespace, shared.log()).await, ["two", "three"]);
    assert_eq!(log.count().await.unwrap(), 2);
    append(&writer, "four").await;
    assert_eq!(writer.truncate(Dlsn::new(2, 0, 0)).await.unwrap(), Dlsn::new(2, 0, 0));
    assert_eq!(read_all(&namespace, shared.log()).await, ["four"]);
    let segments = log.segments().await.unwrap();
    assert_eq!(segments[0].truncation, SegmentTruncation::Whole, "the newest completed one is kept, marked");
    assert_eq!(writer.truncate(Dlsn::new(9, 0, 0)).await.unwrap(), Dlsn::new(3, 0, 0));
    assert_eq!(log.segments().await.unwrap().len(), 1, "what is below the newest one is freed");
    assert_eq!(log.count().await.unwrap(), 0);
    let receipt = append(&writer, "five").await;
    assert_eq!((receipt.dlsn, receipt.sequence_id), (Dlsn::new(3, 0, 0), Some(4)));
    assert_eq!(read_all(&namespace, shared.log()).await, ["five"]);
}

async fn a_truncated_log_is_not_empty_to_conditions(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let last = append(&writer, "one").await.dlsn;
    writer.truncate(Dlsn::new(9, 0, 0)).await.unwrap();
    writer.close().await.unwrap();
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    let refused = writer.append_if("no", Condition::Empty).await.unwrap();
    assert_eq!(refused.await.unwrap_err().dlsn(), Some(last));
    writer.append_if("two", Condition::Last(last)).await.unwrap().await.unwrap();
}

async fn deleting_takes_one_log_only_and_open_handles_find_nothing(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let below = LogName::new("a/b/c").unwrap();
    namespace.create_log(&below).await.unwrap();
    append(&writer, "one").await;
    let mut reader = shared.follower(&namespace, Start::Earliest).await;
    assert!(reader.next().await.unwrap().is_some());
    let waiting = spawn(async move { reader.next().await });
    yield_now().await;
    let other = shared.process("other").await;
    other.delete_log(shared.log()).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    writer.fenced().await;
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(
        !namespace.log_exists(shared.log()).await.unwrap() && namespace.log_exists(&below).await.unwrap()
    );
    let before = namespace.log(&below).info().await.unwrap().incarnation;
    namespace.delete_log(&below).await.unwrap();
    assert!(namespace.list_logs("", None, 10).await.unwrap().is_empty());
    namespace.create_log(&below).await.unwrap();
    assert_ne!(namespace.log(&below).info().await.unwrap().incarnation, before);
    assert_eq!(namespace.delete_log(shared.log()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn a_deletion_that_was_overtaken_takes_nothing_from_the_next_writer(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let mut overtaken = 0;
    for polls in 0.. {
        let old = shared.open(&second, creating()).await;
        append(&old, "old").await;
        old.close().await.unwrap();
        let mut deleting = Box::pin(first.delete_log(shared.log()));
        let mut deleted = false;
        for _ in 0..polls {
            deleted = poll_fn(|context| Poll::Ready(deleting.as_mut().poll(context).is_ready())).await;
            if deleted {
                break;
            }
            pass(Duration::from_millis(20)).await;
        }
        if deleted {
            break;
        }
        // The deletion stands still meanwhile.
        let new = shared.open(&second, creating()).await;
        append(&new, "new").await;
        let records = match deleting.await {
            // It had not begun, and took the log from the new writer.
            Ok(()) if !second.log_exists(shared.log()).await.unwrap() => continue,
            // It was done, and the new writer made the log anew.
            Ok(()) => &["new", "newer"][..],
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Locked);
                overtaken += 1;
                &["old", "new", "newer"]
            }
        };
        append(&new, "newer").await;
        let found = read_all(&second, shared.log()).await;
        assert!(found == *records || found == ["new", "newer"], "{found:?} after {polls} polls");
        new.close().await.unwrap();
        second.delete_log(shared.log()).await.unwrap();
    }
    assert!(overtaken > 0 || shared.uri().starts_with("memory:"), "memory does it in one step");
}

async fn logs_are_listed_in_byte_order_by_pages(shared: Shared) {
    let namespace = shared.process("a").await;
    for name in ["b", "a/x", "a", "a-b", "a0", "a/x/y", "c/d/e"] {
        namespace.create_log(&LogName::new(name).unwrap()).await.unwrap();
    }
    let error = namespace.create_log(&LogName::new("a").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let list = async |prefix: &str, after: Option<&str>, limit| {
        let after = after.map(|name| LogName::new(name).unwrap());
        let names = namespace.list_logs(prefix, after.as_ref(), limit).await.unwrap();
        names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list("", None, 100).await, ["a", "a-b", "a/x", "a/x/y", "a0", "b", "c/d/e"]);
    assert_eq!(list("", None, 2).await, ["a", "a-b"]);
    assert_eq!(list("", Some("a-b"), 3).await, ["a/x", "a/x/y", "a0"]);
    assert_eq!(list("", Some("a/x"), 1).await, ["a/x/y"]);
    assert_eq!(list("", Some("a/z"), 9).await, ["a0", "b", "c/d/e"]);
    assert_eq!(list("a", None, 9).await, ["a/x", "a/x/y"]);
    assert_eq!(list("a/", Some("a/x"), 9).await, ["a/x/y"]);
    assert_eq!(list("a/", Some("b"), 9).await, [""; 0]);
}

async fn a_log_keeps_bytes_for_its_user(shared: Shared) {
    let namespace = shared.process("a").await;
    let log = namespace.log(shared.log());
    assert_eq!(log.set_user_metadata("x").await.unwrap_err().kind(), ErrorKind::NotFound);
    namespace.create_log(shared.log()).await.unwrap();
    assert_eq!(log.user_metadata().await.unwrap(), "");
    log.set_user_metadata("mine").await.unwrap();
    assert_eq!(log.user_metadata().await.unwrap(), "mine");
}

async fn a_namespace_for_reading_only_changes_nothing(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    let (seams, _) = shared.world.process();
    let uri = format!("{}?read_only=true", shared.uri());
    let reading = Namespace::open_with(&uri, options("b"), seams).await.unwrap();
    let log = reading.log(shared.log());
    let denied = [
        log.open_writer(WriterOptions::default()).await.map(drop),
        log.truncate(Dlsn::FIRST).await.map(drop),
        log.recover().await,
        reading.create_log(&LogName::new("new").unwrap()).await,
        reading.delete_log(shared.log()).await,
    ];
    assert!(denied.into_iter().all(|result| result.unwrap_err().kind() == ErrorKind::PermissionDenied));
    assert_eq!(read_all(&reading, shared.log()).await, ["one"]);
    drop(namespace);
}

async fn a_renamed_log_goes_on_under_its_new_name(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    let names = ["a", "new/name", "a/b/c"].map(|name| LogName::new(name).unwrap());
    append(&writer, "one").await;
    writer.truncate(Dlsn::new(1, 1, 0)).await.unwrap();
    append(&writer, "two").await;
    let error = namespace.rename_log(shared.log(), &names[1]).await.unwrap_err();
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Locked, Some("a")));
    writer.close().await.unwrap();
    namespace.log(shared.log()).set_user_metadata("mine").await.unwrap();
    namespace.create_log(&names[0]).await.unwrap();
    let error = namespace.rename_log(shared.log(), &names[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    // Below its old name, which then is no log.
    namespace.rename_log(shared.log(), &names[2]).await.unwrap();
    assert!(!namespace.log_exists(shared.log()).await.unwrap());
    namespace.rename_log(&names[2], &names[1]).await.unwrap();
    assert_eq!(namespace.list_logs("", None, 9).await.unwrap(), names[..2]);
    let log = namespace.log(&names[1]);
    assert_eq!(log.user_metadata().await.unwrap(), "mine");
    let writer = log.open_writer(WriterOptions::default()).await.unwrap();
    let receipt = append(&writer, "three").await;
    assert_eq!((receipt.dlsn, receipt.sequence_id), (Dlsn::new(3, 0, 0), Some(2)));
    assert_eq!(read_all(&namespace, &names[1]).await, ["two", "three"]);
    let gone = namespace.rename_log(shared.log(), &names[2]).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
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
