//! `dl bench tail`, and the process that follows.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use clap::Args;
use dl_core::{Error, ErrorKind, LogName, ReaderOptions, WriterOptions};
use serde::{Deserialize, Serialize};

use super::super::Shared;
use super::super::failure::{Failure, Result};
use super::super::namespace::{self, Missing, Scope};
use super::figures::{Cost, Meter, Report, row};
use super::helper::{self, Helper};
use super::latency::{Latency, Percentiles};
use super::payloads::Payloads;
use super::progress::Progress;
use super::schedule::Schedule;
use super::site::Site;
use super::time::Time;

/// What says to the follower that no more comes.
const NO_MORE: u64 = 0;

const BATCH: usize = 4_096;

/// The reader answers whenever there is something; this only bounds a single call.
const WAIT: Duration = Duration::from_secs(3_600);

/// From an append to a reader in another process that follows, beside appends that nobody follows
///
/// Appends go in turn to a log that nobody reads and to one that another process of this program follows, so that both
/// meet the same disk. Each is awaited. Both processes look at the wall clock: nobody should set it meanwhile.
#[derive(Debug, Args)]
#[command(visible_alias = "w4")]
pub(super) struct Tail {
    #[command(flatten)]
    time: Time,

    /// The bytes of a record, 8 at least
    #[arg(long, value_name = "N", default_value_t = 100)]
    bytes: usize,

    /// How many a second are due, in both logs together
    #[arg(long, value_name = "N", default_value_t = 1_000.0)]
    rate: f64,
}

/// The process that `tail` starts
#[derive(Debug, Args)]
pub(super) struct Follow {
    log: String,
}

/// What `tail` found.
#[derive(Debug, Serialize)]
pub(super) struct TailFigures {
    work: &'static str,
    durability: &'static str,
    record_bytes: usize,
    /// In both logs.
    count: u64,
    seconds: f64,
    /// Until the acknowledgement, in the log that nobody reads.
    alone: Percentiles,
    /// Until the acknowledgement, in the log that is followed.
    followed: Percentiles,
    /// Until the other process had the record.
    seen: Percentiles,
    /// The median of `seen` divided by that of `alone`.
    seen_to_alone: f64,
    #[serde(flatten)]
    cost: Cost,
    follower: Cost,
}

/// What the other process answers.
#[derive(Debug, Serialize, Deserialize)]
struct Followed {
    count: u64,
    seen: Option<Percentiles>,
    cost: Cost,
}

impl Tail {
    pub(super) async fn measure(self, site: &Site, shared: &Shared) -> Result<TailFigures> {
        if self.bytes < size_of::<u64>() {
            let message = "a record of this work holds the time: it has 8 bytes at least";
            return Err(Error::new(ErrorKind::InvalidArgument, message).into());
        }
        let mut payloads = Payloads::new(self.bytes, 1)?;
        let (alone, followed) = (site.create_log().await?, site.create_log().await?);
        let writers = [
            alone.open_writer(site.writer_options.clone()).await?,
            followed.open_writer(site.writer_options.clone()).await?,
        ];
        let mut durability = None;
        for writer in &writers {
            durability = Some(writer.append(payloads.next()).await?.await?.durability);
        }
        let mut follower = Helper::start(shared, &site.uri, &["follow", followed.name().as_str()])?;
        follower.line().await?;

        let _progress = Progress::new("appending beside a follower");
        let mut latencies = [Latency::new(), Latency::new()];
        let meter = Meter::start();
        let mut schedule = Schedule::new(self.time.length(), Some(self.rate))?;
        let mut count = 0;
        while let Some(due) = schedule.next() {
            let which = usize::from(count % 2 == 1);
            writers[which].append(stamped(payloads.next(), wall_clock(due))).await?.await?;
            latencies[which].record(due.elapsed());
            count += 1;
        }
        let (seconds, cost) = (meter.seconds(), meter.cost(count));
        writers[1].append(stamped(payloads.next(), NO_MORE)).await?.await?;
        let answer: Followed = serde_json::from_str(&follower.line().await?).map_err(|error| {
            Error::new(ErrorKind::Internal, "the other process answered something else").caused_by(error)
        })?;
        for writer in &writers {
            writer.close().await?;
        }
        if answer.count != count / 2 {
            let message = format!("the other process saw {} records of {}", answer.count, count / 2);
            return Err(Error::new(ErrorKind::Internal, message).into());
        }
        let [alone, followed] = latencies.map(|latency| latency.percentiles());
        let (Some(alone), Some(followed), Some(seen)) = (alone, followed, answer.seen) else {
            let message = "the time was too short for an append to each of both logs";
            return Err(Error::new(ErrorKind::InvalidArgument, message).into());
        };
        Ok(TailFigures {
            work: "tail",
            durability: durability.map_or("memory", |durability| durability.name()),
            record_bytes: self.bytes,
            count,
            seconds,
            alone,
            followed,
            seen,
            seen_to_alone: seen.p50_us / alone.p50_us,
            cost,
            follower: answer.cost,
        })
    }
}

