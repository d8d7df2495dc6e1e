//! Large flushes run aside from rounds: others do not wait for them, and what comes behind one waits for it.

use std::sync::Mutex;

use super::*;
use crate::error::{Error, ErrorKind};
use crate::store::{EntrySource, Replication};

#[tokio::test(start_paused = true)]
async fn a_small_share_does_not_wait_for_the_sync_of_a_large_one() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let (loud, quiet) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    loud.append(0..1).await;
    quiet.append(0..1).await;
    let told = world.story().len();
    // In one round: a caller's, since to share one out lets others run.
    loud.put(large(loud.id, 1));
    quiet.put_and_work(entry(quiet.id, 1));
    assert!(owner.ended(&loud, 2).await && owner.ended(&quiet, 2).await);
    let story = world.story().split_off(told);
    let first = |folder: &str| story.iter().position(|line| line.contains(" Sync ") && line.contains(folder));
    assert!(first("/journals/").unwrap() < first("/segments/").unwrap(), "{story:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_a_large_flush_waits_for_it_and_survives_with_it() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..1).await;
    writer.put_and_work(large(writer.id, 1));
    for number in 2..8 {
        // From both sides, and before the flush has begun. The source sees to it that all end in order.
        match number % 3 {
            1 => writer.put_and_work(large(writer.id, number)),
            0 => writer.put_and_work(entry(writer.id, number)),
            _ => writer.put(entry(writer.id, number)),
        }
        assert_eq!(acked(&writer), 1, "nothing overtakes the first");
    }
    assert!(owner.ended(&writer, 8).await);
    assert_eq!(acked(&writer), 8);
    world.power_loss();
    let next = Opener::new(&world).await;
    let written = |id, number| if number % 3 == 1 { large(id, number) } else { entry(id, number) };
    recovered(&next.stores, writer.id, 8, written).await;
}

#[tokio::test(start_paused = true)]
async fn who_had_a_large_flush_stays_aside_until_it_has_less() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let mut aside = Vec::new();
    for (number, bytes) in [3_000, 12_000, 3_000, 8_000, 3_000, 6_000, 12_000].into_iter().enumerate() {
        let before = journaled(&world);
        writer.put(vec![7; bytes]);
        assert!(owner.ended(&writer, number + 1).await);
        aside.push(journaled(&world) == before);
    }
    // With what it had before, the last one that is aside is not as much as one large flush.
    assert_eq!(aside, [false, true, true, true, true, true, true]);
    for (number, expected) in [(7, true), (8, true), (9, false)] {
        let before = journaled(&world);
        writer.put(entry(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
        assert_eq!(journaled(&world) == before, expected, "entry {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_fenced_during_its_large_flush_is_told_once() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    writer.append(0..3).await;
    writer.put_and_work(large(writer.id, 3));
    owner.process.freeze();
    let other = Opener::new(&world).await;
    assert_eq!(recovered(&other.stores, writer.id, 3, entry).await, 3);
    owner.process.thaw();
    assert_eq!(writer.source.cut_off().await, ErrorKind::Fenced);
    writer.put(entry(writer.id, 4));
    assert_eq!(acked(&writer), 3);
    owner.stores.session.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_large_flushes() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let mut writers = Vec::new();
    for _ in 0..5 {
        writers.push(TestWriter::start(&owner.stores).await);
    }
    writers[0].append(0..1).await;
    // More than run at once, and each has more to do.
    for (number, writer) in writers.iter().enumerate() {
        let first = u64::from(number == 0);
        writer.put_and_work(large(writer.id, first));
        writer.put(large(writer.id, first + 1));
    }
    owner.process.run(owner.stores.session.close()).await.unwrap().unwrap();
    let acked: Vec<_> = writers.iter().map(acked).collect();
    let begun = [2, 1, 1, 1, 1];
    assert!(acked.iter().zip(begun).all(|(acked, begun)| *acked >= begun), "{acked:?}");
    world.power_loss();
    let next = Opener::new(&world).await;
    for (writer, acked) in writers.iter().zip(acked) {
        let written =
            |id, number| if id == writers[0].id && number == 0 { entry(id, 0) } else { large(id, number) };
        recovered(&next.stores, writer.id, acked, written).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_what_is_taken_aside_before_it_has_a_place() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let writer = TestWriter::start(&owner.stores).await;
    let mut number = 0;
    writer.put(large(writer.id, 0));
    assert!(owner.ended(&writer, 1).await);
    world.limit_disk(Some(0));
    let refused = loop {
        number += 1;
        writer.put(large(writer.id, number));
        assert!(owner.ended(&writer, number as usize + 1).await);
        if let Some(kind) = writer.source.so_far()[number as usize].1 {
            break kind;
        }
        assert!(number < 1_000, "the disk does not fill");
    };
    assert_eq!(refused, ErrorKind::StorageFull);
    world.limit_disk(None);
    writer.put(large(writer.id, number));
    assert!(owner.ended(&writer, number as usize + 2).await);
    assert_eq!(acked(&writer), number + 1);
    world.power_loss();
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, number + 1, large).await;
}

#[tokio::test(start_paused = true)]
async fn without_threads_large_flushes_take_turns_with_rounds() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let (loud, quiet) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    quiet.append(0..1).await;
    owner.process.refuse_threads(true);
    let told = world.story().len();
    // Each end of a large entry adds the next.
    loud.source.echo(loud.writer.clone(), (1..8).map(|number| large(loud.id, number)));
    loud.put(large(loud.id, 0));
    quiet.put_and_work(entry(quiet.id, 1));
    assert!(owner.ended(&loud, 8).await && owner.ended(&quiet, 2).await);
    loud.source.forget_echo();
    let story = world.story().split_off(told);
    let syncs = |folder: &'static str| {
        let synced = move |line: &String| line.contains(" Sync ") && line.contains(folder);
        story.iter().enumerate().filter(move |(_, line)| synced(line)).map(|(at, _)| at)
    };
    let quiet_synced = syncs("/journals/").next().unwrap();
    assert!(syncs("/segments/").filter(|at| *at < quiet_synced).count() <= 1, "{story:#?}");
}

/// Gives one large entry and fails when it is told of its end.
struct Late(Mutex<Option<Bytes>>);

impl EntrySource for Late {
    fn next_entry(&self) -> Option<Bytes> {
        self.0.lock().unwrap().take()
    }

    fn settled(&self, _entry: u64, _result: Result<()>) -> usize {
        panic!("a source that fails");
    }

    fn broken(&self, _error: Error) {}
}

#[tokio::test(start_paused = true)]
async fn a_large_flush_that_fails_in_its_thread_tells_every_writer() {
    let world = machine();
    let owner = Opener::with_large_flushes(&world).await;
    let idle = TestWriter::start(&owner.stores).await;
    idle.append(0..3).await;
    let allocation = owner.stores.segments.allocate("/a/<default>", &[]).await.unwrap();
    let source = Arc::new(Late(Mutex::new(Some(large(allocation.id, 0)))));
    let late = owner.stores.segments.create(allocation.id, source, Replication::default()).await.unwrap();
    owner.stores.metadata.commit(&allocation.start_ops).await.unwrap();
    late.wake();
    assert_eq!(idle.source.cut_off().await, ErrorKind::Internal);
    let next = Opener::new(&world).await;
    recovered(&next.stores, idle.id, 3, entry).await;
    owner.stores.session.close().await.unwrap();
}
