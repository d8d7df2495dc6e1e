//! `dl bk fragments`: which copies of a log or a ledger are missing.

use std::collections::BTreeSet;

use clap::Args;
use dl_bookkeeper::{
    BookieId, BookieRegistry, CopyProblem, EntryId, Fragment, LedgerId, LedgerMetadata, LedgerState,
};
use dl_core::{Error, ErrorKind, LogName};
use serde_json::{Value, json};

use super::cluster::{Cluster, Known};
use super::show;
use crate::cli::Shared;
use crate::cli::failure::{self, Failure, Result};
use crate::cli::namespace::{self, Missing, Scope};
use crate::cli::output::Output;

/// Finds fragments of a log, or of a ledger, of which copies are missing; 112 if there are any
///
/// A fragment is a run of entries that the same bookies have. Each of them is to be registered and to have its first and
/// its last entry of the fragment (with --every-entry, each), as it was written. BookKeeper's auto-recovery makes missing
/// copies anew (`bookkeeper autorecovery`); until then the entries are safe as long as one copy is.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk fragments orders --every-entry")]
pub(super) struct Fragments {
    /// The log
    #[arg(required_unless_present = "ledger")]
    log: Option<String>,

    /// A ledger, in place of a log
    #[arg(long, value_name = "LEDGER", value_parser = show::ledger_id, conflicts_with = "log")]
    ledger: Option<LedgerId>,

    /// Reads every entry of every copy
    #[arg(long)]
    every_entry: bool,

    /// Prints fragments that lack nothing, too
    #[arg(long)]
    all: bool,
}

/// How many there are.
#[derive(Default)]
struct Count {
    fragments: u64,
    lacking: u64,
}

impl Fragments {
    pub(super) async fn run(self, cluster: &Cluster, shared: &Shared, output: &mut Output) -> Result<()> {
        let ledgers = match (&self.log, self.ledger) {
            (_, Some(ledger)) => vec![ledger],
            (log, None) => {
                // A cluster that was named by itself has no logs.
                cluster.root()?;
                ledgers_of(log.as_deref().unwrap_or_default(), shared).await?
            }
        };
        let registered = cluster.registry.bookies().await?.into_iter().map(|bookie| bookie.id).collect();
        let mut count = Count::default();
        for (ledger, known) in cluster.metadata(&ledgers).await? {
            match known {
                Known::Metadata(metadata) => {
                    self.ledger(cluster, &registered, ledger, &metadata, &mut count, output).await?;
                }
                Known::Unreadable(error) => return Err(error.into()),
                // A log frees ledgers while it is looked at; who names one means one that is there.
                Known::Gone if self.ledger.is_none() => {}
                Known::Gone => {
                    let error = Error::new(ErrorKind::NotFound, "there is no such ledger");
                    return Err(error.with("ledger", ledger).into());
                }
            }
        }
        end(&count, shared.json, output)
    }

    async fn ledger(
        &self,
        cluster: &Cluster,
        registered: &BTreeSet<BookieId>,
        ledger: LedgerId,
        metadata: &LedgerMetadata,
        count: &mut Count,
        output: &mut Output,
    ) -> Result<()> {
        for fragment in Fragment::all(metadata, last_entry(cluster, ledger, metadata).await?) {
            let copies =
                cluster.client.copies(ledger, metadata, &fragment, registered, self.every_entry).await;
            let problems = copies.problems;
            count.fragments += 1;
            count.lacking += u64::from(!problems.is_empty());
            if self.all || !problems.is_empty() {
                let text = text(ledger, &fragment, &problems);
                output.item(failure::lines(&text), || object(ledger, &fragment, &problems))?;
                output.flush()?;
            }
        }
        Ok(())
    }
}

/// The ledgers of a log, oldest first.
async fn ledgers_of(log: &str, shared: &Shared) -> Result<Vec<LedgerId>> {
    let name = LogName::new(log)?;
    let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
    let asked = namespace.log(&name).segments().await.map_err(Into::into);
    let segments = namespace::close(namespace, asked).await?;
    Ok(segments
        .iter()
        .map(|segment| LedgerId::new(segment.id.get()))
        .collect::<dl_bookkeeper::Result<_>>()?)
}

/// The last entry that is confirmed. Of a ledger that is being written, the bookies are asked; if too few of them answer,
/// no entry of it is looked at.
async fn last_entry(
    cluster: &Cluster,
    ledger: LedgerId,
    metadata: &LedgerMetadata,
) -> Result<Option<EntryId>> {
    if let LedgerState::Closed { last_entry, .. } = metadata.state {
        return Ok(last_entry);
    }
    let reader = cluster.client.open_without_recovery(ledger, &metadata.password).await?;
    Ok(reader.last_confirmed().await.ok().and_then(|confirmed| confirmed.last))
}

fn end(count: &Count, json: bool, output: &mut Output) -> Result<()> {
    if count.lacking == 0 {
        if !json {
            output.bytes(format!("every copy of {} fragments is there\n", count.fragments).as_bytes())?;
        }
        return output.flush();
    }
    if json {
        return Err(Failure::Silent(ErrorKind::Unavailable));
    }
    let message =
        format!("copies of {} of {} fragments are missing; they stand above", count.lacking, count.fragments);
    Err(Error::new(ErrorKind::Unavailable, message).into())
}

fn text(ledger: LedgerId, fragment: &Fragment, problems: &[CopyProblem]) -> String {
    let entries = match fragment.last {
        Some(last) => format!("entries {} to {last}", fragment.first),
        None => format!("from entry {} on, none yet", fragment.first),
    };
    let good = fragment.bookies.len() - problems.len();
    let mut lines = vec![format!("ledger {ledger}, {entries}: {good} of {} copies", fragment.bookies.len())];
    lines.extend(problems.iter().map(|problem| format!("  {} {}", problem.bookie, problem.fault)));
    lines.join("\n")
}

fn object(ledger: LedgerId, fragment: &Fragment, problems: &[CopyProblem]) -> Value {
    let problem = |problem: &CopyProblem| {
        json!({
            "bookie": problem.bookie.as_str(),
            "problem": problem.fault.name(),
            "entry": problem.fault.entry().map(EntryId::number),
        })
    };
    json!({
        "ledger": ledger.number(),
        "first_entry": fragment.first.number(),
        "last_entry": fragment.last.map(EntryId::number),
        "bookies": fragment.bookies.iter().map(BookieId::as_str).collect::<Vec<_>>(),
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}
