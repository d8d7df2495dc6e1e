//! Tests of what a power loss leaves, and of syncs that fail.

use super::*;

/// Makes a durable file of the sectors `old`, writes `new` over it without a sync, and loses power.
async fn overwrite(seed: u64, keep: Keep, old: &[u8], new: &[&[u8]]) -> Vec<u8> {
    let world = World::new(seed);
    world.keep(keep);
    let (seams, process) = world.process();
    let path = world.root().join("a");
    let file = create(&seams.files, &path);
    file.write_at(&[&sectors(old)], 0).unwrap();
    file.sync().unwrap();
    seams.files.sync_dir(&world.root()).unwrap();
    for new in new {
        file.write_at(&[&sectors(new)], 0).unwrap();
    }
    world.power_loss();
    assert!(!process.is_alive() && file.size().is_err(), "the old process is dead");
    let (seams, _process) = world.process();
    content(&seams.files, &path).unwrap()
}

fn sectors(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [*byte; SECTOR]).collect()
}

/// One byte for each sector, which must be whole.
fn summary(content: &[u8]) -> Vec<u8> {
    let summary = |sector: &[u8]| {
        if sector.iter().all(|byte| *byte == sector[0]) { sector[0] } else { b'?' }
    };
    content.chunks(SECTOR).map(summary).collect()
}

#[tokio::test(start_paused = true)]
async fn an_unsynced_write_is_lost_or_kept_when_told_so() {
    for seed in 0..20 {
        let lost = overwrite(seed, Keep::Nothing, b"ab", &[b"xyz"]).await;
        assert_eq!(summary(&lost), b"ab");
        let kept = overwrite(seed, Keep::All, b"ab", &[b"xyz"]).await;
        assert_eq!(summary(&kept), b"xyz");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsynced_write_may_be_torn_in_any_way() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let left = summary(&overwrite(seed, Keep::Some, b"ab", &[b"xy"]).await);
        seen.insert(String::from_utf8(left).unwrap());
    }
    assert_eq!(seen, ["ab", "ay", "xb", "xy"].map(str::to_owned).into());
}

#[tokio::test(start_paused = true)]
async fn any_of_several_unsynced_contents_may_be_left() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        seen.extend(summary(&overwrite(seed, Keep::Some, b"a", &[b"x", b"y", b"z"]).await));
    }
    assert_eq!(seen, BTreeSet::from(*b"axyz"));
}

#[tokio::test(start_paused = true)]
async fn an_unsynced_extension_may_leave_size_without_data() {
    let mut seen = BTreeSet::new();
    for seed in 0..1000 {
        let left = overwrite(seed, Keep::Some, b"a", &[b"axy"]).await;
        assert_eq!(left[..SECTOR], [b'a'; SECTOR], "what was written again is as it was");
        let cut = left.len() % SECTOR != 0;
        seen.insert((cut, summary(&left[..left.len() - left.len() % SECTOR])));
    }
    for expected in [
        (false, &b"a"[..]),
        (false, b"ax"),
        (false, b"axy"),
        (false, b"a\0y"),
        (true, b"ax"),
        (false, b"ax?"),
    ] {
        assert!(seen.contains(&(expected.0, expected.1.to_vec())), "{expected:?} in {seen:?}");
    }
}

/// Writes a new content for a file that has an old one, in one way or another, and says which boundaries that took.
fn replace(files: &Arc<dyn Files>, root: &Path, with_sync: bool) -> io::Result<()> {
    let (path, new) = (root.join("a"), root.join("a.new"));
    let file = files.open(&new, OpenMode::Create)?;
    file.write_at(&[&sectors(b"new!")], 0)?;
    if with_sync {
        file.sync()?;
    }
    files.rename(&new, &path)?;
    files.sync_dir(root)
}

