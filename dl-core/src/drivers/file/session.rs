//! Sessions: one file per open namespace handle, locked while its process lives, which tells others whether it does.
//!
//! The file holds the process id, its start time and the boot id, so that a second copy of this library in one
//! process is noticed, and a person can see who has the directory open.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::io;
use super::layout::{Layout, parse_hex};
use crate::error::{Error, Result};
use crate::seams::{File, Files, LockKind, OpenMode, PerProcess, Seams};

/// The sessions that this copy of the library opened, to tell them from those of another copy in the same process.
static OURS: PerProcess<Mutex<BTreeSet<u64>>> = PerProcess::new(Mutex::default);

/// A session of this process. Ends when dropped, or when the process dies.
pub(super) struct OwnSession {
    id: u64,
    layout: Layout,
    files: Arc<dyn Files>,
    _locked: Arc<dyn File>,
}

impl OwnSession {
    /// Begins a session.
    ///
    /// # Errors
    /// `unsupported` if another copy of this library in this process has the directory open (rule F15).
    pub(super) fn begin(seams: &Seams, layout: &Layout, client_id: &str) -> Result<Self> {
        let files = seams.files.clone();
        let (process, started) =
            files.process().map_err(|error| io::unanswered(error, "asking for the name of this process"))?;
        let boot =
            files.boot_id().map_err(|error| io::unanswered(error, "asking for the kernel's boot id"))?;
        let process = format!("{process} {started} {boot}");
        clean_up(&*files, layout, &process)?;
        // 0 stands for no session.
        let id = seams.random.next_u64().max(1);
        let path = layout.session(id);
        let failed = |error| io::failed(error, "beginning a session", &path);
        let file = files.open(&path, OpenMode::CreateNew).map_err(failed)?;
        if !file.try_lock(LockKind::Exclusive).map_err(failed)? {
            return Err(Error::internal("a session file that was just made is locked by another"));
        }
        file.write_at(&[process.as_bytes(), b"\n", client_id.as_bytes(), b"\n"], 0).map_err(failed)?;
        ours().insert(id);
        Ok(Self { id, layout: layout.clone(), files, _locked: file })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        if self.files.forks() != 0 {
            // In a forked child: the session is its parent's.
            return;
        }
        ours().remove(&self.id);
        // A file that stays is not locked any more, and so stands for nobody.
        let _stays = self.files.remove(&self.layout.session(self.id));
    }
}

/// Whether the process of a session lives.
pub(super) fn is_alive(files: &dyn Files, layout: &Layout, id: u64) -> bool {
    let path = layout.session(id);
    match files.open(&path, OpenMode::Read) {
        Ok(file) => file.locked_by_other().unwrap_or(true),
        // Without the means to look, a session counts as alive: that is the safe answer.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Removes the files of dead sessions, and refuses to go on if another copy of this library is in this process.
fn clean_up(files: &dyn Files, layout: &Layout, process: &str) -> Result<()> {
    let folder = layout.sessions();
    let names = files.list(&folder).map_err(|error| io::failed(error, "listing the sessions", &folder))?;
    for id in names.iter().filter_map(|name| parse_hex(name)) {
        if ours().contains(&id) {
            continue;
        }
        let path = layout.session(id);
        if !is_alive(files, layout, id) {
            let _removed_by_another = files.remove(&path);
            continue;
        }
        let Ok(file) = files.open(&path, OpenMode::Read) else { continue };
        let mut text = vec![0; process.len()];
        let read =
            file.read_at(&mut text, 0).map_err(|error| io::failed(error, "reading a session", &path))?;
        if text[..read] == *process.as_bytes() {
            return Err(Error::unsupported(
                "another copy of this library in this process has the directory open; use one copy for both",
            )
            .with("file", layout.root().display()));
        }
    }
    Ok(())
}

fn ours() -> std::sync::MutexGuard<'static, BTreeSet<u64>> {
    OURS.get().lock().unwrap_or_else(PoisonError::into_inner)
}
