//! Logs on a cluster are written and followed while its bookies are killed, frozen and wiped, ZooKeeper is started anew and
//! the writers' session ends.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dl_bookkeeper::{
    BookKeeper, BookieRegistry, Bookies, ClientOptions, ConnectionOptions, EntryId, LedgerId, Priority,
    ReadMode, ReadRequest, Request, Seams, ZooKeeper, ZooKeeperBookies, ZooKeeperLedgers, ZooKeeperOptions,
};
use dl_cluster::Cluster;
use dl_core::{Log, LogName, Namespace, Options, ReaderOptions, WriterOptions};
use tokio::task::JoinHandle;

use super::count;

/// Of appends that are due one after the other, how long each waits for its turn.
const BEAT: Duration = Duration::from_millis(20);
/// The longest stall after a bookie is killed.
const STALL: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(300);
const BOOKIES: [&str; 4] = ["1", "2", "3", "4"];

#[test]
fn soak_bookies_that_die_freeze_and_forget_lose_nothing() {
    let logs = count("DL_BOOKIE_LOGS", 4);
    // One more than an entry has copies, so that one that is lost can be replaced.
    let cluster = Cluster::start(&["--bookies", "4"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(&cluster, logs));
}

async fn run(cluster: &Cluster, logs: usize) {
    let options = Options::default().create_namespace(true).ledgers_path("/ledgers");
    let namespace = Namespace::open(cluster.uri(), options).await.unwrap();
    let mut works = Vec::new();
    for number in 0..logs {
        works.push(Work::start(&namespace, number).await);
    }
    for bookie in BOOKIES {
        let longest = stall(cluster, &works, &["kill-bookie", bookie]).await;
        println!("bookie {bookie} killed: the longest stall {longest:?}");
        assert!(longest <= STALL, "bookie {bookie} killed: a stall of {longest:?}");
        hurt(cluster, &["start-bookie", bookie]).await;
    }
    taken_back(cluster, &works, logs).await;
    hurt(cluster, &["wipe-bookie", "2"]).await;
    hurt(cluster, &["start-bookie", "2"]).await;
    go_on(&works).await;
    let longest = stall(cluster, &works, &["restart-zookeeper"]).await;
    println!("ZooKeeper started anew: the longest stall {longest:?}");
    let session = cluster.run(&["sessions"]);
    let locks = session.lines().find(|line| line.contains("/<default>/lock/")).expect("writers have locks");
    hurt(cluster, &["expire-session", locks.split_whitespace().next().unwrap()]).await;
    go_on(&works).await;

    let (mut acknowledged, mut opened) = (0, 0);
    for work in works {
        let (records, writers) = work.end().await;
        acknowledged += records;
        opened += writers;
    }
    println!("{logs} logs: {acknowledged} acknowledged records, none lost or doubled; {opened} writers");
    assert!(opened > logs as u64, "writers whose session ended were cut off");
    namespace.close().await.unwrap();
}

/// A bookie is frozen for longer than its session, and is then written to again.
async fn taken_back(cluster: &Cluster, works: &[Work], logs: usize) {
    let began = Instant::now();
    let frozen = address(cluster, "1");
    hurt(cluster, &["freeze-bookie", "1"]).await;
    go_on(works).await;
    let zookeeper = ZooKeeper::connect(ZooKeeperOptions::new(cluster.zookeeper())).await.unwrap();
    let registry = ZooKeeperBookies::new(zookeeper.clone(), "/ledgers");
    registered(&registry, &frozen, false).await;
    if logs >= 50 {
        tokio::time::sleep(Duration::from_secs(30).saturating_sub(began.elapsed())).await;
    }
    hurt(cluster, &["thaw-bookie", "1"]).await;
    registered(&registry, &frozen, true).await;
    println!("bookie 1 was frozen for {:?}", began.elapsed());
    // Of the three that are left, each has to take every entry.
    hurt(cluster, &["kill-bookie", "4"]).await;
    let client = client(&zookeeper).await;
    let began = Instant::now();
    'wait: loop {
        go_on(works).await;
        for id in client.list(None, usize::MAX).await.unwrap() {
            let Ok(found) = client.metadata(id).await else { continue };
            let (_, bookies) = found.metadata.last_ensemble();
            if !found.metadata.is_closed() && bookies.iter().any(|bookie| bookie.as_str() == frozen) {
                break 'wait;
            }
        }
        assert!(began.elapsed() < PATIENCE, "the bookie is never taken back");
    }
    hurt(cluster, &["start-bookie", "4"]).await;
    go_on(works).await;
    zookeeper.close().await;
}

