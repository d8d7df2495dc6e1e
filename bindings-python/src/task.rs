//! Calls that run on the threads of the runtime, and end with whoever waits for them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use dl_core::{Error, ErrorKind};
use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::session::closed;

/// A task that ends when nobody waits for it: its call is gone when this is dropped, and not a moment later, and so is the answer
/// that nobody took. Whoever cancelled an opening may open anew at once, and is not to be cut off by what was still running.
pub(crate) struct Task<T: Send> {
    task: JoinHandle<()>,
    running: Arc<Mutex<Running<T>>>,
}

/// Where a call stands.
enum Running<T> {
    Going(Pin<Box<dyn Future<Output = dl_core::Result<T>> + Send>>),
    /// Kept here, and not by the task, which would let it go at a time of its own.
    Ended(dl_core::Result<T>),
    /// Cancelled, or its answer was taken.
    Gone,
}

impl<T> Running<T> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Self::Going(call) = self else { return Poll::Ready(()) };
        call.as_mut().poll(context).map(|answer| *self = Self::Ended(answer))
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Gone)
    }
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn new(
        runtime: &Handle,
        call: impl Future<Output = dl_core::Result<T>> + Send + 'static,
    ) -> Self {
        let running = Arc::new(Mutex::new(Running::Going(Box::pin(call))));
        let run = running.clone();
        let task = runtime.spawn(std::future::poll_fn(move |context| guard(&run).poll(context)));
        Self { task, running }
    }
}

impl<T: Send> Future for Task<T> {
    type Output = dl_core::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context).map(|joined| match joined {
            Ok(()) => match guard(&self.running).take() {
                Running::Ended(answer) => answer,
                Running::Going(_) | Running::Gone => Err(closed()),
            },
            Err(error) if error.is_cancelled() => Err(closed()),
            Err(error) => Err(Error::new(ErrorKind::Internal, "a call panicked").caused_by(error)),
        })
    }
}

impl<T: Send> Drop for Task<T> {
    fn drop(&mut self) {
        self.task.abort();
        let running = &self.running;
        let call = running.try_lock().ok().map(|mut running| running.take());
        if call.is_none() {
            // A thread of the runtime is at it, and may need Python's lock to let go of an argument.
            let end = || drop(guard(running).take());
            Python::try_attach(|py| py.detach(end));
        }
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
