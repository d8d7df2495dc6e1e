//! What is run, and which bars there are.

use super::samples::Samples;
use super::table::{Line, Unit};
use super::{Answers, found};
use crate::Outcome;

/// How long and how much.
pub(crate) struct Scale {
    pub(crate) seconds: f64,
    pub(crate) logs: u64,
}

/// A work that dl does, maybe beside others.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    what: &'static str,
    dl: Program,
    figure: Figure,
    beside: Vec<Beside>,
    /// What the best of those that do the same work has to be multiplied by, to be met.
    best: Option<f64>,
    limits: Vec<Limit>,
}

/// Who runs, with which arguments.
#[derive(Clone)]
pub(crate) enum Program {
    Dl(Vec<String>),
    Peer(Vec<String>),
    /// Java DistributedLog, by the program of ci/interop that measures.
    Java(Vec<String>),
}

/// Which figure of an answer counts.
#[derive(Clone, Copy)]
struct Figure {
    pointer: &'static str,
    unit: Unit,
}

/// Somebody who does the same, or something to measure by.
struct Beside {
    program: Program,
    /// What dl's figure is to be, in times of its own.
    bar: Option<Bar>,
    /// Whether it counts for `best`.
    competes: bool,
}

/// A bar that nobody else sets.
struct Limit {
    what: &'static str,
    figure: Figure,
    bar: Bar,
}

#[derive(Clone, Copy)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

/// What a client on a cluster costs.
const PROCESSOR: Figure = Figure { pointer: "/processor_us_each", unit: Unit::EachMicroseconds };
const MEMORY: Figure = Figure { pointer: "/peak_memory_bytes", unit: Unit::Bytes };

const PER_SECOND: Figure = Figure { pointer: "/per_second", unit: Unit::PerSecond };
const BYTES_PER_SECOND: Figure = Figure { pointer: "/payload_bytes_per_second", unit: Unit::BytesPerSecond };

/// How much is written before the crash: nearly all that a journal of 512 MiB holds.
const JOURNAL: &str = "journal_bytes=512MiB";
const WRITTEN_BYTES: &str = "500000000";

