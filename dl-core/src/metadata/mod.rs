//! The metadata of a namespace: a tree of small versioned nodes, and what DistributedLog keeps in it.

mod store;

pub use store::{
    Child, Expect, Lock, MetadataStore, Node, Op, Outcome, Refusal, RefusalReason, Takeover, Version, Watch,
};
