//! The contract of bookie discovery.

use async_trait::async_trait;

use super::Watch;
use crate::error::Result;
use crate::types::BookieId;

/// Knows which bookies there are.
#[async_trait]
pub trait BookieRegistry: Send + Sync + 'static {
    /// The bookies that are registered now, in the order of their ids.
    async fn bookies(&self) -> Result<Vec<RegisteredBookie>>;

    /// Where a bookie listens, as `host:port`, or `None` if it is not registered and its id is no address either.
    ///
    /// It is asked before each connection: a bookie may come back elsewhere.
    async fn resolve(&self, id: &BookieId) -> Result<Option<String>>;

    /// Watches the set of bookies.
    ///
    /// A watch made before a read tells of every change after that read. It may fire without one.
    fn watch(&self) -> Result<Watch>;
}

/// A registered bookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredBookie {
    /// Its id.
    pub id: BookieId,
    /// Whether it takes new entries, or serves what it has only.
    pub writable: bool,
}
