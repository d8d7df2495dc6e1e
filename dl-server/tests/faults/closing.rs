//! What a namespace that was closed still has of the system: nothing, whatever handles are about.

use std::fs::{read_dir, read_link, read_to_string};
use std::path::{Path, PathBuf};
use std::time::Instant;

use dl_core::{Options, ReaderOptions};

use super::{Acked, PATIENCE, append, body_of, end, is_body, log_name, open, open_as, run, writer};

const TEST: &str = "closing::a_closed_namespace_holds_no_file_no_map_and_no_thread";
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
