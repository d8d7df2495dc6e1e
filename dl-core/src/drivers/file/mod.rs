//! A namespace in a directory: several processes share it, and it survives power loss.
//!
//! An append goes: bytes into the segment file (page cache), then the journal, one sync of the journal, a
//! compare-and-swap of the segment's commit word, the acknowledgement, and a wake-up for readers. Read on in that
//! order: [`segments`] hands out writers and readers, [`committer`] is the path of an append, [`journal`] and
//! [`segment`] are its files, [`word`] and [`control`] the memory that processes share, [`pool`] gives journals back
//! once their entries are safe, [`reader`] reads. [`open`], [`replay`] and [`table`] are what happens after a crash.
//! [`metadata`] holds everything else. The rules F1-F16 that the comments name stand in
//! `docs/decisions/0002-embedded-driver.md`.

mod bells;
mod catalog;
mod committer;
mod control;
#[cfg(test)]
mod crash_tests;
mod format_file;
mod frame;
mod index;
mod io;
mod journal;
mod layout;
mod metadata;
mod open;
mod pool;
mod reader;
mod replay;
mod segment;
mod segments;
mod session;
#[cfg(test)]
mod simulated_tests;
mod slots;
mod table;
#[cfg(test)]
mod tests;
mod word;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::seams::{File, Seams};
use crate::store::{StoreSession, Stores};
use bells::DataBell;
use committer::Committer;
use open::{Opened, Wanted};
use pool::JournalPool;
use segments::{FileSegments, Parts};
use session::OwnSession;

/// How to open a directory.
#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    /// What this process calls itself as the owner of a log.
    pub(crate) client_id: String,
    /// How long to wait for another process that opens the directory or changes its metadata.
    pub(crate) lock_wait: Duration,
    /// The size of each journal of this process.
    pub(crate) journal_bytes: u64,
    /// Accept a file system that is not known to keep the promises.
    pub(crate) unsafe_filesystem: bool,
    /// Make the directory if it does not exist.
    pub(crate) create: bool,
    /// Write nothing.
    pub(crate) read_only: bool,
}

/// Opens the namespace in a directory.
pub(crate) async fn open(path: &Path, options: &FileOptions, seams: &Seams) -> Result<Stores> {
    let wanted = Wanted {
        client_id: options.client_id.clone(),
        lock_wait: options.lock_wait,
        unsafe_filesystem: options.unsafe_filesystem,
        create: options.create,
        read_only: options.read_only,
    };
    let Opened { layout, namespace, durability, control, metadata, table, session, journals, lock } =
        open::open(path, &wanted, seams).await?;
    let pool = JournalPool::new(seams.clone(), layout, namespace, options.journal_bytes, metadata.clone());
    let pool = Arc::new(pool);
    for journal in journals {
        pool.add_spare(journal)?;
    }
    let committer = Arc::new(Committer::new(control.clone(), metadata.clone(), pool.clone()));
    let writers = Arc::downgrade(&committer);
    metadata.on_change(move || {
        if let Some(committer) = writers.upgrade() {
            committer.look();
        }
    });
    let bell = DataBell::new(control.clone(), table.clone());
    let parts = Parts {
        seams: seams.clone(),
        durability,
        control,
        metadata: metadata.clone(),
        table,
        pool,
        committer,
        bell,
    };
    let parts = Arc::new(parts);
    let held = Mutex::new(Some(Held { _session: session, _lock: lock }));
    let session = Arc::new(FileSession { parts: parts.clone(), held });
    Ok(Stores { metadata, segments: Arc::new(FileSegments::new(parts)), session })
}

/// One opening of a directory.
struct FileSession {
    parts: Arc<Parts>,
    held: Mutex<Option<Held>>,
}

/// What tells others that this process has the directory open.
struct Held {
    _session: Option<OwnSession>,
    _lock: Option<Arc<dyn File>>,
}

impl FileSession {
    /// What can be done without waiting.
    fn stop(&self) {
        self.parts.committer.stop();
        self.parts.metadata.close();
        self.parts.table.in_use().iter().for_each(|segment| segment.notify());
        self.parts.control.ring_all();
    }
}

#[async_trait]
impl StoreSession for FileSession {
    async fn close(&self) -> Result<()> {
        let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        self.parts.committer.stop();
        let pool = self.parts.pool.clone();
        self.parts.seams.tasks.blocking(move || pool.close()).await;
        self.stop();
        drop(held);
        Ok(())
    }
}

impl Drop for FileSession {
    fn drop(&mut self) {
        // Journals that are not emptied are emptied by the next opener.
        self.stop();
    }
}
