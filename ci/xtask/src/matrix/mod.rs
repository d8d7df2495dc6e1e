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

/// What a case may need, as the page of the cases has it.
const CAPABILITIES: &[&str] = &[
    "clock",
    "crash",
    "damage",
    "directory",
    "faults",
    "fill",
    "freeze",
    "nul",
    "persistent",
    "power",
    "processes",
    "stall",
];

/// What a case needs that has one of these steps: there are languages in which nobody gives up the call of another.
const CANCEL: (&str, &[&str]) = ("cancel", &["cancel", "retry"]);

/// A case, as its file has it.
#[derive(Debug, Default)]
struct Case {
    name: String,
    promises: Vec<String>,
    needs: Vec<String>,
}

/// Writes the page from the cells in `folder`.
pub(crate) fn write(root: &Path, folder: &Path) -> Result<Report, Fault> {
    let (page, wrong) = made(root, folder)?;
    if wrong.is_empty() {
        fs::write(root.join(PAGE), page)?;
    }
    Ok(Report::of(format!("wrote {PAGE}"), wrong))
}

/// Says whether the cells in `folder` are whole and the page is what they give. On a machine without that capability cells may say
/// so where the page has more.
pub(crate) fn check(root: &Path, folder: &Path, without: Option<&str>) -> Result<Report, Fault> {
    let (page, mut wrong) = made(root, folder)?;
    let checked_in = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    if wrong.is_empty() && !page::agrees(&page, &checked_in, without) {
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
            wrong.extend(cases.iter().filter_map(|case| cells.fault(case, language, driver)));
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
        for case in items(&table, "case") {
            cases.push(read(case).map_err(|mistake| format!("{}: {mistake}", path.display()))?);
        }
    }
    Ok(cases)
}

fn read(case: &toml::Value) -> Result<Case, String> {
    let case = case.as_table().ok_or("a case is no table")?;
    let texts = |field| items(case, field).filter_map(toml::Value::as_str).map(str::to_owned).collect();
    let name = case.get("name").and_then(toml::Value::as_str).ok_or("a case has no name")?.to_owned();
    let mut needs: Vec<String> = texts("needs");
    if let Some(unknown) = needs.iter().find(|need| !CAPABILITIES.contains(&need.as_str())) {
        return Err(format!("{name} needs {unknown:?}, which is no capability"));
    }
    let (capability, steps) = CANCEL;
    let step = |step: &toml::Value| step.get("do").and_then(toml::Value::as_str).map(str::to_owned);
    if items(case, "steps").filter_map(step).any(|step| steps.contains(&step.as_str())) {
        needs.push(capability.to_owned());
    }
    Ok(Case { name, promises: texts("promises"), needs })
}

fn items<'a>(table: &'a toml::Table, field: &str) -> impl Iterator<Item = &'a toml::Value> + use<'a> {
    table.get(field).and_then(toml::Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Result<Case, String> {
        let table: toml::Table = text.parse().expect("good TOML");
        read(&toml::Value::Table(table))
    }

    #[test]
    fn the_page_of_the_cases_has_the_same_capabilities() {
        let page = include_str!("../../../../dl-core/testdata/conformance/README.md");
        let rows = page.lines().skip_while(|line| !line.starts_with("| capability |")).skip(2);
        let names = rows.map_while(|row| row.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let mut known = [CAPABILITIES, &[CANCEL.0]].concat();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn a_case_needs_what_it_says_and_what_its_steps_do() {
        let plain = case(
            r#"name = "a"
            promises = ["P1"]
            needs = ["power", "clock"]
            steps = [{ do = "append" }]"#,
        );
        assert_eq!(plain.expect("a good case").needs, ["power", "clock"]);
        for step in ["cancel", "retry"] {
            let needs =
                case(&format!(r#"name = "a"{}steps = [{{ do = "{step}" }}]"#, '\n')).map(|case| case.needs);
            assert_eq!(needs.as_deref(), Ok(&["cancel".to_owned()][..]));
        }
        assert!(
            case(
                r#"name = "a"
            needs = ["luck"]"#
            )
            .is_err()
        );
        assert!(case(r#"promises = ["P1"]"#).is_err());
    }
}
