//! `dl bench many-logs`.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use dl_core::{Error, ErrorKind, Writer};
use tokio::task;
use tokio::time::{Instant, sleep_until};

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::logs;
use super::payloads::Payloads;
use super::progress::Progress;
use super::site::Site;
use super::time::Time;

/// Latencies are kept in so many parts, so that tasks seldom meet at one.
const PARTS: usize = 64;

/// Many logs that are all written at a steady rate, each by a task of its own
///
/// The appends of the logs are spread evenly. A task is woken up to a millisecond late by its timer, and waits for its
/// acknowledgement before it sleeps again; both count.
#[derive(Debug, Args)]
pub(super) struct ManyLogs {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many logs
    #[arg(long, value_name = "N", default_value = "10000")]
    logs: NonZeroUsize,

    /// How many appends a second are due in each log
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    rate: f64,
}

/// When a log is appended to.
#[derive(Clone, Copy)]
struct Beat {
    first: Instant,
    interval: Duration,
    end: Instant,
}

impl ManyLogs {
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let interval = Duration::try_from_secs_f64(1.0 / self.rate)
            .ok()
            .filter(|interval| !interval.is_zero())
            .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("{} is no rate", self.rate)))?;
        let payloads = Payloads::new(self.bytes, 1)?;
        let (writers, durability) = logs::open_writers(site, self.logs, &payloads).await?;

        let _progress = Progress::new(format!("appending to {} logs", self.logs));
        let parts: Vec<_> = (0..PARTS).map(|_| Arc::new(Mutex::new(Latency::new()))).collect();
        let meter = Meter::start();
        let start = Instant::now();
        let mut tasks = Vec::with_capacity(writers.len());
        for (number, writer) in writers.iter().enumerate() {
            let shift = interval.mul_f64(number as f64 / writers.len() as f64);
            let beat = Beat { first: start + shift, interval, end: start + self.time.length() };
            let (payloads, latency) = (payloads.share(number), Arc::clone(&parts[number % PARTS]));
            tasks.push(task::spawn(append(writer.clone(), beat, payloads, latency)));
        }
        let mut count = 0;
        for task in tasks {
            count += task.await.map_err(logs::ended)??;
        }
        let mut latency = Latency::new();
        for part in parts {
            latency.add(&part.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let how = format!("{} logs, each {} times a second", self.logs, self.rate);
        let subject = Subject { work: "many-logs", how, durability, record_bytes: Some(self.bytes) };
        let figures = meter.stop(subject, count, &latency);
        for writer in &writers {
            writer.abort();
        }
        Ok(figures)
    }
}

async fn append(
    writer: Writer,
    beat: Beat,
    mut payloads: Payloads,
    latency: Arc<Mutex<Latency>>,
) -> dl_core::Result<u64> {
    let (mut due, mut count) = (beat.first, 0);
    while due < beat.end {
        sleep_until(due).await;
        writer.append(payloads.next()).await?.await?;
        let took = due.elapsed();
        latency.lock().unwrap_or_else(PoisonError::into_inner).record(took);
        count += 1;
        due += beat.interval;
    }
    Ok(count)
}
