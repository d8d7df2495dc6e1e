//! What the handles of one open namespace share: its runtime, and how its calls are waited for.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use dl_core::{Error, ErrorKind};
use pyo3::prelude::*;

use crate::calls::Core;
use crate::delivery::Given;
use crate::error::raised;
use crate::events::Hook;
use crate::runtime::Runtime;
use crate::wait::{self, Looking};

/// See the module.
pub(crate) struct Session {
    /// Gone once the namespace was closed.
    runtime: Mutex<Option<Arc<Runtime>>>,
    /// That of a closing that was interrupted, which the next one goes on with.
    interrupted: Mutex<Option<Arc<Runtime>>>,
    hook: Hook,
    /// Those of the event loop, for `dl.aio`; otherwise the caller's thread waits.
    calls: Option<Arc<Core>>,
    on_disk: bool,
    /// For what is appended.
    looking: Looking,
    namespace: OnceLock<dl_core::Namespace>,
}

/// Turns what a call answers into an object.
pub(crate) trait Convert<T>: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static {}

impl<T, F: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static> Convert<T> for F {}

impl Session {
    /// For one namespace, which is about to be opened.
    pub(crate) fn new(calls: Option<Arc<Core>>, uri: &str) -> dl_core::Result<Arc<Self>> {
        let runtime = Mutex::new(Some(Runtime::shared()?));
        let on_disk = uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
        let (looking, namespace) = (Looking::default(), OnceLock::new());
        let (interrupted, hook) = (Mutex::default(), Hook::default());
        Ok(Arc::new(Self { runtime, interrupted, hook, calls, on_disk, looking, namespace }))
    }

    /// Who is told of events, until the namespace is closed.
    pub(crate) fn hook(&self) -> &Hook {
        &self.hook
    }

    /// Notes the namespace that was opened.
    pub(crate) fn opened(&self, namespace: dl_core::Namespace) {
        // There is one only.
        let _first = self.namespace.set(namespace);
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> PyResult<dl_core::Namespace> {
        self.namespace.get().cloned().ok_or_else(|| Python::attach(|py| raised(py, &closed())))
    }

    /// The runtime, while the namespace is open, for a call that may begin here.
    pub(crate) fn runtime(&self, py: Python<'_>) -> PyResult<Arc<Runtime>> {
        self.check(py)?;
        self.runtime_if_open().ok_or_else(|| raised(py, &closed()))
    }

    /// As [`runtime`](Self::runtime), for a call that has this name in errors.
    pub(crate) fn runtime_during(&self, py: Python<'_>, operation: &'static str) -> PyResult<Arc<Runtime>> {
        self.check(py)?;
        self.runtime_if_open().ok_or_else(|| raised(py, &closed().during(operation)))
    }

    /// The runtime, while the namespace is open, and the call; otherwise the call says itself what fails.
    fn runtime_for<T, F>(&self, py: Python<'_>, call: F) -> PyResult<(Arc<Runtime>, F)>
    where
        F: Future<Output = dl_core::Result<T>>,
    {
        self.check(py)?;
        match self.runtime_if_open() {
            Some(runtime) => Ok((runtime, call)),
            None => Err(raised(py, &refusal(call))),
        }
    }

    fn runtime_if_open(&self) -> Option<Arc<Runtime>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the namespace was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.runtime_if_open().is_none()
    }

    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.calls.as_ref().map_or(Ok(()), |calls| calls.check(py))
    }

