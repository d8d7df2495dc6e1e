//! The tree of nodes in memory, under the memory driver and the file driver.
//!
//! Everything it does is a function of the operations applied to it: processes that apply the same lists in the same
//! order hold the same tree, versions included.

mod load;
mod node;
mod op;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

pub(crate) use load::{Loader, Stored};
use node::{Text, TreeNode};
pub(crate) use op::{Session, TreeOp};

use super::path::NodePath;
use super::store::{Child, Expect, Node, Outcome, Refusal, RefusalReason, Version};
use crate::error::Result;

/// A tree of versioned nodes.
#[derive(Debug)]
pub(crate) struct Tree {
    root: TreeNode,
    /// The number of nodes ever created: the newest one's `created`.
    created: u64,
    /// The sessions of the nodes that have one, by path.
    owned: BTreeMap<Box<str>, Session>,
}

impl Tree {
    /// A tree with nothing but its root.
    pub(crate) fn new() -> Self {
        let version = Version { created: 0, changes: 0 };
        Self { root: TreeNode::new("", b"", version), created: 0, owned: BTreeMap::new() }
    }

    /// The number of nodes ever created.
    pub(crate) fn created(&self) -> u64 {
        self.created
    }

    /// The node at `path`, unless its session is not `alive`.
    pub(crate) fn get(&self, path: NodePath<'_>, alive: impl Fn(Session) -> bool) -> Option<Node> {
        let node = self.node(path)?;
        let visible = self.owner(path).is_none_or(alive);
        visible.then(|| Node { data: Bytes::copy_from_slice(node.data()), version: node.version() })
    }

    /// The children of `path` in byte order, without those whose session is not `alive`.
    pub(crate) fn children(&self, path: NodePath<'_>, alive: impl Fn(Session) -> bool) -> Option<Vec<Child>> {
        self.children_after(path, "", usize::MAX, alive)
    }

    /// The same, of those behind the name `after` at most `limit`.
    pub(crate) fn children_after(
        &self,
        path: NodePath<'_>,
        after: &str,
        limit: usize,
        alive: impl Fn(Session) -> bool,
    ) -> Option<Vec<Child>> {
        let node = self.node(path)?;
        if !self.owner(path).is_none_or(&alive) {
            return None;
        }
        let hidden: Vec<&str> =
            self.owned_below(path).filter(|(_, session)| !alive(*session)).map(|(name, _)| name).collect();
        let visible = node.children_after(after).filter(|child| !hidden.contains(&child.name()));
        Some(visible.take(limit).map(|child| Child { name: child.name().to_owned() }).collect())
    }

    /// The session the node at `path` belongs to.
    pub(crate) fn owner(&self, path: NodePath<'_>) -> Option<Session> {
        self.owned.get(path.as_str()).copied()
    }

