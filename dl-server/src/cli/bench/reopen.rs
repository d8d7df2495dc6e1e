//! `dl bench reopen`, and the process that crashes.

use std::future;
use std::num::NonZeroUsize;

use clap::Args;
use dl_core::{Error, ErrorKind, LogName, ReaderOptions, WriterOptions};
use serde::{Deserialize, Serialize};

use super::super::Shared;
use super::super::failure::Result;
use super::super::namespace::{Missing, Scope};
use super::figures::{Cost, Meter, Report, approximate, grouped, row};
use super::helper::{self, Helper};
use super::logs;
use super::payloads::Payloads;
use super::pipelined::Window;
use super::progress::Progress;

const AT_ONCE: usize = 16;

/// Logs that are written before the crash.
const WRITTEN: usize = 64;

/// Records that are written before the crash have so many bytes.
const RECORD_BYTES: usize = 1_024;

/// In flight in each of those logs.
const IN_FLIGHT: usize = 64;

const PAGE: usize = 10_000;

/// How long a namespace of many logs takes to open, after a crash and after it was closed
///
/// Another process makes the logs, writes, and is killed. What is opened is in the page cache. Works in a temporary
/// directory, also if a namespace is named.
#[derive(Debug, Args)]
pub(super) struct Reopen {
    /// How many logs
    #[arg(long, value_name = "N", default_value = "100000")]
    logs: NonZeroUsize,

    /// How many bytes are appended before the crash; give the option journal_bytes too for more than it holds
    #[arg(long, value_name = "N", default_value = "60000000")]
    written_bytes: u64,
}

/// The process that `reopen` starts and kills
#[derive(Debug, Args)]
pub(super) struct Prepare {
    logs: usize,
    written_bytes: u64,
}

/// What `reopen` found.
#[derive(Debug, Serialize)]
pub(super) struct ReopenFigures {
    work: &'static str,
    logs: usize,
    /// Appended before the crash.
    written_bytes: u64,
    after_crash_seconds: f64,
    clean_seconds: f64,
    #[serde(flatten)]
    cost: Cost,
}

/// What the other process did before it is killed.
#[derive(Debug, Serialize, Deserialize)]
struct Prepared {
    written_bytes: u64,
}

impl Reopen {
    pub(super) async fn measure(self, uri: &str, shared: &Shared) -> Result<ReopenFigures> {
        let logs = self.logs.get();
        let progress = Progress::new(format!("making {logs} logs"));
        let arguments = ["prepare", &logs.to_string(), &self.written_bytes.to_string()];
        let mut other = Helper::start(shared, uri, &arguments)?;
        let prepared: Prepared = serde_json::from_str(&other.line().await?).map_err(|error| {
            Error::new(ErrorKind::Internal, "the other process answered something else").caused_by(error)
        })?;
        other.kill()?;
        drop(progress);
        let _progress = Progress::new("opening");
        let meter = Meter::start();
        let after_crash_seconds = open(uri, shared, logs).await?;
        let clean_seconds = open(uri, shared, logs).await?;
        Ok(ReopenFigures {
            work: "reopen",
            logs,
            written_bytes: prepared.written_bytes,
            after_crash_seconds,
            clean_seconds,
            cost: meter.cost(2),
        })
    }
}

/// Opens the namespace, finds all logs there, and closes it; answers how long the opening took.
async fn open(uri: &str, shared: &Shared, logs: usize) -> Result<f64> {
    let (mut writer, mut reader) = (WriterOptions::default(), ReaderOptions::default());
    let meter = Meter::start();
    let namespace =
        shared.namespace.open_at(uri, Missing::Fail, Scope::Both(&mut writer, &mut reader)).await?;
    let seconds = meter.seconds();
    let (mut found, mut last) = (0, None);
    loop {
        let names = namespace.list_logs("", last.as_ref(), PAGE).await?;
        found += names.len();
        match names.into_iter().next_back() {
            Some(name) => last = Some(name),
            None => break,
        }
    }
    namespace.close().await?;
    if found == logs {
        return Ok(seconds);
    }
    Err(Error::new(ErrorKind::Internal, format!("{found} logs are there of {logs}")).into())
}

impl Report for ReopenFigures {
    fn rows(&self) -> Vec<[String; 2]> {
        let logs = u64::try_from(self.logs).unwrap_or(u64::MAX);
        let mut rows = vec![
            row("work", format!("reopen, {} logs", grouped(logs))),
            row("written before", format!("{:.1} MB", approximate(self.written_bytes) / 1e6)),
            row("after a crash", format!("{:.3} s", self.after_crash_seconds)),
            row("after a close", format!("{:.3} s", self.clean_seconds)),
        ];
        rows.extend(self.cost.rows());
        rows
    }
}

impl Prepare {
    /// Prints a line when all is there, and waits for its end.
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        helper::end_with_starter()?;
        let (mut options, mut reader) = (WriterOptions::default(), ReaderOptions::default());
        let scope = Scope::Both(&mut options, &mut reader);
        let namespace = shared.namespace.open(Missing::Create, scope).await?;
        let name = |number| LogName::new(&format!("log-{number}"));
        let names = (0..self.logs).map(name).collect::<dl_core::Result<Vec<_>>>()?;
        logs::create(&namespace, names.clone(), AT_ONCE).await?;
        let mut payloads = Payloads::new(RECORD_BYTES, 1)?;
        let mut writers = Vec::new();
        for name in names.iter().take(WRITTEN) {
            writers.push(namespace.log(name).open_writer(options.clone()).await?);
        }
        let mut windows: Vec<_> = writers.iter().map(|writer| Window::new(writer, IN_FLIGHT)).collect();
        let mut written_bytes = 0;
        while written_bytes < self.written_bytes {
            for window in &mut windows {
                window.append(payloads.next(), None).await?;
                written_bytes += RECORD_BYTES as u64;
            }
        }
        for window in &mut windows {
            window.drain().await?;
        }
        let mut output = shared.output();
        output.object(&Prepared { written_bytes })?;
        output.flush()?;
        future::pending().await
    }
}
