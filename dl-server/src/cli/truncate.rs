//! `dl truncate`.

use clap::Args;
use dl_core::{Dlsn, LogName};
use serde_json::json;

use super::Shared;
use super::failure::{self, Result};
use super::namespace::{self, Missing, Scope};

/// Frees the records in front of a position, and prints the first one that readers may start at from now on
///
/// Whole segments are freed. A position in the segment being written, or behind the end, is cut down to that segment's
/// start or to the end, because only the writer can split it; standard error says so.
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
        if first < before {
            failure::say(&format!(
                "dl: truncated up to {first} and not up to {before}, which lies in a segment that is being written or \
                 behind the end"
            ));
        }
        let mut output = shared.output();
        output.item(first, || json!({ "log": name.as_str(), "first_dlsn": first.to_string() }))?;
        output.flush()
    }
}
