//! Reading a ledger and following it.

use super::*;
use crate::ledger::ReadOptions;

#[tokio::test]
async fn a_reader_follows_the_writer_to_the_end() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let reader = world.other().await.open_without_recovery(writer.id(), b"secret").await.unwrap();
    append(&writer, 0..2).await;
    let confirmed = reader.wait(None).await.unwrap();
    assert_eq!(confirmed, Confirmed { last: Some(id(0)), closed: false }, "entry 1 brought the LAC along");
    assert_eq!(read(&reader, 0, 1).await, [payload(0)]);
    let (confirmed, ()) = tokio::join!(reader.wait(Some(id(0))), async { writer.publish() });
    assert_eq!(confirmed.unwrap().last, Some(id(1)));
    assert_eq!(read(&reader, 0, 2).await, [payload(0), payload(1)]);
    let (end, closed) = tokio::join!(reader.wait(Some(id(1))), writer.close());
    assert_eq!(closed.unwrap(), Some(id(1)));
    assert_eq!(end.unwrap(), Confirmed { last: Some(id(1)), closed: true });
}

#[tokio::test]
async fn a_bookie_that_comes_back_while_another_is_silent_is_asked_again() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..2).await;
    let reader = world.other().await.open_without_recovery(writer.id(), b"secret").await.unwrap();
    let bookies = reader.metadata().metadata.last_ensemble().1.to_vec();
    for entries in [false, true] {
        world.kill(&bookies[0]);
        world.freeze(&bookies[1..if entries { 3 } else { 2 }]);
        let look = async {
            if entries { read(&reader, 0, 1).await.len() } else { reader.refresh().await.map(|_| 1).unwrap() }
        };
        // When this is polled first, one has refused and another is silent. What was asked again meets the same.
        let silence = async {
            assert_eq!(world.lose_patience(), 1);
            let mut lost = 1;
            loop {
                tokio::task::yield_now().await;
                lost += world.lose_patience();
                if lost > 3 {
                    world.revive(&bookies[0]);
                }
            }
        };
        let found: usize = tokio::select! { biased; found = look => found, () = silence => 0 };
        assert_eq!(found, 1);
        world.thaw();
    }
}

#[tokio::test]
async fn entries_are_read_from_the_bookie_that_told_of_them() {
    // Nobody else would be asked while a bookie is silent.
    let read_options = ReadOptions { speculate_ms: 0, ..ReadOptions::default() };
    let options = ClientOptions { read: read_options, ..ClientOptions::default() };
    let world = World::with(3, options).await;
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..1).await;
    let reader = world.client.open_without_recovery(writer.id(), b"secret").await.unwrap();
    let first = reader.metadata().metadata.last_ensemble().1[..1].to_vec();
    for told in [3, 7] {
        append(&writer, told - 2..told).await;
        world.freeze(&first);
        append(&writer, told..told + 2).await;
        let news = async {
            let mut last = None;
            while last < Some(id(told)) {
                last = reader.wait(last).await.unwrap().last;
            }
            // One of them came along.
            read(&reader, told - 1, told + 1).await
        };
        let silence = async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            found = news => assert_eq!(found, [payload(told - 1), payload(told)]),
            () = silence => panic!("a bookie that is silent was waited for"),
        }
        world.thaw();
    }
}

#[tokio::test]
async fn an_entry_that_did_not_fit_is_fetched_once() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    for bytes in [100, 100, 100, 250, 100] {
        writer.append(vec![0; bytes].into()).await.unwrap().await.unwrap();
    }
    writer.close().await.unwrap();
    let reader = world.client.open_without_recovery(writer.id(), b"secret").await.unwrap();
    let sizes = async |first, max_bytes| -> Vec<usize> {
        let found = reader.read(id(first), id(4), max_bytes).await.unwrap();
        found.iter().map(|entry| entry.payload.len()).collect()
    };
    assert_eq!(sizes(0, 150).await, [100], "now it knows how large they are");
    let fetched = world.fetches();
    assert_eq!(sizes(2, 300).await, [100]);
    assert_eq!(world.fetches() - fetched, 1);
    assert_eq!(sizes(3, 300).await, [250]);
    assert_eq!(world.fetches() - fetched, 1, "it came along");
    assert_eq!(sizes(4, 300).await, [100]);
    assert_eq!(world.fetches() - fetched, 2);
}

