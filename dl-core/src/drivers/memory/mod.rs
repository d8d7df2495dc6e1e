//! Namespaces in the memory of this process: for tests and for simulation. Nothing survives the last opening of one.

mod metadata;
mod registry;
mod segments;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::metadata::{Changes, Session, Tree, TreeOp, Watches};
use crate::seams::Seams;
use crate::store::{StoreSession, Stores};
use segments::Segment;

/// Opens the namespace of this name, which all who open it in this process share while one of them has it open.
pub(crate) fn open(name: &str, seams: &Seams) -> Stores {
    let opening = Opening::new(registry::namespace(name), seams.clone());
    Stores { metadata: opening.clone(), segments: opening.clone(), session: opening }
}

/// Makes the namespace of this name refuse new entries with `storage-full`, or accept them again.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn fill(name: &str, full: bool) {
    registry::namespace(name).full.store(full, Ordering::Relaxed);
}

/// Makes the namespace of this name take no entries, or take them again: appends stay in flight meanwhile.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn stall(name: &str, stalled: bool) {
    let namespace = registry::namespace(name);
    namespace.stalled.store(stalled, Ordering::Relaxed);
    let segments: Vec<_> = namespace.segments().by_id.values().cloned().collect();
    segments.iter().for_each(|segment| segment.wake_writer());
}

/// What all openings of a namespace share.
struct Namespace {
    name: Box<str>,
    nodes: Mutex<Nodes>,
    segments: Mutex<Segments>,
    /// Whether there is no room for entries.
    full: AtomicBool,
    /// Whether no entries are taken.
    stalled: AtomicBool,
}

struct Nodes {
    tree: Tree,
    /// The watches of each opening.
    watches: BTreeMap<Session, Arc<Watches>>,
    /// The number of openings ever.
    sessions: u128,
}

#[derive(Default)]
struct Segments {
    by_id: BTreeMap<i64, Arc<Segment>>,
    /// The next id to give out.
    next: i64,
}

impl Namespace {
    fn new(name: &str) -> Self {
        let nodes = Nodes { tree: Tree::new(), watches: BTreeMap::new(), sessions: 0 };
        Self {
            name: name.into(),
            nodes: Mutex::new(nodes),
            segments: Mutex::default(),
            full: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        }
    }

    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        guard(&self.nodes)
    }

    fn segments(&self) -> MutexGuard<'_, Segments> {
        guard(&self.segments)
    }

    fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }
}

impl Nodes {
    fn fire(&self, changes: &Changes<'_>) {
        for watches in self.watches.values() {
            watches.fire(changes);
        }
    }
}

/// One opening of a namespace: both stores and the session.
struct Opening {
    namespace: Arc<Namespace>,
    session: Session,
    watches: Arc<Watches>,
    closed: watch::Sender<bool>,
    /// Segment ids it was given and has not used.
    allocated: Mutex<BTreeSet<i64>>,
    seams: Seams,
    me: Weak<Self>,
}

impl Opening {
    fn new(namespace: Arc<Namespace>, seams: Seams) -> Arc<Self> {
        let watches = Arc::new(Watches::new());
        let mut nodes = namespace.nodes();
        nodes.sessions += 1;
        let session = Session(nodes.sessions);
        nodes.watches.insert(session, watches.clone());
        drop(nodes);
        let (closed, _) = watch::channel(false);
        let allocated = Mutex::default();
        Arc::new_cyclic(|me| Self { namespace, session, watches, closed, allocated, seams, me: me.clone() })
    }

    /// Itself, for a reader or writer that keeps it open.
    fn share(&self) -> Arc<Self> {
        self.me.upgrade().expect("it is made in an Arc, and somebody who holds that calls")
    }

    /// Whether calls may go on.
    fn check_open(&self) -> Result<()> {
        if *self.closed.borrow() {
            Err(Error::closed("the namespace was closed; open it again"))
        } else {
            Ok(())
        }
    }

    fn end(&self) {
        if self.seams.files.forks() != 0 {
            // In a forked child: it is a copy, and a lock of it may be held for ever.
            return;
        }
        if self.closed.send_replace(true) {
            return;
        }
        let mut nodes = self.namespace.nodes();
        nodes.watches.remove(&self.session);
        let mut changes = Changes::default();
        nodes.tree.apply(&[TreeOp::End { session: self.session }], &mut changes);
        nodes.fire(&changes);
        drop(nodes);
        self.watches.close();
    }
}

#[async_trait]
impl StoreSession for Opening {
    async fn close(&self) -> Result<()> {
        self.end();
        Ok(())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.end();
    }
}

/// Locks a mutex. What it guards is whole between any two statements of ours, so a panic elsewhere spoils nothing.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
