//! What can be done to a tree.

use super::super::path::NodePath;
use super::super::store::{Expect, Op};
use crate::error::Result;

/// Whose nodes go with it: one opening of the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Session(pub(crate) u128);

/// One step of a list applied to a tree: those of [`Op`], and what drivers add to keep locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TreeOp<'a> {
    /// Creates a node, which belongs to a session if it has an owner.
    Create { path: NodePath<'a>, data: &'a [u8], owner: Option<Session> },
    /// Replaces the data of a node.
    Set { path: NodePath<'a>, data: &'a [u8], expect: Expect },
    /// Deletes a node without children.
    Delete { path: NodePath<'a>, expect: Expect },
    /// Refuses the list unless the node is in the state.
    Check { path: NodePath<'a>, expect: Expect },
    /// Deletes all nodes of a session. Never refuses.
    End { session: Session },
}

impl<'a> TreeOp<'a> {
    /// The steps of a commit.
    ///
    /// # Errors
    /// `invalid-argument` if a path is not well formed.
    pub(crate) fn list(ops: &'a [Op]) -> Result<Vec<Self>> {
        ops.iter().map(Self::try_from).collect()
    }
}

impl<'a> TryFrom<&'a Op> for TreeOp<'a> {
    type Error = crate::error::Error;

    fn try_from(op: &'a Op) -> Result<Self> {
        let path = NodePath::new(op.path())?;
        Ok(match op {
            Op::Create { data, .. } => Self::Create { path, data, owner: None },
            Op::Set { data, expect, .. } => Self::Set { path, data, expect: *expect },
            Op::Delete { expect, .. } => Self::Delete { path, expect: *expect },
            Op::Check { expect, .. } => Self::Check { path, expect: *expect },
        })
    }
}
