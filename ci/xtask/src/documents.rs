//! Pages in Markdown: what they link to is there, decisions have a number each, and the index has every page.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::{Fault, Report};

const INDEX: &str = "docs/README.md";
const DECISIONS: &str = "docs/decisions";
const GUIDE: &str = "docs/guide";
/// Names the pages whose examples in Rust are tests.
const TESTED: &str = "dl-core/src/lib.rs";

pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let pages = pages(root)?;
    let mut wrong = Vec::new();
    for (page, text) in &pages {
        let lost = links(text).filter(|link| !is_there(root, page, link));
        wrong.extend(lost.map(|link| format!("{}: links to {link}, which is not there", page.display())));
    }
    wrong.extend(numbers(&pages));
    wrong.extend(unlisted(&pages));
    wrong.extend(unchecked(&pages, &fs::read_to_string(root.join(TESTED))?));
    let checked = "documents: links lead somewhere, decisions have their own numbers, examples are tested";
    Ok(Report::of(checked, wrong))
}

/// Our pages, by their paths from the root.
pub(crate) fn pages(root: &Path) -> Result<BTreeMap<PathBuf, String>, Fault> {
    let mut found = BTreeMap::new();
    for folder in ["", "docs", GUIDE, DECISIONS] {
        for entry in fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.insert(path.strip_prefix(root)?.to_owned(), fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

/// What a page links to, outside of blocks of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    let prose = text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !fence && !in_code
    });
    prose.flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
}

/// Whether a link of a page leads somewhere; those that leave the repository are not followed.
fn is_there(root: &Path, page: &Path, link: &str) -> bool {
    if link.contains("://") {
        return true;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let path = match file {
        "" => root.join(page),
        file => root.join(page).with_file_name(file),
    };
    if heading.is_empty() {
        return path.exists();
    }
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
}

/// The anchor that a heading gets on GitHub.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text: String = heading.trim_start_matches('#').trim().chars().filter(kept).collect();
    text.to_lowercase().replace(' ', "-")
}

fn numbers(pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut taken: BTreeMap<&str, &Path> = BTreeMap::new();
    for (page, text) in pages.iter().filter(|(page, _)| page.starts_with(DECISIONS)) {
        let name = page.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.split('-').next().unwrap_or_default();
        if let Some(other) = taken.insert(number, page) {
            let (one, other) = (page.display(), other.display());
            wrong.push(format!("{one}: {other} has that number; take the next that is free"));
        }
        if !text.starts_with(&format!("# {}. ", number.trim_start_matches('0'))) {
            wrong.push(format!("{}: its title has another number", page.display()));
        }
    }
    wrong
}

/// The pages of `docs` that its index does not link to.
fn unlisted(pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let index = Path::new(INDEX);
    let listed: Vec<_> = pages.get(index).map(|text| links(text).collect()).unwrap_or_default();
    let is_listed = |page: &Path| listed.iter().any(|link| index.with_file_name(link) == page);
    let mut missing: Vec<_> = pages.keys().map(PathBuf::as_path).collect();
    missing.retain(|page| page.starts_with("docs") && !page.starts_with(DECISIONS) && *page != index);
    missing.retain(|page| !is_listed(page));
    missing.iter().map(|page| format!("{INDEX}: does not link to {}", page.display())).collect()
}

/// The examples of the guide that nobody runs.
fn unchecked(pages: &BTreeMap<PathBuf, String>, tested: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (page, text) in pages.iter().filter(|(page, _)| page.starts_with(GUIDE)) {
        let shown = page.display();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("```")) {
            if !matches!(line, "```" | "```console" | "```rust") {
                wrong.push(format!("{shown}:{}: nobody runs {line}; use console or rust", index + 1));
            }
        }
        if text.contains("```rust") && !tested.contains(&format!("{shown}\"")) {
            wrong.push(format!("{shown}: nobody runs its Rust; include it in {TESTED}"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_prose_only() {
        let text = "see [a](a.md#b) and [c](https://c)\n```\n[d](d.md)\n```\n[e](../e)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["a.md#b", "https://c", "../e"]);
    }

    #[test]
    fn headings_become_anchors() {
        assert_eq!(anchor("## What `sync` means: a note"), "what-sync-means-a-note");
    }

    #[test]
    fn a_number_is_given_once_and_stands_in_the_title() {
        let page = |name: &str, text: &str| (Path::new(DECISIONS).join(name), text.to_owned());
        let good = [page("0001-a.md", "# 1. A\n"), page("0012-b.md", "# 12. B\n")];
        assert!(numbers(&BTreeMap::from(good)).is_empty());
        let twice = [page("0001-a.md", "# 1. A\n"), page("0001-b.md", "# 1. B\n")];
        assert_eq!(numbers(&BTreeMap::from(twice)).len(), 1);
        assert_eq!(numbers(&BTreeMap::from([page("0002-a.md", "# 1. A\n")])).len(), 1);
    }

    #[test]
    fn examples_that_nobody_runs_are_found() {
        let page = |text: &str| BTreeMap::from([(Path::new(GUIDE).join("a.md"), text.to_owned())]);
        let tested = "include_str!(\"../../docs/guide/a.md\")";
        assert!(unchecked(&page("```rust\n```\n```console\n```\n"), tested).is_empty());
        assert_eq!(unchecked(&page("```rust\n```\n"), "").len(), 1);
        assert_eq!(unchecked(&page("```rust,no_run\n```\n```sh\n```\n"), tested).len(), 2);
    }

    #[test]
    fn the_index_has_every_page() {
        let page = |name: &str, text: &str| (PathBuf::from(name), text.to_owned());
        let pages = [page(INDEX, "[a](guide/a.md)"), page("docs/guide/a.md", ""), page("docs/b.md", "")];
        assert_eq!(unlisted(&BTreeMap::from(pages)), ["docs/README.md: does not link to docs/b.md"]);
    }
}
