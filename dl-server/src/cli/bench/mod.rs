//! `dl bench`: what this machine does, measured with the library alone.

mod append;
mod concurrent;
mod create;
mod figures;
mod helper;
mod latency;
mod logs;
mod many_logs;
mod noisy;
mod payloads;
mod pipelined;
mod process;
mod progress;
mod read;
mod reopen;
mod schedule;
mod site;
mod tail;
mod time;

use clap::{Args, Subcommand};

use super::Shared;
use super::failure::Result;
use figures::{Report, print};
use site::Site;

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
    Tail(tail::Tail),
    Create(create::Create),
    Reopen(reopen::Reopen),
    ManyLogs(many_logs::ManyLogs),
    Noisy(noisy::Noisy),
    #[command(hide = true)]
    Follow(tail::Follow),
    #[command(hide = true)]
    Prepare(reopen::Prepare),
}

impl Bench {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        match self.work {
            Work::Append(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Concurrent(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Pipelined(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Read(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Tail(work) => report(shared, async |site| work.measure(site, shared).await).await,
            Work::Create(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Reopen(work) => {
                let figures = site::measure_apart(async |uri| work.measure(uri, shared).await).await?;
                print(&figures, shared)
            }
            Work::ManyLogs(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Noisy(work) => report(shared, async |site| work.measure(site).await).await,
            Work::Follow(work) => work.run(shared).await,
            Work::Prepare(work) => work.run(shared).await,
        }
    }
}

async fn report<T: Report>(shared: &Shared, work: impl AsyncFnOnce(&Site) -> Result<T>) -> Result<()> {
    let figures = site::measure(shared, work).await?;
    print(&figures, shared)
}
