//! On a real ZooKeeper, and with what real bookies and BookKeeper's own tools say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dl_cluster::Cluster;

use super::*;
use crate::cluster::{BookieRegistry, LedgerStore, Version, Written};
use crate::error::ErrorKind;
use crate::metadata::LedgerMetadata;
use crate::types::{BookieId, DigestType, LedgerId, Quorum};

/// A session that neither a busy machine nor a server that starts anew ends, nor its connections.
async fn connect(cluster: &Cluster) -> ZooKeeper {
    dl_cluster::limit();
    let mut options = ZooKeeperOptions::new(cluster.zookeeper());
    (options.session_timeout, options.patience) = (Duration::from_secs(120), Duration::from_secs(120));
    ZooKeeper::connect(options).await.unwrap()
}

/// A node of this test's own, and its path.
async fn node(zookeeper: &ZooKeeper) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let path = format!("/test-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    assert!(matches!(zookeeper.create(&path, b"", NodeMode::Persistent).await.unwrap(), Applied::Done(_)));
    path
}

fn metadata(token: i64) -> LedgerMetadata {
    let bookies = ["127.0.0.1:1", "127.0.0.1:2"].map(|id| BookieId::new(id).unwrap());
    let quorum = Quorum::new(2, 2, 2).unwrap();
    let mut metadata =
        LedgerMetadata::new(quorum, DigestType::Crc32, Bytes::from("secret"), bookies.into()).unwrap();
    metadata.creation_token = token;
    metadata
}

#[tokio::test]
async fn without_a_server_the_error_says_where_it_looked() {
    let error = ZooKeeper::connect(ZooKeeperOptions::new("127.0.0.1:1")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("127.0.0.1:1"), "{error}");
    let error = ZooKeeper::connect(ZooKeeperOptions::new("http://a")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}

#[tokio::test]
async fn a_session_that_expired_is_replaced_and_watches_go_on() {
    let cluster = Cluster::shared_zookeeper();
    let (one, two) = (connect(cluster).await, connect(cluster).await);
    let path = node(&one).await;
    let mine = one.create(&format!("{path}/n-"), b"x", NodeMode::EphemeralSequential).await.unwrap();
    let Applied::Done((mine, state)) = mine else { panic!("{mine:?}") };
    assert_eq!((mine.as_str(), Some(state.session)), (&*format!("{path}/n-0000000000"), one.session_id()));
    let (mut watch, mut gone) = (one.watch(&path), two.watch(&mine));
    let before = one.session_id();

    cluster.run(&["expire-session", &format!("{:#x}", before.unwrap())]);
    gone.changed().await.unwrap();
    assert_eq!(two.get(&mine).await.unwrap(), None);
    // Calls wait for the next session, in which the watch is set again.
    assert_eq!(one.get(&mine).await.unwrap(), None);
    assert_ne!(one.session_id(), before);
    watch.changed().await.unwrap();
    watch.borrow_and_update();
    assert!(matches!(two.set(&path, b"changed", 0).await.unwrap(), Applied::Done(1)));
    watch.changed().await.unwrap();
    assert_eq!(one.get(&path).await.unwrap().unwrap().0, "changed");
}

#[tokio::test]
async fn calls_wait_for_a_server_that_restarts_and_keep_their_session() {
    let cluster = Cluster::start(&["--bookies", "0"]);
    let zookeeper = connect(&cluster).await;
    let path = node(&zookeeper).await;
    let (mut watch, before) = (zookeeper.watch(&path), zookeeper.session_id());
    cluster.run(&["kill-zookeeper"]);
    let mut waiting = Box::pin(zookeeper.get(&path));
    let early = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    cluster.run(&["start-zookeeper"]);
    assert!(waiting.await.unwrap().is_some());
    assert_eq!(zookeeper.session_id(), before);
    zookeeper.set(&path, b"changed", 0).await.unwrap();
    watch.changed().await.unwrap();
}

#[tokio::test]
async fn a_closed_session_says_so_and_its_nodes_are_gone() {
    let cluster = Cluster::shared_zookeeper();
    let (one, two) = (connect(cluster).await, connect(cluster).await);
    let path = node(&one).await;
    one.create(&format!("{path}/n-"), b"", NodeMode::EphemeralSequential).await.unwrap();
    let mut watch = one.watch(&path);
    one.close().await;
    one.close().await;
    while watch.changed().await.is_ok() {}
    assert!(one.watch(&path).changed().await.is_err());
    assert_eq!(one.get(&path).await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(two.children(&path).await.unwrap(), Some(vec![]));
}

#[test]
fn a_closed_session_leaves_nothing_of_its_runtime_and_its_handles_say_so_anywhere() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, bookies, watch) = runtime.block_on(async {
        let one = connect(Cluster::shared_zookeeper()).await;
        let bookies = ZooKeeperBookies::new(one.clone(), "/ledgers");
        let watch = bookies.watch().unwrap();
        one.close().await;
        (one, bookies, watch)
    });
    assert!(one.shared.runtime().is_none());
    drop(runtime);
    assert!(watch.has_changed().is_err() && bookies.watch().unwrap().has_changed().is_err());
    // On a thread without a runtime.
    let calls = async {
        one.close().await;
        let changed = one.set("/", b"", 0).await.unwrap_err();
        [one.get("/").await.unwrap_err(), one.touch().await.unwrap_err(), changed]
    };
    let waker = std::task::Waker::noop();
    match std::pin::pin!(calls).poll(&mut std::task::Context::from_waker(waker)) {
        std::task::Poll::Ready(errors) => {
            errors.iter().for_each(|error| assert_eq!(error.kind(), ErrorKind::Closed))
        }
        std::task::Poll::Pending => panic!("a call waits"),
    }
}

