//! The metadata of a namespace: a tree of small versioned nodes, and what DistributedLog keeps in it.

pub(crate) mod lock;
mod path;
mod segment;
mod store;
mod tree;
mod watches;

pub(crate) use path::NodePath;
#[cfg(any(test, feature = "test-util"))]
pub(crate) use segment::completed_number;
pub(crate) use segment::{
    Completed, SegmentMetadata, Truncation, completed_name, in_progress_name, sequence_id,
};
pub use store::{
    Child, Expect, Lock, MetadataStore, Node, Op, Outcome, Refusal, RefusalReason, Takeover, Version, Watch,
};
pub(crate) use tree::{Changes, Loader, Session, Stored, Tree, TreeOp};
pub(crate) use watches::Watches;