/// What is left of a replacement that is cut at each of its boundaries, or not at all; true if it was said to be done.
async fn replacements(with_sync: bool) -> BTreeSet<(bool, Vec<u8>)> {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        for boundary in 0..=5 {
            let world = World::new(seed);
            let (seams, process) = world.process();
            let file = create(&seams.files, &world.root().join("a"));
            file.write_at(&[&sectors(b"old!")], 0).unwrap();
            file.sync().unwrap();
            seams.files.sync_dir(&world.root()).unwrap();
            world.crash_at(world.boundaries() + boundary);
            let replaced = replace(&seams.files, &world.root(), with_sync);
            assert_eq!(replaced.is_ok(), world.is_on());
            assert_eq!(process.is_alive(), world.is_on());
            world.restart();
            let (seams, _process) = world.process();
            let left =
                content(&seams.files, &world.root().join("a")).expect("there is always one of the two");
            seen.insert((replaced.is_ok(), summary(&left)));
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_file_replaced_with_care_is_old_or_new_wherever_power_fails() {
    let expected = [(false, b"old!"), (false, b"new!"), (true, b"new!")];
    assert_eq!(replacements(true).await, expected.map(|(done, left)| (done, left.to_vec())).into());
}

#[tokio::test(start_paused = true)]
async fn a_file_replaced_without_a_sync_is_seen_to_be_damaged() {
    let seen = replacements(false).await;
    assert!(seen.contains(&(true, Vec::new())), "an empty file: {seen:?}");
    assert!(seen.iter().any(|(done, left)| *done && left.len() == 4 && left != b"new!"), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn names_are_durable_only_after_a_directory_sync() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let world = World::new(seed);
        let (seams, _process) = world.process();
        for name in ["removed", "renamed"] {
            create(&seams.files, &world.root().join(name)).sync().unwrap();
        }
        seams.files.sync_dir(&world.root()).unwrap();
        create(&seams.files, &world.root().join("made")).sync().unwrap();
        seams.files.remove(&world.root().join("removed")).unwrap();
        seams.files.rename(&world.root().join("renamed"), &world.root().join("to")).unwrap();
        world.power_loss();
        let (seams, _process) = world.process();
        seen.insert(seams.files.list(&world.root()).unwrap().join(" "));
    }
    let all = ["", "made "].map(|made| {
        ["", "removed "].map(|removed| ["renamed", "to"].map(|renamed| format!("{made}{removed}{renamed}")))
    });
    assert_eq!(seen, all.into_iter().flatten().flatten().collect());
}

#[tokio::test(start_paused = true)]
async fn a_lost_directory_takes_what_is_in_it_along() {
    let world = World::new(1);
    world.keep(Keep::Nothing);
    let (seams, _process) = world.process();
    let inner = world.root().join("inner");
    seams.files.create_dir(&inner).unwrap();
    create(&seams.files, &inner.join("a")).sync().unwrap();
    seams.files.sync_dir(&inner).unwrap();
    world.power_loss();
    let (seams, _process) = world.process();
    assert!(!seams.files.exists(&inner).unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sync_covered_may_be_lost_though_a_later_one_succeeds() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let world = World::new(seed);
        let (seams, _process) = world.process();
        let path = world.root().join("a");
        let (file, other) = (create(&seams.files, &path), create(&seams.files, &path));
        seams.files.sync_dir(&world.root()).unwrap();
        file.write_at(&[&sectors(b"ab")], 0).unwrap();
        world.fail(Fault::new(Op::Sync, libc::EIO));
        assert!(file.sync().is_err(), "the one who asked is told");
        assert!(file.sync().is_ok(), "once");
        assert!(other.sync().is_err(), "another open file is told too");
        assert!(other.sync().is_ok());
        assert!(create(&seams.files, &path).sync().is_ok(), "who opens it later is not");
        assert_eq!(summary(&content(&seams.files, &path).unwrap()), b"ab", "reads see it");
        world.power_loss();
        let (seams, _process) = world.process();
        seen.insert(summary(&content(&seams.files, &path).unwrap()));
    }
    assert_eq!(seen, [b"ab", b"a\0", b"\0b", b"\0\0"].map(|left| left.to_vec()).into());
}

#[tokio::test(start_paused = true)]
async fn a_failure_to_write_back_may_be_forgotten_when_nobody_has_the_file_open() {
    let mut told = BTreeSet::new();
    for seed in 0..30 {
        for open in [true, false] {
            let world = World::new(seed);
            let (seams, _process) = world.process();
            let path = world.root().join("a");
            let mut file = Some(create(&seams.files, &path));
            file.as_ref().unwrap().write_at(&[b"x"], 0).unwrap();
            world.fail_write_back(&path);
            if !open {
                file = None;
            }
            let file = file.unwrap_or_else(|| create(&seams.files, &path));
            told.insert((open, file.sync().is_err()));
            assert!(file.sync().is_ok());
        }
    }
    assert_eq!(told, [(true, true), (false, true), (false, false)].into());
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_directory_sync_covered_is_durable_with_the_next_and_may_be_before() {
    let mut seen = BTreeSet::new();
    for seed in 0..30 {
        for again in [false, true] {
            let world = World::new(seed);
            let (seams, _process) = world.process();
            create(&seams.files, &world.root().join("a"));
            world.keep(Keep::Nothing);
            world.fail(Fault::new(Op::SyncDir, libc::EIO));
            assert!(seams.files.sync_dir(&world.root()).is_err());
            assert!(!again || seams.files.sync_dir(&world.root()).is_ok());
            world.power_loss();
            let (seams, _process) = world.process();
            seen.insert((again, seams.files.list(&world.root()).unwrap().len()));
        }
    }
    assert_eq!(seen, [(false, 0), (false, 1), (true, 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_removed_file_stays_readable_while_open_and_may_come_back() {
    let mut seen = BTreeSet::new();
    for seed in 0..30 {
        let world = World::new(seed);
        let (seams, _process) = world.process();
        let path = world.root().join("a");
        let file = create(&seams.files, &path);
        file.write_at(&[b"abc"], 0).unwrap();
        file.sync().unwrap();
        seams.files.sync_dir(&world.root()).unwrap();
        seams.files.remove(&path).unwrap();
        assert_eq!(file.size().unwrap(), 3);
        drop(file);
        world.power_loss();
        let (seams, _process) = world.process();
        seen.insert(content(&seams.files, &path));
    }
    assert_eq!(seen, [None, Some(b"abc".to_vec())].into());
}
