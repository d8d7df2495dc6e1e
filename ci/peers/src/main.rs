//! What dl is measured beside: each does the same work with its own means and prints one object of figures, as
//! `dl bench --json` does.

mod bare;
mod meter;
mod raft;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Whatever went wrong: a benchmark has nobody to handle it.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Does the work of `dl bench` with other means")]
struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Subcommand)]
enum Peer {
    /// raft-engine: threads that each write a synced batch of one entry to a region of their own
    RaftEngine {
        #[command(flatten)]
        load: Load,
        /// How many threads
        #[arg(long, default_value = "1")]
        threads: usize,
    },
    /// A loop that overwrites a prewritten file: pwrite of 4 KiB, fdatasync
    BareLoop {
        #[command(flatten)]
        load: Load,
    },
}

/// What is the same for all.
#[derive(Args)]
struct Load {
    /// An existing directory to work in; what is made there is removed
    #[arg(long)]
    directory: PathBuf,
    /// How long to measure, in seconds
    #[arg(long, default_value = "10", value_parser = seconds)]
    seconds: Duration,
    /// The bytes of a record
    #[arg(long, default_value = "100")]
    bytes: usize,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or("no number of seconds".into())
}

fn main() -> Outcome<()> {
    match Arguments::parse().peer {
        Peer::RaftEngine { load, threads } => raft::measure(&load, threads),
        Peer::BareLoop { load } => bare::overwrite(&load),
    }
}
