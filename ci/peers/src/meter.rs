//! Measuring as `dl bench` does: the same figures under the same names.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{Load, Outcome};

/// A measurement that runs.
pub(crate) struct Meter {
    started: Instant,
    processor_seconds: f64,
}

/// What one caller did.
pub(crate) struct Done {
    pub(crate) records: u64,
    latency: Histogram<u64>,
}

impl Done {
    pub(crate) fn nothing() -> Outcome<Self> {
        Ok(Self { records: 0, latency: Histogram::new(3)? })
    }

    fn add(&mut self, other: &Self) -> Outcome<()> {
        self.records += other.records;
        Ok(self.latency.add(&other.latency)?)
    }

    pub(crate) fn took(&mut self, duration: Duration) -> Outcome<()> {
        Ok(self.latency.record(u64::try_from(duration.as_nanos())?)?)
    }

    /// What so many threads do, numbered from 1.
    pub(crate) fn by_threads(count: usize, work: impl Fn(u64) -> Outcome<Self> + Sync) -> Outcome<Self> {
        thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> =
                (1..=count as u64).map(|number| scope.spawn(move || work(number))).collect();
            let mut all = Self::nothing()?;
            for thread in running {
                all.add(&thread.join().map_err(|_| "a thread panicked")??)?;
            }
            Ok(all)
        })
    }

    /// Does one after the other until the time is over; each is due when the one before is done.
    pub(crate) fn repeat(length: Duration, mut once: impl FnMut() -> Outcome<()>) -> Outcome<Self> {
        let mut done = Self::nothing()?;
        let started = Instant::now();
        let mut due = started;
        while due - started < length {
            once()?;
            let now = Instant::now();
            done.took(now - due)?;
            done.records += 1;
            due = now;
        }
        Ok(done)
    }
}

impl Meter {
    pub(crate) fn start() -> Outcome<Self> {
        Ok(Self { processor_seconds: processor_seconds()?, started: Instant::now() })
    }

    /// Prints the figures.
    pub(crate) fn stop(self, work: &str, how: &str, load: &Load, done: &Done) -> Outcome<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        let processor_seconds = processor_seconds()? - self.processor_seconds;
        let records = done.records as f64;
        let latency = (!done.latency.is_empty()).then(|| percentiles(&done.latency));
        let figures = json!({
            "work": work,
            "how": how,
            "record_bytes": load.bytes,
            "unit": "records",
            "count": done.records,
            "seconds": seconds,
            "per_second": records / seconds,
            "payload_bytes_per_second": records * load.bytes as f64 / seconds,
            "latency": latency,
            "processor_seconds": processor_seconds,
            "processor_us_each": processor_seconds * 1e6 / records,
            "peak_memory_bytes": peak_memory_bytes()?,
        });
        println!("{figures}");
        Ok(())
    }
}

fn percentiles(latency: &Histogram<u64>) -> Value {
    let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1e3;
    json!({
        "p50_us": at(0.5), "p90_us": at(0.9), "p99_us": at(0.99), "p999_us": at(0.999), "max_us": at(1.0),
    })
}

/// Processor time so far, user and system; Linux counts it in hundredths.
fn processor_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process status")?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).map(|field| field.parse().unwrap_or(0)).sum();
    Ok(ticks as f64 / 100.0)
}

fn peak_memory_bytes() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak memory")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<u64>()? * 1024)
}

/// Random bytes (splitmix64), so that nothing compresses them.
pub(crate) fn random(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Payloads of one length, cut from a pool of random bytes.
pub(crate) struct Payloads {
    pool: Vec<u8>,
    length: usize,
    at: usize,
}

impl Payloads {
    const POOL_BYTES: usize = 128 * 1024;

    pub(crate) fn new(length: usize, seed: u64) -> Self {
        Self { pool: random(Self::POOL_BYTES + length, seed), length, at: 0 }
    }

    pub(crate) fn next(&mut self) -> &[u8] {
        self.at = (self.at + self.length + 61) % Self::POOL_BYTES;
        &self.pool[self.at..self.at + self.length]
    }
}
