//! Opening: who is first, who dies on the way, and what journals may hold (rules F3, F8, F9, F11).

use super::*;
use crate::drivers::file::frame::FrameSeed;
use crate::drivers::file::journal::{BatchEntry, Making};
use crate::drivers::file::layout::Layout;
use crate::error::ErrorKind;
use crate::seams::LockKind;

/// At each boundary the first of two who make the namespace is killed. The other one, or one who comes later, has it,
/// and keeps it when power fails.
#[tokio::test(start_paused = true)]
async fn two_make_the_namespace_and_one_dies() {
    for boundary in 0.. {
        let world = machine();
        world.kill_at(boundary);
        let (one, two) = tokio::join!(
            async {
                let (seams, process) = world.process();
                (process.run(open_sim(&world, &seams)).await, process)
            },
            async {
                let (seams, process) = world.process();
                (process.run(open_sim(&world, &seams)).await, process)
            },
        );
        let died = !one.1.is_alive() || !two.1.is_alive();
        world.clear_plans();
        for (stores, process) in [one, two] {
            let Ok(stores) = stores else { continue };
            let stores = stores.unwrap();
            let writer = TestWriter::start(&stores).await;
            writer.append(0..3).await;
            assert!(process.is_alive());
            // The world goes on by itself: a loss of power would end the other one too.
            drop(writer);
        }
        let next = Opener::new(&world).await;
        let writer = TestWriter::start(&next.stores).await;
        writer.append(0..3).await;
        after_power_loss(&world, writer.id, 3).await;
        if !died {
            assert!(boundary > 10);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_while_the_namespace_is_made() {
    for boundary in 0.. {
        let world = World::new(boundary);
        world.crash_at(boundary);
        let (seams, process) = world.process();
        let opened = process.run(open_sim(&world, &seams)).await;
        let struck = !world.is_on();
        world.restart();
        world.clear_plans();
        drop(opened);
        let next = Opener::new(&world).await;
        let writer = TestWriter::start(&next.stores).await;
        writer.append(0..3).await;
        after_power_loss(&world, writer.id, 3).await;
        if !struck {
            return;
        }
    }
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

#[tokio::test(start_paused = true)]
async fn the_lock_of_a_first_opener_that_died_half_way() {
    for boundary in 0.. {
        let world = machine();
        let (one, two) = left_behind(&world).await;
        world.power_loss();
        let (seams, process) = world.process();
        world.kill_at(world.boundaries() + boundary);
        // The second one finds the first at work, and gets its lock when it dies.
        let (first, second) = tokio::join!(process.run(open_sim(&world, &seams)), Opener::try_new(&world));
        let died = first.is_err() || second.is_err();
        world.clear_plans();
        let next = match second {
            Ok(second) => second,
            // It was the one that died.
            Err(_) => Opener::new(&world).await,
        };
        recovered(&next.stores, one, 7, large).await;
        world.power_loss();
        let last = Opener::new(&world).await;
        recovered(&last.stores, one, 7, large).await;
        recovered(&last.stores, two, 5, entry).await;
        if !died {
            assert!(boundary > 10);
            return;
        }
    }
}

async fn power_lost_during_first_open(keep: Keep) {
    for boundary in 0.. {
        let world = World::new(boundary);
        world.keep(keep);
        let (one, two) = left_behind(&world).await;
        world.power_loss();
        let (seams, process) = world.process();
        world.crash_at(world.boundaries() + boundary);
        let opened = process.run(open_sim(&world, &seams)).await;
        let struck = !world.is_on();
        world.restart();
        world.clear_plans();
        drop(opened);
        let next = Opener::new(&world).await;
        recovered(&next.stores, one, 7, large).await;
        recovered(&next.stores, two, 5, entry).await;
        if !struck {
            assert!(boundary > 10);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_at_each_boundary_of_the_first_open() {
    power_lost_during_first_open(Keep::Nothing).await;
    power_lost_during_first_open(Keep::Some).await;
}

/// Each call of a kind fails once during the first open, which gives up and leaves all as it is.
async fn a_call_fails_during_first_open(op: sim::Op, errno: i32, power_lost_before: bool) {
    for call in 0.. {
        let world = machine();
        let (one, two) = left_behind(&world).await;
        if power_lost_before {
            world.power_loss();
        }
        world.fail(Fault::new(op, errno).after(call));
        let failed = match Opener::try_new(&world).await {
            Ok(opener) => {
                opener.stores.session.close().await.unwrap();
                false
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::StorageFull), "{error}");
                true
            }
        };
        world.clear_faults();
        if failed && call % 2 == 0 {
            // The same kernel: what a failed sync lost is still to be seen, and to be written again.
            drop(Opener::new(&world).await);
        }
        world.power_loss();
        let last = Opener::new(&world).await;
        recovered(&last.stores, one, 7, large).await;
        recovered(&last.stores, two, 5, entry).await;
        if !failed && call > 20 {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sync_fails_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Sync, libc::EIO, false).await;
    a_call_fails_during_first_open(sim::Op::Sync, libc::EIO, true).await;
}

#[tokio::test(start_paused = true)]
async fn descriptors_run_out_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Open, libc::EMFILE, false).await;
    a_call_fails_during_first_open(sim::Op::Create, libc::EMFILE, true).await;
}

#[tokio::test(start_paused = true)]
async fn writes_fail_during_first_open() {
    a_call_fails_during_first_open(sim::Op::Write, libc::ENOSPC, false).await;
    a_call_fails_during_first_open(sim::Op::Write, libc::EIO, true).await;
}

/// At each boundary of its life a writer is killed while others live: also while it makes a journal. Who comes later
/// takes its journals over and uses them, and then power fails.
#[tokio::test(start_paused = true)]
async fn a_dead_process_among_the_living() {
    for boundary in 0.. {
        let world = machine();
        let living = Opener::new(&world).await;
        let owner = Opener::new(&world).await;
        let writer = TestWriter::start(&owner.stores).await;
        world.kill_at(world.boundaries() + boundary);
        for number in 0..6 {
            writer.put(large(writer.id, number));
            if !owner.ended(&writer, number as usize + 1).await {
                break;
            }
        }
        let died = !owner.process.is_alive();
        world.clear_plans();
        owner.process.kill();
        let least = acked(&writer);
        // Fenced before its journal is looked at: the word stays as it is.
        let fenced = boundary % 2 == 0;
        let known = if fenced {
            living.stores.segments.recover(writer.id).await.unwrap().last_entry.map_or(0, |last| last + 1)
        } else {
            least
        };
        let next = Opener::new(&world).await;
        let successor = TestWriter::start(&next.stores).await;
        successor.append(0..3).await;
        if fenced {
            assert_eq!(recovered(&next.stores, writer.id, least, large).await, known);
        }
        world.power_loss();
        let last = Opener::new(&world).await;
        recovered(&last.stores, writer.id, known, large).await;
        recovered(&last.stores, successor.id, 3, entry).await;
        if !died {
            assert!(boundary > 10);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn journals_of_another_size_are_emptied_too() {
    let world = machine();
    let (one, two) = left_behind(&world).await;
    let (seams, _process) = world.process();
    let options = FileOptions {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(10),
        journal_bytes: 2 * JOURNAL_BYTES,
        large_flush_bytes: u64::MAX,
        unsafe_filesystem: false,
        create: false,
        read_only: false,
    };
    let stores = open(&directory(&world), &options, &seams).await.unwrap();
    TestWriter::start(&stores).await.append(0..3).await;
    world.power_loss();
    let last = Opener::new(&world).await;
    recovered(&last.stores, one, 7, large).await;
    recovered(&last.stores, two, 5, entry).await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_somebody_holds_is_waited_for() {
    let world = machine();
    let (one, _) = left_behind(&world).await;
    let (seams, _process) = world.process();
    let folder = directory(&world).join("journals");
    let name = seams.files.list(&folder).unwrap().remove(0);
    let journal = seams.files.open(&folder.join(name), OpenMode::Write).unwrap();
    assert!(journal.try_lock(LockKind::Exclusive).unwrap());
    let refused = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    drop(journal);
    let next = Opener::new(&world).await;
    recovered(&next.stores, one, 7, large).await;
}

#[tokio::test(start_paused = true)]
async fn entries_of_a_segment_that_never_was_are_kept() {
    let world = machine();
    left_behind(&world).await;
    let (seams, process) = world.process();
    let next = Opener::new(&world).await;
    let format = next.file(&world, "format");
    let mut text = [0; 300];
    let length = format.read_at(&mut text, 0).unwrap();
    let text = std::str::from_utf8(&text[..length]).unwrap();
    let namespace = text.lines().find_map(|line| line.strip_prefix("namespace: ")).unwrap();
    let namespace = u64::from_str_radix(namespace, 16).unwrap();
    next.stores.session.close().await.unwrap();
    let id = SegmentId::new(1 << 30).unwrap();
    let layout = Layout::new(directory(&world));
    let making = Making::begin(seams.files.clone(), layout.journals(), namespace, 77, 64 << 10);
    let mut journal = making.and_then(Making::finish).unwrap();
    let head = FrameSeed::new(namespace, id).head(4_096, 0, b"entry");
    let entry = BatchEntry { segment: id, offset: 4_096, frame_head: &head, entry: b"entry" };
    journal.append(0, &[entry]).unwrap();
    drop(journal);
    process.kill();
    for _ in 0..2 {
        let error = Opener::try_new(&world).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("never was"), "{error}");
        assert!(world.files().contains(&layout.journal(77)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_what_the_journals_hold_is_damage() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    // No journal can be emptied.
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments").always());
    for number in 0..7 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    world.power_loss();
    world.clear_faults();
    // The last batch of the first journal cannot be told from one that was cut off; but others follow.
    let journals: Vec<_> = world
        .files()
        .into_iter()
        .filter(|path| path.starts_with(directory(&world).join("journals")))
        .collect();
    let damaged = journals.iter().filter(|path| world.damage(path, 4_096 + 3 * 20_480 + 1_000, 1)).count();
    assert!(damaged >= 2, "one that is full and one in use: {journals:?}");
    // Of a failed sync the head of the segment may have come through, and the entries below it not: then who reads finds it.
    let error = match Opener::try_new(&world).await {
        Err(error) => error,
        Ok(next) => read_all(&next.stores, writer.id).await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_format_file_is_not_taken_for_a_new_directory() {
    let world = machine();
    left_behind(&world).await;
    let (seams, process) = world.process();
    seams.files.remove(&directory(&world).join("format")).unwrap();
    let before = world.files();
    process.kill();
    let error = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(before.iter().filter(|path| path.ends_with("log")).all(|path| world.files().contains(path)));
}

#[tokio::test(start_paused = true)]
async fn a_session_lives_as_long_as_its_process() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    owner
        .stores
        .metadata
        .commit(&[crate::metadata::Op::create("/a", ""), crate::metadata::Op::create("/a/lock", "")])
        .await
        .unwrap();
    let take = |opener: &Opener, name: &str| {
        let (metadata, name) = (opener.stores.metadata.clone(), name.to_owned());
        async move { metadata.lock("/a/lock", &name, crate::metadata::Takeover::Never).await }
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

#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_or_cut_short_is_no_segment_without_entries() {
    for damage in ["gone", "cut short", "another's"] {
        let world = machine();
        let first = Opener::new(&world).await;
        let (writer, other) =
            (TestWriter::start(&first.stores).await, TestWriter::start(&first.stores).await);
        writer.append(0..3).await;
        // In progress, with nothing in a journal.
        first.stores.session.close().await.unwrap();
        let path = |id: SegmentId| Layout::new(directory(&world)).segment(id);
        let files = &*first.seams.files;
        let bytes = |id| {
            let mut bytes = vec![0; 8_192];
            let read = files.open(&path(id), OpenMode::Read).unwrap().read_at(&mut bytes, 0).unwrap();
            bytes.truncate(read);
            bytes
        };
        let (own, others) = (bytes(writer.id), bytes(other.id));
        files.remove(&path(writer.id)).unwrap();
        let place = |bytes: &[u8]| {
            let file = files.open(&path(writer.id), OpenMode::CreateNew).unwrap();
            file.write_at(&[bytes], 0).unwrap();
        };
        match damage {
            "gone" => {}
            "cut short" => place(&own[..100]),
            _ => place(&others),
        }

        let next = Opener::new(&world).await;
        let read = read_all(&next.stores, writer.id).await.unwrap_err();
        let recovered = next.stores.segments.recover(writer.id).await.unwrap_err();
        assert_eq!([read.kind(), recovered.kind()], [ErrorKind::Corrupt; 2], "{damage}: {read}");
        let nothing = next.stores.segments.recover(other.id).await.unwrap();
        assert_eq!(nothing.last_entry, None, "{damage}");
    }
}
