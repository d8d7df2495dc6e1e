//! What is on its way from a reader or watcher to its caller, and goes back if nobody takes it.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use tokio::sync::Notify;

use crate::calls::Answer;
use crate::owned::Owned;

/// Where answers come from.
pub(crate) trait Source: Send + Sync {
    /// What one call is answered.
    type Item: Send;

    /// Takes it back: it is answered again in its order, whatever else comes back, and before what comes next.
    fn take_back(&self, item: Self::Item);

    /// It got to the caller.
    fn arrived(&self, _item: &Self::Item) {}
}

/// An answer; whoever drops it gives it back.
pub(crate) struct Delivery<S: Source> {
    item: Option<S::Item>,
    source: Arc<S>,
}

/// What comes next; `None` if something was given back meanwhile, which is served first.
pub(crate) async fn unless_given_back<T>(given_back: &Notify, next: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        next = next => Some(next),
        () = given_back.notified() => None,
    }
}

impl<S: Source> Delivery<S> {
    pub(crate) fn new(source: Arc<S>, item: S::Item) -> Self {
        Self { item: Some(item), source }
    }

    /// Turns it into an object. From here on it is the caller's.
    pub(crate) fn give(
        mut self,
        py: Python<'_>,
        make: impl FnOnce(Python<'_>, S::Item) -> PyResult<Py<PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let Some(item) = self.item.take() else { return Ok(py.None()) };
        self.source.arrived(&item);
        make(py, item)
    }
}

impl<S: Source> Drop for Delivery<S> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.source.take_back(item);
        }
    }
}

/// What a future of an event loop is answered with: the task that waits for it may be cancelled before it wakes up.
#[pyclass(frozen, module = "dl._dl")]
pub(crate) struct Given(Owned<Mutex<Option<Answer>>>);

impl Given {
    pub(crate) fn object(py: Python<'_>, answer: Answer) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Self(Owned::new(Mutex::new(Some(answer)))))?.into_any())
    }

    fn answer(&self) -> PyResult<Option<Answer>> {
        Ok(self.0.get()?.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

#[pymethods]
impl Given {
    /// The object, once.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.answer()?.map_or_else(|| Ok(py.None()), |answer| answer(py))
    }

    /// Gives it back.
    fn give_back(&self) -> PyResult<()> {
        self.answer().map(drop)
    }
}
