//! `dl.LogWatcher` and `dl.SegmentWatcher`.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use dl_core::{ErrorKind, LogChange, SegmentInfo};
use pyo3::prelude::*;
use tokio::sync::{Mutex, Notify};

use crate::delivery::{Delivery, Source, unless_given_back};
use crate::info;
use crate::input;
use crate::owned::Owned;
use crate::session::Session;
use crate::wait;

/// Tells of the logs below a prefix.
#[pyclass(frozen, module = "dl")]
pub(crate) struct LogWatcher(Owned<(Arc<Session>, Arc<Watching<dl_core::LogWatcher>>)>);

/// Tells of the segments of a log.
#[pyclass(frozen, module = "dl")]
pub(crate) struct SegmentWatcher(Owned<(Arc<Session>, Arc<Watching<dl_core::SegmentWatcher>>)>);

/// What the core's watchers have in common.
trait Watch: Send {
    type Told: Send;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<Self::Told>> + Send;
}

impl Watch for dl_core::LogWatcher {
    type Told = LogChange;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<LogChange>> + Send {
        self.next()
    }
}

impl Watch for dl_core::SegmentWatcher {
    type Told = Vec<SegmentInfo>;

    fn next(&mut self) -> impl Future<Output = dl_core::Result<Vec<SegmentInfo>>> + Send {
        self.next()
    }
}

struct Watching<W: Watch> {
    watcher: Mutex<W>,
    told: StdMutex<Told<W::Told>>,
    /// Wakes the call that waits when something is given back.
    given_back: Notify,
}

/// What a watcher told, by number.
struct Told<T> {
    count: u64,
    /// What was told to calls that were given up. It is told first.
    returned: BTreeMap<u64, T>,
}

impl<W: Watch> Watching<W> {
    fn new(watcher: W) -> Arc<Self> {
        let told = Told { count: 0, returned: BTreeMap::new() };
        Arc::new(Self { watcher: Mutex::new(watcher), told: StdMutex::new(told), given_back: Notify::new() })
    }

    /// What is told next; nothing, if it took longer.
    async fn next(self: Arc<Self>, wait: Option<Duration>) -> dl_core::Result<Option<Delivery<Self>>> {
        let next = async move {
            let told = self.again(&mut *self.watcher.lock().await).await?;
            Ok(Delivery::new(self, told))
        };
        wait::at_most(wait, next).await
    }

    /// What calls that were given up did not take, in the order in which it was told, or what is new.
    async fn again(&self, watcher: &mut W) -> dl_core::Result<(u64, W::Told)> {
        loop {
            if !self.told().returned.is_empty() {
                // Once the namespace is closed there is nothing any more.
                // An error of another kind comes again, behind what was told before it.
                match wait::at_once(watcher.next()).await {
                    Some(Err(error)) if error.kind() == ErrorKind::Closed => return Err(error),
                    Some(Ok(new)) => self.told().add_behind(new),
                    Some(Err(_)) | None => {}
                }
            }
            if let Some(again) = self.told().returned.pop_first() {
                return Ok(again);
            }
            if let Some(told) = unless_given_back(&self.given_back, watcher.next()).await {
                return Ok(self.told().numbered(told?));
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Told<W::Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Told<T> {
    fn numbered(&mut self, told: T) -> (u64, T) {
        self.count += 1;
        (self.count, told)
    }

    /// Keeps what is new until all that was told before it has been.
    fn add_behind(&mut self, new: T) {
        let (number, new) = self.numbered(new);
        self.returned.insert(number, new);
    }
}

impl<W: Watch> Source for Watching<W> {
    type Item = (u64, W::Told);

    fn take_back(&self, (number, told): (u64, W::Told)) {
        self.told().returned.insert(number, told);
        self.given_back.notify_one();
    }
}

impl LogWatcher {
    pub(crate) fn new(session: Arc<Session>, watcher: dl_core::LogWatcher) -> Self {
        Self(Owned::new((session, Watching::new(watcher))))
    }
}

impl SegmentWatcher {
    pub(crate) fn new(session: Arc<Session>, watcher: dl_core::SegmentWatcher) -> Self {
        Self(Owned::new((session, Watching::new(watcher))))
    }
}

#[pymethods]
impl LogWatcher {
    /// The next change; nothing, if it took longer.
    #[pyo3(signature = (wait = None))]
    fn next(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (wait, (session, watcher)) = (input::wait(wait)?, self.0.get()?);
        session.deliver(py, watcher.clone().next(wait), |py, told| told_or_none(py, told, info::change))
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }
}

#[pymethods]
impl SegmentWatcher {
    /// The segments, once they are others than those told last; nothing, if it took longer.
    #[pyo3(signature = (wait = None))]
    fn next(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (wait, (session, watcher)) = (input::wait(wait)?, self.0.get()?);
        session.deliver(py, watcher.clone().next(wait), |py, told| told_or_none(py, told, info::segments))
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }
}

fn told_or_none<W: Watch>(
    py: Python<'_>,
    told: Option<Delivery<Watching<W>>>,
    make: impl FnOnce(Python<'_>, W::Told) -> PyResult<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    told.map_or_else(|| Ok(py.None()), |told| told.give(py, |py, (_, told)| make(py, told)))
}
