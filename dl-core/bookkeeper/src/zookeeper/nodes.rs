//! What is read and written: nodes, changes to them, and refusals.

use bytes::Bytes;
use zookeeper_client::{MultiWriteResult, Stat};

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeState {
    /// The transaction that created it (`czxid`): different for each node that ever stood at its path.
    pub created: i64,
    /// How often its data was set.
    pub version: i32,
    /// The session that it ends with, or 0.
    pub session: i64,
    /// When it was created, in milliseconds since 1970, by the clock of the servers.
    pub created_ms: i64,
}

impl NodeState {
    /// None if the server left it out, as some do for nodes created by a commit.
    pub(super) fn of(stat: &Stat) -> Option<Self> {
        let state = Self {
            created: stat.czxid,
            version: stat.version,
            session: stat.ephemeral_owner,
            created_ms: stat.ctime,
        };
        (stat.czxid > 0).then_some(state)
    }
}

/// How long a node lives, and who names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeMode {
    /// Until it is deleted.
    Persistent,
    /// The same; ten digits, counted up below its parent, are added to its name.
    PersistentSequential,
    /// Until the session ends; ten digits, counted up below its parent, are added to its name.
    EphemeralSequential,
}

/// One change of a commit. A version that is left out is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeChange {
    /// Creates a persistent node.
    Create {
        /// Where.
        path: String,
        /// Its data.
        data: Bytes,
    },
    /// Replaces the data of a node.
    Set {
        /// Which.
        path: String,
        /// Its new data.
        data: Bytes,
        /// In which version.
        version: Option<i32>,
    },
    /// Deletes a node without children.
    Delete {
        /// Which.
        path: String,
        /// In which version.
        version: Option<i32>,
    },
    /// Changes nothing, but refuses the commit unless the node is there in this version.
    Check {
        /// Which.
        path: String,
        /// In which version.
        version: Option<i32>,
    },
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied<T> {
    /// It was made.
    Done(T),
    /// Nothing was changed, because of the change with this index.
    Refused(usize, NodeRefusal),
}

/// Why a change was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeRefusal {
    /// The node to create exists.
    Exists,
    /// The node, or the parent of the one to create, does not exist.
    Missing,
    /// The node is in another version.
    BadVersion,
    /// The node to delete has children.
    NotEmpty,
    /// The parent ends with a session, and such nodes have no children.
    EphemeralParent,
}

/// The state of the node after a change, where the server tells it.
pub(super) fn state_after(result: &MultiWriteResult) -> Option<NodeState> {
    match result {
        MultiWriteResult::Create { stat, .. } | MultiWriteResult::SetData { stat } => NodeState::of(stat),
        _ => None,
    }
}
