//! Federated namespaces: logs spread over sub-namespaces, as DistributedLog spreads them.
//!
//! A log is in the namespace's own node or in one of its sub-namespaces, found by the first part of its name: what lies
//! below one log's name lies beside it. Where a log is made, the node of all sub-namespaces is written in the same step, so
//! that no two are made of one name.

mod places;
mod watching;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use dl_bookkeeper::ZooKeeper;

use super::metadata::ZooKeeperMetadata;
use crate::error::Result;
use crate::metadata::{Child, Lock, MetadataStore, Node, NodePath, Op, Outcome, Refusal, Takeover, Watch};
use crate::seams::{BoxFuture, Seams};

/// The node of all sub-namespaces.
pub(super) const SUBNAMESPACES: &str = "/.subnamespaces";

/// What the name of a sub-namespace begins with.
const PREFIX: &str = "NS_";

/// The metadata of a federated namespace.
#[derive(Clone)]
pub(super) struct Federated {
    inner: Arc<Inner>,
}

struct Inner {
    /// All of it, by the paths that its nodes have.
    metadata: ZooKeeperMetadata,
    zookeeper: ZooKeeper,
    /// The path of the namespace's node.
    root: String,
    /// The most logs of a sub-namespace.
    most: u64,
    /// Where logs were found, by the first part of their names: the path of the sub-namespace, empty for the root.
    known: Mutex<BTreeMap<String, String>>,
    seams: Seams,
}

/// Where a node stands: below which sub-namespace, if its log is there at all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    below: Option<String>,
    /// Whether it was looked up just now.
    sure: bool,
}

impl Federated {
    /// The federated namespace whose node is at `root`.
    pub(super) fn new(
        metadata: ZooKeeperMetadata,
        zookeeper: ZooKeeper,
        root: &str,
        most: u64,
        seams: &Seams,
    ) -> Self {
        let root = root.to_owned();
        let inner = Inner { metadata, zookeeper, root, most, known: Mutex::default(), seams: seams.clone() };
        Self { inner: Arc::new(inner) }
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        // Each change of it is one call.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question about a node: where it was found before, and if there is nothing now, where it is now.
    async fn ask<'a, T>(
        &'a self,
        path: &str,
        question: impl Fn(&'a ZooKeeperMetadata, String) -> BoxFuture<'a, Result<Option<T>>>,
    ) -> Result<Option<T>> {
        let Some(name) = first_name(path)? else { return question(&self.metadata, path.to_owned()).await };
        let place = self.place(name).await?;
        let Some(below) = place.below else { return Ok(None) };
        match question(&self.metadata, format!("{below}{path}")).await? {
            None if !place.sure => match self.locate(name).await? {
                Some(now) if now != below => question(&self.metadata, format!("{now}{path}")).await,
                _ => Ok(None),
            },
            answer => Ok(answer),
        }
    }
}

#[async_trait]
impl MetadataStore for Federated {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        self.inner.ask(path, |all, path| Box::pin(async move { all.get(&path).await })).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        if path == "/" {
            return self.inner.logs().await.map(Some);
        }
        self.inner.ask(path, |all, path| Box::pin(async move { all.children(&path).await })).await
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        self.inner.commit(ops).await
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        match first_name(path)? {
            Some(name) => Ok(Watch::new(watching::watch(&self.inner, name, path))),
            None => self.inner.metadata.watch_below("/", "<default>"),
        }
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        match first_name(path)? {
            Some(first) => Ok(Watch::new(watching::watch_below(&self.inner, first, path, name))),
            // The sub-namespaces stand below the root, too.
            None => self.inner.metadata.watch_below(path, name),
        }
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        let below = match first_name(path)? {
            Some(name) => self.inner.locate(name).await?.unwrap_or_default(),
            None => String::new(),
        };
        let lock = self.inner.metadata.lock(&format!("{below}{path}"), owner, takeover, gone).await?;
        Ok(Lock { path: lock.path[below.len()..].to_owned(), ..lock })
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        self.inner.ask(path, |all, path| Box::pin(async move { all.lock_owner(&path).await })).await
    }
}

/// The first part of a log's name; none for what is not of a log.
///
/// # Errors
/// `invalid-argument` if it is no path of a node.
fn first_name(path: &str) -> Result<Option<&str>> {
    let names = NodePath::new(path)?.as_str().trim_start_matches('/');
    let name = names.split('/').next().unwrap_or_default();
    Ok(Some(name).filter(|name| !name.is_empty() && !name.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_log_is_told_by_its_first_name() {
        assert_eq!(first_name("/a/b/<default>/lock").unwrap(), Some("a"));
        assert_eq!(first_name("/a").unwrap(), Some("a"));
        for none in ["/", "/.subnamespaces", "/.allocation_pool/p/A0000000000"] {
            assert_eq!(first_name(none).unwrap(), None, "{none}");
        }
    }
}
