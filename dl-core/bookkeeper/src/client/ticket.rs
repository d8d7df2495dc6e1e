//! An entry on its way, to be waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result};
use crate::types::EntryId;

/// Completes when an entry is acknowledged, or will never be. Dropping it changes nothing for the entry.
#[derive(Debug)]
#[must_use = "whether the entry is acknowledged is known when this completes"]
pub struct Ticket(pub(super) oneshot::Receiver<Result<EntryId>>);

impl Future for Ticket {
    type Output = Result<EntryId>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let settled = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(settled.unwrap_or_else(|_| Err(abandoned())))
    }
}

/// The error of a writer that was dropped.
pub(super) fn abandoned() -> Error {
    let message = "the writer of the ledger was dropped; the ledger is left to be recovered";
    Error::new(ErrorKind::Closed, message).maybe_effective()
}
