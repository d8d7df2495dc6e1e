//! What the metadata knows of each segment file, in nodes of the driver's own below `/.segments`.
//!
//! `/.segments` holds the next segment id to give out; ids are reserved in runs, so that starting a segment rarely
//! waits for it. `/.segments/ID` is made by the commit that starts the segment and holds `open`, then
//! `closed;LENGTH;ENTRIES` once a commit completed it (the length of its file and the number of its entries), or
//! `deleted` while its file is being removed. An id below the next one without a node was deleted, or never started.

use crate::error::{Error, Result};
use crate::metadata::{Expect, Node, Op};
use crate::types::SegmentId;

/// The parent of the nodes.
pub(super) const SEGMENTS: &str = "/.segments";

/// How many ids a process reserves at once.
pub(super) const RESERVED_IDS: i64 = 64;

/// What is known of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SegmentState {
    /// In progress: where it ends is up to its commit word, its file and the journals.
    Open,
    /// Complete: it ends here for ever.
    Closed {
        /// The length of its file.
        length: u64,
        /// The number of its entries.
        entries: u64,
    },
    /// Deleted, or about to be.
    Deleted,
}

impl SegmentState {
    fn text(self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Closed { length, entries } => format!("closed;{length};{entries}"),
            Self::Deleted => "deleted".to_owned(),
        }
    }

    /// Reads the data of a segment's node.
    pub(super) fn parse(node: &Node, id: SegmentId) -> Result<Self> {
        let parsed = std::str::from_utf8(&node.data).ok().and_then(|text| match text {
            "open" => Some(Self::Open),
            "deleted" => Some(Self::Deleted),
            _ => {
                let (length, entries) = text.strip_prefix("closed;")?.split_once(';')?;
                Some(Self::Closed { length: length.parse().ok()?, entries: entries.parse().ok()? })
            }
        });
        parsed.ok_or_else(|| {
            Error::corrupt("the metadata of a segment cannot be read; run `dl verify` on the namespace")
                .with("segment_id", id)
                .with("node", path(id))
        })
    }
}

/// The node of a segment.
pub(super) fn path(id: SegmentId) -> String {
    format!("{SEGMENTS}/{:016x}", id.get())
}

/// The operation that starts a segment.
pub(super) fn start(id: SegmentId) -> Op {
    Op::create(path(id), SegmentState::Open.text())
}

/// The operation that completes a segment in progress.
pub(super) fn complete(id: SegmentId, node: &Node, length: u64, entries: u64) -> Op {
    Op::set(path(id), SegmentState::Closed { length, entries }.text(), node.version)
}

/// The operation that marks a segment whose file is about to be removed.
pub(super) fn mark_deleted(id: SegmentId, node: &Node) -> Op {
    Op::set(path(id), SegmentState::Deleted.text(), node.version)
}

/// The operation that forgets a deleted segment.
pub(super) fn forget(id: SegmentId) -> Op {
    Op::Delete { path: path(id), expect: Expect::Any }
}

/// The next id to give out, by the data of `/.segments`.
pub(super) fn next_id(node: &Node) -> Result<i64> {
    std::str::from_utf8(&node.data)
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|next| *next >= 0)
        .ok_or_else(|| {
            Error::corrupt("the counter of segment ids cannot be read; run `dl verify`")
                .with("node", SEGMENTS)
        })
}
