//! A ZooKeeper that is silent for a while: its connections stay, and nothing is answered.

use std::pin::pin;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::*;
use crate::testing::stores::{commit, waits};

/// What begins a frame that tells of a change.
const NOTIFICATION: [u8; 4] = (-1_i32).to_be_bytes();

/// What begins any frame that answers no call.
const UNASKED: u8 = 0xff;

/// A session that outlives a silence, and how long its calls wait.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

/// How long what is to come is awaited.
pub(super) const AWAITED: Duration = Duration::from_secs(60);

/// What of a server's answers is held back.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Held {
    Nothing,
    /// All behind the next notification.
    BehindNotification,
    /// All behind so many answers.
    Behind(usize),
    All,
}

impl Held {
    /// What is held when one more answer has come.
    fn counted(&mut self) {
        *self = match *self {
            Self::Behind(0) => Self::All,
            Self::Behind(more) => Self::Behind(more - 1),
            other => other,
        };
    }
}

/// Stands in front of a server.
pub(super) struct Between {
    pub(super) servers: String,
    pub(super) held: watch::Sender<Held>,
    _tasks: JoinSet<()>,
}

impl Between {
    pub(super) async fn clients_and(server: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (servers, held) = (listener.local_addr().unwrap().to_string(), watch::Sender::new(Held::Nothing));
        let (mut tasks, told) = (JoinSet::new(), held.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(pass(client, TcpStream::connect(server).await.unwrap(), told.clone()));
            }
        });
        Self { servers, held, _tasks: tasks }
    }

    /// A session through it.
    async fn connect(&self, session: Duration, patience: Duration) -> ZooKeeper {
        let mut options = ZooKeeperOptions::new(&self.servers);
        (options.session_timeout, options.patience) = (session, patience);
        ZooKeeper::connect(options).await.unwrap()
    }
}

