//! What becomes of a request, by the tree as it is when its turn comes: nothing is written here.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::FileMetadata;
use super::locks::Taken;
use super::queue::{Answer, Attempt, Wanted};
use crate::error::Result;
use crate::metadata::lock::{Claim, LockState};
use crate::metadata::{Changes, NodePath, Op, Outcome, RefusalReason, Session, Tree, TreeOp};

impl FileMetadata {
    /// Tries a request on the tree: what to write for it, if anything, and its answer.
    pub(super) fn decide<'a>(
        &self,
        tree: &mut Tree,
        tried: &mut Changes<'a>,
        wanted: &'a Wanted,
        claim: &'a OnceCell<Claim>,
    ) -> Result<(Option<Vec<TreeOp<'a>>>, Answer)> {
        match wanted {
            Wanted::Commit(ops) => self.decide_commit(tree, tried, ops),
            Wanted::Lock { path, owner, takeover } => {
                let found =
                    LockState::of(tree, NodePath::new(path)?, *takeover, |session| self.is_alive(session))?;
                let claim = match found {
                    LockState::Held(holder) => return Ok((None, Answer::Lock(Attempt::Held(holder)))),
                    LockState::Free(free) => claim.get_or_init(|| free),
                };
                let ops = claim.ops(owner, Session(self.session.into()))?;
                let outcome = tree.apply(&ops, tried);
                let taken = Taken::new(self.this.clone(), claim.lock(&outcome)?);
                Ok((Some(ops), Answer::Lock(Attempt::Taken(taken))))
            }
        }
    }

    fn decide_commit<'a>(
        &self,
        tree: &mut Tree,
        tried: &mut Changes<'a>,
        ops: &'a [Op],
    ) -> Result<(Option<Vec<TreeOp<'a>>>, Answer)> {
        let mut steps = TreeOp::list(ops)?;
        // Nodes of dead sessions are gone for everybody who asks for them.
        let dead = ops.iter().filter_map(|op| tree.owner(NodePath::new(op.path()).ok()?));
        let mut ended = end_first(&mut steps, dead.filter(|session| !self.is_alive(*session)).collect());
        let mut outcome = tree.apply(&steps, tried);
        if matches!(outcome, Outcome::Refused(refusal) if refusal.reason == RefusalReason::NotEmpty) {
            // What stands in the way may be nodes of dead sessions, which nobody can see.
            ended += end_first(&mut steps, self.dead_sessions(tree));
            outcome = tree.apply(&steps, tried);
        }
        Ok(match outcome {
            Outcome::Committed(versions) => {
                let versions = versions[ended..].to_vec();
                let changes_something = ended > 0 || ops.iter().any(|op| !matches!(op, Op::Check { .. }));
                (changes_something.then_some(steps), Answer::Outcome(Outcome::Committed(versions)))
            }
            Outcome::Refused(mut refusal) => {
                refusal.index = refusal.index.saturating_sub(ended);
                (None, Answer::Outcome(Outcome::Refused(refusal)))
            }
        })
    }

    fn dead_sessions(&self, tree: &Tree) -> BTreeSet<Session> {
        tree.sessions()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter(|session| !self.is_alive(*session))
            .collect()
    }
}

/// Puts the end of sessions in front of a commit; answers how many.
fn end_first(steps: &mut Vec<TreeOp<'_>>, sessions: BTreeSet<Session>) -> usize {
    let ended = sessions.len();
    steps.splice(0..0, sessions.into_iter().map(|session| TreeOp::End { session }));
    ended
}
