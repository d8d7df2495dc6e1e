//! `dl list`.

use clap::Args;
use dl_core::{LogChange, LogName, Namespace};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::output::{Audience, Output};

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

    /// Goes on with a line for each log that is made or deleted
    #[arg(long, conflicts_with_all = ["after", "limit"])]
    watch: bool,
}

impl List {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let after = self.after.as_deref().map(LogName::new).transpose()?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let mut output = shared.output();
        let listed = if self.watch {
            watch(&namespace, &self.prefix, &mut output).await
        } else {
            self.list(&namespace, after, &mut output).await
        };
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

/// Prints the logs that there are, then each change, until the process is ended.
async fn watch(namespace: &Namespace, prefix: &str, output: &mut Output) -> Result<()> {
    let mut watcher = namespace.watch_logs(prefix)?;
    let audience = Audience::new();
    let mut listed = false;
    loop {
        match audience.unless_gone(watcher.next()).await? {
            LogChange::Created(name) => {
                let word = if listed { "created " } else { "" };
                let object = || json!({ "log": name.as_str(), "created": true });
                output.item(format_args!("{word}{name}"), object)?;
            }
            LogChange::Deleted(name) => {
                let object = || json!({ "log": name.as_str(), "deleted": true });
                output.item(format_args!("deleted {name}"), object)?;
            }
            LogChange::Listed => listed = true,
            _ => {}
        }
        if listed {
            output.flush()?;
        }
    }
}
