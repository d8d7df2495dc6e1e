//! The metadata log: commits cut by power losses, compaction, processes that read on late; and whose locks are whose.

use super::*;
use crate::error::ErrorKind;
use crate::metadata::{Expect, Op, Takeover};

/// So many commits of this size make the log continue in a new file.
const COMMITS: usize = 68;
const COMMIT_BYTES: usize = 64 << 10;

/// Sets `/x` to a number, with much else, so that the log grows.
async fn set(stores: &Stores, number: usize) -> bool {
    let mut data = format!("{number} ").into_bytes();
    data.resize(COMMIT_BYTES, b'.');
    stores
        .metadata
        .commit(&[Op::Set { path: "/x".to_owned(), data: data.into(), expect: Expect::Any }])
        .await
        .is_ok()
}

async fn value(stores: &Stores) -> usize {
    let node = stores.metadata.get("/x").await.unwrap().unwrap();
    std::str::from_utf8(&node.data).unwrap().split(' ').next().unwrap().parse().unwrap()
}

async fn create(stores: &Stores) {
    stores.metadata.commit(&[Op::create("/x", "0 ")]).await.unwrap();
}

fn generations(world: &World) -> usize {
    let logs = world.files();
    logs.iter().filter(|path| path.extension().is_some_and(|extension| extension == "log")).count()
}

