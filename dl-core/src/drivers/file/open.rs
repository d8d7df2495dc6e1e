//! Opening a namespace directory: who is first, who comes later (rule F3).
//!
//! The first opener gets the namespace lock exclusively: nobody else is there, so nothing that the control file says
//! counts. It makes a new one, replays the journals, declares the words good, and only then shares the lock. Whoever
//! gets the shared lock and does not find that declaration, for this start of the kernel, lets go and starts over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::control::Control;
use super::format_file::Format;
use super::io;
use super::journal::Journal;
use super::layout::{Layout, parse_hex};
use super::metadata::{self, FileMetadata};
use super::replay::Replay;
use super::session::OwnSession;
use super::table::SegmentTable;
use crate::error::{Error, Result};
use crate::seams::{File, FileSystem, LockKind, OpenMode, Seams};
use crate::types::Durability;

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

/// Looks at the directory and makes what is missing of it.
fn prepare(seams: &Seams, path: &Path, wanted: &Wanted) -> Result<(Layout, Durability)> {
    let failed = |error| io::failed(error, "opening the namespace directory", path);
    let exists = seams.files.exists(path).map_err(failed)?;
    if !exists {
        if wanted.read_only || !wanted.create {
            return Err(Error::not_found(
                "the directory does not exist; check its name, or open it with create_namespace=true to make it",
            )
            .with("file", path.display()));
        }
        if let Some(parent) = path.parent().filter(|parent| seams.files.exists(parent).unwrap_or(false)) {
            // Before anything is made there.
            durability(seams, parent, wanted)?;
        }
        seams.files.create_dir(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::not_found("the parent of the directory does not exist; create it first")
                    .with("file", path.display())
                    .caused_by(error)
            }
            _ => failed(error),
        })?;
    }
    let root = seams.files.canonical(path).map_err(failed)?;
    let durability = durability(seams, &root, wanted)?;
    let layout = Layout::new(root);
    if wanted.read_only {
        return match Format::read(seams, &layout, true)? {
            Some(_) => Ok((layout, durability)),
            None => Err(no_namespace(&layout)),
        };
    }
    if Format::read(seams, &layout, false)?.is_none() {
        if !wanted.create {
            return Err(no_namespace(&layout));
        }
        if let Err(refused) = refuse_strangers(seams, &layout) {
            // Another process may have begun meanwhile; then the one who gets the lock looks again.
            if !is_begun(seams, &layout)? {
                return Err(refused);
            }
        }
    }
    for folder in layout.folders() {
        seams.files.create_dir(&folder).map_err(|error| io::failed(error, "making a folder", &folder))?;
    }
    Ok((layout, durability))
}

fn no_namespace(layout: &Layout) -> Error {
    Error::not_found(
        "there is no dl namespace in the directory; check its name, or open it with create_namespace=true to make one",
    )
    .with("file", layout.root().display())
}

/// A directory without a format file stays as it is, unless it is empty or holds what [`create`] leaves when it is cut
/// short: metadata counts for nothing only as long as the unfinished format file is beside it.
fn refuse_strangers(seams: &Seams, layout: &Layout) -> Result<()> {
    let list = |folder: &Path| {
        seams.files.list(folder).map_err(|error| io::failed(error, "listing the directory", folder))
    };
    let names = list(layout.root())?;
    let unfinished = Format::unfinished(layout);
    let begun = names.iter().any(|name| layout.root().join(name) == unfinished);
    for name in names.iter().filter(|name| *name != "lost+found") {
        let path = layout.root().join(name);
        let harmless = if layout.folders().contains(&path) {
            path == layout.metadata() && begun || list(&path)?.is_empty()
        } else {
            path == unfinished || path == layout.lock() && is_empty_file(seams, &path)?
        };
        if !harmless {
            return Err(match seams.files.list(&layout.metadata()) {
                Ok(logs) if logs.iter().any(|log| log.ends_with(".log")) => lost_format(layout),
                _ => stranger(layout, name),
            });
        }
    }
    Ok(())
}

fn stranger(layout: &Layout, name: &str) -> Error {
    Error::invalid_argument(format!(
        "the directory is not a dl namespace and holds other things ({name}); name an empty or a new directory"
    ))
    .with("file", layout.root().display())
}

/// Whether somebody makes a namespace here, or has made one. The unfinished file is looked for first, since it becomes
/// the other.
fn is_begun(seams: &Seams, layout: &Layout) -> Result<bool> {
    let exists = |path: &Path| {
        seams.files.exists(path).map_err(|error| io::failed(error, "looking for the format file", path))
    };
    Ok(exists(&Format::unfinished(layout))? || exists(&layout.format())?)
}

