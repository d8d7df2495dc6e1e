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
#[cfg(test)]
mod fault_tests;
mod format_file;
mod frame;
mod holdings;
mod index;
mod inspect;
mod io;
mod journal;
mod layout;
mod metadata;
mod metered;
mod names;
mod open;
mod pool;
mod presence;
mod reader;
mod replay;
mod segment;
mod segments;
mod session;
#[cfg(test)]
mod simulated_tests;
mod slots;
mod started;
mod table;
#[cfg(test)]
mod tests;
mod verify;
mod word;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Result;
use crate::seams::Seams;
use crate::store::{StoreSession, Stores};
use crate::telemetry::{RECOVERY_JOURNALS, Telemetry};
use bells::DataBell;
use committer::Committer;
use holdings::Holdings;
pub(crate) use inspect::inspect;
use open::{Opened, Wanted};
use pool::JournalPool;
use presence::Presence;
use segments::{FileSegments, Parts};
pub(crate) use verify::verify;

/// How long to wait for who should have heard a bell before it rings again.
const RING_AGAIN: Duration = Duration::from_millis(2);

/// How to open a directory.
#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    /// What this process calls itself as the owner of a log.
    pub(crate) client_id: String,
    /// How long to wait for another process that opens the directory or changes its metadata.
    pub(crate) lock_wait: Duration,
    /// The size of each journal of this process.
    pub(crate) journal_bytes: u64,
    /// What is at least this large goes around the journal.
    pub(crate) large_flush_bytes: u64,
    /// Accept a file system that is not known to keep the promises.
    pub(crate) unsafe_filesystem: bool,
    /// Make the directory if it does not exist.
    pub(crate) create: bool,
    /// Write nothing.
    pub(crate) read_only: bool,
}

/// Opens the namespace in a directory, with nobody to tell of it.
#[cfg(test)]
pub(crate) async fn open(path: &Path, options: &FileOptions, seams: &Seams) -> Result<Stores> {
    open_watched(path, options, seams, &Arc::default(), Duration::MAX).await
}

/// Opens the namespace in a directory. A sync that takes longer than `slow_sync` is told to the log hook.
pub(crate) async fn open_watched(
    path: &Path,
    options: &FileOptions,
    seams: &Seams,
    telemetry: &Arc<Telemetry>,
    slow_sync: Duration,
) -> Result<Stores> {
    let (seams, holdings) = &metered::seams(seams, telemetry, slow_sync);
    let wanted = Wanted {
        client_id: options.client_id.clone(),
        lock_wait: options.lock_wait,
        unsafe_filesystem: options.unsafe_filesystem,
        create: options.create,
        read_only: options.read_only,
    };
    let Opened { layout, namespace, durability, control, metadata, table, session, journals, lock } =
        open::open(path, &wanted, seams).await?;
    let presence = Presence::new(session, lock);
    metadata.stay_with(presence.clone());
    let pool = Arc::new(JournalPool::new(
        seams.clone(),
        layout,
        namespace,
        options.journal_bytes,
        metadata.clone(),
        presence.clone(),
        telemetry.clone(),
    ));
    if !journals.is_empty() {
        telemetry.metrics.journals_replayed.add(journals.len() as u64);
        telemetry.tell(RECOVERY_JOURNALS, "replayed journals that processes had left behind", |event| {
            event.with("file", path.display()).with("journals", journals.len())
        });
    }
    for journal in journals {
        pool.add_spare(journal)?;
    }
    let committer = Arc::new(Committer::new(
        control.clone(),
        metadata.clone(),
        pool.clone(),
        presence.clone(),
        seams.tasks.clone(),
        options.large_flush_bytes,
        telemetry.clone(),
    ));
    let writers = Arc::downgrade(&committer);
    metadata.on_change(move || {
        if let Some(committer) = writers.upgrade() {
            committer.look();
        }
    });
    let bell = DataBell::new(control.clone(), table.clone(), telemetry.clone());
    let parts = Parts {
        seams: seams.clone(),
        durability,
        control,
        metadata: metadata.clone(),
        table,
        pool,
        committer,
        bell,
        presence,
    };
    let parts = Arc::new(parts);
    let session = Arc::new(FileSession { parts: parts.clone(), holdings: holdings.clone() });
    Ok(Stores { metadata, segments: Arc::new(FileSegments::new(parts)), session })
}

/// One opening of a directory.
struct FileSession {
    parts: Arc<Parts>,
    holdings: Arc<Holdings>,
}

impl FileSession {
    /// What can be done without waiting: every call ends, and nothing new begins.
    fn stop(&self) {
        if self.is_forked() {
            return;
        }
        self.parts.committer.stop();
        self.parts.pool.stop();
        self.parts.metadata.close();
        self.parts.bell.stop();
        self.parts.table.in_use().iter().for_each(|segment| segment.notify());
        self.parts.control.ring_all();
    }

    /// Waits for the end of the threads that wait for a bell. One that had not begun to wait may miss a ring, if this handle
    /// cannot change the bell.
    async fn listeners_ended(&self) {
        let ended = async { tokio::join!(self.parts.bell.ended(), self.parts.metadata.ended()) };
        let mut ended = std::pin::pin!(ended);
        loop {
            tokio::select! {
                biased;
                _both = &mut ended => return,
                () = self.parts.seams.clock.sleep(RING_AGAIN) => self.parts.control.ring_all(),
            }
        }
    }

    /// In a forked child there are no threads to stop, and the words are its parent's.
    fn is_forked(&self) -> bool {
        self.parts.seams.files.forks() != 0
    }
}

#[async_trait]
impl StoreSession for FileSession {
    async fn close(&self) -> Result<()> {
        if self.is_forked() {
            return Ok(());
        }
        self.stop();
        self.parts.committer.ended().await;
        let pool = self.parts.pool.clone();
        pool.empty_all().await;
        self.listeners_ended().await;
        self.parts.presence.leave().await;
        self.holdings.give_up();
        Ok(())
    }
}

impl Drop for FileSession {
    fn drop(&mut self) {
        self.stop();
        // Journals that are not emptied are emptied by the next opener.
        self.parts.pool.let_go();
        // The last one who is at work leaves.
        drop(self.parts.presence.leave());
    }
}
