//! `dl retain`.

use clap::Args;
use dl_core::LogName;
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Frees what is too old or too much by the options of each log, and prints its first readable position
///
/// For logs that have no writer: an open one does this itself, and goes on undisturbed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl options orders retention_ms=7d && dl retain orders")]
pub(crate) struct Retain {
    /// The logs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<String>,
}

impl Retain {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let names = self.logs.iter().map(|log| LogName::new(log)).collect::<dl_core::Result<Vec<_>>>()?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let retained = async {
            let mut output = shared.output();
            for name in &names {
                let first = namespace.log(name).apply_retention().await?;
                let object = || json!({ "log": name.as_str(), "first_dlsn": first.to_string() });
                output.item(format_args!("{name} {first}"), object)?;
                output.flush()?;
            }
            Ok(())
        };
        let result = retained.await;
        namespace::close(namespace, result).await
    }
}
