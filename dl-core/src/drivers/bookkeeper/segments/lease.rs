//! How long a process may take itself for the owner of what it writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::seams::Clock;

/// How far leases run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// On the clock's monotonic time.
    pub(crate) until: Duration,
    /// How often they had run out when they were extended.
    pub(crate) lapses: u64,
}

/// Until when acknowledgements may be released: as long as the session with ZooKeeper is known to live. Who has not heard of
/// it for long may have been overtaken, and bookies that were wiped forget that they were fenced.
///
/// Once it ran out, an extension is not enough: it says that the session lives, and the session of a process that slept may
/// outlive a takeover, the news of which is still on its way. So the holder looks for itself whether what it writes is its
/// own, and [accepts](Self::accept) the lapse then.
pub(crate) struct Lease {
    extent: watch::Receiver<Extent>,
    clock: Arc<dyn Clock>,
    /// How many lapses its holder knows of.
    accepted: AtomicU64,
}

impl Lease {
    /// A lease that whoever has the other end extends.
    pub(crate) fn new(extent: watch::Receiver<Extent>, clock: Arc<dyn Clock>) -> Self {
        let accepted = AtomicU64::new(extent.borrow().lapses);
        Self { extent, clock, accepted }
    }

    /// Whether it runs, and has done so all the time since it was made or its last lapse was accepted.
    pub(crate) fn is_running(&self) -> bool {
        let extent = *self.extent.borrow();
        extent.until > self.clock.monotonic() && self.knows(extent.lapses)
    }

    /// Waits until it is extended, and answers how often it lapsed before; `None` if nobody extends it any more.
    pub(crate) fn extended(&self) -> impl Future<Output = Option<u64>> + Send + 'static {
        let (mut extent, clock) = (self.extent.clone(), self.clock.clone());
        async move {
            let extent = extent.wait_for(|extent| extent.until > clock.monotonic()).await;
            extent.ok().map(|extent| extent.lapses)
        }
    }

    /// Whether this many lapses are accepted.
    pub(crate) fn knows(&self, lapses: u64) -> bool {
        self.accepted.load(Ordering::Acquire) == lapses
    }

    /// Runs again after this many lapses: its holder was seen to own what it writes, after the last of them.
    pub(crate) fn accept(&self, lapses: u64) {
        self.accepted.store(lapses, Ordering::Release);
    }
}
