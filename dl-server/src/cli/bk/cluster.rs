//! The cluster that a command looks at.

use std::sync::Arc;

use clap::Args;
use dl_bookkeeper::{
    BookKeeper, Bookies, ClientOptions, Confirmed, ErrorKind as ClusterErrorKind, LedgerId, LedgerMetadata,
    LedgerReader, Outlook, Seams, ZooKeeper, ZooKeeperBookies, ZooKeeperLedgers,
};
use dl_core::{ClusterConnections, Error, ErrorKind, shown_uri};
use tokio::task::JoinSet;

use super::place::{Binding, Place};
use super::references::References;
use crate::cli::Shared;
use crate::cli::failure::Result;
use crate::cli::namespace::{Missing, Scope};

/// Ledgers whose metadata is asked for at once.
const AT_ONCE: usize = 64;

/// Which cluster.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// The ZooKeeper of a cluster, as HOST:PORT and more of them behind commas, in place of that of a namespace
    #[arg(long, global = true, value_name = "SERVERS")]
    zookeeper: Option<String>,

    /// Where the cluster has its ledgers there
    #[arg(long, global = true, value_name = "PATH", default_value = "/ledgers", requires = "zookeeper")]
    ledgers_path: String,
}

/// A cluster, and perhaps a namespace on it.
pub(in crate::cli) struct Cluster {
    connections: ClusterConnections,
    namespace: Option<Namespace>,
    binding: Binding,
    zookeeper: ZooKeeper,
    pub(super) store: ZooKeeperLedgers,
    pub(super) registry: ZooKeeperBookies,
    pub(super) client: BookKeeper,
    /// To ask one bookie, not any that has an entry.
    pub(super) bookies: Bookies,
}

/// A namespace, whose metadata may be in another ZooKeeper than that of its ledgers.
struct Namespace {
    place: Place,
    zookeeper: ZooKeeper,
}

/// The metadata of a ledger, if it can be read.
pub(super) enum Known {
    Metadata(Arc<LedgerMetadata>),
    /// It was deleted since it was listed.
    Gone,
    Unreadable(dl_bookkeeper::Error),
}

impl Cluster {
    pub(super) async fn open(arguments: &ClusterArgs, shared: &Shared) -> Result<Self> {
        let Some(servers) = &arguments.zookeeper else {
            let uri = shared.namespace.uri()?.unwrap_or_default();
            return Self::of_namespace(&uri, shared).await;
        };
        let options = shared.namespace.options(Missing::Fail, Scope::None)?;
        let connections = ClusterConnections::new(None, options).await?;
        let binding = Binding { servers: servers.clone(), ledgers: arguments.ledgers_path.clone() };
        let zookeeper = connect(&connections, servers).await?;
        Self::of(connections, binding, zookeeper, None).await
    }

    /// The cluster of the namespace at this URI.
    pub(in crate::cli) async fn of_namespace(uri: &str, shared: &Shared) -> Result<Self> {
        let place = Place::parse(uri)?;
        let options = shared.namespace.options(Missing::Fail, Scope::None)?;
        let connections = ClusterConnections::new(Some(uri), options).await?;
        let zookeeper = connect(&connections, &place.servers).await?;
        let binding = place.binding(&zookeeper).await?;
        let of_ledgers = if binding.servers == place.servers {
            zookeeper.clone()
        } else {
            connect(&connections, &binding.servers).await?
        };
        Self::of(connections, binding, of_ledgers, Some(Namespace { place, zookeeper })).await
    }

    async fn of(
        connections: ClusterConnections,
        binding: Binding,
        zookeeper: ZooKeeper,
        namespace: Option<Namespace>,
    ) -> Result<Self> {
        let store = ZooKeeperLedgers::open(zookeeper.clone(), &binding.ledgers).await?;
        let registry = ZooKeeperBookies::new(zookeeper.clone(), &binding.ledgers);
        let (shared_store, shared_registry) = (Arc::new(store.clone()), Arc::new(registry.clone()));
        let bookies = Bookies::new(shared_registry.clone(), connections.bookies(), Seams::system());
        let options = ClientOptions { connection: connections.bookies(), ..ClientOptions::default() };
        let client = BookKeeper::connect(shared_store, shared_registry, options, Seams::system()).await?;
        Ok(Self { connections, namespace, binding, zookeeper, store, registry, client, bookies })
    }

