//! Tests of the simulator: it must be able to do all that it claims, or tests on it prove nothing.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;
use crate::seams::{File, Files, LockKind, OpenMode};

mod power;
mod processes;

const SECTOR: usize = 512;

fn create(files: &Arc<dyn Files>, path: &Path) -> Arc<dyn File> {
    files.open(path, OpenMode::Create).unwrap()
}

fn content(files: &Arc<dyn Files>, path: &Path) -> Option<Vec<u8>> {
    let file = files.open(path, OpenMode::Read).ok()?;
    let mut bytes = vec![0; file.size().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// Goes through the calls on files and tells what each answered.
fn tour(files: &Arc<dyn Files>, root: &Path) -> Vec<String> {
    let mut answers = Vec::new();
    let mut tell = |answer: io::Result<String>| {
        answers.push(answer.unwrap_or_else(|error| format!("{:?}", error.kind())));
    };
    let (a, b, inner) = (root.join("a"), root.join("b"), root.join("inner"));
    let opened = |path: &Path, mode| files.open(path, mode).map(|_| "opened".to_owned());
    let done = |result: io::Result<()>| result.map(|()| "done".to_owned());
    for mode in [OpenMode::Read, OpenMode::Write, OpenMode::Create, OpenMode::CreateNew] {
        tell(opened(&a, mode));
        tell(opened(&a.join("below a file"), mode));
        tell(opened(&root.join("none").join("a"), mode));
    }
    tell(done(files.create_dir(&inner)));
    tell(done(files.create_dir(&inner)));
    tell(done(files.create_dir(&a)));
    tell(done(files.create_dir(&root.join("none").join("x"))));
    let file = files.open(&b, OpenMode::CreateNew).unwrap();
    let reader = files.open(&b, OpenMode::Read).unwrap();
    tell(done(file.write_at(&[b"one", b"", b" two"], 3)));
    tell(done(file.write_at(&[], 9)));
    tell(done(file.write_at(&[b"x"], u64::MAX)).map_err(|_| io::ErrorKind::Other.into()));
    tell(file.size().map(|size| size.to_string()));
    tell(done(reader.write_at(&[b"x"], 0)));
    let mut buffer = [9; 12];
    tell(reader.read_at(&mut buffer, 0).map(|bytes| format!("{bytes} {buffer:?}")));
    tell(reader.read_at(&mut buffer, 8).map(|bytes| format!("{bytes} {buffer:?}")));
    tell(reader.read_at(&mut buffer, 100).map(|bytes| bytes.to_string()));
    tell(done(file.sync()));
    for (who, kind) in [
        (&file, LockKind::Shared),
        (&reader, LockKind::Shared),
        (&file, LockKind::Exclusive),
        (&reader, LockKind::Exclusive),
    ] {
        tell(who.try_lock(kind).map(|locked| locked.to_string()));
        tell(file.locked_by_other().map(|locked| locked.to_string()));
    }
    tell(done(reader.unlock()));
    tell(file.try_lock(LockKind::Exclusive).map(|locked| locked.to_string()));
    tell(reader.try_lock(LockKind::Shared).map(|locked| locked.to_string()));
    tell(reader.locked_by_other().map(|locked| locked.to_string()));
    for (who, offset, words) in [(&file, 0, 1), (&file, 0, 2), (&file, 8, 1), (&file, 0, 0), (&reader, 0, 1)]
    {
        tell(who.map(offset, words).map(|words| format!("{:?}", words.words())));
    }
    drop(file);
    tell(reader.locked_by_other().map(|locked| locked.to_string()));
    tell(done(files.rename(&b, &a)));
    tell(done(files.rename(&b, &a)));
    tell(done(files.rename(&a, &a)));
    tell(done(files.sync_dir(root)));
    tell(done(files.sync_dir(&a)));
    tell(files.list(root).map(|names| names.join(" ")));
    tell(files.list(&a).map(|names| names.join(" ")));
    tell(done(files.remove(&a)));
    tell(done(files.remove(&a)));
    tell(reader.size().map(|size| size.to_string()));
    tell(files.exists(&a).map(|exists| exists.to_string()));
    tell(files.exists(&inner).map(|exists| exists.to_string()));
    let crooked = inner.join("..").join("inner").join(".");
    tell(files.canonical(&crooked).map(|path| (path == inner).to_string()));
    tell(files.canonical(&a).map(|_| String::new()));
    answers
}

#[tokio::test(start_paused = true)]
async fn files_answer_as_those_of_the_system_do() {
    let world = World::new(1);
    let (seams, _process) = world.process();
    let simulated = tour(&seams.files, &world.root());
    assert_eq!(simulated.len(), 57, "{simulated:?}");
    #[cfg(target_os = "linux")]
    {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        assert_eq!(simulated, tour(&Seams::system().unwrap().files, &root));
    }
}

#[tokio::test(start_paused = true)]
async fn time_passes_as_the_runtime_says_and_the_wall_clock_steps() {
    let world = World::new(1);
    let (seams, _process) = world.process();
    let wall = seams.clock.wall_ms();
    seams.clock.sleep(Duration::from_secs(3600)).await;
    assert_eq!(seams.clock.monotonic().as_secs(), 3600);
    assert_eq!(seams.clock.wall_ms() - wall, 3_600_000);
    world.step_wall_clock(-10_000_000);
    assert_eq!(seams.clock.wall_ms() - wall, -6_400_000);
    assert_eq!(seams.clock.monotonic().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_takes_what_fits_and_goes_on_when_there_is_room() {
    let world = World::new(1);
    let (seams, _process) = world.process();
    let (full, small) = (world.root().join("full"), world.root().join("small"));
    let file = create(&seams.files, &full);
    world.limit_disk(Some(10 * SECTOR as u64));
    let error = file.write_at(&[&[1; 11 * SECTOR]], 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.size().unwrap(), 10 * SECTOR as u64);
    file.write_at(&[&[2; 10 * SECTOR]], 0).expect("what is there can be written over");
    let other = create(&seams.files, &small);
    assert!(other.write_at(&[b"x"], 0).is_err());
    seams.files.remove(&full).unwrap();
    assert!(other.write_at(&[b"x"], 0).is_err(), "the removed file is still open");
    drop(file);
    other.write_at(&[b"x"], 0).unwrap();
}

#[tokio::test(start_paused = true)]
async fn faults_strike_the_calls_they_are_meant_for() {
    let world = World::new(1);
    let (seams, process) = world.process();
    let path = world.root().join("journal");
    let (file, other) = (create(&seams.files, &path), create(&seams.files, &world.root().join("other")));
    world.fail(Fault::new(Op::Write, libc::EIO).on("journal").after(1).times(2));
    world.fail(Fault::new(Op::Open, libc::EMFILE).by(process.id() + 1).always());
    let write = |file: &Arc<dyn File>| file.write_at(&[b"x"], 0).err().and_then(|error| error.raw_os_error());
    assert_eq!([write(&other), write(&file), write(&other)], [None; 3]);
    assert_eq!([write(&file), write(&file), write(&file)], [Some(libc::EIO), Some(libc::EIO), None]);
    assert!(seams.files.open(&path, OpenMode::Read).is_ok());
    let (second, _process) = world.process();
    for _ in 0..3 {
        let error = second.files.open(&path, OpenMode::Read).err().unwrap();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
    }
    world.clear_faults();
    assert!(second.files.open(&path, OpenMode::Read).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_byte_is_damaged_for_all() {
    let world = World::new(1);
    let (seams, _process) = world.process();
    let path = world.root().join("a");
    create(&seams.files, &path).write_at(&[b"abc"], 0).unwrap();
    assert_eq!(world.files(), std::slice::from_ref(&path));
    assert!(world.damage(&path, 1, 0x20));
    assert!(!world.damage(&path, 3, 0x20));
    assert_eq!(content(&seams.files, &path).unwrap(), b"aBc");
}

/// Some tasks in two processes, whose order and contents depend on chance.
async fn workload(seed: u64) -> (u32, Vec<String>, Vec<Vec<u8>>) {
    let world = World::new(seed);
    world.crash_at(150);
    let done = Arc::new(AtomicU64::new(0));
    let mut processes = Vec::new();
    for name in ["a", "b"] {
        let (seams, process) = world.process();
        for task in 0..3 {
            let (seams, done, path) = (seams.clone(), Arc::clone(&done), world.root().join(name));
            seams.tasks.clone().spawn(Box::pin(async move {
                let file = create(&seams.files, &path);
                for step in 0..30_u64 {
                    let place = seams.random.next_u64() % 5000;
                    let file = Arc::clone(&file);
                    let write = move || file.write_at(&[&[task; 700]], place).and_then(|()| file.sync());
                    if seams.tasks.blocking(write).await.is_err() {
                        break;
                    }
                    seams.clock.sleep(Duration::from_millis(step % 7)).await;
                    done.fetch_add(1, Ordering::AcqRel);
                }
            }));
        }
        processes.push(process);
    }
    let (seams, _process) = world.process();
    seams.clock.sleep(Duration::from_secs(60)).await;
    assert!(!world.is_on() && done.load(Ordering::Acquire) > 50);
    world.restart();
    let (seams, _process) = world.process();
    let contents = world.files().iter().map(|path| content(&seams.files, path).unwrap()).collect();
    (world.digest(), world.story(), contents)
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_run() {
    let mut digests = BTreeSet::new();
    for seed in 0..10 {
        let (first, second) = (workload(seed).await, workload(seed).await);
        assert_eq!(first.1, second.1, "seed {seed}");
        assert!(first == second, "seed {seed}: the same events, but other bytes");
        digests.insert(first.0);
    }
    assert_eq!(digests.len(), 10, "each seed has a run of its own");
}
