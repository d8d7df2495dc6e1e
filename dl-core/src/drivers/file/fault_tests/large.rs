//! Large flushes, which are synced in their segment and never stand in a journal.

use super::*;
use crate::error::ErrorKind;

#[tokio::test(start_paused = true)]
async fn an_acknowledged_large_flush_survives_power_loss_and_stands_in_no_journal() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..1).await;
    let before = journaled(&world);
    let written = |id, number| if matches!(number, 0 | 5..8) { entry(id, number) } else { large(id, number) };
    for number in 1..10 {
        writer.put(written(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
    }
    assert_eq!(journaled(&world), before + 1, "the last of the small ones");
    assert_eq!(acked(&writer), 10);
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 10, written).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_journal_made_durable_goes_to_its_segment_bit_by_bit() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let begun = || world.calls(sim::Op::StartWriting);
    let middling = Bytes::from(vec![b'm'; 3_000]);
    for number in 1..=12 {
        writer.put(middling.clone());
        assert!(owner.ended(&writer, number).await);
    }
    assert_eq!(begun(), 4, "with every third of them");
    writer.put(middling);
    assert!(owner.ended(&writer, 13).await);
    // This one is synced there itself, with all before it.
    writer.put(large(writer.id, 13));
    assert!(owner.ended(&writer, 14).await);
    assert_eq!(begun(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_first_acknowledgement_of_a_large_flush_survives_power_loss() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.put(large(writer.id, 0));
    assert!(owner.ended(&writer, 1).await);
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 1, large).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_flush_whose_sync_failed_is_not_acknowledged_and_ends_its_writer_alone() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let (one, two) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    one.append(0..3).await;
    two.append(0..3).await;
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments"));
    one.put(large(one.id, 3));
    assert_eq!(one.source.ended(4).await[3].1, Some(ErrorKind::Unavailable));
    one.put("no more");
    assert_eq!(one.source.ended(5).await[4].1, Some(ErrorKind::Unavailable));
    two.append(3..6).await;
    // What the failed sync may have lost of the small ones is written again before the journal is emptied.
    let other = Opener::new(&world).await;
    recovered(
        &other.stores,
        one.id,
        3,
        |id, number| if number < 3 { entry(id, number) } else { large(id, number) },
    )
    .await;
    owner.stores.session.close().await.unwrap();
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(
        &next.stores,
        one.id,
        3,
        |id, number| if number < 3 { entry(id, number) } else { large(id, number) },
    )
    .await;
    recovered(&next.stores, two.id, 6, entry).await;
}

#[tokio::test(start_paused = true)]
async fn no_large_flush_goes_where_a_sync_failed() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    world.fail(Fault::new(sim::Op::Sync, libc::EIO).on("segments").by(owner.process.id()));
    // Small ones, until a journal is full and emptied, which fails.
    let synced = |line: &&String| line.contains(" Sync ") && line.contains("/segments/");
    let syncs = || world.story().iter().filter(synced).count();
    let (started, mut number) = (syncs(), 0);
    while syncs() == started {
        writer.put(entry(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
        number += 1;
        owner.seams.clock.sleep(Duration::from_millis(1)).await;
    }
    let before = journaled(&world);
    writer.put(large(writer.id, number));
    assert!(owner.ended(&writer, number as usize + 1).await);
    assert_eq!(acked(&writer), number + 1);
    assert!(journaled(&world) > before, "it went through the journal");
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(
        &next.stores,
        writer.id,
        number + 1,
        |id, at| if at == number { large(id, at) } else { entry(id, at) },
    )
    .await;
}
