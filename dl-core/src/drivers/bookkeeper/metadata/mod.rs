//! The metadata store on ZooKeeper.
//!
//! A namespace is the subtree below one node; its nodes, their data and their locks are those of DistributedLog.

mod below;
mod commit;
mod lock;
mod member;
mod members;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dl_bookkeeper::{NodeState, ZooKeeper};

use self::members::Members;
use super::error::from_cluster;
use crate::error::Result;
use crate::metadata::{Child, Lock, MetadataStore, Node, NodePath, Op, Outcome, Takeover, Version, Watch};
use crate::seams::{BoxFuture, Seams};
use crate::store::StoreSession;

/// How long to wait before servers that did not answer in time are asked again.
const RETRY: Duration = Duration::from_millis(500);

/// One opening of a namespace's metadata, on a session of its own.
#[derive(Clone)]
pub(crate) struct ZooKeeperMetadata {
    inner: Arc<Inner>,
}

struct Inner {
    zookeeper: ZooKeeper,
    /// The path of the namespace's node; empty for that of all.
    root: String,
    seams: Seams,
    /// The members of locks that its sessions made.
    members: Mutex<Members>,
}

impl ZooKeeperMetadata {
    /// The namespace whose node, which exists, is at `root`.
    pub(crate) fn new(zookeeper: ZooKeeper, root: &str, seams: &Seams) -> Self {
        let root = root.trim_end_matches('/').to_owned();
        Self { inner: Arc::new(Inner { zookeeper, root, seams: seams.clone(), members: Mutex::default() }) }
    }
}

impl Inner {
    /// The path in ZooKeeper of a node of the namespace.
    fn place(&self, path: &str) -> Result<String> {
        let path = NodePath::new(path)?;
        Ok(match path.as_str() {
            "/" if self.root.is_empty() => "/".to_owned(),
            "/" => self.root.clone(),
            path => format!("{}{path}", self.root),
        })
    }
}

/// Asks for as long as asking again may help. Who follows what changes has to: a watch that ended while the namespace is open
/// would tell of no change any more, or of one after the other.
pub(super) async fn until_answered<T, F: Future<Output = Result<T>>>(
    seams: &Seams,
    ask: impl Fn() -> F,
) -> Result<T> {
    loop {
        match ask().await {
            Err(error) if error.is_retryable() => seams.clock.sleep(RETRY).await,
            answer => return answer,
        }
    }
}

/// The state of a node, as the contract speaks of it.
fn version(state: NodeState) -> Version {
    // Neither is ever negative.
    Version {
        created: u64::try_from(state.created).unwrap_or_default(),
        changes: u64::try_from(state.version).unwrap_or_default(),
    }
}

#[async_trait]
impl MetadataStore for ZooKeeperMetadata {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        let found = self.inner.zookeeper.get(&self.inner.place(path)?).await.map_err(from_cluster)?;
        Ok(found.map(|(data, state)| Node { data, version: version(state) }))
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        let names = self.inner.zookeeper.children(&self.inner.place(path)?).await.map_err(from_cluster)?;
        Ok(names.map(|names| names.into_iter().map(|name| Child { name }).collect()))
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        self.inner.commit(ops).await
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        Ok(Watch::new(self.inner.zookeeper.watch(&self.inner.place(path)?)))
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        Ok(Watch::new(below::watch(&self.inner, self.inner.place(path)?, name)))
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        lock::take(&self.inner, path, owner, takeover, gone).await
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        self.inner.owner(&self.inner.place(path)?).await
    }
}

#[async_trait]
impl StoreSession for ZooKeeperMetadata {
    async fn close(&self) -> Result<()> {
        self.inner.zookeeper.close().await;
        Ok(())
    }
}
