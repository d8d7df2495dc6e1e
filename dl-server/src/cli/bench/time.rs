//! How long to measure.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
pub(super) struct Time {
    /// How long to measure, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    seconds: Duration,
}

impl Time {
    pub(super) fn length(&self) -> Duration {
        self.seconds
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number of seconds, such as 10 or 0.5".to_owned();
    Duration::try_from_secs_f64(text.parse().map_err(|_| wrong())?).map_err(|_| wrong())
}
