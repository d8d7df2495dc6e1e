//! A handle of the core that one call uses at a time, and that can be closed under a call that waits.

use dl_core::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, watch};

/// See the module.
pub(crate) struct TurnTaking<T> {
    inner: Mutex<T>,
    closed: watch::Sender<bool>,
}

impl<T> TurnTaking<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner: Mutex::new(inner), closed: watch::Sender::new(false) }
    }

    /// Runs a verb, which has this name in errors, when those that were started before have ended.
    ///
    /// # Errors
    /// `closed` as soon as it is closed; what the verb fails with.
    pub(crate) async fn run<R>(
        &self,
        operation: &'static str,
        verb: impl AsyncFnOnce(&mut T) -> Result<R>,
    ) -> Result<R> {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            // The sender lives in `self`, so the wait ends only with the value.
            _ = closed.wait_for(|closed| *closed) => {
                Err(Error::new(ErrorKind::Closed, "it was closed; open another one").during(operation))
            }
            answer = async { verb(&mut *self.inner.lock().await).await } => {
                answer.map_err(|error| error.during(operation))
            }
        }
    }

    /// Ends every verb that runs or waits, and all later ones, and then runs the one that closes.
    ///
    /// # Errors
    /// What that fails with.
    pub(crate) async fn close<R>(&self, verb: impl AsyncFnOnce(&mut T) -> Result<R>) -> Result<R> {
        self.end();
        verb(&mut *self.inner.lock().await).await
    }

    /// Runs the verb that closes when those that were started before have ended; all later ones fail.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) async fn finish<R>(&self, verb: impl AsyncFnOnce(&mut T) -> Result<R>) -> Result<R> {
        let answer = self.run("close", verb).await;
        self.end();
        answer
    }

    /// Ends every verb that runs or waits, and all later ones.
    pub(crate) fn end(&self) {
        self.closed.send_replace(true);
    }
}