/// The works W1 to W4 and W7 of the design, and its promise that one noisy log does not stall the others.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let times = |factor: f64| (scale.seconds * factor).to_string();
    let seconds = times(1.0);
    let (logs, tenth) = (scale.logs.to_string(), (scale.logs / 10).max(1).to_string());
    let dl = |work: &str, more: &[&str]| Program::Dl(words(work, more));
    let timed = |work: &str, more: &[&str]| dl(work, &[more, &["--seconds", &seconds]].concat());
    let peer =
        |name: &str, more: &[&str]| Program::Peer(words(name, &[more, &["--seconds", &seconds]].concat()));
    let beside = |program, bar: Option<f64>| beside(program, bar.map(Bar::AtLeast));
    let competitor = |program| Beside { program, bar: None, competes: true };
    let at = |pointer, unit| Figure { pointer, unit };
    vec![
        Row {
            beside: vec![
                beside(peer("bare-loop", &[]), Some(0.8)),
                competitor(peer("raft-engine", &[])),
                competitor(peer("okaywal", &[])),
                competitor(peer("sqlite", &[])),
            ],
            best: Some(1.0),
            ..row("append", "W1 one append at a time", timed("append", &[]), PER_SECOND)
        },
        Row {
            beside: vec![
                beside(peer("raft-engine", &["--threads", "64"]), Some(2.0)),
                beside(peer("okaywal", &["--threads", "64"]), None),
            ],
            ..row("threads", "W2 64 threads", timed("concurrent", &["--threads", "64"]), PER_SECOND)
        },
        Row {
            beside: vec![beside(peer("raft-engine", &["--threads", "64"]), Some(4.0))],
            ..row("tasks", "W2 64 tasks", timed("concurrent", &["--tasks", "64"]), PER_SECOND)
        },
        Row {
            beside: vec![beside(peer("prototype", &[]), None)],
            limits: vec![limit("", PER_SECOND, Bar::AtLeast(2_500_000.0))],
            ..row("pipelined", "W2b 5,000 in flight", timed("pipelined", &[]), PER_SECOND)
        },
        Row {
            beside: vec![
                beside(peer("sequential", &["--bytes", "1024"]), Some(0.6)),
                beside(peer("prototype", &["--bytes", "1024"]), None),
            ],
            ..row(
                "pipelined-1k",
                "W2b 5,000 in flight, 1 KiB",
                dl("pipelined", &["--bytes", "1024", "--seconds", &times(6.0)]),
                BYTES_PER_SECOND,
            )
        },
        Row {
            beside: vec![beside(peer("scan", &[]), None)],
            limits: vec![limit("", PER_SECOND, Bar::AtLeast(5_000_000.0))],
            ..row("read", "W3 read, warm", timed("read", &[]), PER_SECOND)
        },
        Row {
            beside: vec![beside(peer("scan", &["--bytes", "1024", "--records", "1000000"]), None)],
            limits: vec![limit("", BYTES_PER_SECOND, Bar::AtLeast(1e9))],
            ..row(
                "read-1k",
                "W3 read, warm, 1 KiB",
                timed("read", &["--bytes", "1024", "--records", "1000000"]),
                BYTES_PER_SECOND,
            )
        },
        Row {
            limits: vec![
                limit("beside the append alone", at("/seen_to_alone", Unit::Times), Bar::AtMost(1.3)),
                limit("p99.9", at("/seen/p999_us", Unit::Microseconds), Bar::AtMost(10_000.0)),
            ],
            ..row(
                "tail",
                "W4 append to a reader in another process",
                timed("tail", &[]),
                at("/seen/p50_us", Unit::Microseconds),
            )
        },
        Row {
            limits: vec![limit("", PER_SECOND, Bar::AtLeast(5_000.0))],
            ..row("create", "W7 create logs, 16 at once", dl("create", &[]), PER_SECOND)
        },
        Row {
            limits: vec![
                limit("after a close", at("/clean_seconds", Unit::Seconds), Bar::AtMost(1.0)),
                limit(
                    "after a crash, 512 MiB of journal",
                    at("/after_crash_seconds", Unit::Seconds),
                    Bar::AtMost(2.0),
                ),
            ],
            ..row(
                "reopen",
                "W7 reopen many logs",
                dl("reopen", &["--logs", &logs, "-o", JOURNAL, "--written-bytes", WRITTEN_BYTES]),
                at("/clean_seconds", Unit::Seconds),
            )
        },
        Row {
            limits: vec![limit("p99", at("/latency/p99_us", Unit::Microseconds), Bar::AtMost(25_000.0))],
            ..row(
                "many-logs",
                "W7 many logs, 10 times a second each",
                dl("many-logs", &["--logs", &tenth, "--seconds", &times(3.0)]),
                at("/latency/p50_us", Unit::Microseconds),
            )
        },
        Row {
            limits: vec![limit(
                "beside their p99 alone",
                at("/beside_to_alone", Unit::Times),
                Bar::AtMost(3.0),
            )],
            ..row(
                "noisy",
                "p99 of 100 quiet logs beside a loud one",
                timed("noisy", &[]),
                at("/beside/p99_us", Unit::Microseconds),
            )
        },
    ]
}

/// The work W6 of the design: dl and Java DistributedLog on the same bookies, in the namespace at this URI.
pub(crate) fn cluster_rows(scale: &Scale, uri: &str) -> Vec<Row> {
    let seconds = scale.seconds.to_string();
    let both = |work: &str, dl: &[&str], java: &[&str]| {
        let common = ["--ns", uri, "--seconds", &seconds];
        let with = |more: &[&str]| words(work, &[more, &common].concat());
        (Program::Dl(with(dl)), Program::Java(with(java)))
    };
    let mut rows = Vec::new();
    // What is said of each work: how fast, and what the client costs.
    let mut add = |name, what: &'static str, figure, bar, (dl, java): (Program, Program)| {
        let figures = [(figure, bar), (PROCESSOR, Some(Bar::AtMost(0.25))), (MEMORY, Some(Bar::AtMost(0.125)))];
        rows.extend(figures.map(|(figure, bar)| Row {
            beside: vec![beside(java.clone(), bar)],
            ..row(name, what, dl.clone(), figure)
        }));
    };
    let at_least = |factor| Some(Bar::AtLeast(factor));
    let kilo = ["--bytes", "1024"];
    let (records, rate, logs) = (["--records", "1000000"], ["--rate", "400"], ["--logs", "200"]);
    let alone = Figure { pointer: "/latency/p50_us", unit: Unit::Microseconds };
    let one = both("append", &["--awaited"], &[]);
    add("append", "W6 one append at a time", alone, Some(Bar::AtMost(1.0)), one);
    let many = both("pipelined", &[], &[]);
    add("pipelined", "W6 5,000 in flight", PER_SECOND, at_least(1.5), many);
    let many = both("pipelined", &kilo, &kilo);
    add("pipelined-1k", "W6 5,000 in flight, 1 KiB", BYTES_PER_SECOND, at_least(1.5), many);
    add("read", "W6 read, warm", PER_SECOND, at_least(3.0), both("read", &records, &records));
    let logs_at_once = both("many-logs", &[&logs[..], &["--rate", "1000"]].concat(), &logs);
    add("many-logs", "W6 200 logs, one in flight each", PER_SECOND, at_least(2.0), logs_at_once);
    let seen = |pointer| Figure { pointer, unit: Unit::Microseconds };
    // Half of dl's go to the log that is followed.
    let (dl, java) = both("tail", &rate, &["--rate", "200"]);
    rows.push(Row {
        beside: vec![beside(java, None)],
        limits: vec![limit("p99.9", seen("/seen/p999_us"), Bar::AtMost(20_000.0))],
        ..row("tail", "W6 append to a reader", dl, seen("/seen/p50_us"))
    });
    rows
}

