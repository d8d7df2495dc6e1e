//! docs/metrics.md.

use super::table::{Kind, Metric, Table};

const HEAD: &str = "\
<!-- Made from dl-core/src/telemetry/metrics.toml by `cargo run -p xtask -- metrics`; change it there. -->
# Metrics and events

## Metrics

Each open namespace counts for itself, from its opening on. `Namespace::metrics` takes a snapshot, `Snapshot::to_prometheus_text`
writes it in the text format of Prometheus, where every name begins with `dl_`; `dl append --stats` and `dl read --stats` print it at
their end. Names never change.

Histograms have buckets that are at most a sixteenth as wide as what is in them, so a quantile is off by 6.25 % at most. In
the text of Prometheus they are summed up to powers of two.

| name | type | unit | drivers | what |
|---|---|---|---|---|
";

const BY_LOG: &str = "
The next ones have a value for each log with an open writer or reader, named in the label `log`. Only
`Namespace::metrics_by_log` asks for them, and nothing is kept for them between the times they are asked for.

| name | type | unit | drivers | what |
|---|---|---|---|---|
";

const EVENTS: &str = "
## Events

What an operator wants to hear of. `Namespace::open_with_events` takes a function that gets them, one after another and outside of
all locks; `dl --verbose` prints them to standard error. The context of each says what it happened to. An event with the key `error`, the
message of an error, has its kind and whatever else is in its context, too; what is not known is left out.

| target | level | when | context |
|---|---|---|---|
";

pub(super) fn generate(table: &Table) -> String {
    let mut page = HEAD.to_owned();
    let (by_log, others): (Vec<&Metric>, Vec<&Metric>) =
        table.metric.iter().partition(|metric| metric.kind == Kind::LogGauge);
    others.into_iter().for_each(|metric| page.push_str(&row(metric)));
    page.push_str(BY_LOG);
    by_log.into_iter().for_each(|metric| page.push_str(&row(metric)));
    page.push_str(EVENTS);
    for event in &table.event {
        let context: Vec<String> = event.context.iter().map(|key| format!("`{key}`")).collect();
        let (target, level, help) = (&event.target, event.level.name(), &event.help);
        page.push_str(&format!("| `{target}` | {level} | {help} | {} |\n", context.join(", ")));
    }
    page
}

fn row(metric: &Metric) -> String {
    let (name, kind, unit, help) = (&metric.name, metric.kind.label(), &metric.unit, &metric.help);
    format!("| `{name}` | {kind} | {unit} | {} | {help} |\n", metric.drivers.join(", "))
}
