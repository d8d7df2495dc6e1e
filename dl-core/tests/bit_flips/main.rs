//! A flipped bit, wherever it is in the files of a namespace, is reported or does no harm.
//!
//! A small namespace is written to a real directory and left in several ways. Then, again and again, a copy with one
//! bit changed is opened, read, written to and opened again. Either some step says `corrupt` (or `unsupported`, when
//! the bit turned the directory into something else), or every acknowledged record is there as it was appended.
//! `DL_BIT_FLIPS` says how many bytes are tried for each way; with `all`, every byte of each sector that was written,
//! and one of each that was not.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]
#![allow(clippy::disallowed_methods, reason = "a real directory is what is tried here")]
#![allow(clippy::print_stdout, reason = "how many bits were reported is worth a line")]

mod image;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dl_core::{
    Compression, Error, ErrorKind, Log, LogName, Namespace, NewRecord, OnTruncated, Options, ReaderOptions,
    Result, Writer, WriterOptions, file_uri,
};

use image::{Image, Place, copy, folder, image, places_of_sectors};

/// When all are tried, how many until the next word about it.
const SAY_EVERY: usize = 5_000;
const LOGS: [&str; 2] = ["a", "b/c"];

/// How the process that wrote the namespace ended.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// In order: every segment is completed.
    Closed,
    /// The writers were aborted, the namespace was closed: segments are in progress, the journal is empty.
    Aborted,
    /// It was killed: segments are in progress, and the journal holds their entries.
    Killed,
    /// As that, with entries of LZ4.
    Compressed,
    /// Both logs were truncated, and all was closed.
    Truncated,
    /// One log was sealed, and all was closed.
    Sealed,
}

/// What was acknowledged, by log.
type Acked = BTreeMap<&'static str, Vec<String>>;

