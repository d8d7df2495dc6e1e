//! Licences, bans and duplicates of the crates we build on, by the lists in deny.toml (which cargo-deny reads too).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::cargo::{Metadata, Package};
use crate::report::{Fault, Report};

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
    skip: Vec<Skip>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    name: String,
}

pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let policy: Policy = toml::from_str(&fs::read_to_string(root.join("deny.toml"))?)?;
    let metadata = Metadata::read(root)?;
    let mut wrong = Vec::new();
    for package in metadata.others() {
        wrong.extend(problems(package, &policy));
    }
    wrong.extend(duplicates(&metadata, &policy.bans.skip));
    let count = metadata.others().count();
    Ok(Report::of(format!("deps: licence, ban and version of {count} crates"), wrong))
}

fn problems(package: &Package, policy: &Policy) -> Vec<String> {
    let Package { name, version, .. } = package;
    let mut wrong = Vec::new();
    let license = package.license.as_deref().unwrap_or("none stated");
    if !permits(license, &policy.licenses.allow) {
        wrong.push(format!("{name} {version}: its licence ({license}) is not on the list of deny.toml"));
    }
    if let Some(ban) = policy.bans.deny.iter().find(|ban| ban.name == *name) {
        wrong.push(format!("{name} {version} is banned: {}", ban.reason));
    }
    if package.source.as_deref() != Some("registry+https://github.com/rust-lang/crates.io-index") {
        wrong.push(format!("{name} {version} does not come from crates.io"));
    }
    wrong
}

fn duplicates(metadata: &Metadata, skip: &[Skip]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in metadata.others() {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|name, versions| versions.len() > 1 && !skip.iter().any(|skip| skip.name == *name));
    versions
        .iter()
        .map(|(name, versions)| format!("{name} is built in several versions: {}", versions.join(", ")))
        .collect()
}

/// Whether a licence expression can be met with the allowed licences: `OR` offers a choice, `AND` binds closer and asks
/// for both; `/` is an old way to write `OR`.
fn permits(expression: &str, allow: &[String]) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    either(&mut rest, allow) && rest.is_empty()
}

fn either(rest: &mut &[&str], allow: &[String]) -> bool {
    let mut permitted = both(rest, allow);
    while take(rest, "OR") {
        permitted |= both(rest, allow);
    }
    permitted
}

fn both(rest: &mut &[&str], allow: &[String]) -> bool {
    let mut permitted = one(rest, allow);
    while take(rest, "AND") {
        permitted &= one(rest, allow);
    }
    permitted
}

fn one(rest: &mut &[&str], allow: &[String]) -> bool {
    if take(rest, "(") {
        let permitted = either(rest, allow);
        return take(rest, ")") && permitted;
    }
    let Some((name, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    let mut name = (*name).to_owned();
    if take(rest, "WITH")
        && let Some((exception, after)) = rest.split_first()
    {
        name = format!("{name} WITH {exception}");
        *rest = after;
    }
    allow.contains(&name)
}

fn take(rest: &mut &[&str], token: &str) -> bool {
    let found = rest.first() == Some(&token);
    if found {
        *rest = &rest[1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_understood() {
        let allow = ["MIT".to_owned(), "Apache-2.0".to_owned()];
        for good in ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR X) AND Apache-2.0", "X AND Y OR MIT"] {
            assert!(permits(good, &allow), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND X", "(MIT", "", "none stated", "Apache-2.0 WITH X", "MIT MIT"] {
            assert!(!permits(bad, &allow), "{bad}");
        }
    }
}
