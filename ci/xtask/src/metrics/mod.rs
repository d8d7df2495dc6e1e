//! The table of metrics and events, and what is generated from it.

mod docs;
mod rust;
mod table;

use std::fs;
use std::path::Path;

use crate::report::{Fault, Report};

/// Where each generated file is, with its content.
fn outputs(root: &Path) -> Result<[(&'static str, String); 2], Fault> {
    let table = table::read(root)?;
    Ok([
        ("dl-core/src/telemetry/generated.rs", rust::generate(&table)?),
        ("docs/metrics.md", docs::generate(&table)),
    ])
}

/// Writes the generated files.
pub(crate) fn write(root: &Path) -> Result<Report, Fault> {
    let mut report = Report::default();
    for (path, content) in outputs(root)? {
        fs::write(root.join(path), content)?;
        report.add(Report::of(format!("wrote {path}"), Vec::new()));
    }
    Ok(report)
}

/// Says whether the generated files are what the table gives.
pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let mut wrong = Vec::new();
    for (path, content) in outputs(root)? {
        if fs::read_to_string(root.join(path)).unwrap_or_default() != content {
            wrong.push(format!("{path} is not what metrics.toml gives: run cargo run -p xtask -- metrics"));
        }
    }
    Ok(Report::of("metrics: files generated from the table are current", wrong))
}
