//! Group commit: one task leads, takes all that waits, and makes it durable with one sync, under the lock of the log that
//! only one process has. Apart from what each request comes to (see [`deciding`](super::deciding)).

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::queue::{Answer, Request, Wanted, closed};
use super::{FileMetadata, State};
use crate::drivers::file::control::Bell;
use crate::drivers::file::io;
use crate::drivers::file::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::metadata::Changes;
use crate::seams::{File, LockKind, OpenMode, Seams};

/// The longest wait between two tries to get the lock of the log.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

impl FileMetadata {
    /// Has the tree changed.
    pub(super) async fn request(&self, wanted: Wanted) -> Result<Answer> {
        self.check_open()?;
        if self.lock.is_none() {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "the namespace was opened with read_only=true; open it for writing",
            ));
        }
        let (answer, answered) = oneshot::channel();
        let lead = self.queue.push(Request { wanted, answer })?;
        if let Some(this) = self.this.upgrade().filter(|_| lead) {
            // Detached, so that a caller who goes away does not take the others' commits along.
            self.seams.tasks.spawn(Box::pin(this.lead()));
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Commits what waits, group after group, until nothing does.
    async fn lead(self: Arc<Self>) {
        while let Some(group) = self.queue.next_group() {
            self.commit_group(group).await;
        }
    }

    async fn commit_group(self: &Arc<Self>, group: Vec<Request>) {
        let (requests, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|request| (request.wanted, request.answer)).unzip();
        let outcomes = match self.acquire().await {
            Err(error) => Err(error),
            Ok(lock) => {
                let this = self.clone();
                let work = move || {
                    // To the very end.
                    let staying = this.presence.get().map(|presence| presence.stay()).transpose();
                    let outcomes = match &staying {
                        Ok(_present) => this.write_group(&requests),
                        Err(error) => Err(error.clone()),
                    };
                    // Once more if it fails, since everybody waits for it; should that fail too, it goes with its file.
                    let _kept_until_closed = lock.unlock().or_else(|_| lock.unlock());
                    outcomes
                };
                self.seams.tasks.blocking(work).await
            }
        };
        match outcomes {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _not_wanted_any_more = answer.send(outcome);
                }
            }
            Err(error) => {
                for answer in answers {
                    let _not_wanted_any_more = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Waits for the lock of the log. Its holder keeps it for a sync or two, unless it is stopped.
    async fn acquire(&self) -> Result<Arc<dyn File>> {
        let lock = self.lock.clone().ok_or_else(closed)?;
        let failed = |error| io::failed(error, "locking the metadata", &self.layout.metadata());
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_micros(50);
        while !lock.try_lock(LockKind::Exclusive).map_err(failed)? {
            self.check_open()?;
            if waited >= self.lock_wait {
                return Err(stuck(self.lock_wait));
            }
            self.seams.clock.sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LOCK_PAUSE);
        }
        Ok(lock)
    }

    /// Under the lock: decides each request after those before it, makes the commits durable, publishes them.
    fn write_group(&self, requests: &[Wanted]) -> Result<Vec<Result<Answer>>> {
        let claims: Vec<_> = requests.iter().map(|_| OnceCell::new()).collect();
        let mut state = self.current()?;
        let State { log, tree } = &mut *state;
        let mut commits = Vec::new();
        let mut tried = Changes::default();
        let mut outcomes = Vec::with_capacity(requests.len());
        for (wanted, claim) in requests.iter().zip(&claims) {
            outcomes.push(self.decide(tree, &mut tried, wanted, claim).map(|(commit, answer)| {
                commits.extend(commit);
                answer
            }));
        }
        // Nobody may see a commit before it is durable.
        tree.revert(tried);
        if commits.is_empty() {
            return Ok(outcomes);
        }
        let prepared = log.prepare(&commits)?;
        drop(state);
        prepared.write()?;
        // Under the lock of the log, nothing was published meanwhile. If the namespace is being closed, what is durable
        // is still to be published: the next commit would overwrite it otherwise.
        let mut state = self.read_on().map_err(Error::maybe_effective)?;
        let State { log, tree } = &mut *state;
        log.finish(&prepared);
        let mut changes = Changes::default();
        for commit in &commits {
            tree.apply(commit, &mut changes);
        }
        self.control.publish_metadata(log.sequence());
        log.note_published();
        // A log that cannot be compacted now is compacted later.
        if log.compact(tree).is_ok() {
            self.control.publish_metadata(log.sequence());
        }
        drop(state);
        self.watches.fire(&changes);
        self.control.ring(Bell::Metadata);
        Ok(outcomes)
    }
}

/// Opens the file whose lock lets one process append.
pub(in crate::drivers::file) fn open_lock(seams: &Seams, layout: &Layout) -> Result<Arc<dyn File>> {
    let path = layout.metadata().join("lock");
    seams
        .files
        .open(&path, OpenMode::Create)
        .map_err(|error| io::failed(error, "opening the lock of the metadata", &path))
}

/// The holder of a lock that should be short does not let go of it.
fn stuck(waited: Duration) -> Error {
    Error::unavailable(format!(
        "another process has held the lock of the metadata for {} ms; if it is stopped, continue or kill it (see the \
         files in sessions/ for process ids), then try again",
        waited.as_millis()
    ))
}
