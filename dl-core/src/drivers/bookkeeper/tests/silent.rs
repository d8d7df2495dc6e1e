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

/// Stands in front of a server.
struct Between {
    servers: String,
    /// Whether all is held back behind the next notification.
    silent: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Between {
    async fn clients_and(server: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (servers, silent) = (listener.local_addr().unwrap().to_string(), watch::Sender::new(false));
        let (mut tasks, told) = (JoinSet::new(), silent.subscribe());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(pass(client, TcpStream::connect(server).await.unwrap(), told.clone()));
            }
        });
        Self { servers, silent, _tasks: tasks }
    }
}

async fn pass(client: TcpStream, server: TcpStream, mut silent: watch::Receiver<bool>) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
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
            let whole = [&length.to_be_bytes()[..], &frame].concat();
            if to_client.write_all(&whole).await.is_err() {
                return;
            }
            if frame.starts_with(&NOTIFICATION) {
                silent.wait_for(|silent| !silent).await.unwrap();
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
    let mut options = ZooKeeperOptions::new(&between.servers);
    (options.session_timeout, options.patience) = (Duration::from_secs(60), Duration::from_millis(200));
    let zookeeper = ZooKeeper::connect(options).await.unwrap();
    let seams = Seams::system().unwrap();
    let store = ZooKeeperMetadata::new(zookeeper.clone(), &fixture.root, &seams);
    let federated = Federated::new(store.clone(), zookeeper.clone(), &fixture.root, 2, &seams);
    let watches = [store.watch_below("/a", "x"), federated.watch_below("/a", "x"), federated.watch("/a/b")];
    for (which, watch) in watches.into_iter().enumerate() {
        let mut watch = watch.unwrap();
        let goes_on = async {
            quiet(&mut watch).await;
            between.silent.send_replace(true);
            change(&stores, "/a/b").await;
            watch.changed().await;
            // It looks what is different, and hears nothing.
            assert!(zookeeper.get("/").await.is_err());
            between.silent.send_replace(false);
            quiet(&mut watch).await;
            change(&stores, "/a/b").await;
            watch.changed().await;
        };
        assert!(tokio::time::timeout(Duration::from_secs(60), goes_on).await.is_ok(), "watch {which}");
    }
    zookeeper.close().await;
}