fn row(name: &'static str, what: &'static str, dl: Program, figure: Figure) -> Row {
    Row { name, what, dl, figure, beside: Vec::new(), best: None, limits: Vec::new() }
}

fn beside(program: Program, bar: Option<Bar>) -> Beside {
    Beside { program, bar, competes: false }
}

fn limit(what: &'static str, figure: Figure, bar: Bar) -> Limit {
    Limit { what, figure, bar }
}

fn words(first: &str, more: &[&str]) -> Vec<String> {
    [&[first], more].concat().into_iter().map(str::to_owned).collect()
}

impl Figure {
    /// What it says beside how fast the work is.
    fn what(self) -> &'static str {
        match self.unit {
            Unit::EachMicroseconds => "processor for each record",
            Unit::Bytes => "peak memory",
            _ => "",
        }
    }
}

impl Program {
    /// Who was asked for what.
    pub(crate) fn asked(&self) -> Vec<String> {
        match self {
            Self::Dl(arguments) => [&["dl".to_owned()], arguments.as_slice()].concat(),
            Self::Java(arguments) => [&["java".to_owned()], arguments.as_slice()].concat(),
            Self::Peer(arguments) => arguments.clone(),
        }
    }
}

impl Row {
    /// All that run for it.
    pub(crate) fn programs(&self) -> Vec<&Program> {
        [&self.dl].into_iter().chain(self.beside.iter().map(|beside| &beside.program)).collect()
    }

    /// What the table says about it.
    pub(crate) fn lines(&self, answers: &Answers) -> Outcome<Vec<Line>> {
        let Figure { pointer, unit } = self.figure;
        let line = |what: &str, unit, dl| Line {
            work: if what.is_empty() { self.what.to_owned() } else { format!("{}: {what}", self.what) },
            unit,
            dl,
            beside: None,
            ratio: None,
            bar: None,
        };
        let dl = found(answers, &self.dl, pointer)?;
        let mut lines = Vec::new();
        if !self.limits.iter().any(|limit| limit.figure.pointer == pointer) && self.beside.is_empty() {
            lines.push(line("", unit, dl.clone()));
        }
        for Limit { what, figure, bar } in &self.limits {
            let dl = found(answers, &self.dl, figure.pointer)?;
            lines.push(Line { bar: Some(*bar), ..line(what, figure.unit, dl) });
        }
        let mut best: Option<Samples> = None;
        for Beside { program, bar, competes } in &self.beside {
            let its = found(answers, program, pointer)?;
            if *competes {
                best = Some(best.map_or_else(|| its.clone(), |best| best.larger(&its)));
            }
            let ratio = Some(dl.over(&its));
            let name = program.asked().swap_remove(0);
            let beside = Some((name, its));
            lines.push(Line { beside, ratio, bar: *bar, ..line(self.figure.what(), unit, dl.clone()) });
        }
        if let Some((best, bar)) = best.zip(self.best) {
            let ratio = Some(dl.over(&best));
            let beside = Some(("the best of those".to_owned(), best));
            lines.push(Line { beside, ratio, bar: Some(Bar::AtLeast(bar)), ..line("", unit, dl) });
        }
        Ok(lines)
    }
}
