//! Generators and checks of this repository.

// A developer's tool: it reads the tree and prints what it finds.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod cargo;
mod code;
mod deps;
mod documents;
mod guide;
mod layers;
mod matrix;
mod metrics;
mod names;
mod options;
mod report;
mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use report::{Fault, Report};

const HELP: &str = "\
cargo run -p xtask -- COMMAND

  options [--check]   write dl-core/src/options/generated.rs, that of dl-ffi and docs/options.md from options.toml
                      (--check: only say whether they differ)
  metrics [--check]   write dl-core/src/telemetry/generated.rs and docs/metrics.md from metrics.toml
  deps                licences, bans and duplicates of the crates we build on
  layers              who may use whom
  names               no library called dl, no crate that can be published
  documents           links of pages, numbers of decisions, the index of docs
  guide FOLDER        run the shell examples of docs/guide with the dl that was built into this folder
  matrix FOLDER [--check [--without CAPABILITY]]
                      write docs/conformance.md from the cells that the runners wrote into this folder
  check               every check but those that need a folder";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["options"] => options::write(&root()),
        ["options", "--check"] => options::check(&root()),
        ["metrics"] => metrics::write(&root()),
        ["metrics", "--check"] => metrics::check(&root()),
        ["deps"] => deps::check(&root()),
        ["layers"] => layers::check(&root()),
        ["names"] => names::check(&root()),
        ["documents"] => documents::check(&root()),
        ["matrix", folder] => matrix::write(&root(), Path::new(folder)),
        ["matrix", folder, "--check"] => matrix::check(&root(), Path::new(folder), None),
        ["matrix", folder, "--check", "--without", capability] => {
            matrix::check(&root(), Path::new(folder), Some(capability))
        }
        ["guide", folder] => guide::check(&root(), Path::new(folder)),
        ["check"] => check_all(&root()),
        ["help" | "--help"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(report) => report.print(),
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn check_all(root: &Path) -> Result<Report, Fault> {
    let mut report = Report::default();
    let checks = [options::check, metrics::check, deps::check, layers::check, names::check, documents::check];
    for check in checks {
        report.add(check(root)?);
    }
    Ok(report)
}

/// The root of the workspace, two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
