use std::time::Duration;

use super::*;
use crate::engine::layout::LogPaths;
use crate::metadata::{Expect, Op};
use crate::{ErrorKind, Takeover};

on_every_driver! {
    a_later_writer_cuts_the_earlier_one_off
    pending_appends_of_a_fenced_writer_fail_and_are_a_prefix
    a_writer_that_never_wrote_is_cut_off_too
    a_writer_is_cut_off_amid_its_rolls
    a_lock_is_respected_if_asked_to
    a_writer_that_waits_for_a_log_that_is_deleted_finds_none
    a_dropped_open_leaves_no_lock_behind
}

async fn a_later_writer_cuts_the_earlier_one_off(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let old = shared.open(&first, creating()).await;
    append(&old, "one").await;
    let new = shared.open(&second, WriterOptions::default()).await;
    let error = old.fenced().await;
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("second")));
    for error in [
        old.append("lost").await.unwrap_err(),
        old.flush().await.unwrap_err(),
        old.close().await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("second")));
    }
    let receipt = append(&new, "two").await;
    assert_eq!((receipt.dlsn.segment(), receipt.sequence_id), (2, Some(1)));
    assert_eq!(read_all(&first, shared.log()).await, ["one", "two"]);
}

async fn pending_appends_of_a_fenced_writer_fail_and_are_a_prefix(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let old = shared.open(&first, creating()).await;
    append(&old, "0").await;
    let (pending, new) = tokio::join!(
        async {
            let mut acknowledged = 0;
            for number in 1..200 {
                let Ok(ticket) = old.append(number.to_string()).await else { break };
                match ticket.await {
                    Ok(_) => acknowledged = number,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Fenced);
                        break;
                    }
                }
            }
            acknowledged
        },
        shared.open(&second, WriterOptions::default()),
    );
    append(&new, "new").await;
    let mut records = read_all(&second, shared.log()).await;
    assert_eq!(records.pop().unwrap(), "new");
    assert!(records.len() > pending, "everything acknowledged is there");
    let expected: Vec<_> = (0..records.len()).map(|number| number.to_string()).collect();
    assert_eq!(records, expected);
}

async fn a_writer_that_never_wrote_is_cut_off_too(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let old = shared.open(&first, creating()).await;
    let new = shared.open(&second, WriterOptions::default()).await;
    let error = match old.append("lost").await {
        Ok(ticket) => ticket.await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!((error.kind(), error.owner()), (ErrorKind::Fenced, Some("second")));
    append(&new, "one").await;
    assert_eq!(read_all(&first, shared.log()).await, ["one"]);
}

async fn a_writer_is_cut_off_amid_its_rolls(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let mut acknowledged = Vec::new();
    for round in 0..20 {
        let (old_side, new_side) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let old = shared.open(old_side, creating().roll_bytes(1_024)).await;
        let writing = async {
            for number in 0.. {
                let payload = format!("{round}/{number}/{}", "x".repeat(200));
                let Ok(ticket) = old.append(payload.clone()).await else { break };
                if ticket.await.is_err() {
                    break;
                }
                acknowledged.push(payload);
                // Simulated time stands still while anybody has something to do.
                pass(Duration::from_micros(100)).await;
            }
        };
        let taking = async {
            pass(Duration::from_micros(370 * round)).await;
            shared.open(new_side, WriterOptions::default()).await
        };
        let ((), new) = tokio::join!(writing, taking);
        new.close().await.unwrap();
    }
    let records = read_all(&first, shared.log()).await;
    let mut rest = records.iter();
    for payload in &acknowledged {
        assert!(rest.any(|record| record == payload), "{payload} was acknowledged");
    }
    let segments = first.log(shared.log()).segments().await.unwrap();
    assert!(segments.iter().all(|segment| segment.completed.is_some()));
}

async fn a_lock_is_respected_if_asked_to(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let holder = shared.open(&first, creating()).await;
    let log = second.log(shared.log());
    let never =
        log.open_writer(WriterOptions::default().takeover(Takeover::Never)).await.map(drop).unwrap_err();
    assert_eq!((never.kind(), never.owner()), (ErrorKind::Locked, Some("first")));
    let wait = WriterOptions::default().takeover(Takeover::Wait(Duration::from_secs(5)));
    let waited = log.open_writer(wait.clone()).await.map(drop).unwrap_err();
    assert_eq!((waited.kind(), waited.owner()), (ErrorKind::Locked, Some("first")));
    assert_eq!(log.recover().await.unwrap_err().kind(), ErrorKind::Locked);
    append(&holder, "still mine").await;
    let (next, ()) = tokio::join!(log.open_writer(wait), async {
        pass(Duration::from_secs(1)).await;
        holder.close().await.unwrap();
    });
    append(&next.unwrap(), "mine now").await;
}

async fn a_writer_that_waits_for_a_log_that_is_deleted_finds_none(shared: Shared) {
    let (first, second) = (shared.process("first").await, shared.process("second").await);
    let _holder = shared.open(&first, creating()).await;
    let log = second.log(shared.log());
    let wait = WriterOptions::default().takeover(Takeover::Wait(Duration::from_secs(5)));
    let (waited, ()) = tokio::join!(log.open_writer(wait), async {
        pass(Duration::from_secs(1)).await;
        first.delete_log(shared.log()).await.unwrap();
    });
    let error = waited.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("no such log"), "{error}");
}

