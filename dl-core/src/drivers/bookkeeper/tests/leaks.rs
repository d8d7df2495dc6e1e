//! No ledger is forgotten: each belongs to a segment, or is named where the next writer finds it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use dl_bookkeeper::{
    BookKeeper, BookieId, ClientOptions, LedgerId, LedgerMetadata, LedgerStore, MemoryCluster,
    Version as LedgerVersion, Versioned, Watch as LedgerWatch, Written,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::segments::{OnBookies, for_ever, ledger_options};
use super::*;
use crate::drivers::bookkeeper::segments::LedgerSegments;
use crate::error::{ErrorKind, Result};
use crate::metadata::{Child, Lock, MetadataStore, Node, Watch};
use crate::store::{EntrySource, Replication, SegmentStore};
use crate::telemetry::{Events, Telemetry};
use crate::testing::stores::source::{Source, make_log};
use crate::{LogName, Namespace, Options, ReaderOptions, WriterOptions};

const ROOT: &str = "/log/<default>";
const ALLOCATION: &str = "/log/<default>/allocation";

/// A process that is frozen for good at one of its calls: before it, or when it has taken effect.
struct Mortal {
    /// Calls that it lives for.
    left: AtomicUsize,
    /// Whether the last one takes effect.
    at_the_end: bool,
    metadata: Arc<dyn MetadataStore>,
    ledgers: Arc<dyn LedgerStore>,
}

impl Mortal {
    async fn call<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        match left {
            0 => std::future::pending().await,
            1 if self.at_the_end => {
                call.await;
                std::future::pending().await
            }
            1 => std::future::pending().await,
            _ => call.await,
        }
    }
}

#[async_trait]
impl MetadataStore for Mortal {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        self.call(self.metadata.get(path)).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        self.metadata.children(path).await
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        self.call(self.metadata.commit(ops)).await
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        self.metadata.watch(path)
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        self.metadata.watch_below(path, name)
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        gone: crate::seams::BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        self.metadata.lock(path, owner, takeover, gone).await
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        self.metadata.lock_owner(path).await
    }
}

#[async_trait]
impl LedgerStore for Mortal {
    async fn new_id(&self) -> dl_bookkeeper::Result<LedgerId> {
        self.call(self.ledgers.new_id()).await
    }

    async fn create(&self, id: LedgerId, metadata: &LedgerMetadata) -> dl_bookkeeper::Result<LedgerVersion> {
        self.call(self.ledgers.create(id, metadata)).await
    }

    async fn read(&self, id: LedgerId) -> dl_bookkeeper::Result<Option<Versioned>> {
        self.ledgers.read(id).await
    }

    async fn write(
        &self,
        id: LedgerId,
        metadata: &LedgerMetadata,
        expected: LedgerVersion,
    ) -> dl_bookkeeper::Result<Written> {
        self.ledgers.write(id, metadata, expected).await
    }

    async fn delete(&self, id: LedgerId) -> dl_bookkeeper::Result<()> {
        self.call(self.ledgers.delete(id)).await
    }

    async fn list(&self, after: Option<LedgerId>, limit: usize) -> dl_bookkeeper::Result<Vec<LedgerId>> {
        self.ledgers.list(after, limit).await
    }

    fn watch(&self, id: LedgerId) -> dl_bookkeeper::Result<LedgerWatch> {
        self.ledgers.watch(id)
    }
}

/// A log's nodes and a cluster, both in memory.
struct World {
    seams: Seams,
    stores: Stores,
    cluster: Arc<MemoryCluster>,
}

impl World {
    async fn new() -> Self {
        let seams = Seams::system().unwrap();
        let stores = memory::open(&name(), &seams);
        make_log(&stores).await;
        let cluster = Arc::new(MemoryCluster::new());
        for bookie in ["a:1", "b:1", "c:1"] {
            cluster.register(BookieId::new(bookie).unwrap(), "127.0.0.1:1", true);
        }
        Self { seams, stores, cluster }
    }

    /// The segment store of a process that lives for so many calls.
    async fn process(&self, calls: usize, at_the_end: bool) -> (LedgerSegments, Arc<Mortal>) {
        let mortal = Arc::new(Mortal {
            left: AtomicUsize::new(calls),
            at_the_end,
            metadata: self.stores.metadata.clone(),
            ledgers: self.cluster.clone(),
        });
        let (options, seams) = (ClientOptions::default(), dl_bookkeeper::Seams::system());
        let client = BookKeeper::connect(mortal.clone(), self.cluster.clone(), options, seams).await.unwrap();
        let (options, seams, tasks) =
            (ledger_options("/", false), self.seams.clone(), self.seams.tasks.clone());
        (LedgerSegments::new(client, mortal.clone(), options, move || for_ever(&seams), tasks), mortal)
    }

