//! `dl create`.

use clap::Args;
use dl_core::LogName;
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Makes logs, and the namespace if there is none
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl create orders payments/eu")]
pub(crate) struct Create {
    /// The names of the logs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<String>,
}

impl Create {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let names = self.logs.iter().map(|log| LogName::new(log)).collect::<dl_core::Result<Vec<_>>>()?;
        let namespace = shared.namespace.open(Missing::Create, Scope::None).await?;
        let created = async {
            let mut output = shared.output();
            for name in &names {
                namespace.create_log(name).await?;
                output.item(
                    format_args!("created {name}"),
                    || json!({ "log": name.as_str(), "created": true }),
                )?;
                output.flush()?;
            }
            Ok(())
        };
        let result = created.await;
        namespace::close(namespace, result).await
    }
}
