//! Bytes that were read from a stream and that no call has taken.

use std::collections::BTreeMap;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Chunks in the order of the log, in whatever order they came here.
#[derive(Default)]
pub(crate) struct Ahead {
    /// By the offset of the first byte. None is empty.
    chunks: BTreeMap<u64, Bytes>,
    count: usize,
}

impl Ahead {
    /// How many bytes there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The offset of the first one.
    pub(crate) fn start(&self) -> Option<u64> {
        self.chunks.first_key_value().map(|(offset, _)| *offset)
    }

    /// Adds what begins at an offset.
    pub(crate) fn add(&mut self, offset: u64, chunk: Bytes) {
        if !chunk.is_empty() {
            self.count += chunk.len();
            self.chunks.insert(offset, chunk);
        }
    }

    /// Adds all that was taken elsewhere.
    pub(crate) fn add_all(&mut self, other: Self) {
        for (offset, chunk) in other.chunks {
            self.add(offset, chunk);
        }
    }

    /// Takes the first bytes, at most so many, and no more than follow one another.
    pub(crate) fn take(&mut self, most: usize) -> Self {
        let mut taken = Self::default();
        let mut end = self.start();
        while taken.count < most
            && end == self.start()
            && let Some((offset, mut chunk)) = self.take_chunk()
        {
            let rest = chunk.split_off(chunk.len().min(most - taken.count));
            end = Some(offset + chunk.len() as u64);
            self.add(offset + chunk.len() as u64, rest);
            taken.add(offset, chunk);
        }
        taken
    }

    /// Takes the first chunk, and where it begins.
    pub(crate) fn take_chunk(&mut self) -> Option<(u64, Bytes)> {
        let (offset, chunk) = self.chunks.pop_first()?;
        self.count -= chunk.len();
        Some((offset, chunk))
    }

    /// All of them, as Python's bytes.
    pub(crate) fn object(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let bytes = PyBytes::new_with(py, self.count, |mut place| {
            for chunk in self.chunks.values() {
                let (here, rest) = place.split_at_mut(chunk.len());
                here.copy_from_slice(chunk);
                place = rest;
            }
            Ok(())
        })?;
        Ok(bytes.into_any().unbind())
    }
}

impl From<(u64, Bytes)> for Ahead {
    fn from((offset, chunk): (u64, Bytes)) -> Self {
        let mut one = Self::default();
        one.add(offset, chunk);
        one
    }
}