impl Report for TailFigures {
    fn rows(&self) -> Vec<[String; 2]> {
        let mut rows = vec![
            row(
                "work",
                format!("tail, {} appends in {:.2} s, to two logs in turn", self.count, self.seconds),
            ),
            row("record", format!("{} bytes", self.record_bytes)),
            row("durability", self.durability),
            row("append alone", self.alone.to_string()),
            row("append followed", self.followed.to_string()),
            row("seen", self.seen.to_string()),
            row("seen/alone", format!("{:.2} at the median", self.seen_to_alone)),
        ];
        rows.extend(self.cost.rows());
        rows.extend(
            self.follower.rows().into_iter().map(|[name, value]| [format!("follower's {name}"), value]),
        );
        rows
    }
}

impl Follow {
    /// Prints a line once it follows, and its figures at the end.
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        helper::end_with_starter()?;
        let name = LogName::new(&self.log)?;
        let (mut writer, mut options) = (WriterOptions::default(), ReaderOptions::default());
        let scope = Scope::Both(&mut writer, &mut options);
        let namespace = shared.namespace.open(Missing::Fail, scope).await?;
        let followed = async {
            let mut reader = namespace.log(&name).open_reader(options.follow(true)).await?;
            reader.next().await?;
            let mut output = shared.output();
            output.bytes(b"following\n")?;
            output.flush()?;
            let meter = Meter::start();
            let (mut latency, mut count) = (Latency::new(), 0);
            loop {
                let records = reader.next_batch(BATCH, WAIT).await?;
                let now = wall_clock(Instant::now());
                for record in &records {
                    match stamp(record.payload) {
                        NO_MORE => {
                            let (seen, cost) = (latency.percentiles(), meter.cost(count));
                            output.object(&Followed { count, seen, cost })?;
                            return output.flush();
                        }
                        due => latency
                            .record(Duration::from_nanos(now.checked_sub(due).ok_or_else(clock_was_set)?)),
                    }
                    count += 1;
                }
            }
        };
        let followed = followed.await;
        namespace::close(namespace, followed).await
    }
}

fn clock_was_set() -> Failure {
    Error::new(ErrorKind::Unavailable, "the clock went back; measure again").into()
}

/// The payload with the time in front.
fn stamped(payload: Bytes, time: u64) -> Bytes {
    let mut payload = Vec::from(payload);
    payload[..size_of::<u64>()].copy_from_slice(&time.to_le_bytes());
    payload.into()
}

/// What stands in front; no more to come if it is no time.
fn stamp(payload: &[u8]) -> u64 {
    payload.first_chunk().map_or(NO_MORE, |time| u64::from_le_bytes(*time))
}

/// What the wall clock showed at that moment, in nanoseconds.
fn wall_clock(moment: Instant) -> u64 {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since_1970.saturating_sub(moment.elapsed()).as_nanos()).unwrap_or(u64::MAX)
}
