//! `dl bk bookies`: the bookies of a cluster.

use clap::Args;
use dl_bookkeeper::{
    BookieInfo, BookieInfoRequest, BookieRegistry, Error, RegisteredBookie, Request, Response,
};
use serde_json::json;
use tokio::task::JoinSet;

use super::cluster::Cluster;
use crate::cli::failure::Result;
use crate::cli::output::Output;
use crate::cli::table;

const COLUMNS: [&str; 6] = ["BOOKIE", "STATE", "ADDRESS", "FREE BYTES", "BYTES", "PROBLEM"];

/// Prints the bookies that are registered: whether they take new entries, where they listen, the room on their disks
///
/// Each is asked for it; one that does not answer is said so. If none does, the exit code is that of the last one's error.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk bookies --zookeeper zk1:2181")]
pub(super) struct Bookies {}

/// What there is to say of a bookie.
struct Report {
    bookie: RegisteredBookie,
    address: Option<String>,
    answer: dl_bookkeeper::Result<BookieInfo>,
}

impl Bookies {
    pub(super) async fn run(self, cluster: &Cluster, json: bool, output: &mut Output) -> Result<()> {
        let mut asked = JoinSet::new();
        for bookie in cluster.registry.bookies().await? {
            let (client, registry) = (cluster.bookies.bookie(&bookie.id), cluster.registry.clone());
            asked.spawn(async move {
                let address = registry.resolve(&bookie.id).await.ok().flatten();
                let request = Request::BookieInfo(BookieInfoRequest { total: true, free: true });
                let answer = match client.call(&request, None).await {
                    Ok(Response::BookieInfo(info)) => Ok(info),
                    Ok(_) => Err(Error::new(dl_bookkeeper::ErrorKind::Corrupt, "it answers something else")),
                    Err(error) => Err(error),
                };
                Report { bookie, address, answer }
            });
        }
        let mut reports = asked.join_all().await;
        reports.sort_by(|one, other| one.bookie.id.cmp(&other.bookie.id));
        if json {
            reports.iter().try_for_each(|report| output.object(&report.object()))?;
        } else {
            let mut rows = vec![COLUMNS.map(str::to_owned)];
            rows.extend(reports.iter().map(Report::row));
            table::write(output, &rows)?;
        }
        output.flush()?;
        // One that is down is a matter of the table; of none that answers whoever asked has to hear.
        if reports.iter().all(|report| report.answer.is_err())
            && let Some(Err(error)) = reports.pop().map(|report| report.answer)
        {
            return Err(error.into());
        }
        Ok(())
    }
}

impl Report {
    fn state(&self) -> &'static str {
        if self.bookie.writable { "writable" } else { "read-only" }
    }

    fn room(&self) -> (Option<u64>, Option<u64>) {
        self.answer.as_ref().map_or((None, None), |info| (info.free_bytes, info.total_bytes))
    }

    fn object(&self) -> serde_json::Value {
        let (free, total) = self.room();
        json!({
            "bookie": self.bookie.id.as_str(),
            "state": self.state(),
            "address": self.address,
            "free_bytes": free,
            "bytes": total,
            "problem": self.answer.as_ref().err().map(Error::message),
        })
    }

    fn row(&self) -> [String; COLUMNS.len()] {
        let (free, total) = self.room();
        let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
        [
            self.bookie.id.to_string(),
            self.state().to_owned(),
            self.address.clone().unwrap_or_else(|| "-".to_owned()),
            bytes(free),
            bytes(total),
            self.answer.as_ref().err().map(|error| error.message().to_owned()).unwrap_or_default(),
        ]
    }
}
