//! Ending: close with calls under way, handles dropped, a thread that fails.

use std::sync::mpsc;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::store::{EntrySource, Replication};
use crate::testing::stores::source::Source;

#[tokio::test(start_paused = true)]
async fn close_settles_every_pending_call_with_closed() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..3).await;
    let idle = TestWriter::start(&owner.stores).await;
    let reader = owner.stores.segments.open(writer.id).await.unwrap();
    let tail = reader.tail().await.unwrap();
    // A stopped process holds the lock of the metadata: a commit waits for it.
    let lock = other.file(&world, "metadata/lock");
    assert!(lock.try_lock(crate::seams::LockKind::Exclusive).unwrap());
    let commit = [crate::metadata::Op::create("/x", "")];
    let mut watch = owner.stores.metadata.watch("/x").unwrap();
    let waiting =
        async { tokio::join!(reader.wait(tail), owner.stores.metadata.commit(&commit), watch.changed()) };
    let closing = async {
        owner.seams.clock.sleep(Duration::from_millis(100)).await;
        let begin = owner.seams.clock.monotonic();
        writer.put("pending");
        owner.stores.session.close().await.unwrap();
        assert!(
            owner.seams.clock.monotonic() - begin < Duration::from_millis(100),
            "it waited for another process"
        );
    };
    let ((tail, commit, _), ()) = tokio::join!(waiting, closing);
    assert_eq!(tail.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(commit.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(writer.source.cut_off().await, ErrorKind::Closed);
    assert_eq!(idle.source.cut_off().await, ErrorKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_append_after_close_fails() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let id = owner.stores.segments.allocate("/a/<default>", &[]).await.unwrap().id;
    let source = Arc::new(Source::default());
    let writer = owner.stores.segments.create(id, source.clone(), Replication::default()).await.unwrap();
    owner.stores.session.close().await.unwrap();
    writer.wake();
    assert_eq!(source.cut_off().await, ErrorKind::Closed);
    assert_eq!(source.times_broken(), 1);
}

/// Gives one entry, but only once the test lets it.
struct Slow {
    asked: mpsc::Sender<()>,
    go: std::sync::Mutex<mpsc::Receiver<()>>,
    given: std::sync::atomic::AtomicBool,
    ended: tokio::sync::watch::Sender<Option<bool>>,
}

impl EntrySource for Slow {
    fn next_entry(&self) -> Option<Bytes> {
        if self.given.swap(true, std::sync::atomic::Ordering::AcqRel) {
            return None;
        }
        self.asked.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Some(Bytes::from_static(b"entry"))
    }

    fn settled(&self, _entry: u64, result: Result<()>) -> usize {
        self.ended.send_replace(Some(result.is_ok()));
        result.is_ok().into()
    }

    fn broken(&self, _error: Error) {
        self.ended.send_if_modified(|ended| ended.is_none() && ended.replace(false).is_none());
    }
}

/// On the real system, since only there a thread can be in the middle of a group commit.
async fn a_commit_in_progress(end: impl AsyncFnOnce(Stores)) {
    let dir = tempfile::tempdir().unwrap();
    let options = FileOptions {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(10),
        journal_bytes: 4 << 20,
        large_flush_bytes: u64::MAX,
        unsafe_filesystem: true,
        create: true,
        read_only: false,
    };
    let seams = Seams::system().unwrap();
    let stores = open(dir.path(), &options, &seams).await.unwrap();
    let (asked, was_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let slow = Arc::new(Slow {
        asked,
        go: std::sync::Mutex::new(may_go),
        given: Default::default(),
        ended: Default::default(),
    });
    let allocation = stores.segments.allocate("/a/<default>", &[]).await.unwrap();
    let writer = stores.segments.create(allocation.id, slow.clone(), Replication::default()).await.unwrap();
    stores.metadata.commit(&allocation.start_ops).await.unwrap();
    writer.wake();
    seams.tasks.blocking(move || was_asked.recv().unwrap()).await;
    end(stores).await;

    // Whoever comes now must know of that commit, or fence it.
    let next = open(dir.path(), &options, &seams).await.unwrap();
    let closed = next.segments.recover(allocation.id).await.unwrap();
    let entries = complete(&next, closed).await.map_or(0, |last| last + 1);
    go.send(()).unwrap();
    let mut ended = slow.ended.subscribe();
    let acked = ended.wait_for(|ended| ended.is_some()).await.unwrap().unwrap();
    assert!(!acked || entries == 1, "acknowledged, and not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_not_let_others_in_while_a_commit_is_in_progress() {
    a_commit_in_progress(async |stores| {
        let seams = Seams::system().unwrap();
        let closing = async move { stores.session.close().await.unwrap() };
        seams.tasks.spawn(Box::pin(closing));
        // Time for a close that does not wait.
        seams.clock.sleep(Duration::from_millis(200)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_session_does_not_let_others_in_while_a_commit_is_in_progress() {
    a_commit_in_progress(async |stores| drop(stores)).await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_session_frees_its_journals_although_handles_live() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..20).await;
    let Opener { seams, process: _process, stores } = owner;
    let reader = stores.segments.open(writer.id).await.unwrap();
    drop(stores);
    let stores = open_sim(&world, &seams).await.unwrap();
    assert_eq!(recovered(&stores, writer.id, 20, entry).await, 20);
    drop(reader);
}

/// Fails in the middle of a group commit.
pub(super) struct Broken;

impl EntrySource for Broken {
    fn next_entry(&self) -> Option<Bytes> {
        panic!("a source that fails");
    }

    fn settled(&self, _entry: u64, _result: Result<()>) -> usize {
        0
    }

    fn broken(&self, _error: Error) {
        panic!("a source that fails");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_thread_that_fails_tells_every_writer() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let (writer, idle) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    writer.append(0..3).await;
    let id = owner.stores.segments.allocate("/a/<default>", &[]).await.unwrap().id;
    let broken = owner.stores.segments.create(id, Arc::new(Broken), Replication::default()).await.unwrap();
    broken.wake();
    writer.put(entry(writer.id, 3));
    assert_eq!(writer.source.cut_off().await, ErrorKind::Internal);
    assert_eq!(idle.source.cut_off().await, ErrorKind::Internal);
    // Others take over, and this process can still be closed.
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 3, entry).await;
    owner.stores.session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_dropped_in_the_middle_disturb_nobody() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..5).await;
    let (segments, metadata) = (&owner.stores.segments, &owner.stores.metadata);
    let commit = [crate::metadata::Op::create("/dropped", "")];
    for polls in 0..6 {
        let calls: [crate::seams::BoxFuture<'_, ()>; 5] = [
            Box::pin(async { drop(segments.allocate("/a/<default>", &[]).await) }),
            Box::pin(async { drop(segments.recover(writer.id).await) }),
            Box::pin(async { drop(segments.delete(&[SegmentId::new(1 << 40).unwrap()]).await) }),
            Box::pin(async { drop(metadata.commit(&commit).await) }),
            Box::pin(async { drop(read_all(&owner.stores, writer.id).await) }),
        ];
        for mut call in calls {
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    () = &mut call => break,
                    () = tokio::task::yield_now() => {}
                }
            }
        }
    }
    // The dropped recoveries may have fenced it, and others go on.
    recovered(&other.stores, writer.id, 5, entry).await;
    let fresh = TestWriter::start(&owner.stores).await;
    fresh.append(0..5).await;
}
