//! The end of a handle, which settles every call that waits on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::error::{Error, Result};

/// Whether something was closed, and a way to wait for it. Clones see the same.
#[derive(Debug, Clone)]
pub(crate) struct Closing {
    closed: watch::Sender<bool>,
    /// The same, cheap enough to be looked at for every record.
    flag: Arc<AtomicBool>,
    what: &'static str,
}

impl Closing {
    /// Something open; `what` names it in errors.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { closed: watch::Sender::new(false), flag: Arc::default(), what }
    }

    /// Closes it; `false` if it was closed already.
    pub(crate) fn close(&self) -> bool {
        self.flag.store(true, Ordering::Release);
        !self.closed.send_replace(true)
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// The error of every call on it from then on.
    pub(crate) fn error(&self) -> Error {
        Error::closed(format!("the {} was closed; open it again", self.what))
    }

    /// # Errors
    /// `closed` if it is.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_closed() { Err(self.error()) } else { Ok(()) }
    }

    /// Completes when it is closed.
    pub(crate) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives in `self`, so the wait ends only with the value.
        let _seen = closed.wait_for(|closed| *closed).await;
    }

    /// Runs a call until it ends or this is closed.
    pub(crate) async fn guard<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.check()?;
        tokio::select! {
            biased;
            result = call => result,
            () = self.closed() => Err(self.error()),
        }
    }
}

/// Counts tasks that have to end before something is gone.
#[derive(Debug, Default)]
pub(crate) struct Population(watch::Sender<usize>);

/// One of the population, until it is dropped.
#[derive(Debug)]
pub(crate) struct Member(watch::Sender<usize>);

impl Population {
    pub(crate) fn enter(&self) -> Member {
        self.0.send_modify(|count| *count += 1);
        Member(self.0.clone())
    }

    /// Completes when nobody is left.
    pub(crate) async fn empty(&self) {
        let mut count = self.0.subscribe();
        // The sender lives in `self`, so the wait ends only with the value.
        let _seen = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
