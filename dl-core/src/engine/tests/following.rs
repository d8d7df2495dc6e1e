//! What a reader that follows asks of its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::engine::Engine;
use crate::metadata::Op;
use crate::store::{
    Allocation, Closed, EntrySource, SegmentReader, SegmentStore, SegmentWriter, Stores, Tail, Visibility,
};
use crate::types::{Durability, SegmentId};
use crate::{Log, Result, drivers};

on_every_driver! {
    a_follower_waits_without_looking_first
}

/// A store, or a segment of it, that counts how often a reader looks at what is committed without waiting for more.
struct Counting<T: ?Sized> {
    inner: Arc<T>,
    looks: Arc<AtomicUsize>,
}

#[async_trait]
impl SegmentStore for Counting<dyn SegmentStore> {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn visibility(&self) -> Visibility {
        self.inner.visibility()
    }

    async fn allocate(&self, log_root: &str, guard: &[Op]) -> Result<Allocation> {
        self.inner.allocate(log_root, guard).await
    }

    async fn create(&self, id: SegmentId, source: Arc<dyn EntrySource>) -> Result<Arc<dyn SegmentWriter>> {
        self.inner.create(id, source).await
    }

    async fn recover(&self, id: SegmentId) -> Result<Closed> {
        self.inner.recover(id).await
    }

    async fn open(&self, id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        Ok(Arc::new(Counting { inner: self.inner.open(id).await?, looks: self.looks.clone() }))
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
        self.inner.read(from, budget).await
    }

    async fn bytes(&self) -> Result<u64> {
        self.inner.bytes().await
    }
}

async fn a_follower_waits_without_looking_first(shared: Shared) {
    let (_namespace, writer) = shared.writer().await;
    let (seams, _) = shared.world.process();
    let mut options = options("follows");
    let telemetry = Arc::default();
    let (stores, owner) = drivers::open(shared.uri(), &mut options, &seams, &telemetry).await.unwrap();
    let looks = Arc::new(AtomicUsize::new(0));
    let segments = Arc::new(Counting { inner: stores.segments.clone(), looks: looks.clone() });
    let engine = Engine::new(Stores { segments, ..stores }, seams, options, owner, telemetry);
    let log = Log::new(Arc::new(engine), shared.log().clone(), None);
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
