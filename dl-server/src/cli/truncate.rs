//! `dl truncate`.

use clap::Args;
use dl_core::{Dlsn, LogName};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};

/// Frees the records in front of a position, and prints the first one that readers may start at from now on
///
/// Whole segments are freed. A position in the segment being written is cut down to that segment's start, because
/// only its writer can split it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl truncate orders --before 3:120:0")]
pub(crate) struct Truncate {
    /// The log
    log: String,

    /// The first record that stays
    #[arg(long, value_name = "DLSN")]
    before: String,
}

impl Truncate {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let (name, before) = (LogName::new(&self.log)?, self.before.parse::<Dlsn>()?);
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let truncated = namespace.log(&name).truncate(before).await.map_err(Into::into);
        let first = namespace::close(namespace, truncated).await?;
        let mut output = shared.output();
        output.item(first, || json!({ "log": name.as_str(), "first_dlsn": first.to_string() }))?;
        output.flush()
    }
}
