//! `dl info`.

use clap::Args;
use dl_core::{LogInfo, LogName};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::table;

/// Prints what the metadata says about a log
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl info orders --json")]
pub(crate) struct Info {
    /// The log
    log: String,
}

impl Info {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let asked = namespace.log(&name).info().await.map_err(Into::into);
        let info = namespace::close(namespace, asked).await?;
        let mut output = shared.output();
        if shared.json {
            output.object(&object(&info))?;
        } else {
            table::write(&mut output, &rows(&info))?;
        }
        output.flush()
    }
}

fn object(info: &LogInfo) -> serde_json::Value {
    json!({
        "log": info.name.as_str(),
        "incarnation": info.incarnation,
        "segments": info.segments,
        "in_progress": info.in_progress,
        "sealed": info.sealed,
        "first_dlsn": info.first_readable.to_string(),
        "max_txid": info.max_txid,
        "owner": info.owner,
    })
}

fn rows(info: &LogInfo) -> Vec<[String; 2]> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let in_progress = if info.in_progress { ", the last in progress" } else { "" };
    let mut rows = vec![
        row("log", info.name.to_string()),
        row("incarnation", info.incarnation.to_string()),
        row("state", if info.sealed { "sealed" } else { "open" }.to_owned()),
        row("writer", info.owner.clone().unwrap_or_else(|| "none".to_owned())),
        row("segments", format!("{}{in_progress}", info.segments)),
        row("first readable", info.first_readable.to_string()),
    ];
    // Of a sealed log it is not known, which is not the same as none.
    if !info.sealed {
        rows.push(row(
            "largest txid",
            info.max_txid.map_or_else(|| "none".to_owned(), |txid| txid.to_string()),
        ));
    }
    rows
}
