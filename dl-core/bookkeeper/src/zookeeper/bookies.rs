//! Discovery of bookies by the nodes that they keep while they live.

use async_trait::async_trait;
use prost::Message;
use tokio::sync::watch;

use super::session::ZooKeeper;
use crate::cluster::{BookieRegistry, RegisteredBookie, Watch};
use crate::error::{Error, Result};
use crate::proto::BookieServiceInfo;
use crate::types::BookieId;

/// The name, among those of bookies, of the node below which those stand that serve only what they have.
const READ_ONLY: &str = "readonly";

/// The endpoint that speaks BookKeeper's protocol; a bookie may have others.
const BOOKIE_PROTOCOL: &str = "bookie-rpc";

/// The bookies of a cluster, as they are registered in ZooKeeper.
#[derive(Clone)]
pub struct ZooKeeperBookies {
    zookeeper: ZooKeeper,
    /// Paths of the nodes with those that take new entries, and with those that do not.
    available: String,
    read_only: String,
}

impl ZooKeeperBookies {
    /// The bookies of the cluster with this root, such as `/ledgers`.
    #[must_use]
    pub fn new(zookeeper: ZooKeeper, root: &str) -> Self {
        let available = format!("{}/available", root.trim_end_matches('/'));
        let read_only = format!("{available}/{READ_ONLY}");
        Self { zookeeper, available, read_only }
    }

    async fn below(&self, path: &str, writable: bool) -> Result<Vec<RegisteredBookie>> {
        let names = self.zookeeper.children(path).await?.unwrap_or_default();
        // A name that no bookie can have is nobody's.
        let ids = names.iter().filter(|name| *name != READ_ONLY).filter_map(|name| BookieId::new(name).ok());
        Ok(ids.map(|id| RegisteredBookie { id, writable }).collect())
    }
}

#[async_trait]
impl BookieRegistry for ZooKeeperBookies {
    async fn bookies(&self) -> Result<Vec<RegisteredBookie>> {
        let mut bookies = self.below(&self.available, true).await?;
        for other in self.below(&self.read_only, false).await? {
            // While it changes from one to the other it is in both.
            bookies.retain(|bookie| bookie.id != other.id);
            bookies.push(other);
        }
        bookies.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(bookies)
    }

    async fn resolve(&self, id: &BookieId) -> Result<Option<String>> {
        for registered in [&self.available, &self.read_only] {
            if let Some((data, _)) = self.zookeeper.get(&format!("{registered}/{id}")).await? {
                return if data.is_empty() { Ok(address_in(id)) } else { endpoint(id, &data) };
            }
        }
        Ok(address_in(id))
    }

    fn watch(&self) -> Result<Watch> {
        let (mut available, mut read_only) =
            (self.zookeeper.watch(&self.available), self.zookeeper.watch(&self.read_only));
        let (sender, receiver) = watch::channel(());
        self.zookeeper.shared.spawn(async move {
            loop {
                let told = tokio::select! {
                    told = available.changed() => told,
                    told = read_only.changed() => told,
                    () = sender.closed() => return,
                };
                if told.is_err() {
                    return;
                }
                sender.send_replace(());
            }
        });
        Ok(receiver)
    }
}

/// An id that is an address, as those of bookies without another are.
fn address_in(id: &BookieId) -> Option<String> {
    let (host, port) = id.as_str().rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| id.to_string())
}

/// Where a bookie says that it listens.
fn endpoint(id: &BookieId, data: &[u8]) -> Result<Option<String>> {
    let info = BookieServiceInfo::decode(data).map_err(|error| {
        Error::corrupt("what a bookie registered with cannot be read").at_bookie(id).caused_by(error)
    })?;
    let endpoint = info.endpoints.iter().find(|endpoint| endpoint.protocol() == BOOKIE_PROTOCOL);
    Ok(endpoint.map(|endpoint| format!("{}:{}", endpoint.host(), endpoint.port())))
}
