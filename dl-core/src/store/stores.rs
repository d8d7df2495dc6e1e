//! Both stores of a namespace together.

use std::sync::Arc;

use async_trait::async_trait;

use super::SegmentStore;
use crate::error::Result;
use crate::metadata::MetadataStore;

/// A namespace opened by a driver.
#[derive(Clone)]
pub struct Stores {
    /// Its metadata.
    pub metadata: Arc<dyn MetadataStore>,
    /// Its segments.
    pub segments: Arc<dyn SegmentStore>,
    /// Ends this opening of it.
    pub session: Arc<dyn StoreSession>,
}

/// One opening of a namespace: what it holds by itself (locks, descriptors) it holds until it is closed or dropped.
#[async_trait]
pub trait StoreSession: Send + Sync + 'static {
    /// Gives up everything, after which every call of both stores fails with `closed`. The second time it does nothing.
    async fn close(&self) -> Result<()>;
}
