//! The log end to end, with its metadata on a real ZooKeeper and its segments in memory.

use std::sync::Arc;

use super::*;
use crate::telemetry::{Events, Telemetry};
use crate::{LogChange, LogName, Options};

async fn open(fixture: &OnZooKeeper, owner: &str) -> Namespace {
    let telemetry = Arc::new(Telemetry::new(Events::default()));
    let seams = Seams::system().unwrap();
    Namespace::on(fixture.open().await, seams, Options::default(), owner.to_owned(), telemetry)
}

#[tokio::test]
async fn a_log_is_written_taken_over_sealed_and_deleted() {
    let fixture = OnZooKeeper::new();
    let (one, two) = (open(&fixture, "one").await, open(&fixture, "two").await);
    let log = LogName::new("a/log").unwrap();
    let mut logs = two.watch_logs("").unwrap();
    assert_eq!(logs.next().await.unwrap(), LogChange::Listed);
    one.create_log(&log).await.unwrap();
    assert_eq!(logs.next().await.unwrap(), LogChange::Created(log.clone()));

    let first = one.log(&log).open_writer(WriterOptions::default()).await.unwrap();
    append(&first, "a").await.unwrap();
    let second = take_over(&two, &log, &first).await;
    assert_eq!(read(&one, &log).await, ["a", "b"]);

    second.seal().await.unwrap();
    second.close().await.unwrap();
    assert_eq!(read(&one, &log).await, ["a", "b"]);
    let to = LogName::new("another").unwrap();
    one.rename_log(&log, &to).await.unwrap();
    assert_eq!(two.list_logs("", None, 10).await.unwrap(), std::slice::from_ref(&to));
    one.delete_log(&to).await.unwrap();
    assert!(!two.log_exists(&to).await.unwrap());
    one.close().await.unwrap();
    two.close().await.unwrap();
}

#[tokio::test]
async fn a_writer_whose_session_ended_is_cut_off() {
    let fixture = OnZooKeeper::new();
    let namespace = open(&fixture, "one").await;
    let session = fixture.opened.lock().unwrap().last().unwrap().1;
    let log = LogName::new("log").unwrap();
    let options = WriterOptions::default().create_log(true);
    let writer = namespace.log(&log).open_writer(options).await.unwrap();
    append(&writer, "a").await.unwrap();
    Cluster::shared_zookeeper().run(&["expire-session", &format!("{session:#x}")]);
    assert_eq!(writer.fenced().await.kind(), ErrorKind::Fenced);
    assert_eq!(append(&writer, "lost").await.unwrap_err().kind(), ErrorKind::Fenced);
    // Another writer goes on, in the next session.
    let writer = namespace.log(&log).open_writer(WriterOptions::default()).await.unwrap();
    append(&writer, "b").await.unwrap();
    writer.close().await.unwrap();
    assert_eq!(read(&namespace, &log).await, ["a", "b"]);
}
