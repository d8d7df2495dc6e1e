//! Asking again while bookies may be on their way back.

use super::cluster::Cluster;
use crate::error::{Error, ErrorKind};

const FIRST_PAUSE_MS: u64 = 50;
const LONGEST_PAUSE_MS: u64 = 500;

/// Decides whether what failed is asked again, once at least if it may succeed later.
pub(super) struct Patience<'a> {
    cluster: &'a Cluster,
    until_ms: u64,
    pause_ms: u64,
    looked: bool,
}

impl<'a> Patience<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        let until_ms = cluster.now_ms().saturating_add(cluster.options.read.retry_ms);
        Self { cluster, until_ms, pause_ms: FIRST_PAUSE_MS, looked: false }
    }

    /// Waits a little if asking again with newer metadata may help; answers whether it may.
    pub(super) async fn again(&mut self, error: &Error) -> bool {
        let first = !std::mem::replace(&mut self.looked, true);
        // It may have moved to bookies that newer metadata names.
        if error.kind() == ErrorKind::NoSuchEntry {
            return first;
        }
        let now_ms = self.cluster.now_ms();
        if !error.is_retryable() || (!first && now_ms >= self.until_ms) {
            return false;
        }
        self.cluster.until(Some(now_ms.saturating_add(self.pause_ms).min(self.until_ms))).await;
        self.pause_ms = self.pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
        true
    }
}