async fn pass(client: TcpStream, server: TcpStream, holds: watch::Sender<Held>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let mut held = holds.subscribe();
    let forth = async {
        // An error is the end as well.
        let _ended = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let back = async {
        while let Ok(length) = from_server.read_u32().await {
            let mut frame = vec![0; usize::try_from(length).unwrap()];
            if from_server.read_exact(&mut frame).await.is_err() {
                return;
            }
            if frame[0] != UNASKED {
                holds.send_modify(Held::counted);
            }
            held.wait_for(|held| *held != Held::All).await.unwrap();
            let whole = [&length.to_be_bytes()[..], &frame].concat();
            if to_client.write_all(&whole).await.is_err() {
                return;
            }
            if frame.starts_with(&NOTIFICATION) {
                held.wait_for(|held| *held != Held::BehindNotification).await.unwrap();
            }
        }
    };
    tokio::join!(forth, back);
}

/// Waits until a watch has nothing to tell.
async fn quiet(watch: &mut crate::metadata::Watch) {
    while !waits(&mut pin!(watch.changed())).await {}
}

/// Changes the data of a node.
async fn change(stores: &Stores, path: &str) {
    let node = stores.metadata.get(path).await.unwrap().unwrap();
    commit(&*stores.metadata, &[Op::set(path, "changed", node.version)]).await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a watch that ended tells of nothing, or all the time")]
async fn watches_go_on_when_servers_were_silent_for_longer_than_a_call_waits() {
    let fixture = OnZooKeeper { federated: true, ..OnZooKeeper::new() };
    let stores = fixture.open().await;
    commit(&*stores.metadata, &[Op::create("/a", ""), Op::create("/a/b", "")]).await;
    let between = Between::clients_and(Cluster::shared_zookeeper().zookeeper()).await;
    // One that may come to wait for what is held goes on when its connection is given up: at two thirds of the session.
    let zookeeper = between.connect(Duration::from_secs(6), SHORT).await;
    let seams = Seams::system().unwrap();
    let store = ZooKeeperMetadata::new(zookeeper.clone(), &fixture.root, &seams);
    let federated = Federated::new(store.clone(), zookeeper.clone(), &fixture.root, 2, &seams);
    let watches = [store.watch_below("/a", "x"), federated.watch_below("/a", "x"), federated.watch("/a/b")];
    for (which, watch) in watches.into_iter().enumerate() {
        let mut watch = watch.unwrap();
        let goes_on = async {
            quiet(&mut watch).await;
            between.held.send_replace(Held::BehindNotification);
            change(&stores, "/a/b").await;
            watch.changed().await;
            // It looks what is different, and hears nothing.
            assert!(zookeeper.get("/").await.is_err());
            between.held.send_replace(Held::Nothing);
            quiet(&mut watch).await;
            change(&stores, "/a/b").await;
            watch.changed().await;
        };
        assert!(tokio::time::timeout(AWAITED, goes_on).await.is_ok(), "watch {which}");
    }
    zookeeper.close().await;
}

/// Waits until so many members are in the queue for the lock.
#[expect(clippy::disallowed_methods, reason = "one that stays is not told of")]
async fn until_members(stores: &Stores, count: usize) {
    let mut watch = stores.metadata.watch("/lock").unwrap();
    let waiting = async {
        while stores.metadata.children("/lock").await.unwrap().unwrap().len() != count {
            watch.changed().await;
        }
    };
    assert!(tokio::time::timeout(AWAITED, waiting).await.is_ok(), "there are not {count} members");
}

#[tokio::test]
async fn a_lock_whose_taking_or_letting_go_was_not_answered_is_free_when_servers_answer() {
    let fixture = OnZooKeeper::new();
    let stores = fixture.open().await;
    commit(&*stores.metadata, &[Op::create("/lock", "")]).await;
    let between = Between::clients_and(Cluster::shared_zookeeper().zookeeper()).await;
    let zookeeper = between.connect(LONG, SHORT).await;
    let session = zookeeper.session_id();
    let seams = Seams::system().unwrap();
    let store = ZooKeeperMetadata::new(zookeeper.clone(), &fixture.root, &seams);
    let lock = || store.lock("/lock", "one", Takeover::Force, crate::testing::stores::staying());

    between.held.send_replace(Held::All);
    let error = lock().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    until_members(&stores, 1).await;
    between.held.send_replace(Held::Nothing);
    until_members(&stores, 0).await;

    let held = loop {
        if let Ok(held) = lock().await {
            break held;
        }
    };
    between.held.send_replace(Held::All);
    let error = store.commit(&[held.release()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    until_members(&stores, 1).await;
    between.held.send_replace(Held::Nothing);
    until_members(&stores, 0).await;
    assert_eq!(zookeeper.session_id(), session, "they would have gone with the session");
    zookeeper.close().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a lease that does not end is waited for without end")]
async fn a_lease_ends_with_its_session_while_servers_are_silent() {
    let between = Between::clients_and(Cluster::shared_zookeeper().zookeeper()).await;
    let zookeeper = between.connect(Duration::from_secs(1), Duration::from_secs(600)).await;
    let pulse = super::super::pulse::Pulse::start(zookeeper.clone(), &Seams::system().unwrap());
    let lease = pulse.lease();
    assert!(lease.extended().await.is_some());
    between.held.send_replace(Held::All);
    let ends = async {
        while lease.extended().await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(AWAITED, ends).await.is_ok(), "whoever waits for it waits on");
    pulse.close();
    zookeeper.close().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a task that goes on is waited for without end")]
async fn who_closes_while_servers_are_silent_leaves_no_task() {
    let aside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = Cluster::shared_zookeeper().zookeeper();
    let between = aside.spawn(Between::clients_and(server)).await.unwrap();
    let zookeeper = between.connect(Duration::from_secs(1), AWAITED).await;
    between.held.send_replace(Held::All);
    while zookeeper.session_id().is_some() {
        tokio::task::yield_now().await;
    }
    zookeeper.close().await;
    // Also the one that makes the next session, though there is a handle.
    let ended = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), ended).await.is_ok(), "a task goes on");
    aside.shutdown_background();
}
