//! How a lock is taken in a tree that is changed by one process at a time.
//!
//! There is at most one member whose session lives: whoever takes the lock deletes all others in the same step.

use super::path::NodePath;
use super::store::{Expect, Lock, Outcome, Takeover};
use super::tree::{Session, Tree, TreeOp};
use crate::error::{Error, Result};

/// A lock that can be taken now.
#[derive(Debug)]
pub(crate) struct Claim {
    member: String,
    others: Vec<String>,
}

/// What stands between a caller and a lock.
#[derive(Debug)]
pub(crate) enum LockState {
    /// Nothing.
    Free(Claim),
    /// Another, which names itself so, and the caller wants to wait for it.
    Held(String),
}

impl LockState {
    /// Looks at the lock at `path`.
    ///
    /// # Errors
    /// `not-found` if there is no node at `path`; `locked` if it is held and the caller does not want to wait.
    pub(crate) fn of(
        tree: &Tree,
        path: NodePath<'_>,
        takeover: Takeover,
        alive: impl Fn(Session) -> bool,
    ) -> Result<Self> {
        if tree.get(path, &alive).is_none() {
            let message = "the node of a lock does not exist; it may have been deleted";
            return Err(Error::not_found(message).with("node", path.as_str()));
        }
        let holder = owner(tree, path, &alive).filter(|_| takeover != Takeover::Force);
        match (holder, takeover) {
            (Some(owner), Takeover::Never) => Err(held(&owner)),
            (Some(owner), _) => Ok(Self::Held(owner)),
            (None, _) => {
                let at = path.as_str().trim_end_matches('/');
                let member = format!("{at}/member_{:010}", tree.created() + 1);
                let others = tree.owned_below(path).map(|(name, _)| format!("{at}/{name}")).collect();
                Ok(Self::Free(Claim { member, others }))
            }
        }
    }
}

impl Claim {
    /// The operations that take the lock, the last of which creates its member, if the tree is still the same.
    ///
    /// # Errors
    /// `invalid-argument` if the path of the member is too long.
    pub(crate) fn ops<'a>(&'a self, owner: &'a str, session: Session) -> Result<Vec<TreeOp<'a>>> {
        let delete = |path| Ok(TreeOp::Delete { path: NodePath::new(path)?, expect: Expect::Any });
        let mut ops = self.others.iter().map(|path| delete(path)).collect::<Result<Vec<_>>>()?;
        let path = NodePath::new(&self.member)?;
        ops.push(TreeOp::Create { path, data: owner.as_bytes(), owner: Some(session) });
        Ok(ops)
    }

    /// The lock, from what applying the operations answered.
    ///
    /// # Errors
    /// `unavailable` if they were refused: the tree is no longer the one the claim was made on.
    pub(crate) fn lock(&self, outcome: &Outcome) -> Result<Lock> {
        match outcome {
            Outcome::Committed(versions) => match versions.last() {
                Some(version) => Ok(Lock { path: self.member.clone(), version: *version }),
                None => Err(Error::internal("a lock was taken with no operation")),
            },
            Outcome::Refused(_) => Err(Error::unavailable("the lock changed meanwhile; try again")),
        }
    }
}

/// The owner of the lock at `path`, as it named itself.
pub(crate) fn owner(tree: &Tree, path: NodePath<'_>, alive: impl Fn(Session) -> bool) -> Option<String> {
    let (name, _) = tree.owned_below(path).find(|(_, session)| alive(*session))?;
    let member = format!("{}/{name}", path.as_str().trim_end_matches('/'));
    let node = tree.get(NodePath::checked(&member), alive)?;
    Some(String::from_utf8_lossy(&node.data).into_owned())
}

/// The error for whom the lock was not given.
pub(crate) fn held(owner: &str) -> Error {
    let message = "another writer holds the log; wait for it, or take the log over by force";
    Error::locked(message).with("owner", owner)
}

/// The error for whom nobody waits any more.
pub(crate) fn unwanted() -> Error {
    Error::closed("nobody waits for the lock any more")
}