/// The longest that an append takes in the seconds behind what is done to the cluster.
async fn stall(cluster: &Cluster, works: &[Work], what: &[&str]) -> Duration {
    works.iter().for_each(|work| *work.shared.longest.lock().unwrap() = Duration::ZERO);
    hurt(cluster, what).await;
    go_on(works).await;
    works.iter().map(|work| *work.shared.longest.lock().unwrap()).max().unwrap_or_default()
}

/// Runs a command of the cluster beside everything else.
async fn hurt(cluster: &Cluster, words: &[&str]) {
    tokio::task::block_in_place(|| cluster.run(words));
}

/// Waits until each log got and delivered another hundred records.
async fn go_on(works: &[Work]) {
    let goals: Vec<u64> = works.iter().map(|work| work.shared.acked.load(Ordering::SeqCst) + 100).collect();
    let began = Instant::now();
    for (work, goal) in works.iter().zip(goals) {
        while work.shared.acked.load(Ordering::SeqCst) < goal
            || work.shared.seen.load(Ordering::SeqCst) < goal
        {
            assert!(began.elapsed() < PATIENCE, "log {} does not go on", work.log.name());
            tokio::task::yield_now().await;
            work.shared.moved.notified().await;
        }
    }
}

/// A log that is written and followed.
struct Work {
    log: Log,
    shared: Arc<Shared>,
    writer: JoinHandle<u64>,
    reader: JoinHandle<u64>,
}

#[derive(Default)]
struct Shared {
    /// Appends are numbered from 1; one that failed may be in the log and may not.
    failed: Mutex<Vec<u64>>,
    /// The number of the last that was acknowledged, and of the last that a reader saw.
    acked: AtomicU64,
    seen: AtomicU64,
    longest: Mutex<Duration>,
    end: AtomicBool,
    moved: tokio::sync::Notify,
}

impl Shared {
    fn took(&self, time: Duration) {
        let mut longest = self.longest.lock().unwrap();
        *longest = longest.max(time);
    }
}

impl Work {
    async fn start(namespace: &Namespace, number: usize) -> Self {
        let name = LogName::new(&format!("work-{number}")).unwrap();
        namespace.create_log(&name).await.unwrap();
        let (log, shared) = (namespace.log(&name), Arc::<Shared>::default());
        let writer = tokio::spawn(write(log.clone(), shared.clone()));
        let reader = tokio::spawn(follow(log.clone(), shared.clone()));
        Self { log, shared, writer, reader }
    }

    /// Ends writer and reader, and compares the log with what they were told; answers how many records were acknowledged, and
    /// by how many writers.
    async fn end(self) -> (u64, u64) {
        self.shared.end.store(true, Ordering::SeqCst);
        let writers = self.writer.await.unwrap();
        let seen = self.reader.await.unwrap();
        let failed = self.shared.failed.lock().unwrap().clone();
        let last = self.shared.acked.load(Ordering::SeqCst);
        let mut reader = self.log.open_reader(ReaderOptions::default()).await.unwrap();
        let (mut next, mut found) = (1, 0);
        while let Some(record) = reader.next().await.unwrap() {
            let number = number(&record.payload);
            while next < number {
                assert!(failed.contains(&next), "{}: record {next} is lost", self.log.name());
                next += 1;
            }
            assert_eq!(number, next, "{}: {}", self.log.name(), record.dlsn);
            next += 1;
            found += 1;
        }
        assert_eq!(next, last + 1, "{}: the last record is lost", self.log.name());
        assert_eq!(seen, found, "{}: the reader saw what is in the log", self.log.name());
        (last - failed.len() as u64, writers)
    }
}

