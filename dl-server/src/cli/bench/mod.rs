//! `dl bench`: what this machine does, measured with the library alone.

mod append;
mod concurrent;
mod figures;
mod latency;
mod payloads;
mod pipelined;
mod process;
mod progress;
mod read;
mod schedule;
mod site;
mod time;

use clap::{Args, Subcommand};

use super::Shared;
use super::failure::Result;

/// Measures this machine: how fast records become durable, are read, and reach another process
///
/// Works in logs of its own, which it deletes: in the namespace that is named, or else in a temporary directory, below
/// TMPDIR or /var/tmp, because /tmp is often in memory, where nothing is durable. Every figure is of one run; compare
/// medians of several.
///
/// Payloads are random. A latency counts from the moment at which the append was due: with --rate that is its place in
/// the schedule, however long the one before it took, and without a rate the moment at which the one before it was
/// done. Processor time and memory are those of this process.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  dl bench append --seconds 5 && dl bench pipelined --bytes 1024 --json"
)]
pub(crate) struct Bench {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    Append(append::Append),
    Concurrent(concurrent::Concurrent),
    Pipelined(pipelined::Pipelined),
    Read(read::Read),
}

impl Bench {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let figures = match self.work {
            Work::Append(work) => site::measure(shared, async |site| work.measure(site).await).await?,
            Work::Concurrent(work) => site::measure(shared, async |site| work.measure(site).await).await?,
            Work::Pipelined(work) => site::measure(shared, async |site| work.measure(site).await).await?,
            Work::Read(work) => site::measure(shared, async |site| work.measure(site).await).await?,
        };
        figures.print(shared)
    }
}
