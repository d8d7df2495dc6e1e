//! Files with everything measured that the driver asks of the disk, and held until all are given up.
//!
//! Here, at the seam, nothing that is written or synced can be forgotten, and the path of an append needs no counters.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::holdings::Holdings;
use super::layout::Purpose;
use crate::seams::{Clock, File, FileSystem, Files, LockKind, OpenMode, Seams, Words};
use crate::telemetry::{Counter, DISK_SYNC_FAILED, DISK_SYNC_SLOW, Histogram, Telemetry};

/// The seams with their files measured, and what holds these.
pub(super) fn seams(
    seams: &Seams,
    telemetry: &Arc<Telemetry>,
    slow_sync: Duration,
) -> (Seams, Arc<Holdings>) {
    let meter = Meter { telemetry: telemetry.clone(), clock: seams.clock.clone(), slow_sync };
    let holdings = Arc::<Holdings>::default();
    let files =
        MeteredFiles { files: seams.files.clone(), meter: Arc::new(meter), holdings: holdings.clone() };
    (Seams { files: Arc::new(files), ..seams.clone() }, holdings)
}

struct Meter {
    telemetry: Arc<Telemetry>,
    clock: Arc<dyn Clock>,
    /// How long a sync may take without a word.
    slow_sync: Duration,
}

impl Meter {
    /// Syncs, and says so if that fails or takes long.
    fn sync(
        &self,
        path: &Path,
        times: Option<&Histogram>,
        sync: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let began = self.clock.monotonic();
        let synced = sync();
        let took = self.clock.monotonic().saturating_sub(began);
        if let Some(times) = times {
            times.record_time(took);
        }
        if let Err(error) = &synced {
            self.telemetry.metrics.sync_failures.add(1);
            self.telemetry.tell(DISK_SYNC_FAILED, "the system failed to sync", |event| {
                event.with("file", path.display()).with("error", error)
            });
        } else if took >= self.slow_sync {
            self.telemetry.tell(DISK_SYNC_SLOW, "a sync was slow", |event| {
                event.with("file", path.display()).with("ms", took.as_millis())
            });
        }
        synced
    }

    fn sync_times(&self, purpose: Purpose) -> Option<&Histogram> {
        let metrics = &self.telemetry.metrics;
        match purpose {
            Purpose::Journal => Some(&metrics.journal_sync),
            Purpose::Segment => Some(&metrics.segment_sync),
            Purpose::Metadata => Some(&metrics.metadata_sync),
            Purpose::Other => None,
        }
    }

    fn written(&self, purpose: Purpose) -> Option<&Counter> {
        let metrics = &self.telemetry.metrics;
        match purpose {
            Purpose::Journal => Some(&metrics.journal_bytes),
            Purpose::Segment => Some(&metrics.segment_bytes),
            Purpose::Metadata => Some(&metrics.metadata_bytes),
            Purpose::Other => None,
        }
    }
}

struct MeteredFiles {
    files: Arc<dyn Files>,
    meter: Arc<Meter>,
    holdings: Arc<Holdings>,
}

impl Files for MeteredFiles {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let file = self.files.open(path, mode)?;
        self.meter.telemetry.metrics.descriptors_open.add(1);
        let (path, purpose) = (path.to_owned(), Purpose::of(path));
        self.holdings.hold(Arc::new(MeteredFile { file, path, purpose, meter: self.meter.clone() }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.files.create_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.files.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.files.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.meter.telemetry.metrics.folder_syncs.add(1);
        self.meter.sync(path, None, || self.files.sync_dir(path))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.files.exists(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.files.canonical(path)
    }

    fn file_system(&self, path: &Path) -> io::Result<FileSystem> {
        self.files.file_system(path)
    }

    fn boot_id(&self) -> io::Result<String> {
        self.files.boot_id()
    }

    fn process(&self) -> io::Result<(u32, u64)> {
        self.files.process()
    }

    fn forks(&self) -> u64 {
        self.files.forks()
    }
}

struct MeteredFile {
    file: Arc<dyn File>,
    path: PathBuf,
    purpose: Purpose,
    meter: Arc<Meter>,
}

impl File for MeteredFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        if self.purpose == Purpose::Segment {
            self.meter.telemetry.metrics.segment_read_bytes.add(read as u64);
        }
        Ok(read)
    }

