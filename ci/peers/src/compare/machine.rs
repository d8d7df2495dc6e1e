//! Where it was measured, and what stands in the lock file.

use std::fs;
use std::path::Path;

use crate::Outcome;

/// The crates that are measured.
const CRATES: [&str; 3] = ["raft-engine", "okaywal", "rusqlite"];

const LOCK: &str = include_str!("../../Cargo.lock");

/// The versions of those that dl is measured beside.
pub(crate) fn versions() -> Outcome<String> {
    let crates =
        CRATES.iter().map(|name| Ok(format!("{name} {}", locked(name)?))).collect::<Outcome<Vec<_>>>()?;
    Ok(format!("{} (SQLite {})", crates.join(", "), rusqlite::version()))
}

fn locked(name: &str) -> Outcome<&'static str> {
    let (_, package) =
        LOCK.split_once(&format!("name = \"{name}\"\nversion = \"")).ok_or("not in the lock file")?;
    Ok(package.split_once('"').ok_or("no version in the lock file")?.0)
}

/// The processors, memory, kernel and file system.
pub(crate) fn describe(directory: &Path) -> Outcome<String> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = value(&processors, "model name").unwrap_or("of an unknown model");
    let count = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kibibytes: u64 =
        value(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{count} processors ({model}), {:.0} GiB of memory, Linux {}, {}",
        kibibytes as f64 / 1024.0 / 1024.0,
        kernel.trim(),
        file_system(directory)?
    ))
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().trim_start_matches(':').trim())
}

/// The type of the file system that holds the directory: of the longest mount point above it.
fn file_system(directory: &Path) -> Outcome<String> {
    let directory = directory.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding =
        mounts.filter(|(point, _)| directory.starts_with(point)).max_by_key(|(point, _)| point.len());
    Ok(holding.ok_or("no mount point")?.1.to_owned())
}
