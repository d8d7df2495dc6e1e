//! Callers that lend their thread to a group commit.

use super::*;
use crate::error::Error;
use crate::store::EntrySource;

/// Has nothing; gives another writer an entry when it is cut off.
struct Heir(TestWriter);

impl EntrySource for Heir {
    fn next_entry(&self) -> Option<Bytes> {
        None
    }

    fn settled(&self, _entry: u64, _result: Result<()>) {}

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
    let allocation = owner.stores.segments.allocate("/a/<default>").await.unwrap();
    let _idle = owner.stores.segments.create(allocation.id, heir.clone()).await.unwrap();
    owner.stores.metadata.commit(&allocation.start_ops).await.unwrap();
    let other = Opener::new(&world).await;
    other.stores.segments.recover(allocation.id).await.unwrap();
    // Less than a second, after which the thread is told to look at its writers in any case.
    let ended = within(&owner, Duration::from_millis(500), heir.0.source.ended(1)).await;
    assert_eq!(ended.expect("nobody took it"), [(0, None)]);
}
