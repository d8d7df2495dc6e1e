//! The page `docs/conformance.md`.

use super::Case;
use super::cells::Cells;

const HEAD: &str = "\
# Conformance

Every promise of dl has cases, kept as data in [testdata/conformance](../dl-core/testdata/conformance/README.md). Each
language has a runner that reads these files and runs every case against every driver it has. `ci/matrix` runs them all and
writes this page; `ci/test` fails if a cell failed, is missing, or is not what stands here.

`ok`: the case passed. Any other word is the capability that the case needs and that driver, or its runner, does not have:
only a simulated machine can lose power, and a memory namespace has no bytes to damage.

";

pub(super) fn page(cases: &[Case], cells: &Cells, runners: &[(&str, &[&str])]) -> String {
    let columns: Vec<(&str, &str)> = runners
        .iter()
        .flat_map(|(language, drivers)| drivers.iter().map(move |driver| (*language, *driver)))
        .collect();
    let mut lines = vec![row(
        "case",
        "promises",
        columns.iter().map(|(language, driver)| format!("{language}: {driver}")),
    )];
    lines.push(row("---", "---", columns.iter().map(|_| "---".to_owned())));
    for case in cases {
        let shown =
            columns.iter().map(|(language, driver)| cells.shown(&case.name, language, driver).to_owned());
        lines.push(row(&case.name, &case.promises.join(" "), shown));
    }
    format!("{HEAD}{}\n", lines.join("\n"))
}

fn row(name: &str, promises: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {name} | {promises} | {} |", cells.join(" | "))
}

/// Whether a page is the one that is checked in, or differs in cells alone that say what was lacking.
pub(super) fn agrees(page: &str, checked_in: &str, without: Option<&str>) -> bool {
    let same = |(cell, other): (&str, &str)| cell == other || Some(cell.trim()) == without;
    let (cells, others) = (page.split('|'), checked_in.split('|'));
    cells.clone().count() == others.clone().count() && cells.zip(others).all(same)
}

#[cfg(test)]
mod tests {
    use super::agrees;

    #[test]
    fn only_what_is_lacking_may_differ() {
        let whole = "| a | P1 | ok | power |\n";
        assert!(agrees(whole, whole, None));
        let lacking = "| a | P1 | fill | power |\n";
        assert!(agrees(lacking, whole, Some("fill")));
        assert!(!agrees(lacking, whole, None));
        assert!(!agrees(whole, lacking, Some("fill")));
        assert!(!agrees("| a | P1 | ok | power | ok |\n", whole, Some("fill")));
    }
}
