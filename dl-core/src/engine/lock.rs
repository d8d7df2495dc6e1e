//! A lock of a log, held: that of its writer, or of a locked reader.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::metadata::{Lock, MetadataStore, Op, Outcome, Takeover};
use crate::seams::{Seams, Tasks};

use super::layout::LogPaths;

/// What a writer is told that another one cut off.
pub(crate) const CUT_OFF: &str = "another writer owns the log; open a new writer to go on";

/// A lock; released in the background when dropped.
pub(crate) struct HeldLock {
    metadata: Arc<dyn MetadataStore>,
    tasks: Arc<dyn Tasks>,
    lock: Option<Lock>,
}

impl HeldLock {
    pub(crate) async fn take(
        metadata: &Arc<dyn MetadataStore>,
        seams: &Seams,
        path: String,
        owner: &str,
        takeover: Takeover,
    ) -> Result<Self> {
        let (mut send, receive) = oneshot::channel();
        let (metadata, tasks, owner) = (metadata.clone(), seams.tasks.clone(), owner.to_owned());
        // Not dropped halfway with the caller, when nobody would know whether the lock was taken.
        seams.tasks.spawn(Box::pin(async move {
            let lock = tokio::select! {
                biased;
                lock = metadata.lock(&path, &owner, takeover) => lock,
                // Nobody is to wait on, and stand in the way of others, for a caller that is gone.
                () = send.closed(), if matches!(takeover, Takeover::Wait(_)) => return,
            };
            // If the caller is gone, so is the guard, which releases the lock.
            let _unwanted = send.send(lock.map(|lock| Self { metadata, tasks, lock: Some(lock) }));
        }));
        let ended = |_| Error::closed("the runtime ended while a lock was being taken");
        receive.await.map_err(ended)?
    }

    /// The operation that makes a commit conditional on the lock.
    pub(crate) fn check(&self) -> Op {
        self.lock().check()
    }

    /// Whether this is the lock's node.
    pub(crate) fn is_member(&self, path: &str) -> bool {
        self.lock().path == path
    }

    /// Completes when the lock is gone, or it cannot be known whether it is.
    pub(crate) fn lost(&self) -> impl Future<Output = Error> + Send + 'static {
        let lock = self.lock().clone();
        let metadata = self.metadata.clone();
        async move {
            let mut watch = match metadata.watch(&lock.path) {
                Ok(watch) => watch,
                Err(error) => return error,
            };
            loop {
                match metadata.get(&lock.path).await {
                    Ok(Some(node)) if node.version == lock.version => watch.changed().await,
                    Ok(_) => return Error::fenced(CUT_OFF),
                    Err(error) => return error,
                }
            }
        }
    }

    /// Whether the lock is still held.
    pub(crate) async fn is_held(&self) -> Result<bool> {
        let lock = self.lock();
        let node = self.metadata.get(&lock.path).await?;
        Ok(node.is_some_and(|node| node.version == lock.version))
    }

    /// Lets the lock go; one that is lost already is no error.
    pub(crate) async fn release(mut self) -> Result<()> {
        let release = self.lock().release();
        self.lock = None;
        match self.metadata.commit(&[release]).await? {
            Outcome::Committed(_) | Outcome::Refused(_) => Ok(()),
        }
    }

    /// Forgets the lock, whose node is deleted.
    pub(crate) fn forget(mut self) {
        self.lock = None;
    }

    /// The lock's node.
    pub(crate) fn lock(&self) -> &Lock {
        self.lock.as_ref().expect("the lock is there until the guard is used up")
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take() {
            let metadata = self.metadata.clone();
            self.tasks.spawn(Box::pin(async move {
                // Whoever comes next takes it by force, or finds it gone with this process.
                let _best_effort = metadata.commit(&[lock.release()]).await;
            }));
        }
    }
}

/// The error for a writer whose lock another took while it was still opening.
pub(crate) async fn lost_while_opening(metadata: &dyn MetadataStore, paths: &LogPaths) -> Error {
    let error = Error::locked("another writer took the log while this one was being opened; try again");
    match metadata.lock_owner(&paths.lock()).await {
        Ok(Some(owner)) => error.with("owner", owner),
        Ok(None) | Err(_) => error,
    }
}
