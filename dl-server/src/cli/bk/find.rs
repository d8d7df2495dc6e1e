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
        let log = log(cluster.root()?, node);
        let line = format!("{}\t{node}", log.unwrap_or("-"));
        output.item(line, || json!({ "ledger": self.ledger.number(), "log": log, "node": node }))?;
        output.flush()
    }
}

/// The name of the log, as its users call it, that has this node of the namespace at `root`.
fn log<'a>(root: &str, node: &'a str) -> Option<&'a str> {
    let (log, _) = node.strip_prefix(root)?.split_once("/<default>/")?;
    // Where a federated namespace keeps the log is no part of its name.
    let part = log.strip_prefix("/.subnamespaces/").and_then(|part| part.split_once('/'));
    Some(part.map_or_else(|| log.trim_start_matches('/'), |(_, log)| log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_have_the_names_that_users_call_them_by() {
        let segment = "<default>/ledgers/inprogress_000000000000000001";
        for (node, name) in [
            ("/ns/orders/<default>/allocation", Some("orders")),
            (&format!("/ns/some/log/{segment}"), Some("some/log")),
            (&format!("/ns/.subnamespaces/NS_0000000002/some/log/{segment}"), Some("some/log")),
            ("/ns/.subnamespaces/NS_0000000002/.pool/A0000000001", None),
            ("/ns/.pool/A0000000001", None),
        ] {
            assert_eq!(log("/ns", node), name, "{node}");
        }
    }
}
