//! Callers that lend their thread to a group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::closing::Broken;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::store::{EntrySource, Replication};

/// Has nothing; gives another writer an entry when it is cut off.
struct Heir(TestWriter);

impl EntrySource for Heir {
    fn next_entry(&self) -> Option<Bytes> {
        None
    }

    fn settled(&self, _entry: u64, _result: Result<()>) -> usize {
        0
    }

    fn broken(&self, _error: Error) {
        self.0.put_and_work(entry(self.0.id, 0));
    }
}

/// What comes of this, unless it takes longer.
async fn within<T>(owner: &Opener, time: Duration, wanted: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        wanted = wanted => Some(wanted),
        () = owner.seams.clock.sleep(time) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_comes_while_the_thread_looks_at_writers_is_taken_at_once() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let heir = Arc::new(Heir(TestWriter::start(&owner.stores).await));
    let allocation = owner.stores.segments.allocate("/a/<default>", &[]).await.unwrap();
    let _idle =
        owner.stores.segments.create(allocation.id, heir.clone(), Replication::default()).await.unwrap();
    owner.stores.metadata.commit(&allocation.start_ops).await.unwrap();
    let other = Opener::new(&world).await;
    other.stores.segments.recover(allocation.id).await.unwrap();
    // Less than a second, after which the thread is told to look at its writers in any case.
    let ended = within(&owner, Duration::from_millis(500), heir.0.source.ended(1)).await;
    assert_eq!(ended.expect("nobody took it"), [(0, None)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_round_fails_tells_every_writer() {
    let world = machine();
    let owner = Opener::new(&world).await;
    let (writer, idle) = (TestWriter::start(&owner.stores).await, TestWriter::start(&owner.stores).await);
    writer.append(0..3).await;
    let id = owner.stores.segments.allocate("/a/<default>", &[]).await.unwrap().id;
    let broken = owner.stores.segments.create(id, Arc::new(Broken), Replication::default()).await.unwrap();
    // In the round that fails, since the thread does not get to it before.
    writer.put(entry(writer.id, 3));
    catch_unwind(AssertUnwindSafe(|| broken.wake_and_work())).unwrap_err();
    let told = async { (writer.source.cut_off().await, idle.source.cut_off().await) };
    let told = within(&owner, Duration::from_secs(10), told).await;
    assert_eq!(told.expect("nobody told them"), (ErrorKind::Internal, ErrorKind::Internal));
    let next = Opener::new(&world).await;
    recovered(&next.stores, writer.id, 3, entry).await;
    owner.stores.session.close().await.unwrap();
}