/// At each boundary around a compaction power fails or the process is killed. Nothing acknowledged is lost, also when
/// power fails again after others went on from what was left.
async fn a_compaction_cut_off(plan: impl Fn(&World, u64)) {
    for boundary in 0.. {
        let world = machine();
        let owner = Opener::new(&world).await;
        create(&owner.stores).await;
        let mut last = 0;
        let compacted = |world: &World| {
            world.story().iter().any(|line| line.contains("Create") && line.contains("2.log"))
        };
        // Up to the commit that leads to the compaction.
        while last < COMMITS - 6 {
            last += 1;
            assert!(set(&owner.stores, last).await);
        }
        plan(&world, world.boundaries() + boundary);
        for number in last + 1..=COMMITS {
            if !owner.process.run(set(&owner.stores, number)).await.unwrap_or(false) {
                break;
            }
            last = number;
        }
        let struck = last < COMMITS || !world.is_on();
        assert!(struck || compacted(&world), "the log was compacted");
        world.clear_plans();
        if world.is_on() {
            owner.process.kill();
        } else {
            world.restart();
        }
        let next = Opener::new(&world).await;
        assert!((last..=last + 1).contains(&value(&next.stores).await), "boundary {boundary}");
        assert!(set(&next.stores, 1_000).await);
        world.power_loss();
        let again = Opener::new(&world).await;
        assert_eq!(value(&again.stores).await, 1_000, "boundary {boundary}");
        assert_eq!(generations(&world), 1, "boundary {boundary}");
        if !struck {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_during_a_compaction() {
    a_compaction_cut_off(World::crash_at).await;
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_during_a_compaction() {
    a_compaction_cut_off(World::kill_at).await;
}

#[tokio::test(start_paused = true)]
async fn a_compaction_whose_syncs_fail_is_none() {
    for failing in 0..6 {
        let world = machine();
        let owner = Opener::new(&world).await;
        let other = Opener::new(&world).await;
        create(&owner.stores).await;
        let mut last = 0;
        while last < COMMITS - 6 {
            last += 1;
            assert!(set(&owner.stores, last).await);
        }
        world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("metadata").after(failing));
        for number in last + 1..=COMMITS {
            // One commit may fail, and then did not happen as far as anybody can see.
            if set(&owner.stores, number).await {
                last = number;
            }
            assert_eq!(value(&other.stores).await, last, "failing {failing}");
        }
        assert!(set(&other.stores, 1_000).await || set(&other.stores, 1_000).await);
        world.power_loss();
        let next = Opener::new(&world).await;
        assert_eq!(value(&next.stores).await, 1_000, "failing {failing}");
    }
}

/// A commit that was durable and not yet published when its process was killed is overwritten by the next one, which may be
/// shorter. What the file says of how far it is durable must not speak of the longer one.
#[tokio::test(start_paused = true)]
async fn a_shorter_commit_in_the_place_of_one_that_was_not_published() {
    let mut cut_off = 0;
    for boundary in 0..12 {
        let world = machine();
        let (owner, other) = (Opener::new(&world).await, Opener::new(&world).await);
        create(&owner.stores).await;
        for number in 1..=4 {
            assert!(set(&owner.stores, number).await);
        }
        let process = owner.process.clone();
        world.after(world.boundaries() + boundary, move || process.kill());
        let done = owner.process.run(set(&owner.stores, 5)).await.unwrap_or(false);
        cut_off += usize::from(!done);
        world.clear_plans();
        let short = Op::Set { path: "/x".to_owned(), data: Bytes::from_static(b"6 "), expect: Expect::Any };
        other.stores.metadata.commit(&[short]).await.unwrap();
        world.power_loss();
        let next = Opener::new(&world).await;
        assert_eq!(value(&next.stores).await, 6, "killed at boundary {boundary}");
    }
    assert!(cut_off > 2, "the process was killed within its commit {cut_off} times");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_slept_through_two_compactions_reads_on() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let idle = Opener::new(&world).await;
    create(&owner.stores).await;
    owner.stores.metadata.commit(&[Op::create("/gone", "")]).await.unwrap();
    let mut watch = idle.stores.metadata.watch("/gone").unwrap();
    assert_eq!(value(&idle.stores).await, 0);
    idle.process.freeze();
    owner
        .stores
        .metadata
        .commit(&[Op::Delete { path: "/gone".to_owned(), expect: Expect::Any }])
        .await
        .unwrap();
    for number in 1..=2 * COMMITS {
        assert!(set(&owner.stores, number).await);
    }
    idle.process.thaw();
    watch.changed().await;
    assert_eq!(value(&idle.stores).await, 2 * COMMITS);
    assert!(idle.stores.metadata.get("/gone").await.unwrap().is_none());
    assert!(set(&idle.stores, 1_000).await);
    assert_eq!(value(&owner.stores).await, 1_000);
}

#[tokio::test(start_paused = true)]
async fn metadata_older_than_a_journal_is_corrupt() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let log = directory(&world).join("metadata/0000000000000001.log");
    let mut before = vec![0; 1 << 20];
    let bytes = owner.seams.files.open(&log, OpenMode::Read).unwrap().read_at(&mut before, 0).unwrap();
    create(&owner.stores).await;
    writer.append(0..3).await;
    let (seams, process) = world.process();
    owner.process.kill();
    // Somebody restores one file of the directory, and not the others.
    seams.files.remove(&log).unwrap();
    seams.files.open(&log, OpenMode::CreateNew).unwrap().write_at(&[&before[..bytes]], 0).unwrap();
    process.kill();
    let error = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.message().contains("metadata"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_as_long_as_its_process() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    owner.stores.metadata.commit(&[Op::create("/a", ""), Op::create("/a/lock", "")]).await.unwrap();
    let take = |opener: &Opener, name: &str| {
        let (metadata, name) = (opener.stores.metadata.clone(), name.to_owned());
        async move { metadata.lock("/a/lock", &name, Takeover::Never, crate::testing::stores::staying()).await }
    };
    take(&owner, "one").await.unwrap();
    // Frozen is not dead; and who opens later does not clear away what is there.
    owner.process.freeze();
    let late = Opener::new(&world).await;
    assert_eq!(take(&late, "late").await.unwrap_err().kind(), ErrorKind::Locked);
    assert_eq!(other.stores.metadata.lock_owner("/a/lock").await.unwrap().as_deref(), Some("one"));
    // Out of descriptors nobody can be seen to be dead, and so is not.
    world.fail(Fault::new(sim::Op::Open, libc::EMFILE).by(other.process.id()).always());
    assert_eq!(take(&other, "two").await.unwrap_err().kind(), ErrorKind::Locked);
    world.clear_faults();
    owner.process.kill();
    take(&other, "two").await.unwrap();
}