#[tokio::test]
async fn an_identity_owns_what_it_makes_and_others_may_read_it() {
    let cluster = Cluster::shared_zookeeper();
    let mut options = ZooKeeperOptions::new(cluster.zookeeper());
    options.acl_id = Some("golden".to_owned());
    let owner = ZooKeeper::connect(options).await.unwrap();
    let path = node(&owner).await;
    let client = zookeeper_client::Client::connector().with_auth("digest", b"golden:golden");
    let client = client.connect(cluster.zookeeper()).await.unwrap();
    let (acls, _) = client.get_acl(&path).await.unwrap();
    // As in golden/zk-acl.json.
    let found: Vec<_> = acls.iter().map(|acl| format!("{}:{}", acl.scheme(), acl.id())).collect();
    assert_eq!(found, ["digest:golden:B4yMsimUfWiatmaRTjNyX/RbeY4=", "world:anyone"]);
    let stranger = connect(cluster).await;
    assert!(stranger.get(&path).await.unwrap().is_some());
    assert_eq!(stranger.set(&path, b"", 0).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert!(matches!(owner.set(&path, b"", 0).await.unwrap(), Applied::Done(1)));
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let zookeeper = connect(Cluster::shared_zookeeper()).await;
    let path = node(&zookeeper).await;
    let error = zookeeper.set(&path, &vec![0; 1_100_000], 0).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_taken_effect()), (ErrorKind::TooLarge, false));
    assert_eq!(zookeeper.state(&path).await.unwrap().unwrap().version, 0);
}

#[tokio::test]
async fn ledgers_stand_where_bookkeepers_tools_find_them() {
    let cluster = Cluster::shared();
    let ledgers = ZooKeeperLedgers::open(connect(cluster).await, "/ledgers").await.unwrap();
    let (first, second) = (ledgers.new_id().await.unwrap(), ledgers.new_id().await.unwrap());
    assert!(first < second);
    let long = LedgerId::new(5_000_000_000 + first.number()).unwrap();
    let mut watch = LedgerStore::watch(&ledgers, first).unwrap();
    for id in [first, long, second] {
        assert_eq!(ledgers.create(id, &metadata(7)).await.unwrap(), Version(0));
    }
    watch.changed().await.unwrap();
    assert_eq!(ledgers.create(first, &metadata(7)).await.unwrap(), Version(0), "the same creation again");
    assert_eq!(ledgers.create(first, &metadata(8)).await.unwrap_err().kind(), ErrorKind::LedgerExists);
    let listed = ledgers.list(Some(LedgerId::new(first.number() - 1).unwrap_or(first)), 100).await.unwrap();
    let ours: Vec<_> = listed.iter().filter(|id| [first, second, long].contains(id)).collect();
    assert!(ours.ends_with(&[&second, &long]), "{listed:?}");
    let told = cluster.run(&["shell", "ledgermetadata", "-ledgerid", &long.to_string()]);
    assert!(told.contains("writeQuorumSize=2") && told.contains("127.0.0.1:2"), "{told}");

    let Written::Done(version) = ledgers.write(first, &metadata(9), Version(0)).await.unwrap() else {
        panic!("the version was the one expected");
    };
    assert_eq!(ledgers.write(first, &metadata(1), Version(0)).await.unwrap(), Written::Conflict);
    let found = ledgers.read(first).await.unwrap().unwrap();
    assert_eq!((found.version, found.metadata.creation_token), (version, 9));
    for id in [first, long, second, first] {
        ledgers.delete(id).await.unwrap();
        assert!(ledgers.read(id).await.unwrap().is_none());
    }
    assert_eq!(ledgers.write(first, &metadata(1), version).await.unwrap(), Written::Gone);
    let zookeeper = connect(cluster).await;
    assert_eq!(zookeeper.state("/ledgers/000/0000/0050").await.unwrap(), None, "an empty parent is left");
}

