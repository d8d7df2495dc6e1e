//! Everything that one opening of a directory holds of the system: whoever closes it gives all of that up at once,
//! also what handles that are still about would keep.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use crate::seams::{File, LockKind, Words};

/// The files and maps of one opening of a directory.
#[derive(Default)]
pub(super) struct Holdings(Mutex<Held>);

#[derive(Default)]
struct Held {
    files: Vec<Weak<Holding>>,
    maps: Vec<Weak<dyn Words>>,
    given_up: bool,
}

/// A file until it is given up; from then on each call on it is an error.
struct Holding {
    file: RwLock<Option<Arc<dyn File>>>,
    holdings: Arc<Holdings>,
}

impl Holdings {
    /// Takes in a file.
    ///
    /// # Errors
    /// If everything was given up already.
    pub(super) fn hold(self: &Arc<Self>, file: Arc<dyn File>) -> io::Result<Arc<dyn File>> {
        let holding = Arc::new(Holding { file: RwLock::new(Some(file)), holdings: self.clone() });
        add(&mut self.held()?.files, Arc::downgrade(&holding));
        Ok(holding)
    }

    /// Closes all files and undoes all maps. Waits for the calls that are under way.
    pub(super) fn give_up(&self) {
        let (files, maps) = {
            let mut held = self.lock();
            held.given_up = true;
            (std::mem::take(&mut held.files), std::mem::take(&mut held.maps))
        };
        for file in files.iter().filter_map(Weak::upgrade) {
            file.file.write().unwrap_or_else(PoisonError::into_inner).take();
        }
        maps.iter().filter_map(Weak::upgrade).for_each(|words| words.let_go());
    }

    fn held(&self) -> io::Result<MutexGuard<'_, Held>> {
        let held = self.lock();
        if held.given_up { Err(given_up()) } else { Ok(held) }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds one, and now and then forgets those that are gone.
fn add<T: ?Sized>(held: &mut Vec<Weak<T>>, one: Weak<T>) {
    if held.len().is_power_of_two() {
        held.retain(|other| other.strong_count() > 0);
    }
    held.push(one);
}

/// What calls on files that were given up fail with.
#[derive(Debug)]
struct GivenUp;

impl std::fmt::Display for GivenUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the namespace was closed")
    }
}

impl std::error::Error for GivenUp {}

fn given_up() -> io::Error {
    io::Error::other(GivenUp)
}

/// Whether a call failed only because its file was given up.
pub(super) fn is_given_up(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<GivenUp>())
}

impl Holding {
    fn call<T>(&self, call: impl FnOnce(&dyn File) -> io::Result<T>) -> io::Result<T> {
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        call(&**file.as_ref().ok_or_else(given_up)?)
    }
}

impl File for Holding {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.call(|file| file.read_at(buffer, offset))
    }

    fn write_at(&self, pieces: &[&[u8]], offset: u64) -> io::Result<()> {
        self.call(|file| file.write_at(pieces, offset))
    }

    fn reserve(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.call(|file| file.reserve(offset, bytes))
    }

    fn start_writing(&self, offset: u64, bytes: u64) {
        let begin = |file: &dyn File| {
            file.start_writing(offset, bytes);
            Ok(())
        };
        let _only_a_hint = self.call(begin);
    }

    fn sync(&self) -> io::Result<()> {
        self.call(|file| file.sync())
    }

    fn size(&self) -> io::Result<u64> {
        self.call(|file| file.size())
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.call(|file| file.try_lock(kind))
    }

    fn unlock(&self) -> io::Result<()> {
        self.call(|file| file.unlock())
    }

    fn locked_by_other(&self) -> io::Result<bool> {
        self.call(|file| file.locked_by_other())
    }

    fn map(&self, offset: u64, words: usize) -> io::Result<Arc<dyn Words>> {
        let words = self.call(|file| file.map(offset, words))?;
        add(&mut self.holdings.held()?.maps, Arc::downgrade(&words));
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seams::{OpenMode, Seams};
    use crate::telemetry::methods_of;

    #[test]
    fn every_method_is_passed_on() {
        let (seam, here) = (include_str!("../../seams/files.rs"), include_str!("holdings.rs"));
        assert_eq!(methods_of(here, "impl File for Holding"), methods_of(seam, "pub trait File:"));
    }

    #[tokio::test]
    async fn what_was_given_up_is_of_no_use_and_harms_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let seams = Seams::system().unwrap();
        let holdings = Arc::<Holdings>::default();
        let open = |name: &str| seams.files.open(&directory.path().join(name), OpenMode::Create).unwrap();
        let file = holdings.hold(open("words")).unwrap();
        file.write_at(&[&[1; 4_096]], 0).unwrap();
        let words = file.map(0, 512).unwrap();
        assert!(file.try_lock(LockKind::Exclusive).unwrap());
        holdings.give_up();

        assert!(is_given_up(&file.size().unwrap_err()) && holdings.hold(open("late")).is_err());
        assert!(open("words").try_lock(LockKind::Exclusive).unwrap(), "its lock went with it");
        words.words()[0].store(2, std::sync::atomic::Ordering::Release);
        words.wake(0);
        let mut there = [0; 4_096];
        open("words").read_at(&mut there, 0).unwrap();
        assert_eq!(there, [1; 4_096]);
    }
}
