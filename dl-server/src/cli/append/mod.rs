//! `dl append`.
//!
//! Four parties, so that none waits for another longer than it must: a thread reads and cuts the input ([`input`]),
//! a task appends without waiting for acknowledgements ([`feed`]), the core makes records durable, and this thread
//! takes the acknowledgements in order ([`acks`]). What is on its way between them is bounded.

mod acks;
mod bytes;
mod feed;
mod framing;
mod input;

use std::num::NonZeroUsize;

use clap::Args;
use dl_core::{Error, ErrorKind, LogName, Namespace, WriterOptions};
use tokio::sync::mpsc;

use super::Shared;
use super::failure::{self, Failure, Result};
use super::namespace::{self, Missing, Scope};
use super::output::Output;
use super::stop::Stop;
use acks::Acks;
use feed::{Ended, Feed, TxidSource};
use framing::Framing;

/// Acknowledgements that are waited for or wait to be printed.
const TICKETS: usize = 16_384;

/// Appends standard input to a log, and makes the log if there is none
///
/// All of it is durable when it ends with 0. It ends with the input, when another writer takes the log over (exit code
/// 104), or when there is no space for a record (113): then that record and all behind it are not in the log, even if
/// there is room again meanwhile. After an interrupt, what was appended is settled before it ends (110).
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  journalctl -f | dl append journal --acks\n  dl append image --bytes < disk.img"
)]
pub(crate) struct Append {
    /// The log
    log: String,

    /// How records are told apart
    #[arg(long, value_enum, default_value_t)]
    framing: Framing,

    /// Appends a stream of bytes, which dl read --bytes reads from any offset; goes on at its end. Not for logs with
    /// records of another kind
    #[arg(long, conflicts_with_all = ["framing", "batch", "txid", "acks"])]
    bytes: bool,

    /// Appends N records at a time, all of them or none; the last batch may have fewer
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroUsize>,

    /// The txids of the records
    #[arg(long, value_enum, default_value_t)]
    txid: TxidSource,

    /// About a writer that holds the log: force (cut it off), never, or wait:TIME such as wait:10s
    /// [default: force]
    #[arg(long, value_name = "HOW")]
    takeover: Option<String>,

    /// Fails with not-found if the log does not exist
    #[arg(long)]
    no_create: bool,

    /// Prints DLSN, tab and input number from 0 as each record is acknowledged
    #[arg(long)]
    acks: bool,

    /// Prints metrics to standard error at the end, in the text format of Prometheus (docs/metrics.md lists them)
    #[arg(long)]
    stats: bool,
}

impl Append {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let mut options = WriterOptions::default().create_log(!self.no_create);
        if let Some(takeover) = &self.takeover {
            options.set("takeover", takeover).map_err(failure::of_flag)?;
        }
        let missing = if self.no_create { Missing::Fail } else { Missing::Create };
        let namespace = shared.namespace.open(missing, Scope::Writer(&mut options)).await?;
        // Appends run ahead of their acknowledgements, and what gets into the log is to be a prefix of the input.
        options = options.stop_when_full(true);
        let appended = if self.bytes {
            bytes::append(&namespace.log(&name), options).await
        } else {
            let output = self.acks.then(|| shared.output());
            self.append(&namespace, &name, options, output).await
        };
        if self.stats {
            namespace::print_metrics(&namespace).await;
        }
        namespace::close(namespace, appended).await
    }

    async fn append(
        &self,
        namespace: &Namespace,
        name: &LogName,
        options: WriterOptions,
        output: Option<Output>,
    ) -> Result<()> {
        let writer = namespace.log(name).open_writer(options).await?;
        let stop = Stop::default();
        stop.at_interrupts()?;
        let (sender, tickets) = mpsc::channel(TICKETS);
        let feed = Feed::new(writer.clone(), self.batch, self.txid, sender, stop.clone());
        let feeding = tokio::spawn(feed.run(input::blocks(self.framing)?));
        let acks = Acks::new(output, stop).take(tickets).await;
        let fed = feeding.await.map_err(|error| {
            Error::new(ErrorKind::Internal, "the task that appends did not end by itself").caused_by(error)
        })?;
        let closed = writer.close().await;
        outcome(acks, fed, closed)
    }
}

/// How it ended: the first thing that went wrong, in the order of the records.
fn outcome(acks: acks::Taken, fed: dl_core::Result<Ended>, closed: dl_core::Result<()>) -> Result<()> {
    if let Some(error) = acks.refused {
        return Err(error.into());
    }
    let ended = fed?;
    closed?;
    match (ended, acks.unprinted) {
        // All of it is in the log; those who no longer read the acknowledgements did not want them.
        (Ended::Input, None | Some(Failure::OutputClosed)) => Ok(()),
        (Ended::Stopped, Some(Failure::OutputClosed)) => Err(Failure::Silent(ErrorKind::Cancelled)),
        (_, Some(failure)) => Err(failure),
        (Ended::Stopped, None) => Err(Error::new(
            ErrorKind::Cancelled,
            format!(
                "interrupted after {} records, which are in the log; the rest of the input is not",
                acks.count
            ),
        )
        .into()),
    }
}
