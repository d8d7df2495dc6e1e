//! What a closed namespace on BookKeeper leaves of the system's: nothing, whatever handles are still about. In a process of
//! its own, whose descriptors and threads are counted.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and counts what is real"
)]

use std::time::Duration;

use dl_cluster::Cluster;
use dl_core::{LogName, Namespace, Options, Reader, ReaderOptions, Writer, WriterOptions};

/// How many descriptors and threads this process has.
fn counted() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Opens a namespace, has a writer and a reader in it, and closes it under them.
async fn open_and_close(uri: &str) -> (Writer, Reader) {
    let namespace = Namespace::open(uri, Options::default().ledgers_path("/ledgers")).await.unwrap();
    let log = namespace.log(&LogName::new("log").unwrap());
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    writer.append("a record").await.unwrap().await.unwrap();
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    reader.next().await.unwrap().unwrap();
    namespace.close().await.unwrap();
    (writer, reader)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_namespace_leaves_no_descriptor_and_no_thread() {
    let cluster = Cluster::start(&[]);
    let uri = format!("distributedlog://{}/closing", cluster.zookeeper());
    // The reactor of ZooKeeper's client stays, once for the process.
    let first = open_and_close(&uri).await;
    drop(first);
    let mut handles = Vec::new();
    let before = counted();
    for _ in 0..3 {
        handles.push(open_and_close(&uri).await);
    }
    // A socket is closed by the task that has it, a moment after it is told.
    let settled = async {
        loop {
            let now = counted();
            if now.0 <= before.0 && now.1 <= before.1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(120), settled).await;
    assert!(ended.is_ok(), "{before:?} became {:?}", counted());
}
