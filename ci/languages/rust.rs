//! The works of ci/languages/compare in Rust.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures, and prints figures")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dl_core::{
    Error, ErrorKind, Log, LogName, ManyTicket, Namespace, NewRecord, Options, ReaderOptions, Result, Writer,
    WriterOptions,
};

const BYTES: usize = 100;
const BATCH: usize = 1_000;
const IN_FLIGHT: usize = 4;
const PASSES: usize = 5;
const ALONE: usize = 20_000;

fn main() -> Result<()> {
    let records = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Unavailable, "no runtime").caused_by(error))?;
    runtime.block_on(run(records))
}

async fn run(records: usize) -> Result<()> {
    let namespace = Namespace::open("memory:languages", Options::default()).await?;
    let mut random = 1_u64;
    let bytes: Bytes = std::iter::repeat_with(|| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        random.to_be_bytes()[0]
    })
    .take(BATCH * BYTES)
    .collect();
    let payloads: Vec<Bytes> =
        (0..BATCH).map(|index| bytes.slice(index * BYTES..(index + 1) * BYTES)).collect();
    for (work, in_flight) in [("append", IN_FLIGHT), ("append-one", 1)] {
        let mut figures = Vec::new();
        for _ in 0..=PASSES {
            let (_, writer) = open(&namespace, "appended").await?;
            figures.push(append(&writer, &payloads, records, in_flight).await?);
            writer.close().await?;
            namespace.delete_log(&LogName::new("appended")?).await?;
        }
        print(work, figures);
    }
    let (log, writer) = open(&namespace, "read").await?;
    for _ in 0..records / BATCH {
        let batch = payloads.iter().cloned().map(NewRecord::new).collect();
        writer.append_batch(batch, None).await?.await?;
    }
    let mut figures = Vec::new();
    for _ in 0..=PASSES {
        figures.push(read(&log).await?);
    }
    print("read", figures);
    println!("rust alone {:.2}", alone(&writer, &payloads[0]).await?);
    writer.close().await?;
    namespace.close().await
}

async fn open(namespace: &Namespace, name: &str) -> Result<(Log, Writer)> {
    let log = namespace.log(&LogName::new(name)?);
    let writer = log.open_writer(WriterOptions::default().create_log(true)).await?;
    Ok((log, writer))
}

/// The first pass, and the median of the others.
fn print(work: &str, mut figures: Vec<f64>) {
    println!("rust {work}-first {:.0}", figures.remove(0));
    figures.sort_by(f64::total_cmp);
    println!("rust {work} {:.0}", figures[PASSES / 2]);
}

async fn append(writer: &Writer, payloads: &[Bytes], records: usize, most: usize) -> Result<f64> {
    let mut in_flight: VecDeque<ManyTicket> = VecDeque::new();
    let batches = records / BATCH;
    let started = Instant::now();
    for _ in 0..batches {
        if in_flight.len() == most {
            settle(&mut in_flight).await?;
        }
        let (ticket, refused) = writer.append_many(payloads).await;
        if let Some(error) = refused {
            return Err(error);
        }
        in_flight.push_back(ticket);
    }
    while !in_flight.is_empty() {
        settle(&mut in_flight).await?;
    }
    Ok((batches * BATCH) as f64 / started.elapsed().as_secs_f64())
}

async fn settle(in_flight: &mut VecDeque<ManyTicket>) -> Result<()> {
    if let Some(ticket) = in_flight.pop_front() {
        let receipts = ticket.await;
        if let Some(error) = receipts.first_error() {
            return Err(error);
        }
    }
    Ok(())
}

async fn read(log: &Log) -> Result<f64> {
    let (mut read, mut bytes) = (0, 0);
    let started = Instant::now();
    let mut reader = log.open_reader(ReaderOptions::default()).await?;
    while reader.end().is_none() {
        // As C and Python read: it is the faster way for who looks at records and lets them go.
        for record in &reader.next_batch(BATCH, Duration::MAX).await? {
            bytes += record.payload.len();
            read += 1;
        }
    }
    let took = started.elapsed().as_secs_f64();
    if bytes != read * BYTES {
        return Err(Error::new(ErrorKind::Corrupt, "other bytes were read than were appended"));
    }
    Ok(read as f64 / took)
}

async fn alone(writer: &Writer, payload: &Bytes) -> Result<f64> {
    let mut took = Vec::with_capacity(ALONE);
    for _ in 0..ALONE {
        let started = Instant::now();
        writer.append(payload.clone()).await?.await?;
        took.push(started.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    Ok(took[ALONE / 2])
}
