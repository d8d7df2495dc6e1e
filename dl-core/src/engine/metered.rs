//! The metadata store with everything measured that changes it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::metadata::{Child, Lock, MetadataStore, Node, Op, Outcome, Takeover, Watch};
use crate::seams::{BoxFuture, Clock};
use crate::telemetry::Telemetry;

/// See the module.
pub(super) struct MeteredMetadata {
    store: Arc<dyn MetadataStore>,
    clock: Arc<dyn Clock>,
    telemetry: Arc<Telemetry>,
}

impl MeteredMetadata {
    pub(super) fn new(
        store: Arc<dyn MetadataStore>,
        clock: Arc<dyn Clock>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        Self { store, clock, telemetry }
    }
}

#[async_trait]
impl MetadataStore for MeteredMetadata {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        self.store.get(path).await
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        self.store.children(path).await
    }

    async fn children_after(
        &self,
        path: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<Child>>> {
        self.store.children_after(path, after, limit).await
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        let began = self.clock.monotonic();
        let outcome = self.store.commit(ops).await;
        let metrics = &self.telemetry.metrics;
        metrics.metadata_commit.record_time(self.clock.monotonic().saturating_sub(began));
        match &outcome {
            Ok(Outcome::Committed(_)) => metrics.metadata_commits.add(1),
            Ok(Outcome::Refused(_)) => metrics.metadata_refused.add(1),
            // Counted with the call that it fails.
            Err(_) => {}
        }
        outcome
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        self.store.watch(path)
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        self.store.watch_below(path, name)
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        let began = self.clock.monotonic();
        let lock = self.store.lock(path, owner, takeover, gone).await;
        self.telemetry.metrics.lock_wait.record_time(self.clock.monotonic().saturating_sub(began));
        lock
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        self.store.lock_owner(path).await
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::methods_of;

    /// Also those that have a default, which would be worse than what the store does.
    #[test]
    fn every_method_is_passed_on() {
        let methods = methods_of(include_str!("../metadata/store.rs"), "pub trait MetadataStore");
        let here = methods_of(include_str!("metered.rs"), "impl MetadataStore for MeteredMetadata");
        assert!(methods.len() > 7);
        assert_eq!(here, methods);
    }
}
