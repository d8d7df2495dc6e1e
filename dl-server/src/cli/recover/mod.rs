//! `dl recover`.

mod ledgers;

use clap::Args;
use dl_core::{Error, ErrorKind, InProgress, LogName, Namespace, SegmentInfo, Severity, Verification};
use serde_json::json;

use super::Shared;
use super::failure::{self, Result};
use super::namespace::{self, Missing, Scope};
use super::verify::finding;

/// Completes what a writer that is gone left in progress
///
/// Opening a writer does the same, so this is for logs that nobody will write soon. It cuts nobody off: while a writer
/// holds the log it is "locked".
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl recover orders --explain")]
pub(crate) struct Recover {
    /// The log
    log: String,

    /// Changes nothing, and says what is in progress, who holds the log, what is kept and what is in the way
    #[arg(long)]
    explain: bool,
}

impl Recover {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        if self.explain {
            return explain(&name, shared).await;
        }
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let recovered = recover(&namespace, &name).await;
        let completed = namespace::close(namespace, recovered).await?;
        let mut output = shared.output();
        let line = match completed.len() {
            0 => format!("{name}: nothing was in progress"),
            _ => completed.iter().map(|segment| line(&name, segment)).collect::<Vec<_>>().join("\n"),
        };
        output.item(
            line,
            || json!({ "log": name.as_str(), "completed": completed.iter().map(object).collect::<Vec<_>>() }),
        )?;
        output.flush()
    }
}

/// Answers the segments that it completed.
async fn recover(namespace: &Namespace, name: &LogName) -> Result<Vec<SegmentInfo>> {
    let log = namespace.log(name);
    let before = log.segments().await?;
    log.recover().await?;
    let was_open = |number: i64| before.iter().any(|old| old.number == number && old.completed.is_none());
    Ok(log.segments().await?.into_iter().filter(|segment| was_open(segment.number)).collect())
}

fn line(name: &LogName, segment: &SegmentInfo) -> String {
    let records = segment.completed.as_ref().map_or(0, |end| end.records);
    format!("{name}: completed segment {} with {records} records", segment.number)
}

fn object(segment: &SegmentInfo) -> serde_json::Value {
    let end = segment.completed.as_ref();
    json!({
        "segment": segment.number,
        "records": end.map(|end| end.records),
        "last_dlsn": end.and_then(|end| end.last_dlsn).map(|dlsn| dlsn.to_string()),
    })
}

async fn explain(name: &LogName, shared: &Shared) -> Result<()> {
    let (uri, options) = shared.namespace.resolve(Missing::Fail, Scope::None)?;
    if ledgers::is_on_cluster(&uri) {
        return ledgers::explain(name, &uri, shared).await;
    }
    let found = Namespace::verify(&uri, options, Some(name)).await?;
    let mut output = shared.output();
    output.item(failure::lines(&explained(name, &found)), || {
        let damage = found.findings.iter().filter(|finding| finding.severity == Severity::Damage);
        json!({
            "log": name.as_str(),
            "in_use": found.in_use,
            "in_progress": found.in_progress.iter().map(in_progress).collect::<Vec<_>>(),
            "blocked_by": damage.map(finding::object).collect::<Vec<_>>(),
        })
    })?;
    output.flush()?;
    if found.findings.iter().any(|finding| finding.severity == Severity::Damage) {
        let message = "something is damaged: run dl verify before anything else";
        return Err(if shared.json {
            failure::Failure::Silent(ErrorKind::Corrupt)
        } else {
            Error::new(ErrorKind::Corrupt, message).into()
        });
    }
    Ok(())
}

fn explained(name: &LogName, found: &Verification) -> String {
    let mut lines = Vec::new();
    for segment in &found.in_progress {
        lines.push(format!("{name}: segment {} is in progress", segment.segment));
        lines.push(match (&segment.owner, segment.owner_alive) {
            (Some(owner), true) => {
                format!("  owner: {owner}, which lives: dl recover would fail with locked")
            }
            (Some(owner), false) => format!("  owner: {owner}, which is gone"),
            (None, _) => "  owner: none".to_owned(),
        });
        lines.push(format!("  kept: {}", kept(segment)));
        if segment.unfinished_bytes > 0 {
            lines.push(format!(
                "  skipped: {} bytes behind that, which are no whole entry; they were never acknowledged, or power was lost",
                segment.unfinished_bytes
            ));
        }
    }
    if found.in_progress.is_empty() {
        lines.push(format!("{name}: nothing is in progress"));
    }
    let damage = found.findings.iter().filter(|finding| finding.severity == Severity::Damage);
    lines.extend(damage.map(|damage| format!("in the way: {}", finding::text(damage))));
    lines.join("\n")
}

fn kept(segment: &InProgress) -> String {
    match (segment.entries.checked_sub(1), segment.records, segment.last_dlsn) {
        (None, ..) => "it has no entries".to_owned(),
        (Some(last), Some(records), Some(dlsn)) => {
            format!("entries 0 to {last} with {records} records, the last at {dlsn}")
        }
        (Some(last), ..) => format!("entries 0 to {last}, the last of them in a journal"),
    }
}

fn in_progress(segment: &InProgress) -> serde_json::Value {
    json!({
        "segment": segment.segment,
        "segment_id": segment.segment_id.get(),
        "entries": segment.entries,
        "records": segment.records,
        "last_dlsn": segment.last_dlsn.map(|dlsn| dlsn.to_string()),
        "unfinished_bytes": segment.unfinished_bytes,
        "owner": segment.owner,
        "owner_alive": segment.owner_alive,
    })
}
