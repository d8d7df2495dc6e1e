//! Instruments, the text of Prometheus and the way to the hook, each by itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::seams::Seams;

/// A histogram of bytes with these values.
fn distribution(values: &[u64]) -> Distribution {
    let metrics = Metrics::default();
    values.iter().for_each(|value| metrics.round_bytes.record(*value));
    Snapshot::new(metrics.read()).histogram("round_bytes").unwrap().clone()
}

proptest! {
    #[test]
    fn quantiles_are_off_by_a_sixteenth_of_their_value_at_most(
        values in prop::collection::vec((0_u64..1 << 40, 0_u32..40), 1..200),
        part in 0.0..=1.0_f64,
    ) {
        let mut values: Vec<u64> = values.into_iter().map(|(value, shift)| value >> shift).collect();
        let distribution = distribution(&values);
        values.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = ((values.len() as f64 * part).ceil() as usize).max(1);
        #[expect(clippy::cast_precision_loss)]
        let exact = values[rank - 1] as f64;
        let found = distribution.quantile(part).unwrap();
        prop_assert!((found - exact).abs() <= exact / 16.0, "{found} instead of {exact}");
        prop_assert_eq!(distribution.count(), values.len() as u64);
    }

    #[test]
    fn buckets_hold_what_is_not_above_their_end(value in 0_u64..1 << 40) {
        let (end, _) = distribution(&[value]).buckets().next().unwrap();
        #[expect(clippy::cast_precision_loss)]
        let value = value as f64;
        prop_assert!(end >= value && end <= value * (1.0 + 1.0 / 16.0));
    }
}

#[test]
fn what_is_beyond_all_buckets_is_in_the_last() {
    let large = distribution(&[u64::MAX >> 1, 1 << 40, 3]);
    assert_eq!(large.count(), 3);
    assert_eq!(large.quantile(0.0), Some(3.0));
    assert!(large.quantile(1.0).unwrap() > 1e12);
    assert_eq!(distribution(&[]).quantile(0.5), None);
}

#[test]
fn counters_gauges_and_kinds_are_found_by_name() {
    let telemetry = Telemetry::default();
    telemetry.acknowledged(3, 360);
    telemetry.acknowledged(1, 120);
    telemetry.metrics.append_refused.add(ErrorKind::Busy, 1);
    telemetry.metrics.append_refused.add(ErrorKind::Fenced, 5);
    telemetry.metrics.descriptors_open.add(3);
    telemetry.metrics.descriptors_open.subtract(1);
    let snapshot = Snapshot::new(telemetry.metrics.read());
    let names = ["append_records_total", "dl_append_bytes_total", "append_refused_total", "descriptors_open"];
    assert_eq!(names.map(|name| snapshot.count(name)), [4, 480, 6, 2]);
    assert_eq!(snapshot.count("entry_records"), 2);
    let kinds: Vec<_> = snapshot.iter().filter(|metric| metric.name == "dl_append_refused_total").collect();
    assert_eq!(kinds[0].labels, [("kind", "fenced".to_owned())]);
    assert_eq!(kinds[1].labels, [("kind", "busy".to_owned())]);
}

/// What a text of Prometheus holds: the type of each family, and its samples with name, labels and value.
#[derive(Default)]
struct Parsed {
    types: BTreeMap<String, String>,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

/// Reads the text format strictly.
///
/// # Panics
/// Panics at whatever the format does not allow.
fn parse(text: &str) -> Parsed {
    assert!(text.ends_with('\n'));
    let mut parsed = Parsed::default();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help has a text");
            assert!(!help.is_empty() && !parsed.types.contains_key(name), "a family is given once: {line}");
            family = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type has a name");
            assert_eq!(name, family, "the type follows the help");
            assert!(["counter", "gauge", "histogram"].contains(&kind));
            parsed.types.insert(family.clone(), kind.to_owned());
        } else {
            let sample = parse_sample(line);
            let histogram = parsed.types[&family] == "histogram";
            let suffix = sample.0.strip_prefix(&family).expect("samples follow their family");
            assert!(if histogram {
                ["_bucket", "_sum", "_count"].contains(&suffix)
            } else {
                suffix.is_empty()
            });
            parsed.samples.push(sample);
        }
    }
    parsed
}

fn parse_sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a sample has a value"));
    assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{line}");
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (name, value) = rest.split_once("=\"").expect("a label has a value");
            let mut end = 0;
            let mut text = String::new();
            let mut letters = value.chars();
            loop {
                let letter = letters.next().expect("a value ends");
                end += letter.len_utf8();
                match letter {
                    '"' => break,
                    '\\' => {
                        end += 1;
                        text.push(match letters.next() {
                            Some('n') => '\n',
                            Some(letter @ ('\\' | '"')) => letter,
                            other => panic!("{other:?} is not to be escaped"),
                        });
                    }
                    letter => text.push(letter),
                }
            }
            assert!(labels.insert(name.to_owned(), text).is_none(), "a label is given once");
            rest = &value[end..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').expect("the labels end");
    }
    let value = rest.strip_prefix(' ').expect("one space stands in front of the value");
    (name.to_owned(), labels, value.parse().expect("a value is a number"))
}

