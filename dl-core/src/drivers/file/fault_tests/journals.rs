//! What journals hold that nobody writes any more (rules F8, F9, F11).

use super::*;
use crate::drivers::file::frame::FrameSeed;
use crate::drivers::file::journal::{BatchEntry, Making};
use crate::drivers::file::layout::Layout;
use crate::error::ErrorKind;
use crate::seams::LockKind;

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
