//! `dl list`.

use clap::Args;
use dl_core::{LogName, Namespace};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::output::Output;

/// Names that are asked for at once.
const PAGE: usize = 1_000;

/// Prints the names of logs, in the order of their bytes
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl list payments --after payments/eu --limit 100")]
pub(crate) struct List {
    /// Only logs below this name
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,

    /// Only names after this one
    #[arg(long, value_name = "LOG")]
    after: Option<String>,

    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl List {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let after = self.after.as_deref().map(LogName::new).transpose()?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let listed = self.list(&namespace, after, &mut shared.output()).await;
        namespace::close(namespace, listed).await
    }

    async fn list(
        &self,
        namespace: &Namespace,
        mut after: Option<LogName>,
        output: &mut Output,
    ) -> Result<()> {
        let mut left = self.limit.unwrap_or(usize::MAX);
        while left > 0 {
            let asked = left.min(PAGE);
            let names = namespace.list_logs(&self.prefix, after.as_ref(), asked).await?;
            for name in &names {
                output.item(name, || json!({ "log": name.as_str() }))?;
            }
            if names.len() < asked {
                break;
            }
            left -= names.len();
            after = names.into_iter().next_back();
        }
        output.flush()
    }
}
