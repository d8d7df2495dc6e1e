//! What dl is measured beside: each does the same work with its own means and prints one object of figures, as
//! `dl bench --json` does; and the program that runs dl and them in turn and compares.

mod bare;
mod compare;
mod meter;
mod okay;
mod prototype;
mod raft;
mod sqlite;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Whatever went wrong: a benchmark has nobody to handle it.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Does the work of `dl bench` with other means, and compares")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// raft-engine: threads that each write a synced batch of one entry to a region of their own
    RaftEngine {
        #[command(flatten)]
        load: Load,
        /// How many threads
        #[arg(long, default_value = "1")]
        threads: usize,
    },
    /// okaywal: threads that each commit entries of one chunk
    Okaywal {
        #[command(flatten)]
        load: Load,
        /// How many threads
        #[arg(long, default_value = "1")]
        threads: usize,
    },
    /// SQLite, WAL mode, synchronous=FULL: a transaction for each insert
    Sqlite {
        #[command(flatten)]
        load: Load,
    },
    /// A loop that overwrites a prewritten file: pwrite of 4 KiB, fdatasync
    BareLoop {
        #[command(flatten)]
        load: Load,
    },
    /// The least group commit: a buffer under a lock, two writes and a sync for all that gathered, a oneshot each
    Prototype {
        #[command(flatten)]
        load: Load,
        /// How many are in flight
        #[arg(long, default_value = "5000")]
        in_flight: usize,
    },
    /// Large writes one after the other, each synced: what the disk takes durably
    Sequential {
        #[command(flatten)]
        load: Load,
    },
    /// Reads a file of records with their lengths from start to end, again and again
    Scan {
        #[command(flatten)]
        load: Load,
        /// How many records the file has
        #[arg(long, default_value = "5000000")]
        records: u64,
    },
    /// Runs dl and the others in turn and compares
    Compare(compare::Compare),
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
    match Arguments::parse().command {
        Command::RaftEngine { load, threads } => raft::measure(&load, threads),
        Command::Okaywal { load, threads } => okay::measure(&load, threads),
        Command::Sqlite { load } => sqlite::measure(&load),
        Command::BareLoop { load } => bare::overwrite(&load),
        Command::Prototype { load, in_flight } => prototype::measure(&load, in_flight),
        Command::Sequential { load } => bare::sequential(&load),
        Command::Scan { load, records } => bare::scan(&load, records),
        Command::Compare(compare) => compare.run(),
    }
}
