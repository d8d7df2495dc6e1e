//! The segment store on real bookies.

use std::path::{Path, PathBuf};

use dl_bookkeeper::{
    BookKeeper, BookieRegistry, Bookies, ClientOptions, ConnectionOptions, DigestType, LedgerId,
    LedgerMetadata, LedgerState, LedgerStore, Priority, Quorum, ReadMode, ReadRequest, Request, Written,
    ZooKeeperBookies, ZooKeeperLedgers,
};
use tokio::sync::watch;

use super::*;
use crate::drivers::bookkeeper::segments::{Extent, Lease, LedgerOptions, LedgerSegments};
use crate::error::Result;
use crate::testing::stores::source::{TestWriter, entry, make_log};
use crate::types::{SegmentId, SegmentNumber};

/// A namespace on a cluster with bookies.
pub(super) struct OnBookies {
    cluster: Where,
    pub(super) root: String,
    explicit_lac: bool,
    /// Until when acknowledgements are released.
    extent: watch::Receiver<Extent>,
    opened: Mutex<Vec<(Weak<dyn StoreSession>, i64)>>,
}

enum Where {
    Shared,
    /// One that may be hurt.
    Own(Cluster),
}

impl OnBookies {
    pub(super) fn new() -> Self {
        Self {
            cluster: Where::Shared,
            root: name(),
            explicit_lac: false,
            extent: watch::channel(FOR_EVER).1,
            opened: Mutex::default(),
        }
    }

    fn with_explicit_lac() -> Self {
        Self { explicit_lac: true, ..Self::new() }
    }

    fn on_its_own() -> Self {
        dl_cluster::limit();
        Self { cluster: Where::Own(Cluster::start(&[])), ..Self::new() }
    }

    fn cluster(&self) -> &Cluster {
        match &self.cluster {
            Where::Shared => Cluster::shared(),
            Where::Own(cluster) => cluster,
        }
    }

    /// A client as a process of its own has it.
    pub(super) async fn bookkeeper(&self, zookeeper: &ZooKeeper) -> BookKeeper {
        let ledgers = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
        let bookies = ZooKeeperBookies::new(zookeeper.clone(), "/ledgers");
        let (options, seams) = (ClientOptions::default(), dl_bookkeeper::Seams::system());
        BookKeeper::connect(Arc::new(ledgers), Arc::new(bookies), options, seams).await.unwrap()
    }

    /// The ledgers that were made for this namespace and are still there.
    pub(super) async fn ledgers(&self) -> Vec<i64> {
        let bookkeeper = self.bookkeeper(&connect(self.cluster()).await).await;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let listed = bookkeeper.list(after, 1_000).await.unwrap();
            let Some(last) = listed.last().copied() else { return found };
            after = Some(last);
            for id in listed {
                // Other tests delete theirs meanwhile.
                let Ok(known) = bookkeeper.metadata(id).await else { continue };
                if known.metadata.custom == tag(&self.root) {
                    found.push(id.number());
                }
            }
        }
    }
}

/// What tells the ledgers of a namespace from others.
fn tag(root: &str) -> Vec<(String, bytes::Bytes)> {
    vec![("application".to_owned(), root.to_owned().into())]
}

pub(super) fn ledger_options(root: &str, explicit_lac: bool) -> LedgerOptions {
    let quorum = Quorum::new(3, 3, 2).unwrap();
    let (digest, password) = (DigestType::Crc32, bytes::Bytes::new());
    let (custom, first_number) = (tag(root), SegmentNumber::FIRST);
    LedgerOptions { quorum, digest, password, custom, explicit_lac, first_number }
}

const FOR_EVER: Extent = Extent { until: Duration::MAX, lapses: 0 };

/// A lease that runs for ever.
pub(super) fn for_ever(seams: &Seams) -> Lease {
    Lease::new(watch::channel(FOR_EVER).1, seams.clock.clone())
}

/// Both stores' sessions.
struct Session {
    metadata: Arc<ZooKeeperMetadata>,
    segments: Arc<LedgerSegments>,
}

#[async_trait]
impl StoreSession for Session {
    async fn close(&self) -> Result<()> {
        self.segments.close();
        self.metadata.close().await
    }
}

#[async_trait]
impl Fixture for OnBookies {
    async fn open(&self) -> Stores {
        let zookeeper = connect(self.cluster()).await;
        zookeeper.create(&self.root, b"", NodeMode::Persistent).await.unwrap();
        let id = zookeeper.session_id().unwrap();
        let seams = Seams::system().unwrap();
        let bookkeeper = self.bookkeeper(&zookeeper).await;
        let metadata = Arc::new(ZooKeeperMetadata::new(zookeeper, &self.root, &seams));
        let options = ledger_options(&self.root, self.explicit_lac);
        let (extent, clock) = (self.extent.clone(), seams.clock.clone());
        let leases = move || Lease::new(extent.clone(), clock.clone());
        let segments =
            LedgerSegments::new(bookkeeper, metadata.clone(), options, leases, seams.tasks.clone());
        let segments = Arc::new(segments);
        let session: Arc<dyn StoreSession> =
            Arc::new(Session { metadata: metadata.clone(), segments: segments.clone() });
        self.opened.lock().unwrap().push((Arc::downgrade(&session), id));
        Stores { metadata, segments, session }
    }

    async fn kill(&self, stores: Stores) {
        let killed = |opened: &(Weak<dyn StoreSession>, i64)| {
            std::ptr::addr_eq(opened.0.as_ptr(), Arc::as_ptr(&stores.session))
        };
        let id = self.opened.lock().unwrap().iter().find(|opened| killed(opened)).unwrap().1;
        self.cluster().run(&["expire-session", &format!("{id:#x}")]);
    }

