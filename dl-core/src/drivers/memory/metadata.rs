//! The metadata store.

use std::time::Duration;

use async_trait::async_trait;

use super::Opening;
use crate::error::Result;
use crate::metadata::lock::{self, LockState};
use crate::metadata::{
    Changes, Child, Lock, MetadataStore, Node, NodePath, Op, Outcome, Takeover, TreeOp, Watch,
};
use crate::seams::BoxFuture;

#[async_trait]
impl MetadataStore for Opening {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        self.check_open()?;
        Ok(self.namespace.nodes().tree.get(NodePath::new(path)?, |_| true))
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        self.check_open()?;
        Ok(self.namespace.nodes().tree.children(NodePath::new(path)?, |_| true))
    }

    async fn children_after(
        &self,
        path: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<Child>>> {
        self.check_open()?;
        let path = NodePath::new(path)?;
        Ok(self.namespace.nodes().tree.children_after(path, after.unwrap_or(""), limit, |_| true))
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        self.check_open()?;
        let ops = TreeOp::list(ops)?;
        let mut nodes = self.namespace.nodes();
        let mut changes = Changes::default();
        let outcome = nodes.tree.apply(&ops, &mut changes);
        nodes.fire(&changes);
        Ok(outcome)
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        Ok(self.watches.watch(path))
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        Ok(self.watches.watch_below(path, name))
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        mut gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        let path = NodePath::new(path)?;
        let patience = if let Takeover::Wait(patience) = takeover { patience } else { Duration::ZERO };
        let mut enough = self.seams.clock.sleep(patience);
        let mut watch = self.watches.watch(path.as_str());
        loop {
            let holder = match self.try_lock(path, owner, takeover)? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Held(holder) => holder,
            };
            tokio::select! {
                biased;
                () = watch.changed() => {}
                () = &mut enough => return Err(lock::held(&holder)),
                () = &mut gone => return Err(lock::unwanted()),
            }
        }
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        self.check_open()?;
        Ok(lock::owner(&self.namespace.nodes().tree, NodePath::new(path)?, |_| true))
    }
}

/// How an attempt to take a lock ended.
enum Attempt {
    Taken(Lock),
    /// Its owner may be waited for.
    Held(String),
}

impl Opening {
    fn try_lock(&self, path: NodePath<'_>, owner: &str, takeover: Takeover) -> Result<Attempt> {
        self.check_open()?;
        let mut nodes = self.namespace.nodes();
        let claim = match LockState::of(&nodes.tree, path, takeover, |_| true)? {
            LockState::Free(claim) => claim,
            LockState::Held(owner) => return Ok(Attempt::Held(owner)),
        };
        let ops = claim.ops(owner, self.session)?;
        let mut changes = Changes::default();
        let outcome = nodes.tree.apply(&ops, &mut changes);
        nodes.fire(&changes);
        drop(changes);
        claim.lock(&outcome).map(Attempt::Taken)
    }
}
