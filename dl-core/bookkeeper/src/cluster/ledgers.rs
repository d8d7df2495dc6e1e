//! The contract of the store of ledger metadata.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::error::Result;
use crate::metadata::LedgerMetadata;
use crate::types::LedgerId;

/// Keeps the metadata of ledgers, shared by every process that uses the cluster.
///
/// **What every implementation promises:**
///
/// 1. A change is durable, and seen by every read that begins later anywhere, when it is answered.
/// 2. A [`Version`] names one state of one ledger's metadata. A [`write`](Self::write) replaces exactly the version it
///    expects, or changes nothing.
/// 3. Metadata is given back as it was written, and written in the format version that it had when it was read.
/// 4. Calls are retried over a lost connection only where that changes nothing: [`read`](Self::read),
///    [`list`](Self::list), and [`create`](Self::create) by the token in the metadata. A [`write`](Self::write) that may
///    have taken effect is an error that says so; the caller reads.
/// 5. Dropping a call leaves the change either made or not.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// An id that no ledger has had. Another client may take it with a `create` of its own choice of ids.
    async fn new_id(&self) -> Result<LedgerId>;

    /// Adds a ledger. Done again with the same creation token it succeeds again.
    ///
    /// # Errors
    /// `ledger-exists` if there is another ledger with this id.
    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Version>;

    /// The metadata of a ledger, or `None` if there is none.
    async fn read(&self, id: LedgerId) -> Result<Option<Versioned>>;

    /// Replaces the metadata of a ledger if it has this version.
    async fn write(&self, id: LedgerId, metadata: &LedgerMetadata, expected: Version) -> Result<Written>;

    /// Deletes a ledger, whatever its version. One that is gone already is no error.
    async fn delete(&self, id: LedgerId) -> Result<()>;

    /// The ledgers with ids behind `after`, ascending, at most `limit` and at least one if there is one.
    async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>>;

    /// Watches the metadata of a ledger, which need not exist.
    ///
    /// A watch made before a read tells of every change after that read. It may fire without one.
    fn watch(&self, id: LedgerId) -> Result<Watch>;
}

/// Fires when what it watches may have changed: wait for it with `changed`. Dropping it ends the watch.
pub type Watch = watch::Receiver<()>;

/// A state of a ledger's metadata (on ZooKeeper: the version of its node's data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

/// Metadata with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The metadata.
    pub metadata: Arc<LedgerMetadata>,
    /// Its version.
    pub version: Version,
}

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The metadata is written and has this version.
    Done(Version),
    /// The metadata had another version: nothing was changed.
    Conflict,
    /// There is no such ledger.
    Gone,
}
