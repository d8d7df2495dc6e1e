//! Cursors: how far whoever reads a log has come, kept with the log.
//!
//! A cursor is a node below its log, as DistributedLog has it. It is changed in the version that was read, so that of two
//! processes that move it none undoes what the other did. While a locked reader has it ([`lock`]), only that reader moves
//! it, and each of its moves checks the lock.

mod list;
mod lock;
mod place;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::metadata::{Expect, Lock, MetadataStore, Node, Op, Outcome};
use crate::types::{CursorName, Dlsn, LogName};

use super::Engine;
use super::delete::below;
pub use list::CursorInfo;
pub(crate) use list::list;
pub(crate) use lock::ReadLock;
use place::Place;

/// How often a cursor that is changed while it is being deleted is looked at again.
const ATTEMPTS: usize = 20;

/// A cursor of one incarnation of a log.
#[derive(Clone)]
pub(crate) struct CursorCore {
    place: Place,
    name: CursorName,
    /// The lock of the reader that this handle belongs to: it moves the cursor only while that is held.
    lock: Option<Lock>,
}

/// What there is of a cursor.
struct Found {
    node: Option<Node>,
    /// The node that stands for the log.
    log: Node,
}

impl CursorCore {
    /// The cursor of this name of the log as it is now, whether there was one or not.
    pub(crate) async fn open(engine: &Arc<Engine>, log: &LogName, name: &CursorName) -> Result<Self> {
        let place = Place::find(engine, log, Some(name)).await?;
        Ok(Self { place, name: name.clone(), lock: None })
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.place.engine
    }

    pub(crate) fn name(&self) -> &CursorName {
        &self.name
    }

    /// See [`crate::Cursor::position`].
    pub(crate) async fn position(&self) -> Result<Option<Dlsn>> {
        let found = self.find().await?;
        found.node.map_or(Ok(None), |node| self.place.parse(&node))
    }

    /// See [`crate::Cursor::advance`].
    pub(crate) async fn advance(&self, to: Dlsn) -> Result<Dlsn> {
        self.place.engine.check_writable()?;
        loop {
            let found = self.find().await?;
            self.check_exclusive().await?;
            let position = found.node.as_ref().map_or(Ok(None), |node| self.place.parse(node))?;
            // Not an error: a repeated call, or somebody who processed the same and was slower, has nothing to undo.
            if let Some(position) = position.filter(|position| *position >= to) {
                return Ok(position);
            }
            if self.set(&found, to).await? {
                return Ok(to);
            }
        }
    }

    /// See [`crate::Cursor::reset`].
    pub(crate) async fn reset(&self, to: Dlsn) -> Result<()> {
        self.place.engine.check_writable()?;
        loop {
            let found = self.find().await?;
            self.check_exclusive().await?;
            if self.set(&found, to).await? {
                return Ok(());
            }
        }
    }

    /// See [`crate::Cursor::delete`].
    pub(crate) async fn delete(&self) -> Result<()> {
        self.place.engine.check_writable()?;
        let metadata = self.metadata();
        for _ in 0..ATTEMPTS {
            let Some(node) = self.find().await?.node else {
                return Err(self.place.about(Error::not_found("there is no such cursor")));
            };
            let path = self.path();
            let nodes = below(metadata, path.clone()).await?;
            // Behind the list: no lock that is held is among what is deleted.
            if let Some(owner) = metadata.lock_owner(&self.place.lock_path()).await? {
                return Err(self.place.held(&owner));
            }
            let gone = nodes.into_iter().rev().map(|node| Op::Delete { path: node, expect: Expect::Any });
            let mut ops = vec![Op::Check { path, expect: Expect::Version(node.version) }];
            ops.extend(gone);
            if let Outcome::Committed(_) = metadata.commit(&ops).await? {
                return Ok(());
            }
        }
        let error = Error::unavailable("the cursor changes too fast to be deleted; try again");
        Err(self.place.about(error))
    }

    fn metadata(&self) -> &dyn MetadataStore {
        &*self.place.engine.stores.metadata
    }

    fn path(&self) -> String {
        self.place.paths.cursor(&self.name)
    }

    /// What there is of the cursor, if the log is still the same.
    async fn find(&self) -> Result<Found> {
        // The cursor first: if the log is the same afterwards, the node was one of its.
        let node = self.metadata().get(&self.path()).await?;
        let log = self.place.require_log().await?;
        Ok(Found { node, log })
    }

    /// # Errors
    /// `locked` if a locked reader has the cursor, and this is not its handle; `fenced` if it is, and that reader lost its
    /// lock.
    async fn check_exclusive(&self) -> Result<()> {
        match &self.lock {
            None => match self.metadata().lock_owner(&self.place.lock_path()).await? {
                None => Ok(()),
                Some(owner) => Err(self.place.held(&owner)),
            },
            Some(lock) => match self.metadata().get(&lock.path).await? {
                Some(node) if node.version == lock.version => Ok(()),
                _ => Err(self.place.cut_off().await),
            },
        }
    }

    /// Sets the position if nothing changed since it was found; `false` if something did.
    ///
    /// A locked reader that took the cursor since has written it too, see [`ReadLock::claim`].
    async fn set(&self, found: &Found, to: Dlsn) -> Result<bool> {
        let mut ops: Vec<Op> = self.lock.iter().map(Lock::check).collect();
        match &found.node {
            Some(node) => ops.push(Op::set(self.path(), to.to_base64(), node.version)),
            None => {
                ops.push(Op::Check {
                    path: self.place.paths.ledgers(),
                    expect: Expect::Version(found.log.version),
                });
                ops.extend(self.place.missing_parent().await?);
                ops.push(Op::create(self.path(), to.to_base64()));
            }
        }
        match self.metadata().commit(&ops).await? {
            Outcome::Committed(_) => Ok(true),
            Outcome::Refused(_) => Ok(false),
        }
    }
}
