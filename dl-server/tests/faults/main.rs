//! Faults of the real machine: full disks, disks that turn read-only, no more descriptors or threads, two copies of
//! the library. `ci/soak` runs the full counts.
//!
//! A test that has to mount something or to limit its process runs its body in a process of its own: this program
//! once more, with only that test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reaches the outside world and fails by panicking"
)]

mod closing;
mod copies;
mod descriptors;
mod full;
mod mounts;
mod permissions;
mod read_only;
mod threads;

use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use dl_core::{
    Dlsn, Error, ErrorKind, Log, LogName, Namespace, Options, ReaderOptions, Record, Result, Writer,
    WriterOptions, file_uri,
};

/// After this, something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Names the test whose body the process is to run.
const BODY: &str = "DL_FAULTS_BODY";

/// How often a suite goes round: its variable, or a small number for everyday runs.
fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().expect("the count is a number"))
}

/// Whether this process is the one that runs the body of this test.
fn is_body(test: &str) -> bool {
    std::env::var(BODY).is_ok_and(|body| body == test)
}

/// This program once more, to run the body of a test only.
fn body_of(test: &str, by: &mut Command) {
    by.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(BODY, test);
}

/// Waits for the end of a process that must not hang; `None` if it does, and then it is killed.
fn end(child: &mut Child) -> Option<ExitStatus> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

/// Runs a body that must not hang, on a runtime of its own.
fn run(body: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(10 * PATIENCE, body).await.expect("nothing hangs") });
}

async fn open(directory: &Path) -> Result<Namespace> {
    open_as(directory, Options::default()).await
}

async fn open_as(directory: &Path, options: Options) -> Result<Namespace> {
    let options = options.journal_bytes(4 << 20).unsafe_filesystem(true);
    Namespace::open(&file_uri(directory).unwrap(), options).await
}

async fn writer(log: &Log) -> Result<Writer> {
    log.open_writer(WriterOptions::default().create_log(true).roll_bytes(1 << 20)).await
}

fn log_name(name: &str) -> LogName {
    LogName::new(name).unwrap()
}

/// What was acknowledged, in order.
type Acked = Vec<(Dlsn, Vec<u8>)>;

/// Appends one record and waits for its acknowledgement.
async fn append(writer: &Writer, payload: Vec<u8>, acked: &mut Acked) -> Result<()> {
    let receipt = writer.append(payload.clone()).await?.await?;
    acked.push((receipt.dlsn, payload));
    Ok(())
}

/// Everything that a log holds now.
async fn read(log: &Log) -> Result<Vec<Record>> {
    let mut reader = log.open_reader(ReaderOptions::default()).await?;
    let mut records = Vec::new();
    while let Some(record) = reader.next().await? {
        records.push(record);
    }
    Ok(records)
}

/// Whether the records are exactly those.
fn same(records: &[Record], acked: &[(Dlsn, Vec<u8>)]) {
    let read: Vec<_> = records.iter().map(|record| (record.dlsn, &*record.payload)).collect();
    let expected: Vec<_> = acked.iter().map(|(dlsn, payload)| (*dlsn, &**payload)).collect();
    let places = |list: &[(Dlsn, &[u8])]| list.iter().map(|(dlsn, _)| dlsn.to_string()).collect::<Vec<_>>();
    assert!(read == expected, "there is {:?}, acknowledged {:?}", places(&read), places(&expected));
}

fn is(error: &Error, kinds: &[ErrorKind]) {
    assert!(kinds.contains(&error.kind()), "{error:?}");
}