#[tokio::test]
async fn ids_go_on_behind_31_bits() {
    let cluster = Cluster::start(&["--bookies", "0"]);
    let zookeeper = connect(&cluster).await;
    let missing = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::MetadataStore);
    assert!(missing.message().contains("/ledgers"));
    let layout = b"2\norg.apache.bookkeeper.meta.HierarchicalLedgerManagerFactory:1";
    for (path, data) in [("/ledgers", &b""[..]), ("/ledgers/LAYOUT", &layout[..])] {
        zookeeper.create(path, data, NodeMode::Persistent).await.unwrap();
    }
    let ledgers = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers/").await.unwrap();
    let ids = [ledgers.new_id().await.unwrap(), ledgers.new_id().await.unwrap()];
    assert_eq!(ids.map(LedgerId::number), [0, 1]);
    // Another client of the cluster ran out of the short ones.
    zookeeper.create("/ledgers/idgen-long", b"", NodeMode::Persistent).await.unwrap();
    let ids = [ledgers.new_id().await.unwrap(), ledgers.new_id().await.unwrap()];
    assert_eq!(ids.map(LedgerId::number), [1 << 32, (1 << 32) + 1]);
    zookeeper.create("/ledgers/idgen-long/HOB-0000000002", b"", NodeMode::Persistent).await.unwrap();
    assert_eq!(ledgers.new_id().await.unwrap().number(), 2 << 32);
}

#[tokio::test]
async fn bookies_are_found_and_their_coming_and_going_is_told() {
    let cluster = Cluster::start(&["--bookies", "1"]);
    let bookies = ZooKeeperBookies::new(connect(&cluster).await, "/ledgers");
    let mut watch = BookieRegistry::watch(&bookies).unwrap();
    let found = bookies.bookies().await.unwrap();
    let [bookie] = &*found else { panic!("{found:?}") };
    assert!(bookie.writable);
    assert_eq!(bookies.resolve(&bookie.id).await.unwrap(), Some(bookie.id.to_string()));

    cluster.run(&["expire-session", &format!("/ledgers/available/{}", bookie.id)]);
    watch.changed().await.unwrap();
    let elsewhere = BookieId::new("10.0.0.1:3181").unwrap();
    assert_eq!(bookies.resolve(&elsewhere).await.unwrap().as_deref(), Some("10.0.0.1:3181"));
    let named = BookieId::new("a-bookie").unwrap();
    assert_eq!(bookies.resolve(&named).await.unwrap(), None);
}

/// The case `bookkeeper` of the golden vectors: what BookKeeper's own tools made.
#[tokio::test]
async fn a_cluster_that_java_formatted_is_read_as_it_stands() {
    let cluster = Cluster::start(&["--bookies", "0"]);
    let zookeeper = connect(&cluster).await;
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/cluster.json")).unwrap();
    let names = |list: &str| {
        let names = golden[list].as_array().unwrap().iter();
        names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let put = async |path: &str, data: &str| {
        assert!(zookeeper.create(path, data.as_bytes(), NodeMode::Persistent).await.is_ok(), "{path}");
    };
    put("/ledgers", "").await;
    for node in golden["znodes"].as_array().unwrap() {
        put(node["path"].as_str().unwrap(), node["text"].as_str().unwrap()).await;
    }
    for name in names("children_of_root") {
        // Those with data are there.
        put(&format!("/ledgers/{name}"), "").await;
    }
    for name in names("children_of_available") {
        put(&format!("/ledgers/available/{name}"), "").await;
    }
    let ledgers = ZooKeeperLedgers::open(zookeeper.clone(), "/ledgers").await.unwrap();
    assert_eq!(ledgers.list(None, 100).await.unwrap(), [], "no name beside the ledgers is one");
    let id = ledgers.new_id().await.unwrap();
    assert_eq!(ledgers.create(id, &metadata(1)).await.unwrap(), Version(0));
    assert_eq!(ledgers.list(None, 100).await.unwrap(), [id]);
    // In the folder that Java's first ledgers are in too, and of the generator nothing is left but itself.
    assert!(zookeeper.state("/ledgers/00/0000/L0000").await.unwrap().is_some());
    assert_eq!(zookeeper.children("/ledgers/idgen").await.unwrap().unwrap(), names("children_of_idgen"));
    let found = ZooKeeperBookies::new(zookeeper, "/ledgers").bookies().await.unwrap();
    let found: Vec<_> = found.iter().map(|bookie| (bookie.id.to_string(), bookie.writable)).collect();
    let expected = names("children_of_available").into_iter().filter(|name| name != "readonly");
    assert_eq!(found, expected.map(|name| (name, true)).collect::<Vec<_>>());
}
