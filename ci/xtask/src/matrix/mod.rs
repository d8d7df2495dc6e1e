//! The matrix of the conformance cases: case × language × driver.
//!
//! Each runner writes how its cases went, a cell a line, to `LANGUAGE-DRIVER.jsonl` in one folder. This puts them
//! together, and takes a cell that is missing or failed for a fault.

mod cells;
mod page;

use std::fs;
use std::path::Path;

use cells::Cells;

use crate::report::{Fault, Report};

const PAGE: &str = "docs/conformance.md";
const CASES: &str = "dl-core/testdata/conformance";

/// Who has to have run every case: language, and the drivers it runs on.
const RUNNERS: &[(&str, &[&str])] = &[
    ("rust", &["memory", "file", "file (simulated)", "bookkeeper"]),
    ("c", &["memory", "file", "bookkeeper"]),
    ("c++", &["memory", "file", "bookkeeper"]),
    ("node", &["memory", "file", "bookkeeper"]),
    ("python", &["memory", "file", "bookkeeper"]),
    ("python-asyncio", &["memory", "file", "bookkeeper"]),
];

/// A case, as its file has it.
#[derive(Debug)]
struct Case {
    name: String,
    promises: Vec<String>,
}

/// Writes the page from the cells in `folder`.
pub(crate) fn write(root: &Path, folder: &Path) -> Result<Report, Fault> {
    let (page, wrong) = made(root, folder)?;
    if wrong.is_empty() {
        fs::write(root.join(PAGE), page)?;
    }
    Ok(Report::of(format!("wrote {PAGE}"), wrong))
}

/// Says whether the cells in `folder` are whole and the page is what they give.
pub(crate) fn check(root: &Path, folder: &Path) -> Result<Report, Fault> {
    let (page, mut wrong) = made(root, folder)?;
    if wrong.is_empty() && fs::read_to_string(root.join(PAGE)).unwrap_or_default() != page {
        wrong.push(format!("{PAGE} is not what the cases gave: run ci/matrix"));
    }
    Ok(Report::of("matrix: every case ran in every language on every driver, or cannot", wrong))
}

fn made(root: &Path, folder: &Path) -> Result<(String, Vec<String>), Fault> {
    let cases = cases(&root.join(CASES))?;
    let cells = Cells::read(folder)?;
    let mut wrong = Vec::new();
    for (language, drivers) in RUNNERS {
        for driver in *drivers {
            wrong.extend(cases.iter().filter_map(|case| cells.fault(&case.name, language, driver)));
        }
    }
    wrong.extend(cells.strangers(|name| cases.iter().any(|case| case.name == name)));
    Ok((page::page(&cases, &cells, RUNNERS), wrong))
}

/// Every case, in the order of the files.
fn cases(folder: &Path) -> Result<Vec<Case>, Fault> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let table: toml::Table = fs::read_to_string(&path)?.parse()?;
        let listed = table.get("case").and_then(toml::Value::as_array).into_iter().flatten();
        for case in listed {
            let name = case.get("name").and_then(toml::Value::as_str);
            let promises = case.get("promises").and_then(toml::Value::as_array).into_iter().flatten();
            cases.push(Case {
                name: name.ok_or_else(|| format!("{}: a case has no name", path.display()))?.to_owned(),
                promises: promises.filter_map(toml::Value::as_str).map(str::to_owned).collect(),
            });
        }
    }
    Ok(cases)
}
