//! A tree as a run of nodes, for snapshots.

use std::collections::BTreeMap;

use super::super::path::is_name;
use super::super::store::Version;
use super::node::TreeNode;
use super::{Session, Tree};
use crate::error::{Error, Result};

/// A node on its way to or from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored<'a> {
    /// How many names its path has: 0 for the root.
    pub(crate) depth: usize,
    /// The last of them; empty for the root.
    pub(crate) name: &'a str,
    /// Its data.
    pub(crate) data: &'a [u8],
    /// Its state.
    pub(crate) version: Version,
    /// The session it goes with.
    pub(crate) owner: Option<Session>,
}

/// Builds a tree from its nodes in the order of [`Tree::visit`].
#[derive(Debug, Default)]
pub(crate) struct Loader {
    /// The nodes from the root to the last one pushed; each but the last has its children so far.
    stack: Vec<TreeNode>,
    owned: BTreeMap<Box<str>, Session>,
}

impl Loader {
    /// Adds the next node.
    ///
    /// # Errors
    /// `corrupt` if no tree has this node here.
    pub(crate) fn push(&mut self, node: Stored<'_>) -> Result<()> {
        let fits = if self.stack.is_empty() {
            node.depth == 0 && node.name.is_empty()
        } else {
            (1..=self.stack.len()).contains(&node.depth) && is_name(node.name)
        };
        if !fits || !self.fold(node.depth) {
            return Err(out_of_order(node.name));
        }
        if let Some(session) = node.owner {
            let names = self.stack.iter().map(TreeNode::name).chain([node.name]);
            let path = names.collect::<Vec<_>>().join("/");
            self.owned.insert(path.into(), session);
        }
        self.stack.push(TreeNode::new(node.name, node.data, node.version));
        Ok(())
    }

    /// The tree of the nodes pushed, in which `created` nodes were ever created.
    ///
    /// # Errors
    /// `corrupt` if there was no root or the last nodes are out of order.
    pub(crate) fn finish(mut self, created: u64) -> Result<Tree> {
        if !self.fold(1) {
            return Err(out_of_order(""));
        }
        let root = self.stack.pop().ok_or_else(|| Error::corrupt("a tree of nodes has no root"))?;
        Ok(Tree { root, created, owned: self.owned })
    }

    /// Hangs the nodes from `depth` down below their parents; false if one exists there already.
    fn fold(&mut self, depth: usize) -> bool {
        while self.stack.len() > depth.max(1) {
            let child = self.stack.pop();
            let inserted =
                child.zip(self.stack.last_mut()).is_none_or(|(child, parent)| parent.insert(child));
            if !inserted {
                return false;
            }
        }
        true
    }
}

fn out_of_order(name: &str) -> Error {
    Error::corrupt("nodes are stored in an order that no tree has").with("node", name)
}

/// See [`Tree::visit`].
pub(super) fn visit(
    root: &TreeNode,
    owned: &BTreeMap<Box<str>, Session>,
    visit: &mut dyn FnMut(Stored<'_>) -> Result<()>,
) -> Result<()> {
    let mut path = String::new();
    visit(Stored { depth: 0, name: "", data: root.data(), version: root.version(), owner: None })?;
    let mut levels = vec![(0, root.children())];
    while let Some((length, siblings)) = levels.last_mut() {
        path.truncate(*length);
        let Some(node) = siblings.next() else {
            levels.pop();
            continue;
        };
        path.push('/');
        path.push_str(node.name());
        let owner = owned.get(path.as_str()).copied();
        let depth = levels.len();
        visit(Stored { depth, name: node.name(), data: node.data(), version: node.version(), owner })?;
        if node.has_children() {
            levels.push((path.len(), node.children()));
        }
    }
    Ok(())
}
