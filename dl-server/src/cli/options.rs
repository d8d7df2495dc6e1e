//! `dl options`.

use clap::Args;
use dl_core::{LogName, LogOptions, Namespace};
use serde_json::{Map, Value};

use super::Shared;
use super::failure::Result;
use super::namespace::{self, Missing, Scope};
use super::table;

/// Prints the options kept with a log, after setting those that are given
///
/// Writers that are opened from then on go by them. `default` as a value takes an option back. docs/options.md says what
/// options of a log there are.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dl options orders retention_ms=7d roll_ms=1h compression=default")]
pub(crate) struct Options {
    /// The log
    log: String,

    /// What to set
    #[arg(value_name = "NAME=VALUE", value_parser = namespace::pair)]
    settings: Vec<(String, String)>,
}

impl Options {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        let name = LogName::new(&self.log)?;
        let namespace = shared.namespace.open(Missing::Fail, Scope::None).await?;
        let set = self.set(&namespace, &name).await;
        let texts = namespace::close(namespace, set).await?.texts();
        let mut output = shared.output();
        if shared.json {
            let object = texts.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text)));
            output.object(&object.collect::<Map<_, _>>())?;
        } else {
            let rows: Vec<_> = texts.into_iter().map(|(name, text)| [name.to_owned(), text]).collect();
            table::write(&mut output, &rows)?;
        }
        output.flush()
    }

    async fn set(&self, namespace: &Namespace, name: &LogName) -> Result<LogOptions> {
        let log = namespace.log(name);
        let kept = log.options().await?;
        if self.settings.is_empty() {
            return Ok(kept);
        }
        let options = changed(&kept, &self.settings)?;
        log.set_options(options.clone()).await?;
        Ok(options)
    }
}

/// The options with these settings.
fn changed(kept: &LogOptions, settings: &[(String, String)]) -> Result<LogOptions> {
    let mut texts = kept.texts();
    let mut given = Vec::new();
    for (name, value) in settings {
        texts.retain(|(kept, _)| kept != name);
        given.push((name.as_str(), value.as_str()));
    }
    let mut options = LogOptions::default();
    for (name, value) in texts.iter().map(|(name, text)| (*name, text.as_str())).chain(given) {
        // A name that there is not is refused also with this value.
        if value != "default" || !LogOptions::NAMES.contains(&name) {
            options.set(name, value)?;
        }
    }
    Ok(options)
}
