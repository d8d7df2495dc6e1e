//! The client: ledgers over real bookies and a real metadata store.
//!
//! Everything that decides lives in the state machines of `ledger`. Here they are given what they ask for: `post` sends
//! requests and gathers the answers, `cluster` is what the handles of one client share.

mod cluster;
mod examine;
mod greeting;
mod options;
mod patience;
mod post;
mod reader;
mod recovery;
#[cfg(test)]
mod tests;
mod ticket;
mod watching;
mod writer;

use std::sync::Arc;

use crate::cluster::{BookieRegistry, LedgerStore, RegisteredBookie, Versioned};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::Access;
use crate::metadata::LedgerMetadata;
use crate::seams::Seams;
use crate::types::LedgerId;
use cluster::Cluster;

pub use examine::{Copies, CopyFault, CopyProblem, EntryRun, EntryState, Fragment, Obstacle, Outlook};
pub use options::{ClientOptions, CreateOptions};
pub use reader::{Confirmed, LedgerReader};
pub use ticket::Ticket;
pub use writer::{LedgerWriter, WriterEvents};

/// A client of a BookKeeper cluster. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct BookKeeper(Arc<Cluster>);

impl BookKeeper {
    /// A client of the cluster whose metadata is in `store` and whose bookies are in `registry`.
    ///
    /// # Errors
    /// As those of the registry.
    pub async fn connect(
        store: Arc<dyn LedgerStore>,
        registry: Arc<dyn BookieRegistry>,
        options: ClientOptions,
        seams: Seams,
    ) -> Result<Self> {
        Ok(Self(Cluster::connect(store, registry, options, seams).await?))
    }

    /// Makes a ledger and opens it for writing.
    ///
    /// # Errors
    /// `not-enough-bookies`, `ledger-exists` if the caller chose an id that is taken, and those of the metadata store.
    pub async fn create(&self, options: CreateOptions) -> Result<LedgerWriter> {
        self.create_with(options, None).await
    }

    /// [`create`](Self::create), and `events` hears how the entries end.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn create_with(
        &self,
        options: CreateOptions,
        events: Option<Arc<dyn WriterEvents>>,
    ) -> Result<LedgerWriter> {
        let (id, known) = self.0.create(&options).await?;
        let access = Access::new(id, options.digest, &options.password);
        LedgerWriter::start(self.0.clone(), Arc::new(access), known, events)
    }

    /// Recovers a ledger if it is not closed, so that its writer is cut off for good, and opens it for reading.
    ///
    /// # Errors
    /// As [`recover`](Self::recover).
    pub async fn open(&self, id: LedgerId, password: &[u8]) -> Result<LedgerReader> {
        let known = self.recover(id, password).await?;
        self.reader(id, known)
    }

    /// Opens a ledger for reading while others may write it.
    ///
    /// # Errors
    /// `no-such-ledger`, `unauthorized` if the password is another, and those of the metadata store.
    pub async fn open_without_recovery(&self, id: LedgerId, password: &[u8]) -> Result<LedgerReader> {
        let known = self.known(id, password).await?;
        self.reader(id, known)
    }

    /// Closes a ledger at its end if it is not closed, and cuts its writer off for good. Answers its metadata.
    ///
    /// # Errors
    /// `recovery-failed` names the bookies that are missing: the ledger stays as it is, to be recovered later.
    /// `no-such-ledger`, `unauthorized` if the password is another, and those of the metadata store.
    pub async fn recover(&self, id: LedgerId, password: &[u8]) -> Result<Versioned> {
        let known = self.known(id, password).await?;
        if known.metadata.is_closed() {
            return Ok(known);
        }
        recovery::run(&self.0, access(id, &known.metadata), known).await
    }

    /// The metadata of a ledger.
    ///
    /// # Errors
    /// `no-such-ledger`, and those of the metadata store.
    pub async fn metadata(&self, id: LedgerId) -> Result<Versioned> {
        self.0.read(id).await
    }

    /// Deletes a ledger. One that is gone already is no error. Bookies free the room later, and readers that have it open
    /// may go on until then.
    ///
    /// # Errors
    /// Those of the metadata store.
    pub async fn delete(&self, id: LedgerId) -> Result<()> {
        self.0.store.delete(id).await
    }

    /// The ledgers with ids behind `after`, ascending, about `limit` of them; none at the end.
    ///
    /// # Errors
    /// Those of the metadata store.
    pub async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>> {
        self.0.store.list(after, limit).await
    }

    /// Where the metadata of the ledgers is.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn LedgerStore> {
        &self.0.store
    }

    /// The bookies that are registered now, those that take no new entries too.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn bookies(&self) -> Result<Vec<RegisteredBookie>> {
        self.0.registry.bookies().await
    }

    /// Closes every connection: what its handles ask of bookies ends with `closed`, now and from here on. What the metadata
    /// store holds is for whoever made that. The tasks of its seams are at [rest](crate::Tasks::rest) then.
    pub fn close(&self) {
        self.0.transport.close();
        self.0.seams.tasks.rest();
    }

    fn reader(&self, id: LedgerId, known: Versioned) -> Result<LedgerReader> {
        let access = access(id, &known.metadata);
        LedgerReader::new(self.0.clone(), access, known)
    }

    async fn known(&self, id: LedgerId, password: &[u8]) -> Result<Versioned> {
        let known = self.0.read(id).await?;
        // The oldest format keeps no password.
        if known.metadata.password != password && known.metadata.format != crate::MetadataFormat::Lines {
            let message = "the ledger has another password; open it with the one it was made with";
            return Err(Error::new(ErrorKind::Unauthorized, message).of_ledger(id));
        }
        Ok(known)
    }
}

fn access(id: LedgerId, metadata: &LedgerMetadata) -> Arc<Access> {
    Arc::new(Access::new(id, metadata.digest, &metadata.password))
}
