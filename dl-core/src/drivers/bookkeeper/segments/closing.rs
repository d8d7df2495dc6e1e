//! The end of one opening of a namespace's segments.

use tokio::sync::watch;

use crate::error::{Error, Result};

/// Whether it was closed. Clones see the same.
#[derive(Clone)]
pub(super) struct Closing(watch::Sender<bool>);

impl Closing {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(super) fn close(&self) {
        self.0.send_replace(true);
    }

    /// # Errors
    /// `closed` if it is.
    pub(super) fn check(&self) -> Result<()> {
        if *self.0.borrow() { Err(closed()) } else { Ok(()) }
    }

    /// Runs a call until it ends or this is closed.
    pub(super) async fn guard<T>(&self, call: impl Future<Output = T>) -> Result<T> {
        self.check()?;
        let mut state = self.0.subscribe();
        tokio::select! {
            biased;
            // The sender lives in `self`, so the wait ends only with the value.
            _ = state.wait_for(|closed| *closed) => Err(closed()),
            result = call => Ok(result),
        }
    }
}

fn closed() -> Error {
    Error::closed("the namespace was closed; open it again")
}
