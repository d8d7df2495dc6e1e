//! Opening a namespace directory: who is first, who comes later (rule F3).
//!
//! The first opener gets the namespace lock exclusively: nobody else is there, so nothing that the control file says
//! counts. It makes a new one, replays the journals, declares the words good, and only then shares the lock. Whoever
//! gets the shared lock and does not find that declaration, for this start of the kernel, lets go and starts over.
//!
//! What the directory is before anybody is let in is seen to in [`making`]; who only reads comes in by [`reading`].

mod making;
mod reading;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::control::Control;
use super::format_file::Format;
use super::io;
use super::journal::Journal;
use super::layout::Layout;
use super::metadata::{self, FileMetadata};
use super::replay::Replay;
use super::session::OwnSession;
use super::table::SegmentTable;
use crate::error::{Error, Result};
use crate::seams::{File, LockKind, OpenMode, Seams};
use crate::types::Durability;
use making::{create, lost_format, prepare};
use reading::open_reading;

/// How long to wait between two tries to get in.
const PAUSE: Duration = Duration::from_millis(5);

/// What the caller wants.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) client_id: String,
    pub(super) lock_wait: Duration,
    pub(super) unsafe_filesystem: bool,
    pub(super) create: bool,
    pub(super) read_only: bool,
}

/// A namespace directory that is open.
pub(super) struct Opened {
    pub(super) layout: Layout,
    pub(super) namespace: u64,
    pub(super) durability: Durability,
    pub(super) control: Arc<Control>,
    pub(super) metadata: Arc<FileMetadata>,
    pub(super) table: Arc<SegmentTable>,
    /// None for a handle that only reads.
    pub(super) session: Option<OwnSession>,
    /// Emptied journals, ready for use.
    pub(super) journals: Vec<Journal>,
    /// Held as long as the words are used; none if nobody else has the directory open and this handle only reads.
    pub(super) lock: Option<Arc<dyn File>>,
}

/// Opens a namespace directory; makes it if it does not exist and the caller wants that.
pub(super) async fn open(path: &Path, wanted: &Wanted, seams: &Seams) -> Result<Opened> {
    let (layout, durability) = {
        let (seams, path, wanted) = (seams.clone(), path.to_owned(), wanted.clone());
        let tasks = seams.tasks.clone();
        tasks.blocking(move || prepare(&seams, &path, &wanted)).await?
    };
    let mode = if wanted.read_only { OpenMode::Read } else { OpenMode::Create };
    let lock = seams
        .files
        .open(&layout.lock(), mode)
        .map_err(|error| io::failed(error, "opening the namespace lock", &layout.lock()))?;
    let mut waited = Duration::ZERO;
    loop {
        let (seams2, layout2, lock2, wanted2) = (seams.clone(), layout.clone(), lock.clone(), wanted.clone());
        let admitted =
            seams.tasks.blocking(move || admit(&seams2, layout2, lock2, &wanted2, durability)).await;
        if admitted.is_err() {
            // Not to stand in the way of the next.
            let _goes_with_the_file = lock.unlock();
        }
        if let Some(opened) = admitted? {
            return Ok(opened);
        }
        if waited >= wanted.lock_wait {
            return Err(Error::unavailable(format!(
                "another process has been opening the directory for {} ms; wait for it, or continue it if it is stopped",
                waited.as_millis()
            ))
            .with("file", layout.root().display()));
        }
        seams.clock.sleep(PAUSE).await;
        waited += PAUSE;
    }
}

/// Tries to get in; `None` to try again later.
fn admit(
    seams: &Seams,
    layout: Layout,
    lock: Arc<dyn File>,
    wanted: &Wanted,
    durability: Durability,
) -> Result<Option<Opened>> {
    let failed = |error| io::failed(error, "locking the namespace", &layout.lock());
    if wanted.read_only {
        return open_reading(seams, layout, lock, wanted, durability);
    }
    if lock.try_lock(LockKind::Exclusive).map_err(failed)? {
        return open_first(seams, layout, lock, wanted, durability);
    }
    if !lock.try_lock(LockKind::Shared).map_err(failed)? {
        return Ok(None);
    }
    let Some(control) = Control::open(seams, &layout, OpenMode::Write)? else {
        // The one who was first died before it was done: somebody has to be first again.
        lock.unlock().map_err(failed)?;
        return Ok(None);
    };
    open_later(seams, layout, lock, wanted, durability, Arc::new(control))
}

fn open_first(
    seams: &Seams,
    layout: Layout,
    lock: Arc<dyn File>,
    wanted: &Wanted,
    durability: Durability,
) -> Result<Option<Opened>> {
    let format = match Format::read(seams, &layout, false)? {
        Some(format) => format,
        None => create(seams, &layout)?,
    };
    // Whoever made the namespace may not have lived to see its names durable.
    let failed = |error| io::failed(error, "syncing the directory", layout.root());
    seams.files.sync_dir(layout.root()).map_err(failed)?;
    let namespace = format.namespace;
    let control = Arc::new(Control::create(seams, &layout)?);
    let session = OwnSession::begin(seams, &layout, &wanted.client_id)?;
    let metadata =
        FileMetadata::open_first(seams, &layout, namespace, control.clone(), session.id(), wanted.lock_wait)?;
    let table = Arc::new(SegmentTable::new(seams.files.clone(), layout.clone(), namespace, control.clone()));
    let replay = Replay { seams, layout: &layout, namespace, metadata: &metadata, table: &table };
    let Some(journals) = replay.first_open()? else {
        // Somebody who is on his way out, or who does not keep the rules: what he holds cannot be replayed.
        lock.unlock().map_err(|error| io::failed(error, "locking the namespace", &layout.lock()))?;
        return Ok(None);
    };
    control.set_ready(seams)?;
    let failed = |error| io::failed(error, "sharing the namespace lock", &layout.lock());
    if !lock.try_lock(LockKind::Shared).map_err(failed)? {
        return Err(Error::internal("an exclusive lock could not be turned into a shared one"));
    }
    Ok(Some(Opened {
        layout,
        namespace,
        durability,
        control,
        metadata,
        table,
        session: Some(session),
        journals,
        lock: Some(lock),
    }))
}

fn open_later(
    seams: &Seams,
    layout: Layout,
    lock: Arc<dyn File>,
    wanted: &Wanted,
    durability: Durability,
    control: Arc<Control>,
) -> Result<Option<Opened>> {
    let Some(format) = Format::read(seams, &layout, false)? else {
        return Err(lost_format(&layout));
    };
    let namespace = format.namespace;
    // Under the lock of the metadata, so that no old generation is removed while it is read.
    let appender = metadata::open_lock(seams, &layout)?;
    let failed = |error| io::failed(error, "locking the metadata", &layout.metadata());
    if !appender.try_lock(LockKind::Exclusive).map_err(failed)? {
        lock.unlock().map_err(failed)?;
        return Ok(None);
    }
    let session = OwnSession::begin(seams, &layout, &wanted.client_id)?;
    let metadata = FileMetadata::open_shared(
        seams,
        &layout,
        namespace,
        control.clone(),
        session.id(),
        wanted.lock_wait,
    )?;
    drop(appender);
    let table = Arc::new(SegmentTable::new(seams.files.clone(), layout.clone(), namespace, control.clone()));
    let replay = Replay { seams, layout: &layout, namespace, metadata: &metadata, table: &table };
    let journals = replay.adopt_dead()?;
    Ok(Some(Opened {
        layout,
        namespace,
        durability,
        control,
        metadata,
        table,
        session: Some(session),
        journals,
        lock: Some(lock),
    }))
}
