//! A cluster's shared state in memory, for tests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::{BookieRegistry, LedgerStore, RegisteredBookie, Version, Versioned, Watch, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::LedgerMetadata;
use crate::types::{BookieId, LedgerId};

/// Ledger metadata and bookies of one process, lost with it.
pub struct MemoryCluster {
    state: Mutex<State>,
    ledgers_changed: watch::Sender<()>,
    bookies_changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    next_id: i64,
    ledgers: BTreeMap<LedgerId, Stored>,
    bookies: BTreeMap<BookieId, Registration>,
}

/// Metadata as bytes, as every other store has it, so that what cannot be written is noticed.
struct Stored {
    bytes: Bytes,
    version: i64,
}

struct Registration {
    writable: bool,
    address: String,
}

impl MemoryCluster {
    /// A cluster without ledgers and bookies.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            ledgers_changed: watch::Sender::new(()),
            bookies_changed: watch::Sender::new(()),
        }
    }

    /// Registers a bookie that listens at `address`, or changes how it is registered.
    pub fn register(&self, id: BookieId, address: impl Into<String>, writable: bool) {
        self.state().bookies.insert(id, Registration { writable, address: address.into() });
        self.bookies_changed.send_replace(());
    }

    /// Takes a bookie's registration back, as when its session ends.
    pub fn unregister(&self, id: &BookieId) {
        self.state().bookies.remove(id);
        self.bookies_changed.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryCluster {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl LedgerStore for MemoryCluster {
    async fn new_id(&self) -> Result<LedgerId> {
        let mut state = self.state();
        let id = LedgerId::new(state.next_id)?;
        state.next_id += 1;
        Ok(id)
    }

    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Version> {
        let mut state = self.state();
        if let Some(stored) = state.ledgers.get(&id) {
            let token = LedgerMetadata::decode(&stored.bytes)?.creation_token;
            if token != 0 && token == metadata.creation_token {
                return Ok(Version(stored.version));
            }
            let message = "there is a ledger with this id already; take another id";
            return Err(Error::new(ErrorKind::LedgerExists, message).of_ledger(id));
        }
        state.ledgers.insert(id, Stored { bytes: metadata.encode(), version: 0 });
        drop(state);
        self.ledgers_changed.send_replace(());
        Ok(Version(0))
    }

    async fn read(&self, id: LedgerId) -> Result<Option<Versioned>> {
        let state = self.state();
        let Some(stored) = state.ledgers.get(&id) else {
            return Ok(None);
        };
        let metadata = Arc::new(LedgerMetadata::decode(&stored.bytes)?);
        Ok(Some(Versioned { metadata, version: Version(stored.version) }))
    }

    async fn write(&self, id: LedgerId, metadata: &LedgerMetadata, expected: Version) -> Result<Written> {
        let mut state = self.state();
        let Some(stored) = state.ledgers.get_mut(&id) else {
            return Ok(Written::Gone);
        };
        if stored.version != expected.0 {
            return Ok(Written::Conflict);
        }
        *stored = Stored { bytes: metadata.encode(), version: stored.version + 1 };
        let version = Version(stored.version);
        drop(state);
        self.ledgers_changed.send_replace(());
        Ok(Written::Done(version))
    }

    async fn delete(&self, id: LedgerId) -> Result<()> {
        self.state().ledgers.remove(&id);
        self.ledgers_changed.send_replace(());
        Ok(())
    }

    async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        Ok(state.ledgers.range((behind, Bound::Unbounded)).map(|(id, _)| *id).take(limit.max(1)).collect())
    }

    fn watch(&self, _id: LedgerId) -> Result<Watch> {
        Ok(self.ledgers_changed.subscribe())
    }
}

#[async_trait]
impl BookieRegistry for MemoryCluster {
    async fn bookies(&self) -> Result<Vec<RegisteredBookie>> {
        let state = self.state();
        let registered = |(id, registration): (&BookieId, &Registration)| RegisteredBookie {
            id: id.clone(),
            writable: registration.writable,
        };
        Ok(state.bookies.iter().map(registered).collect())
    }

    async fn resolve(&self, id: &BookieId) -> Result<Option<String>> {
        Ok(self.state().bookies.get(id).map(|registration| registration.address.clone()))
    }

    fn watch(&self) -> Result<Watch> {
        Ok(self.bookies_changed.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{DigestType, Quorum};

    fn metadata(token: i64) -> LedgerMetadata {
        let bookie = BookieId::new("bk1").unwrap();
        let quorum = Quorum::new(1, 1, 1).unwrap();
        let mut metadata =
            LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), vec![bookie]).unwrap();
        metadata.creation_token = token;
        metadata
    }

    #[tokio::test]
    async fn metadata_is_replaced_only_in_the_version_expected() {
        let cluster = MemoryCluster::new();
        let id = cluster.new_id().await.unwrap();
        let mut watch = LedgerStore::watch(&cluster, id).unwrap();
        let first = cluster.create(id, &metadata(7)).await.unwrap();
        assert_eq!(cluster.create(id, &metadata(7)).await.unwrap(), first, "the same creation again");
        assert_eq!(cluster.create(id, &metadata(8)).await.unwrap_err().kind(), ErrorKind::LedgerExists);
        let Written::Done(second) = cluster.write(id, &metadata(0), first).await.unwrap() else {
            panic!("the version was the one expected");
        };
        assert_eq!(cluster.write(id, &metadata(9), first).await.unwrap(), Written::Conflict);
        let found = cluster.read(id).await.unwrap().unwrap();
        assert_eq!((found.version, *found.metadata == metadata(0)), (second, true));
        watch.changed().await.unwrap();
        cluster.delete(id).await.unwrap();
        assert_eq!(cluster.write(id, &metadata(9), second).await.unwrap(), Written::Gone);
        assert!(cluster.read(id).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn ledgers_are_listed_page_by_page() {
        let cluster = MemoryCluster::new();
        let mut ids = Vec::new();
        for _ in 0..5 {
            let id = cluster.new_id().await.unwrap();
            cluster.create(id, &metadata(1)).await.unwrap();
            ids.push(id);
        }
        assert_eq!(cluster.list(None, 3).await.unwrap(), ids[..3]);
        assert_eq!(cluster.list(Some(ids[2]), 3).await.unwrap(), ids[3..]);
    }

    #[tokio::test]
    async fn bookies_come_and_go() {
        let cluster = MemoryCluster::new();
        let mut watch = BookieRegistry::watch(&cluster).unwrap();
        let id = BookieId::new("bk1").unwrap();
        cluster.register(id.clone(), "127.0.0.1:3181", false);
        watch.changed().await.unwrap();
        assert_eq!(cluster.bookies().await.unwrap(), [RegisteredBookie { id: id.clone(), writable: false }]);
        assert_eq!(cluster.resolve(&id).await.unwrap().as_deref(), Some("127.0.0.1:3181"));
        cluster.unregister(&id);
        assert!(cluster.bookies().await.unwrap().is_empty());
    }
}
