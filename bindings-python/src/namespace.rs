//! `dl.Namespace`, and what needs none that is open.

use std::sync::Arc;

use dl_core::{LogName, Options};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arguments::{Number, Place, Text};
use crate::calls::Calls;
use crate::error::{invalid, raised};
use crate::events;
use crate::info;
use crate::log::Log;
use crate::options;
use crate::owned::Owned;
use crate::session::{Convert, Session};
use crate::watcher::LogWatcher;

/// An open namespace.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Namespace {
    session: Owned<Arc<Session>>,
    uri: String,
}

/// Opens a namespace, for the calling threads or for an event loop.
#[pyfunction]
#[pyo3(signature = (uri, given = None, calls = None, on_event = None))]
pub(crate) fn open(
    py: Python<'_>,
    uri: Text,
    given: Option<&Bound<'_, PyDict>>,
    calls: Option<&Bound<'_, Calls>>,
    on_event: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let (uri, options) = (uri.into_string(), namespace_options(given)?);
    let calls = calls.map(|calls| calls.get().core()).transpose()?;
    if let Some(function) = on_event.as_ref().map(|function| function.bind(py))
        && !function.is_callable()
    {
        let kind = function.get_type().name()?;
        let message = format!("on_event is called with each event: a {kind} cannot be");
        return Err(PyTypeError::new_err(message));
    }
    let session = Session::new(calls, &uri).map_err(|error| raised(py, &error))?;
    let hook = on_event.map(|function| session.hook().told_by(function));
    let (opening, address) = (session.clone(), uri.clone());
    let open = async move {
        let tell = move |event: &dl_core::Event| events::tell(hook.as_ref(), event);
        let namespace = dl_core::Namespace::open_with_events(&address, options, tell).await?;
        opening.opened(namespace);
        Ok(opening)
    };
    session.call(py, open, |py, session| {
        let namespace = Namespace { session: Owned::new(session), uri };
        Ok(Py::new(py, namespace)?.into_any())
    })
}

/// Reads every byte of a namespace and says what is not as it was written.
#[pyfunction]
#[pyo3(signature = (uri, log = None, given = None, calls = None))]
pub(crate) fn verify(
    py: Python<'_>,
    uri: Text,
    log: Option<Text>,
    given: Option<&Bound<'_, PyDict>>,
    calls: Option<&Bound<'_, Calls>>,
) -> PyResult<Py<PyAny>> {
    let options = namespace_options(given)?;
    let log = log.map(|log| name(py, &log)).transpose()?;
    let verify = async move { dl_core::Namespace::verify(&uri, options, log.as_ref()).await };
    alone(py, calls, verify, info::verification)
}

/// What the namespace is, without opening it.
#[pyfunction]
#[pyo3(signature = (uri, given = None, calls = None))]
pub(crate) fn inspect(
    py: Python<'_>,
    uri: Text,
    given: Option<&Bound<'_, PyDict>>,
    calls: Option<&Bound<'_, Calls>>,
) -> PyResult<Py<PyAny>> {
    let options = namespace_options(given)?;
    let inspect = async move { dl_core::Namespace::inspect(&uri, options).await };
    alone(py, calls, inspect, info::namespace)
}

/// The URI of the namespace directory at this absolute path.
#[pyfunction]
pub(crate) fn file_uri(py: Python<'_>, path: Place) -> PyResult<String> {
    dl_core::file_uri(&path.0).map_err(|error| raised(py, &error))
}

/// Does a call that belongs to no open namespace, for the calling thread or for an event loop.
fn alone<T: Send + 'static>(
    py: Python<'_>,
    calls: Option<&Bound<'_, Calls>>,
    call: impl Future<Output = dl_core::Result<T>> + Send + 'static,
    convert: impl Convert<T>,
) -> PyResult<Py<PyAny>> {
    let calls = calls.map(|calls| calls.get().core()).transpose()?;
    let session = Session::new(calls, "").map_err(|error| raised(py, &error))?;
    // What the call runs on is there as long as the call.
    let kept = session.clone();
    session.call(py, call, move |py, answer| {
        let answer = convert(py, answer);
        drop(kept);
        answer
    })
}

fn namespace_options(given: Option<&Bound<'_, PyDict>>) -> PyResult<Options> {
    let mut options = Options::default();
    options::set_each(given, |name, value| options.set(name, value))?;
    Ok(options)
}

/// A path; that of all logs, if it was not given.
fn prefix_of(prefix: Option<Text>) -> String {
    prefix.map_or_else(String::new, Text::into_string)
}

/// The name of a log.
pub(crate) fn name(py: Python<'_>, name: &str) -> PyResult<LogName> {
    LogName::new(name).map_err(|error| raised(py, &error))
}

