//! Failures a, b, g and h: commit words that outlive what they speak of, or that two make.

use super::*;
use crate::drivers::file::control::Control;
use crate::drivers::file::layout::Layout;
use crate::drivers::file::open::{self, Opened, Wanted};
use crate::error::ErrorKind;
use crate::seams::LockKind;

/// The system writes the control file back, as it may at any time.
fn write_back_words(world: &World, opener: &Opener) {
    opener.file(world, "control").sync().unwrap();
    opener.seams.files.sync_dir(&directory(world)).unwrap();
}

/// Where the word of a segment is in the control file.
fn word_place(id: SegmentId) -> u64 {
    let id = u64::try_from(id.get()).unwrap();
    4_096 * (1 + id / 511) + 8 * (1 + id % 511)
}

#[tokio::test(start_paused = true)]
async fn a_a_word_is_not_trusted_at_restart() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..90).await;
    write_back_words(&world, &owner);
    writer.append(90..100).await;
    assert_eq!(after_power_loss(&world, writer.id, 100).await.1, 100);
}

#[tokio::test(start_paused = true)]
async fn b_a_word_ahead_of_the_data_is_not_trusted_at_restart() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..10).await;
    write_back_words(&world, &owner);
    world.power_loss();
    let (seams, process) = world.process();
    let control = seams.files.open(&directory(&world).join("control"), OpenMode::Write).unwrap();
    let ahead: u64 = 1_000_000 << 8 | 1;
    control.write_at(&[&ahead.to_ne_bytes()], word_place(writer.id)).unwrap();
    drop(control);
    process.kill();
    let next = Opener::new(&world).await;
    assert_eq!(recovered(&next.stores, writer.id, 10, entry).await, 10);
}

#[tokio::test(start_paused = true)]
async fn b_words_of_an_earlier_boot_are_not_shared() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..90).await;
    write_back_words(&world, &owner);
    writer.append(90..100).await;
    world.power_loss();
    // Somebody else who shares the lock keeps the next one from being the first opener.
    let (seams, _process) = world.process();
    let lock = seams.files.open(&directory(&world).join("lock"), OpenMode::Read).unwrap();
    assert!(lock.try_lock(LockKind::Shared).unwrap());
    let refused = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    drop(lock);
    let next = Opener::new(&world).await;
    assert_eq!(recovered(&next.stores, writer.id, 100, entry).await, 100);
}

