//! The metadata of a namespace directory: a tree in the memory of each process, and the log that keeps them the same.
//!
//! One process at a time appends, under a lock; what it made durable it publishes in the control file, and every
//! process reads on to there before it answers anything. Commits that are asked for at the same time share one sync.

mod codec;
mod locks;
pub(super) mod log;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::catalog::{self, SegmentState};
use super::control::{Bell, Control};
use super::io;
use super::layout::Layout;
use super::presence::Presence;
use super::session;
use super::started::{Running, Started};
use crate::error::{Error, Result};
use crate::metadata::lock::{self, Claim, LockState};
use crate::metadata::{
    Changes, Child, Lock, MetadataStore, Node, NodePath, Op, Outcome, RefusalReason, Session, Takeover, Tree,
    TreeOp, Watch, Watches,
};
use crate::seams::{File, LockKind, OpenMode, Seams};
use crate::types::SegmentId;
use locks::Taken;
use log::MetadataLog;

/// The longest wait between two tries to get the lock of the log.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

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
    queue: Mutex<Queue>,
    watches: Watches,
    listening: Started,
    action: OnceLock<Box<dyn Fn() + Send + Sync>>,
    presence: OnceLock<Arc<Presence>>,
}

struct State {
    log: MetadataLog,
    tree: Tree,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Request>,
    led: bool,
    closed: bool,
}

/// Something that waits for its turn to change the tree.
struct Request {
    wanted: Wanted,
    answer: oneshot::Sender<Result<Answer>>,
}

enum Wanted {
    Commit(Vec<Op>),
    Lock { path: String, owner: String, takeover: Takeover },
}

enum Answer {
    Outcome(Outcome),
    Lock(Attempt),
}

enum Attempt {
    Taken(Taken),
    /// By whom.
    Held(String),
}

/// Makes the metadata of a new directory: durable, with nothing in it.
pub(super) fn create(seams: &Seams, layout: &Layout, namespace: u64) -> Result<()> {
    let mut tree = Tree::new();
    let path = NodePath::new(catalog::SEGMENTS)?;
    tree.apply(&[TreeOp::Create { path, data: b"0", owner: None }], &mut Changes::default());
    MetadataLog::create(seams.files.clone(), layout, namespace, &tree)
}