    pub(in crate::cli) async fn close(&self) {
        self.client.close();
        self.bookies.close();
        self.zookeeper.close().await;
        if let Some(namespace) = &self.namespace {
            namespace.zookeeper.close().await;
        }
    }

    /// The path of the namespace's node in ZooKeeper.
    ///
    /// # Errors
    /// `invalid-argument` if the cluster was not named by a namespace.
    pub(super) fn root(&self) -> Result<&str> {
        Ok(&self.namespace()?.place.root)
    }

    /// The ledgers that the namespace refers to now.
    pub(super) async fn references(&self) -> Result<References> {
        let namespace = self.namespace()?;
        References::read(&namespace.zookeeper, &namespace.place.root).await
    }

    /// The ledgers that another namespace on this cluster refers to now.
    ///
    /// # Errors
    /// `invalid-argument` if it is on another cluster.
    pub(super) async fn references_of(&self, uri: &str) -> Result<References> {
        let place = Place::parse(uri)?;
        let zookeeper = connect(&self.connections, &place.servers).await?;
        let found = async {
            if place.binding(&zookeeper).await? != self.binding {
                let message = "the namespace is on another cluster, or names this one in another way";
                return Err(Error::new(ErrorKind::InvalidArgument, message)
                    .with("uri", shown_uri(uri))
                    .into());
            }
            References::read(&zookeeper, &place.root).await
        };
        let found = found.await;
        zookeeper.close().await;
        found
    }

    /// A ledger as it is, and what is known to be confirmed of it: nobody is fenced.
    pub(super) async fn read(&self, ledger: LedgerId) -> Result<(LedgerReader, Confirmed)> {
        // The password stands beside what it is compared with.
        let password = self.client.metadata(ledger).await?.metadata.password.clone();
        let reader = self.client.open_without_recovery(ledger, &password).await?;
        let known = reader.known();
        let confirmed = if known.closed { known } else { reader.last_confirmed().await? };
        Ok((reader, confirmed))
    }

    /// What a recovery of a ledger would find now.
    pub(in crate::cli) async fn outlook(&self, ledger: LedgerId) -> Result<Outlook> {
        Ok(self.client.outlook(ledger).await?)
    }

    /// The metadata of ledgers, in their order.
    pub(super) async fn metadata(&self, ids: &[LedgerId]) -> Result<Vec<(LedgerId, Known)>> {
        let mut known = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let mut asked = JoinSet::new();
            for id in some {
                let (client, id) = (self.client.clone(), *id);
                asked.spawn(async move { (id, client.metadata(id).await) });
            }
            let mut answers = asked.join_all().await;
            answers.sort_by_key(|(id, _)| *id);
            for (id, answer) in answers {
                known.push((id, Known::of(answer)?));
            }
        }
        Ok(known)
    }

    fn namespace(&self) -> Result<&Namespace> {
        self.namespace.as_ref().ok_or_else(|| {
            let message = "this needs a namespace: name it with --ns, without --zookeeper";
            Error::new(ErrorKind::InvalidArgument, message).into()
        })
    }
}

impl Known {
    /// # Errors
    /// That of a store which did not answer.
    fn of(answer: dl_bookkeeper::Result<dl_bookkeeper::Versioned>) -> Result<Self> {
        match answer {
            Ok(found) => Ok(Self::Metadata(found.metadata)),
            Err(error) => match error.kind() {
                ClusterErrorKind::NoSuchLedger => Ok(Self::Gone),
                ClusterErrorKind::Corrupt | ClusterErrorKind::Unsupported | ClusterErrorKind::TooLarge => {
                    Ok(Self::Unreadable(error))
                }
                _ => Err(error.into()),
            },
        }
    }
}

async fn connect(connections: &ClusterConnections, servers: &str) -> Result<ZooKeeper> {
    Ok(ZooKeeper::connect(connections.zookeeper(servers)).await?)
}
