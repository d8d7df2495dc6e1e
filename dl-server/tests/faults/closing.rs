//! What a namespace that was closed still has of the system: nothing, whatever handles are about.

use std::fs::{read_dir, read_link, read_to_string};
use std::path::{Path, PathBuf};
use std::time::Instant;

use dl_core::{ErrorKind, Log, Namespace, Options, Reader, ReaderOptions, Writer, WriterOptions, file_uri};

use super::{Acked, PATIENCE, append, body_of, end, is, is_body, log_name, open, open_as, run, writer};

const TEST: &str = "closing::a_closed_namespace_holds_no_file_no_map_and_no_thread";
const RUNTIME: &str = "closing::nothing_is_left_of_a_runtime_that_ends_after_close_though_handles_are_kept";
const ROUNDS: usize = 20;

#[test]
fn a_closed_namespace_holds_no_file_no_map_and_no_thread() {
    if is_body(TEST) {
        return run(rounds());
    }
    // In a process of its own: its files and threads are counted.
    let mut command = std::process::Command::new("env");
    body_of(TEST, &mut command);
    let ended = end(&mut command.spawn().unwrap()).expect("it ends");
    assert!(ended.success(), "{ended}");
}

#[test]
fn nothing_is_left_of_a_runtime_that_ends_after_close_though_handles_are_kept() {
    if is_body(RUNTIME) {
        return runtimes();
    }
    let mut command = std::process::Command::new("env");
    body_of(RUNTIME, &mut command);
    let ended = end(&mut command.spawn().unwrap()).expect("it ends");
    assert!(ended.success(), "{ended}");
}

fn runtimes() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{}?unsafe_filesystem=true", file_uri(&folder.path().join("ns")).unwrap());
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // Tokio keeps the descriptors by which it hears of signals, once for the process.
    drop(runtime());
    let before = (of("/proc/self/fd").count(), of("/proc/self/task").count());
    for uri in ["memory:closing", &file] {
        let ending = runtime();
        let mut handles = ending.block_on(used_and_closed(uri));
        drop(ending);
        let begin = Instant::now();
        while before != (of("/proc/self/fd").count(), of("/proc/self/task").count()) {
            assert!(
                begin.elapsed() < PATIENCE,
                "{uri}: {before:?}, {:?}",
                of("/proc/self/fd").collect::<Vec<_>>()
            );
            std::thread::yield_now();
        }
        // In another one they still answer.
        let closed = runtime().block_on(async {
            let batch = handles.reader.next_batch(1, PATIENCE).await.map(drop);
            [batch, handles.writer.flush().await, handles.log.info().await.map(drop)]
        });
        for call in closed {
            is(&call.unwrap_err(), &[ErrorKind::Closed]);
        }
    }
}

/// Handles of a namespace that was closed under them.
struct Handles {
    _namespace: Namespace,
    log: Log,
    writer: Writer,
    reader: Reader,
}

async fn used_and_closed(uri: &str) -> Handles {
    let namespace = Namespace::open(uri, Options::default()).await.unwrap();
    let log = namespace.log(&log_name("a"));
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await.unwrap();
    append(&writer, b"record".to_vec(), &mut Acked::new()).await.unwrap();
    let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
    reader.next().await.unwrap();
    namespace.close().await.unwrap();
    Handles { _namespace: namespace, log, writer, reader }
}

async fn rounds() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ns");
    for _ in 0..ROUNDS {
        let namespace = open(&directory).await.unwrap();
        let reading = open_as(&directory, Options::default().read_only(true)).await.unwrap();
        let log = namespace.log(&log_name("a"));
        let writer = writer(&log).await.unwrap();
        let mut acked = Acked::new();
        append(&writer, b"record".to_vec(), &mut acked).await.unwrap();
        let mut following = Vec::new();
        for namespace in [&namespace, &reading] {
            let log = namespace.log(&log_name("a"));
            let mut reader = log.open_reader(ReaderOptions::default().follow(true)).await.unwrap();
            reader.next().await.unwrap();
            let mut behind = log.open_reader(ReaderOptions::default()).await.unwrap();
            behind.next().await.unwrap();
            following.push((tokio::spawn(async move { reader.next().await }), behind, log));
        }
        assert!(!held(&directory).is_empty() && threads().len() > 1, "it is open");
        reading.close().await.unwrap();
        namespace.close().await.unwrap();
        assert_eq!(held(&directory), Vec::<String>::new());
        let begin = Instant::now();
        // What they did is done; the kernel takes a moment to take them down.
        while !threads().is_empty() {
            assert!(begin.elapsed() < PATIENCE, "{:?}", threads());
            std::thread::yield_now();
        }
        drop((writer, log, following, namespace, reading));
    }
}

/// What this process holds of a directory.
fn held(directory: &Path) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let files = of("/proc/self/fd").filter_map(|file| Some(read_link(file).ok()?.display().to_string()));
    let maps = read_to_string("/proc/self/maps").unwrap();
    files.chain(maps.lines().map(str::to_owned)).filter(|held| held.contains(directory)).collect()
}

/// The threads that work for an open namespace.
fn threads() -> Vec<String> {
    let names = of("/proc/self/task").filter_map(|task| read_to_string(task.join("comm")).ok());
    names.filter(|name| ["dl-commit", "dl-wake", "dl-metadata"].contains(&name.trim())).collect()
}

fn of(folder: &str) -> impl Iterator<Item = PathBuf> + use<> {
    read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.path()))
}
