//! `dl recover --explain` on a cluster: what a recovery of the ledgers in progress would find.

use std::time::Duration;

use dl_bookkeeper::{EntryId, LedgerId, Obstacle, Outlook};
use dl_core::{Dlsn, Error, ErrorKind, Log, LogName, OnTruncated, ReaderOptions, SegmentInfo, Start};
use serde_json::{Value, json};

use crate::cli::Shared;
use crate::cli::bk::{Cluster, Place};
use crate::cli::failure::{self, Failure, Result};
use crate::cli::namespace::{self, Missing, Scope};

/// Records that are read at once, and how long that may take: nobody waits at the end.
const BATCH: usize = 4_096;
const WAIT: Duration = Duration::ZERO;

/// A segment in progress, and what a recovery of it would find.
struct Explained {
    segment: SegmentInfo,
    outlook: Outlook,
    /// The records of what is confirmed, and the position of the last one.
    records: u64,
    last: Option<Dlsn>,
    /// Why not all of that can be read.
    unreadable: Option<String>,
}

/// Whether the namespace is on a cluster.
pub(super) fn is_on_cluster(uri: &str) -> bool {
    Place::parse(uri).is_ok()
}

pub(super) async fn explain(name: &LogName, uri: &str, shared: &Shared) -> Result<()> {
    let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
    let cluster = Cluster::of_namespace(uri, shared).await?;
    let found = async {
        let log = namespace.open_log(name).await?;
        let owner = log.info().await?.owner;
        let mut found = Vec::new();
        for segment in log.segments().await?.into_iter().filter(|segment| segment.completed.is_none()) {
            found.push(look(&cluster, &log, segment).await?);
        }
        Ok((owner, found))
    };
    let found = found.await;
    cluster.close().await;
    let (owner, found) = namespace::close(namespace, found).await?;
    let mut output = shared.output();
    output.item(failure::lines(&text(name, owner.as_deref(), &found)), || {
        json!({
            "log": name.as_str(),
            "in_use": owner.is_some(),
            "in_progress": found.iter().map(|each| each.object(owner.as_deref())).collect::<Vec<_>>(),
            "blocked_by": found.iter().flat_map(Explained::obstacles).collect::<Vec<_>>(),
        })
    })?;
    output.flush()?;
    let obstacles: Vec<&Obstacle> = found.iter().flat_map(|each| &each.outlook.obstacles).collect();
    end(&obstacles, shared.json)
}

async fn look(cluster: &Cluster, log: &Log, segment: SegmentInfo) -> Result<Explained> {
    let outlook = cluster.outlook(LedgerId::new(segment.id.get())?).await?;
    let mut found = Explained { segment, outlook, records: 0, last: None, unreadable: None };
    // If its bookies do not answer, reading would take long to say the same.
    if found.outlook.obstacles.is_empty() && found.outlook.confirmed.is_some() {
        found.unreadable = found.read(log).await.err().map(|error| error.to_string());
    }
    Ok(found)
}

fn end(obstacles: &[&Obstacle], json: bool) -> Result<()> {
    let (kind, message) = match obstacles {
        [] => return Ok(()),
        _ if obstacles.iter().any(|obstacle| obstacle.passes) => (
            ErrorKind::Unavailable,
            "bookies that do not answer are in the way; bring them back, then recover or open a writer",
        ),
        _ => (ErrorKind::Corrupt, "an entry that no bookie has as it was written is in the way"),
    };
    if json { Err(Failure::Silent(kind)) } else { Err(Error::new(kind, message).into()) }
}

impl Explained {
    /// Counts the records of the segment that readers see.
    async fn read(&mut self, log: &Log) -> dl_core::Result<()> {
        let first = Dlsn::new(self.segment.number, 0, 0);
        let options = ReaderOptions::default().from(Start::Dlsn(first)).on_truncated(OnTruncated::Skip);
        let mut reader = log.open_reader(options).await?;
        loop {
            let records = reader.next_batch(BATCH, WAIT).await?;
            if records.is_empty() && reader.end().is_some() {
                return reader.close().await;
            }
            for record in records.iter().filter(|record| record.dlsn.segment() == self.segment.number) {
                self.records += 1;
                self.last = Some(record.last_dlsn());
            }
        }
    }

