//! Standard output: buffered, one shape for people and one for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;
#[cfg(unix)]
use tokio::{io::Interest, net::unix::pipe};

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

/// Whoever reads standard output, while a command waits for something to print.
#[cfg(unix)]
pub(crate) struct Audience(Option<pipe::Sender>);

#[cfg(unix)]
impl Audience {
    pub(crate) fn new() -> Self {
        use std::os::fd::AsFd;
        let stdout = io::stdout().as_fd().try_clone_to_owned();
        // Unchecked, since checking would make the stream refuse to wait, for all who share it. It is watched, and never
        // written to. What cannot be watched, such as a file, has nobody who could go.
        Self(stdout.and_then(pipe::Sender::from_owned_fd_unchecked).ok())
    }

    /// Completes once nobody is there any more.
    async fn gone(&self) {
        if let Some(stdout) = &self.0
            && stdout.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Whoever reads standard output. Here a command hears of their end when it prints.
#[cfg(not(unix))]
pub(crate) struct Audience;

#[cfg(not(unix))]
impl Audience {
    pub(crate) fn new() -> Self {
        Self
    }

    async fn gone(&self) {
        std::future::pending().await
    }
}

impl Audience {
    /// Waits for something to print, unless nobody is there any more to read it.
    pub(crate) async fn unless_gone<T>(&self, next: impl Future<Output = dl_core::Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            next = next => Ok(next?),
            () = self.gone() => Err(Failure::OutputClosed),
        }
    }
}
