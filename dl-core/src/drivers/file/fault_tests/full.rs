//! Full disks (rule F12) and exhausted descriptors, and going on afterwards.

use super::*;
use crate::error::ErrorKind;

/// Whatever room the disk has, an entry is taken or refused as a whole, and the writer goes on once there is room.
#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_at_any_moment() {
    let mut filled = 0;
    for room in (1 << 20..2_400_u64 << 10).step_by(48 << 10) {
        let world = machine();
        let owner = Opener::new(&world).await;
        let writer = TestWriter::start(&owner.stores).await;
        world.limit_disk(Some(room));
        let mut entries = Vec::new();
        for number in 0..12 {
            let entry = large(writer.id, number);
            writer.put(entry.clone());
            assert!(owner.ended(&writer, number as usize + 1).await);
            match writer.source.so_far()[number as usize].1 {
                None => entries.push(entry),
                Some(error) => assert_eq!(error, ErrorKind::StorageFull, "room {room}"),
            }
        }
        filled += u64::from(entries.len() < 12);
        world.limit_disk(None);
        let entry = large(writer.id, 99);
        writer.put(entry.clone());
        assert_eq!(writer.source.ended(13).await[12].1, None, "room {room}");
        entries.push(entry);
        world.power_loss();
        let next = Opener::new(&world).await;
        let count =
            recovered(&next.stores, writer.id, acked(&writer), |_, number| entries[number as usize].clone())
                .await;
        assert_eq!(count, entries.len() as u64);
    }
    assert!((5..25).contains(&filled), "{filled}");
}

#[tokio::test(start_paused = true)]
async fn truncation_works_on_a_full_disk() {
    let world = machine();
    let owner = Opener::new(&world).await;
    // One who never wrote has no reserve of its own.
    let other = Opener::new(&world).await;
    for opener in [&owner, &other] {
        let writer = TestWriter::start(&owner.stores).await;
        writer.append(0..3).await;
        recovered(&owner.stores, writer.id, 3, entry).await;
        world.limit_disk(Some(0));
        let ops = opener.stores.segments.delete(&[writer.id]).await.unwrap();
        opener.stores.metadata.commit(&ops).await.unwrap();
        world.limit_disk(None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_opens_on_a_full_disk_once_there_is_room() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..5).await;
    world.power_loss();
    world.limit_disk(Some(0));
    let error = Opener::try_new(&world).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    world.limit_disk(None);
    let next = Opener::new(&world).await;
    assert_eq!(recovered(&next.stores, writer.id, 5, entry).await, 5);
}

/// Space cannot be had for another reason than want of it: no later entry may get the place of this one.
#[tokio::test(start_paused = true)]
async fn a_reserve_that_fails_ends_the_writer() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    world.fail(Fault::new(sim::Op::Write, libc::EIO).on("segments").times(2));
    writer.put(entry(writer.id, 0));
    assert_eq!(writer.source.ended(1).await[0].1, Some(ErrorKind::Unavailable));
    writer.put("no more");
    assert_eq!(writer.source.ended(2).await[1].1, Some(ErrorKind::Unavailable));
}

/// Each opening of a file fails for want of descriptors, for a while; what was acknowledged stays, and all goes on.
#[tokio::test(start_paused = true)]
async fn descriptors_run_out_while_a_writer_is_at_work() {
    for op in [sim::Op::Open, sim::Op::Create] {
        let world = machine();
        let owner = Opener::new(&world).await;
        let other = Opener::new(&world).await;
        let writer = TestWriter::start(&owner.stores).await;
        for number in 0..3 {
            writer.put(large(writer.id, number));
            assert!(owner.ended(&writer, number as usize + 1).await);
        }
        world.fail(Fault::new(op, libc::EMFILE).always());
        for number in 3..12 {
            writer.put(large(writer.id, number));
            assert!(owner.ended(&writer, number as usize + 1).await);
        }
        let least = acked(&writer);
        assert!(least >= 3);
        if op == sim::Op::Open {
            let error = other.stores.segments.recover(writer.id).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        }
        world.clear_faults();
        let fresh = TestWriter::start(&owner.stores).await;
        fresh.append(0..3).await;
        recovered(&other.stores, writer.id, least, large).await;
        world.power_loss();
        let next = Opener::new(&world).await;
        recovered(&next.stores, writer.id, least, large).await;
        recovered(&next.stores, fresh.id, 3, entry).await;
    }
}

/// How many large entries a writer gets onto a disk with room for so many more bytes than are used.
async fn fit(world: &World, owner: &Opener, writer: &TestWriter, bytes: u64) -> usize {
    let before = writer.source.so_far().len();
    let sizes = world.files().into_iter().map(|file| world.content(&file).len() as u64);
    world.limit_disk(Some(sizes.sum::<u64>() + bytes));
    for number in before.. {
        writer.put(large(writer.id, number as u64));
        assert!(owner.ended(writer, number + 1).await);
        match writer.source.so_far()[number].1 {
            None => {}
            Some(error) => {
                assert_eq!(error, ErrorKind::StorageFull);
                return number - before;
            }
        }
    }
    unreachable!("a disk gets full")
}

/// Its processors are busy with other work, so journals are emptied late: they are what takes the space.
#[tokio::test(start_paused = true)]
async fn journals_make_way_before_an_entry_is_refused() {
    let world = machine();
    let owner = Opener::new(&world).await;
    owner.process.keep_busy(60_000);
    let writer = TestWriter::start(&owner.stores).await;
    // A journal, another while that is emptied, and what is reserved ahead of the entries.
    let all = 60 * 20_000;
    let fit = fit(&world, &owner, &writer, all + 2 * JOURNAL_BYTES + (64 << 10)).await;
    assert!(fit >= 60, "{fit}");
    world.limit_disk(None);
    world.power_loss();
    let next = Opener::new(&world).await;
    assert_eq!(recovered(&next.stores, writer.id, fit as u64, large).await, fit as u64);
}

/// The journal that is being written has entries of it, for which its file would stay open.
#[tokio::test(start_paused = true)]
async fn a_deleted_segment_takes_no_space() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let other = Opener::new(&world).await;
    for deleter in [&owner, &other] {
        let old = TestWriter::start(&owner.stores).await;
        let writer = TestWriter::start(&owner.stores).await;
        writer.append(0..1).await;
        for number in 0..4 {
            old.put(large(old.id, number));
            assert!(owner.ended(&old, number as usize + 1).await);
        }
        complete(&owner.stores, old.writer.close().await.unwrap()).await;
        let TestWriter { id, writer: end, .. } = old;
        drop(end);
        fit(&world, &owner, &writer, 0).await;
        let ops = deleter.stores.segments.delete(&[id]).await.unwrap();
        deleter.stores.metadata.commit(&ops).await.unwrap();
        writer.put(large(writer.id, 9));
        let count = writer.source.so_far().len();
        assert_eq!(writer.source.ended(count + 1).await[count].1, None);
        world.limit_disk(None);
    }
}
