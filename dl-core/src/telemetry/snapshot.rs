//! Metrics as callers get them.

use super::instruments::bucket_start;

/// The metrics of a namespace at one moment. Each is whole; they are read one after another.
#[derive(Debug, Clone)]
pub struct Snapshot {
    metrics: Vec<Metric>,
}

impl Snapshot {
    pub(crate) fn new(metrics: Vec<Metric>) -> Self {
        Self { metrics }
    }

    /// All of them; those of one name one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Metric> {
        self.metrics.iter()
    }

    /// The sum of the counters or gauges of this name, or the number of values in the histogram; 0 if there is none.
    /// The name may lack its `dl_`.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.named(name).map(|metric| metric.value.count()).sum()
    }

    /// The histogram of this name. The name may lack its `dl_`.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Option<&Distribution> {
        self.named(name).find_map(|metric| match &metric.value {
            MetricValue::Histogram(distribution) => Some(distribution),
            MetricValue::Counter(_) | MetricValue::Gauge(_) => None,
        })
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Metric> {
        let name = name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        self.iter().filter(move |metric| metric.name.strip_prefix(PREFIX) == Some(&name))
    }
}

impl<'a> IntoIterator for &'a Snapshot {
    type Item = &'a Metric;
    type IntoIter = std::slice::Iter<'a, Metric>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// How every name begins.
const PREFIX: &str = "dl_";

/// One metric. docs/metrics.md lists them; names never change.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Metric {
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What it counts: `records`, `bytes`, `seconds`, ….
    pub unit: &'static str,
    /// What tells it from others of its name.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: MetricValue,
}

/// The value of a metric.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum MetricValue {
    /// Only grows while the namespace is open.
    Counter(u64),
    /// Goes up and down.
    Gauge(u64),
    /// How often values of each size came.
    Histogram(Distribution),
}

impl MetricValue {
    fn count(&self) -> u64 {
        match self {
            Self::Counter(value) | Self::Gauge(value) => *value,
            Self::Histogram(distribution) => distribution.count(),
        }
    }
}

/// How often values of each size came.
#[derive(Debug, Clone)]
pub struct Distribution {
    /// The largest value of each bucket that has any, and how many, upwards.
    buckets: Vec<(u64, u64)>,
    sum: u64,
    /// What one is in the unit of the metric.
    scale: f64,
    pub(super) unit: &'static str,
}

impl Distribution {
    pub(super) fn new(descriptor: &Descriptor, buckets: Vec<(u64, u64)>, sum: u64) -> Self {
        let scale = if descriptor.unit == "seconds" { 1e-9 } else { 1.0 };
        Self { buckets, sum, scale, unit: descriptor.unit }
    }

    /// How many values came.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.scaled(self.sum)
    }

    /// The value that this part of all (0 to 1) do not exceed, off by at most 6.25 %; `None` if none came.
    #[must_use]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank is not negative and need not be exact beyond 2^52"
        )]
        let rank = (self.count() as f64 * part.clamp(0.0, 1.0)).ceil() as u64;
        let mut seen = 0;
        let reached = self.buckets.iter().find(|(_, count)| {
            seen += count;
            seen >= rank.max(1)
        });
        reached.map(|(end, _)| self.scaled(bucket_start(*end).midpoint(*end)))
    }

    /// The largest value of each bucket that has any, and how many values it has, upwards.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        self.buckets.iter().map(|(end, count)| (self.scaled(*end), *count))
    }

    /// How many values are not above this one, which ends a bucket.
    pub(super) fn up_to(&self, end: u64) -> u64 {
        self.buckets.iter().take_while(|(other, _)| *other <= end).map(|(_, count)| count).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "a measured value need not be exact beyond 2^52")]
    pub(super) fn scaled(&self, value: u64) -> f64 {
        value as f64 * self.scale
    }
}

/// What the table says about a metric.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
}

impl Descriptor {
    pub(super) fn metric(&self, value: MetricValue) -> Metric {
        Metric { name: self.name, help: self.help, unit: self.unit, labels: Vec::new(), value }
    }

    /// A value of one log.
    pub(crate) fn of_log(&self, log: &crate::types::LogName, value: u64) -> Metric {
        self.metric(MetricValue::Gauge(value)).labelled("log", log.as_str())
    }
}

impl Metric {
    pub(super) fn labelled(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((name, value.into()));
        self
    }
}
