//! What the lives were told, by which what is there after a crash is judged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::types::SegmentId;

/// What the lives were told about a segment.
#[derive(Default)]
pub(super) struct Told {
    pub(super) issued: Vec<Bytes>,
    /// The first so many entries were acknowledged.
    pub(super) acked: usize,
    /// The first so many entries were delivered to a reader.
    pub(super) read: usize,
    /// A recovery or close answered this many entries.
    pub(super) ended: Option<usize>,
    /// The commit that completed it with this many was acknowledged.
    pub(super) completed: Option<usize>,
    /// Deletion was asked for.
    pub(super) deleting: bool,
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) segments: BTreeMap<SegmentId, Told>,
    pub(super) violations: Vec<String>,
}

pub(super) type Shared = Arc<Mutex<Model>>;
