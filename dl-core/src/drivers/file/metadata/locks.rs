//! Taking locks: by whom, and waiting for them.

use std::sync::Weak;
use std::time::Duration;

use super::FileMetadata;
use super::queue::{Answer, Attempt, Wanted};
use crate::error::{Error, Result};
use crate::metadata::lock::{held, unwanted};
use crate::metadata::{Lock, MetadataStore, Takeover};
use crate::seams::BoxFuture;

/// How often a waiter looks whether the owner's process still lives, which nothing tells it.
const LOOK: Duration = Duration::from_millis(50);

/// A lock on its way to who asked for it. It is released if that one went away meanwhile.
pub(super) struct Taken {
    metadata: Weak<FileMetadata>,
    lock: Option<Lock>,
}

impl Taken {
    pub(super) fn new(metadata: Weak<FileMetadata>, lock: Lock) -> Self {
        Self { metadata, lock: Some(lock) }
    }

    fn keep(mut self) -> Lock {
        self.lock.take().expect("it is taken out here only, where the value ends")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some((lock, metadata)) = self.lock.take().zip(self.metadata.upgrade()) else { return };
        let tasks = metadata.seams.tasks.clone();
        tasks.spawn(Box::pin(async move {
            // If this fails, the lock ends with the session.
            let _as_good_as_can_be = metadata.commit(&[lock.release()]).await;
        }));
    }
}

impl FileMetadata {
    /// Takes a lock.
    pub(super) async fn take_lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        mut gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        let patience = match takeover {
            Takeover::Wait(patience) => patience,
            _ => Duration::ZERO,
        };
        let mut watch = self.watch(path)?;
        let mut waited = Duration::ZERO;
        loop {
            let holder = match self.try_lock(path, owner, takeover).await? {
                Attempt::Taken(taken) => return Ok(taken.keep()),
                Attempt::Held(holder) => holder,
            };
            if waited >= patience {
                return Err(held(&holder));
            }
            let look = LOOK.min(patience - waited);
            tokio::select! {
                biased;
                () = watch.changed() => {}
                () = self.seams.clock.sleep(look) => waited += look,
                () = &mut gone => return Err(unwanted()),
            }
        }
    }

    async fn try_lock(&self, path: &str, owner: &str, takeover: Takeover) -> Result<Attempt> {
        // A holder is asked for first: those who wait must not keep the log of the metadata busy.
        if let (Takeover::Wait(_), Some(holder)) = (takeover, self.lock_owner(path).await?) {
            return Ok(Attempt::Held(holder));
        }
        let wanted = Wanted::Lock { path: path.to_owned(), owner: owner.to_owned(), takeover };
        match self.request(wanted).await? {
            Answer::Lock(attempt) => Ok(attempt),
            Answer::Outcome(_) => Err(Error::internal("a lock was answered as a commit")),
        }
    }
}
