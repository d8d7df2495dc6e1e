//! Who wants to know of changes to which node.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::path::NodePath;
use super::store::Watch;
use super::tree::Changes;

/// Paths are looked through for unused ones when there are this many, then each time their number doubled.
const FIRST_SWEEP: usize = 64;

/// The watches of one opening of a namespace.
#[derive(Debug)]
pub(crate) struct Watches(Mutex<State>);

#[derive(Debug)]
struct State {
    senders: BTreeMap<Box<str>, watch::Sender<()>>,
    below: Vec<Below>,
    sweep_at: usize,
    closed: bool,
}

/// Who wants to know of nodes of a name anywhere below a path.
#[derive(Debug)]
struct Below {
    /// The path and `/`.
    directory: String,
    /// `/` and the name.
    ending: String,
    sender: watch::Sender<()>,
}

impl Watches {
    /// Nobody watches anything.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            senders: BTreeMap::new(),
            below: Vec::new(),
            sweep_at: FIRST_SWEEP,
            closed: false,
        }))
    }

    /// Watches a path.
    pub(crate) fn watch(&self, path: &str) -> Watch {
        let mut state = self.lock();
        if state.closed {
            return Watch::new(watch::channel(()).1);
        }
        if let Some(sender) = state.senders.get(path) {
            return Watch::new(sender.subscribe());
        }
        if state.senders.len() >= state.sweep_at {
            state.senders.retain(|_, sender| sender.receiver_count() > 0);
            state.sweep_at = FIRST_SWEEP.max(state.senders.len() * 2);
        }
        let (sender, receiver) = watch::channel(());
        state.senders.insert(path.into(), sender);
        Watch::new(receiver)
    }

    /// Watches for nodes called `name` anywhere below a path.
    pub(crate) fn watch_below(&self, path: &str, name: &str) -> Watch {
        let mut state = self.lock();
        let (sender, receiver) = watch::channel(());
        if !state.closed {
            state.below.retain(|below| below.sender.receiver_count() > 0);
            let directory = format!("{}/", path.trim_end_matches('/'));
            state.below.push(Below { directory, ending: format!("/{name}"), sender });
        }
        Watch::new(receiver)
    }

    /// Tells of changes that reads see by now: those who watch the nodes, and, where a node came or went, its parent.
    pub(crate) fn fire(&self, changes: &Changes<'_>) {
        let mut state = self.lock();
        for (path, listed) in changes.paths() {
            state.fire(path);
            let concerned =
                |below: &&Below| path.ends_with(&below.ending) && path.starts_with(&below.directory);
            for below in state.below.iter().filter(|_| listed).filter(concerned) {
                below.sender.send_replace(());
            }
            if let Some((parent, _)) = NodePath::checked(path).split().filter(|_| listed) {
                state.fire(parent.as_str());
            }
        }
    }

    /// Tells everyone: anything may have changed.
    pub(crate) fn fire_all(&self) {
        let state = self.lock();
        for sender in state.senders.values().chain(state.below.iter().map(|below| &below.sender)) {
            sender.send_replace(());
        }
    }

    /// Tells everyone that the store is closed, now and later.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.senders.clear();
        state.below.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fire(&mut self, path: &str) {
        let Some(sender) = self.senders.get(path) else { return };
        if sender.receiver_count() > 0 {
            sender.send_replace(());
        } else {
            self.senders.remove(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_nobody_watches_are_forgotten() {
        let watches = Watches::new();
        let kept = watches.watch("/kept");
        for i in 0..10_000 {
            drop(watches.watch(&format!("/{i}")));
        }
        assert!(watches.lock().senders.len() <= FIRST_SWEEP);
        assert!(watches.lock().senders.contains_key("/kept"));
        drop(kept);
    }

    #[tokio::test]
    async fn closing_ends_every_wait() {
        let watches = Watches::new();
        let mut before = watches.watch("/a");
        watches.close();
        before.changed().await;
        watches.watch("/a").changed().await;
        watches.watch_below("/a", "b").changed().await;
    }
}
