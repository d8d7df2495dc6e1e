//! `dl bk entries`: the entries of a ledger.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use dl_bookkeeper::{EntryId, LedgerId, LedgerReader};
use serde_json::json;

use super::cluster::Cluster;
use super::show;
use crate::cli::failure::Result;
use crate::cli::output::Output;

/// Bytes that are read at once.
const BATCH_BYTES: usize = 1 << 20;

/// Prints the entries of a ledger: number, last entry that was known to be confirmed, bytes
///
/// Of a ledger that is being written, those that are confirmed by now. With --json each has its payload, in base64; with
/// --raw the payloads are written as they are. What is in them is the application's: `dl read` shows the records of a log.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl bk entries 4711 --from 100 --count 3 --json")]
pub(super) struct Entries {
    /// The number of the ledger
    #[arg(value_parser = show::ledger_id)]
    ledger: LedgerId,

    /// The first entry
    #[arg(long, value_name = "ENTRY", default_value = "0", value_parser = entry_id)]
    from: EntryId,

    /// At most this many
    #[arg(long, value_name = "N")]
    count: Option<u64>,

    /// Writes the payloads and nothing else
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

impl Entries {
    pub(super) async fn run(self, cluster: &Cluster, output: &mut Output) -> Result<()> {
        let (reader, confirmed) = cluster.read(self.ledger).await?;
        let Some(mut last) = confirmed.last else { return output.flush() };
        if let Some(count) = self.count {
            let Some(most) = count.checked_sub(1) else { return output.flush() };
            let wanted = self.from.number().saturating_add_unsigned(most);
            last = last.min(EntryId::new(wanted)?);
        }
        self.print(&reader, last, output).await
    }

    async fn print(&self, reader: &LedgerReader, last: EntryId, output: &mut Output) -> Result<()> {
        let mut next = self.from;
        while next <= last {
            // What was read before one that cannot be is printed before its error.
            let entries = match reader.read(next, last, BATCH_BYTES).await {
                Ok(entries) => entries,
                Err(error) => {
                    output.flush()?;
                    return Err(error.into());
                }
            };
            for entry in entries {
                next = entry.id.next();
                if self.raw {
                    output.bytes(&entry.payload)?;
                    continue;
                }
                let lac = entry.lac.map(EntryId::number);
                output.item(
                    format_args!("{}\t{}\t{}", entry.id, EntryId::to_wire(entry.lac), entry.payload.len()),
                    || {
                        json!({
                            "ledger": self.ledger.number(), "entry": entry.id.number(), "last_confirmed": lac,
                            "length": entry.length, "payload": BASE64_STANDARD.encode(&entry.payload),
                        })
                    },
                )?;
            }
        }
        output.flush()
    }
}

fn entry_id(text: &str) -> std::result::Result<EntryId, String> {
    let number = text.parse().map_err(|_| "write the number of an entry, from 0".to_owned())?;
    EntryId::new(number).map_err(|error| error.message().to_owned())
}
