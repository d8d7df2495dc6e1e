//! `dl bk end` and `dl bk recover`: where a ledger ends, and giving it an end.

use clap::Args;
use dl_bookkeeper::{EntryId, LedgerId, Outlook};
use dl_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::show;
use crate::cli::failure::{Failure, Result};
use crate::cli::output::Output;

/// Prints the last entry of a ledger that is known to be confirmed: of one that is closed its last
///
/// Nobody is fenced: a ledger that is being written goes on.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk end 4711")]
pub(super) struct End {
    /// The number of the ledger
    #[arg(value_parser = show::ledger_id)]
    ledger: LedgerId,
}

/// Recovers a ledger: cuts its writer off, keeps what may have been acknowledged, and closes it; without --close says what that would keep
///
/// Of a log `dl recover` is the command: it also completes the log's segment. This is for ledgers of other applications, or those
/// that no log refers to.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk recover 4711\n  dl bk recover 4711 --close")]
pub(super) struct Recover {
    /// The number of the ledger
    #[arg(value_parser = show::ledger_id)]
    ledger: LedgerId,

    /// Does it: its writer, if there is one, is cut off
    #[arg(long)]
    close: bool,
}

impl End {
    pub(super) async fn run(self, cluster: &Cluster, output: &mut Output) -> Result<()> {
        let (_, known) = cluster.read(self.ledger).await?;
        let last = number(known.last);
        let line = match known.last {
            Some(last) => last.to_string(),
            None => "none".to_owned(),
        };
        let ledger = self.ledger.number();
        output.item(line, || json!({ "ledger": ledger, "last_confirmed": last, "closed": known.closed }))?;
        output.flush()
    }
}

impl Recover {
    pub(super) async fn run(self, cluster: &Cluster, json: bool, output: &mut Output) -> Result<()> {
        let ledger = self.ledger;
        if self.close {
            let password = cluster.client.metadata(ledger).await?.metadata.password.clone();
            let closed = cluster.client.recover(ledger, &password).await?;
            let (last, bytes) = show::end(&closed.metadata);
            let line = format!("ledger {ledger} is closed {}", up_to(last));
            output.item(
                line,
                || json!({ "ledger": ledger.number(), "closed": true, "last_entry": last, "bytes": bytes }),
            )?;
            return output.flush();
        }
        let outlook = cluster.outlook(ledger).await?;
        let kept = number(outlook.kept);
        let line = match outlook.closed {
            true => format!("ledger {ledger} is closed {}: there is nothing to recover", up_to(kept)),
            false => format!("ledger {ledger} would be closed {} with --close", up_to(kept)),
        };
        output.item(line, || {
            json!({
                "ledger": ledger.number(), "closed": outlook.closed, "confirmed": number(outlook.confirmed),
                "kept": kept, "obstacles": obstacles(&outlook),
            })
        })?;
        output.flush()?;
        blocked(&outlook, json)
    }
}

/// What is in the way of a recovery, as the end of the command.
fn blocked(outlook: &Outlook, json: bool) -> Result<()> {
    let Some(first) = outlook.obstacles.first() else { return Ok(()) };
    let kind = match outlook.obstacles.iter().any(|obstacle| obstacle.passes) {
        true => ErrorKind::Unavailable,
        false => ErrorKind::Corrupt,
    };
    if json {
        return Err(Failure::Silent(kind));
    }
    let what = first.entry.map_or_else(
        || "too few bookies can be told to refuse its writer".to_owned(),
        |entry| format!("nobody can say whether entry {entry} was acknowledged"),
    );
    let bookies: Vec<String> = first.bookies.iter().map(|(id, problem)| format!("{id}: {problem}")).collect();
    let message =
        format!("in the way of a recovery: {what} ({}); bring these bookies back", bookies.join("; "));
    Err(Error::new(kind, message).into())
}

fn obstacles(outlook: &Outlook) -> Value {
    let bookies = |bookies: &[(dl_bookkeeper::BookieId, String)]| {
        let each = bookies.iter().map(|(id, problem)| json!({ "bookie": id.as_str(), "problem": problem }));
        each.collect::<Vec<_>>()
    };
    let each = outlook.obstacles.iter().map(|obstacle| {
        json!({ "entry": number(obstacle.entry), "passes": obstacle.passes, "bookies": bookies(&obstacle.bookies) })
    });
    each.collect()
}

fn number(entry: Option<EntryId>) -> Option<i64> {
    entry.map(EntryId::number)
}

fn up_to(last: Option<i64>) -> String {
    last.map_or_else(|| "without entries".to_owned(), |last| format!("with entry {last} as its last"))
}
