//! What a directory is before anybody is let in: a namespace, one that is being made, empty, or somebody else's. Here it
//! is made, too, so that whoever is cut short leaves nothing that the next one would take for either.

use std::path::Path;

use super::Wanted;
use crate::drivers::file::format_file::Format;
use crate::drivers::file::io;
use crate::drivers::file::layout::Layout;
use crate::drivers::file::metadata;
use crate::error::{Error, Result};
use crate::seams::{FileSystem, OpenMode, Seams};
use crate::types::Durability;

/// Looks at the directory and makes what is missing of it.
pub(super) fn prepare(seams: &Seams, path: &Path, wanted: &Wanted) -> Result<(Layout, Durability)> {
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

pub(super) fn no_namespace(layout: &Layout) -> Error {
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

/// Makes a new namespace. An unfinished format file comes first, durably, and says that the rest may be thrown away;
/// it becomes the format file last.
pub(super) fn create(seams: &Seams, layout: &Layout) -> Result<Format> {
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

pub(super) fn lost_format(layout: &Layout) -> Error {
    Error::corrupt("the directory has lost its format file; restore it from a backup")
        .with("file", layout.format().display())
}
