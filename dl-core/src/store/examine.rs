//! What a store has of a segment, for who verifies a namespace.

use async_trait::async_trait;

use crate::error::Result;
use crate::types::{Finding, SegmentId, Severity};

/// Looks at segments as they lie in their store. Cuts nobody off and changes nothing.
#[async_trait]
pub(crate) trait SegmentExaminer: Send + Sync + 'static {
    /// What the store has of a segment, every copy of every committed entry looked at.
    async fn examine(&self, id: SegmentId) -> Result<Examination>;
}

/// What a store has of a segment. The words are about how the store calls it.
#[derive(Debug)]
#[cfg_attr(not(feature = "bookkeeper"), expect(dead_code, reason = "only ledgers are looked at one by one"))]
pub(crate) enum Examination {
    /// Nothing, as this says.
    Gone(String),
    /// What it says of the segment cannot be read, as this says.
    Unreadable(String),
    Found(Extent),
}

/// What was found of a segment.
#[derive(Debug, Default)]
pub(crate) struct Extent {
    /// What the store calls it: "ledger 7".
    pub(crate) called: String,
    /// The number of committed entries, as far as that is known without cutting off the writer.
    pub(crate) entries: u64,
    /// Whether there can be no more.
    pub(crate) closed: bool,
    /// The bytes that were read.
    pub(crate) bytes: u64,
    /// What is not as it was written.
    pub(crate) findings: Vec<Finding>,
    /// How many entries a recovery would keep, if nothing were in its way.
    pub(crate) kept: u64,
    /// What is in the way of a recovery: damage, or something that may pass.
    pub(crate) obstacles: Vec<(Severity, String)>,
}
