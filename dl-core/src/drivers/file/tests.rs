//! The driver on a real directory, without an engine: entries in, entries out, fencing, restart.

#![allow(clippy::disallowed_methods, reason = "these tests are about the real disk")]

use bytes::Bytes;

use super::fault_tests::read_all;
use super::*;
use crate::error::ErrorKind;
use crate::metadata::Op;
use crate::store::{Tail, TailState};
use crate::testing::stores::source::{TestWriter, complete, entry};
use crate::testing::stores::{Fixture, commit};
use crate::types::SegmentId;

async fn open_dir(path: &Path) -> Stores {
    try_open(path, true).await.unwrap()
}

async fn try_open(path: &Path, create: bool) -> Result<Stores> {
    let options = FileOptions {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(120),
        journal_bytes: 2 << 20,
        large_flush_bytes: u64::MAX,
        unsafe_filesystem: true,
        create,
        read_only: false,
    };
    open(path, &options, &Seams::system().unwrap()).await
}

fn expected(id: SegmentId, count: u64) -> Vec<Bytes> {
    (0..count).map(|number| entry(id, number)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_also_after_close_and_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ns");
    let stores = open_dir(&path).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..500).await;
    assert_eq!(read_all(&stores, writer.id).await.unwrap(), expected(writer.id, 500));
    let last = complete(&stores, writer.writer.close().await.unwrap()).await;
    assert_eq!(last, Some(499));
    stores.session.close().await.unwrap();

    let again = open_dir(&path).await;
    assert_eq!(read_all(&again, writer.id).await.unwrap(), expected(writer.id, 500));
    let tail = again.segments.open(writer.id).await.unwrap().tail().await.unwrap();
    assert_eq!(tail, Tail { entries: 500, state: TailState::Closed });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_opening_tails_and_fences_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open_dir(dir.path()).await, open_dir(dir.path()).await);
    let writer = TestWriter::start(&one).await;
    let reader = two.segments.open(writer.id).await.unwrap();
    let start = reader.tail().await.unwrap();
    assert_eq!(start, Tail { entries: 0, state: TailState::Open });
    let (tail, ()) = tokio::join!(reader.wait(start), writer.append(0..1));
    assert_eq!(tail.unwrap().entries, 1);
    writer.append(1..20).await;

    let closed = two.segments.recover(writer.id).await.unwrap();
    assert_eq!(closed.last_entry, Some(19));
    writer.put("too late");
    assert_eq!(writer.source.ended(21).await[20], (20, Some(ErrorKind::Fenced)));
    complete(&two, closed).await;
    assert_eq!(read_all(&one, writer.id).await.unwrap(), expected(writer.id, 20));
    assert_eq!(one.segments.recover(writer.id).await.unwrap().last_entry, Some(19));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_in_progress_goes_on_through_many_journals_and_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_dir(dir.path()).await;
    let writer = TestWriter::start(&stores).await;
    let big = Bytes::from(vec![7; 900_000]);
    for count in 1..=20 {
        writer.put(big.clone());
        writer.source.ended(count).await;
    }
    drop((stores, writer.writer));
    let again = open_dir(dir.path()).await;
    assert_eq!(again.segments.recover(writer.id).await.unwrap().last_entry, Some(19));
    assert_eq!(read_all(&again, writer.id).await.unwrap(), vec![big; 20]);
}

/// More of them than one round serves: the others keep their places in line.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_share_rounds_and_none_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let stores = open_dir(directory.path()).await;
    let mut writers = Vec::new();
    for _ in 0..20 {
        writers.push(TestWriter::start(&stores).await);
    }
    for number in 0..50 {
        writers.iter().for_each(|writer| writer.put(entry(writer.id, number)));
    }
    for writer in writers {
        let settled: Vec<_> = (0..50).map(|entry| (entry, None)).collect();
        assert_eq!(writer.source.ended(50).await, settled);
        assert_eq!(read_all(&stores, writer.id).await.unwrap(), expected(writer.id, 50));
    }
    stores.session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_segment_is_gone_for_writer_and_readers() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (open_dir(dir.path()).await, open_dir(dir.path()).await);
    let writer = TestWriter::start(&one).await;
    writer.append(0..3).await;
    let reader = two.segments.open(writer.id).await.unwrap();
    let known = reader.tail().await.unwrap();
    let ids = [writer.id];
    let (tail, ops) = tokio::join!(reader.wait(known), one.segments.delete(&ids));
    assert_eq!(tail.unwrap().state, TailState::Deleted);
    commit(&*one.metadata, &ops.unwrap()).await;
    assert!(one.segments.delete(&[writer.id]).await.unwrap().is_empty());
    writer.put("too late");
    assert_eq!(writer.source.ended(4).await[3], (3, Some(ErrorKind::NotFound)));
    assert_eq!(reader.read(0, 100).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// A directory that the suites of the two stores open again and again.
struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait]
impl Fixture for Directory {
    async fn open(&self) -> Stores {
        open_dir(self.0.path()).await
    }
}

