//! Which names of segment files are on disk.
//!
//! A name is durable once its folder was synced after it was made. One sync serves all the names that a folder got before
//! it: a journal that is emptied may hold entries of thousands of segments, in a few hundred folders.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::seams::Files;

/// The folders of segments, and how many names of each are made and on disk.
#[derive(Default)]
pub(super) struct Names(Mutex<BTreeMap<PathBuf, Folder>>);

#[derive(Default)]
struct Folder {
    made: u64,
    synced: u64,
}

impl Names {
    /// Counts a name that was made in a folder, or may have been; answers its number there.
    pub(super) fn made(&self, folder: &Path) -> u64 {
        let mut folders = self.folders();
        let folder = folders.entry(folder.to_owned()).or_default();
        folder.made += 1;
        folder.made
    }

    /// Makes a name durable, with those made before it and the name of the folder itself in `parent`.
    pub(super) fn sync(
        &self,
        files: &dyn Files,
        folder: &Path,
        parent: &Path,
        number: u64,
    ) -> io::Result<()> {
        let made = match self.folders().get(folder) {
            Some(known) if known.synced >= number => return Ok(()),
            known => known.map_or(0, |known| known.made),
        };
        files.sync_dir(folder)?;
        files.sync_dir(parent)?;
        if let Some(known) = self.folders().get_mut(folder) {
            known.synced = known.synced.max(made);
        }
        Ok(())
    }

    fn folders(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Folder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sim::{Fault, Op, World};

    #[tokio::test(start_paused = true)]
    async fn one_sync_of_a_folder_serves_all_names_made_before_it() {
        let world = World::new(1);
        let (seams, _process) = world.process();
        let (folder, parent) = (world.root().join("segments/00"), world.root().join("segments"));
        seams.files.create_dir(&parent).unwrap();
        seams.files.create_dir(&folder).unwrap();
        let names = Names::default();
        let syncs = || world.story().iter().filter(|line| line.contains(" SyncDir ")).count();
        let sync = |number| names.sync(&*seams.files, &folder, &parent, number);
        let numbers = [(); 3].map(|()| names.made(&folder));

        world.fail(Fault::new(Op::SyncDir, libc::EIO));
        assert!(sync(numbers[0]).is_err());
        let before = syncs();
        sync(numbers[0]).unwrap();
        assert_eq!(syncs(), before + 2, "one that failed does not count: the folder and its own name");
        sync(numbers[2]).unwrap();
        assert_eq!(syncs(), before + 2);
        let late = names.made(&folder);
        sync(late).unwrap();
        assert_eq!(syncs(), before + 4);
        sync(u64::MAX).unwrap();
        assert_eq!(syncs(), before + 6, "a name that was not counted");
    }
}
