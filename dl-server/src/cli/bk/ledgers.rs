//! `dl bk ledgers`: the ledgers of a cluster.

use clap::Args;
use dl_bookkeeper::LedgerId;
use serde_json::json;

use super::cluster::{Cluster, Known};
use super::show;
use crate::cli::failure::Result;
use crate::cli::output::Output;
use crate::cli::table;

/// Ledgers that are asked for at once.
const PAGE: usize = 1_000;

const COLUMNS: [&str; 6] = ["LEDGER", "STATE", "LAST ENTRY", "BYTES", "QUORUM", "APPLICATION"];

/// Prints the ledgers of the cluster, of whatever application, in the order of their numbers
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk ledgers --zookeeper zk1:2181 --after 4000 --limit 100")]
pub(super) struct Ledgers {
    /// Only ledgers with greater numbers
    #[arg(long, value_name = "LEDGER", value_parser = show::ledger_id)]
    after: Option<LedgerId>,

    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Ledgers {
    pub(super) async fn run(self, cluster: &Cluster, json: bool, output: &mut Output) -> Result<()> {
        let mut rows = vec![COLUMNS.map(str::to_owned)];
        let (mut after, mut left) = (self.after, self.limit.unwrap_or(usize::MAX));
        while left > 0 {
            let mut ids = cluster.client.list(after, left.min(PAGE)).await?;
            ids.truncate(left);
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            left -= ids.len();
            for (id, known) in cluster.metadata(&ids).await? {
                if json {
                    object(id, &known, output)?;
                } else {
                    rows.extend(row(id, &known));
                }
            }
        }
        if !json {
            table::write(output, &rows)?;
        }
        output.flush()
    }
}

fn object(id: LedgerId, known: &Known, output: &mut Output) -> Result<()> {
    match known {
        Known::Metadata(metadata) => output.object(&show::object(id, metadata)),
        Known::Unreadable(error) => output
            .object(&json!({ "ledger": id.number(), "state": "unreadable", "message": error.message() })),
        Known::Gone => Ok(()),
    }
}

fn row(id: LedgerId, known: &Known) -> Option<[String; COLUMNS.len()]> {
    let dash = || "-".to_owned();
    match known {
        Known::Metadata(metadata) => {
            let (last, bytes) = show::end(metadata);
            Some([
                id.to_string(),
                show::state(metadata).to_owned(),
                last.map_or_else(dash, |last| last.to_string()),
                bytes.map_or_else(dash, |bytes| bytes.to_string()),
                metadata.quorum.to_string(),
                show::application(metadata).map_or_else(dash, |name| name.escape_default().to_string()),
            ])
        }
        Known::Unreadable(_) => {
            Some([id.to_string(), "unreadable".to_owned(), dash(), dash(), dash(), dash()])
        }
        Known::Gone => None,
    }
}
