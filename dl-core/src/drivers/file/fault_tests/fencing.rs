//! Failures c and d: takeover, whatever state the owner is in, and power lost around it.

use super::*;
use crate::drivers::file::control::Control;
use crate::drivers::file::frame::FrameSeed;
use crate::drivers::file::journal::{Adopted, BatchEntry, Journal, Making};
use crate::drivers::file::layout::Layout;
use crate::error::ErrorKind;

/// The state of the owner while another takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Alive,
    Frozen,
    Dead,
}

const OWNERS: [Owner; 3] = [Owner::Alive, Owner::Frozen, Owner::Dead];

/// An owner with 20 acknowledged entries, in this state, and another process.
async fn an_owner(world: &World, state: Owner) -> (Opener, TestWriter, Opener) {
    let owner = Opener::new(world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..20).await;
    match state {
        Owner::Alive => {}
        Owner::Frozen => owner.process.freeze(),
        Owner::Dead => owner.process.kill(),
    }
    (owner, writer, Opener::new(world).await)
}

/// The owner writes one more entry, which is not acknowledged.
async fn write_late(owner: &Opener, writer: &TestWriter, state: Owner, error: ErrorKind) {
    if state == Owner::Dead {
        return;
    }
    // As it would be written: where nothing was completed, it may be there after a power loss.
    writer.put(entry(writer.id, 20));
    owner.process.thaw();
    assert_eq!(writer.source.ended(21).await[20], (20, Some(error)), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn an_owner_in_any_state_is_cut_off() {
    for state in OWNERS {
        let world = machine();
        let (owner, writer, other) = an_owner(&world, state).await;
        assert_eq!(recovered(&other.stores, writer.id, 20, entry).await, 20);
        let successor = TestWriter::start(&other.stores).await;
        successor.append(0..5).await;
        write_late(&owner, &writer, state, ErrorKind::Fenced).await;
        world.power_loss();
        let next = Opener::new(&world).await;
        assert_eq!(recovered(&next.stores, writer.id, 20, entry).await, 20, "{state:?}");
        assert_eq!(recovered(&next.stores, successor.id, 5, entry).await, 5, "{state:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fence_at_any_moment_of_an_append_ends_it_or_counts_it() {
    for boundary in 0..5 {
        let world = machine();
        let owner = Opener::new(&world).await;
        let writer = TestWriter::start(&owner.stores).await;
        writer.append(0..5).await;
        let other = Opener::new(&world).await;
        let (parts, _process) = {
            let (seams, process) = world.process();
            let layout = Layout::new(directory(&world));
            let control = Control::open(&seams, &layout, OpenMode::Write);
            (control.unwrap().unwrap(), process)
        };
        let word = parts.word(writer.id).unwrap();
        let (fenced, was_fenced) = std::sync::mpsc::channel();
        let begin = world.boundaries();
        world.after(begin + boundary, move || {
            word.fence();
            let _unheard_if_after_the_append = fenced.send(());
        });
        writer.put(entry(writer.id, 5));
        writer.source.ended(6).await;
        if was_fenced.try_recv().is_err() {
            assert!(boundary >= 3, "an append is three boundaries at least");
            continue;
        }
        assert_eq!(writer.source.so_far()[5].1, Some(ErrorKind::Fenced), "boundary {boundary}");
        assert_eq!(recovered(&other.stores, writer.id, 5, entry).await, 5, "boundary {boundary}");
    }
}

#[tokio::test(start_paused = true)]
async fn c_an_entry_whose_swap_failed_is_not_replayed_into_a_complete_segment() {
    for keep in [Keep::All, Keep::Nothing] {
        let world = machine();
        world.keep(keep);
        let (owner, writer, other) = an_owner(&world, Owner::Alive).await;
        let closed = other.stores.segments.recover(writer.id).await.unwrap();
        // It is in the journal, durable, before the segment is complete.
        write_late(&owner, &writer, Owner::Alive, ErrorKind::Fenced).await;
        assert_eq!(complete(&other.stores, closed).await, Some(19));
        assert_eq!(after_power_loss(&world, writer.id, 20).await.1, 20);
        let (next, entries) = after_power_loss(&world, writer.id, 20).await;
        assert_eq!(entries, 20);
        let tail = next.stores.segments.open(writer.id).await.unwrap().tail().await.unwrap();
        assert_eq!((tail.entries, tail.state), (20, crate::store::TailState::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn c_a_frozen_owner_journals_one_more_entry_after_its_segment_was_deleted() {
    for forgotten in [false, true] {
        let world = machine();
        let (owner, writer, other) = an_owner(&world, Owner::Frozen).await;
        recovered(&other.stores, writer.id, 20, entry).await;
        let ops = other.stores.segments.delete(&[writer.id]).await.unwrap();
        if forgotten {
            other.stores.metadata.commit(&ops).await.unwrap();
        }
        write_late(&owner, &writer, Owner::Frozen, ErrorKind::Fenced).await;
        world.power_loss();
        let next = Opener::new(&world).await;
        let error = next.stores.segments.recover(writer.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let segments = directory(&world).join("segments");
        let files: Vec<_> = world.files().into_iter().filter(|path| path.starts_with(&segments)).collect();
        assert!(files.is_empty(), "{files:?}");
        TestWriter::start(&next.stores).await.append(0..3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn c_the_stale_tail_of_a_recycled_journal_is_not_replayed() {
    let world = machine();
    let (seams, _process) = world.process();
    let folder = world.root();
    let (id, seed) = (SegmentId::new(7).unwrap(), FrameSeed::new(1, SegmentId::new(7).unwrap()));
    let write = |journal: &mut Journal, number: u64| {
        let head = seed.head(4_096 * number, number, b"entry");
        let entry = BatchEntry { segment: id, offset: 4_096 * number, frame_head: &head, entry: b"entry" };
        journal.append(0, &[entry]).unwrap();
    };
    let mut journal =
        Making::begin(seams.files.clone(), folder.clone(), 1, 5, 64 << 10).and_then(Making::finish).unwrap();
    (1..=4).for_each(|number| write(&mut journal, number));
    journal.empty().unwrap();
    write(&mut journal, 9);
    drop(journal);
    world.power_loss();
    let (seams, _process) = world.process();
    let path = folder.join("0000000000000005");
    let Adopted::Journal(mut journal) = Journal::adopt(&*seams.files, &path, 1, 5).unwrap() else {
        panic!("its process is dead")
    };
    let mut found = Vec::new();
    journal
        .replay(0, |entry| {
            found.push(entry.offset);
            Ok(())
        })
        .unwrap();
    assert_eq!(found, [4_096 * 9]);
}

#[tokio::test(start_paused = true)]
async fn d_a_completed_segment_is_durable_by_itself() {
    let world = machine();
    let (owner, writer, other) = an_owner(&world, Owner::Alive).await;
    recovered(&other.stores, writer.id, 20, entry).await;
    // Even if the owner's journal were gone, which it may be as soon as the owner did its duty.
    let folder = directory(&world).join("journals");
    for name in owner.seams.files.list(&folder).unwrap() {
        owner.seams.files.remove(&folder.join(name)).unwrap();
    }
    owner.seams.files.sync_dir(&folder).unwrap();
    assert_eq!(after_power_loss(&world, writer.id, 20).await.1, 20);
}

#[tokio::test(start_paused = true)]
async fn d_a_segment_with_damage_is_not_completed() {
    let world = machine();
    let (_owner, writer, other) = an_owner(&world, Owner::Alive).await;
    let path = Layout::new(directory(&world)).segment(writer.id);
    assert!(world.damage(&path, 4_096 + 20, 1));
    let error = other.stores.segments.recover(writer.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
}

#[tokio::test(start_paused = true)]
async fn d_a_fenced_owner_keeps_its_duty() {
    let world = machine();
    let (owner, writer, other) = an_owner(&world, Owner::Alive).await;
    // The one who takes over fences, and is gone before it syncs.
    let dying = other.process.id();
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments").by(dying).always());
    assert!(other.stores.segments.recover(writer.id).await.is_err());
    other.process.kill();
    world.clear_faults();
    // The owner is done with it, fills its journals with others, and they are emptied.
    let next = TestWriter::start(&owner.stores).await;
    for number in 0..12 {
        next.put(large(next.id, number));
        assert!(owner.ended(&next, number as usize + 1).await);
    }
    until(&owner.seams.clock, || recycled(&world) >= 2).await;
    world.power_loss();
    let last = Opener::new(&world).await;
    assert_eq!(recovered(&last.stores, writer.id, 20, entry).await, 20);
    recovered(&last.stores, next.id, 12, large).await;
}

#[tokio::test(start_paused = true)]
async fn power_lost_between_fence_and_completion() {
    for state in OWNERS {
        let world = machine();
        let (owner, writer, other) = an_owner(&world, state).await;
        assert_eq!(other.stores.segments.recover(writer.id).await.unwrap().last_entry, Some(19));
        write_late(&owner, &writer, state, ErrorKind::Fenced).await;
        let (_next, entries) = after_power_loss(&world, writer.id, 20).await;
        assert!(entries <= 20 || state != Owner::Dead);
        // From here on it is final.
        assert_eq!(after_power_loss(&world, writer.id, entries).await.1, entries);
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_between_completion_and_the_first_append() {
    for state in OWNERS {
        let world = machine();
        let (owner, writer, other) = an_owner(&world, state).await;
        recovered(&other.stores, writer.id, 20, entry).await;
        let successor = TestWriter::start(&other.stores).await;
        write_late(&owner, &writer, state, ErrorKind::Fenced).await;
        let (next, entries) = after_power_loss(&world, writer.id, 20).await;
        assert_eq!(entries, 20, "{state:?}");
        assert_eq!(recovered(&next.stores, successor.id, 0, entry).await, 0, "{state:?}");
        TestWriter::start(&next.stores).await.append(0..3).await;
    }
}
