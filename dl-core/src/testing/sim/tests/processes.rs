//! Tests of processes: what they share, and how they end.

use tokio::sync::{mpsc, oneshot};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_killed_process_leaves_the_page_cache_and_the_words_but_not_its_locks() {
    let world = World::new(1);
    let ((first, victim), (second, _process)) = (world.process(), world.process());
    let path = world.root().join("a");
    let (mine, theirs) = (create(&first.files, &path), create(&second.files, &path));
    mine.write_at(&[&[7; 8192]], 0).unwrap();
    let words = (mine.map(4096, 2).unwrap(), theirs.map(4096, 2).unwrap());
    words.0.words()[1].store(5, Ordering::Release);
    assert!(mine.try_lock(LockKind::Exclusive).unwrap());
    assert!(!theirs.try_lock(LockKind::Shared).unwrap());

    victim.kill();
    assert!(theirs.try_lock(LockKind::Exclusive).unwrap());
    assert_eq!(theirs.size().unwrap(), 8192);
    assert_eq!(words.1.words()[1].load(Ordering::Acquire), 5);

    words.0.words()[1].store(6, Ordering::Release);
    words.0.wake(1);
    assert_eq!(words.1.words()[1].load(Ordering::Acquire), 5, "nothing a dead process does has an effect");
    assert!(mine.size().is_err() && mine.unlock().is_err());
    assert!(first.files.open(&path, OpenMode::Read).is_err());
    drop(mine);
    assert!(!theirs.locked_by_other().unwrap());
}

