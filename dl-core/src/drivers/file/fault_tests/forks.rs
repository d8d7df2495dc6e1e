//! A forked child of an owner (rule F15), on the real system.
#![allow(unsafe_code)]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::error::ErrorKind;

/// Where the owner, which is this test run once more in a process of its own, finds the directory.
const OWNER: &str = "DL_TEST_FORKED_OWNER";

async fn open_dir(path: &Path) -> Stores {
    let options = FileOptions {
        client_id: "test".to_owned(),
        lock_wait: Duration::from_secs(5),
        journal_bytes: 4 << 20,
        large_flush_bytes: u64::MAX,
        unsafe_filesystem: true,
        create: true,
        read_only: false,
    };
    open(path, &options, &Seams::system().unwrap()).await.unwrap()
}

/// Forks; the child does this and ends with the answer.
fn fork_off(child: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child uses memory and files only, and the allocator is usable after a fork.
    match unsafe { libc::fork() } {
        0 => {
            // A lock that another thread held is held for ever here: who waits for the child hears of it.
            // SAFETY: the signal ends the child.
            unsafe { libc::alarm(300) };
            let code = child();
            // SAFETY: it ends the child, and runs nothing of the test's.
            unsafe { libc::_exit(code) }
        }
        child => child,
    }
}

/// The answer of a call that needs not wait.
fn at_once<T>(call: impl Future<Output = T>) -> Option<T> {
    match std::pin::pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Whether every handle says in the child that it is closed; drops them.
fn all_is_closed(stores: Stores, writer: &TestWriter) -> bool {
    let id = writer.id;
    writer.put("an entry of the child");
    writer.put("another");
    writer.put_and_work("one by a caller that lends its thread");
    if writer.source.times_broken() != 1 || writer.source.so_far().len() != 3 {
        return false;
    }
    let segments = stores.segments.clone();
    let errors = [
        at_once(stores.metadata.get("/")).and_then(Result::err),
        at_once(stores.metadata.children("/")).and_then(Result::err),
        at_once(stores.metadata.commit(&[])).and_then(Result::err),
        at_once(segments.open(id)).and_then(Result::err),
        at_once(segments.recover(id)).and_then(Result::err),
        at_once(segments.delete(&[id])).and_then(Result::err),
    ];
    drop((stores, segments));
    errors.iter().all(|error| error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Closed))
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_in_a_forked_child_are_closed_and_leave_the_parent_alone() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_dir(dir.path()).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..3).await;
    let nodes = [crate::metadata::Op::create("/a", ""), crate::metadata::Op::create("/a/lock", "")];
    stores.metadata.commit(&nodes).await.unwrap();
    stores
        .metadata
        .lock("/a/lock", "parent", crate::metadata::Takeover::Never, crate::testing::stores::staying())
        .await
        .unwrap();
    let for_child = stores.clone();
    let child = fork_off(|| i32::from(!all_is_closed(for_child, &writer)));
    let mut status = 0;
    // SAFETY: the number is that of our child.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child found something open, or crashed");
    writer.append(3..6).await;
    let other = open_dir(dir.path()).await;
    assert_eq!(other.metadata.lock_owner("/a/lock").await.unwrap().as_deref(), Some("parent"));
    assert_eq!(recovered(&other, writer.id, 6, entry).await, 6);
}

/// The owner: writes, forks a child that goes on living, says so, and waits to be killed.
async fn be_the_owner(path: &Path) -> ! {
    let stores = open_dir(path).await;
    let writer = TestWriter::start(&stores).await;
    writer.append(0..20).await;
    // SAFETY: pausing is all the child does.
    let child = fork_off(|| unsafe { libc::pause() });
    println!("\nowner of {} with child {child}", writer.id.get());
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_dead_with_a_living_child_is_dead() {
    if let Some(path) = std::env::var_os(OWNER) {
        be_the_owner(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let name = "drivers::file::fault_tests::forks::an_owner_that_is_dead_with_a_living_child_is_dead";
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(OWNER, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let line = lines.map(|line| line.unwrap()).find(|line| line.starts_with("owner of")).unwrap();
    let numbers: Vec<i64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let (id, child) = (SegmentId::new(numbers[0]).unwrap(), libc::pid_t::try_from(numbers[1]).unwrap());
    owner.kill().unwrap();
    owner.wait().unwrap();

    let stores = open_dir(dir.path()).await;
    let entries = recovered(&stores, id, 20, entry).await;
    // SAFETY: the number is that of the child that the owner told us of.
    let lived = unsafe { libc::kill(child, libc::SIGKILL) } == 0;
    assert!(lived, "the child was there all the time");
    assert_eq!(entries, 20);
}
