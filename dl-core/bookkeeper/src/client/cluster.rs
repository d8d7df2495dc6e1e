//! What the handles of one client share.

use std::sync::Arc;
use std::time::Duration;

use super::options::{ClientOptions, CreateOptions};
use super::post::Transport;
use crate::cluster::{BookieRegistry, LedgerStore, Versioned, Written};
use crate::connection::Bookies;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{MetadataAnswer, MetadataCall};
use crate::metadata::LedgerMetadata;
use crate::placement::{Placement, RackAware};
use crate::seams::Seams;
use crate::types::LedgerId;

/// How long to wait before a registry that failed is asked again.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Cluster {
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) registry: Arc<dyn BookieRegistry>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) placement: Arc<RackAware>,
    pub(super) options: ClientOptions,
    pub(super) seams: Seams,
}

impl Cluster {
    pub(super) async fn connect(
        store: Arc<dyn LedgerStore>,
        registry: Arc<dyn BookieRegistry>,
        options: ClientOptions,
        seams: Seams,
    ) -> Result<Arc<Self>> {
        let bookies = Bookies::new(registry.clone(), options.connection.clone(), seams.clone());
        Self::over(store, registry, Arc::new(bookies), options, seams).await
    }

    /// A client whose requests go through `transport`.
    pub(super) async fn over(
        store: Arc<dyn LedgerStore>,
        registry: Arc<dyn BookieRegistry>,
        transport: Arc<dyn Transport>,
        options: ClientOptions,
        seams: Seams,
    ) -> Result<Arc<Self>> {
        let seed = random(&seams)?;
        let placement = RackAware::new(options.topology.clone(), options.quarantine, seed.unsigned_abs());
        let placement = Arc::new(placement);
        let watch = registry.watch()?;
        placement.set_bookies(&registry.bookies().await?);
        let following = follow(Arc::downgrade(&placement), registry.clone(), watch, seams.clone());
        let cluster = Arc::new(Self { store, registry, transport, placement, options, seams });
        cluster.seams.tasks.spawn(Box::pin(following));
        Ok(cluster)
    }

    /// Milliseconds on the clock that all machines of this client go by.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.seams.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// Completes at this time, or never.
    pub(super) async fn until(&self, at_ms: Option<u64>) {
        until(&self.seams, at_ms).await;
    }

    pub(super) async fn create(&self, options: &CreateOptions) -> Result<(LedgerId, Versioned)> {
        let bookies = self.placement.ensemble(options.quorum, self.now_ms())?;
        let mut metadata =
            LedgerMetadata::new(options.quorum, options.digest, options.password.clone(), bookies)?;
        metadata.custom.clone_from(&options.custom);
        // Zero is what a changed ledger has.
        metadata.creation_token = random(&self.seams)?.max(1);
        loop {
            let id = match options.id {
                Some(id) => id,
                None => self.store.new_id().await?,
            };
            match self.store.create(id, &metadata).await {
                Ok(version) => return Ok((id, Versioned { metadata: Arc::new(metadata), version })),
                // Another client chose this id by itself.
                Err(error) if error.kind() == ErrorKind::LedgerExists && options.id.is_none() => {}
                Err(error) => return Err(error.of_ledger(id)),
            }
        }
    }

    pub(super) async fn read(&self, id: LedgerId) -> Result<Versioned> {
        let found = self.store.read(id).await?;
        found.ok_or_else(|| Error::new(ErrorKind::NoSuchLedger, "there is no such ledger").of_ledger(id))
    }

    /// Does what a state machine asks of the metadata store.
    pub(super) async fn ask_store(&self, id: LedgerId, call: MetadataCall) -> MetadataAnswer {
        match call {
            MetadataCall::Read => match self.store.read(id).await {
                Ok(Some(found)) => MetadataAnswer::Found(found),
                Ok(None) => MetadataAnswer::Gone,
                Err(error) => MetadataAnswer::Failed(error),
            },
            MetadataCall::Write { metadata, expected } => {
                match self.store.write(id, &metadata, expected).await {
                    Ok(Written::Done(version)) => MetadataAnswer::Written(version),
                    Ok(Written::Conflict) => MetadataAnswer::Conflict,
                    Ok(Written::Gone) => MetadataAnswer::Gone,
                    Err(error) => MetadataAnswer::Failed(error),
                }
            }
        }
    }
}

/// Tells the placement of the bookies that come and go, for as long as there is one.
async fn follow(
    placement: std::sync::Weak<RackAware>,
    registry: Arc<dyn BookieRegistry>,
    mut watch: crate::cluster::Watch,
    seams: Seams,
) {
    loop {
        let gone = watch.changed().await.is_err();
        let Some(placement) = placement.upgrade() else {
            return;
        };
        match registry.bookies().await {
            Ok(bookies) => placement.set_bookies(&bookies),
            Err(_) => {
                drop(placement);
                seams.clock.sleep(RETRY).await;
                watch.mark_changed();
            }
        }
        if gone {
            return;
        }
    }
}

/// Completes at this time on the clock, or never.
pub(super) async fn until(seams: &Seams, at_ms: Option<u64>) {
    let Some(at_ms) = at_ms else {
        return std::future::pending().await;
    };
    let left = Duration::from_millis(at_ms).saturating_sub(seams.clock.monotonic());
    if !left.is_zero() {
        seams.clock.sleep(left).await;
    }
}

/// A random number that is not negative.
fn random(seams: &Seams) -> Result<i64> {
    let mut bytes = [0; 8];
    seams.random.fill(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Internal, "the system has no randomness to give").caused_by(error)
    })?;
    Ok(i64::from_be_bytes(bytes) & i64::MAX)
}
