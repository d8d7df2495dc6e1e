//! `dl bk show`: the metadata of a ledger.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use dl_bookkeeper::{BookieId, LedgerId, LedgerMetadata, LedgerState};
use serde_json::{Map, Value, json};

use super::cluster::Cluster;
use crate::cli::failure::{self, Result};
use crate::cli::output::Output;
use crate::cli::table;

/// Prints the metadata of a ledger: its state, its quorums, what was stored with it, and which bookies have it
///
/// The password, which stands there in clear, is left out.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk show 4711 --zookeeper zk1:2181")]
pub(super) struct Show {
    /// The number of the ledger
    #[arg(value_parser = ledger_id)]
    ledger: LedgerId,
}

impl Show {
    pub(super) async fn run(self, cluster: &Cluster, json: bool, output: &mut Output) -> Result<()> {
        let metadata = cluster.client.metadata(self.ledger).await?.metadata;
        let created_ms = cluster.store.created_ms(self.ledger).await?;
        if json {
            let mut object = object(self.ledger, &metadata);
            object.insert("created_ms".to_owned(), json!(created_ms));
            output.object(&object)?;
        } else {
            table::write(output, &rows(self.ledger, &metadata, created_ms))?;
        }
        output.flush()
    }
}

/// Reads the number of a ledger.
pub(super) fn ledger_id(text: &str) -> std::result::Result<LedgerId, String> {
    let number = text.parse().map_err(|_| "write the number of a ledger, such as 4711".to_owned())?;
    LedgerId::new(number).map_err(|error| error.message().to_owned())
}

/// A ledger for programs.
pub(super) fn object(ledger: LedgerId, metadata: &LedgerMetadata) -> Map<String, Value> {
    let (last_entry, bytes) = end(metadata);
    let ensembles = metadata.ensembles().iter().map(|(first, bookies)| {
        let bookies: Vec<&str> = bookies.iter().map(BookieId::as_str).collect();
        json!({ "first_entry": first.number(), "bookies": bookies })
    });
    let custom: Map<String, Value> = metadata
        .custom
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(BASE64_STANDARD.encode(value))))
        .collect();
    let fields = [
        ("ledger", json!(ledger.number())),
        ("state", json!(state(metadata))),
        ("last_entry", json!(last_entry)),
        ("bytes", json!(bytes)),
        ("ensemble", json!(metadata.quorum.ensemble())),
        ("write_quorum", json!(metadata.quorum.write())),
        ("ack_quorum", json!(metadata.quorum.ack())),
        ("digest", json!(format!("{:?}", metadata.digest).to_lowercase())),
        ("metadata_format", json!(metadata.format as u8)),
        ("application", json!(application(metadata))),
        ("custom", Value::Object(custom)),
        ("ensembles", ensembles.collect()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The state in a word.
pub(super) fn state(metadata: &LedgerMetadata) -> &'static str {
    match metadata.state {
        LedgerState::Open => "open",
        LedgerState::InRecovery => "in-recovery",
        LedgerState::Closed { .. } => "closed",
    }
}

/// The last entry, if the ledger is closed and has one, and the bytes of its payloads, if it is closed.
pub(super) fn end(metadata: &LedgerMetadata) -> (Option<i64>, Option<u64>) {
    match metadata.state {
        LedgerState::Closed { last_entry, length } => {
            (last_entry.map(dl_bookkeeper::EntryId::number), Some(length))
        }
        _ => (None, None),
    }
}

/// Which application says that the ledger is its own.
pub(super) fn application(metadata: &LedgerMetadata) -> Option<String> {
    custom(metadata, "application")
}

/// What was stored with the ledger under this key.
fn custom(metadata: &LedgerMetadata, key: &str) -> Option<String> {
    let found = metadata.custom.iter().find(|(name, _)| name == key);
    found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn rows(ledger: LedgerId, metadata: &LedgerMetadata, created_ms: Option<i64>) -> Vec<[String; 2]> {
    let row = |name: &str, value: String| [name.to_owned(), failure::lines(&value)];
    let mut rows = vec![row("ledger", ledger.to_string()), row("state", state(metadata).to_owned())];
    if let LedgerState::Closed { last_entry, length } = metadata.state {
        let last = last_entry.map_or_else(|| "none".to_owned(), |last| last.to_string());
        rows.push(row("last entry", last));
        rows.push(row("bytes", length.to_string()));
    }
    rows.push(row("quorum", metadata.quorum.to_string()));
    rows.push(row("digest", format!("{:?}", metadata.digest).to_lowercase()));
    rows.push(row("format", (metadata.format as u8).to_string()));
    rows.extend(created_ms.map(|created| row("created ms", created.to_string())));
    for (key, value) in &metadata.custom {
        rows.push(row("custom", format!("{key}={}", value.escape_ascii())));
    }
    for (first, bookies) in metadata.ensembles() {
        let bookies: Vec<&str> = bookies.iter().map(BookieId::as_str).collect();
        rows.push(row(&format!("from entry {first}"), bookies.join(" ")));
    }
    rows
}
