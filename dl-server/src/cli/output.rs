//! Standard output: buffered, one shape for people and one for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use super::failure::{Failure, Result};

const BUFFER_BYTES: usize = 256 * 1024;

/// Standard output. Nothing reaches it before [`flush`](Self::flush), unless much is written.
pub(crate) struct Output {
    stream: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { stream: BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock()), json }
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).map_err(Failure::output)
    }

    /// Writes a line for people, or this object for programs.
    pub(crate) fn item<T: Serialize>(
        &mut self,
        line: impl Display,
        object: impl FnOnce() -> T,
    ) -> Result<()> {
        if self.json {
            self.object(&object())
        } else {
            writeln!(self.stream, "{line}").map_err(Failure::output)
        }
    }

    /// Writes an object on a line of its own.
    pub(crate) fn object(&mut self, object: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.stream, object).map_err(|error| Failure::output(error.into()))?;
        self.bytes(b"\n")
    }

    /// Hands what was written on.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.flush().map_err(Failure::output)
    }
}