    /// The ledgers that there are.
    async fn ledgers(&self) -> Vec<i64> {
        let ledgers: Arc<dyn LedgerStore> = self.cluster.clone();
        ledgers.list(None, 1_000).await.unwrap().into_iter().map(LedgerId::number).collect()
    }

    /// The ledger that the log's node names.
    async fn parked(&self) -> Option<i64> {
        let node = self.stores.metadata.get(ALLOCATION).await.unwrap().unwrap();
        std::str::from_utf8(&node.data).unwrap().parse().ok()
    }

    /// The ledgers that segments have.
    async fn used(&self) -> Vec<i64> {
        let children = self.stores.metadata.children("/log/<default>/ledgers").await.unwrap().unwrap();
        children.into_iter().map(|child| child.name.parse().unwrap()).collect()
    }
}

/// Makes a segment part of the log.
async fn start(segments: &LedgerSegments, metadata: &dyn MetadataStore, guard: &[Op]) -> Result<bool> {
    let allocation = segments.allocate(ROOT, guard).await?;
    let source: Arc<dyn EntrySource> = Arc::new(Source::default());
    let _writer = segments.create(allocation.id, source, Replication::default()).await?;
    let mut ops = allocation.start_ops;
    ops.push(Op::create(format!("/log/<default>/ledgers/{}", allocation.id), ""));
    Ok(matches!(metadata.commit(&ops).await?, Outcome::Committed(_)))
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "paused time ends a process that is frozen")]
async fn whoever_dies_between_two_steps_leaves_no_ledger_behind() {
    let mut deaths = 0;
    for at_the_end in [false, true] {
        for calls in 1.. {
            let world = World::new().await;
            // The second one finds what the first one left, and dies over it as well.
            let mut died = false;
            for _ in 0..2 {
                let (segments, mortal) = world.process(calls, at_the_end).await;
                let dying = start(&segments, &*mortal, &[]);
                died |= tokio::time::timeout(Duration::from_secs(1), dying).await.is_err();
                let (parked, used) = (world.parked().await, world.used().await);
                for ledger in world.ledgers().await {
                    let known = parked == Some(ledger) || used.contains(&ledger);
                    assert!(known, "ledger {ledger} is forgotten after {calls} calls");
                }
            }
            if !died {
                break;
            }
            deaths += 1;
            let (segments, mortal) = world.process(usize::MAX, false).await;
            assert!(start(&segments, &*mortal, &[]).await.unwrap());
            assert_eq!(world.parked().await, None);
            let mut used = world.used().await;
            used.sort_unstable();
            assert_eq!(world.ledgers().await, used);
        }
    }
    assert!(deaths >= 12, "{deaths}");
}

#[tokio::test]
async fn who_was_overtaken_gives_out_nothing() {
    let world = World::new().await;
    let metadata = &*world.stores.metadata;
    let lock = Op::create("/lock", "");
    metadata.commit(std::slice::from_ref(&lock)).await.unwrap();
    let guard = [Op::Check { path: "/lock".to_owned(), expect: crate::metadata::Expect::Any }];
    let (old, _) = world.process(usize::MAX, false).await;
    let early = old.allocate(ROOT, &guard).await.unwrap();
    // Another one takes the log over, and has a ledger of its own.
    let (new, _) = world.process(usize::MAX, false).await;
    let own = new.allocate(ROOT, &[]).await.unwrap();
    let source: Arc<dyn EntrySource> = Arc::new(Source::default());
    let error = old.create(early.id, source.clone(), Replication::default()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert_eq!(world.ledgers().await, Vec::<i64>::new());
    let _writer = new.create(own.id, source, Replication::default()).await.unwrap();
    metadata
        .commit(&[Op::Delete { path: "/lock".to_owned(), expect: crate::metadata::Expect::Any }])
        .await
        .unwrap();
    assert_eq!(old.allocate(ROOT, &guard).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!((world.parked().await, world.ledgers().await), (Some(own.id.get()), vec![own.id.get()]));
    assert!(matches!(metadata.commit(&own.start_ops).await.unwrap(), Outcome::Committed(_)));
}

#[tokio::test]
async fn without_bookies_that_take_entries_the_store_is_full() {
    let world = World::new().await;
    world.cluster.register(BookieId::new("c:1").unwrap(), "127.0.0.1:1", false);
    let (segments, mortal) = world.process(usize::MAX, false).await;
    let full = start(&segments, &*mortal, &[]).await.unwrap_err();
    assert!(full.kind() == ErrorKind::StorageFull && !full.may_have_taken_effect(), "{full}");
    world.cluster.unregister(&BookieId::new("c:1").unwrap());
    let (segments, mortal) = world.process(usize::MAX, false).await;
    assert_eq!(start(&segments, &*mortal, &[]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    world.cluster.register(BookieId::new("c:1").unwrap(), "127.0.0.1:1", true);
    let (segments, mortal) = world.process(usize::MAX, false).await;
    assert!(start(&segments, &*mortal, &[]).await.unwrap());
    assert_eq!(world.ledgers().await, world.used().await);
}

/// A bookie that wants a name and a password of whoever comes: to every request it says so.
async fn demanding() -> (String, tokio::task::JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mut serving) = (listener.local_addr().unwrap().to_string(), tokio::task::JoinSet::new());
    serving.spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                while let Ok(length) = client.read_u32().await {
                    let mut request = vec![0; usize::try_from(length).unwrap()];
                    client.read_exact(&mut request).await.unwrap();
                    // The header of the request is that of the answer; EUA is 502.
                    let header = &request[..2 + usize::from(request[1])];
                    let answer = [header, &[0x10, 0xf6, 0x03]].concat();
                    client.write_u32(u32::try_from(answer.len()).unwrap()).await.unwrap();
                    client.write_all(&answer).await.unwrap();
                }
            });
        }
    });
    (address, serving)
}

