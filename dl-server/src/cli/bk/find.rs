//! `dl bk find`: who refers to a ledger.

use clap::Args;
use dl_bookkeeper::LedgerId;
use dl_core::{Error, ErrorKind};
use serde_json::json;

use super::cluster::Cluster;
use super::show;
use crate::cli::failure::Result;
use crate::cli::output::Output;

/// Prints which node of the namespace refers to a ledger: a segment of a log, the allocation of one, or a pool's
///
/// Exit code 102 if none does.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk find 4711 --ns 'distributedlog://zk1:2181;zk2:2181/messaging/dl'")]
pub(super) struct Find {
    /// The number of the ledger
    #[arg(value_parser = show::ledger_id)]
    ledger: LedgerId,
}

impl Find {
    pub(super) async fn run(self, cluster: &Cluster, output: &mut Output) -> Result<()> {
        let found = cluster.references().await?;
        let Some(node) = found.of(self.ledger) else {
            let message =
                "no log of the namespace refers to this ledger; if it exists, `dl bk show` says whose it is";
            return Err(Error::new(ErrorKind::NotFound, message).with("ledger", self.ledger).into());
        };
        // What is in front of this is the log.
        let log = node.split_once("/<default>/").map(|(log, _)| log);
        let log = log.map(|log| log.strip_prefix(cluster.root().unwrap_or_default()).unwrap_or(log));
        let log = log.map(|log| log.trim_start_matches('/'));
        let line = format!("{}\t{node}", log.unwrap_or("-"));
        output.item(line, || json!({ "ledger": self.ledger.number(), "log": log, "node": node }))?;
        output.flush()
    }
}
