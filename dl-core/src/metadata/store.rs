//! The contract of a metadata store.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::error::Result;
pub use crate::types::Takeover;

/// Completes when a caller wants no more what it asked for.
pub type Gone<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A tree of small versioned nodes, shared by every process that uses the namespace.
///
/// Paths are absolute within the namespace and start with `/`; the root `/` always exists and holds no data of ours.
/// A node has data and children at once. Names may hold any character but `/` and NUL.
///
/// **What every implementation promises** (`testing::stores::metadata_suite` checks it):
///
/// 1. A [`commit`](Self::commit) is all or nothing, and durable when it returns `Committed`.
/// 2. Reads see every commit that was acknowledged anywhere before the read began.
/// 3. A version names one state of one node: a node deleted and made anew has a version never seen before.
/// 4. A watch made before a read tells of every change after that read. It may fire without a change.
/// 5. Nodes of a dead session (the members of locks) are invisible to every later read.
/// 6. Cancelling (dropping) a call leaves a commit either done or not done, and nothing else behind.
#[async_trait]
pub trait MetadataStore: Send + Sync + 'static {
    /// The node at `path`, or `None` if there is none.
    async fn get(&self, path: &str) -> Result<Option<Node>>;

    /// The children of `path` in byte order of their names, or `None` if there is no such node.
    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>>;

    /// The children of `path` whose names lie behind `after`, in byte order, at most `limit`; `None` if there is no such
    /// node. A store that can costs what it answers, not what there is.
    async fn children_after(
        &self,
        path: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<Child>>> {
        let children = self.children(path).await?;
        let behind = |child: &Child| after.is_none_or(|after| child.name.as_str() > after);
        Ok(children.map(|children| children.into_iter().filter(behind).take(limit).collect()))
    }

    /// Applies all operations in order, or none.
    ///
    /// Each operation sees the effect of those before it. The empty list succeeds.
    ///
    /// # Errors
    /// A condition that does not hold is not an error but [`Outcome::Refused`]. An error whose
    /// `may_have_taken_effect` is false changed nothing; otherwise the caller has to read to find out.
    async fn commit(&self, ops: &[Op]) -> Result<Outcome>;

    /// Watches the node at `path`, which need not exist: its creation, data, deletion and list of children.
    ///
    /// # Errors
    /// `unavailable` if the system lacks the means, such as a thread, to hear of changes made elsewhere.
    fn watch(&self, path: &str) -> Result<Watch>;

    /// Watches for nodes called `name` anywhere below `path`, which need not exist: their creation and deletion.
    ///
    /// # Errors
    /// As [`watch`](Self::watch).
    fn watch_below(&self, path: &str, name: &str) -> Result<Watch>;

    /// Takes the lock whose members are children of `path`, a node that exists.
    ///
    /// The member that was created first owns the lock. The lock is held while the returned member node exists:
    /// whoever takes it by force deletes the members before its own, so a holder makes each of its commits
    /// conditional on [`Lock::check`]. The member of a process that died is gone.
    ///
    /// When `gone` completes, the caller wants it no more: if it waits for an owner, it fails with `closed`, and leaves no
    /// member behind at that moment. Dropping the call does so as soon as the store has heard of it.
    ///
    /// # Errors
    /// `locked` naming the owner, for [`Takeover::Never`] and after the time of [`Takeover::Wait`].
    async fn lock(&self, path: &str, owner: &str, takeover: Takeover, gone: Gone<'_>) -> Result<Lock>;

    /// The owner of the lock at `path`, as it named itself, or `None` if nobody holds it.
    async fn lock_owner(&self, path: &str) -> Result<Option<String>>;
}

/// A held lock: its member node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Path of the member node; it lives as long as the lock is held.
    pub path: String,
    /// The version the member was created with; a member is never changed.
    pub version: Version,
}

impl Lock {
    /// The operation that makes a commit conditional on the lock still being held.
    #[must_use]
    pub fn check(&self) -> Op {
        Op::Check { path: self.path.clone(), expect: Expect::Version(self.version) }
    }

    /// The operation that releases the lock.
    #[must_use]
    pub fn release(&self) -> Op {
        Op::Delete { path: self.path.clone(), expect: Expect::Version(self.version) }
    }
}

/// The state of a node: which of the nodes that ever stood at its path, and how often its data was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// Different for each node ever created in the store (on ZooKeeper: czxid).
    pub created: u64,
    /// 0 when created, one more with each set.
    pub changes: u64,
}

/// A node as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its data; may be empty.
    pub data: Bytes,
    /// Its state.
    pub version: Version,
}

/// A child as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its name: the last component of its path.
    pub name: String,
}

/// What the state of a node must be for an operation to go through. The node must exist in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Any state.
    Any,
    /// Exactly this one.
    Version(Version),
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Creates a node. Refused if it exists or its parent does not.
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
        /// In which state.
        expect: Expect,
    },
    /// Deletes a node. Refused while it has children.
    Delete {
        /// Which.
        path: String,
        /// In which state.
        expect: Expect,
    },
    /// Changes nothing, but refuses the commit unless the node is in the state.
    Check {
        /// Which.
        path: String,
        /// In which state.
        expect: Expect,
    },
}

impl Op {
    /// Creates a node.
    pub fn create(path: impl Into<String>, data: impl Into<Bytes>) -> Self {
        Self::Create { path: path.into(), data: data.into() }
    }

    /// Replaces the data of a node that is in this state.
    pub fn set(path: impl Into<String>, data: impl Into<Bytes>, version: Version) -> Self {
        Self::Set { path: path.into(), data: data.into(), expect: Expect::Version(version) }
    }

    /// Deletes a node that is in this state.
    pub fn delete(path: impl Into<String>, version: Version) -> Self {
        Self::Delete { path: path.into(), expect: Expect::Version(version) }
    }

    /// The node it speaks of.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Create { path, .. }
            | Self::Set { path, .. }
            | Self::Delete { path, .. }
            | Self::Check { path, .. } => path,
        }
    }
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every operation went through; for each, in order, the version of its node afterwards (for a delete, the
    /// version it deleted).
    Committed(Vec<Version>),
    /// Nothing was changed, because of this operation.
    Refused(Refusal),
}

/// The operation that refused a commit: the first, in order, whose condition does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Its index in the list.
    pub index: usize,
    /// Which condition.
    pub reason: RefusalReason,
}

/// The condition that did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalReason {
    /// The node to create exists.
    Exists,
    /// The node does not exist (for a create: its parent).
    Missing,
    /// The node is in another state.
    BadVersion,
    /// The node to delete has children.
    NotEmpty,
}

/// Tells of changes to one node.
#[derive(Debug, Clone)]
pub struct Watch(watch::Receiver<()>);

impl Watch {
    /// A watch that fires whenever something is sent.
    #[must_use]
    pub fn new(changes: watch::Receiver<()>) -> Self {
        Self(changes)
    }

    /// Waits for a change since the watch was made or this last returned. Cancelling it loses nothing.
    /// Returns also when the store is closed, since the next read will say so.
    pub async fn changed(&mut self) {
        // An error says that the store is gone: the caller finds out by reading.
        let _closed = self.0.changed().await;
    }
}
