//! `dl.LogWatcher` and `dl.SegmentWatcher`.

use std::sync::Arc;

use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::info;
use crate::input;
use crate::owned::Owned;
use crate::session::{Convert, Session};
use crate::wait;

/// Tells of the logs below a prefix.
#[pyclass(frozen, module = "dl")]
pub(crate) struct LogWatcher(Owned<(Arc<Session>, Arc<Mutex<dl_core::LogWatcher>>)>);

/// Tells of the segments of a log.
#[pyclass(frozen, module = "dl")]
pub(crate) struct SegmentWatcher(Owned<(Arc<Session>, Arc<Mutex<dl_core::SegmentWatcher>>)>);

impl LogWatcher {
    pub(crate) fn new(session: Arc<Session>, watcher: dl_core::LogWatcher) -> Self {
        Self(Owned::new((session, Arc::new(Mutex::new(watcher)))))
    }
}

impl SegmentWatcher {
    pub(crate) fn new(session: Arc<Session>, watcher: dl_core::SegmentWatcher) -> Self {
        Self(Owned::new((session, Arc::new(Mutex::new(watcher)))))
    }
}

#[pymethods]
impl LogWatcher {
    /// The next change; nothing, if it took longer.
    #[pyo3(signature = (wait = None))]
    fn next(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (wait, (session, watcher)) = (input::wait(wait)?, self.0.get()?);
        let watcher = watcher.clone();
        let next = wait::at_most(wait, async move { watcher.lock().await.next().await });
        session.quick_call(py, next, or_none(info::change))
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
        let watcher = watcher.clone();
        let next = wait::at_most(wait, async move { watcher.lock().await.next().await });
        session.quick_call(py, next, or_none(info::segments))
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.next(py, None)
    }
}

fn or_none<T>(convert: impl Convert<T>) -> impl Convert<Option<T>> {
    move |py: Python<'_>, value: Option<T>| match value {
        None => Ok(py.None()),
        Some(value) => convert(py, value),
    }
}
