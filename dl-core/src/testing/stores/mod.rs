//! What every driver has to do: a suite for its metadata store and one for its segment store.
//!
//! A driver joins by implementing [`Fixture`] and handing it to `metadata_suite!` and `segment_suite!`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

pub mod metadata_suite;
pub mod segment_suite;
pub(crate) mod source;

use std::time::Duration;

use async_trait::async_trait;

use crate::metadata::{MetadataStore, Op, Outcome, Version};
use crate::seams::BoxFuture;
pub use crate::store::{StoreSession, Stores};
use crate::types::SegmentId;

/// A fresh namespace of the driver under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// Opens it as one more process would.
    async fn open(&self) -> Stores;

    /// Ends a process that opened it, without a word from it; its locks are free on return.
    async fn kill(&self, stores: Stores) {
        drop(stores);
    }

    /// Makes it full, or gives it room again; false if the driver cannot be made full.
    async fn fill(&self, _full: bool) -> bool {
        false
    }

    /// Changes a stored byte of an entry; false if the driver's bytes cannot be reached.
    async fn damage(&self, _segment: SegmentId, _entry: u64) -> bool {
        false
    }
}

/// Runs a case, which has ten minutes: disks may be slow.
#[expect(clippy::disallowed_methods, reason = "a case that hangs is ended by the real clock")]
pub async fn run(case: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(Duration::from_secs(600), case).await.is_ok(), "the case hangs");
}

/// That a caller who asked for a lock is gone: never.
pub(crate) fn staying() -> BoxFuture<'static, ()> {
    Box::pin(std::future::pending())
}

/// Whether a future still waits after others had their turn a few times.
pub(crate) async fn waits<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    for _ in 0..10 {
        let ready = tokio::select! {
            biased;
            _ = &mut *future => true,
            () = tokio::task::yield_now() => false,
        };
        if ready {
            return false;
        }
    }
    true
}

/// Commits operations that are not refused.
pub(crate) async fn commit(store: &dyn MetadataStore, ops: &[Op]) -> Vec<Version> {
    match store.commit(ops).await.unwrap() {
        Outcome::Committed(versions) => versions,
        Outcome::Refused(refusal) => panic!("{refusal:?} of {ops:?}"),
    }
}

/// Defines a test for each case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! store_cases {
    ($suite:ident, $test:meta, $fixture:expr, $($case:ident)*) => {
        $(
            #[$test]
            async fn $case() {
                $crate::testing::stores::run($crate::testing::stores::$suite::$case(&$fixture)).await;
            }
        )*
    };
}
