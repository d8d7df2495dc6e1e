//! What is counted with: atomics without locks, each a few nanoseconds.
//!
//! Nothing here is called for each record. Records are counted with their entry, so counters need no stripes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::snapshot::{Descriptor, Distribution, Metric, MetricValue};
use crate::error::ErrorKind;

/// Only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self, descriptor: &'static Descriptor, metrics: &mut Vec<Metric>) {
        metrics.push(descriptor.metric(MetricValue::Counter(self.value())));
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn read(&self, descriptor: &'static Descriptor, metrics: &mut Vec<Metric>) {
        metrics.push(descriptor.metric(MetricValue::Gauge(self.0.load(Ordering::Relaxed))));
    }
}

/// A counter for each kind of error.
#[derive(Debug, Default)]
pub(crate) struct ByKind([Counter; ErrorKind::ALL.len()]);

impl ByKind {
    pub(crate) fn add(&self, kind: ErrorKind, count: u64) {
        // Numbers begin with 1 and have no gap.
        if let Some(counter) = self.0.get(usize::from(kind.number()) - 1) {
            counter.add(count);
        }
    }

    /// Those that ever moved.
    pub(super) fn read(&self, descriptor: &'static Descriptor, metrics: &mut Vec<Metric>) {
        for (kind, counter) in ErrorKind::ALL.iter().zip(&self.0).filter(|(_, counter)| counter.value() > 0) {
            let metric = descriptor.metric(MetricValue::Counter(counter.value()));
            metrics.push(metric.labelled("kind", kind.name()));
        }
    }
}

/// Each power of two is cut into this many buckets of the same width; smaller values have a bucket each.
const STEPS: u64 = 16;
const STEP_BITS: u32 = STEPS.ilog2();
/// Values from two to this power on are in the last bucket: 18 minutes in nanoseconds, a tebibyte.
const MOST_BITS: u32 = 40;
const BUCKETS: usize = ((MOST_BITS - STEP_BITS + 1) as usize) * STEPS as usize;

/// How often values of each size came.
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, value: u64) {
        self.buckets[bucket_of(value)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Records a time, in nanoseconds.
    pub(crate) fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn read(&self, descriptor: &'static Descriptor, metrics: &mut Vec<Metric>) {
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let found = counts.enumerate().filter(|(_, count)| *count > 0);
        let buckets = found.map(|(index, count)| (bucket_end(index), count)).collect();
        let sum = self.sum.load(Ordering::Relaxed);
        metrics.push(descriptor.metric(MetricValue::Histogram(Distribution::new(descriptor, buckets, sum))));
    }
}

fn bucket_of(value: u64) -> usize {
    let value = value.min((1 << MOST_BITS) - 1);
    if value < STEPS {
        return usize::try_from(value).unwrap_or(0);
    }
    let shift = value.ilog2() - STEP_BITS;
    let step = (value >> shift) - STEPS;
    usize::try_from(u64::from(shift + 1) * STEPS + step).unwrap_or(BUCKETS - 1)
}

/// The largest value in a bucket.
fn bucket_end(index: usize) -> u64 {
    let (power, step) = (index as u64 / STEPS, index as u64 % STEPS);
    match power {
        0 => step,
        _ => ((STEPS + step + 1) << (power - 1)) - 1,
    }
}

/// The smallest value in the bucket that ends with this one.
pub(super) fn bucket_start(end: u64) -> u64 {
    match bucket_of(end) {
        0 => 0,
        index => bucket_end(index - 1) + 1,
    }
}