#[tokio::test]
async fn who_looks_anew_sees_the_end_and_the_length() {
    let world = World::new(3).await;
    let writer = world.client.create(three()).await.unwrap();
    let other = world.other().await;
    let reader = other.open_without_recovery(writer.id(), b"secret").await.unwrap();
    append(&writer, 0..3).await;
    let length: u64 = (0..3).map(|number| payload(number).len() as u64).sum();
    assert_eq!(reader.refresh().await.unwrap(), Confirmed { last: Some(id(1)), closed: false });
    assert_eq!(reader.length().await.unwrap(), length, "with the entry that is not confirmed yet");
    writer.close().await.unwrap();
    assert_eq!(reader.refresh().await.unwrap(), Confirmed { last: Some(id(2)), closed: true });
    assert_eq!(reader.length().await.unwrap(), length);
    assert_eq!(read(&reader, 0, 3).await, [payload(0), payload(1), payload(2)]);
    assert!(reader.wait(Some(id(2))).await.unwrap().closed);
    other.delete(writer.id()).await.unwrap();
    assert_eq!(reader.refresh().await.unwrap_err().kind(), ErrorKind::NoSuchLedger);
}

/// A metadata store that fails the next read, or never ends it, when it is told to.
struct Failing {
    store: Arc<MemoryCluster>,
    fails: AtomicBool,
    hangs: AtomicBool,
}

#[async_trait]
impl LedgerStore for Failing {
    async fn new_id(&self) -> Result<LedgerId> {
        self.store.new_id().await
    }

    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> Result<Version> {
        self.store.create(id, metadata).await
    }

    async fn read(&self, id: LedgerId) -> Result<Option<Versioned>> {
        if self.hangs.swap(false, Ordering::Relaxed) {
            return std::future::pending().await;
        }
        if self.fails.swap(false, Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::MetadataStore, "it does not answer"));
        }
        self.store.read(id).await
    }

    async fn write(&self, id: LedgerId, metadata: &LedgerMetadata, expected: Version) -> Result<Written> {
        self.store.write(id, metadata, expected).await
    }

    async fn delete(&self, id: LedgerId) -> Result<()> {
        self.store.delete(id).await
    }

    async fn list(&self, after: Option<LedgerId>, limit: usize) -> Result<Vec<LedgerId>> {
        self.store.list(after, limit).await
    }

    fn watch(&self, id: LedgerId) -> Result<Watch> {
        LedgerStore::watch(&*self.store, id)
    }
}

#[tokio::test]
async fn news_of_the_metadata_is_not_lost_when_the_store_fails_or_the_call_is_dropped() {
    let world = World::new(3).await;
    let (fails, hangs) = (AtomicBool::new(false), AtomicBool::new(false));
    let store = Arc::new(Failing { store: world.metadata.clone(), fails, hangs });
    let options = ClientOptions::default();
    let seams = Seams::system();
    let cluster =
        Cluster::over(store.clone(), world.metadata.clone(), world.fakes.clone(), options, seams).await;
    let client = BookKeeper(cluster.unwrap());
    let writer = world.client.create(three()).await.unwrap();
    append(&writer, 0..1).await;
    let reader = client.open_without_recovery(writer.id(), b"secret").await.unwrap();
    writer.close().await.unwrap();
    store.fails.store(true, Ordering::Relaxed);
    assert_eq!(reader.wait(Some(id(0))).await.unwrap_err().kind(), ErrorKind::MetadataStore);
    store.hangs.store(true, Ordering::Relaxed);
    let wait_once = async || {
        tokio::select! { biased; found = reader.wait(Some(id(0))) => Some(found.unwrap()), () = async {} => None }
    };
    assert_eq!(wait_once().await, None);
    assert!(!store.hangs.load(Ordering::Relaxed), "it was dropped while it read");
    assert_eq!(wait_once().await, Some(Confirmed { last: Some(id(0)), closed: true }));
}
