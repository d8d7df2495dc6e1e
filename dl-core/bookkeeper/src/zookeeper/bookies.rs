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

/// The most bytes that a bookie registers with: some names and numbers.
const INFO_BYTES: usize = 1 << 16;

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
    id.host_and_port().map(|_| id.to_string())
}

/// Where a bookie says that it listens.
fn endpoint(id: &BookieId, data: &[u8]) -> Result<Option<String>> {
    if data.len() > INFO_BYTES {
        let message = format!("what a bookie registered with has {} bytes, more than any says", data.len());
        return Err(Error::corrupt(message).at_bookie(id));
    }
    let info = BookieServiceInfo::decode(data).map_err(|error| {
        Error::corrupt("what a bookie registered with cannot be read").at_bookie(id).caused_by(error)
    })?;
    let Some(endpoint) = info.endpoints.iter().find(|endpoint| endpoint.protocol() == BOOKIE_PROTOCOL) else {
        return Ok(None);
    };
    // Written as ids are that are addresses: by the same rules it is one.
    let address = BookieId::new(&format!("{}:{}", endpoint.host(), endpoint.port()));
    let address = address.ok().and_then(|address| address_in(&address));
    address.map(Some).ok_or_else(|| Error::corrupt("a bookie registered with no address").at_bookie(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::proto::bookie_service_info::Endpoint;

    fn registered(protocol: &str, host: &str, port: i32) -> Vec<u8> {
        let endpoint = Endpoint {
            protocol: Some(protocol.to_owned()),
            host: Some(host.to_owned()),
            port: Some(port),
            ..Endpoint::default()
        };
        BookieServiceInfo { endpoints: vec![endpoint] }.encode_to_vec()
    }

    #[test]
    fn a_bookie_listens_where_its_registration_says_an_address() {
        let id = BookieId::new("own-name").unwrap();
        let at = |protocol, host, port| endpoint(&id, &registered(protocol, host, port));
        assert_eq!(at(BOOKIE_PROTOCOL, "b1", 3181).unwrap().as_deref(), Some("b1:3181"));
        assert_eq!(at(BOOKIE_PROTOCOL, "::1", 3181).unwrap().as_deref(), Some("::1:3181"));
        assert_eq!(at("http", "b1", 8080).unwrap(), None);
        let long = "h".repeat(300);
        for (host, port) in [
            ("", 3181),
            ("b1", 0),
            ("b1", -1),
            ("b1", 65_536),
            ("b 1", 3181),
            ("b1/..", 3181),
            ("b\n", 3181),
            (&long, 1),
        ] {
            let error = at(BOOKIE_PROTOCOL, host, port).unwrap_err();
            assert_eq!((error.kind(), error.bookie()), (ErrorKind::Corrupt, Some(&id)), "{host:?} {port}");
        }
    }

    #[test]
    fn what_is_no_registration_is_damage() {
        let id = BookieId::new("b1:3181").unwrap();
        let huge = registered(BOOKIE_PROTOCOL, "b1", 3181).repeat(10_000);
        for data in [&[0xff, 0xfe, 0, 0x80][..], b"b1:3181", &huge] {
            assert_eq!(endpoint(&id, data).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn an_id_is_an_address_if_a_bookie_can_listen_there() {
        let address = |id: &str| address_in(&BookieId::new(id).unwrap());
        assert_eq!(address("b1:3181").as_deref(), Some("b1:3181"));
        assert_eq!(address("[::1]:3181").as_deref(), Some("[::1]:3181"));
        for none in ["b1", ":3181", "b1:0", "b1:65536", "b1:-1", "[]:3181", "b1:"] {
            assert_eq!(address(none), None, "{none}");
        }
    }
}
