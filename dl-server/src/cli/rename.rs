//! `dl rename`.

use clap::Args;
use dl_core::LogName;
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Gives a log another name, with all that belongs to it; logs below its old name stay where they are
///
/// It is "locked" while a writer holds the log.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl rename orders archive/orders")]
pub(crate) struct Rename {
    /// The log
    log: String,

    /// Its new name
    new: String,
}

impl Rename {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let (from, to) = (LogName::new(&self.log)?, LogName::new(&self.new)?);
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let renamed = namespace.rename_log(&from, &to).await.map_err(Into::into);
        namespace::close(namespace, renamed).await?;
        let mut output = shared.output();
        output.item(
            format_args!("renamed {from} to {to}"),
            || json!({ "log": from.as_str(), "new": to.as_str() }),
        )?;
        output.flush()
    }
}
