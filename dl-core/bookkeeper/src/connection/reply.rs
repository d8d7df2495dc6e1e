//! How a caller hears of the end of its request: once, whatever happens.

use crate::error::{Error, ErrorKind, Result};
use crate::protocol::Response;

/// Who is told how a request ended. It is told exactly once: with the result, or, if this is dropped before there is one
/// (the runtime ends, a task is dropped), that the connection was closed.
pub(super) struct Reply(Option<Box<dyn FnOnce(Result<Response>) + Send>>);

impl Reply {
    pub(super) fn new(done: impl FnOnce(Result<Response>) + Send + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub(super) fn send(mut self, result: Result<Response>) {
        if let Some(done) = self.0.take() {
            done(result);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Error::new(ErrorKind::Closed, "the connection was closed").maybe_effective()));
        }
    }
}

/// A reply and what it is to say, to be sent when no lock is held.
pub(super) struct Settled {
    pub(super) reply: Reply,
    pub(super) result: Result<Response>,
}

/// Sends replies.
pub(super) fn send_all(settled: impl IntoIterator<Item = Settled>) {
    for Settled { reply, result } in settled {
        reply.send(result);
    }
}
