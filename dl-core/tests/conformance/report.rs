//! How the cases went on a driver, for people and for the matrix of all languages.

use std::fmt::Write as _;

use serde_json::json;

use crate::cases::Case;

/// How a case went on a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// The driver lacks this capability.
    Lacks(String),
    Failed(String),
}

/// A driver and how each case went on it.
pub(crate) struct Column {
    pub(crate) driver: &'static str,
    pub(crate) verdicts: Vec<(String, Verdict)>,
}

impl Verdict {
    fn cell(&self) -> String {
        match self {
            Self::Passed => "ok".to_owned(),
            Self::Lacks(capability) => format!("skipped ({capability})"),
            Self::Failed(_) => "FAILED".to_owned(),
        }
    }
}

impl Column {
    /// A line for each case.
    pub(crate) fn table(&self) -> String {
        let width = self.verdicts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut table = format!("\n{:width$}  {}\n", "case", self.driver);
        for (name, verdict) in &self.verdicts {
            writeln!(table, "{name:width$}  {}", verdict.cell()).expect("a text takes any text");
        }
        table
    }

    /// A cell for each case, a line each, as `ci/matrix` reads them.
    pub(crate) fn cells(&self, language: &str) -> String {
        let mut cells = String::new();
        for (name, verdict) in &self.verdicts {
            let mut cell = json!({ "case": name, "language": language, "driver": self.driver });
            cell["result"] = json!(match verdict {
                Verdict::Passed => "passed",
                Verdict::Lacks(_) => "skipped",
                Verdict::Failed(_) => "failed",
            });
            if let Verdict::Lacks(capability) = verdict {
                cell["capability"] = json!(capability);
            }
            writeln!(cells, "{cell}").expect("a text takes any text");
        }
        cells
    }

    /// What failed, and which promises no case showed though the driver keeps them.
    pub(crate) fn failures(&self, cases: &[Case], promises: &[&str], cannot: &[(&str, &str)]) -> Vec<String> {
        let mut failures = Vec::new();
        for (case, (name, verdict)) in cases.iter().zip(&self.verdicts) {
            if let Verdict::Failed(failure) = verdict {
                let about =
                    if case.about.is_empty() { String::new() } else { format!("\n      {}", case.about) };
                failures.push(format!("{name} on {}: {failure}{about}", self.driver));
            }
        }
        for promise in promises {
            let ran = |(case, (_, verdict)): (&Case, &(String, Verdict))| {
                case.promises.iter().any(|name| name == promise) && !matches!(verdict, Verdict::Lacks(_))
            };
            let shown = cases.iter().zip(&self.verdicts).any(ran);
            let excused = cannot.iter().any(|(name, _)| name == promise);
            if shown == excused {
                failures.push(format!(
                    "{promise} on {}: shown by some case: {shown}; cannot be: {excused}",
                    self.driver
                ));
            }
        }
        failures
    }
}
