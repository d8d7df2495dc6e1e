//! Failures e and f: names and data that were never durable, syncs that fail, and emptying journals through all of it.

use super::*;
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn e_the_first_acknowledgement_survives_power_loss() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..1).await;
    after_power_loss(&world, writer.id, 1).await;
}

#[tokio::test(start_paused = true)]
async fn e_segments_are_found_once_their_journals_were_emptied() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    for number in 0..12 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    until(&owner.seams.clock, || recycled(&world) >= 2).await;
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 12, large).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_journal_whose_sync_failed_acknowledges_nothing_more() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let (one, two) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    one.append(0..3).await;
    two.append(0..3).await;
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("journals"));
    one.put(entry(one.id, 3));
    assert_eq!(one.source.ended(4).await[3].1, Some(ErrorKind::Unavailable));
    one.put("no more");
    assert_eq!(one.source.ended(5).await[4].1, Some(ErrorKind::Unavailable));
    // Who had nothing in it goes on, in another journal.
    two.append(3..6).await;
    let fresh = TestWriter::start(&owner.stores).await;
    fresh.append(0..6).await;
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, one.id, 3, entry).await;
    recovered(&next.stores, two.id, 6, entry).await;
    recovered(&next.stores, fresh.id, 6, entry).await;
}

/// A writer whose segment failed to sync while its first journal was emptied.
async fn a_failed_segment_sync(world: &World) -> (Opener, TestWriter) {
    let owner = Opener::new(world).await;
    let writer = TestWriter::start(&owner.stores).await;
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments").by(owner.process.id()));
    for number in 0..6 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    let synced = |line: &String| line.contains(" Sync ") && line.contains("/segments/");
    until(&owner.seams.clock, || world.story().iter().any(synced)).await;
    (owner, writer)
}

#[tokio::test(start_paused = true)]
async fn f_what_a_failed_segment_sync_lost_is_written_again() {
    let world = machine();
    let (owner, writer) = a_failed_segment_sync(&world).await;
    // The next sync succeeds, and says nothing about what the failed one covered.
    until(&owner.seams.clock, || recycled(&world) >= 1).await;
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 6, large).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_failed_segment_sync_followed_by_a_kill() {
    let world = machine();
    let (owner, writer) = a_failed_segment_sync(&world).await;
    owner.process.kill();
    let next = Opener::new(&world).await;
    assert!(recycled(&world) >= 1, "the journal of the dead process was emptied");
    drop(next);
    world.power_loss();
    let last = Opener::new(&world).await;
    recovered(&last.stores, writer.id, 6, large).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_failed_segment_sync_followed_by_a_kill_among_the_living() {
    let world = machine();
    let living = Opener::new(&world).await;
    let (owner, writer) = a_failed_segment_sync(&world).await;
    owner.process.kill();
    let next = Opener::new(&world).await;
    recovered(&living.stores, writer.id, 6, large).await;
    assert!(recycled(&world) >= 1, "the journal of the dead process was emptied");
    drop(next);
    world.power_loss();
    let last = Opener::new(&world).await;
    recovered(&last.stores, writer.id, 6, large).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_failed_sync_of_the_owner_is_not_forgotten_when_another_completes_the_segment() {
    let world = machine();
    let other = Opener::new(&world).await;
    let (owner, writer) = a_failed_segment_sync(&world).await;
    // Its own sync succeeds: the kernel told the owner of the failure, once.
    recovered(&other.stores, writer.id, 6, large).await;
    until(&owner.seams.clock, || recycled(&world) >= 1).await;
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 6, large).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_sync_that_fails_in_the_process_that_takes_over() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..5).await;
    let other = Opener::new(&world).await;
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments").by(other.process.id()));
    let error = other.stores.segments.recover(writer.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(recovered(&other.stores, writer.id, 5, entry).await, 5);
    // The owner does its duty, and goes.
    owner.stores.session.close().await.unwrap();
    after_power_loss(&world, writer.id, 5).await;
}

#[tokio::test(start_paused = true)]
async fn f_a_write_back_that_failed_without_a_sync() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    for number in 0..3 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    let path = world.files().into_iter().find(|path| path.starts_with(directory(&world).join("segments")));
    world.fail_write_back(&path.unwrap());
    for number in 3..12 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    until(&owner.seams.clock, || recycled(&world) >= 2).await;
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 12, large).await;
}

