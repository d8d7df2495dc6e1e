//! A flipped bit, wherever it is in the files of a namespace, is reported or does no harm.
//!
//! A small namespace is written to a real directory and left in several ways. Then, again and again, a copy with one
//! bit changed is opened, read, written to and opened again. Either some step says `corrupt` (or `unsupported`, when
//! the bit turned the directory into something else), or every acknowledged record is there as it was appended.
//! `DL_BIT_FLIPS` says how many bytes are tried for each way; with `all`, every byte that is not zero, and a part of
//! the others.

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
    Error, ErrorKind, Log, LogName, Namespace, NewRecord, Options, ReaderOptions, Result, Writer,
    WriterOptions, file_uri,
};
use image::{Image, Place, copy, folder, image, places};

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
}

/// What was acknowledged, by log.
type Acked = BTreeMap<&'static str, Vec<String>>;

/// A namespace as its process left it.
struct Left {
    image: Image,
    acked: Acked,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_reported_or_harmless_after_a_close() {
    try_flips(Ending::Closed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_reported_or_harmless_after_an_abort() {
    try_flips(Ending::Aborted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_reported_or_harmless_after_a_kill() {
    try_flips(Ending::Killed).await;
}

async fn try_flips(ending: Ending) {
    let left = Arc::new(write(ending).await);
    let unharmed = examine(&left, None).await;
    assert_eq!(unharmed, Ok(Found::Harmless), "{ending:?}");
    let places = places(&left.image, 40);
    let (mut reported, mut harmless) = (0, 0);
    let mut wrong = Vec::new();
    for place in &places {
        match examine(&left, Some(place)).await {
            Ok(Found::Reported) => reported += 1,
            Ok(Found::Harmless) => harmless += 1,
            Err(what) => wrong.push(format!("{place:?}: {what}")),
        }
    }
    println!("{ending:?}: {} flips, {reported} reported, {harmless} harmless", places.len());
    assert!(reported > 0 && wrong.is_empty(), "{ending:?}: {} wrong: {wrong:#?}", wrong.len());
}

async fn write(ending: Ending) -> Left {
    let root = folder();
    let namespace = open(root.path(), true).await.unwrap();
    let mut acked = Acked::new();
    let mut writers = Vec::new();
    for name in LOGS {
        for _ in 0..2 {
            let writer = namespace.log(&log_name(name)).open_writer(creating()).await.unwrap();
            append(&writer, &mut acked, name).await;
            writer.close().await.unwrap();
        }
        let writer = namespace.log(&log_name(name)).open_writer(creating()).await.unwrap();
        append(&writer, &mut acked, name).await;
        writers.push(writer);
    }
    match ending {
        Ending::Closed => {
            for writer in &writers {
                writer.close().await.unwrap();
            }
        }
        Ending::Aborted => writers.iter().for_each(Writer::abort),
        // What a killed process leaves is what another would find now.
        Ending::Killed => return Left { image: image(root.path()), acked },
    }
    namespace.close().await.unwrap();
    Left { image: image(root.path()), acked }
}

/// Appends three entries of two records each.
async fn append(writer: &Writer, acked: &mut Acked, name: &'static str) {
    let acked = acked.entry(name).or_default();
    for _ in 0..3 {
        let payloads = [acked.len(), acked.len() + 1].map(|number| format!("record {number} of {name}"));
        let batch = payloads.clone().map(|payload| NewRecord::new(payload.into_bytes())).into();
        writer.append_batch(batch, None).await.unwrap().await.unwrap();
        acked.extend(payloads);
    }
}

/// How a namespace with a flipped bit took it.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Reported,
    Harmless,
}

/// Opens and uses a copy with one bit changed, twice; an error tells how it went wrong.
async fn examine(left: &Arc<Left>, place: Option<&Place>) -> std::result::Result<Found, String> {
    let root = folder();
    copy(&left.image, place, root.path());
    let path = root.path().to_owned();
    let left = left.clone();
    let work = tokio::spawn(async move {
        let mut acked = left.acked.clone();
        let first = examine_once(&path, &mut acked).await?;
        let second = examine_once(&path, &mut acked).await?;
        Ok(if (first, second) == (Found::Harmless, Found::Harmless) {
            Found::Harmless
        } else {
            Found::Reported
        })
    });
    match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(ended) => ended.unwrap_or_else(|panic| Err(panic.to_string())),
        Err(_) => Err("it hangs".to_owned()),
    }
}

async fn examine_once(path: &Path, acked: &mut Acked) -> std::result::Result<Found, String> {
    let namespace = match open(path, false).await {
        Ok(namespace) => namespace,
        Err(error) => return reported(&error),
    };
    let mut found = Found::Harmless;
    for name in LOGS {
        let log = namespace.log(&log_name(name));
        for step in [
            read(&log, acked, name).await,
            append_one(&log, acked, name).await,
            read(&log, acked, name).await,
        ] {
            if let Err(error) = step {
                found = reported(&error)?;
            }
        }
    }
    if let Err(error) = namespace.close().await {
        found = reported(&error)?;
    }
    Ok(found)
}

fn reported(error: &Error) -> std::result::Result<Found, String> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::Unsupported => Ok(Found::Reported),
        _ => Err(format!("reported as {error:?}")),
    }
}

/// Reads all of a log and compares.
async fn read(log: &Log, acked: &Acked, name: &str) -> Result<()> {
    let mut reader = log.open_reader(ReaderOptions::default()).await?;
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
    assert!(right, "{name} holds {records:?} instead of {expected:?}, and ended with {ended:?}");
    ended
}

/// Appends a record through a new writer.
async fn append_one(log: &Log, acked: &mut Acked, name: &'static str) -> Result<()> {
    let writer = log.open_writer(WriterOptions::default()).await?;
    let acked = acked.get_mut(name).unwrap();
    let payload = format!("record {} of {name}", acked.len());
    writer.append(payload.clone().into_bytes()).await?.await?;
    acked.push(payload);
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
