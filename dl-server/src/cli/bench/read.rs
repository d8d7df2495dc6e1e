//! `dl bench read`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use clap::Args;
use dl_core::{Error, ErrorKind, Log};
use tokio::task;

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::payloads::Payloads;
use super::pipelined::Window;
use super::progress::Progress;
use super::site::Site;
use super::time::Time;

/// In flight while the log is filled.
const IN_FLIGHT: usize = 5_000;

/// The reader answers when there is something; a bounded one never waits.
const WAIT: Duration = Duration::ZERO;

/// Fills a log, then reads it from start to end, again and again, as it would to catch up
///
/// The first pass is not measured: what is measured is read from the page cache.
#[derive(Debug, Args)]
#[command(visible_alias = "w3")]
pub(super) struct Read {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many records the log has
    #[arg(long, value_name = "N", default_value = "5000000")]
    records: NonZeroU64,

    /// The most records that are taken from the reader at once
    #[arg(long, value_name = "N", default_value = "4096")]
    batch: NonZeroUsize,
}

impl Read {
    /// Only whole passes count.
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let log = site.create_log().await?;
        self.fill(site, &log).await?;
        self.pass(site, &log).await?;
        let _progress = Progress::new("reading");
        let how = format!("{} records, batches of {}", self.records, self.batch);
        let subject = Subject { work: "read", how, durability: None, record_bytes: Some(self.bytes) };
        let meter = Meter::start();
        let started = Instant::now();
        let mut records = 0;
        while records == 0 || started.elapsed() < self.time.length() {
            records += self.pass(site, &log).await?;
            // What is there is read without a wait, in which an interrupt would be heard.
            task::yield_now().await;
        }
        Ok(meter.stop(subject, records, &Latency::new()))
    }

    async fn fill(&self, site: &Site, log: &Log) -> Result<()> {
        let _progress = Progress::new("filling the log");
        let mut payloads = Payloads::new(self.bytes, 1)?;
        let writer = log.open_writer(site.writer_options.clone()).await?;
        let mut window = Window::new(&writer, IN_FLIGHT);
        for _ in 0..self.records.get() {
            window.append(payloads.next(), None).await?;
        }
        window.drain().await?;
        Ok(writer.close().await?)
    }

    /// Reads all of it once; answers how many records that are.
    async fn pass(&self, site: &Site, log: &Log) -> Result<u64> {
        let mut reader = log.open_reader(site.reader_options.clone()).await?;
        let (mut records, mut bytes) = (0_u64, 0_u64);
        loop {
            let batch = reader.next_batch(self.batch.get(), WAIT).await?;
            if batch.is_empty() && reader.end().is_some() {
                break;
            }
            records += batch.len() as u64;
            bytes += batch.iter().map(|record| record.payload.len() as u64).sum::<u64>();
        }
        reader.close().await?;
        if records == self.records.get() && bytes == records * self.bytes as u64 {
            return Ok(records);
        }
        let message = format!("read {records} records of {bytes} bytes; {} were appended", self.records);
        Err(Error::new(ErrorKind::Internal, message).into())
    }
}
