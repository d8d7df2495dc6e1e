//! Commits: several changes or none, each in the state that its caller knows.
//!
//! ZooKeeper compares how often a node was changed, not which of the nodes that ever stood at its path it is. So the nodes
//! are read first, and an operation on another one than its caller knows is given a version that no node has: the servers
//! then refuse the commit at the first operation, in order, that does not hold. Between the read and the commit a node could
//! be made anew and changed just as often. What guards the commits of a writer, its member of a lock, has a name of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use dl_bookkeeper::{Applied, ErrorKind as ClusterErrorKind, NodeChange, NodeRefusal, NodeState};

use super::super::error::from_cluster;
use super::{Inner, version};
use crate::error::{Error, Result};
use crate::metadata::{Expect, Op, Outcome, Refusal, RefusalReason, Version};

/// A version that no node gets to.
const NEVER: i32 = i32::MAX;

impl Inner {
    pub(super) async fn commit(self: &Arc<Self>, ops: &[Op]) -> Result<Outcome> {
        let paths = ops.iter().map(|op| self.place(op.path())).collect::<Result<Vec<_>>>()?;
        let outcome = self.attempt(ops, &paths).await;
        self.forget(ops, &paths, matches!(outcome, Ok(Outcome::Committed(_))));
        outcome
    }

    async fn attempt(&self, ops: &[Op], paths: &[String]) -> Result<Outcome> {
        loop {
            let session = self.zookeeper.session_id();
            let before = self.zookeeper.states(paths).await.map_err(from_cluster)?;
            let plan = Plan::new(ops, paths, &before);
            match self.zookeeper.commit(&plan.changes).await {
                Ok(Applied::Done(after)) => return plan.outcome(ops, &before, &after),
                // Somebody changed a node that may be in any state, while its version was read.
                Ok(Applied::Refused(index, NodeRefusal::BadVersion)) if plan.pinned[index] => {}
                Ok(Applied::Refused(index, refusal)) => {
                    return Ok(Outcome::Refused(Refusal { index, reason: reason(refusal) }));
                }
                Err(error)
                    if error.kind() == ClusterErrorKind::Unavailable && error.may_have_taken_effect() =>
                {
                    self.find_out(&plan, paths, &before, from_cluster(error)).await?;
                    if self.zookeeper.session_id() != session {
                        let message = "the session with ZooKeeper ended during a commit, which changed nothing; try again";
                        return Err(Error::unavailable(message));
                    }
                }
                Err(error) => return Err(from_cluster(error)),
            }
        }
    }

    /// Returns if it is sure that a commit, whose answer was lost, changed nothing; otherwise with the error that leaves
    /// it open. A node that it would have changed and that is as before says so; it cannot be changed by it later, since
    /// servers answer what came on one connection before they answer what comes on the next.
    async fn find_out(
        &self,
        plan: &Plan,
        paths: &[String],
        before: &[Option<NodeState>],
        error: Error,
    ) -> Result<()> {
        let now = self.zookeeper.states(paths).await.map_err(|_| error.clone())?;
        let as_before = before.iter().zip(&now).map(|(before, now)| before.is_some() && before == now);
        if plan.changing.iter().zip(as_before).any(|(changing, as_before)| *changing && as_before) {
            return Ok(());
        }
        Err(error)
    }
}

/// What is sent for a list of operations.
struct Plan {
    changes: Vec<NodeChange>,
    /// Whether the operation takes a node in any state, and is sent with the one that was read, to know it.
    pinned: Vec<bool>,
    /// Whether the operation leaves no node that stood there before as it was.
    changing: Vec<bool>,
}

/// What a list of operations did to a path so far.
#[derive(Clone, Copy, PartialEq)]
enum Touch {
    Changed,
    Replaced,
}

