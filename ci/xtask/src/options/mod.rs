//! The option table and what is generated from it.

mod c;
mod docs;
mod node;
mod python;
mod rust;
mod table;

use std::fs;
use std::path::Path;

use crate::report::{Fault, Report};

/// Where each generated file is, and how it is made.
const OUTPUTS: [(&str, Generator); 5] = [
    ("dl-core/src/options/generated.rs", rust::generate),
    ("dl-ffi/src/options/generated.rs", c::generate),
    ("docs/options.md", docs::generate),
    ("bindings-node/lib/options.ts", node::generate),
    ("bindings-python/python/dl/options.py", python::generate),
];

type Generator = fn(&table::Table) -> Result<String, Fault>;

/// Writes the generated files.
pub(crate) fn write(root: &Path) -> Result<Report, Fault> {
    let table = table::read(root)?;
    let mut report = Report::default();
    for (path, generate) in OUTPUTS {
        let target = root.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(target, generate(&table)?)?;
        report.add(Report::of(format!("wrote {path}"), Vec::new()));
    }
    Ok(report)
}

/// Says whether the generated files are what the table gives.
pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let table = table::read(root)?;
    let mut wrong = Vec::new();
    for (path, generate) in OUTPUTS {
        if fs::read_to_string(root.join(path)).unwrap_or_default() != generate(&table)? {
            wrong.push(format!("{path} is not what options.toml gives: run cargo run -p xtask -- options"));
        }
    }
    Ok(Report::of(
        format!("options: {} in the table, files generated from it are current", table.len()),
        wrong,
    ))
}