#[tokio::test]
async fn where_bookies_want_a_name_who_shows_none_begins_nothing() {
    let world = World::new().await;
    let (address, _serving) = demanding().await;
    for bookie in ["a:1", "b:1", "c:1"] {
        world.cluster.register(BookieId::new(bookie).unwrap(), &address, true);
    }
    let (segments, mortal) = world.process(usize::MAX, false).await;
    let refused = start(&segments, &*mortal, &[]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(refused.message().contains("a name and a password"), "{refused}");
    assert_eq!((world.parked().await, world.ledgers().await), (None, Vec::new()));
}

/// A payload that fills a segment.
fn payload(number: u64) -> Bytes {
    Bytes::from(format!("{number};").repeat(1_000))
}

/// A log's whole life, on real bookies.
#[tokio::test]
async fn a_log_that_is_rolled_taken_over_truncated_and_deleted_leaves_no_ledger() {
    let fixture = OnBookies::new();
    let open = async |owner: &str| {
        let telemetry = Arc::new(Telemetry::new(Events::default()));
        let seams = Seams::system().unwrap();
        let (stores, options) = (fixture.open().await, Options::default());
        (stores.clone(), Namespace::on(stores, seams, options, owner.to_owned(), telemetry))
    };
    let ((stores, one), (_, two)) = (open("one").await, open("two").await);
    let name = LogName::new("log").unwrap();
    one.create_log(&name).await.unwrap();
    let options = WriterOptions::default().roll_bytes(1_024);
    let first = one.log(&name).open_writer(options.clone()).await.unwrap();
    let mut last = None;
    for number in 0..5 {
        last = Some(first.append(payload(number)).await.unwrap().await.unwrap().dlsn);
    }
    let second = two.log(&name).open_writer(options).await.unwrap();
    let lost = async { first.append("lost").await?.await };
    assert_eq!(lost.await.unwrap_err().kind(), ErrorKind::Fenced);
    for number in 5..10 {
        second.append(payload(number)).await.unwrap().await.unwrap();
    }
    second.truncate(last.unwrap()).await.unwrap();
    let mut reader = one.log(&name).open_reader(ReaderOptions::default()).await.unwrap();
    let mut payloads = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        payloads.push(record.payload);
    }
    assert_eq!(payloads, (4..10).map(payload).collect::<Vec<_>>());
    second.close().await.unwrap();
    let segments = one.log(&name).segments().await.unwrap();
    let mut kept: Vec<i64> = segments.iter().map(|segment| segment.id.get()).collect();
    kept.sort_unstable();
    assert_eq!(fixture.ledgers().await, kept);

    // One that is given out and not used goes with its log too.
    let parked = stores.segments.allocate(ROOT, &[]).await.unwrap();
    let source: Arc<dyn EntrySource> = Arc::new(Source::default());
    drop(stores.segments.create(parked.id, source, Replication::default()).await.unwrap());
    assert_eq!(fixture.ledgers().await.len(), kept.len() + 1);
    one.delete_log(&name).await.unwrap();
    assert_eq!(fixture.ledgers().await, Vec::<i64>::new());
}
