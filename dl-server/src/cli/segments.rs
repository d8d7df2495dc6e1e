//! `dl segments`.

use clap::Args;
use dl_core::{LogName, SegmentInfo, SegmentTruncation};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::table;

/// Prints what the metadata says about each segment of a log, oldest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl segments orders")]
pub(crate) struct Segments {
    /// The log
    log: String,
}

const COLUMNS: [&str; 8] =
    ["SEGMENT", "ID", "STATE", "RECORDS", "FIRST SEQUENCE ID", "TXIDS", "LAST DLSN", "COMPLETED MS"];

impl Segments {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let asked = namespace.log(&name).segments().await.map_err(Into::into);
        let segments = namespace::close(namespace, asked).await?;
        let mut output = shared.output();
        if shared.json {
            for segment in &segments {
                output.object(&object(segment))?;
            }
        } else {
            let mut rows = vec![COLUMNS.map(str::to_owned)];
            rows.extend(segments.iter().map(row));
            table::write(&mut output, &rows)?;
        }
        output.flush()
    }
}

fn object(segment: &SegmentInfo) -> serde_json::Value {
    let end = segment.completed.as_ref();
    let (truncation, first_dlsn) = match segment.truncation {
        SegmentTruncation::None => ("none", None),
        SegmentTruncation::Below(first) => ("partial", Some(first.to_string())),
        SegmentTruncation::Whole => ("whole", None),
    };
    json!({
        "segment": segment.number,
        "id": segment.id.get(),
        "state": if end.is_some() { "completed" } else { "in-progress" },
        "truncation": truncation,
        "truncated_before": first_dlsn,
        "first_txid": segment.first_txid,
        "first_sequence_id": segment.first_sequence_id,
        "records": end.map(|end| end.records),
        "last_txid": end.map(|end| end.last_txid),
        "last_dlsn": end.and_then(|end| end.last_dlsn).map(|dlsn| dlsn.to_string()),
        "completed_ms": end.map(|end| end.completed_ms),
    })
}

fn row(segment: &SegmentInfo) -> [String; COLUMNS.len()] {
    let end = segment.completed.as_ref();
    let state = match segment.truncation {
        _ if end.is_none() => "in progress".to_owned(),
        SegmentTruncation::None => "completed".to_owned(),
        SegmentTruncation::Below(first) => format!("truncated before {first}"),
        SegmentTruncation::Whole => "truncated".to_owned(),
    };
    [
        segment.number.to_string(),
        segment.id.to_string(),
        state,
        or_dash(end.map(|end| end.records)),
        or_dash(segment.first_sequence_id),
        format!("{}..{}", segment.first_txid, end.map_or_else(String::new, |end| end.last_txid.to_string())),
        or_dash(end.and_then(|end| end.last_dlsn)),
        or_dash(end.map(|end| end.completed_ms)),
    ]
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
