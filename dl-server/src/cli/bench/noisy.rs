//! `dl bench noisy`.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use dl_core::{Error, ErrorKind, Writer};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::task::{self, JoinSet};

use super::super::failure::Result;
use super::figures::{Cost, Meter, Report, approximate, grouped, row};
use super::latency::{Latency, Percentiles};
use super::logs;
use super::payloads::Payloads;
use super::pipelined::Window;
use super::progress::Progress;
use super::schedule::Schedule;
use super::site::Site;
use super::time::Time;

/// Quiet logs, alone and as long beside one that is appended to at full speed
///
/// A thread of its own appends to the quiet logs in turn, at even times, and tasks await the acknowledgements. They are
/// alone and beside the loud log by turns, so that both meet the same disk.
#[derive(Debug, Args)]
pub(super) struct Noisy {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many quiet logs
    #[arg(long, value_name = "N", default_value = "100")]
    logs: NonZeroUsize,

    /// How many appends a second are due in each quiet log
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    rate: f64,

    /// How many appends are in flight in the loud log
    #[arg(long, value_name = "N", default_value = "5000")]
    in_flight: NonZeroUsize,

    /// Into how many turns the time is divided
    #[arg(long, value_name = "N", default_value = "5")]
    turns: NonZeroU32,
}

/// What `noisy` found.
#[derive(Debug, Serialize)]
pub(super) struct NoisyFigures {
    work: &'static str,
    durability: &'static str,
    record_bytes: usize,
    logs: usize,
    /// In the quiet logs, alone and beside the loud one.
    count: u64,
    /// In the loud log.
    loud_count: u64,
    loud_per_second: f64,
    /// Of the whole run.
    seconds: f64,
    /// Of the quiet logs while there is nothing else.
    alone: Percentiles,
    /// Of the quiet logs while the loud one is appended to.
    beside: Percentiles,
    /// The p99 of `beside` divided by that of `alone`.
    beside_to_alone: f64,
    /// Of all appends, the loud log's too.
    #[serde(flatten)]
    cost: Cost,
}

impl Noisy {
    pub(super) async fn measure(self, site: &Site) -> Result<NoisyFigures> {
        let payloads = Payloads::new(self.bytes, 1)?;
        let (writers, durability) = logs::open_writers(site, self.logs, &payloads).await?;
        let mut options = site.writer_options.clone();
        options.in_flight_records = options.in_flight_records.max(self.in_flight.get() as u64);
        let loud = site.create_log().await?.open_writer(options).await?;
        loud.append(payloads.share(0).next()).await?.await?;
        let length = self.time.length() / self.turns.get();
        let quiet = Quiet { writers: writers.into(), payloads, rate: self.rate, length };

        let _progress =
            Progress::new(format!("appending to {} logs, alone and beside a loud one", self.logs));
        let (mut alone, mut beside) = (Latency::new(), Latency::new());
        let (mut count, mut loud_count, mut loud_time) = (0, 0, Duration::ZERO);
        let meter = Meter::start();
        for _ in 0..self.turns.get() {
            count += quiet.append(&mut alone).await?;
            let shouting = task::spawn(shout(loud.clone(), self.in_flight, quiet.payloads.share(1), length));
            count += quiet.append(&mut beside).await?;
            let (records, took) = shouting.await.map_err(logs::ended)??;
            loud_count += records;
            loud_time += took;
        }
        let (seconds, cost) = (meter.seconds(), meter.cost(count + loud_count));
        for writer in quiet.writers.iter().chain([&loud]) {
            writer.abort();
        }
        let (Some(alone), Some(beside)) = (alone.percentiles(), beside.percentiles()) else {
            return Err(Error::new(ErrorKind::InvalidArgument, "the time was too short for an append").into());
        };
        Ok(NoisyFigures {
            work: "noisy",
            durability: durability.map_or("memory", |durability| durability.name()),
            record_bytes: self.bytes,
            logs: self.logs.get(),
            count,
            loud_count,
            loud_per_second: approximate(loud_count) / loud_time.as_secs_f64().max(f64::EPSILON),
            seconds,
            alone,
            beside,
            beside_to_alone: beside.p99_us / alone.p99_us,
            cost,
        })
    }
}

impl Report for NoisyFigures {
    fn rows(&self) -> Vec<[String; 2]> {
        let (logs, count, seconds) = (self.logs, grouped(self.count), self.seconds);
        let mut rows = vec![
            row("work", format!("noisy, {count} appends to {logs} quiet logs in {seconds:.2} s")),
            row("record", format!("{} bytes", self.record_bytes)),
            row("durability", self.durability),
            row("loud log", format!("{:.0} a second", self.loud_per_second)),
            row("quiet alone", self.alone.to_string()),
            row("quiet beside it", self.beside.to_string()),
            row("beside/alone", format!("{:.2} at p99", self.beside_to_alone)),
        ];
        rows.extend(self.cost.rows());
        rows
    }
}

/// The quiet logs.
struct Quiet {
    writers: Arc<[Writer]>,
    payloads: Payloads,
    /// How many a second are due in each.
    rate: f64,
    length: Duration,
}

impl Quiet {
    /// Appends for the length of a turn; answers how often.
    async fn append(&self, latency: &mut Latency) -> Result<u64> {
        let rate = self.rate * approximate(self.writers.len() as u64);
        let schedule = Schedule::new(self.length, Some(rate))?;
        let (writers, payloads, runtime) = (self.writers.clone(), self.payloads.share(0), Handle::current());
        // The timer of the runtime would be up to a millisecond late, which is longer than an append takes.
        let begin = task::spawn_blocking(move || begin_each(&writers, payloads, schedule, &runtime));
        let mut appends = begin.await.map_err(logs::ended)??;
        let mut count = 0;
        while let Some(ended) = appends.join_next().await {
            latency.record(ended.map_err(logs::ended)??);
            count += 1;
        }
        Ok(count)
    }
}

/// Begins each append when it is due, whatever became of those before; a task awaits it, and answers how long it took.
fn begin_each(
    writers: &[Writer],
    mut payloads: Payloads,
    mut schedule: Schedule,
    runtime: &Handle,
) -> dl_core::Result<JoinSet<dl_core::Result<Duration>>> {
    let mut appends = JoinSet::new();
    for writer in writers.iter().cycle() {
        let Some(due) = schedule.next() else { break };
        let ticket = runtime.block_on(writer.append(payloads.next()))?;
        let acknowledged = async move {
            ticket.await?;
            Ok(due.elapsed())
        };
        appends.spawn_on(acknowledged, runtime);
    }
    Ok(appends)
}

/// Appends to the loud log; answers how many records were acknowledged, and how long it took.
async fn shout(
    writer: Writer,
    in_flight: NonZeroUsize,
    mut payloads: Payloads,
    length: Duration,
) -> dl_core::Result<(u64, Duration)> {
    let started = Instant::now();
    let mut window = Window::new(&writer, in_flight.get());
    window.keep_full(length, &mut payloads).await?;
    Ok((window.records(), started.elapsed()))
}
