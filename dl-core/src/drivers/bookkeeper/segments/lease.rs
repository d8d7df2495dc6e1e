//! How long a process may take itself for the owner of what it writes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::seams::Clock;

/// Until when acknowledgements may be released: as long as the session with ZooKeeper is known to live. Who has not heard of
/// it for long may have been overtaken, and bookies that were wiped forget that they were fenced.
#[derive(Clone)]
pub(crate) struct Lease {
    /// On the clock's monotonic time.
    until: watch::Receiver<Duration>,
    clock: Arc<dyn Clock>,
}

impl Lease {
    /// A lease that whoever has the other end extends.
    pub(crate) fn new(until: watch::Receiver<Duration>, clock: Arc<dyn Clock>) -> Self {
        Self { until, clock }
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        *self.until.borrow() > self.clock.monotonic()
    }

    /// Waits until it runs; false if nobody extends it any more.
    pub(crate) async fn runs(mut self) -> bool {
        let clock = self.clock.clone();
        self.until.wait_for(|until| *until > clock.monotonic()).await.is_ok()
    }
}
