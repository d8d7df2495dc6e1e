//! `dl.ByteWriter`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::Mutex;

use crate::owned::Owned;
use crate::session::Session;
use crate::writer::error_object;
use crate::{input, wait};

/// Writes a log as a stream of bytes.
#[pyclass(frozen, module = "dl")]
pub(crate) struct ByteWriter(Owned<(Arc<Session>, Arc<Writing>)>);

struct Writing {
    writer: Mutex<dl_core::ByteWriter>,
    /// Ends it under a call that has it.
    abort: Box<dyn Fn() + Send + Sync>,
    /// How far it is, whatever call has it.
    position: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl ByteWriter {
    pub(crate) fn object(
        py: Python<'_>,
        session: Arc<Session>,
        writer: dl_core::ByteWriter,
    ) -> PyResult<Py<PyAny>> {
        let position = Box::new(writer.locator());
        let abort = Box::new(writer.aborter());
        let writing = Arc::new(Writing { writer: Mutex::new(writer), abort, position });
        Ok(Py::new(py, Self(Owned::new((session, writing))))?.into_any())
    }
}

#[pymethods]
impl ByteWriter {
    /// Takes all of the bytes, and answers with the offset behind them.
    fn write(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (data, (session, writing)) = (input::bytes_of("data", data)?, self.0.get()?);
        let writing = writing.clone();
        let write = async move {
            let mut writer = writing.writer.lock().await;
            writer.write(data).await?;
            Ok(writer.position())
        };
        session.quick_call(py, write, |py, position| Ok(position.into_pyobject(py)?.into_any().unbind()))
    }

    fn flush(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move { writing.writer.lock().await.flush().await })
    }

    fn seal(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move { writing.writer.lock().await.seal().await })
    }

    fn close(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, writing) = self.0.get()?;
        let writing = writing.clone();
        session.act(py, async move { writing.writer.lock().await.close().await })
    }

    fn abort(&self) -> PyResult<()> {
        (self.0.get()?.1.abort)();
        Ok(())
    }

    #[getter]
    fn position(&self) -> PyResult<u64> {
        Ok((self.0.get()?.1.position)())
    }

    #[pyo3(signature = (wait = None))]
    fn fenced(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (wait, (session, writing)) = (input::wait(wait)?, self.0.get()?);
        let writing = writing.clone();
        let ended = async move {
            let ended = writing.writer.lock().await.fenced();
            // Who waits does not keep the writer.
            drop(writing);
            Ok(ended.await)
        };
        session.call(py, wait::at_most(wait, ended), error_object)
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*exception))]
    fn __exit__(&self, py: Python<'_>, exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        wait::end(exception, self.close(py))
    }
}