#[pymethods]
impl Namespace {
    #[getter]
    fn uri(&self) -> &str {
        &self.uri
    }

    #[getter]
    fn closed(&self) -> bool {
        self.session.here().is_none_or(|session| session.is_closed())
    }

    fn create_log(&self, py: Python<'_>, log: Text) -> PyResult<Py<PyAny>> {
        let (namespace, name, session) = (self.namespace()?, name(py, &log)?, self.session.get()?.clone());
        let create = async move {
            namespace.create_log(&name).await?;
            Ok(namespace.log(&name))
        };
        self.session.get()?.call(py, create, move |py, log| Log::object(py, session, log))
    }

    fn open_log(&self, py: Python<'_>, log: Text) -> PyResult<Py<PyAny>> {
        let (namespace, name, session) = (self.namespace()?, name(py, &log)?, self.session.get()?.clone());
        let open = async move { namespace.open_log(&name).await };
        self.session.get()?.call(py, open, move |py, log| Log::object(py, session, log))
    }

    fn log(&self, py: Python<'_>, log: Text) -> PyResult<Py<PyAny>> {
        let log = self.namespace()?.log(&name(py, &log)?);
        Log::object(py, self.session.get()?.clone(), log)
    }

    fn delete_log(&self, py: Python<'_>, log: Text) -> PyResult<Py<PyAny>> {
        let (namespace, name) = (self.namespace()?, name(py, &log)?);
        self.session.get()?.act(py, async move { namespace.delete_log(&name).await })
    }

    fn rename_log(&self, py: Python<'_>, log: Text, to: Text) -> PyResult<Py<PyAny>> {
        let (namespace, from, to) = (self.namespace()?, name(py, &log)?, name(py, &to)?);
        self.session.get()?.act(py, async move { namespace.rename_log(&from, &to).await })
    }

    fn log_exists(&self, py: Python<'_>, log: Text) -> PyResult<Py<PyAny>> {
        let (namespace, name) = (self.namespace()?, name(py, &log)?);
        self.session.get()?.call(py, async move { namespace.log_exists(&name).await }, |py, there| {
            Ok(there.into_pyobject(py)?.to_owned().into_any().unbind())
        })
    }

    #[pyo3(signature = (prefix = None, *, after = None, limit = None))]
    fn list_logs(
        &self,
        py: Python<'_>,
        prefix: Option<Text>,
        after: Option<Text>,
        limit: Option<Number<i64>>,
    ) -> PyResult<Py<PyAny>> {
        let (namespace, prefix) = (self.namespace()?, prefix_of(prefix));
        let after = after.map(|after| name(py, &after)).transpose()?;
        let limit = match limit {
            None => usize::MAX,
            Some(Number(limit)) => usize::try_from(limit)
                .map_err(|_| invalid(py, format!("limit is {limit}; it is a number from 0")))?,
        };
        let list = async move { namespace.list_logs(&prefix, after.as_ref(), limit).await };
        self.session.get()?.call(py, list, |py, names| {
            Ok(PyList::new(py, names.iter().map(LogName::as_str))?.into_any().unbind())
        })
    }

    #[pyo3(signature = (prefix = None))]
    fn watch_logs(&self, py: Python<'_>, prefix: Option<Text>) -> PyResult<LogWatcher> {
        let session = self.session.get()?;
        let runtime = session.runtime_during(py, "watch_logs")?;
        let _entered = runtime.handle().enter();
        let watcher =
            session.namespace()?.watch_logs(&prefix_of(prefix)).map_err(|error| raised(py, &error))?;
        Ok(LogWatcher::new(session.clone(), watcher))
    }

    #[pyo3(signature = (*, by_log = false))]
    fn metrics(&self, py: Python<'_>, by_log: bool) -> PyResult<Py<PyAny>> {
        let namespace = self.namespace()?;
        let take = async move {
            Ok(if by_log { namespace.metrics_by_log().await } else { namespace.metrics().await })
        };
        self.session.get()?.call(py, take, info::metrics)
    }

    /// A second time it does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.session.get()?.close(py)
    }

    /// As a closed file: no call in the block could do anything.
    fn __enter__(slf: Py<Self>, py: Python<'_>) -> PyResult<Py<Self>> {
        slf.get().session.get()?.runtime(py)?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py).map(drop)
    }

    fn __repr__(&self) -> String {
        format!("<dl.Namespace {}>", self.uri)
    }
}

impl Namespace {
    fn namespace(&self) -> PyResult<dl_core::Namespace> {
        self.session.get()?.namespace()
    }
}
