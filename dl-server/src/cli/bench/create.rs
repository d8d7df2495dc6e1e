//! `dl bench create`.

use std::num::NonZeroUsize;

use clap::Args;

use super::super::failure::Result;
use super::figures::{Figures, Meter, Subject};
use super::logs;
use super::progress::Progress;
use super::site::Site;

/// Makes logs, many at once
#[derive(Debug, Args)]
#[command(visible_alias = "w7")]
pub(super) struct Create {
    /// How many
    #[arg(long, value_name = "N", default_value = "10000")]
    logs: NonZeroUsize,

    /// How many at once
    #[arg(long, value_name = "N", default_value = "16")]
    at_once: NonZeroUsize,
}

impl Create {
    pub(super) async fn measure(self, site: &Site) -> Result<Figures> {
        let names = (0..self.logs.get()).map(|_| site.name()).collect::<Result<Vec<_>>>()?;
        let how = format!("{} at once", self.at_once);
        let _progress = Progress::new("making logs");
        let meter = Meter::start();
        let latency = logs::create(&site.namespace, names, self.at_once.get()).await?;
        let subject = Subject { work: "create", how, durability: None, record_bytes: None };
        Ok(meter.stop(subject, self.logs.get() as u64, &latency))
    }
}
