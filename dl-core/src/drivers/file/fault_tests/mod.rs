//! Each failure that the rules F1-F16 prevent, by name: every test sets up the one scenario and fails without its rule.

mod aside;
mod callers;
mod closing;
mod fencing;
mod forks;
mod full;
mod journals;
mod large;
mod making;
mod metadata;
mod opening;
mod syncs;
mod threads;
mod words;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::seams::{File, OpenMode};
use crate::testing::sim::{self, Fault, Keep, ProcessHandle, World};
use crate::testing::stores::source::{TestWriter, complete, entry};
use crate::types::SegmentId;

/// Small, so that journals fill up and are emptied soon.
const JOURNAL_BYTES: u64 = 160 << 10;

/// All goes through the journal.
pub(super) async fn open_sim(world: &World, seams: &Seams) -> Result<Stores> {
    open_with(world, seams, u64::MAX).await
}

/// What is at least this large goes around the journal.
pub(super) async fn open_with(world: &World, seams: &Seams, large_flush_bytes: u64) -> Result<Stores> {
    let options = FileOptions {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(10),
        journal_bytes: JOURNAL_BYTES,
        large_flush_bytes,
        unsafe_filesystem: false,
        create: true,
        read_only: false,
    };
    open(&directory(world), &options, seams).await
}

pub(super) async fn read_all(stores: &Stores, id: SegmentId) -> Result<Vec<Bytes>> {
    let reader = stores.segments.open(id).await?;
    let mut entries = Vec::new();
    loop {
        let more = reader.read(entries.len() as u64, 4_000).await?;
        if more.is_empty() {
            return Ok(entries);
        }
        entries.extend(more);
    }
}

fn directory(world: &World) -> std::path::PathBuf {
    world.root().join("ns")
}

/// A simulated machine whose disk keeps only what was made durable.
fn machine() -> World {
    let world = World::new(1);
    world.keep(Keep::Nothing);
    world
}

/// A process that has the directory open.
struct Opener {
    seams: Seams,
    process: ProcessHandle,
    stores: Stores,
}

impl Opener {
    async fn new(world: &World) -> Self {
        Self::try_new(world).await.unwrap()
    }

    async fn try_new(world: &World) -> Result<Self> {
        let (seams, process) = world.process();
        let stores = open_sim(world, &seams).await?;
        Ok(Self { seams, process, stores })
    }

    /// One for which [`large`] entries are large flushes, and [`entry`] is not.
    async fn with_large_flushes(world: &World) -> Self {
        let (seams, process) = world.process();
        let stores = open_with(world, &seams, 10_000).await.unwrap();
        Self { seams, process, stores }
    }

    /// A file of the directory, as this process sees it.
    fn file(&self, world: &World, name: &str) -> Arc<dyn File> {
        self.seams.files.open(&directory(world).join(name), OpenMode::Write).unwrap()
    }

    /// Waits until this many entries of a writer ended; false if the process did before.
    async fn ended(&self, writer: &TestWriter, count: usize) -> bool {
        self.process.run(writer.source.ended(count)).await.is_ok()
    }
}

/// How many entries of a writer were acknowledged.
fn acked(writer: &TestWriter) -> u64 {
    writer.source.so_far().iter().filter(|(_, error)| error.is_none()).count() as u64
}

/// Entries so large that a few fill a journal.
fn large(id: SegmentId, number: u64) -> Bytes {
    format!("{id}/{number};").bytes().cycle().take(20_000).collect::<Vec<u8>>().into()
}

/// Recovers and completes a segment, which must hold what was written, up to at least so many entries; answers how
/// many there are.
async fn recovered(
    stores: &Stores,
    id: SegmentId,
    least: u64,
    entry: impl Fn(SegmentId, u64) -> Bytes,
) -> u64 {
    let closed = stores.segments.recover(id).await.unwrap();
    let entries = complete(stores, closed).await.map_or(0, |last| last + 1);
    assert!(entries >= least, "{entries} entries of {least} acknowledged");
    let written: Vec<_> = (0..entries).map(|number| entry(id, number)).collect();
    assert!(read_all(stores, id).await.unwrap() == written, "what is read is not what was written");
    entries
}

/// A directory whose journals hold entries of two segments, and nobody who has it open.
async fn left_behind(world: &World) -> (SegmentId, SegmentId) {
    let owner = Opener::new(world).await;
    let (one, two) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    for number in 0..7 {
        one.put(large(one.id, number));
        assert!(owner.ended(&one, number as usize + 1).await);
    }
    two.append(0..5).await;
    owner.process.kill();
    (one.id, two.id)
}

/// Loses power, opens the directory again and recovers a segment; answers the process and the number of entries.
async fn after_power_loss(world: &World, id: SegmentId, least: u64) -> (Opener, u64) {
    world.power_loss();
    let next = Opener::new(world).await;
    let entries = recovered(&next.stores, id, least, entry).await;
    (next, entries)
}

/// How many bytes were written to journals, apart from making them.
fn journaled(world: &World) -> usize {
    let story = world.story();
    let batches = story.iter().filter(|line| line.contains(" Write ") && line.contains("/journals/"));
    batches.filter(|line| line.contains(" bytes") && !line.ends_with(", 20 bytes")).count()
}

/// How often journals were emptied. A journal's generation is written once when it is made, and each time it is
/// emptied.
fn recycled(world: &World) -> usize {
    let story = world.story();
    let written = story.iter().filter(|line| line.contains("/journals/") && line.ends_with(", 20 bytes"));
    let mut generations = BTreeMap::<_, usize>::new();
    for line in written {
        let path = line.split([' ', ',']).find(|word| word.contains("/journals/"));
        *generations.entry(path).or_insert(0) += 1;
    }
    generations.values().map(|written| written - 1).sum()
}

/// Lets simulated time pass until this is so.
async fn until(clock: &Arc<dyn crate::seams::Clock>, so: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if so() {
            return;
        }
        clock.sleep(Duration::from_millis(1)).await;
    }
    panic!("it does not come to that");
}