    fn write_at(&self, pieces: &[&[u8]], offset: u64) -> io::Result<()> {
        self.file.write_at(pieces, offset)?;
        if let Some(written) = self.meter.written(self.purpose) {
            written.add(pieces.iter().map(|piece| piece.len() as u64).sum());
        }
        Ok(())
    }

    fn reserve(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.file.reserve(offset, bytes)
    }

    fn start_writing(&self, offset: u64, bytes: u64) {
        self.file.start_writing(offset, bytes);
    }

    fn sync(&self) -> io::Result<()> {
        self.meter.sync(&self.path, self.meter.sync_times(self.purpose), || self.file.sync())
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.file.try_lock(kind)
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    fn locked_by_other(&self) -> io::Result<bool> {
        self.file.locked_by_other()
    }

    fn map(&self, offset: u64, words: usize) -> io::Result<Arc<dyn Words>> {
        self.file.map(offset, words)
    }
}

impl Drop for MeteredFile {
    fn drop(&mut self) {
        self.meter.telemetry.metrics.descriptors_open.subtract(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::seams::BoxFuture;
    use crate::telemetry::{Events, methods_of};

    /// A clock on which each look takes ten milliseconds.
    #[derive(Default)]
    struct Slow(AtomicU64);

    impl Clock for Slow {
        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.fetch_add(10, Ordering::Relaxed))
        }

        fn wall_ms(&self) -> i64 {
            0
        }

        fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
            unreachable!("nobody waits")
        }
    }

    #[tokio::test]
    async fn a_slow_sync_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let system = Seams::system().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = told.clone();
        let hook = move |event: &crate::Event| kept.lock().unwrap().push(event.to_string());
        let telemetry = Arc::new(Telemetry::new(Events::to(Arc::new(hook), &*system.tasks)));
        let slow = Seams { clock: Arc::new(Slow::default()), ..system };
        for (limit, before) in [(11, 0), (10, 1)] {
            let (seams, _) = seams(&slow, &telemetry, Duration::from_millis(limit));
            let file = seams.files.open(&directory.path().join("file"), OpenMode::Create).unwrap();
            file.sync().unwrap();
            telemetry.events.told().await;
            assert_eq!(told.lock().unwrap().len(), before);
        }
        let told = told.lock().unwrap();
        assert!(
            told[0].starts_with("warn disk.sync_slow: ") && told[0].ends_with("file, ms: 10]"),
            "{told:?}"
        );
    }

    /// Also those that have a default, which would be worse than what the files do.
    #[test]
    fn every_method_is_passed_on() {
        let (seam, here) = (include_str!("../../seams/files.rs"), include_str!("metered.rs"));
        for (of, by) in
            [("pub trait Files", "impl Files for Metered"), ("pub trait File:", "impl File for Metered")]
        {
            let methods = methods_of(seam, of);
            assert!(methods.len() > 8);
            assert_eq!(methods_of(here, by), methods);
        }
    }

    #[tokio::test]
    async fn files_are_counted_by_what_they_are_for() {
        let directory = tempfile::tempdir().unwrap();
        let telemetry = Arc::<Telemetry>::default();
        let (seams, _) = seams(&Seams::system().unwrap(), &telemetry, Duration::MAX);
        for folder in ["journals", "metadata", "segments", "segments/07"] {
            seams.files.create_dir(&directory.path().join(folder)).unwrap();
        }
        let metrics = &telemetry.metrics;
        let counters = [&metrics.journal_bytes, &metrics.metadata_bytes, &metrics.segment_bytes];
        for (name, counter) in ["journals/1", "metadata/1.log", "segments/07/1"].iter().zip(counters) {
            let file = seams.files.open(&directory.path().join(name), OpenMode::Create).unwrap();
            file.write_at(&[b"four", b"five5"], 0).unwrap();
            assert_eq!(counter.value(), 9, "{name}");
        }
        let file = seams.files.open(&directory.path().join("format"), OpenMode::Create).unwrap();
        file.write_at(&[b"other"], 0).unwrap();
        assert!(counters.iter().all(|counter| counter.value() == 9));
    }
}
