//! Where ids of ledgers are noted before the ledgers are made, so that none is forgotten: DistributedLog's `allocation` node.
//!
//! Its data is empty, or the id of a ledger that belongs to no segment yet. The commit that starts a segment empties it
//! again. Java makes the ledger before it notes its id; here the id is noted first, so that whoever dies in between leaves
//! the name of a ledger that does not exist, which is easily deleted.

use std::sync::Arc;

use bytes::Bytes;
use dl_bookkeeper::{LedgerId, LedgerStore};

use super::error::{of_segment, overtaken};
use crate::error::{Error, Result};
use crate::metadata::{MetadataStore, Node, Op, Outcome, Version};
use crate::types::SegmentId;

/// How often a node that others change meanwhile is looked at again.
const ATTEMPTS: usize = 20;

/// An id that is noted in a node.
#[derive(Debug, Clone)]
pub(super) struct Parked {
    pub(super) id: SegmentId,
    path: String,
    /// The state of the node that has it.
    version: Version,
}

/// Notes ids.
pub(super) struct Parking {
    metadata: Arc<dyn MetadataStore>,
    ledgers: Arc<dyn LedgerStore>,
}

impl Parking {
    pub(super) fn new(metadata: Arc<dyn MetadataStore>, ledgers: Arc<dyn LedgerStore>) -> Self {
        Self { metadata, ledgers }
    }

    /// Notes a new id in the node at `path`, in commits that `guard` opens. What the node had before is deleted.
    ///
    /// # Errors
    /// `fenced` if the guard does not hold.
    pub(super) async fn park(&self, path: String, guard: &[Op]) -> Result<Parked> {
        for _ in 0..ATTEMPTS {
            let node = self.metadata.get(&path).await?.ok_or_else(|| {
                let message = "the log has no node for new segments; it may have been deleted";
                Error::not_found(message).with("node", &path)
            })?;
            if let Some(parked) = self.replace(&path, &node, guard).await? {
                return Ok(parked);
            }
        }
        let message = "others give out segments of the log at the same time; open a new writer";
        Err(Error::unavailable(message).with("node", path))
    }

    /// Whether a parked id is still where it was noted. If not, another writer found it, and it is not to be used.
    pub(super) async fn is_there(&self, parked: &Parked) -> Result<bool> {
        let node = self.metadata.get(&parked.path).await?;
        Ok(node.is_some_and(|node| node.version == parked.version))
    }

    /// Notes a new id in place of what was read. None if another process changed the node meanwhile.
    async fn replace(&self, path: &str, node: &Node, guard: &[Op]) -> Result<Option<Parked>> {
        let mut version = node.version;
        if let Some(left) = noted(path, node)? {
            // Whoever noted it may be about to use it: not any more after this.
            let Some(claimed) = self.set(path, node.data.clone(), version, guard).await? else {
                return Ok(None);
            };
            version = claimed;
            let ledger = ledger(left)?;
            self.ledgers.delete(ledger).await.map_err(|error| of_segment(error, left))?;
        }
        let id = self.ledgers.new_id().await.map_err(|error| {
            Error::unavailable(format!("no id for a new ledger: {}", error.message())).caused_by(error)
        })?;
        let id = SegmentId::new(id.number())?;
        let version = self.set(path, Bytes::from(id.to_string()), version, guard).await?;
        Ok(version.map(|version| Parked { id, path: path.to_owned(), version }))
    }

    async fn set(&self, path: &str, data: Bytes, version: Version, guard: &[Op]) -> Result<Option<Version>> {
        let mut ops = guard.to_vec();
        ops.push(Op::set(path, data, version));
        match self.metadata.commit(&ops).await? {
            Outcome::Committed(versions) => Ok(versions.last().copied()),
            Outcome::Refused(refusal) if refusal.index < guard.len() => Err(overtaken()),
            Outcome::Refused(_) => Ok(None),
        }
    }
}

impl Parked {
    /// Whether the other one was noted in its place.
    pub(super) fn is_replaced_by(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// The operation that joins the commit by which a segment gets the ledger.
    pub(super) fn leave(&self) -> Op {
        Op::set(&self.path, Bytes::new(), self.version)
    }
}

/// The ledger of a segment.
pub(super) fn ledger(id: SegmentId) -> Result<LedgerId> {
    LedgerId::new(id.get()).map_err(|error| of_segment(error, id))
}

/// The id in a node.
fn noted(path: &str, node: &Node) -> Result<Option<SegmentId>> {
    if node.data.is_empty() {
        return Ok(None);
    }
    let text =
        std::str::from_utf8(&node.data).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let id = text.and_then(|text| text.parse().ok()).and_then(|number| SegmentId::new(number).ok());
    id.map(Some).ok_or_else(|| {
        let data = node.data[..node.data.len().min(50)].escape_ascii();
        Error::corrupt("the node for new segments holds no ledger id").with("node", path).with("data", data)
    })
}
