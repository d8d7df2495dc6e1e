//! Watches that last, made of ZooKeeper's, which tell of one change each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};

use tokio::sync::watch;
use zookeeper_client::OneshotWatcher;

use super::calls::other_than;
use super::errors;
use super::session::{Session, Shared, State, ZooKeeper};
use crate::cluster::Watch;

/// The watched paths; `None` when the session is closed.
pub(super) struct Watches(Mutex<Option<BTreeMap<String, Watched>>>);

/// Who watches a path.
struct Watched {
    sender: watch::Sender<()>,
    /// How many ever did.
    count: Arc<AtomicU64>,
}

impl Watches {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(BTreeMap::new())))
    }

    /// Ends every watch, those made later too.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<String, Watched>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a path that nobody watches any more.
    fn forget_unwatched(&self, path: &str, sender: &watch::Sender<()>) -> bool {
        let mut watched = self.lock();
        let unwatched = sender.receiver_count() == 0;
        if let Some(paths) = watched.as_mut().filter(|_| unwatched) {
            paths.remove(path);
        }
        unwatched
    }
}

impl ZooKeeper {
    /// Watches a node, which need not exist: its creation, data, deletion and list of children.
    ///
    /// A watch made before a read of this session tells of every change after that read. It may fire without one.
    pub fn watch(&self, path: &str) -> Watch {
        let mut watched = self.shared.watches.lock();
        let Some(paths) = &mut *watched else {
            return watch::channel(()).1;
        };
        if let Some(watched) = paths.get(path) {
            let receiver = watched.sender.subscribe();
            watched.count.fetch_add(1, Ordering::Release);
            return receiver;
        }
        let (sender, receiver) = watch::channel(());
        let watched = Watched { sender: sender.clone(), count: Arc::new(AtomicU64::new(1)) };
        let count = watched.count.clone();
        let mut follow = Box::pin(follow(Arc::downgrade(&self.shared), path.to_owned(), sender, count));
        // Its first turn puts the requests in front of those of any later read; servers keep that order. Under the lock,
        // so that nobody finds the path before.
        if follow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            paths.insert(path.to_owned(), watched);
            self.shared.spawn(follow);
        }
        receiver
    }
}

/// Tells of the changes to a node for as long as anybody wants to know.
async fn follow(shared: Weak<Shared>, path: String, sender: watch::Sender<()>, count: Arc<AtomicU64>) {
    let Some(mut state) = shared.upgrade().map(|shared| shared.state.subscribe()) else { return };
    // How many were told of what came before.
    let mut told = 0;
    while let Some(session) = open(&mut state).await {
        let number = session.number;
        let registered = async {
            let node = session.client.check_and_watch_stat(&path);
            let children = session.client.list_and_watch_children(&path);
            // Whoever reads from now on does so behind them.
            if told > 0 {
                told = count.load(Ordering::Acquire);
                sender.send_replace(());
            }
            let (node, children) = tokio::join!(node, children);
            // For those who came since: what changed before the server had the requests.
            let now = count.load(Ordering::Acquire);
            if told != now {
                told = now;
                sender.send_replace(());
            }
            // Without a node, or the right to list its children, there is nothing to hear of them.
            node.map(|(_, node)| (node, children.ok().map(|(_, children)| children)))
        };
        let registered = tokio::select! {
            registered = registered => registered,
            () = ended(&mut state) => break,
        };
        drop(session);
        let (node, children) = match registered {
            Ok(watchers) => watchers,
            Err(error) => {
                if errors::is_over(&error) {
                    other_than(number, &mut state).await;
                }
                continue;
            }
        };
        tokio::select! {
            () = change(node, children) => {}
            () = ended(&mut state) => break,
            () = sender.closed() => {
                let unwatched =
                    |shared: Arc<Shared>| shared.watches.forget_unwatched(&path, &sender);
                if shared.upgrade().is_none_or(unwatched) {
                    return;
                }
            }
        }
    }
    if let Some(shared) = shared.upgrade()
        && let Some(paths) = &mut *shared.watches.lock()
    {
        paths.remove(&path);
    }
}

/// Waits for a change, or the end of the session.
async fn change(node: OneshotWatcher, children: Option<OneshotWatcher>) {
    match children {
        None => drop(node.changed().await),
        Some(children) => tokio::select! {
            _ = node.changed() => {}
            _ = children.changed() => {}
        },
    }
}

/// The session, as soon as there is one; `None` if there will be none.
async fn open(state: &mut watch::Receiver<State>) -> Option<Session> {
    loop {
        match &*state.borrow_and_update() {
            State::Open(session) => return Some(session.clone()),
            State::Failed(_) | State::Closed => return None,
            State::Between => {}
        }
        state.changed().await.ok()?;
    }
}

/// Waits until there will be no session any more.
async fn ended(state: &mut watch::Receiver<State>) {
    // An error says that every handle is gone.
    let _gone = state.wait_for(|state| matches!(state, State::Failed(_) | State::Closed)).await;
}
