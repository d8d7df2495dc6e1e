//! `dl.Cursor`.

use std::sync::Arc;

use pyo3::prelude::*;

use crate::dlsn;
use crate::owned::Owned;
use crate::session::Session;

/// A place in a log that is kept with it, by name.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Cursor {
    inner: Owned<(Arc<Session>, dl_core::Cursor)>,
}

impl Cursor {
    pub(crate) fn new(session: Arc<Session>, cursor: dl_core::Cursor) -> Self {
        Self { inner: Owned::new((session, cursor)) }
    }

    fn parts(&self) -> PyResult<(&Arc<Session>, dl_core::Cursor)> {
        let (session, cursor) = self.inner.get()?;
        Ok((session, cursor.clone()))
    }
}

#[pymethods]
impl Cursor {
    #[getter]
    fn name(&self) -> PyResult<String> {
        Ok(self.inner.get()?.1.name().to_string())
    }

    fn position(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, cursor) = self.parts()?;
        session.call(py, async move { cursor.position().await }, dlsn::optional)
    }

    fn advance(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given("advance", to)?, self.parts()?);
        session.call(py, async move { cursor.advance(to).await }, dlsn::object)
    }

    fn reset(&self, py: Python<'_>, to: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (to, (session, cursor)) = (dlsn::given("reset", to)?, self.parts()?);
        session.act(py, async move { cursor.reset(to).await })
    }

    fn delete(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (session, cursor) = self.parts()?;
        session.act(py, async move { cursor.delete().await })
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("<dl.Cursor {}>", self.name()?))
    }
}