/// A namespace as its process left it.
struct Left {
    image: Image,
    acked: Acked,
    sealed: Option<&'static str>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_a_close() {
    try_flips(Ending::Closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_an_abort() {
    try_flips(Ending::Aborted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_a_kill() {
    try_flips(Ending::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_a_kill_with_compressed_entries() {
    try_flips(Ending::Compressed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_a_truncation() {
    try_flips(Ending::Truncated).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_flips_are_reported_or_harmless_after_a_seal() {
    try_flips(Ending::Sealed).await;
}

async fn try_flips(ending: Ending) {
    let left = Arc::new(write(ending).await);
    let unharmed = examine(&left, None).await;
    assert_eq!(unharmed, Ok(Found::Harmless), "{ending:?}");
    let places = places_of_sectors(&left.image, 40);
    let (mut reported, mut harmless) = (0, 0);
    let (mut silent, mut panics) = (Vec::new(), Vec::new());
    for (number, place) in places.iter().enumerate() {
        match examine(&left, Some(place)).await {
            Ok(Found::Reported) => reported += 1,
            Ok(Found::Harmless) => harmless += 1,
            Err(Wrong::Silent(what)) => silent.push(format!("{place:?}: {what}")),
            Err(Wrong::Panic(what)) => panics.push(format!("{place:?}: {what}")),
        }
        if number % SAY_EVERY == SAY_EVERY - 1 {
            println!("{ending:?}: {} of {} flips", number + 1, places.len());
        }
    }
    println!(
        "{ending:?}: {} flips, {reported} reported, {harmless} outside of what was acknowledged, {} silent, {} panics",
        places.len(),
        silent.len(),
        panics.len()
    );
    assert!(reported > 0 && silent.is_empty() && panics.is_empty(), "{ending:?}: {silent:#?} {panics:#?}");
}

async fn write(ending: Ending) -> Left {
    let root = folder();
    let namespace = open(root.path(), true).await.unwrap();
    let mut acked = Acked::new();
    let mut writers = Vec::new();
    let compression = if matches!(ending, Ending::Compressed) { Compression::Lz4 } else { Compression::None };
    let options = creating().compression(compression);
    for name in LOGS {
        for _ in 0..2 {
            let writer = namespace.log(&log_name(name)).open_writer(options.clone()).await.unwrap();
            append(&writer, &mut acked, name).await;
            writer.close().await.unwrap();
        }
        let writer = namespace.log(&log_name(name)).open_writer(options.clone()).await.unwrap();
        append(&writer, &mut acked, name).await;
        writers.push(writer);
    }
    let mut sealed = None;
    match ending {
        Ending::Closed => {}
        Ending::Aborted => writers.iter().for_each(Writer::abort),
        // What a killed process leaves is what another would find now.
        Ending::Killed | Ending::Compressed => return Left { image: image(root.path()), acked, sealed },
        Ending::Truncated => {
            for (writer, name) in writers.iter().zip(LOGS) {
                truncate(&namespace, writer, &mut acked, name).await;
            }
        }
        Ending::Sealed => {
            writers[1].seal().await.unwrap();
            sealed = Some(LOGS[1]);
        }
    }
    if !matches!(ending, Ending::Aborted) {
        for (writer, name) in writers.iter().zip(LOGS) {
            assert!(writer.close().await.is_ok() || sealed == Some(name));
        }
    }
    namespace.close().await.unwrap();
    Left { image: image(root.path()), acked, sealed }
}

/// Truncates a log in the middle; what is left is what counts.
async fn truncate(namespace: &Namespace, writer: &Writer, acked: &mut Acked, name: &'static str) {
    let all = acked.get_mut(name).unwrap();
    let mut reader = namespace.log(&log_name(name)).open_reader(ReaderOptions::default()).await.unwrap();
    let middle = reader.next_batch(all.len() / 2 + 1, Duration::ZERO).await.unwrap();
    let before = all.len() - all.len() / 2;
    writer.truncate(middle.last().unwrap().dlsn).await.unwrap();
    let options = ReaderOptions::default().on_truncated(OnTruncated::Skip);
    let mut reader = namespace.log(&log_name(name)).open_reader(options).await.unwrap();
    let first = reader.next().await.unwrap().unwrap();
    let kept = all.iter().position(|payload| first.payload == payload.as_bytes()).unwrap();
    assert!(kept > 0 && kept <= before, "{kept} of {} are gone", all.len());
    all.drain(..kept);
}

/// Appends three entries of two records each.
async fn append(writer: &Writer, acked: &mut Acked, name: &'static str) {
    let acked = acked.entry(name).or_default();
    for _ in 0..3 {
        let payloads = [acked.len(), acked.len() + 1].map(|number| payload(number, name));
        let batch = payloads.clone().map(|payload| NewRecord::new(payload.into_bytes())).into();
        writer.append_batch(batch, None).await.unwrap().await.unwrap();
        acked.extend(payloads);
    }
}

/// Long and even enough for compression to find something.
fn payload(number: usize, name: &str) -> String {
    format!("record {number} of {name}, {}", "and so on, ".repeat(10))
}

/// How a namespace with a flipped bit took it.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Reported,
    Harmless,
}

/// How it went wrong.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// Something else than what was acknowledged was taken for it, or another error was given.
    Silent(String),
    Panic(String),
}

/// Opens and uses a copy with one bit changed, twice; an error tells how it went wrong.
async fn examine(left: &Arc<Left>, place: Option<&Place>) -> std::result::Result<Found, Wrong> {
    let root = folder();
    copy(&left.image, place, root.path());
    let path = root.path().to_owned();
    let left = left.clone();
    let work = tokio::spawn(async move {
        let mut acked = left.acked.clone();
        let first = examine_once(&path, &mut acked, left.sealed).await?;
        let second = examine_once(&path, &mut acked, left.sealed).await?;
        Ok(if (first, second) == (Found::Harmless, Found::Harmless) {
            Found::Harmless
        } else {
            Found::Reported
        })
    });
    match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(ended) => ended.unwrap_or_else(|panic| Err(Wrong::Panic(panic.to_string()))),
        Err(_) => Err(Wrong::Silent("it hangs".to_owned())),
    }
}

async fn examine_once(
    path: &Path,
    acked: &mut Acked,
    sealed: Option<&'static str>,
) -> std::result::Result<Found, Wrong> {
    let namespace = match open(path, false).await {
        Ok(namespace) => namespace,
        Err(error) => return reported(&error),
    };
    let mut found = Found::Harmless;
    for name in LOGS {
        let log = namespace.log(&log_name(name));
        for step in ["read", "append", "read"] {
            let done = match step {
                "read" => read(&log, acked, name).await?,
                _ => append_one(&log, acked, name).await,
            };
            match done {
                Ok(()) if step == "append" && sealed == Some(name) => {
                    return Err(Wrong::Silent(format!("{name} is no longer sealed")));
                }
                Err(error) if error.kind() == ErrorKind::Sealed && sealed == Some(name) => {}
                Err(error) => found = reported(&error)?,
                Ok(()) => {}
            }
        }
    }
    if let Err(error) = namespace.close().await {
        found = reported(&error)?;
    }
    Ok(found)
}

fn reported(error: &Error) -> std::result::Result<Found, Wrong> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::Unsupported => Ok(Found::Reported),
        _ => Err(Wrong::Silent(format!("reported as {error:?}"))),
    }
}

/// Reads all of a log and compares; answers how it ended.
async fn read(log: &Log, acked: &Acked, name: &str) -> std::result::Result<Result<()>, Wrong> {
    let options = ReaderOptions::default().on_truncated(OnTruncated::Skip);
    let mut reader = match log.open_reader(options).await {
        Ok(reader) => reader,
        Err(error) => return Ok(Err(error)),
    };
    let mut records = Vec::new();
    let ended = loop {
        match reader.next().await {
            Ok(Some(record)) => records.push(String::from_utf8_lossy(&record.payload).into_owned()),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let expected = &acked[name];
    let right = if ended.is_ok() { records == *expected } else { expected.starts_with(&records) };
    if right {
        return Ok(ended);
    }
    Err(Wrong::Silent(format!("{name} holds {records:?} instead of {expected:?}, and ended with {ended:?}")))
}

/// Appends a record through a new writer.
async fn append_one(log: &Log, acked: &mut Acked, name: &'static str) -> Result<()> {
    let writer = log.open_writer(WriterOptions::default()).await?;
    let acked = acked.get_mut(name).unwrap();
    let next = payload(acked.len(), name);
    writer.append(next.clone().into_bytes()).await?.await?;
    acked.push(next);
    writer.close().await
}

async fn open(path: &Path, create: bool) -> Result<Namespace> {
    let options = Options::default().create_namespace(create).journal_bytes(4 << 20).unsafe_filesystem(true);
    Namespace::open(&file_uri(path).unwrap(), options).await
}

fn creating() -> WriterOptions {
    WriterOptions::default().create_log(true)
}

fn log_name(name: &str) -> LogName {
    LogName::new(name).unwrap()
}
