//! One opening of a namespace: its sessions with ZooKeeper, the client of the bookies, and both stores on them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dl_bookkeeper::{BookKeeper, ClientOptions, ZooKeeper};

use super::binding::Binding;
use super::connection;
use super::federated::Federated;
use super::manage;
use super::metadata::ZooKeeperMetadata;
use super::pulse::Pulse;
use super::segments::LedgerSegments;
use crate::error::Result;
use crate::metadata::MetadataStore;
use crate::options::{ClusterPlace, Options};
use crate::seams::Seams;
use crate::store::{StoreSession, Stores};

/// The sessions of an opening.
pub(super) struct Sessions {
    /// With the servers of the namespace.
    pub(super) zookeeper: ZooKeeper,
    /// With those of BookKeeper, where these are others.
    other: Mutex<Option<ZooKeeper>>,
    servers: String,
}

impl Sessions {
    pub(super) async fn open(place: &ClusterPlace, options: &Options) -> Result<Self> {
        let zookeeper = connection::zookeeper(&place.servers, options).await?;
        Ok(Self { zookeeper, other: Mutex::default(), servers: place.servers.clone() })
    }

    /// The session with the ZooKeeper of the BookKeeper cluster that a namespace is bound to.
    pub(super) async fn of_bookkeeper(&self, binding: &Binding, options: &Options) -> Result<ZooKeeper> {
        let servers = &binding.bookkeeper_zookeepers;
        if *servers == self.servers {
            return Ok(self.zookeeper.clone());
        }
        let other = connection::zookeeper(servers, options).await?;
        let before = self.other.lock().unwrap_or_else(PoisonError::into_inner).replace(other.clone());
        if let Some(before) = before {
            before.close().await;
        }
        Ok(other)
    }

    pub(super) async fn close(&self) {
        self.zookeeper.close().await;
        let other = self.other.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(other) = other {
            other.close().await;
        }
    }
}

#[async_trait]
impl StoreSession for Sessions {
    async fn close(&self) -> Result<()> {
        Self::close(self).await;
        Ok(())
    }
}

/// An opening with its stores.
pub(super) struct Opening {
    sessions: Arc<Sessions>,
    client: BookKeeper,
    segments: Arc<LedgerSegments>,
    pulse: Arc<Pulse>,
}

impl Opening {
    /// Opens both stores of a namespace that is bound; answers also what is behind the one of segments.
    pub(super) async fn on(
        sessions: &Arc<Sessions>,
        place: &ClusterPlace,
        binding: &Binding,
        options: &Options,
        client: ClientOptions,
        seams: &Seams,
    ) -> Result<(Stores, Arc<LedgerSegments>)> {
        let ledgers = connection::ledger_options(options, binding.first_number())?;
        if !options.read_only {
            // Where only a node above is bound, it need not be there.
            manage::make(&sessions.zookeeper, &place.path).await?;
        }
        let zookeeper = sessions.of_bookkeeper(binding, options).await?;
        let client = connection::bookkeeper(&zookeeper, &binding.ledgers_path, client).await?;
        let metadata = metadata(&sessions.zookeeper, place, binding, options, seams);
        let pulse = Pulse::start(sessions.zookeeper.clone(), seams);
        let leases = {
            let pulse = pulse.clone();
            move || pulse.lease()
        };
        let segments =
            LedgerSegments::new(client.clone(), metadata.clone(), ledgers, leases, seams.tasks.clone());
        let segments = Arc::new(segments);
        let opening = Self { sessions: sessions.clone(), client, segments: segments.clone(), pulse };
        Ok((Stores { metadata, segments: segments.clone(), session: Arc::new(opening) }, segments))
    }
}

#[async_trait]
impl StoreSession for Opening {
    async fn close(&self) -> Result<()> {
        self.segments.close();
        self.pulse.close();
        self.client.close();
        self.sessions.close().await;
        Ok(())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.segments.close();
        self.client.close();
        // It asks on, and keeps the session, until it is told.
        self.pulse.close();
    }
}

/// The metadata of a namespace.
pub(super) fn metadata(
    zookeeper: &ZooKeeper,
    place: &ClusterPlace,
    binding: &Binding,
    options: &Options,
    seams: &Seams,
) -> Arc<dyn MetadataStore> {
    let metadata = ZooKeeperMetadata::new(zookeeper.clone(), &place.path, seams);
    match binding.federated {
        false => Arc::new(metadata),
        true => {
            let most = options.logs_per_subnamespace;
            Arc::new(Federated::new(metadata, zookeeper.clone(), &place.path, most, seams))
        }
    }
}
