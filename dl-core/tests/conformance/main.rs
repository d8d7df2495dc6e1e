//! Runs the cases of `testdata/conformance` against every driver. That folder's README says what they mean.
//!
//! `DL_CASE=name` runs one case, `DL_MATRIX=folder` writes how each went into that folder, `DL_SEEDS=n` gives each simulated
//! case so many orders of events. `DL_AGENT=program DL_LANGUAGE=c++ … -- --ignored foreign` runs them through another
//! language; `DL_LACKS` says which capabilities that does not have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and speaks on its standard output"
)]

mod agent;
mod audit;
mod byte_streams;
mod calls;
mod cases;
mod language;
mod matching;
mod real;
mod report;
mod run;
mod show;
mod simulated;
#[cfg(test)]
mod tests;
mod values;
mod world;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::OnceLock;

use cases::{Case, PROMISES};
use real::{Agents, Real};
use report::{Column, Verdict};
use simulated::{Driver, Simulated};

/// A driver in a world.
struct Subject {
    name: &'static str,
    capabilities: &'static [&'static str],
    /// The promises that cannot be shown on it, and why.
    cannot: &'static [(&'static str, &'static str)],
    run: fn(&Case) -> Result<(), String>,
}

const MEMORY: Subject = Subject {
    name: "memory",
    capabilities: Simulated::capabilities_of(Driver::Memory),
    cannot: &[("P15", "damage: there are no stored bytes")],
    run: |case| run_simulated(Driver::Memory, case),
};

const FILE: Subject = Subject {
    name: "file",
    capabilities: Real::capabilities_of(real::Driver::File),
    cannot: &[],
    run: |case| run_real(Agents::Own, real::Driver::File, case),
};

/// Of [`FILE`], where the runner cannot mount file systems.
const UNFILLABLE: &[(&str, &str)] =
    &[("P16", "fill: only a file system of its own can be made full; see file (simulated)")];

const BOOKKEEPER: Subject = Subject {
    name: "bookkeeper",
    capabilities: Real::capabilities_of(real::Driver::BookKeeper),
    cannot: &[
        ("P15", "damage: the bytes are on three bookies"),
        ("P16", "fill: only a file system of its own can be made full"),
    ],
    run: |case| run_real(Agents::Own, real::Driver::BookKeeper, case),
};

/// In memory, by an agent in another language.
const FOREIGN_MEMORY: Subject = Subject {
    name: "memory",
    capabilities: Real::capabilities_of(real::Driver::Memory),
    cannot: &[("P15", "damage: there are no stored bytes"), ("P16", "fill: nothing makes memory full")],
    run: |case| run_real(foreign(), real::Driver::Memory, case),
};

/// In a directory, by agents in another language.
const FOREIGN_FILE: Subject = Subject { run: |case| run_real(foreign(), real::Driver::File, case), ..FILE };

/// On a cluster, by agents in another language.
const FOREIGN_BOOKKEEPER: Subject =
    Subject { run: |case| run_real(foreign(), real::Driver::BookKeeper, case), ..BOOKKEEPER };

const FILE_SIMULATED: Subject = Subject {
    name: "file (simulated)",
    capabilities: Simulated::capabilities_of(Driver::File),
    cannot: &[],
    run: |case| run_simulated(Driver::File, case),
};

#[test]
fn memory() {
    run_all(&MEMORY, "rust");
}

#[test]
fn file() {
    run_all(&FILE, "rust");
}

#[test]
fn file_simulated() {
    run_all(&FILE_SIMULATED, "rust");
}

#[test]
#[ignore = "takes minutes: ci/checks/48-bookkeeper-driver runs it"]
fn bookkeeper() {
    run_all(&BOOKKEEPER, "rust");
}

#[test]
#[ignore = "needs an agent in another language: DL_AGENT says which program, DL_LANGUAGE which language"]
fn foreign_memory() {
    run_all(&FOREIGN_MEMORY, &foreign_language());
}

#[test]
#[ignore = "needs an agent in another language: DL_AGENT says which program, DL_LANGUAGE which language"]
fn foreign_file() {
    run_all(&FOREIGN_FILE, &foreign_language());
}

