//! Opening a directory without writing anything: beside others as they go on, or alone, with what is durable and no more.

use std::sync::Arc;

use super::making::no_namespace;
use super::{Opened, Wanted};
use crate::drivers::file::control::Control;
use crate::drivers::file::format_file::Format;
use crate::drivers::file::io;
use crate::drivers::file::journal::Journal;
use crate::drivers::file::layout::{Layout, parse_hex};
use crate::drivers::file::metadata::FileMetadata;
use crate::drivers::file::table::SegmentTable;
use crate::error::{Error, Result};
use crate::seams::{File, LockKind, OpenMode, Seams};
use crate::types::Durability;

/// Tries to get in; `None` to try again later.
pub(super) fn open_reading(
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
