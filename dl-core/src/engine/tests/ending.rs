//! How a writer ends, and a log.

use tokio::task::yield_now;

use super::*;
use crate::{Condition, Dlsn, ErrorKind};

on_every_driver! {
    close_settles_and_completes_and_abort_does_not
    a_condition_that_fails_last_of_all_keeps_nobody_waiting
    who_lets_a_log_go_is_not_in_his_own_way
    dropping_the_last_handle_aborts
    closing_the_namespace_settles_everything
    reading_ahead_does_not_end_a_reader
    a_sealed_log_accepts_nothing_ever_and_says_so_at_its_end
    an_empty_log_can_be_sealed
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

/// What was to be the segment's last entry is refused: nothing is settled after that, and still the segment is done.
async fn a_condition_that_fails_last_of_all_keeps_nobody_waiting(shared: Shared) {
    let (namespace, process) = shared.process_with_handle("a").await;
    for ends in [false, true] {
        let writer = shared.open(&namespace, creating()).await;
        append(&writer, "kept").await;
        shared.stall(&process, true);
        let refused = writer.append_if("refused", Condition::Empty).await.unwrap();
        let asked = {
            let writer = writer.clone();
            spawn(async move {
                if ends { writer.close().await } else { writer.truncate(Dlsn::new(9, 0, 0)).await.map(drop) }
            })
        };
        pass(Duration::from_millis(1)).await;
        shared.stall(&process, false);
        assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::ConditionFailed);
        asked.await.unwrap().unwrap();
    }
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
    let mut behind = shared.follower(&namespace, Start::Earliest).await;
    behind.next_batch(0, Duration::MAX).await.unwrap();
    yield_now().await;
    let pending = writer.append("two").await.unwrap();
    namespace.close().await.unwrap();
    assert_eq!(behind.next_batch(0, Duration::MAX).await.unwrap_err().kind(), ErrorKind::Closed);
    let settled = pending.await;
    assert!(settled.is_ok() || settled.unwrap_err().kind() == ErrorKind::Closed);
    assert_eq!(waiting.await.unwrap().kind(), ErrorKind::Closed);
    assert_eq!(namespace.log_exists(shared.log()).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(writer.append("late").await.unwrap_err().kind(), ErrorKind::Closed);
}

async fn reading_ahead_does_not_end_a_reader(shared: Shared) {
    let (namespace, writer) = shared.writer().await;
    append(&writer, "one").await;
    let mut reader = namespace.log(shared.log()).open_reader(ReaderOptions::default()).await.unwrap();
    assert_eq!(reader.next_batch_ahead(0).await.unwrap().len(), 0);
    assert_eq!(reader.next_batch_ahead(9).await.unwrap().len(), 1);
    assert_eq!((reader.next_batch_ahead(9).await.unwrap().len(), reader.end()), (0, None));
    append(&writer, "two").await;
    assert_eq!((reader.next_batch_ahead(9).await.unwrap().len(), reader.end()), (1, None));
    assert_eq!(reader.next_batch(9, Duration::MAX).await.unwrap().len(), 0);
    assert_eq!(reader.end(), Some(crate::End::End));
    reader.close().await.unwrap();
    assert_eq!(reader.next_batch_ahead(9).await.unwrap_err().kind(), ErrorKind::Closed);
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
