//! Who may use whom, inside dl-core and between the crates of the workspace.

use std::path::Path;

use crate::cargo::Metadata;
use crate::report::{Fault, Report};
use crate::source::{self, Source};

/// The modules of dl-core and the others of ours that each may use, in layers from the bottom up.
///
/// `types` and `error` know only each other; a driver knows neither the engine nor another driver; the public handles
/// join all of it. Tests may use anything.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &["types"]),
    ("types", &["error"]),
    ("seams", &["error", "types"]),
    ("telemetry", &["error", "types", "seams"]),
    ("options", &["error", "types"]),
    ("metadata", &["error", "types"]),
    ("format", &["error", "types"]),
    ("store", &["error", "types", "metadata"]),
    ("engine", &["error", "types", "seams", "telemetry", "options", "metadata", "format", "store"]),
    ("drivers", &["error", "types", "seams", "telemetry", "options", "metadata", "format", "store"]),
];

/// The public handles, which join engine and drivers in one place, and what only tests reach.
const MAY_USE_ALL: &[&str] =
    &["lib", "namespace", "log", "writer", "reader", "cursor", "byte_stream", "testing"];

/// What only `seams` may say (and `testing`, which simulates them).
const OUTSIDE_WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "thread::spawn",
    "thread::sleep",
    "thread::Builder",
    "thread::scope",
    "Instant::now",
    "SystemTime::now",
    "tokio::time",
    "tokio::spawn",
    "tokio::task::spawn",
    "RandomState",
    "allow(unsafe_code",
    "expect(unsafe_code",
    "allow(clippy::disallowed",
    "expect(clippy::disallowed",
];

/// Our crates that each crate of ours may depend on; dl-core is below all but dl-bookkeeper.
const CRATES: &[(&str, &[&str])] = &[
    ("dl-bookkeeper", &[]),
    ("dl-core", &["dl-bookkeeper"]),
    ("dl-server", &["dl-bookkeeper", "dl-core"]),
    ("dl-ffi", &["dl-core"]),
    ("dl-python", &["dl-core"]),
    ("dl-node", &["dl-core"]),
    ("dl-cluster", &[]),
    ("dl-examples", &["dl-core"]),
    ("xtask", &[]),
];

pub(crate) fn check(root: &Path) -> Result<Report, Fault> {
    let files = source::read(&root.join("dl-core/src"))?;
    let mut wrong: Vec<String> = files.iter().flat_map(file).collect();
    wrong.extend(crates(&Metadata::read(root)?));
    Ok(Report::of(format!("layers: {} files of dl-core use only what they may", files.len()), wrong))
}

fn file(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some(module) = source.module.first() else {
        return wrong;
    };
    for (line, used) in source.uses() {
        if let Err(rule) = allowed(&source.module, &used) {
            wrong.push(format!("{}:{line}: uses {}: {rule}", source.path, used.join("::")));
        }
    }
    if module == "seams" || module == "testing" {
        return wrong;
    }
    for (line, code) in source.lines() {
        if let Some(word) = OUTSIDE_WORLD.iter().find(|word| code.contains(**word)) {
            wrong.push(format!("{}:{line}: says {word}, which only seams may", source.path));
        }
        if calls_libc(code) {
            wrong.push(format!("{}:{line}: calls libc, which only seams may", source.path));
        }
    }
    wrong
}

/// Whether the module at path `from` may use the item at path `used`, both from the root of the crate.
fn allowed(from: &[String], used: &[String]) -> Result<(), String> {
    let (Some(module), Some(target)) = (from.first(), used.first()) else {
        return Ok(());
    };
    if module == target {
        let parts = from.get(1).zip(used.get(1)).filter(|_| module == "drivers");
        return match parts {
            Some((driver, other)) if driver != other && !is_item(other) => {
                Err("drivers do not know each other".to_owned())
            }
            _ => Ok(()),
        };
    }
    if is_item(target) || MAY_USE_ALL.contains(&module.as_str()) {
        return Ok(());
    }
    match MAY_USE.iter().find(|(name, _)| name == module) {
        None => Err(format!("add {module} to the layers in ci/xtask/src/layers.rs")),
        Some((_, targets)) if targets.contains(&target.as_str()) => Ok(()),
        Some((_, targets)) => Err(format!("{module} may use {} only", targets.join(", "))),
    }
}

/// A type, trait or constant of the module above, such as crate::Error: not a module.
fn is_item(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

/// A function of the C library; its constants, such as error numbers, are no calls.
fn calls_libc(code: &str) -> bool {
    code.match_indices("libc::").any(|(at, word)| code[at + word.len()..].starts_with(char::is_lowercase))
}

fn crates(metadata: &Metadata) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in metadata.ours() {
        let Some((_, may)) = CRATES.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("add the crate {} to the layers in ci/xtask/src/layers.rs", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            let ours = metadata.ours().any(|other| other.name == dependency.name);
            if ours && !may.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} may not depend on {}", package.name, dependency.name));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, code: &str) -> usize {
        file(&Source::new(path, code)).len()
    }

    #[test]
    fn rules_are_found_broken() {
        assert_eq!(wrong("engine/fencing.rs", "use crate::drivers::memory::Store;"), 1);
        assert_eq!(wrong("engine/mod.rs", "use super::drivers;"), 1);
        assert_eq!(wrong("drivers/file/mod.rs", "use super::memory::Nodes;"), 1);
        assert_eq!(wrong("drivers/file/journal.rs", "use crate::{error::Error, engine};"), 1);
        assert_eq!(wrong("types/dlsn.rs", "use crate::options::Options;"), 1);
        assert_eq!(wrong("engine/mod.rs", "let now = std::time::Instant::now();"), 1);
        assert_eq!(wrong("drivers/file/io.rs", "libc::fsync(3)"), 1);
        assert_eq!(wrong("novel/mod.rs", "use crate::error::Error;"), 1);
    }

    #[test]
    fn rules_are_found_kept() {
        assert_eq!(wrong("engine/mod.rs", "use crate::store::SegmentStore; // not crate::drivers"), 0);
        assert_eq!(
            wrong("drivers/file/journal.rs", "use super::words; use crate::drivers::file::control;"),
            0
        );
        assert_eq!(
            wrong("engine/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::drivers::memory;\n}"),
            0
        );
        assert_eq!(wrong("engine/tests.rs", "use crate::drivers::memory;"), 0);
        assert_eq!(wrong("seams/clock.rs", "let now = std::time::Instant::now();"), 0);
        assert_eq!(wrong("drivers/memory/mod.rs", "use super::Stores; let full = libc::ENOSPC;"), 0);
        assert_eq!(wrong("namespace.rs", "use crate::drivers; use crate::engine::Log;"), 0);
    }
}