#[tokio::test(start_paused = true)]
async fn words_are_the_page_cache() {
    let world = World::new(1);
    let (seams, _process) = world.process();
    let path = world.root().join("a");
    let file = create(&seams.files, &path);
    file.write_at(&[&[0; 4096]], 0).unwrap();
    let words = file.map(0, 4).unwrap();
    words.words()[2].store(0x0102_0304, Ordering::Release);
    assert_eq!(content(&seams.files, &path).unwrap()[16..24], 0x0102_0304_u64.to_ne_bytes());
    file.write_at(&[&9_u64.to_ne_bytes()], 16).unwrap();
    assert_eq!(words.words()[2].load(Ordering::Acquire), 9);
    file.sync().unwrap();
    seams.files.sync_dir(&world.root()).unwrap();
    world.power_loss();
    let (seams, _process) = world.process();
    assert_eq!(content(&seams.files, &path).unwrap()[16..24], 9_u64.to_ne_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_wake_reaches_who_waits_in_another_process() {
    let world = World::new(1);
    let ((first, _one), (second, _two)) = (world.process(), world.process());
    let path = world.root().join("a");
    let file = create(&first.files, &path);
    file.write_at(&[&[0; 4096]], 0).unwrap();
    let words = file.map(0, 1).unwrap();
    let (woken, wait) = oneshot::channel();
    let theirs = create(&second.files, &path).map(0, 1).unwrap();
    second
        .tasks
        .spawn_thread(
            "waiter",
            Box::pin(async move {
                while theirs.words()[0].load(Ordering::Acquire) == 0 {
                    theirs.wait(0, 0).await;
                }
                woken.send(()).unwrap();
            }),
        )
        .unwrap();
    first.clock.sleep(Duration::from_millis(2500)).await;
    words.words()[0].store(1, Ordering::Release);
    words.wake(0);
    let begin = first.clock.monotonic();
    wait.await.unwrap();
    assert_eq!(first.clock.monotonic(), begin, "woken, not timed out");
}

/// Spawns a task that counts the times it is told to go on, and holds a value that tells when it is dropped.
fn counter(seams: &Seams) -> (mpsc::UnboundedSender<()>, Arc<AtomicU64>) {
    let (go, mut come) = mpsc::unbounded_channel();
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    seams.tasks.spawn(Box::pin(async move {
        while come.recv().await.is_some() {
            counted.fetch_add(1, Ordering::AcqRel);
        }
    }));
    (go, count)
}

#[tokio::test(start_paused = true)]
async fn a_frozen_process_does_nothing_until_thawed() {
    let world = World::new(1);
    let (seams, process) = world.process();
    let (go, count) = counter(&seams);
    let file = create(&seams.files, &world.root().join("a"));
    assert!(file.try_lock(LockKind::Exclusive).unwrap());
    go.send(()).unwrap();
    seams.clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(count.load(Ordering::Acquire), 1);

    process.freeze();
    go.send(()).unwrap();
    let running = process.clone();
    let clock = Arc::clone(&seams.clock);
    let inside = tokio::join!(
        biased;
        running.run(async { clock.monotonic() }),
        async {
            seams.clock.sleep(Duration::from_secs(100)).await;
            assert_eq!(count.load(Ordering::Acquire), 1);
            let (other, _process) = world.process();
            assert!(create(&other.files, &world.root().join("a")).locked_by_other().unwrap());
            process.thaw();
        }
    )
    .0;
    assert!(inside.unwrap() >= Duration::from_secs(100));
    seams.clock.sleep(Duration::from_millis(1)).await;
    assert_eq!(count.load(Ordering::Acquire), 2);
}

#[tokio::test(start_paused = true)]
async fn killing_drops_tasks_at_once_and_ends_what_runs_inside() {
    let world = World::new(1);
    let (seams, process) = world.process();
    let (go, count) = counter(&seams);
    let inside = tokio::join!(
        biased;
        process.run(std::future::pending::<()>()),
        async {
            process.kill();
            assert!(go.send(()).is_err(), "its task is gone");
        }
    )
    .0;
    assert_eq!(inside, Err(Killed));
    assert_eq!(process.run(async {}).await, Err(Killed));
    let (_go, unborn) = counter(&seams);
    assert_eq!(Arc::strong_count(&unborn), 1, "a dead process starts nothing");
    assert_eq!(count.load(Ordering::Acquire), 0);
    assert!(seams.tasks.blocking(|| true).await, "who asks all the same is not left waiting");
}

#[tokio::test(start_paused = true)]
async fn a_process_dies_at_its_boundary_and_the_others_live() {
    let mut seen = BTreeSet::new();
    for seed in 0..50 {
        let world = World::new(seed);
        let ((first, victim), (second, survivor)) = (world.process(), world.process());
        let path = world.root().join("a");
        let file = create(&first.files, &path);
        world.kill_at(world.boundaries());
        let (go, _count) = counter(&first);
        let result = victim
            .run(async {
                let _error = file.write_at(&[b"ab"], 0);
                assert!(!go.is_closed(), "other tasks are dropped later, not within the call");
            })
            .await;
        assert_eq!((result, survivor.is_alive(), world.is_on()), (Err(Killed), true, true));
        go.closed().await;
        seen.insert(content(&second.files, &path).unwrap());
    }
    assert_eq!(seen, [&b""[..], b"a", b"ab"].map(<[u8]>::to_vec).into());
}

#[tokio::test(start_paused = true)]
async fn something_else_can_happen_just_before_or_after_a_boundary() {
    let world = World::new(1);
    let ((first, _one), (second, _two)) = (world.process(), world.process());
    let path = world.root().join("a");
    let file = create(&first.files, &path);
    let theirs = create(&second.files, &path);
    world.before(world.boundaries() + 1, move || theirs.write_at(&[b"theirs"], 1).unwrap());
    file.write_at(&[b"mine"], 0).unwrap();
    file.write_at(&[b"M"], 0).unwrap();
    assert_eq!(content(&first.files, &path).unwrap(), b"Mtheirs");

    let theirs = create(&second.files, &path);
    world.after(world.boundaries(), move || theirs.write_at(&[b"T"], 0).unwrap());
    file.write_at(&[b"m"], 0).unwrap();
    assert_eq!(content(&first.files, &path).unwrap(), b"Ttheirs");
    assert!(world.story().last().unwrap().contains("Write /sim/a"), "{:?}", world.story());
}

#[tokio::test(start_paused = true)]
async fn boots_and_processes_have_identities() {
    let world = World::new(1);
    let ((first, _one), (second, _two)) = (world.process(), world.process());
    let boot = first.files.boot_id().unwrap();
    assert_eq!((boot.len(), &boot), (36, &second.files.boot_id().unwrap()));
    assert_ne!(first.files.process().unwrap(), second.files.process().unwrap());
    assert_ne!(first.random.next_u64(), second.random.next_u64());
    world.power_loss();
    assert_ne!(world.process().0.files.boot_id().unwrap(), boot);
}
