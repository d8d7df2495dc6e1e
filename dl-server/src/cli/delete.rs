//! `dl delete`.

use clap::Args;
use dl_core::LogName;
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Deletes a log and all that is in it, at once and without asking; a writer that has it open is fenced
///
/// Logs below its name stay.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl delete payments/eu")]
pub(crate) struct Delete {
    /// The log
    log: String,
}

impl Delete {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let deleted = namespace.delete_log(&name).await.map_err(Into::into);
        namespace::close(namespace, deleted).await?;
        let mut output = shared.output();
        output.item(format_args!("deleted {name}"), || json!({ "log": name.as_str(), "deleted": true }))?;
        output.flush()
    }
}