impl Plan {
    fn new(ops: &[Op], paths: &[String], before: &[Option<NodeState>]) -> Self {
        let mut plan = Self { changes: Vec::new(), pinned: Vec::new(), changing: Vec::new() };
        let mut touched: BTreeMap<&str, Touch> = BTreeMap::new();
        for ((op, path), before) in ops.iter().zip(paths).zip(before) {
            let touch = touched.get(path.as_str()).copied();
            let (sent, pinned) = match op {
                Op::Create { .. } => (None, false),
                Op::Set { expect, .. } | Op::Delete { expect, .. } | Op::Check { expect, .. } => {
                    expected(*expect, *before, touch)
                }
            };
            let next = match op {
                Op::Create { .. } | Op::Delete { .. } => Some(Touch::Replaced),
                Op::Set { .. } if touch.is_none() => Some(Touch::Changed),
                _ => None,
            };
            if let Some(next) = next {
                touched.insert(path, next);
            }
            let path = path.clone();
            plan.changes.push(match op {
                Op::Create { data, .. } => NodeChange::Create { path, data: data.clone() },
                Op::Set { data, .. } => NodeChange::Set { path, data: data.clone(), version: sent },
                Op::Delete { .. } => NodeChange::Delete { path, version: sent },
                Op::Check { .. } => NodeChange::Check { path, version: sent },
            });
            plan.pinned.push(pinned);
            plan.changing.push(matches!(op, Op::Set { .. } | Op::Delete { .. }));
        }
        plan
    }

    /// The version of each operation's node afterwards.
    fn outcome(
        &self,
        ops: &[Op],
        before: &[Option<NodeState>],
        after: &[Option<NodeState>],
    ) -> Result<Outcome> {
        let mut known: BTreeMap<&str, Version> = BTreeMap::new();
        let mut versions = Vec::with_capacity(ops.len());
        for ((op, before), after) in ops.iter().zip(before).zip(after) {
            let told = match op {
                Op::Create { .. } | Op::Set { .. } => after.map(version),
                Op::Delete { .. } | Op::Check { .. } => {
                    known.get(op.path()).copied().or_else(|| before.map(version))
                }
            };
            let told = told.ok_or_else(|| {
                Error::unsupported("ZooKeeper is too old: 3.9 or newer is needed").maybe_effective()
            })?;
            known.insert(op.path(), told);
            versions.push(told);
        }
        Ok(Outcome::Committed(versions))
    }
}

/// The version to send, and whether it stands for any.
fn expected(expect: Expect, before: Option<NodeState>, touch: Option<Touch>) -> (Option<i32>, bool) {
    match (expect, touch) {
        (Expect::Any, Some(_)) => (None, false),
        (Expect::Any, None) => (Some(before.map_or(NEVER, |state| state.version)), true),
        // Made by this very commit: nobody knows it yet.
        (Expect::Version(_), Some(Touch::Replaced)) => (Some(NEVER), false),
        (Expect::Version(known), _) => {
            let same = before.filter(|state| version(*state).created == known.created);
            let changes = same.and_then(|_| i32::try_from(known.changes).ok());
            (Some(changes.unwrap_or(NEVER)), false)
        }
    }
}

fn reason(refusal: NodeRefusal) -> RefusalReason {
    match refusal {
        NodeRefusal::Exists => RefusalReason::Exists,
        NodeRefusal::Missing | NodeRefusal::EphemeralParent => RefusalReason::Missing,
        NodeRefusal::BadVersion => RefusalReason::BadVersion,
        NodeRefusal::NotEmpty => RefusalReason::NotEmpty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(ops: &[Op], before: &[Option<NodeState>]) -> Vec<Option<i32>> {
        let paths: Vec<String> = ops.iter().map(|op| op.path().to_owned()).collect();
        let versions = Plan::new(ops, &paths, before).changes.into_iter().map(|change| match change {
            NodeChange::Create { .. } => None,
            NodeChange::Set { version, .. }
            | NodeChange::Delete { version, .. }
            | NodeChange::Check { version, .. } => version,
        });
        versions.collect()
    }

    #[test]
    fn another_node_than_the_one_known_is_given_a_version_that_none_has() {
        let known = Version { created: 7, changes: 2 };
        let state = |created| Some(NodeState { created, version: 2, session: 0, created_ms: 0 });
        let ops = [Op::set("/a", "", known)];
        assert_eq!(sent(&ops, &[state(7)]), [Some(2)]);
        assert_eq!(sent(&ops, &[state(8)]), [Some(NEVER)]);
        assert_eq!(sent(&ops, &[None]), [Some(NEVER)]);
        let again = [Op::delete("/a", known), Op::create("/a", ""), Op::set("/a", "", known)];
        assert_eq!(sent(&again, &[state(7), state(7), state(7)]), [Some(2), None, Some(NEVER)]);
    }
}
