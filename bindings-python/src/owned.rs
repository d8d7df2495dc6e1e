//! Values that belong to the process that made them.

use std::mem::ManuallyDrop;
use std::process;

use pyo3::PyResult;

use crate::error;

/// A value that a forked child neither uses nor drops: the threads that it counts on are the parent's.
pub(crate) struct Owned<T> {
    value: ManuallyDrop<T>,
    process: u32,
}

impl<T> Owned<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), process: process::id() }
    }

    /// The value.
    ///
    /// # Errors
    /// `closed`, in a forked child.
    pub(crate) fn get(&self) -> PyResult<&T> {
        if self.process == process::id() { Ok(&self.value) } else { Err(error::forked()) }
    }

    /// The value, if this is its process.
    pub(crate) fn here(&self) -> Option<&T> {
        (self.process == process::id()).then_some(&*self.value)
    }
}

impl<T> Drop for Owned<T> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        if self.process == process::id() {
            // SAFETY: this is the only place that drops it, and it is not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}