#[tokio::test(start_paused = true)]
async fn g_a_woken_owner_hits_no_other_segment() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..3).await;
    owner.process.freeze();
    let other = Opener::new(&world).await;
    recovered(&other.stores, writer.id, 3, entry).await;
    let ops = other.stores.segments.delete(&[writer.id]).await.unwrap();
    other.stores.metadata.commit(&ops).await.unwrap();
    // Whichever of them would have its word or its file: it has as many entries as the old one had.
    let mut others = Vec::new();
    for _ in 0..20 {
        let other = TestWriter::start(&other.stores).await;
        assert_ne!(other.id, writer.id, "an id is used twice");
        for _ in 0..3 {
            other.put(entry(writer.id, other.source.so_far().len() as u64));
            let count = other.source.so_far().len() + 1;
            other.source.ended(count).await;
        }
        others.push(other);
    }
    writer.put(entry(writer.id, 3));
    owner.process.thaw();
    assert_eq!(writer.source.ended(4).await[3].1, Some(ErrorKind::Fenced));
    for other_writer in &others {
        let id = other_writer.id;
        assert_eq!(recovered(&other.stores, id, 3, |_, number| entry(writer.id, number)).await, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn g_entries_of_another_segment_do_not_validate() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let (one, two) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    for number in 0..6 {
        one.put(entry(one.id, number));
        one.source.ended(number as usize + 1).await;
        if number < 3 {
            two.put(entry(one.id, number));
            two.source.ended(number as usize + 1).await;
        }
    }
    world.power_loss();
    // The disk gave the second file blocks that were the first one's.
    let (seams, process) = world.process();
    let layout = Layout::new(directory(&world));
    let next = Opener::new(&world).await;
    let size = seams.files.open(&layout.segment(two.id), OpenMode::Read).unwrap();
    let mut bytes = vec![0; 60_000];
    let read =
        seams.files.open(&layout.segment(one.id), OpenMode::Read).unwrap().read_at(&mut bytes, 0).unwrap();
    drop((next, size));
    let file = seams.files.open(&layout.segment(two.id), OpenMode::Write).unwrap();
    let end = 4_096 + (0..3).map(|number| 16 + entry(one.id, number).len()).sum::<usize>();
    file.write_at(&[&bytes[end..read]], end as u64).unwrap();
    drop(file);
    process.kill();
    let next = Opener::new(&world).await;
    assert_eq!(recovered(&next.stores, two.id, 3, |_, number| entry(one.id, number)).await, 3);
}

async fn open_parts(world: &World, seams: &Seams) -> Opened {
    let wanted = Wanted {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(10),
        unsafe_filesystem: false,
        create: true,
        read_only: false,
    };
    open::open(&directory(world), &wanted, seams).await.unwrap()
}

/// A segment in progress whose entries are in its file only, and that no journal names.
async fn a_segment_without_journal(world: &World) -> SegmentId {
    let owner = Opener::new(world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..5).await;
    let Opener { process, stores, .. } = owner;
    process.kill();
    drop(stores);
    let folder = directory(world).join("journals");
    let (seams, process) = world.process();
    for name in seams.files.list(&folder).unwrap() {
        seams.files.remove(&folder.join(name)).unwrap();
    }
    process.kill();
    writer.id
}

#[tokio::test(start_paused = true)]
async fn h_two_recoverers_find_one_end() {
    // In the middle of one's search, at each boundary of it, the other finds the end and fences.
    for boundary in 0..4 {
        let world = machine();
        let id = a_segment_without_journal(&world).await;
        let (seams, process) = world.process();
        let one = open_parts(&world, &seams).await;
        let (seams, other_process) = world.process();
        let two = open_parts(&world, &seams).await;
        // The page of its word is written before the two meet.
        two.control.word(id).unwrap();
        one.control.word(id).unwrap();
        let (found, answer) = std::sync::mpsc::channel();
        let (other, damaged) = (two.table.segment(id), world.clone());
        let place = Layout::new(directory(&world)).segment(id);
        world.before(world.boundaries() + boundary, move || {
            found.send(two.table.word(&other).unwrap().fence()).unwrap();
            // A page is read from the disk again, where an earlier write did not get to.
            assert!(damaged.damage(&place, 4_096 + 20, 1));
        });
        let word = one.table.word(&one.table.segment(id)).unwrap();
        if let Ok(theirs) = answer.try_recv() {
            assert!(!word.load().is_open(), "boundary {boundary}: the fence is gone");
            assert_eq!(word.load().length(), theirs.length(), "boundary {boundary}");
        }
        drop((process, other_process));
    }
}

#[tokio::test(start_paused = true)]
async fn h_a_second_recovery_answers_what_the_first_did() {
    let world = machine();
    let id = a_segment_without_journal(&world).await;
    let one = Opener::new(&world).await;
    let two = Opener::new(&world).await;
    let first = one.stores.segments.recover(id).await.unwrap();
    assert_eq!(first.last_entry, Some(4));
    // Page cache and disk change behind their backs: that is damage now, not the end of the segment.
    let path = Layout::new(directory(&world)).segment(id);
    let last = 4_096 + (0..4).map(|number| 16 + entry(id, number).len() as u64).sum::<u64>();
    assert!(world.damage(&path, last + 20, 1));
    assert_eq!(two.stores.segments.recover(id).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn a_word_is_made_before_its_segment_is_known() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    // Stored after the start multi, it would overwrite the fence of one who was quick.
    let writer = TestWriter::start(&owner.stores).await;
    assert_eq!(recovered(&other.stores, writer.id, 0, entry).await, 0);
    writer.put("too late");
    assert_eq!(writer.source.ended(1).await, [(0, Some(ErrorKind::Fenced))]);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_words_whose_writer_died_is_written_again() {
    for boundary in 0..4 {
        let world = machine();
        let owner = Opener::new(&world).await;
        let control = || {
            let (seams, process) = world.process();
            let layout = Layout::new(directory(&world));
            (Control::open(&seams, &layout, OpenMode::Write).unwrap().unwrap(), process)
        };
        let (dying, _process) = control();
        world.kill_at(world.boundaries() + boundary);
        let far = SegmentId::new(511 * 7).unwrap();
        let died = dying.word(far).is_err();
        assert!(died || boundary >= 2);
        world.clear_plans();
        // A later page is written in the meantime: the file goes on behind the damage.
        let (one, _process) = control();
        one.word(SegmentId::new(511 * 9).unwrap()).unwrap();
        let word = one.word(far).unwrap();
        assert!(!word.load().is_made());
        drop(owner);
    }
}