    /// Closes the namespace, and ends the runtime if it was the last one. A second time it does nothing.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.check(py)?;
        let namespace = self.namespace.get().cloned();
        let (Some(runtime), Some(namespace)) = (self.take_for_closing(), namespace) else {
            return match &self.calls {
                None => Ok(py.None()),
                Some(calls) => calls.done(py),
            };
        };
        let handle = runtime.handle().clone();
        let close = async move { namespace.close().await };
        match &self.calls {
            None => {
                let closed = match wait::until(py, &handle, close) {
                    Ok(closed) => closed,
                    Err(signal) => {
                        *self.interrupted.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime);
                        return Err(signal);
                    }
                };
                py.detach(|| drop(runtime));
                self.hook.let_go();
                closed.map_err(|error| raised(py, &error))?;
                Ok(py.None())
            }
            Some(calls) => {
                let hook = self.hook.clone();
                calls.spawn(py, &handle, close, move |py, ()| {
                    py.detach(|| drop(runtime));
                    hook.let_go();
                    Ok(py.None())
                })
            }
        }
    }

    /// The runtime, once: nobody gets it any more.
    fn take_runtime(&self) -> Option<Arc<Runtime>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The same, or that of a closing that was interrupted.
    fn take_for_closing(&self) -> Option<Arc<Runtime>> {
        let interrupted = || self.interrupted.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.take_runtime().or_else(interrupted)
    }

    /// Whether the thread of a caller that waits for an append may write and sync itself.
    pub(crate) fn lends_threads(&self) -> bool {
        self.on_disk && self.calls.is_none()
    }

    /// Those of the event loop, if there is one.
    pub(crate) fn calls(&self) -> Option<&Arc<Core>> {
        self.calls.as_ref()
    }

    /// Does a call: waits for what it answers, or answers with a future.
    pub(crate) fn call<T, F>(
        &self,
        py: Python<'_>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        let (runtime, future) = self.runtime_for(py, future)?;
        match &self.calls {
            None => {
                let answer = wait::until(py, runtime.handle(), future)?;
                convert(py, answer.map_err(|error| raised(py, &error))?)
            }
            Some(calls) => calls.spawn(py, runtime.handle(), future, convert),
        }
    }

    /// Does a call that seldom waits, and takes its place before this returns.
    pub(crate) fn quick_call<T, F>(
        &self,
        py: Python<'_>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        self.begin(py, None, future, convert)
    }

    /// As [`quick_call`](Self::quick_call), for appends, of which one alone is done soon where nothing is slow.
    pub(crate) fn append<T, F>(
        &self,
        py: Python<'_>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        self.begin(py, Some(&self.looking), future, convert)
    }

    fn begin<T, F>(
        &self,
        py: Python<'_>,
        looking: Option<&Looking>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        let (runtime, future) = self.runtime_for(py, future)?;
        match &self.calls {
            None => {
                let answer = wait::quickly(py, runtime.handle(), future, looking)?;
                convert(py, answer.map_err(|error| raised(py, &error))?)
            }
            Some(calls) => calls.start(py, runtime.handle(), looking, future, convert),
        }
    }

    /// As [`quick_call`](Self::quick_call), for answers that go back where they came from if nobody takes them. On an event loop
    /// the future is of a [`Given`].
    pub(crate) fn deliver<T, F>(
        &self,
        py: Python<'_>,
        future: F,
        convert: impl Convert<T>,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = dl_core::Result<T>> + Send + 'static,
    {
        if self.calls.is_none() {
            return self.quick_call(py, future, convert);
        }
        self.quick_call(py, future, |py, answer| {
            Given::object(py, Box::new(move |py: Python<'_>| convert(py, answer)))
        })
    }

    /// As [`call`](Self::call), for calls that answer nothing.
    pub(crate) fn act<F>(&self, py: Python<'_>, future: F) -> PyResult<Py<PyAny>>
    where
        F: Future<Output = dl_core::Result<()>> + Send + 'static,
    {
        self.call(py, future, |py, ()| Ok(py.None()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(runtime) = self.take_for_closing() else { return };
        if let Some(namespace) = self.namespace.take() {
            // Nobody closed it: that is done now, beside whoever dropped it.
            let handle = runtime.handle().clone();
            handle.spawn(async move {
                // There is nobody to tell.
                let _closed = namespace.close().await;
                drop(runtime);
            });
        } else {
            // It was never opened. A thread of the runtime may be waiting for Python's lock, to tell of an event.
            let mut runtime = Some(runtime);
            Python::try_attach(|py| py.detach(|| drop(runtime.take())));
        }
    }
}

/// What a call on a closed namespace fails with. It has nothing to wait for, and knows its name.
fn refusal<T>(call: impl Future<Output = dl_core::Result<T>>) -> Error {
    // Without descriptors and threads.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    match runtime.ok().and_then(|runtime| wait::try_once(runtime.handle(), call)) {
        Some(Err(error)) => error,
        Some(Ok(_)) | None => closed(),
    }
}

/// What calls on a closed namespace fail with.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the namespace was closed; open it again")
}
