//! What is answered from the metadata alone.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::engine::Engine;
use crate::metadata::Op;
use crate::store::{
    Allocation, Closed, EntrySource, Replication, SegmentReader, SegmentStore, SegmentWriter, Stores,
    Visibility,
};
use crate::types::{Durability, SegmentId};
use crate::{Dlsn, Error, ErrorKind, Log, Result, drivers};

on_every_driver! {
    information_and_counts_need_no_entry
}

/// Refuses everything.
struct NoSegments;

fn touched<T>() -> Result<T> {
    Err(Error::unsupported("an entry was asked for"))
}

#[async_trait]
impl SegmentStore for NoSegments {
    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn visibility(&self) -> Visibility {
        Visibility::AtAck
    }

    async fn allocate(&self, _log_root: &str, _guard: &[Op]) -> Result<Allocation> {
        touched()
    }

    async fn create(
        &self,
        _id: SegmentId,
        _source: Arc<dyn EntrySource>,
        _: Replication,
    ) -> Result<Arc<dyn SegmentWriter>> {
        touched()
    }

    async fn recover(&self, _id: SegmentId) -> Result<Closed> {
        touched()
    }

    async fn open(&self, _id: SegmentId) -> Result<Arc<dyn SegmentReader>> {
        touched()
    }

    async fn delete(&self, _ids: &[SegmentId]) -> Result<Vec<Op>> {
        touched()
    }
}

async fn information_and_counts_need_no_entry(shared: Shared) {
    let (_namespace, writer) = shared.writer().await;
    for payload in ["a", "b", "c"] {
        append(&writer, payload).await;
        writer.truncate(Dlsn::FIRST).await.unwrap();
    }
    let (seams, _) = shared.world.process();
    let mut options = options("looks");
    let telemetry = Arc::default();
    let (stores, owner) = drivers::open(shared.uri(), &mut options, &seams, &telemetry).await.unwrap();
    let stores = Stores { segments: Arc::new(NoSegments), ..stores };
    let log =
        Log::new(Arc::new(Engine::new(stores, seams, options, owner, telemetry)), shared.log().clone(), None);
    let info = log.info().await.unwrap();
    assert_eq!(
        (info.sealed, info.first_readable, info.segments),
        (false, Dlsn::FIRST, log.segments().await.unwrap().len())
    );
    assert_eq!(log.last_record().await.unwrap_err().kind(), ErrorKind::Unsupported, "that one needs entries");
    writer.seal().await.unwrap();
    let info = log.info().await.unwrap();
    assert!(info.sealed && !info.in_progress);
    assert_eq!(log.count().await.unwrap(), 3);
}
