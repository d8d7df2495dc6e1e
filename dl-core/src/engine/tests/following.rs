//! What a reader that follows asks of its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::engine::{Engine, truncate};
use crate::metadata::Op;
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentReader, SegmentStore, SegmentWriter, Stores, Tail,
    Visibility,
};
use crate::types::{Durability, SegmentId};
use crate::{Dlsn, Error, ErrorKind, Log, Result, drivers};

on_every_driver! {
    a_follower_waits_without_looking_first
    who_read_all_records_misses_nothing_when_what_else_there_was_is_deleted
}

/// A store, or a segment of it, that counts how often a reader looks at what is committed without waiting for more. Writers
/// publish with a control record. Entries from some number on are gone.
struct Counting<T: ?Sized> {
    inner: Arc<T>,
    looks: Arc<AtomicUsize>,
    gone_from: u64,
}

#[async_trait]
impl SegmentStore for Counting<dyn SegmentStore> {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn visibility(&self) -> Visibility {
        Visibility::AtNextEntry
    }

    async fn allocate(&self, log_root: &str, guard: &[Op]) -> Result<Allocation> {
        self.inner.allocate(log_root, guard).await
    }

    async fn create(
        &self,
        id: SegmentId,
        source: Arc<dyn EntrySource>,
        wanted: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        self.inner.create(id, source, wanted).await
    }

    async fn recover(&self, id: SegmentId) -> Result<Closed> {
        self.inner.recover(id).await
    }

    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        let (looks, gone_from) = (self.looks.clone(), self.gone_from);
        Ok(Arc::new(Counting { inner: self.inner.open(id).await?, looks, gone_from }))
    }

    async fn delete(&self, ids: &[SegmentId]) -> Result<Vec<Op>> {
        self.inner.delete(ids).await
    }
}

#[async_trait]
impl SegmentReader for Counting<dyn SegmentReader> {
    async fn tail(&self) -> Result<Tail> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.inner.tail().await
    }

    async fn wait(&self, known: Tail) -> Result<Tail> {
        self.inner.wait(known).await
    }

    async fn read(&self, from: u64, budget: usize) -> Result<Vec<Bytes>> {
        if from >= self.gone_from {
            return Err(Error::not_found("it was deleted"));
        }
        self.inner.read(from, if self.gone_from < u64::MAX { 1 } else { budget }).await
    }

    async fn bytes(&self) -> Result<u64> {
        self.inner.bytes().await
    }
}

/// The log by a process whose store is watched.
async fn watched(shared: &Shared, name: &str, gone_from: u64) -> (Arc<AtomicUsize>, Log) {
    let (seams, _) = shared.world.process();
    let mut options = options(name);
    let telemetry = Arc::default();
    let (stores, owner) = drivers::open(shared.uri(), &mut options, &seams, &telemetry).await.unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let segments = Arc::new(Counting { inner: stores.segments.clone(), looks: looks.clone(), gone_from });
    let engine = Engine::new(Stores { segments, ..stores }, seams, options, owner, telemetry);
    (looks, Log::new(Arc::new(engine), shared.log().clone(), None))
}

async fn a_follower_waits_without_looking_first(shared: Shared) {
    let (_namespace, writer) = shared.writer().await;
    let (looks, log) = watched(&shared, "follows", u64::MAX).await;
    append(&writer, "first").await;
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    assert_eq!(text(&reader.next().await.unwrap().unwrap()), "first");
    let before = looks.load(Ordering::Relaxed);
    for payload in ["a", "b", "c"] {
        append(&writer, payload).await;
        assert_eq!(text(&reader.next().await.unwrap().unwrap()), payload);
    }
    assert_eq!(looks.load(Ordering::Relaxed), before, "it opened the segment, and waited from then on");
    writer.seal().await.unwrap();
    assert!(reader.next().await.unwrap().is_none());
}

async fn who_read_all_records_misses_nothing_when_what_else_there_was_is_deleted(shared: Shared) {
    let namespace = shared.process("one").await;
    namespace.create_log(shared.log()).await.unwrap();
    let (_looks, log) = watched(&shared, "watched", 1).await;
    let writer = log.open_writer(WriterOptions::default()).await.unwrap();
    append(&writer, "first").await;
    pass(Duration::from_secs(1)).await;
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    assert_eq!(text(&reader.next().await.unwrap().unwrap()), "first");
    writer.abort();
    // Who takes the log over completes the segment, and counts all that is in it.
    namespace.log(shared.log()).open_writer(WriterOptions::default()).await.unwrap().close().await.unwrap();
    let segment = log.segments().await.unwrap()[0].completed.unwrap();
    assert_eq!(segment.last_dlsn, Some(Dlsn::new(1, 1, 0)), "a control record is behind it");
    // As a deletion is seen halfway: all is truncated and gone from the store, and the log is still there.
    let end = Dlsn::new(i64::MAX, i64::MAX, i64::MAX);
    truncate::truncate(namespace.engine(), shared.log(), None, end, None).await.unwrap();
    let next = spawn(async move { reader.next().await });
    pass(Duration::from_secs(1)).await;
    assert!(!next.is_finished(), "{:?}", next.await);
    namespace.delete_log(shared.log()).await.unwrap();
    assert_eq!(next.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
}
