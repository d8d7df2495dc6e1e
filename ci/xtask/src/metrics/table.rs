//! Reading metrics.toml.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::report::Fault;

/// All metrics and events, in the order of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) metric: Vec<Metric>,
    pub(super) event: Vec<Event>,
}

/// One metric.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metric {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) unit: String,
    pub(super) drivers: Vec<String>,
    pub(super) help: String,
}

/// One event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) target: String,
    pub(super) level: Level,
    /// The keys of its context.
    pub(super) context: Vec<String>,
    pub(super) help: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    #[serde(rename = "by_kind")]
    PerError,
    LogGauge,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Info,
    Warn,
    Error,
}

impl Kind {
    /// How the documentation calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::PerError => "counter by `kind`",
            Self::LogGauge => "gauge by `log`",
        }
    }

    fn counts(self) -> bool {
        matches!(self, Self::Counter | Self::PerError)
    }
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Metric {
    /// The field that holds it.
    pub(super) fn field(&self) -> &str {
        self.name.trim_end_matches("_total").trim_end_matches("_seconds")
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.kind.counts() != self.name.ends_with("_total") {
            return Err("ends in _total if and only if it is a counter");
        }
        if (self.unit == "seconds") != self.name.ends_with("_seconds") {
            return Err("ends in _seconds if and only if it is a time");
        }
        if (self.kind == Kind::LogGauge) != self.name.starts_with("log_") {
            return Err("starts with log_ if and only if it has a value for each log");
        }
        if self.drivers.is_empty() {
            return Err("moves in no driver");
        }
        Ok(())
    }
}

/// The table, each row checked by itself.
pub(super) fn read(root: &Path) -> Result<Table, Fault> {
    let path = root.join("dl-core/src/telemetry/metrics.toml");
    let table: Table = toml::from_str(&fs::read_to_string(path)?)?;
    for (index, metric) in table.metric.iter().enumerate() {
        let twice = table.metric[..index].iter().any(|other| other.field() == metric.field());
        let checked = if twice { Err("stands there twice") } else { metric.check() };
        checked.map_err(|problem| format!("metrics.toml: {} {problem}", metric.name))?;
    }
    Ok(table)
}
