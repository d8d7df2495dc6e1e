//! The only door to the outside world: time, tasks, the network, randomness.
//!
//! Whoever embeds this crate may bring its own, such as a simulated world; [`Seams::system`] is the real one.

mod names;
mod system;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The outside world as this crate sees it.
#[derive(Clone)]
pub struct Seams {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Tasks.
    pub tasks: Arc<dyn Tasks>,
    /// Connections.
    pub network: Arc<dyn Network>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl Seams {
    /// The real world, whose tasks run on the tokio runtime of the caller.
    ///
    /// # Panics
    /// Panics outside of a tokio runtime with time and I/O enabled.
    #[must_use]
    pub fn system() -> Self {
        system::seams()
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seams")
    }
}

/// Tells the time and waits for it to pass.
pub trait Clock: Send + Sync + 'static {
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;

    /// Completes when this much time has passed. Dropping it cancels the wait.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Runs work beside the caller.
pub trait Tasks: Send + Sync + 'static {
    /// Runs a future to its end, detached. It does not block.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Little more will be done: what a runtime keeps as long as somebody knows it is let go. What comes all the same is done
    /// on the runtime of the caller; without one, tasks are dropped.
    fn rest(&self) {}
}

/// Connects to others.
pub trait Network: Send + Sync + 'static {
    /// Opens a stream to `host:port`. What is written is sent at once, not held back to be sent with more.
    fn connect(&self, address: &str) -> BoxFuture<'static, io::Result<Box<dyn Stream>>>;
}

/// A source of random bytes that others cannot foresee.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer.
    ///
    /// # Errors
    /// Fails if the system has no randomness to give.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// A stream of bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}