    async fn damage(&self, segment: SegmentId, number: u64) -> bool {
        let Where::Own(cluster) = &self.cluster else { return false };
        // Of every replica, in the journal too, from which a bookie that was killed restores what it has.
        let payload = entry(segment, number);
        let mut changed = 0;
        for bookie in ["1", "2", "3"] {
            cluster.run(&["kill-bookie", bookie]);
            for file in files(&cluster.folder().join(format!("bookie-{bookie}"))) {
                changed += flip(&file, &payload);
            }
            cluster.run(&["start-bookie", bookie]);
        }
        // One more than an ack quorum has may have been on its way.
        assert!(changed >= 2, "{changed} copies were found");
        answering(cluster).await;
        true
    }
}

/// Waits until every bookie answers: one that was just started takes connections before it serves them.
async fn answering(cluster: &Cluster) {
    let registry = ZooKeeperBookies::new(connect(cluster).await, "/ledgers");
    let seams = dl_bookkeeper::Seams::system();
    let bookies = Bookies::new(Arc::new(registry.clone()), ConnectionOptions::default(), seams);
    let request = Request::Read(ReadRequest {
        ledger: LedgerId::new(0).unwrap(),
        entry: None,
        mode: ReadMode::Plain,
        priority: Priority::Normal,
    });
    for bookie in registry.bookies().await.unwrap() {
        let client = bookies.bookie(&bookie.id);
        while client.call(&request, None).await.is_err_and(|error| error.is_retryable()) {
            tokio::task::yield_now().await;
        }
    }
}

/// The files below a folder.
#[expect(clippy::disallowed_methods, reason = "bookies write to the real disk")]
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Changes a byte in each copy of these in a file; answers how many there were.
#[expect(clippy::disallowed_methods, reason = "bookies write to the real disk")]
fn flip(file: &Path, bytes: &[u8]) -> usize {
    let mut content = std::fs::read(file).unwrap();
    let copies: Vec<usize> = content
        .windows(bytes.len())
        .enumerate()
        .filter(|(_, window)| *window == bytes)
        .map(|(at, _)| at)
        .collect();
    copies.iter().for_each(|at| content[*at] ^= 1);
    if !copies.is_empty() {
        std::fs::write(file, content).unwrap();
    }
    copies.len()
}

mod segment_store {
    crate::segment_suite!(super::OnBookies::new());
}

mod with_explicit_lac {
    use crate::testing::stores::{run, segment_suite};

    #[tokio::test]
    async fn readers_see_what_is_acknowledged() {
        run(segment_suite::entries_end_in_order_and_are_read_as_written(
            &super::OnBookies::with_explicit_lac(),
        ))
        .await;
    }

    #[tokio::test]
    async fn readers_follow_a_writer_without_gap() {
        run(segment_suite::readers_follow_a_writer_without_gap(&super::OnBookies::with_explicit_lac())).await;
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_lease_does_not_run() {
    let (extend, extent) = watch::channel(Extent::default());
    let holding = OnBookies { extent, ..OnBookies::new() };
    let stores = holding.open().await;
    make_log(&stores).await;
    let writer = TestWriter::start(&stores).await;
    writer.put("one");
    // It is on the bookies, and its writer has had time to hear of it.
    let reader = stores.segments.open(writer.id).await.unwrap();
    while reader.bytes().await.unwrap() < 3 {}
    for _ in 0..20 {
        reader.bytes().await.unwrap();
    }
    assert_eq!(writer.source.so_far(), []);
    extend.send_replace(FOR_EVER);
    assert_eq!(writer.source.ended(1).await, [(0, None)]);
    // Nobody will extend it again.
    extend.send_replace(Extent::default());
    writer.put("two");
    drop(extend);
    assert_eq!(writer.source.ended(2).await[1], (1, Some(ErrorKind::Fenced)));
}

#[tokio::test]
async fn who_wakes_up_looks_for_a_recovery_before_anything_is_acknowledged() {
    let (extend, extent) = watch::channel(FOR_EVER);
    let holding = OnBookies { extent, ..OnBookies::new() };
    let stores = holding.open().await;
    make_log(&stores).await;
    let writer = TestWriter::start(&stores).await;
    writer.put("one");
    assert_eq!(writer.source.ended(1).await, [(0, None)]);

    // Nobody recovered it meanwhile.
    extend.send_replace(Extent::default());
    writer.put("two");
    extend.send_replace(Extent { lapses: 1, ..FOR_EVER });
    assert_eq!(writer.source.ended(2).await[1], (1, None));

    // It sleeps, with an entry on bookies that remember no fence; a recovery begins, and it wakes before it hears of that.
    extend.send_replace(Extent::default());
    writer.put("three");
    let reader = stores.segments.open(writer.id).await.unwrap();
    while reader.bytes().await.unwrap() < 11 {}
    let zookeeper = connect(holding.cluster()).await;
    let ledgers = ZooKeeperLedgers::open(zookeeper, "/ledgers").await.unwrap();
    let ledger = LedgerId::new(writer.id.get()).unwrap();
    let known = ledgers.read(ledger).await.unwrap().unwrap();
    let mut metadata = LedgerMetadata::clone(&known.metadata);
    metadata.state = LedgerState::InRecovery;
    let written = ledgers.write(ledger, &metadata, known.version).await.unwrap();
    assert!(matches!(written, Written::Done(_)));
    extend.send_replace(Extent { lapses: 2, ..FOR_EVER });
    assert_eq!(writer.source.ended(3).await[2], (2, Some(ErrorKind::Fenced)));
}

#[tokio::test]
async fn an_entry_damaged_on_every_bookie_is_named() {
    let fixture = OnBookies::on_its_own();
    crate::testing::stores::segment_suite::damage_is_named_and_not_taken_for_the_end(&fixture).await;
}