    fn lines(&self, name: &LogName, owner: Option<&str>) -> Vec<String> {
        let Self { segment, outlook, .. } = self;
        let state = if outlook.closed { "closed" } else { "open" };
        let mut lines = vec![format!(
            "{name}: segment {} is in progress, its ledger {} is {state}",
            segment.number, segment.id
        )];
        lines.push(match owner {
            Some(owner) => {
                format!("  owner: {owner}, whose session lives: dl recover would fail with locked")
            }
            None => "  owner: none".to_owned(),
        });
        lines.push(match (outlook.confirmed, &self.unreadable) {
            (None, _) => "  kept: no entry is known to be confirmed".to_owned(),
            (Some(last), Some(problem)) => {
                format!("  kept: entries 0 to {last}; reading them failed: {problem}")
            }
            (Some(last), None) if outlook.obstacles.is_empty() => {
                let at = self.last.map_or_else(String::new, |last| format!(", the last at {last}"));
                format!("  kept: entries 0 to {last} with {} records{at}", self.records)
            }
            (Some(last), None) => format!("  kept: entries 0 to {last}"),
        });
        if let Some((first, last)) = self.more() {
            let entries = entries(first, last);
            lines.push(format!("  kept, too: {entries}, which bookies have and readers have not seen yet"));
        }
        lines.extend(outlook.obstacles.iter().map(|obstacle| format!("  in the way: {obstacle}")));
        if let Some((first, last)) = self.skipped() {
            let entries = entries(first, last);
            lines.push(format!("  skipped by a forced open: {entries}, as far as bookies tell"));
        }
        lines
    }

    /// The entries behind the confirmed ones that a recovery keeps.
    fn more(&self) -> Option<(EntryId, EntryId)> {
        let first = EntryId::after(self.outlook.confirmed);
        self.outlook.kept.filter(|last| *last >= first).map(|last| (first, last))
    }

    /// The entries behind those, if an entry is in the way.
    fn skipped(&self) -> Option<(EntryId, EntryId)> {
        let entry = self.outlook.obstacles.iter().find_map(|obstacle| obstacle.entry)?;
        Some((entry, self.outlook.told.filter(|told| *told >= entry)?))
    }

    fn object(&self, owner: Option<&str>) -> Value {
        let range =
            |range: Option<(EntryId, EntryId)>| range.map(|(first, last)| [first.number(), last.number()]);
        let kept = self.outlook.kept.map_or(0, |last| last.number() + 1);
        let readable = self.outlook.obstacles.is_empty() && self.unreadable.is_none();
        json!({
            "segment": self.segment.number,
            "segment_id": self.segment.id.get(),
            "ledger_closed": self.outlook.closed,
            "entries": kept,
            "confirmed_entries": self.outlook.confirmed.map_or(0, |last| last.number() + 1),
            "records": readable.then_some(self.records),
            "last_dlsn": self.last.map(|last| last.to_string()),
            "skipped_entries": range(self.skipped()),
            "unreadable": self.unreadable,
            "owner": owner,
            "owner_alive": owner.is_some(),
        })
    }

    fn obstacles(&self) -> impl Iterator<Item = Value> {
        self.outlook.obstacles.iter().map(|obstacle| {
            let bookies = obstacle.bookies.iter();
            let bookies =
                bookies.map(|(bookie, problem)| json!({ "bookie": bookie.as_str(), "problem": problem }));
            json!({
                "segment": self.segment.number,
                "entry": obstacle.entry.map(EntryId::number),
                "bookies": bookies.collect::<Vec<_>>(),
            })
        })
    }
}

fn text(name: &LogName, owner: Option<&str>, found: &[Explained]) -> String {
    if found.is_empty() {
        return format!("{name}: nothing is in progress");
    }
    found.iter().flat_map(|each| each.lines(name, owner)).collect::<Vec<_>>().join("\n")
}

fn entries(first: EntryId, last: EntryId) -> String {
    if first == last { format!("entry {first}") } else { format!("entries {first} to {last}") }
}
