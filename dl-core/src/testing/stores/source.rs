//! A writer's side of a segment, in tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::{Stores, commit};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Allocation, Closed, EntrySource, Replication, SegmentWriter};
use crate::types::SegmentId;

/// Entries that wait for the store, and what it said of those it took.
#[derive(Default)]
pub(crate) struct Source {
    state: Mutex<State>,
    told: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Bytes>,
    /// The writer to wake from within a call, and the entries to give it then.
    echo: Option<(Arc<dyn SegmentWriter>, VecDeque<Bytes>)>,
    taken: usize,
    next: u64,
    ended: Vec<(u64, Option<ErrorKind>)>,
    broken: Vec<ErrorKind>,
    calling: bool,
    wrong: Option<String>,
}

impl Source {
    /// How each entry ended, as soon as this many have.
    pub(crate) async fn ended(&self, count: usize) -> Vec<(u64, Option<ErrorKind>)> {
        self.wait(|state| state.ended.len() >= count).await.ended.clone()
    }

    /// How each entry ended so far.
    pub(crate) fn so_far(&self) -> Vec<(u64, Option<ErrorKind>)> {
        self.checked().ended.clone()
    }

    /// Why the segment takes no more, as soon as the store said it by any means.
    pub(crate) async fn cut_off(&self) -> ErrorKind {
        let state = self.wait(|state| state.cut_off().is_some()).await;
        state.cut_off().unwrap()
    }

    /// How often the store said that the segment broke.
    pub(crate) fn times_broken(&self) -> usize {
        self.checked().broken.len()
    }

    /// Lets each end of an entry add the next of these, from within the call.
    pub(crate) fn echo(&self, writer: Arc<dyn SegmentWriter>, entries: impl IntoIterator<Item = Bytes>) {
        self.state().echo = Some((writer, entries.into_iter().collect()));
    }

    pub(crate) fn forget_echo(&self) {
        let echo = self.state().echo.take();
        drop(echo);
    }

    fn put(&self, entry: Bytes) {
        self.state().waiting.push_back(entry);
    }

    async fn wait(&self, enough: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut told = self.told.subscribe();
        loop {
            if enough(&self.checked()) {
                return self.checked();
            }
            told.changed().await.unwrap();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if the store kept the rules so far.
    fn checked(&self) -> MutexGuard<'_, State> {
        let state = self.state();
        assert_eq!(state.wrong, None);
        state
    }

    /// One call of the store, during which there may be no other.
    fn call<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        if std::mem::replace(&mut state.calling, true) {
            state.wrong = Some("two calls at a time".to_owned());
        }
        let answer = change(&mut state);
        let echo = state.echo.as_ref().filter(|_| !state.waiting.is_empty());
        let echo = echo.map(|(writer, _)| writer.clone());
        drop(state);
        // Takes what locks the store may hold during the call.
        if let Some(writer) = echo {
            writer.wake();
        }
        self.state().calling = false;
        self.told.send_modify(|told| *told += 1);
        answer
    }
}

impl State {
    fn cut_off(&self) -> Option<ErrorKind> {
        let failed =
            self.ended.iter().filter_map(|(_, error)| *error).find(|kind| *kind != ErrorKind::StorageFull);
        failed.or(self.broken.first().copied())
    }

    fn settle(&mut self, entry: u64, error: Option<ErrorKind>) {
        if entry != self.next || self.ended.len() >= self.taken {
            self.wrong = Some(format!("entry {entry} of {} ended after {:?}", self.taken, self.ended));
        }
        if error.is_none() && self.cut_off().is_some() {
            self.wrong = Some(format!("entry {entry} is committed after {:?}", self.ended));
        }
        self.ended.push((entry, error));
        self.next += u64::from(error != Some(ErrorKind::StorageFull));
        if let Some(entry) = self.echo.as_mut().and_then(|(_, entries)| entries.pop_front()) {
            self.waiting.push_back(entry);
        }
    }
}

impl EntrySource for Source {
    fn next_entry(&self) -> Option<Bytes> {
        self.call(|state| {
            let entry = state.waiting.pop_front();
            state.taken += usize::from(entry.is_some());
            entry
        })
    }

    fn settled(&self, entry: u64, result: Result<()>) -> usize {
        let acknowledged = result.is_ok();
        self.call(|state| state.settle(entry, result.err().map(|error| error.kind())));
        usize::from(acknowledged)
    }

    fn broken(&self, error: Error) {
        self.call(|state| state.broken.push(error.kind()));
    }
}

/// A segment being written.
pub(crate) struct TestWriter {
    pub(crate) id: SegmentId,
    pub(crate) source: Arc<Source>,
    pub(crate) writer: Arc<dyn SegmentWriter>,
}

impl TestWriter {
    /// Starts a segment.
    pub(crate) async fn start(stores: &Stores) -> Self {
        let Allocation { id, start_ops } = stores.segments.allocate(LOG, &[]).await.unwrap();
        let source = Arc::new(Source::default());
        let writer = stores.segments.create(id, source.clone(), Replication::default()).await.unwrap();
        commit(&*stores.metadata, &start_ops).await;
        Self { id, source, writer }
    }

    /// Adds an entry without waiting for its end.
    pub(crate) fn put(&self, entry: impl Into<Bytes>) {
        self.source.put(entry.into());
        self.writer.wake();
    }

    /// Adds an entry as a caller that lends its thread.
    pub(crate) fn put_and_work(&self, entry: impl Into<Bytes>) {
        self.source.put(entry.into());
        self.writer.wake_and_work();
    }

    /// Adds the entries of these numbers, every third by a caller that lends its thread, and waits until all are committed.
    /// The last one is added when those before it are, so that a store that shows them at the next entry shows them.
    pub(crate) async fn append(&self, entries: std::ops::Range<u64>) {
        let before = self.source.so_far().len();
        let count = usize::try_from(entries.end - entries.start).unwrap();
        let last = entries.end.saturating_sub(1);
        for number in entries {
            if number == last {
                self.source.ended(before + count - 1).await;
            }
            match number % 3 {
                2 => self.put_and_work(entry(self.id, number)),
                _ => self.put(entry(self.id, number)),
            }
        }
        let ended = self.source.ended(before + count).await;
        assert!(ended[before..].iter().all(|(_, error)| error.is_none()), "{ended:?}");
    }
}

/// The log whose segments the cases write; its nodes are made by [`make_log`].
const LOG: &str = "/log/<default>";

/// Makes the nodes that a driver may need to give out segments.
pub(crate) async fn make_log(stores: &Stores) {
    let paths = ["/log", LOG, "/log/<default>/ledgers", "/log/<default>/allocation"];
    commit(&*stores.metadata, &paths.map(|path| crate::metadata::Op::create(path, ""))).await;
}

/// Completes a segment; answers its last entry.
pub(crate) async fn complete(stores: &Stores, closed: Closed) -> Option<u64> {
    commit(&*stores.metadata, &closed.complete_ops).await;
    closed.last_entry
}

/// What stands in an entry: different for each segment and number, up to some kilobytes.
pub(crate) fn entry(id: SegmentId, number: u64) -> Bytes {
    let length = usize::try_from(1 + number * 7_919 % 3_000).unwrap();
    format!("{id}/{number};").bytes().cycle().take(length.max(24)).collect::<Vec<u8>>().into()
}
