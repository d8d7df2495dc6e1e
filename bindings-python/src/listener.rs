//! What an event loop calls: when the descriptor of its calls was rung, and when the future of one is done.

use std::sync::{Arc, Weak};

use pyo3::intern;
use pyo3::prelude::*;

use crate::bell::Bell;
use crate::calls::Core;
use crate::owned::Owned;

/// Looks at the calls that were woken, and ends the listening when there will be none any more.
#[pyclass(frozen, module = "dl._dl")]
pub(crate) struct Listener(Owned<(Weak<Core>, Arc<Bell>)>);

impl Listener {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self(Owned::new((Arc::downgrade(core), core.bell.clone())))
    }
}

#[pymethods]
impl Listener {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let Some((core, bell)) = self.0.here() else { return Ok(()) };
        if let Some(core) = core.upgrade() {
            return core.look(py);
        }
        if let Some(descriptor) = bell.fileno() {
            let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
            event_loop.call_method1("remove_reader", (descriptor,))?;
            bell.close();
        }
        Ok(())
    }
}

impl Drop for Listener {
    /// A loop that was closed looks at nothing any more: calls in flight, which keep their futures and are kept by them, go too.
    fn drop(&mut self) {
        let Some(core) = self.0.here().and_then(|(core, _)| core.upgrade()) else { return };
        Python::try_attach(|py| {
            let closed = core.event_loop.bind(py).call_method0(intern!(py, "is_closed"));
            if closed.and_then(|closed| closed.is_truthy()).unwrap_or(false) {
                core.forget();
            }
        });
    }
}

/// Drops a call whose future was cancelled.
#[pyclass(frozen, module = "dl._dl")]
pub(crate) struct Cancel {
    number: u64,
    core: Owned<Arc<Core>>,
}

impl Cancel {
    pub(crate) fn new(number: u64, core: &Arc<Core>) -> Self {
        Self { number, core: Owned::new(core.clone()) }
    }
}

#[pymethods]
impl Cancel {
    fn __call__(&self, _future: &Bound<'_, PyAny>) {
        if let Some(core) = self.core.here() {
            core.forget_one(self.number);
        }
    }
}
