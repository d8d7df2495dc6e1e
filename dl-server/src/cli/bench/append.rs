//! `dl bench append`.

use clap::Args;

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::latency::Latency;
use super::payloads::Payloads;
use super::progress::Progress;
use super::schedule::Schedule;
use super::site::Site;
use super::time::Time;

/// One append at a time, each awaited before the next
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
}

impl Append {
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let mut payloads = Payloads::new(self.bytes, 1)?;
        let writer = site.create_log().await?.open_writer(site.writer_options.clone()).await?;
        // The first one begins the segment, which is not what is measured.
        let durability = writer.append(payloads.next()).await?.await?.durability;
        let how = self.rate.map_or_else(|| "one at a time".to_owned(), |rate| format!("{rate} a second"));
        let _progress = Progress::new("appending");
        let mut latency = Latency::new();
        let mut records = 0;
        let subject =
            Subject { work: "append", how, durability: Some(durability), record_bytes: Some(self.bytes) };
        let meter = Meter::start();
        let mut schedule = Schedule::new(self.time.length(), self.rate)?;
        while let Some(due) = schedule.next() {
            writer.append(payloads.next()).await?.await?;
            latency.record(due.elapsed());
            records += 1;
        }
        let figures = meter.stop(subject, records, &latency);
        writer.close().await?;
        Ok(figures)
    }
}
