//! What the runners say, a cell a line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Case;
use crate::report::Fault;

/// How one case went.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    case: String,
    language: String,
    driver: String,
    result: Verdict,
    /// What the driver or the language lacks, of a case that was skipped.
    #[serde(default)]
    capability: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Passed,
    Skipped,
    Failed,
}

/// The cells by case, language and driver.
#[derive(Debug, Default)]
pub(super) struct Cells(BTreeMap<(String, String, String), Line>);

impl Cells {
    /// Reads every `*.jsonl` of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self, Fault> {
        let mut cells = Self::default();
        for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            cells.take(&text).map_err(|mistake| format!("{}: {mistake}", path.display()))?;
        }
        Ok(cells)
    }

    fn take(&mut self, text: &str) -> Result<(), String> {
        for (number, text) in (1..).zip(text.lines()) {
            let line: Line = serde_json::from_str(text).map_err(|error| format!("line {number}: {error}"))?;
            if (line.result == Verdict::Skipped) != line.capability.is_some() {
                return Err(format!("line {number}: a skipped case, and no other, names a capability"));
            }
            let cell = (line.case.clone(), line.language.clone(), line.driver.clone());
            if self.0.insert(cell, line).is_some() {
                return Err(format!("line {number}: that cell is there twice"));
            }
        }
        Ok(())
    }

    fn get(&self, case: &str, language: &str, driver: &str) -> Option<&Line> {
        self.0.get(&(case.to_owned(), language.to_owned(), driver.to_owned()))
    }

    /// What is wrong with a cell.
    pub(super) fn fault(&self, case: &Case, language: &str, driver: &str) -> Option<String> {
        let Case { name, needs, .. } = case;
        let Some(line) = self.get(name, language, driver) else {
            return Some(format!("{name}: not run in {language} on {driver}"));
        };
        match (line.result, &line.capability) {
            (Verdict::Failed, _) => Some(format!("{name}: failed in {language} on {driver}")),
            (Verdict::Skipped, Some(lacking)) if !needs.contains(lacking) => Some(format!(
                "{name}: skipped in {language} on {driver} for {lacking:?}, which it does not need"
            )),
            (Verdict::Passed | Verdict::Skipped, _) => None,
        }
    }

    /// What the page shows of a cell.
    pub(super) fn shown(&self, case: &str, language: &str, driver: &str) -> &str {
        match self.get(case, language, driver) {
            Some(Line { result: Verdict::Passed, .. }) => "ok",
            Some(Line { capability: Some(capability), .. }) => capability,
            _ => "?",
        }
    }

    /// Cells of cases that there are not: their runner reads other files than ours.
    pub(super) fn strangers(&self, is_case: impl Fn(&str) -> bool) -> Vec<String> {
        let cells = self.0.keys().filter(|(case, _, _)| !is_case(case));
        cells
            .map(|(case, language, driver)| format!("{language} on {driver} ran {case:?}, which is no case"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Result<Cells, String> {
        let mut cells = Cells::default();
        cells.take(text).map(|()| cells)
    }

    fn case(name: &str) -> Case {
        Case { name: name.to_owned(), needs: vec!["power".to_owned()], ..Case::default() }
    }

    fn line(result: &str, more: &str) -> String {
        format!(r#"{{"case":"a","language":"c","driver":"memory","result":"{result}"{more}}}"#)
    }

    #[test]
    fn a_cell_is_whole_if_it_passed_or_names_what_is_lacking() {
        let passed = cells(&line("passed", "")).expect("a good line");
        assert_eq!((passed.fault(&case("a"), "c", "memory"), passed.shown("a", "c", "memory")), (None, "ok"));
        let skipped = cells(&line("skipped", r#","capability":"power""#)).expect("a good line");
        assert_eq!(
            (skipped.fault(&case("a"), "c", "memory"), skipped.shown("a", "c", "memory")),
            (None, "power")
        );
        assert!(cells(&line("skipped", "")).is_err());
        assert!(cells(&line("passed", r#","capability":"power""#)).is_err());
    }

    #[test]
    fn a_case_is_skipped_for_nothing_but_what_it_needs() {
        for other in ["clock", "luck", "", "Power"] {
            let more = format!(",\"capability\":\"{other}\"");
            let skipped = cells(&line("skipped", &more)).expect("a good line");
            let fault = skipped.fault(&case("a"), "c", "memory").expect("a fault");
            assert!(fault.contains(&format!("{other:?}")), "{fault}");
        }
    }

    #[test]
    fn a_failed_or_missing_cell_is_a_fault_and_a_second_one_a_mistake() {
        let failed = cells(&line("failed", "")).expect("a good line");
        assert!(failed.fault(&case("a"), "c", "memory").is_some());
        assert!(failed.fault(&case("a"), "c", "file").is_some());
        assert!(failed.fault(&case("b"), "c", "memory").is_some());
        assert_eq!(failed.strangers(|name| name == "b").len(), 1);
        assert!(cells(&[line("passed", ""), line("passed", "")].join("\n")).is_err());
    }
}
