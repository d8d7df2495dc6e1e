//! What a check found.

use std::process::ExitCode;

/// Why a check could not be made at all.
pub(crate) type Fault = Box<dyn std::error::Error>;

/// What was checked, and what is wrong.
#[derive(Default)]
pub(crate) struct Report {
    passed: Vec<String>,
    wrong: Vec<String>,
}

impl Report {
    /// The report of one check: what it looked at, and each thing that is wrong.
    pub(crate) fn of(checked: impl Into<String>, wrong: Vec<String>) -> Self {
        let passed = if wrong.is_empty() { vec![checked.into()] } else { Vec::new() };
        Self { passed, wrong }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed.extend(other.passed);
        self.wrong.extend(other.wrong);
    }

    pub(crate) fn print(self) -> ExitCode {
        for line in &self.passed {
            println!("ok: {line}");
        }
        for line in &self.wrong {
            eprintln!("wrong: {line}");
        }
        if self.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