/// Appends numbers one after the other; opens another writer when one is cut off. Answers how many it opened.
async fn write(log: Log, shared: Arc<Shared>) -> u64 {
    let (mut next, mut opened) = (1, 0);
    loop {
        let Ok(writer) = log.open_writer(WriterOptions::default()).await else {
            tokio::time::sleep(BEAT).await;
            continue;
        };
        opened += 1;
        loop {
            let began = Instant::now();
            let result = match writer.append(next.to_string()).await {
                Ok(ticket) => ticket.await.map(drop),
                Err(error) => Err(error),
            };
            next += 1;
            if result.is_err() {
                shared.failed.lock().unwrap().push(next - 1);
                break;
            }
            shared.took(began.elapsed());
            shared.acked.store(next - 1, Ordering::SeqCst);
            shared.moved.notify_one();
            if shared.end.load(Ordering::SeqCst) {
                writer.seal().await.unwrap();
                return opened;
            }
            tokio::time::sleep(BEAT).await;
        }
    }
}

/// Follows a log to its seal; answers how many records it saw.
async fn follow(log: Log, shared: Arc<Shared>) -> u64 {
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    let (mut last, mut count) = (0, 0);
    while let Some(record) = reader.next().await.unwrap() {
        let number = number(&record.payload);
        assert!(number > last, "{}: {number} behind {last}", log.name());
        last = number;
        count += 1;
        shared.seen.store(last, Ordering::SeqCst);
        shared.moved.notify_one();
    }
    count
}

fn number(payload: &[u8]) -> u64 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// The address of a bookie, which is its id.
fn address(cluster: &Cluster, number: &str) -> String {
    let (status, name) = (cluster.run(&["status"]), format!("bookie-{number}\t"));
    let line = status.lines().find(|line| line.starts_with(&name)).expect("every bookie is listed");
    line.split('\t').next_back().unwrap().to_owned()
}

async fn registered(registry: &ZooKeeperBookies, id: &str, wanted: bool) {
    let mut watch = registry.watch().unwrap();
    let wait = async {
        while registry.bookies().await.unwrap().iter().any(|bookie| bookie.id.as_str() == id) != wanted {
            watch.changed().await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("its registration comes and goes with its session");
}

async fn client(zookeeper: &ZooKeeper) -> BookKeeper {
    let store = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
    let registry = Arc::new(ZooKeeperBookies::new(zookeeper.clone(), "/ledgers"));
    let options = ClientOptions::default();
    BookKeeper::connect(Arc::new(store), registry, options, Seams::system()).await.unwrap()
}

/// Waits until no bookie has an entry of these ledgers, which were deleted, and with it none knows of a fence.
pub(crate) fn wait_until_forgotten(cluster: &Cluster, ledgers: &[i64], patience: Duration) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let zookeeper = ZooKeeper::connect(ZooKeeperOptions::new(cluster.zookeeper())).await.unwrap();
        let registry = ZooKeeperBookies::new(zookeeper.clone(), "/ledgers");
        let ids: Vec<_> = registry.bookies().await.unwrap().into_iter().map(|bookie| bookie.id).collect();
        let bookies = Bookies::new(Arc::new(registry), ConnectionOptions::default(), Seams::system());
        let began = Instant::now();
        for (ledger, bookie) in ledgers.iter().flat_map(|ledger| ids.iter().map(move |id| (*ledger, id))) {
            let (ledger, entry, mode) = (LedgerId::new(ledger).unwrap(), EntryId::FIRST, ReadMode::Plain);
            let read = ReadRequest { ledger, entry: Some(entry), mode, priority: Priority::Normal };
            let request = Request::Read(read);
            while bookies.bookie(bookie).call(&request, None).await.is_ok() {
                assert!(began.elapsed() < patience, "{bookie} keeps ledger {ledger}, which was deleted");
            }
        }
        bookies.close();
        zookeeper.close().await;
    });
}