async fn a_dropped_open_leaves_no_lock_behind(shared: Shared) {
    let namespace = shared.process("first").await;
    namespace.create_log(shared.log()).await.unwrap();
    let log = namespace.log(shared.log());
    for polls in 0..5 {
        let mut opening = Box::pin(log.open_writer(WriterOptions::default()));
        for _ in 0..polls {
            let polled =
                std::future::poll_fn(|context| std::task::Poll::Ready(opening.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
        }
        drop(opening);
        pass(Duration::from_millis(1)).await;
        assert_eq!(log.info().await.unwrap().owner, None);
    }
}

#[tokio::test(start_paused = true)]
async fn segments_without_records_are_completed_and_keep_their_numbers() {
    let shared = Shared::memory("segments_without_records_are_completed_and_keep_their_numbers");
    let namespace = shared.process("first").await;
    let writer = shared.open(&namespace, creating()).await;
    append(&writer, "one").await;
    writer.abort();
    crate::drivers::memory::fill("segments_without_records_are_completed_and_keep_their_numbers", true);
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    let refused = writer.append("refused").await.unwrap().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::StorageFull);
    writer.abort();
    crate::drivers::memory::fill("segments_without_records_are_completed_and_keep_their_numbers", false);
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    assert_eq!(writer.last_dlsn(), Some(crate::Dlsn::new(1, 0, 0)));
    let receipt = append(&writer, "two").await;
    assert_eq!((receipt.dlsn.segment(), receipt.sequence_id), (3, Some(1)));
    let segments = namespace.log(shared.log()).segments().await.unwrap();
    let end = segments[1].completed.unwrap();
    assert_eq!((end.records, end.last_dlsn), (0, None));
    assert_eq!(
        (end.last_txid, segments[1].first_txid),
        (segments[0].completed.unwrap().last_txid, end.last_txid)
    );
    assert_eq!(read_all(&namespace, shared.log()).await, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lost_its_segments_is_corrupt_and_no_number_is_used_again() {
    let shared = Shared::memory("a_log_that_lost_its_segments_is_corrupt");
    let namespace = shared.process("first").await;
    namespace.create_log(shared.log()).await.unwrap();
    let path = LogPaths::new(shared.log()).ledgers();
    let set = Op::Set { path, data: "5".into(), expect: Expect::Any };
    namespace.engine().stores.metadata.commit(&[set]).await.unwrap();
    let writer = shared.open(&namespace, WriterOptions::default()).await;
    let error = writer.append("one").await.unwrap().await.unwrap_err();
    assert_eq!((error.kind(), error.context_value("ledgers")), (ErrorKind::Corrupt, Some("5")));
}