fn is_empty_file(seams: &Seams, path: &Path) -> Result<bool> {
    let size = seams.files.open(path, OpenMode::Read).and_then(|file| file.size());
    size.map(|bytes| bytes == 0).map_err(|error| io::failed(error, "looking at a file", path))
}

/// What an acknowledgement is worth on this file system (rule F16).
fn durability(seams: &Seams, root: &Path, wanted: &Wanted) -> Result<Durability> {
    let kind = seams
        .files
        .file_system(root)
        .map_err(|error| io::failed(error, "looking at the file system", root))?;
    match kind {
        FileSystem::Disk => Ok(Durability::PowerLoss),
        FileSystem::Memory => Ok(Durability::Memory),
        FileSystem::Other(_) if wanted.unsafe_filesystem => Ok(Durability::PowerLoss),
        FileSystem::Other(name) => Err(Error::unsupported(format!(
            "the file system is {name}, on which locks and shared memory may not hold; use ext4, xfs, btrfs, zfs or f2fs, \
             or open with unsafe_filesystem=true at your own risk"
        ))
        .with("file", root.display())),
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

/// Makes a new namespace. An unfinished format file comes first, durably, and says that the rest may be thrown away;
/// it becomes the format file last.
fn create(seams: &Seams, layout: &Layout) -> Result<Format> {
    refuse_strangers(seams, layout)?;
    if let Some(parent) = layout.root().parent() {
        match seams.files.sync_dir(parent) {
            // Who may not even look at it did not make the directory: it was there.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            result => result.map_err(|error| io::failed(error, "syncing a folder", parent))?,
        }
    }
    let format = Format { namespace: seams.random.next_u64() };
    format.begin(seams, layout)?;
    metadata::create(seams, layout, format.namespace)?;
    let failed = |error| io::failed(error, "syncing the directory", layout.root());
    seams.files.sync_dir(layout.root()).map_err(failed)?;
    format.finish(seams, layout)?;
    Ok(format)
}

fn lost_format(layout: &Layout) -> Error {
    Error::corrupt("the directory has lost its format file; restore it from a backup")
        .with("file", layout.format().display())
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

/// For reading only: beside others as they go on, or alone, with what is durable and no more.
fn open_reading(
    seams: &Seams,
    layout: Layout,
    lock: Arc<dyn File>,
    wanted: &Wanted,
    durability: Durability,
) -> Result<Option<Opened>> {
    let failed = |error| io::failed(error, "locking the namespace", &layout.lock());
    if !lock.try_lock(LockKind::Shared).map_err(failed)? {
        return Ok(None);
    }
    let Some(format) = Format::read(seams, &layout, true)? else {
        return Err(no_namespace(&layout));
    };
    let namespace = format.namespace;
    let shared = if lock.locked_by_other().map_err(failed)? {
        Control::open(seams, &layout, OpenMode::Read)?
    } else {
        None
    };
    let alone = shared.is_none();
    if alone {
        refuse_unfinished(seams, &layout, namespace)?;
    }
    let control = Arc::new(shared.unwrap_or_else(|| Control::detached(&layout)));
    let until = if alone { u64::MAX } else { control.metadata_published() };
    let metadata =
        FileMetadata::open_reading(seams, &layout, namespace, control.clone(), until, wanted.lock_wait)?;
    let table = Arc::new(SegmentTable::new(seams.files.clone(), layout.clone(), namespace, control.clone()));
    // Held alone, the lock would keep everybody out who wants to write.
    let lock = if alone { None } else { Some(lock) };
    Ok(Some(Opened {
        layout,
        namespace,
        durability,
        control,
        metadata,
        table,
        session: None,
        journals: Vec::new(),
        lock,
    }))
}

/// Journals that hold entries have to be replayed, which writes.
fn refuse_unfinished(seams: &Seams, layout: &Layout, namespace: u64) -> Result<()> {
    let folder = layout.journals();
    let names =
        seams.files.list(&folder).map_err(|error| io::failed(error, "listing the journals", &folder))?;
    for id in names.iter().filter_map(|name| parse_hex(name)) {
        if Journal::holds_entries(&*seams.files, &layout.journal(id), namespace, id)? {
            return Err(Error::unavailable(
                "the directory was not closed in order and its journals have to be replayed; open it once for writing",
            )
            .with("file", layout.root().display()));
        }
    }
    Ok(())
}
