//! What is done to logs as a whole: truncated, deleted, listed, renamed, marked.

use std::future::poll_fn;
use std::task::Poll;

use tokio::task::yield_now;

use super::*;
use crate::{Condition, Dlsn, ErrorKind, SegmentTruncation};

on_every_driver! {
    the_writer_truncates_within_its_open_segment
    a_truncated_log_is_not_empty_to_conditions
    deleting_takes_one_log_only_and_open_handles_find_nothing
    a_deletion_that_was_overtaken_takes_nothing_from_the_next_writer
    logs_are_listed_in_byte_order_by_pages
    a_renamed_log_goes_on_under_its_new_name
    a_log_keeps_bytes_for_its_user
    a_namespace_for_reading_only_changes_nothing
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
