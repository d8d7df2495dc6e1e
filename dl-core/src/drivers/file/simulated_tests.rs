//! The suites of both stores on a simulated machine, where the disk can be full and bytes can be damaged.

use std::path::PathBuf;
use std::sync::{Mutex, Weak};

use super::frame::FRAME_BYTES;
use super::layout::Layout;
use super::segment::FIRST_OFFSET;
use super::*;
use crate::error::ErrorKind;
use crate::testing::sim::{ProcessHandle, World};
use crate::testing::stores::source::{TestWriter, complete};
use crate::testing::stores::{Fixture, commit};
use crate::types::SegmentId;

async fn open_dir(path: &Path, seams: &Seams) -> Stores {
    let options = FileOptions {
        client_id: "suite".to_owned(),
        lock_wait: Duration::from_secs(10),
        journal_bytes: 2 << 20,
        large_flush_bytes: 6_000,
        unsafe_filesystem: true,
        create: true,
        read_only: false,
    };
    open(path, &options, seams).await.unwrap()
}

/// A byte within an entry in its segment's file.
fn place(seams: &Seams, path: &Path, entry: u64) -> u64 {
    let file = seams.files.open(path, crate::seams::OpenMode::Read).unwrap();
    let mut offset = FIRST_OFFSET;
    for _ in 0..entry {
        let mut length = [0; 4];
        assert_eq!(file.read_at(&mut length, offset + 4).unwrap(), 4);
        offset += FRAME_BYTES as u64 + u64::from(u32::from_le_bytes(length));
    }
    offset + FRAME_BYTES as u64 + 1
}

/// A directory on a simulated machine.
struct Simulated {
    world: World,
    processes: Mutex<Vec<(Weak<dyn StoreSession>, ProcessHandle)>>,
}

impl Simulated {
    fn new() -> Self {
        Self { world: World::new(1), processes: Mutex::default() }
    }

    fn path(&self) -> PathBuf {
        self.world.root().join("namespace")
    }
}

#[async_trait]
impl Fixture for Simulated {
    async fn open(&self) -> Stores {
        let (seams, process) = self.world.process();
        let stores = open_dir(&self.path(), &seams).await;
        self.processes.lock().unwrap().push((Arc::downgrade(&stores.session), process));
        stores
    }

    async fn kill(&self, stores: Stores) {
        let processes = self.processes.lock().unwrap();
        let session = Arc::as_ptr(&stores.session);
        let of = |(known, _): &&(Weak<dyn StoreSession>, _)| std::ptr::addr_eq(known.as_ptr(), session);
        processes.iter().find(of).unwrap().1.kill();
    }

    async fn fill(&self, full: bool) -> bool {
        self.world.limit_disk(full.then_some(0));
        true
    }

    async fn damage(&self, segment: SegmentId, entry: u64) -> bool {
        let path = Layout::new(self.path()).segment(segment);
        let offset = place(&self.world.process().0, &path, entry);
        assert!(self.world.damage(&path, offset, 1));
        true
    }
}

mod metadata_store {
    crate::metadata_suite!(tokio::test(start_paused = true), super::Simulated::new());
}

mod segment_store {
    crate::segment_suite!(tokio::test(start_paused = true), super::Simulated::new());
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_opens_again_and_frees_what_is_deleted() {
    let world = World::new(1);
    let path = world.root().join("namespace");
    let (seams, process) = world.process();
    let (first, second) = process
        .run(async {
            let stores = open_dir(&path, &seams).await;
            let first = TestWriter::start(&stores).await;
            first.append(0..300).await;
            complete(&stores, first.writer.close().await.unwrap()).await;
            let second = TestWriter::start(&stores).await;
            let sizes = world
                .files()
                .into_iter()
                .map(|file| seams.files.open(&file, crate::seams::OpenMode::Read).unwrap().size().unwrap());
            // Nearly: what is not a whole sector counts as one.
            world.limit_disk(Some(sizes.sum::<u64>() + 3_500));
            let mut count = 0;
            loop {
                second.put(vec![7; 60_000]);
                count += 1;
                if second.source.ended(count).await[count - 1].1 == Some(ErrorKind::StorageFull) {
                    return (first.id, second.id);
                }
            }
        })
        .await
        .unwrap();
    process.kill();

    let (seams, process) = world.process();
    process
        .run(async {
            let stores = open_dir(&path, &seams).await;
            let ops = stores.segments.delete(&[first]).await.unwrap();
            commit(&*stores.metadata, &ops).await;
            let closed = stores.segments.recover(second).await.unwrap();
            complete(&stores, closed).await;
        })
        .await
        .unwrap();
}
