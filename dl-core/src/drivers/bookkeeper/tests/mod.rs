//! The stores and the namespaces of a real cluster.

mod engine;
mod golden;
mod hostile;
mod leaks;
mod namespace;
mod segments;
mod silent;
mod silent_calls;
mod verifying;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use dl_bookkeeper::{NodeMode, ZooKeeper, ZooKeeperOptions};
use dl_cluster::Cluster;

use super::federated::{Federated, SUBNAMESPACES};
use super::metadata::ZooKeeperMetadata;
use crate::drivers::memory;
use crate::error::ErrorKind;
use crate::metadata::{MetadataStore, Op, Outcome, Takeover};
use crate::seams::Seams;
use crate::store::{StoreSession, Stores};
use crate::testing::stores::Fixture;
use crate::{LogName, Namespace, ReaderOptions, WriterOptions};

/// A session that a busy machine does not end, nor its connections.
pub(super) async fn connect(cluster: &Cluster) -> ZooKeeper {
    dl_cluster::limit();
    let mut options = ZooKeeperOptions::new(cluster.zookeeper());
    (options.session_timeout, options.patience) = (Duration::from_secs(30), Duration::from_secs(120));
    ZooKeeper::connect(options).await.unwrap()
}

/// The path of a namespace that nobody else has. Its test is ended if it hangs.
fn name() -> String {
    dl_cluster::limit();
    static NAMES: AtomicU64 = AtomicU64::new(0);
    format!("/suite-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

async fn append(writer: &crate::Writer, payload: &'static str) -> crate::Result<crate::Receipt> {
    writer.append(payload).await?.await
}

async fn read(namespace: &Namespace, log: &LogName) -> Vec<String> {
    let mut reader = namespace.log(log).open_reader(ReaderOptions::default()).await.unwrap();
    let mut payloads = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        payloads.push(String::from_utf8_lossy(&record.payload).into_owned());
    }
    payloads
}

/// Takes a log from a writer of "one" by one of "two", which appends "b".
async fn take_over(two: &Namespace, log: &LogName, first: &crate::Writer) -> crate::Writer {
    let never = WriterOptions::default().takeover(Takeover::Never);
    let refused = two.log(log).open_writer(never).await.err().unwrap();
    assert_eq!((refused.kind(), refused.owner()), (ErrorKind::Locked, Some("one")));

    let second = two.log(log).open_writer(WriterOptions::default()).await.unwrap();
    append(&second, "b").await.unwrap();
    let fenced = append(first, "lost").await.unwrap_err();
    assert_eq!((fenced.kind(), fenced.owner()), (ErrorKind::Fenced, Some("two")));
    second
}

/// A namespace on the server that the tests share, and the sessions of those who opened it.
pub(super) struct OnZooKeeper {
    pub(super) root: String,
    federated: bool,
    opened: Mutex<Vec<(Weak<dyn StoreSession>, i64)>>,
}

impl OnZooKeeper {
    pub(super) fn new() -> Self {
        Self { root: name(), federated: false, opened: Mutex::default() }
    }
}

#[async_trait]
impl Fixture for OnZooKeeper {
    async fn open(&self) -> Stores {
        let zookeeper = connect(Cluster::shared_zookeeper()).await;
        // The second to open it finds it.
        zookeeper.create(&self.root, b"", NodeMode::Persistent).await.unwrap();
        let id = zookeeper.session_id().unwrap();
        let seams = Seams::system().unwrap();
        let own = ZooKeeperMetadata::new(zookeeper.clone(), &self.root, &seams);
        let session: Arc<dyn StoreSession> = Arc::new(own.clone());
        let metadata: Arc<dyn MetadataStore> = match self.federated {
            false => Arc::new(own),
            true => {
                let all = format!("{}{SUBNAMESPACES}", self.root);
                zookeeper.create(&all, b"", NodeMode::Persistent).await.unwrap();
                Arc::new(Federated::new(own, zookeeper, &self.root, 2, &seams))
            }
        };
        self.opened.lock().unwrap().push((Arc::downgrade(&session), id));
        // These cases write no segments.
        let segments = memory::open(&self.root, &seams).segments;
        Stores { metadata, segments, session }
    }

    async fn kill(&self, stores: Stores) {
        let killed = |opened: &(Weak<dyn StoreSession>, i64)| {
            std::ptr::addr_eq(opened.0.as_ptr(), Arc::as_ptr(&stores.session))
        };
        let id = self.opened.lock().unwrap().iter().find(|opened| killed(opened)).unwrap().1;
        Cluster::shared_zookeeper().run(&["expire-session", &format!("{id:#x}")]);
    }
}

mod metadata_store {
    crate::metadata_suite!(super::OnZooKeeper::new());
}

/// The same spread over sub-namespaces, a new one for every two logs.
mod federated_metadata_store {
    crate::metadata_suite!(super::OnZooKeeper { federated: true, ..super::OnZooKeeper::new() });
}

#[tokio::test]
async fn a_lock_ends_with_its_session_and_is_not_made_again() {
    let fixture = OnZooKeeper::new();
    let (one, two) = (fixture.open().await, fixture.open().await);
    let ops = [Op::create("/lock", ""), Op::create("/n", "")];
    assert!(matches!(one.metadata.commit(&ops).await.unwrap(), Outcome::Committed(_)));
    let lock =
        one.metadata.lock("/lock", "one", Takeover::Force, crate::testing::stores::staying()).await.unwrap();
    fixture.kill(one.clone()).await;
    // The process lives on, in another session, and what it does under its lock is refused.
    let late = [Op::create("/late", ""), lock.check()];
    assert!(matches!(one.metadata.commit(&late).await.unwrap(), Outcome::Refused(_)));
    assert_eq!(two.metadata.lock_owner("/lock").await.unwrap(), None);
    let again =
        one.metadata.lock("/lock", "one", Takeover::Never, crate::testing::stores::staying()).await.unwrap();
    assert_ne!(again.path, lock.path);
}

#[tokio::test]
async fn who_waits_for_a_lock_keeps_waiting_in_the_next_session() {
    let fixture = OnZooKeeper::new();
    let (one, two) = (fixture.open().await, fixture.open().await);
    one.metadata.commit(&[Op::create("/lock", "")]).await.unwrap();
    let lock =
        one.metadata.lock("/lock", "one", Takeover::Force, crate::testing::stores::staying()).await.unwrap();
    let mut queue = one.metadata.watch("/lock").unwrap();
    let patience = Takeover::Wait(Duration::from_secs(3_600));
    let mut waiting = two.metadata.lock("/lock", "two", patience, crate::testing::stores::staying());
    // Until it is in the queue.
    while one.metadata.children("/lock").await.unwrap().unwrap().len() < 2 {
        tokio::select! {
            taken = &mut waiting => panic!("{taken:?}"),
            () = queue.changed() => {}
        }
    }
    fixture.kill(two.clone()).await;
    one.metadata.commit(&[lock.release()]).await.unwrap();
    let taken = waiting.await.unwrap();
    assert!(one.metadata.get(&taken.path).await.unwrap().is_some());
    assert_eq!(one.metadata.lock_owner("/lock").await.unwrap().as_deref(), Some("two"));
}

#[tokio::test]
async fn a_member_of_javas_queue_is_owner_by_its_name_or_its_data() {
    let fixture = OnZooKeeper::new();
    let stores = fixture.open().await;
    stores.metadata.commit(&[Op::create("/lock", "")]).await.unwrap();
    let java = connect(Cluster::shared_zookeeper()).await;
    for (prefix, data, owner) in [
        ("member_1%3B0%3Bproxy1%3A8000_s72057951319097481_", "of no use", "1;0;proxy1:8000"),
        ("member_host_with_underscore_s72057951319097482_", "host_with_underscore", "host_with_underscore"),
        ("member_", "an old client", "an old client"),
    ] {
        let place = format!("{}/lock/{prefix}", fixture.root);
        java.create(&place, data.as_bytes(), NodeMode::EphemeralSequential).await.unwrap();
        assert_eq!(stores.metadata.lock_owner("/lock").await.unwrap().as_deref(), Some(owner));
        let error = stores
            .metadata
            .lock("/lock", "dl", Takeover::Never, crate::testing::stores::staying())
            .await
            .unwrap_err();
        assert_eq!(error.owner(), Some(owner));
        // By force its members are deleted.
        let lock = stores
            .metadata
            .lock("/lock", "dl", Takeover::Force, crate::testing::stores::staying())
            .await
            .unwrap();
        assert_eq!(stores.metadata.children("/lock").await.unwrap().unwrap().len(), 1);
        stores.metadata.commit(&[lock.release()]).await.unwrap();
    }
}
