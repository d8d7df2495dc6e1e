//! `dl._dl`: the native half of the Python package `dl`. It translates and waits; what a log is, the core knows.
//!
//! Every handle has two faces. Those of `dl` wait on the calling thread, with Python's lock let go (`wait`); those of
//! `dl.aio` answer with futures of an asyncio event loop (`calls`). Which one it is, the [`session`] of the handle says.
//!
//! No thread of ours runs Python but to tell of events, which ends before Python does: results are turned into objects by
//! the thread that waits for them. So a Python that ends while calls are in flight has nothing to wait for.
#![allow(clippy::needless_pass_by_value, reason = "arguments from Python come by value")]

mod ahead;
mod arguments;
mod batch;
mod bell;
mod byte_reader;
mod byte_writer;
mod calls;
mod cursor;
mod delivery;
mod dlsn;
mod error;
mod events;
mod info;
mod input;
mod listener;
mod log;
mod namespace;
mod options;
mod owned;
mod payload;
mod preparing;
mod reader;
mod reading;
mod record;
mod runtime;
mod session;
mod task;
mod ticket;
mod wait;
mod watcher;
mod writer;

/// What `dl` and `dl.aio` are made of.
#[pyo3::pymodule(gil_used = false)]
mod _dl {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::batch::{Receipts, Records};
    #[pymodule_export]
    use crate::byte_reader::ByteReader;
    #[pymodule_export]
    use crate::byte_writer::ByteWriter;
    #[pymodule_export]
    use crate::calls::Calls;
    #[pymodule_export]
    use crate::cursor::Cursor;
    #[pymodule_export]
    use crate::delivery::Given;
    #[pymodule_export]
    use crate::dlsn::Dlsn;
    #[pymodule_export]
    use crate::log::Log;
    #[pymodule_export]
    use crate::namespace::{Namespace, file_uri, inspect, open, verify};
    #[pymodule_export]
    use crate::payload::Payload;
    #[pymodule_export]
    use crate::reader::Reader;
    #[pymodule_export]
    use crate::record::{Receipt, Record};
    #[pymodule_export]
    use crate::ticket::Ticket;
    #[pymodule_export]
    use crate::watcher::{LogWatcher, SegmentWatcher};
    #[pymodule_export]
    use crate::writer::Writer;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // What is imported when it is first needed fails where there is no descriptor left.
        for name in ["datetime", "threading", "dl.types", "dl.events"] {
            module.py().import(name)?;
        }
        let end = wrap_pyfunction!(crate::events::end_telling, module)?;
        module.py().import("atexit")?.call_method1("register", (end,))?;
        Ok(())
    }
}
