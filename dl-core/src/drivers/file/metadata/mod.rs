//! The metadata of a namespace directory: a tree in the memory of each process, and the log that keeps them the same.
//!
//! One process at a time appends, under a lock; what it made durable it publishes in the control file, and every
//! process reads on to there before it answers anything: that is here. How it is opened is in [`opening`]; what changes it goes
//! through [`queue`], [`deciding`] and [`group`], and what others changed comes by [`listening`].

mod codec;
mod deciding;
mod group;
mod listening;
mod locks;
pub(super) mod log;
mod opening;
mod queue;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;

use super::catalog::{self, SegmentState};
use super::control::Control;
use super::layout::Layout;
use super::presence::Presence;
use super::session;
use super::started::Started;
use crate::error::{Error, Result};
use crate::metadata::lock;
use crate::metadata::{
    Child, Lock, MetadataStore, Node, NodePath, Op, Outcome, Session, Takeover, Tree, Watch, Watches,
};
use crate::seams::{BoxFuture, File, Seams};
use crate::types::SegmentId;
pub(super) use group::open_lock;
use log::MetadataLog;
pub(super) use opening::create;
use queue::{Answer, Queue, Wanted, closed};

/// The metadata of a namespace directory.
pub(super) struct FileMetadata {
    this: Weak<Self>,
    seams: Seams,
    layout: Layout,
    control: Arc<Control>,
    /// This handle's session; 0 if it only reads.
    session: u64,
    lock_wait: Duration,
    lock: Option<Arc<dyn File>>,
    state: Mutex<State>,
    queue: Queue,
    watches: Watches,
    listening: Started,
    action: OnceLock<Box<dyn Fn() + Send + Sync>>,
    presence: OnceLock<Arc<Presence>>,
}

struct State {
    log: MetadataLog,
    tree: Tree,
}

impl FileMetadata {
    /// Whether this handle only reads.
    pub(super) fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Has commits in progress keep this process present.
    pub(super) fn stay_with(&self, presence: Arc<Presence>) {
        let _set_once = self.presence.set(presence);
    }

    /// The number of the newest commit this process has read.
    pub(super) fn sequence(&self) -> u64 {
        self.control.metadata_published()
    }

    /// What is known of a segment; `None` if nothing. Also while the namespace is being closed.
    pub(super) fn segment_state(&self, id: SegmentId) -> Result<Option<SegmentState>> {
        let node =
            self.read_on()?.tree.get(NodePath::new(&catalog::path(id))?, |session| self.is_alive(session));
        node.map(|node| SegmentState::parse(&node, id)).transpose()
    }

    /// The next segment id that nobody was given.
    pub(super) fn next_segment_id(&self) -> Result<i64> {
        let node = self.node(catalog::SEGMENTS)?;
        catalog::next_id(
            &node.ok_or_else(|| Error::corrupt("the counter of segment ids is gone; run `dl verify`"))?,
        )
    }

    /// The node at a path.
    pub(super) fn node(&self, path: &str) -> Result<Option<Node>> {
        let state = self.current()?;
        Ok(state.tree.get(NodePath::new(path)?, |session| self.is_alive(session)))
    }

    /// Settles every call and watch; nothing works afterwards.
    pub(super) fn close(&self) {
        self.queue.close();
        self.watches.close();
    }

    fn is_alive(&self, session: Session) -> bool {
        let Ok(id) = u64::try_from(session.0) else { return false };
        id == self.session || session::is_alive(&*self.seams.files, &self.layout, id)
    }

    /// The tree after every commit that is published by now.
    fn current(&self) -> Result<MutexGuard<'_, State>> {
        self.check_open()?;
        self.read_on()
    }

    fn read_on(&self) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let published = self.control.metadata_published();
        if state.log.sequence() < published {
            let State { log, tree } = &mut *state;
            if !log.follow(tree, published, |changes| self.watches.fire(changes))? {
                self.watches.fire_all();
            }
        }
        Ok(state)
    }

    /// # Errors
    /// `closed` in a child of the process that opened the namespace.
    pub(super) fn check_not_forked(&self) -> Result<()> {
        if self.seams.files.forks() == 0 {
            return Ok(());
        }
        Err(Error::closed("the process was forked; open the namespace again in the child"))
    }

    pub(super) fn check_open(&self) -> Result<()> {
        self.check_not_forked()?;
        if self.queue.is_closed() { Err(closed()) } else { Ok(()) }
    }
}

#[async_trait]
impl MetadataStore for FileMetadata {
    async fn get(&self, path: &str) -> Result<Option<Node>> {
        self.node(path)
    }

    async fn children(&self, path: &str) -> Result<Option<Vec<Child>>> {
        let state = self.current()?;
        Ok(state.tree.children(NodePath::new(path)?, |session| self.is_alive(session)))
    }

    async fn children_after(
        &self,
        path: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Option<Vec<Child>>> {
        let state = self.current()?;
        let alive = |session| self.is_alive(session);
        Ok(state.tree.children_after(NodePath::new(path)?, after.unwrap_or(""), limit, alive))
    }

    async fn commit(&self, ops: &[Op]) -> Result<Outcome> {
        match self.request(Wanted::Commit(ops.to_vec())).await? {
            Answer::Outcome(outcome) => Ok(outcome),
            Answer::Lock(_) => Err(Error::internal("a commit was answered as a lock")),
        }
    }

    fn watch(&self, path: &str) -> Result<Watch> {
        self.listen()?;
        Ok(self.watches.watch(path))
    }

    fn watch_below(&self, path: &str, name: &str) -> Result<Watch> {
        self.listen()?;
        Ok(self.watches.watch_below(path, name))
    }

    async fn lock(
        &self,
        path: &str,
        owner: &str,
        takeover: Takeover,
        gone: BoxFuture<'_, ()>,
    ) -> Result<Lock> {
        self.take_lock(path, owner, takeover, gone).await
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        let state = self.current()?;
        Ok(lock::owner(&state.tree, NodePath::new(path)?, |session| self.is_alive(session)))
    }
}
