//! What a closed namespace on BookKeeper leaves of the system's: nothing, whatever handles are still about. In a process of
//! its own, whose descriptors and threads are counted.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and counts what is real"
)]

use std::time::{Duration, Instant};

use dl_cluster::Cluster;
use dl_core::{ErrorKind, Log, LogName, Namespace, Options, Reader, ReaderOptions, Writer, WriterOptions};
use tokio::runtime::{Builder, Runtime};

const PATIENCE: Duration = Duration::from_secs(120);

/// How many descriptors and threads this process has.
fn counted() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Handles of a namespace that was closed under them.
struct Handles {
    _namespace: Namespace,
    log: Log,
    writer: Writer,
    reader: Reader,
}

/// Opens a namespace, has a writer and a reader in it, and closes it under them.
async fn open_and_close(uri: &str) -> Handles {
    let namespace = Namespace::open(uri, Options::default().ledgers_path("/ledgers")).await.unwrap();
    let log = namespace.log(&LogName::new("log").unwrap());
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    writer.append("a record").await.unwrap().await.unwrap();
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    reader.next().await.unwrap().unwrap();
    namespace.close().await.unwrap();
    Handles { _namespace: namespace, log, writer, reader }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn a_closed_namespace_leaves_no_descriptor_and_no_thread() {
    let cluster = Cluster::start(&[]);
    let uri = format!("distributedlog://{}/closing", cluster.zookeeper());
    // The reactor of ZooKeeper's client stays, once for the process, and what tokio hears of signals by.
    let first = runtime().block_on(open_and_close(&uri));
    drop(first);
    let without = counted();
    let mut handles = in_a_runtime_that_stays(&uri);
    handles.extend((0..3).map(|_| runtime().block_on(open_and_close(&uri))));
    settle(without);
    runtime().block_on(refused(handles));
}

fn in_a_runtime_that_stays(uri: &str) -> Vec<Handles> {
    let runtime = runtime();
    let mut handles = vec![runtime.block_on(open_and_close(uri))];
    let before = counted();
    for _ in 0..3 {
        handles.push(runtime.block_on(open_and_close(uri)));
    }
    settle(before);
    handles
}

/// Waits until there is no more than there was: a socket is closed by the task that has it, a moment after it is told.
fn settle(before: (usize, usize)) {
    let begin = Instant::now();
    loop {
        let now = counted();
        if now.0 <= before.0 && now.1 <= before.1 {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{before:?} became {now:?}");
        std::thread::yield_now();
    }
}

/// Handles of closed namespaces say so, in another runtime than theirs too.
async fn refused(handles: Vec<Handles>) {
    for mut handles in handles {
        let batch = handles.reader.next_batch(1, PATIENCE).await.map(drop);
        let reopened = handles.log.open_reader(ReaderOptions::default()).await.map(drop);
        let rewritten = handles.log.open_writer(WriterOptions::default()).await.map(drop);
        let calls =
            [batch, handles.writer.flush().await, handles.log.info().await.map(drop), reopened, rewritten];
        for call in calls {
            assert_eq!(call.unwrap_err().kind(), ErrorKind::Closed);
        }
    }
}
