//! What conformance cases cannot see: the nodes that Java DistributedLog writes and reads, and moves that race.

use serde_json::Value;

use super::CursorCore;
use crate::metadata::{Op, Outcome};
use crate::{CursorName, Dlsn, LogName, Namespace, Options, ReaderOptions};

const JAVA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/format/readers-locks-subscribers.json"));

fn name(name: &str) -> CursorName {
    CursorName::new(name).unwrap()
}

/// The lasting nodes of a moment, below the namespace.
fn nodes(moment: &str) -> Vec<(String, String)> {
    let java: Value = serde_json::from_str(JAVA).unwrap();
    let snapshots = java["snapshots"].as_array().unwrap();
    let snapshot = snapshots.iter().find(|snapshot| snapshot["at"] == moment).unwrap();
    let lasting = snapshot["znodes"].as_array().unwrap().iter().filter(|node| node["ephemeral"] == false);
    let path = |node: &Value| node["path"].as_str().unwrap().replace("/messaging/golden", "");
    lasting.map(|node| (path(node), node["text"].as_str().unwrap_or_default().to_owned())).collect()
}

/// A namespace of this name, and a log in it that has the nodes of a log of Java.
async fn as_java_left_it(namespace: &str, moment: &str) -> (Namespace, LogName) {
    let namespace = Namespace::open(&format!("memory:{namespace}"), Options::default()).await.unwrap();
    let ops: Vec<Op> = nodes(moment).into_iter().map(|(path, data)| Op::create(path, data)).collect();
    let committed = namespace.engine().stores.metadata.commit(&ops).await.unwrap();
    assert!(matches!(committed, Outcome::Committed(_)), "{committed:?}");
    (namespace, LogName::new("readers-locks-subscribers").unwrap())
}

#[tokio::test]
async fn positions_that_java_committed_are_read() {
    let (namespace, log) = as_java_left_it("java-committed", "positions committed").await;
    let cursors = namespace.log(&log).cursors().await.unwrap();
    let found: Vec<_> = cursors.iter().map(|cursor| (cursor.name.as_str(), cursor.position)).collect();
    assert_eq!(found, [("sub-A", Some(Dlsn::new(1, 2, 0))), ("sub-B", Some(Dlsn::new(1, 0, 1)))]);

    // A locked reader of Java has made the node, and nothing was committed.
    let (namespace, log) = as_java_left_it("java-opened", "reader sub-A open").await;
    let cursors = namespace.log(&log).cursors().await.unwrap();
    assert_eq!((cursors.len(), cursors[0].position), (1, None));
}

#[tokio::test]
async fn nodes_are_those_that_java_writes() {
    let (namespace, log) = as_java_left_it("nodes-of-java", "created").await;
    let log = namespace.log(&log);
    let b = log.cursor(&name("sub-B")).await.unwrap();
    assert_eq!(b.advance(Dlsn::new(1, 0, 1)).await.unwrap(), Dlsn::new(1, 0, 1));
    let mut reader = log.open_reader(ReaderOptions::default().cursor("sub-A").locked(true)).await.unwrap();
    reader.cursor().unwrap().advance(Dlsn::new(1, 2, 0)).await.unwrap();
    reader.close().await.unwrap();
    for (path, data) in nodes("positions committed").iter().filter(|(path, _)| path.contains("/subscribers"))
    {
        let node = namespace.engine().stores.metadata.get(path).await.unwrap();
        assert_eq!(node.as_ref().map(|node| &node.data[..]), Some(data.as_bytes()), "{path}");
    }
}

#[tokio::test]
async fn who_looked_before_a_lock_was_taken_moves_nothing_after() {
    let (namespace, log) = as_java_left_it("looked-before", "positions committed").await;
    for name in [name("sub-A"), name("new")] {
        let cursor = CursorCore::open(namespace.engine(), &log, &name).await.unwrap();
        let found = cursor.find().await.unwrap();
        cursor.check_exclusive().await.unwrap();
        let options = ReaderOptions::default().cursor(name.as_str()).locked(true);
        let reader = namespace.log(&log).open_reader(options).await.unwrap();
        assert!(!cursor.set(&found, Dlsn::new(9, 0, 0)).await.unwrap(), "{name}");
        assert_ne!(reader.cursor().unwrap().position().await.unwrap(), Some(Dlsn::new(9, 0, 0)));
    }
}

#[tokio::test]
async fn what_is_no_position_is_corrupt_until_it_is_reset() {
    let (namespace, log) = as_java_left_it("no-position", "positions committed").await;
    let cursor = namespace.log(&log).cursor(&name("sub-B")).await.unwrap();
    let path = format!("/{log}/<default>/subscribers/sub-B");
    let metadata = &namespace.engine().stores.metadata;
    let version = metadata.get(&path).await.unwrap().unwrap().version;
    metadata.commit(&[Op::set(&path, "nonsense", version)]).await.unwrap();
    for error in [
        cursor.position().await.unwrap_err(),
        cursor.advance(Dlsn::FIRST).await.unwrap_err(),
        namespace.log(&log).cursors().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        assert_eq!(error.context_value("cursor"), Some("sub-B"));
    }
    cursor.reset(Dlsn::FIRST).await.unwrap();
    assert_eq!(cursor.position().await.unwrap(), Some(Dlsn::FIRST));
}
