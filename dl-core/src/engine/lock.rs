//! A lock of a log, held: that of its writer, or of a locked reader.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{oneshot, watch};

use crate::error::{Error, ErrorKind, Result};
use crate::metadata::{Lock, MetadataStore, Op, Outcome, Takeover};
use crate::seams::Tasks;

use super::layout::LogPaths;
use super::{Engine, guard};

/// What a writer is told that another one cut off.
pub(crate) const CUT_OFF: &str = "another writer owns the log; open a new writer to go on";

/// A lock; released in the background when dropped.
pub(crate) struct HeldLock {
    metadata: Arc<dyn MetadataStore>,
    tasks: Arc<dyn Tasks>,
    releases: Arc<Releases>,
    lock: Option<Lock>,
}

/// The locks that this process is about to let go. Whoever is refused one of them waits for that and asks again, so that
/// nobody is in his own way.
#[derive(Debug, Default)]
pub(crate) struct Releases(watch::Sender<BTreeMap<String, usize>>);

/// A lock on its way back, until this is dropped.
#[derive(Debug)]
pub(crate) struct Leaving {
    path: String,
    releases: Arc<Releases>,
}

impl Releases {
    /// Says that the lock of this path is about to be let go.
    pub(crate) fn begin(self: &Arc<Self>, path: &str) -> Leaving {
        self.0.send_modify(|leaving| *leaving.entry(path.to_owned()).or_default() += 1);
        Leaving { path: path.to_owned(), releases: self.clone() }
    }

    /// Whether somebody is about to let a lock go.
    fn are_begun(&self, path: &str) -> bool {
        self.0.borrow().contains_key(path)
    }

    /// Waits until nobody is about to let a lock go.
    async fn are_done(&self, path: &str) {
        let mut leaving = self.0.subscribe();
        // The sender lives in `self`, so the wait ends only with the value.
        let _seen = leaving.wait_for(|leaving| !leaving.contains_key(path)).await;
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.releases.0.send_modify(|leaving| {
            if let Some(count) = leaving.get_mut(&self.path) {
                *count -= 1;
                if *count == 0 {
                    leaving.remove(&self.path);
                }
            }
        });
    }
}

/// A question for a lock, by a caller who may go away before it is answered.
struct Asking<'a> {
    given_up: &'a Arc<Releases>,
    path: String,
    is_open: bool,
    /// What goes when the question was answered, and the lock is on its way back.
    late: Arc<Mutex<Option<Leaving>>>,
}

impl<'a> Asking<'a> {
    fn new(given_up: &'a Arc<Releases>, path: &str) -> Self {
        Self { given_up, path: path.to_owned(), is_open: true, late: Arc::default() }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.is_open {
            *guard(&self.late) = Some(self.given_up.begin(&self.path));
        }
    }
}

impl HeldLock {
    /// Takes the lock of this path.
    ///
    /// # Errors
    /// `locked` if another holds it and `takeover` does not allow to take it.
    pub(crate) async fn take(engine: &Engine, path: &str, takeover: Takeover) -> Result<Self> {
        // Such a question may be asked after this one, and would cut off whoever asks now.
        engine.given_up.are_done(path).await;
        loop {
            // Asked first: it may be let go between the refusal and the next question.
            let begun = engine.releases.are_begun(path);
            let taken = Self::ask(engine, path.to_owned(), takeover).await;
            let refused = matches!(&taken, Err(error) if error.kind() == ErrorKind::Locked);
            if !(refused && begun && takeover == Takeover::Never) {
                return taken;
            }
            engine.releases.are_done(path).await;
        }
    }

    async fn ask(engine: &Engine, path: String, takeover: Takeover) -> Result<Self> {
        let (mut send, receive) = oneshot::channel();
        let (metadata, tasks) = (engine.stores.metadata.clone(), engine.seams.tasks.clone());
        let (owner, releases) = (engine.owner.clone(), engine.releases.clone());
        let mut asking = Asking::new(&engine.given_up, &path);
        let answered = asking.late.clone();
        // Not dropped halfway with the caller, when nobody would know whether the lock was taken.
        engine.seams.tasks.spawn(Box::pin(async move {
            // Nobody is to wait on, and stand in the way of others, for a caller that is gone.
            let lock = metadata.lock(&path, &owner, takeover, Box::pin(send.closed())).await;
            // If the caller is gone, so is the guard, which releases the lock: before others hear that this is over.
            drop(send.send(lock.map(|lock| Self { metadata, tasks, releases, lock: Some(lock) })));
            drop(answered);
        }));
        let ended = |_| Error::closed("the runtime ended while a lock was being taken");
        let lock = receive.await.map_err(ended)?;
        asking.is_open = false;
        lock
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
            let path = lock.path.rsplit_once('/').map_or("", |(path, _)| path);
            let leaving = self.releases.begin(path);
            self.tasks.spawn(Box::pin(async move {
                // Whoever comes next takes it by force, or finds it gone with this process.
                let _best_effort = metadata.commit(&[lock.release()]).await;
                drop(leaving);
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
