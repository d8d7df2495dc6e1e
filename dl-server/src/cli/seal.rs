//! `dl seal`.

use clap::Args;
use dl_core::{LogName, Namespace, WriterOptions};
use serde_json::json;

use super::Shared;
use super::failure::{self, Result};
use super::namespace::{self, Missing, Scope};

/// Ends a log for ever: no more appends, and readers are told of its end
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl seal orders --takeover never")]
pub(crate) struct Seal {
    /// The log
    log: String,

    /// About a writer that holds the log: force, never or wait:TIME [default: force]
    #[arg(long, value_name = "HOW")]
    takeover: Option<String>,
}

impl Seal {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let mut options = WriterOptions::default();
        if let Some(takeover) = &self.takeover {
            options.set("takeover", takeover).map_err(failure::of_flag)?;
        }
        let namespace = shared.namespace.open(Missing::Fail, Scope::Writer(&mut options)).await?;
        let sealed = seal(&namespace, &name, options).await;
        namespace::close(namespace, sealed).await?;
        let mut output = shared.output();
        output.item(format_args!("sealed {name}"), || json!({ "log": name.as_str(), "sealed": true }))?;
        output.flush()
    }
}

async fn seal(namespace: &Namespace, name: &LogName, options: WriterOptions) -> Result<()> {
    let writer = namespace.log(name).open_writer(options).await?;
    writer.seal().await?;
    Ok(writer.close().await?)
}