impl FileMetadata {
    /// Reads the metadata, for the first opener: all there is, made durable again, and published.
    pub(super) fn open_first(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, OpenMode::Write)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, u64::MAX, |_| {})?;
        log.secure()?;
        control.publish_metadata(log.sequence());
        Self::new(seams, layout, control, session, lock_wait, OpenMode::Write, State { log, tree })
    }

    /// Reads what is published, beside others. `mode` is `Read` for a handle that only reads.
    pub(super) fn open_shared(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
        mode: OpenMode,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, mode)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, control.metadata_published(), |_| {})?;
        Self::new(seams, layout, control, session, lock_wait, mode, State { log, tree })
    }

    /// Reads what there is up to a commit, or all of it, for a handle that only reads.
    pub(super) fn open_reading(
        seams: &Seams,
        layout: &Layout,
        namespace: u64,
        control: Arc<Control>,
        until: u64,
        lock_wait: Duration,
    ) -> Result<Arc<Self>> {
        let mut log = MetadataLog::open(seams.files.clone(), layout.clone(), namespace, OpenMode::Read)?;
        let mut tree = Tree::new();
        log.follow(&mut tree, until, |_| {})?;
        if until == u64::MAX {
            // It stands alone: what it found is all it will ever know.
            control.publish_metadata(log.sequence());
        }
        Self::new(seams, layout, control, 0, lock_wait, OpenMode::Read, State { log, tree })
    }

    /// Whether this handle only reads.
    pub(super) fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    fn new(
        seams: &Seams,
        layout: &Layout,
        control: Arc<Control>,
        session: u64,
        lock_wait: Duration,
        mode: OpenMode,
        state: State,
    ) -> Result<Arc<Self>> {
        let lock = match mode {
            OpenMode::Read => None,
            _ => Some(open_lock(seams, layout)?),
        };
        Ok(Arc::new_cyclic(|this| Self {
            this: this.clone(),
            seams: seams.clone(),
            layout: layout.clone(),
            control,
            session,
            lock_wait,
            lock,
            state: Mutex::new(state),
            queue: Mutex::default(),
            watches: Watches::new(),
            listening: Started::default(),
            action: OnceLock::new(),
            presence: OnceLock::new(),
        }))
    }

    /// Has `action` called whenever the metadata may have changed, also elsewhere.
    pub(super) fn on_change(&self, action: impl Fn() + Send + Sync + 'static) {
        let _set_once = self.action.set(Box::new(action));
    }

    /// Has commits in progress keep this process present.
    pub(super) fn stay_with(&self, presence: Arc<Presence>) {
        let _set_once = self.presence.set(presence);
    }

    /// Starts the thread that waits for changes made elsewhere.
    pub(super) fn listen(&self) -> Result<()> {
        self.listening.start(|running| {
            let thread = follow_others(self.this.clone(), self.control.clone(), running);
            self.seams.tasks.spawn_thread("dl-metadata", Box::pin(thread))
        })
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
        let waiting = {
            let mut queue = self.queue();
            queue.closed = true;
            std::mem::take(&mut queue.waiting)
        };
        for request in waiting {
            let _not_wanted_any_more = request.answer.send(Err(closed()));
        }
        self.watches.close();
    }

    /// Waits until the thread that waits for changes made elsewhere has ended, after [`close`](Self::close).
    pub(super) async fn ended(&self) {
        self.listening.ended().await;
    }

    /// Has the tree changed.
    async fn request(&self, wanted: Wanted) -> Result<Answer> {
        self.check_open()?;
        if self.lock.is_none() {
            return Err(Error::new(
                crate::error::ErrorKind::PermissionDenied,
                "the namespace was opened with read_only=true; open it for writing",
            ));
        }
        let (answer, answered) = oneshot::channel();
        let lead = {
            let mut queue = self.queue();
            if queue.closed {
                return Err(closed());
            }
            queue.waiting.push(Request { wanted, answer });
            !std::mem::replace(&mut queue.led, true)
        };
        if let Some(this) = self.this.upgrade().filter(|_| lead) {
            // Detached, so that a caller who goes away does not take the others' commits along.
            self.seams.tasks.spawn(Box::pin(this.lead()));
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Commits what waits, group after group, until nothing does.
    async fn lead(self: Arc<Self>) {
        loop {
            let group = {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    queue.led = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
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

    /// Tries a request on the tree: what to write for it, if anything, and its answer.
    fn decide<'a>(
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
        if self.queue().closed { Err(closed()) } else { Ok(()) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
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

    async fn lock(&self, path: &str, owner: &str, takeover: Takeover) -> Result<Lock> {
        self.take_lock(path, owner, takeover).await
    }

    async fn lock_owner(&self, path: &str) -> Result<Option<String>> {
        let state = self.current()?;
        Ok(lock::owner(&state.tree, NodePath::new(path)?, |session| self.is_alive(session)))
    }
}

/// Puts the end of sessions in front of a commit; answers how many.
fn end_first(steps: &mut Vec<TreeOp<'_>>, sessions: BTreeSet<Session>) -> usize {
    let ended = sessions.len();
    steps.splice(0..0, sessions.into_iter().map(|session| TreeOp::End { session }));
    ended
}

/// The thread that reads on when another process committed, which fires the watches.
async fn follow_others(metadata: Weak<FileMetadata>, control: Arc<Control>, _running: Running) {
    let mut seen = control.rung(Bell::Metadata);
    loop {
        let Some(this) = metadata.upgrade() else { return };
        if this.queue().closed {
            return;
        }
        // An error shows itself to whoever reads next.
        if this.current().map(drop).is_err() {
            this.watches.fire_all();
        }
        if let Some(action) = this.action.get() {
            action();
        }
        drop(this);
        // Comes back at least every second, so that the thread ends soon after the namespace.
        control.wait(Bell::Metadata, seen).await;
        seen = control.rung(Bell::Metadata);
    }
}

/// Opens the file whose lock lets one process append.
pub(super) fn open_lock(seams: &Seams, layout: &Layout) -> Result<Arc<dyn File>> {
    let path = layout.metadata().join("lock");
    seams
        .files
        .open(&path, OpenMode::Create)
        .map_err(|error| io::failed(error, "opening the lock of the metadata", &path))
}

/// The holder of a lock that should be short does not let go of it.
pub(super) fn stuck(waited: Duration) -> Error {
    Error::unavailable(format!(
        "another process has held the lock of the metadata for {} ms; if it is stopped, continue or kill it (see the \
         files in sessions/ for process ids), then try again",
        waited.as_millis()
    ))
}

fn closed() -> Error {
    Error::closed("the namespace was closed")
}
