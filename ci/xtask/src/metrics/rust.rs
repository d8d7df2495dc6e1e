//! dl-core/src/telemetry/generated.rs.

use super::table::{Event, Kind, Metric, Table};
use crate::code::{format, wrapped};
use crate::report::Fault;

const HEAD: &str = "\
// Made from metrics.toml by `cargo run -p xtask -- metrics`; change it there.

use super::event::{Level, Topic};
use super::instruments::{ByKind, Counter, Gauge, Histogram};
use super::snapshot::{Descriptor, Metric};
";

pub(super) fn generate(table: &Table) -> Result<String, Fault> {
    let kept: Vec<&Metric> = table.metric.iter().filter(|metric| metric.kind != Kind::LogGauge).collect();
    let by_log = table.metric.iter().filter(|metric| metric.kind == Kind::LogGauge);
    let fields: String = kept.iter().map(|metric| field(metric)).collect();
    let reads: String = kept
        .iter()
        .map(|metric| format!("self.{}.read({}, &mut metrics);", metric.field(), descriptor(metric)))
        .collect();
    let descriptors: String = by_log.map(constant).collect();
    let topics: String = table.event.iter().map(topic).collect();
    format(&format!(
        "{HEAD}
/// Everything that is counted for an open namespace.
#[derive(Debug, Default)]
pub(crate) struct Metrics {{ {fields} }}

impl Metrics {{
    /// All of them as they are now, in the order of the table.
    pub(crate) fn read(&self) -> Vec<Metric> {{
        let mut metrics = Vec::new();
        {reads}
        metrics
    }}
}}

{descriptors}
{topics}"
    ))
}

fn field(metric: &Metric) -> String {
    let kind = match metric.kind {
        Kind::Counter => "Counter",
        Kind::Gauge | Kind::LogGauge => "Gauge",
        Kind::Histogram => "Histogram",
        Kind::PerError => "ByKind",
    };
    format!("{}pub(crate) {}: {kind},", wrapped(&metric.help), metric.field())
}

fn descriptor(metric: &Metric) -> String {
    let (name, unit, help) = (format!("dl_{}", metric.name), &metric.unit, &metric.help);
    format!("&Descriptor {{ name: {name:?}, unit: {unit:?}, help: {help:?} }}")
}

fn constant(metric: &Metric) -> String {
    let name = metric.name.to_uppercase();
    format!("{}pub(crate) const {name}: &Descriptor = {};\n", wrapped(&metric.help), descriptor(metric))
}

fn topic(event: &Event) -> String {
    let (name, target) = (event.target.replace('.', "_").to_uppercase(), &event.target);
    let (level, context) = (camel(event.level.name()), &event.context);
    format!(
        "{}pub(crate) const {name}: Topic = Topic {{ target: {target:?}, level: Level::{level}, context: &{context:?} }};\n",
        wrapped(&event.help)
    )
}

fn camel(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}
