//! Ledger metadata in ZooKeeper, where and as BookKeeper's own clients keep it.

mod ids;
mod layout;
mod list;

use std::sync::Arc;

use async_trait::async_trait;

use super::nodes::{Applied, NodeMode, NodeRefusal};
use super::session::ZooKeeper;
use crate::cluster::{LedgerStore, Version, Versioned, Watch, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::LedgerMetadata;
use crate::types::LedgerId;
use layout::Layout;

/// The ledgers of a cluster, below its root in ZooKeeper.
#[derive(Clone)]
pub struct ZooKeeperLedgers {
    zookeeper: ZooKeeper,
    root: String,
    layout: Layout,
}

impl ZooKeeperLedgers {
    /// Finds out how the cluster with this root, such as `/ledgers`, lays out its ledgers.
    ///
    /// # Errors
    /// `metadata-store` if there is no cluster; `unsupported` for a layout that is unknown here.
    pub async fn open(zookeeper: ZooKeeper, root: &str) -> Result<Self> {
        let root = root.trim_end_matches('/').to_owned();
        let Some((text, _)) = zookeeper.get(&format!("{root}/LAYOUT")).await? else {
            let message = format!(
                "there is no BookKeeper cluster at {root}; check the path, or make one with `bookkeeper shell metaformat`"
            );
            return Err(Error::new(ErrorKind::MetadataStore, message).retry(false));
        };
        let layout = Layout::parse(&String::from_utf8_lossy(&text))?;
        Ok(Self { zookeeper, root, layout })
    }

    /// When a ledger was made, in milliseconds since 1970: what its metadata says, or else when its node was made. `None`
    /// if there is no such ledger.
    ///
    /// # Errors
    /// Those of the metadata store.
    pub async fn created_ms(&self, id: LedgerId) -> Result<Option<i64>> {
        let found = self.zookeeper.get(&self.path(id)?).await.map_err(|error| error.of_ledger(id))?;
        let Some((data, state)) = found else { return Ok(None) };
        let metadata = LedgerMetadata::decode(&data).map_err(|error| error.of_ledger(id))?;
        Ok(Some(metadata.created_ms.unwrap_or(state.created_ms)))
    }

    fn path(&self, id: LedgerId) -> Result<String> {
        self.layout.path(&self.root, id)
    }

    /// Makes the nodes between the root and the parent of this path, as far as they are missing.
    async fn make_parents(&self, path: &str) -> Result<()> {
        for (at, _) in path.match_indices('/').filter(|(at, _)| *at > self.root.len()) {
            // It exists, or somebody makes it, or the next one tells.
            match self.zookeeper.create(&path[..at], &[], NodeMode::Persistent).await {
                Err(error) if !error.may_have_taken_effect() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether this creation was done before.
    async fn is_same(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Option<Version>> {
        let found = self.read(id).await?;
        let token = metadata.creation_token;
        Ok(found
            .filter(|found| token != 0 && found.metadata.creation_token == token)
            .map(|found| found.version))
    }
}

#[async_trait]
impl LedgerStore for ZooKeeperLedgers {
    async fn new_id(&self) -> Result<LedgerId> {
        self.next_id().await
    }

    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Version> {
        let path = self.path(id)?;
        let data = metadata.encode();
        loop {
            match self.zookeeper.create(&path, &data, NodeMode::Persistent).await {
                Ok(Applied::Done((_, state))) => return Ok(Version(state.version.into())),
                Ok(Applied::Refused(_, NodeRefusal::Missing)) => self.make_parents(&path).await?,
                Ok(Applied::Refused(_, NodeRefusal::Exists)) => {
                    if let Some(version) = self.is_same(id, metadata).await? {
                        return Ok(version);
                    }
                    let message = "there is a ledger with this id already; take another id";
                    return Err(Error::new(ErrorKind::LedgerExists, message).of_ledger(id));
                }
                Ok(Applied::Refused(_, refusal)) => {
                    let message = format!("ZooKeeper refused the ledger's node: {refusal:?}");
                    return Err(Error::new(ErrorKind::MetadataStore, message).of_ledger(id));
                }
                // Whether it was made, the token tells.
                Err(error) if error.may_have_taken_effect() && metadata.creation_token != 0 => {
                    if error.kind() != ErrorKind::Unavailable {
                        return Err(error.of_ledger(id));
                    }
                    if let Some(version) = self.is_same(id, metadata).await? {
                        return Ok(version);
                    }
                }
                Err(error) => return Err(error.of_ledger(id)),
            }
        }
    }

    async fn read(&self, id: LedgerId) -> Result<Option<Versioned>> {
        let found = self.zookeeper.get(&self.path(id)?).await.map_err(|error| error.of_ledger(id))?;
        let Some((data, state)) = found else { return Ok(None) };
        let metadata = LedgerMetadata::decode(&data).map_err(|error| error.of_ledger(id))?;
        Ok(Some(Versioned { metadata: Arc::new(metadata), version: Version(state.version.into()) }))
    }

    async fn write(&self, id: LedgerId, metadata: &LedgerMetadata, expected: Version) -> Result<Written> {
        let Ok(version) = i32::try_from(expected.0) else { return Ok(Written::Conflict) };
        let answer = self.zookeeper.set(&self.path(id)?, &metadata.encode(), version).await;
        match answer.map_err(|error| error.of_ledger(id))? {
            Applied::Done(version) => Ok(Written::Done(Version(version.into()))),
            Applied::Refused(_, NodeRefusal::Missing) => Ok(Written::Gone),
            Applied::Refused(..) => Ok(Written::Conflict),
        }
    }

    async fn delete(&self, id: LedgerId) -> Result<()> {
        let path = self.path(id)?;
        if !self.zookeeper.delete(&path).await.map_err(|error| error.of_ledger(id))? {
            let message = "the ledger's node has children, which no ledger has";
            return Err(Error::new(ErrorKind::MetadataStore, message).of_ledger(id));
        }
        // What is empty now goes too, as far as nobody uses it meanwhile.
        let mut parent = path.as_str();
        while let Some((above, _)) =
            parent.rsplit_once('/').filter(|(above, _)| above.len() > self.root.len())
        {
            parent = above;
            if !self.zookeeper.delete(parent).await.unwrap_or(false) {
                break;
            }
        }
        Ok(())
    }

    async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>> {
        let limit = limit.max(1);
        let mut found = Vec::new();
        for tree in self.layout.trees() {
            if found.len() < limit {
                self.walk(*tree, after, limit, &mut found).await?;
            }
        }
        Ok(found)
    }

    fn watch(&self, id: LedgerId) -> Result<Watch> {
        Ok(self.zookeeper.watch(&self.path(id)?))
    }
}
