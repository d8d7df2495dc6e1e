//! `dl bench append`.

use clap::Args;
use dl_core::{Error, ErrorKind, Writer};
use tokio::task;

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::payloads::Payloads;
use super::progress::Progress;
use super::schedule::Schedule;
use super::site::Site;
use super::time::Time;

/// One append at a time, each durable before the next, from a thread that waits for it
#[derive(Debug, Args)]
#[command(visible_alias = "w1")]
pub(super) struct Append {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many a second are due [default: the next one when the one before is done]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,

    /// Awaited in a task of the runtime, instead of by a thread that may do the work itself
    #[arg(long)]
    awaited: bool,
}

impl Append {
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let mut payloads = Payloads::new(self.bytes, 1)?;
        let writer = site.create_log().await?.open_writer(site.writer_options.clone()).await?;
        // The first one begins the segment, which is not what is measured.
        let durability = writer.append(payloads.next()).await?.await?.durability;
        let mut how = self.rate.map_or_else(|| "one at a time".to_owned(), |rate| format!("{rate} a second"));
        if self.awaited {
            how += ", awaited";
        }
        let _progress = Progress::new("appending");
        let subject =
            Subject { work: "append", how, durability: Some(durability), record_bytes: Some(self.bytes) };
        let meter = Meter::start();
        let schedule = Schedule::new(self.time.length(), self.rate)?;
        let (records, latency) = if self.awaited {
            awaited(&writer, payloads, schedule).await?
        } else {
            let writer = writer.clone();
            let thread = task::spawn_blocking(move || blocking(&writer, payloads, schedule)).await;
            thread
                .map_err(|error| Error::new(ErrorKind::Internal, format!("the thread ended: {error}")))??
        };
        let figures = meter.stop(subject, records, &latency);
        writer.close().await?;
        Ok(figures)
    }
}

/// Appends from a task.
pub(super) async fn awaited(
    writer: &Writer,
    mut payloads: Payloads,
    mut schedule: Schedule,
) -> dl_core::Result<(u64, Latency)> {
    let (mut records, mut latency) = (0, Latency::new());
    while let Some(due) = schedule.next() {
        writer.append(payloads.next()).await?.await?;
        latency.record(due.elapsed());
        records += 1;
    }
    Ok((records, latency))
}

/// Appends from a thread that has nothing else to do.
pub(super) fn blocking(
    writer: &Writer,
    mut payloads: Payloads,
    mut schedule: Schedule,
) -> dl_core::Result<(u64, Latency)> {
    let (mut records, mut latency) = (0, Latency::new());
    while let Some(due) = schedule.next() {
        writer.blocking_append(payloads.next())?;
        latency.record(due.elapsed());
        records += 1;
    }
    Ok((records, latency))
}