    /// The children of `path` that belong to a session, in byte order.
    pub(crate) fn owned_below<'a>(
        &'a self,
        path: NodePath<'_>,
    ) -> impl Iterator<Item = (&'a str, Session)> + use<'a> {
        let prefix = format!("{}/", path.as_str().trim_end_matches('/'));
        let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
        let below = self.owned.range::<str, _>(from);
        let named = below.map_while({
            let prefix = prefix.clone();
            move |(path, session)| Some((path.strip_prefix(prefix.as_str())?, *session))
        });
        named.filter(|(name, _)| !name.contains('/'))
    }

    /// Every session that has a node, in order, once for each of its nodes.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = Session> {
        self.owned.values().copied()
    }

    /// Applies all operations in order, or none. What it did is added to `changes`.
    pub(crate) fn apply<'a>(&mut self, ops: &[TreeOp<'a>], changes: &mut Changes<'a>) -> Outcome {
        let before = changes.0.len();
        let mut versions = Vec::with_capacity(ops.len());
        for (index, op) in ops.iter().enumerate() {
            match self.step(op, changes) {
                Ok(version) => versions.push(version),
                Err(reason) => {
                    self.take_back(changes.0.drain(before..).rev());
                    return Outcome::Refused(Refusal { index, reason });
                }
            }
        }
        Outcome::Committed(versions)
    }

    /// Takes back all `changes`, the latest of this tree: it is again as it was before, its counter included.
    pub(crate) fn revert(&mut self, changes: Changes<'_>) {
        self.take_back(changes.0.into_iter().rev());
    }

    /// Hands every node to `visit`, each parent before its children, these in byte order: what [`Loader`] takes.
    pub(crate) fn visit(&self, mut visit: impl FnMut(Stored<'_>) -> Result<()>) -> Result<()> {
        load::visit(&self.root, &self.owned, &mut visit)
    }

    fn step<'a>(&mut self, op: &TreeOp<'a>, changes: &mut Changes<'a>) -> Step {
        match *op {
            TreeOp::Create { path, data, owner } => self.create(path, data, owner, changes),
            TreeOp::Set { path, data, expect } => self.set(path, data, expect, changes),
            TreeOp::Delete { path, expect } => self.delete(path, expect, changes),
            TreeOp::Check { path, expect } => check(self.node(path), expect),
            TreeOp::End { session } => {
                self.end(session, changes);
                Ok(Version { created: 0, changes: 0 })
            }
        }
    }

    fn create<'a>(
        &mut self,
        path: NodePath<'a>,
        data: &[u8],
        owner: Option<Session>,
        changes: &mut Changes<'a>,
    ) -> Step {
        let (parent, name) = path.split().ok_or(RefusalReason::Exists)?;
        // A node that goes with its session has no children.
        if self.owned.contains_key(parent.as_str()) {
            return Err(RefusalReason::Missing);
        }
        let version = Version { created: self.created + 1, changes: 0 };
        let parent = self.node_mut(parent).ok_or(RefusalReason::Missing)?;
        if !parent.insert(TreeNode::new(name, data, version)) {
            return Err(RefusalReason::Exists);
        }
        self.created = version.created;
        if let Some(session) = owner {
            self.owned.insert(path.as_str().into(), session);
        }
        changes.0.push(Change::Created { path: path.as_str() });
        Ok(version)
    }

    fn set<'a>(
        &mut self,
        path: NodePath<'a>,
        data: &[u8],
        expect: Expect,
        changes: &mut Changes<'a>,
    ) -> Step {
        check(self.node(path), expect)?;
        let node = self.node_mut(path).ok_or(RefusalReason::Missing)?;
        changes.0.push(Change::Set { path: path.as_str(), before: node.set(data) });
        Ok(node.version())
    }

    fn delete<'a>(&mut self, path: NodePath<'a>, expect: Expect, changes: &mut Changes<'a>) -> Step {
        let node = self.node(path);
        let version = check(node, expect)?;
        if path == NodePath::ROOT || node.is_some_and(TreeNode::has_children) {
            return Err(RefusalReason::NotEmpty);
        }
        self.remove(Cow::Borrowed(path.as_str()), changes);
        Ok(version)
    }

    fn end(&mut self, session: Session, changes: &mut Changes<'_>) {
        let owned = self.owned.iter().filter(|(_, owner)| **owner == session);
        let paths: Vec<String> = owned.map(|(path, _)| path.to_string()).collect();
        for path in paths {
            self.remove(Cow::Owned(path), changes);
        }
    }

    fn remove<'a>(&mut self, path: Cow<'a, str>, changes: &mut Changes<'a>) {
        let owner = self.owned.remove(path.as_ref());
        if let Some(node) = self.cut(&path) {
            changes.0.push(Change::Deleted { path, node, owner });
        }
    }

    fn cut(&mut self, path: &str) -> Option<TreeNode> {
        let (parent, name) = NodePath::checked(path).split()?;
        self.node_mut(parent)?.remove(name)
    }

    fn take_back<'a>(&mut self, changes: impl Iterator<Item = Change<'a>>) {
        for change in changes {
            match change {
                Change::Created { path } => {
                    self.owned.remove(path);
                    if let Some(node) = self.cut(path) {
                        self.created = node.version().created - 1;
                    }
                }
                Change::Set { path, before } => {
                    if let Some(node) = self.node_mut(NodePath::checked(path)) {
                        node.unset(before);
                    }
                }
                Change::Deleted { path, node, owner } => {
                    let parent = NodePath::checked(&path).split().and_then(|(p, _)| self.node_mut(p));
                    if let Some(parent) = parent {
                        parent.insert(node);
                    }
                    if let Some(session) = owner {
                        self.owned.insert(path.into(), session);
                    }
                }
            }
        }
    }

    fn node(&self, path: NodePath<'_>) -> Option<&TreeNode> {
        path.names().try_fold(&self.root, |node, name| node.child(name))
    }

    fn node_mut(&mut self, path: NodePath<'_>) -> Option<&mut TreeNode> {
        path.names().try_fold(&mut self.root, |node, name| node.child_mut(name))
    }
}

fn check(node: Option<&TreeNode>, expect: Expect) -> Step {
    let version = node.ok_or(RefusalReason::Missing)?.version();
    match expect {
        Expect::Version(expected) if expected != version => Err(RefusalReason::BadVersion),
        _ => Ok(version),
    }
}

/// The version of the node afterwards, or why not.
type Step = std::result::Result<Version, RefusalReason>;

/// What lists of operations did to a tree: to take it back, and to tell the watches.
#[derive(Debug, Default)]
pub(crate) struct Changes<'a>(Vec<Change<'a>>);

impl Changes<'_> {
    /// Each path whose node changed, in order, and whether the list of its parent's children did.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0.iter().map(|change| match change {
            Change::Created { path } => (*path, true),
            Change::Set { path, .. } => (*path, false),
            Change::Deleted { path, .. } => (path.as_ref(), true),
        })
    }
}

#[derive(Debug)]
enum Change<'a> {
    Created { path: &'a str },
    Set { path: &'a str, before: Text },
    Deleted { path: Cow<'a, str>, node: TreeNode, owner: Option<Session> },
}