mod metadata_store {
    crate::metadata_suite!(super::Directory::new());
}

mod segment_store {
    crate::segment_suite!(super::Directory::new());
}

async fn open_to_read(path: &Path) -> Result<Stores> {
    let options = FileOptions {
        client_id: "reader".to_owned(),
        lock_wait: Duration::from_secs(120),
        journal_bytes: 2 << 20,
        large_flush_bytes: u64::MAX,
        unsafe_filesystem: true,
        create: true,
        read_only: true,
    };
    open(path, &options, &Seams::system().unwrap()).await
}

/// Every file of a directory with what is in it, but for the words that processes share, which nobody keeps.
fn contents(path: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    for entry in entries.filter(|entry| !entry.ends_with("control")) {
        if entry.is_dir() {
            all.extend(contents(&entry))
        } else {
            drop(all.insert(entry.clone(), std::fs::read(&entry).unwrap()))
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_a_writer_follows_it_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_dir(dir.path()).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..3).await;
    let reading = open_to_read(dir.path()).await.unwrap();
    assert_eq!(read_all(&reading, writer.id).await.unwrap(), expected(writer.id, 3));
    writer.append(3..7).await;
    assert_eq!(read_all(&reading, writer.id).await.unwrap(), expected(writer.id, 7));
    let error = reading.metadata.commit(&[Op::create("/x", "")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(reading.segments.recover(writer.id).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_alone_reads_what_is_durable_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_dir(dir.path()).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..5).await;
    // The writer goes without closing its segment; the journals are emptied.
    drop(writer.writer);
    stores.session.close().await.unwrap();
    drop(stores);
    let before = contents(dir.path());
    let reading = open_to_read(dir.path()).await.unwrap();
    assert_eq!(read_all(&reading, writer.id).await.unwrap(), expected(writer.id, 5));
    reading.session.close().await.unwrap();
    assert_eq!(contents(dir.path()), before);
    // It does not keep writers out either.
    let again = open_to_read(dir.path()).await.unwrap();
    let stores = open_dir(dir.path()).await;
    assert_eq!(stores.segments.recover(writer.id).await.unwrap().last_entry, Some(4));
    drop(again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_alone_does_not_replay() {
    let dir = tempfile::tempdir().unwrap();
    let missing = open_to_read(&dir.path().join("none")).await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let stores = open_dir(dir.path()).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..5).await;
    drop((stores, writer.writer));
    // Until the thread that commits is gone too, there is somebody to read beside.
    let alone = async {
        loop {
            match open_to_read(dir.path()).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(120), alone).await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_lost_its_format_file_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_dir(dir.path()).await;
    commit(&*stores.metadata, &[Op::create("/x", "")]).await;
    stores.session.close().await.unwrap();
    drop(stores);
    let format = dir.path().join("format");
    let text = std::fs::read(&format).unwrap();
    std::fs::remove_file(&format).unwrap();
    let before = contents(dir.path());
    let error = try_open(dir.path(), true).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(contents(dir.path()), before);
    std::fs::write(&format, text).unwrap();
    assert!(open_dir(dir.path()).await.metadata.get("/x").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_under_our_names_stays() {
    for name in ["control", "lock", "journals/mine", "metadata/mine", "sessions/mine", "format"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "mine").unwrap();
        assert!(try_open(dir.path(), true).await.is_err(), "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine", "{name}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_directory_becomes_a_namespace_only_if_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(try_open(dir.path(), false).await.err().unwrap().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    drop(open_dir(dir.path()).await);
    try_open(dir.path(), false).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_make_a_namespace_at_once() {
    for round in 0..100 {
        // Most of them in memory if there is any: it shows the same races, and disks may take seconds for each round.
        let dir = match round {
            0..5 => tempfile::tempdir().unwrap(),
            _ => tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap()),
        };
        let mut opening = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let path = dir.path().join("ns");
            opening.spawn(async move { try_open(&path, true).await });
        }
        for opened in opening.join_all().await {
            opened.unwrap();
        }
    }
}
