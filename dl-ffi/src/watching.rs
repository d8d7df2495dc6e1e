//! What a watcher shares with its calls in flight.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{Error, ErrorKind, LogChange, LogWatcher, Result, SegmentInfo, SegmentWatcher};
use tokio::sync::Notify;

use crate::forks::Birth;
use crate::runtime::within;
use crate::turn_taking::TurnTaking;
use crate::unread::{Source, Unread, unless_given_back};

/// What the core's watchers have in common.
pub(crate) trait Watch: Send + 'static {
    type Told: Send + 'static;

    fn next(&mut self) -> impl Future<Output = Result<Self::Told>> + Send;
}

impl Watch for LogWatcher {
    type Told = LogChange;

    fn next(&mut self) -> impl Future<Output = Result<LogChange>> + Send {
        self.next()
    }
}

impl Watch for SegmentWatcher {
    type Told = Vec<SegmentInfo>;

    fn next(&mut self) -> impl Future<Output = Result<Vec<SegmentInfo>>> + Send {
        self.next()
    }
}

/// See the module.
pub(crate) struct Watching<W: Watch> {
    pub(crate) birth: Birth,
    watcher: TurnTaking<W>,
    told: Mutex<Told<W::Told>>,
    /// Wakes the one that waits when something is given back.
    given_back: Notify,
}

/// What a watcher told, by number.
struct Told<T> {
    count: u64,
    /// What was told to a call that nobody wanted any more. It is told first.
    returned: BTreeMap<u64, T>,
}

/// Where a number of what was told may come back to.
struct Origin<W: Watch> {
    watching: Arc<Watching<W>>,
    number: u64,
}

impl<W: Watch> Watching<W> {
    pub(crate) fn new(watcher: W) -> Arc<Self> {
        let told = Told { count: 0, returned: BTreeMap::new() };
        let (watcher, told, given_back) = (TurnTaking::new(watcher), told.into(), Notify::new());
        Arc::new(Self { birth: Birth::now(), watcher, told, given_back })
    }

    /// What is told next: what nobody took, in the order in which it was told, or what is new.
    pub(crate) async fn next(self: Arc<Self>) -> Result<Unread<W::Told>> {
        let (number, item) = self.watcher.run("next", async |watcher| self.again(watcher).await).await?;
        Ok(Unread::new(Arc::new(Origin { watching: self, number }), vec![item]))
    }

    /// Ends every call that waits, and all later ones.
    pub(crate) fn end(&self) {
        self.watcher.end();
    }

    async fn again(&self, watcher: &mut W) -> Result<(u64, W::Told)> {
        while self.told().returned.is_empty() {
            if let Some(item) = unless_given_back(&self.given_back, watcher.next()).await {
                let item = item?;
                return Ok((self.told().number(), item));
            }
        }
        // Once the namespace is closed there is nothing any more.
        // An error of another kind comes again, behind what was told before it.
        match within(Duration::ZERO, watcher.next()).await {
            Some(Err(error)) if error.kind() == ErrorKind::Closed => return Err(error),
            Some(Ok(item)) => {
                let mut told = self.told();
                let number = told.number();
                told.returned.insert(number, item);
            }
            _ => {}
        }
        self.told().returned.pop_first().ok_or_else(nothing)
    }

    fn told(&self) -> MutexGuard<'_, Told<W::Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Told<T> {
    fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}

impl<W: Watch> Source<W::Told> for Origin<W> {
    fn take_back(&self, items: Vec<W::Told>) {
        self.watching.told().returned.extend(items.into_iter().map(|item| (self.number, item)));
        self.watching.given_back.notify_one();
    }
}

/// What the only item of a watcher is, where there is none.
pub(crate) fn nothing() -> Error {
    Error::new(ErrorKind::Internal, "a watcher told nothing")
}
