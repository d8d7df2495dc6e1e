//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write;

use super::snapshot::{Distribution, Metric, MetricValue, Snapshot};

impl Snapshot {
    /// All metrics in the text format of Prometheus, to be sent as `text/plain; version=0.0.4`.
    ///
    /// The buckets of histograms end in front of powers of two, the same ones each time.
    #[must_use]
    pub fn to_prometheus_text(&self) -> String {
        let mut text = String::new();
        let mut family = "";
        for metric in self {
            if metric.name != family {
                family = metric.name;
                head(&mut text, metric);
            }
            match &metric.value {
                MetricValue::Counter(value) | MetricValue::Gauge(value) => {
                    sample(&mut text, metric, "", None, &value.to_string());
                }
                MetricValue::Histogram(distribution) => histogram(&mut text, metric, distribution),
            }
        }
        text
    }
}

fn head(text: &mut String, metric: &Metric) {
    let kind = match metric.value {
        MetricValue::Counter(_) => "counter",
        MetricValue::Gauge(_) => "gauge",
        MetricValue::Histogram(_) => "histogram",
    };
    let help = metric.help.replace('\\', "\\\\").replace('\n', "\\n");
    line(text, format_args!("# HELP {} {help}", metric.name));
    line(text, format_args!("# TYPE {} {kind}", metric.name));
}

fn histogram(text: &mut String, metric: &Metric, distribution: &Distribution) {
    // Microseconds to half a minute, KiB to GiB; of other things any number that fits into an entry.
    let powers = match distribution.unit {
        "seconds" => 12..=35,
        "bytes" => 6..=30,
        _ => 0..=20,
    };
    for power in powers {
        let end = (1_u64 << power) - 1;
        let bound = distribution.scaled(end).to_string();
        sample(text, metric, "_bucket", Some(&bound), &distribution.up_to(end).to_string());
    }
    let count = distribution.count().to_string();
    sample(text, metric, "_bucket", Some("+Inf"), &count);
    sample(text, metric, "_sum", None, &distribution.sum().to_string());
    sample(text, metric, "_count", None, &count);
}

fn sample(text: &mut String, metric: &Metric, suffix: &str, bound: Option<&str>, value: &str) {
    let own = metric.labels.iter().map(|(name, value)| (*name, value.as_str()));
    let labels: Vec<String> = own
        .chain(bound.map(|bound| ("le", bound)))
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    line(text, format_args!("{}{suffix}{labels} {value}", metric.name));
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _written = writeln!(text, "{line}");
}
