//! `dl count`.

use clap::Args;
use dl_core::{Dlsn, LogName};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Prints how many records a log has, or how many lie between two positions, both included
///
/// Of whole segments the metadata says it, so that a long log is counted as fast as a short one.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl count orders 3:120:0 3:200:0")]
pub(crate) struct Count {
    /// The log
    log: String,

    /// The first position that counts, a DLSN such as 3:120:0
    from: Option<String>,

    /// The last position that counts
    until: Option<String>,
}

impl Count {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let bound = |text: &Option<String>| text.as_deref().map(str::parse::<Dlsn>).transpose();
        let (from, until) = (bound(&self.from)?, bound(&self.until)?);
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let counted = namespace.log(&name).count_between(from, until).await.map_err(Into::into);
        let count = namespace::close(namespace, counted).await?;
        let mut output = shared.output();
        output.item(count, || json!({ "log": name.as_str(), "records": count }))?;
        output.flush()
    }
}
