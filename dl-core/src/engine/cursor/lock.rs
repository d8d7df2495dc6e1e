//! The lock of a locked reader: of its cursor, or of the log for readers without a cursor.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::lock::HeldLock;
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{Expect, Op, Outcome, Takeover};
use crate::types::{CursorName, Dlsn, LogName};

use super::{ATTEMPTS, CursorCore, Place};

/// The lock of an open reader; let go in the background when dropped.
pub(crate) struct ReadLock {
    place: Place,
    held: HeldLock,
}

impl ReadLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// `locked` if another holds it and `takeover` does not allow to take it; `not-found` if there is no such log.
    pub(crate) async fn take(
        engine: &Arc<Engine>,
        log: &LogName,
        cursor: Option<&CursorName>,
        takeover: Takeover,
    ) -> Result<Self> {
        engine.check_writable()?;
        for _ in 0..ATTEMPTS {
            let place = Place::find(engine, log, cursor).await?;
            if cursor.is_some() && !make(&place).await? {
                continue;
            }
            match HeldLock::take(engine, &place.lock_path(), takeover).await {
                Ok(held) => return Ok(Self { place, held }),
                // The log or its cursor was deleted meanwhile: look again.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) if error.kind() == ErrorKind::Locked => {
                    return Err(place.held(error.owner().unwrap_or_default()));
                }
                Err(error) => return Err(place.about(error)),
            }
        }
        let error = Error::unavailable("the cursor is made and deleted too fast to be locked; try again");
        Err(error.with("log", log))
    }

    /// Writes the cursor back as it is: whoever looked at it before the lock was taken then fails to change it. Answers
    /// its position, and a handle that moves it under the lock.
    ///
    /// # Errors
    /// `locked` if the lock was lost by now; `corrupt` if the cursor holds no position.
    pub(crate) async fn claim(&self, name: &CursorName) -> Result<(CursorCore, Option<Dlsn>)> {
        let metadata = &*self.place.engine.stores.metadata;
        let path = self.place.paths.cursor(name);
        loop {
            let Some(node) = metadata.get(&path).await? else { return Err(self.lost_while_opening().await) };
            let position = self.place.parse(&node)?;
            let ops = [self.held.check(), Op::set(&path, node.data, node.version)];
            match metadata.commit(&ops).await? {
                Outcome::Committed(_) => {
                    let lock = Some(self.held.lock().clone());
                    return Ok((
                        CursorCore { place: self.place.clone(), name: name.clone(), lock },
                        position,
                    ));
                }
                Outcome::Refused(refusal) if refusal.index == 0 => {
                    return Err(self.lost_while_opening().await);
                }
                Outcome::Refused(_) => {}
            }
        }
    }

    /// # Errors
    /// `fenced` if the lock is lost, naming who holds it now; `not-found` if the log is gone.
    pub(crate) async fn check(&self) -> Result<()> {
        if self.held.is_held().await? { Ok(()) } else { Err(self.place.cut_off().await) }
    }

    /// Completes when the lock is lost, or it cannot be known whether it is.
    pub(crate) fn lost(&self) -> impl Future<Output = Error> + Send + 'static {
        let (lost, place) = (self.held.lost(), self.place.clone());
        async move {
            let error = lost.await;
            if error.kind() == ErrorKind::Fenced { place.cut_off().await } else { error }
        }
    }

    /// Lets the lock go; one that is lost already is no error.
    pub(crate) async fn release(self) -> Result<()> {
        self.held.release().await
    }

    async fn lost_while_opening(&self) -> Error {
        let error = self.place.cut_off().await;
        match error.owner() {
            _ if error.kind() == ErrorKind::NotFound => error,
            Some(owner) => self.place.held(owner),
            None => self.place.about(Error::locked("another reader took the lock meanwhile; try again")),
        }
    }
}

/// Makes the nodes of a cursor that are missing for its lock; `false` if they changed meanwhile.
async fn make(place: &Place) -> Result<bool> {
    let (metadata, Some(name)) = (&*place.engine.stores.metadata, &place.cursor) else { return Ok(true) };
    let mut ops = Vec::from_iter(place.missing_parent().await?);
    for path in [place.paths.cursor(name), place.paths.cursor_lock(name)] {
        if metadata.get(&path).await?.is_none() {
            ops.push(Op::create(path, ""));
        }
    }
    if ops.is_empty() {
        return Ok(true);
    }
    ops.insert(0, Op::Check { path: place.paths.ledgers(), expect: Expect::Any });
    Ok(matches!(metadata.commit(&ops).await?, Outcome::Committed(_)))
}