#[test]
#[ignore = "needs an agent in another language: DL_AGENT says which program, DL_LANGUAGE which language"]
fn foreign_bookkeeper() {
    run_all(&FOREIGN_BOOKKEEPER, &foreign_language());
}

fn foreign() -> Agents {
    Agents::Foreign(std::env::var_os("DL_AGENT").expect("DL_AGENT names a program").into())
}

fn foreign_language() -> String {
    std::env::var("DL_LANGUAGE").expect("DL_LANGUAGE names a language")
}

#[test]
fn every_case_runs_somewhere() {
    for case in cases() {
        let runs =
            |subject: &Subject| case.needs.iter().all(|need| subject.capabilities.contains(&need.as_str()));
        assert!(
            [MEMORY, FILE, FILE_SIMULATED].iter().any(runs),
            "{} runs nowhere: {:?}",
            case.name,
            case.needs
        );
    }
}

/// A process of a case on the real machine.
#[test]
#[ignore = "the other end of a pipe; the test of the file driver starts it"]
fn agent() {
    real::serve();
}

fn run_all(subject: &Subject, language: &str) {
    let only = std::env::var("DL_CASE").ok();
    let chosen: Vec<Case> =
        cases().iter().filter(|case| only.as_ref().is_none_or(|only| *only == case.name)).cloned().collect();
    assert!(!chosen.is_empty(), "there is no case {only:?}");
    let fillable = subject.name != FILE.name || Real::can_mount();
    let column = column(subject, &chosen, if fillable { &[] } else { &["fill"] });
    println!("{}", column.table());
    if let Some(folder) = std::env::var_os("DL_MATRIX").filter(|_| only.is_none()) {
        let file = format!("{language}-{}.jsonl", subject.name.replace([' ', '(', ')'], ""));
        write(&Path::new(&folder).join(file), &column.cells(language));
    }
    let (promises, cannot) = match only {
        Some(_) => (&[][..], &[][..]),
        None => (PROMISES, if fillable { subject.cannot } else { UNFILLABLE }),
    };
    let failures = column.failures(&chosen, promises, cannot);
    assert!(failures.is_empty(), "{} failures\n  {}", failures.len(), failures.join("\n  "));
}

fn column(subject: &Subject, cases: &[Case], lacks: &[&str]) -> Column {
    let told = std::env::var("DL_LACKS").unwrap_or_default();
    let lacks: Vec<&str> = told.split_whitespace().chain(lacks.iter().copied()).collect();
    let verdict = |case: &Case| {
        let has =
            |need: &&String| subject.capabilities.contains(&need.as_str()) && !lacks.contains(&need.as_str());
        if let Some(missing) = case.needs.iter().find(|need| !has(need)) {
            return Verdict::Lacks(missing.clone());
        }
        match std::panic::catch_unwind(AssertUnwindSafe(|| (subject.run)(case))) {
            Ok(Ok(())) => Verdict::Passed,
            Ok(Err(failure)) => Verdict::Failed(failure),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
                Verdict::Failed(format!("it panicked: {text}"))
            }
        }
    };
    Column {
        driver: subject.name,
        verdicts: cases.iter().map(|case| (case.name.clone(), verdict(case))).collect(),
    }
}

fn run_simulated(driver: Driver, case: &Case) -> Result<(), String> {
    let seeds = std::env::var("DL_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for seed in 1..=seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let ran = runtime.expect("a runtime can be made").block_on(async {
            let mut world = Simulated::new(driver, &case.name, seed);
            run::run(&mut world, case).await
        });
        ran.map_err(|failure| format!("seed {seed}: {failure}"))?;
    }
    Ok(())
}

fn run_real(agents: Agents, driver: real::Driver, case: &Case) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(async { run::run(&mut Real::new(agents, driver, case), case).await })
}

/// All cases, checked.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/conformance");
        cases::load(&folder).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    })
}

#[expect(clippy::disallowed_methods, reason = "the cells go to the real disk")]
fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("it lies in a folder");
    std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