#[test]
fn the_text_of_prometheus_parses_and_says_the_same() {
    let telemetry = Telemetry::default();
    telemetry.round(2, 4_000, 17);
    telemetry.round(1, 100, 1);
    telemetry.metrics.append_latency.record_time(std::time::Duration::from_millis(3));
    telemetry.metrics.failed_calls.add(ErrorKind::NotFound, 2);
    let mut metrics = telemetry.metrics.read();
    let log = crate::LogName::new("a\"b\\c").unwrap();
    metrics.push(LOG_READER_LAG_ENTRIES.of_log(&log, 7));
    let snapshot = Snapshot::new(metrics);
    let parsed = parse(&snapshot.to_prometheus_text());

    let families: std::collections::BTreeSet<_> = snapshot.iter().map(|metric| metric.name).collect();
    assert_eq!(parsed.types.len(), families.len());
    let value = |name: &str, label: Option<(&str, &str)>| {
        let fits = |labels: &BTreeMap<String, String>| {
            label.is_none_or(|(name, value)| labels.get(name).is_some_and(|found| found == value))
        };
        let found = parsed.samples.iter().find(|(found, labels, _)| found == name && fits(labels));
        found.expect("the sample is there").2
    };
    assert_eq!(value("dl_rounds_total", None), 2.0);
    assert_eq!(value("dl_failed_calls_total", Some(("kind", "not-found"))), 2.0);
    assert_eq!(value("dl_log_reader_lag_entries", Some(("log", log.as_str()))), 7.0);
    assert_eq!(value("dl_round_records_sum", None), 18.0);
    assert_eq!(value("dl_round_records_count", None), 2.0);
    assert_eq!(value("dl_round_records_bucket", Some(("le", "1"))), 1.0);
    assert_eq!(value("dl_round_records_bucket", Some(("le", "15"))), 1.0);
    assert_eq!(value("dl_round_records_bucket", Some(("le", "31"))), 2.0);
    assert_eq!(value("dl_append_latency_seconds_sum", None), 0.003);
    for name in families.iter().filter(|name| parsed.types[**name] == "histogram") {
        let buckets: Vec<_> =
            parsed.samples.iter().filter(|(found, ..)| *found == format!("{name}_bucket")).collect();
        let bounds: Vec<f64> = buckets
            .iter()
            .map(|(_, labels, _)| labels["le"].replace("+Inf", "inf").parse().unwrap())
            .collect();
        assert!(bounds.is_sorted() && bounds.last() == Some(&f64::INFINITY), "{name}");
        assert!(buckets.is_sorted_by_key(|(.., count)| *count), "{name} is cumulative");
        assert_eq!(buckets.last().unwrap().2, value(&format!("{name}_count"), None));
    }
}

/// A hook that keeps the lines of what it gets and panics at one of them.
fn recorder(panics_at: &'static str) -> (Hook, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    let hook = move |event: &Event| {
        assert!(event.target() != panics_at, "a hook may panic");
        kept.lock().unwrap().push(event.to_string());
    };
    (Arc::new(hook), lines)
}

#[tokio::test]
async fn events_reach_the_hook_in_order_and_its_panic_is_harmless() {
    let seams = Seams::system().unwrap();
    let (hook, lines) = recorder("disk.full");
    let telemetry = Telemetry::new(Events::to(hook, &*seams.tasks));
    telemetry.tell(WRITER_TOOK_OVER, "took it", |event| event.with("log", "a/b").with("owner", "x"));
    telemetry.tell(DISK_FULL, "full", |event| event);
    let error = Error::corrupt("a byte is wrong").with("file", "/x");
    telemetry.failed(&error);
    telemetry.tell(SEGMENTS_FREED, "freed", |event| event);
    telemetry.events.told().await;
    let lines = lines.lock().unwrap();
    assert_eq!(
        *lines,
        [
            "info writer.took_over: took it [log: a/b, owner: x]",
            "error data.corrupt: stored bytes are not what was written [kind: corrupt, file: /x, error: a byte is wrong]",
            "info segments.freed: freed",
        ]
    );
}

#[tokio::test]
async fn events_that_a_slow_hook_has_no_room_for_are_counted() {
    let seams = Seams::system().unwrap();
    let (hook, lines) = recorder("");
    let telemetry = Telemetry::new(Events::to(hook, &*seams.tasks));
    // The task of the hook has no chance to run meanwhile.
    (0..1_030).for_each(|_| telemetry.tell(DISK_FULL, "full", |event| event));
    telemetry.events.told().await;
    assert_eq!((lines.lock().unwrap().len(), telemetry.metrics.events_dropped.value()), (1_024, 6));
}

#[test]
fn without_a_hook_nothing_is_described() {
    Telemetry::default().tell(DISK_FULL, "full", |_| unreachable!("nobody listens"));
}
