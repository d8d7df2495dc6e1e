//! `dl.Ticket`: an append on its way.

use std::sync::{Arc, OnceLock};

use dl_core::{Error, ErrorKind, Receipt};
use pyo3::prelude::*;
use tokio::sync::Mutex;

use crate::error::raised;
use crate::input;
use crate::owned::Owned;
use crate::record::receipt;
use crate::session::Session;
use crate::wait;

/// Gets the receipt of one append.
#[pyclass(frozen, module = "dl")]
pub(crate) struct Ticket(Owned<Inner>);

struct Inner {
    session: Arc<Session>,
    waiting: Arc<Waiting>,
}

struct Waiting {
    ticket: Mutex<dl_core::Ticket>,
    settled: OnceLock<dl_core::Result<Receipt>>,
}

impl Ticket {
    /// A ticket; on an event loop, a future of it.
    pub(crate) fn object(
        py: Python<'_>,
        session: &Arc<Session>,
        ticket: dl_core::Ticket,
    ) -> PyResult<Py<PyAny>> {
        if session.calls().is_some() {
            return session.quick_call(py, ticket, receipt);
        }
        let waiting = Arc::new(Waiting { ticket: Mutex::new(ticket), settled: OnceLock::new() });
        let inner = Inner { session: session.clone(), waiting };
        Ok(Py::new(py, Self(Owned::new(inner)))?.into_any())
    }
}

impl Waiting {
    async fn receipt(&self) -> dl_core::Result<Receipt> {
        let mut ticket = self.ticket.lock().await;
        if let Some(settled) = self.settled.get() {
            return settled.clone();
        }
        let receipt = (&mut *ticket).await;
        self.settled.get_or_init(|| receipt).clone()
    }
}

#[pymethods]
impl Ticket {
    /// The receipt; waits for it.
    #[pyo3(signature = (wait = None))]
    fn result(&self, py: Python<'_>, wait: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let (inner, wait) = (self.0.get()?, input::wait(wait)?);
        if let Some(settled) = inner.waiting.settled.get() {
            return receipt(py, settled.clone().map_err(|error| raised(py, &error))?);
        }
        let waiting = inner.waiting.clone();
        let ask = wait::at_most(wait, async move { waiting.receipt().await });
        inner.session.quick_call(py, ask, |py, answer| match answer {
            Some(answer) => receipt(py, answer),
            None => {
                let error = Error::new(ErrorKind::Timeout, "the append is not acknowledged yet; it may be");
                Err(raised(py, &error.maybe_effective()))
            }
        })
    }

    /// Whether it is settled, one way or the other.
    fn done(&self, py: Python<'_>) -> PyResult<bool> {
        let inner = self.0.get()?;
        if inner.waiting.settled.get().is_none() && !inner.session.is_closed() {
            let runtime = inner.session.runtime(py)?;
            wait::try_once(runtime.handle(), inner.waiting.receipt());
        }
        Ok(inner.waiting.settled.get().is_some())
    }
}