/// Power fails at each boundary while a writer fills journals and they are emptied.
async fn power_lost_during_recycle(keep: Keep, owner_lives: bool) {
    for boundary in 0.. {
        let world = World::new(boundary);
        world.keep(keep);
        let owner = Opener::new(&world).await;
        let other = Opener::new(&world).await;
        let writer = TestWriter::start(&owner.stores).await;
        if !owner_lives {
            // Its journals are then emptied by one who comes later.
            for number in 0..7 {
                writer.put(large(writer.id, number));
                owner.ended(&writer, number as usize + 1).await;
            }
            owner.process.kill();
        }
        world.crash_at(world.boundaries() + boundary);
        if owner_lives {
            for number in 0..9 {
                writer.put(large(writer.id, number));
                if !owner.ended(&writer, number as usize + 1).await {
                    break;
                }
            }
            if world.is_on() {
                until(&owner.seams.clock, || recycled(&world) >= 1 || !world.is_on()).await;
            }
        } else {
            let (seams, process) = world.process();
            let _may_die = process.run(open_sim(&world, &seams)).await;
        }
        let struck = !world.is_on();
        world.restart();
        world.clear_plans();
        let least = acked(&writer);
        let next = Opener::new(&world).await;
        recovered(&next.stores, writer.id, least, large).await;
        drop(other);
        if !struck {
            assert!(recycled(&world) >= 1 && boundary > 5);
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn power_lost_during_recycle_with_the_owner_alive() {
    power_lost_during_recycle(Keep::Nothing, true).await;
    power_lost_during_recycle(Keep::Some, true).await;
}

#[tokio::test(start_paused = true)]
async fn power_lost_during_recycle_with_the_owner_dead() {
    power_lost_during_recycle(Keep::Nothing, false).await;
    power_lost_during_recycle(Keep::Some, false).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_segment_does_not_come_back_with_the_power() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    for number in 0..7 {
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    until(&owner.seams.clock, || recycled(&world) >= 1).await;
    let ops = owner.stores.segments.delete(&[writer.id]).await.unwrap();
    owner.stores.metadata.commit(&ops).await.unwrap();
    world.power_loss();
    let _next = Opener::new(&world).await;
    let left = world.files().into_iter().filter(|path| path.starts_with(directory(&world).join("segments")));
    assert_eq!(left.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_next_journal_is_ready_before_the_one_before_it_is_full() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let journals = directory(&world).join("journals");
    let made = || world.files().iter().filter(|path| path.starts_with(&journals)).count();
    let mut number = 0;
    let put = async |number: usize| {
        writer.put(vec![b'x'; 10_000]);
        assert!(owner.ended(&writer, number + 1).await);
    };
    // Three blocks each: six are a good third of it, and more than half is left.
    while number < 6 {
        put(number).await;
        number += 1;
    }
    until(&owner.seams.clock, || made() == 2).await;
    while recycled(&world) < 3 {
        put(number).await;
        number += 1;
    }
    assert_eq!(made(), 2, "they take turns");
}

/// Synced as a whole, it would keep the syncs of all writers waiting.
#[tokio::test(start_paused = true)]
async fn the_next_journal_is_synced_piece_by_piece() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let journals = directory(&world).join("journals");
    let made = || world.files().into_iter().filter(|path| path.starts_with(&journals)).collect::<Vec<_>>();
    writer.append(0..1).await;
    let first = made();
    for number in 1..7 {
        writer.put(vec![b'x'; 10_000]);
        assert!(owner.ended(&writer, number + 1).await);
    }
    until(&owner.seams.clock, || made().len() == 2).await;
    let next = made().into_iter().find(|path| !first.contains(path)).unwrap();
    assert!(world.content(&next).len() < usize::try_from(JOURNAL_BYTES).unwrap(), "there is time");
}
