//! `dl.LogWatcher` and `dl.SegmentWatcher`.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use dl_core::{LogChange, SegmentInfo};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::delivery::{Delivery, Source};
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
    /// What was told to a call that was given up.
    returned: StdMutex<VecDeque<W::Told>>,
}

impl<W: Watch> Watching<W> {
    fn new(watcher: W) -> Arc<Self> {
        Arc::new(Self { watcher: Mutex::new(watcher), returned: StdMutex::default() })
    }

    /// What is told next; nothing, if it took longer.
    async fn next(self: Arc<Self>, wait: Option<Duration>) -> dl_core::Result<Option<Delivery<Self>>> {
        let next = async move {
            let mut watcher = self.watcher.lock().await;
            let returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let told = match returned {
                Some(told) => told,
                None => watcher.next().await?,
            };
            drop(watcher);
            Ok(Delivery::new(self, told))
        };
        wait::at_most(wait, next).await
    }
}

impl<W: Watch> Source for Watching<W> {
    type Item = W::Told;

    fn take_back(&self, told: W::Told) {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).push_front(told);
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
    told.map_or_else(|| Ok(py.None()), |told| told.give(py, make))
}
