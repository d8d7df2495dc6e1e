//! What a directory is, without opening it.

use std::path::{Path, PathBuf};

use super::control::Control;
use super::format_file::Format;
use super::io;
use super::layout::{Layout, parse_hex};
use super::metadata::log::examine as metadata;
use super::session;
use crate::error::{Error, Result};
use crate::metadata::Tree;
use crate::seams::{OpenMode, Seams};
use crate::types::{NamespaceInfo, ProcessInfo};

/// Inspects a directory; answers also its metadata, if all of that can be read.
///
/// # Errors
/// `not-found` if there is no namespace; `corrupt` if its format file is damaged.
pub(crate) async fn inspect(path: &Path, seams: &Seams) -> Result<(NamespaceInfo, Option<Tree>)> {
    let (path, seams) = (path.to_owned(), seams.clone());
    let tasks = seams.tasks.clone();
    tasks.blocking(move || look(&seams, &path)).await
}

fn look(seams: &Seams, path: &Path) -> Result<(NamespaceInfo, Option<Tree>)> {
    let missing = || {
        Error::not_found("there is no dl namespace in the directory; check its name")
            .with("file", path.display())
    };
    let failed = |error| io::failed(error, "opening the namespace directory", path);
    if !seams.files.exists(path).map_err(failed)? {
        return Err(missing());
    }
    let layout = Layout::new(seams.files.canonical(path).map_err(failed)?);
    let (format, namespace) = Format::describe(seams, &layout)?.ok_or_else(missing)?;
    let mut info = NamespaceInfo { driver: "file", format: Some(format), ..NamespaceInfo::default() };
    (info.journals, info.journal_bytes) = sizes(seams, &layout.journals())?;
    (_, info.metadata_bytes) = sizes(seams, &layout.metadata())?;
    for folder in list(seams, &layout.segments())? {
        let (files, bytes) = sizes(seams, &folder)?;
        info.segments += files;
        info.segment_bytes += bytes;
    }
    info.processes = processes(seams, &layout)?;
    let tree = if format.known { tree(seams, &layout, namespace)? } else { None };
    Ok((info, tree))
}

fn tree(seams: &Seams, layout: &Layout, namespace: u64) -> Result<Option<Tree>> {
    let lock = layout.lock();
    let failed = |error| io::failed(error, "looking at the namespace lock", &lock);
    let in_use = match seams.files.open(&lock, OpenMode::Read) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        file => file.and_then(|file| file.locked_by_other()).map_err(failed)?,
    };
    let control = if in_use { Control::open(seams, layout, OpenMode::Read)? } else { None };
    let until = control.as_ref().map(Control::metadata_published);
    let looked = metadata::look(&seams.files, layout, namespace, until)?;
    Ok(looked.complete.then_some(looked.tree))
}

/// The number and the bytes of the files in a folder whose names are ours.
fn sizes(seams: &Seams, folder: &Path) -> Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for path in list(seams, folder)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if parse_hex(name.strip_suffix(".log").unwrap_or(name)).is_none() {
            continue;
        }
        // Removed meanwhile, if it cannot be opened.
        if let Ok(size) = seams.files.open(&path, OpenMode::Read).and_then(|file| file.size()) {
            files += 1;
            bytes += size;
        }
    }
    Ok((files, bytes))
}

fn list(seams: &Seams, folder: &Path) -> Result<Vec<PathBuf>> {
    match seams.files.list(folder) {
        Ok(names) => Ok(names.into_iter().map(|name| folder.join(name)).collect()),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(io::failed(error, "listing a folder", folder)),
    }
}

/// The processes with a session that lives.
fn processes(seams: &Seams, layout: &Layout) -> Result<Vec<ProcessInfo>> {
    let mut found = Vec::new();
    for path in list(seams, &layout.sessions())? {
        let Some(id) = path.file_name().and_then(|name| parse_hex(name.to_str()?)) else { continue };
        if !session::is_alive(&*seams.files, layout, id) {
            continue;
        }
        let mut text = vec![0; 1_024];
        let read = seams.files.open(&path, OpenMode::Read).and_then(|file| file.read_at(&mut text, 0));
        let Ok(read) = read else { continue };
        let text = String::from_utf8_lossy(&text[..read]).into_owned();
        let mut lines = text.lines();
        let process = lines.next().and_then(|line| line.split(' ').next()?.parse().ok());
        let Some(id) = process else { continue };
        found.push(ProcessInfo { id, client_id: lines.next().unwrap_or_default().to_owned() });
    }
    Ok(found)
}
